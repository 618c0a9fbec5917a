/** The words of the house by the codes that travel in frames, with how each is shown. */

/** @typedef {{key: string, word: string, letter: string, ink: string, fill: string}} AffiliationWord */

/** APP-6 colours; the letter and the frame's shape say the same to whoever cannot tell the colours. What does not
 * press is drawn in a calmer shade of its colour, so that the eye finds the hostile and the suspect first.
 * @type {AffiliationWord[]} */
export const AFFILIATIONS = [
  { key: "pending", word: "Pending", letter: "P", ink: "#e8df8c", fill: "#cfc66a" },
  { key: "unknown", word: "Unknown", letter: "U", ink: "#e8df8c", fill: "#cfc66a" },
  { key: "assumed_friend", word: "Assumed friend", letter: "A", ink: "#8fd0ea", fill: "#6db4cf" },
  { key: "friend", word: "Friend", letter: "F", ink: "#8fd0ea", fill: "#6db4cf" },
  { key: "neutral", word: "Neutral", letter: "N", ink: "#9fdcab", fill: "#7fbb8b" },
  { key: "suspect", word: "Suspect", letter: "S", ink: "#ffbc60", fill: "#ffbc60" },
  { key: "hostile", word: "Hostile", letter: "H", ink: "#ff8080", fill: "#ff7474" },
];
export const SUSPECT = 5;
export const HOSTILE = 6;

/** Most pressing first: the order of lists, and of what is drawn on top. */
export const PRESSING = [6, 5, 0, 1, 2, 3, 4];

/** APP-6D entity of each class: symbol set and entity. Birds and what nobody named carry an empty frame.
 * @type {{key: string, word: string, short: string, set: string, entity: string}[]} */
export const CLASSES = [
  { key: "uav_fixed_wing", word: "Drone, fixed wing", short: "drone fw", set: "01", entity: "110300" },
  { key: "uav_rotary", word: "Drone, rotary", short: "drone rw", set: "01", entity: "110400" },
  { key: "loitering", word: "One-way drone", short: "one-way", set: "01", entity: "110300" },
  { key: "decoy", word: "Decoy", short: "decoy", set: "01", entity: "130200" },
  { key: "cruise_missile", word: "Cruise missile", short: "missile", set: "02", entity: "110000" },
  { key: "aeroplane", word: "Aeroplane", short: "aeroplane", set: "01", entity: "110100" },
  { key: "light_aircraft", word: "Light aircraft", short: "light ac", set: "01", entity: "110100" },
  { key: "helicopter", word: "Helicopter", short: "helo", set: "01", entity: "110200" },
  { key: "glider", word: "Glider", short: "glider", set: "01", entity: "110100" },
  { key: "balloon", word: "Balloon", short: "balloon", set: "01", entity: "110500" },
  { key: "bird", word: "Bird", short: "bird", set: "01", entity: "000000" },
  { key: "unknown", word: "Class unknown", short: "–", set: "01", entity: "000000" },
];
export const CLASS_UNKNOWN = 11;

export const TENTATIVE = 0;
export const CONFIRMED = 1;
export const COASTING = 2;

/** How a kind of sensor is drawn: `shape` is a name that `sensors.js` knows.
 * @type {{key: string, word: string, shape: string}[]} */
export const SENSOR_KINDS = [
  { key: "radar_3d", word: "Radar, 3-D", shape: "triangle" },
  { key: "radar_2d", word: "Radar, 2-D", shape: "triangle" },
  { key: "ssr", word: "Secondary radar", shape: "triangle" },
  { key: "passive_radar", word: "Passive radar", shape: "hexagon" },
  { key: "acoustic_array", word: "Acoustic array", shape: "circle" },
  { key: "acoustic_presence", word: "Acoustic, presence", shape: "circle" },
  { key: "rf_df", word: "Radio direction finder", shape: "plus" },
  { key: "camera", word: "Camera", shape: "square" },
  { key: "adsb", word: "ADS-B receiver", shape: "tee" },
  { key: "mlat", word: "Multilateration", shape: "tee" },
  { key: "remote_id", word: "Remote ID receiver", shape: "tee" },
  { key: "vendor_tracker", word: "Vendor tracker", shape: "hexagon" },
  { key: "observer", word: "Observer", shape: "square" },
];

export const KIND_WORD = Object.fromEntries(SENSOR_KINDS.map((kind) => [kind.key, kind.word]));
export const CLASS_WORD = Object.fromEntries(CLASSES.map((each) => [each.key, each.word]));
export const AFFILIATION_OF = Object.fromEntries(AFFILIATIONS.map((each) => [each.key, each]));

/** @type {Record<string, {word: string, ink: string}>} */
export const HEALTH = {
  heard: { word: "heard", ink: "#7fc8b0" },
  quiet: { word: "quiet: nothing to report", ink: "#71839a" },
  unknown: { word: "not counted", ink: "#71839a" },
  late: { word: "late: no report for three turns", ink: "#e69f00" },
  lost: { word: "lost: its feed is down", ink: "#d55e00" },
};

export const BEARING_INK = { acoustic: "0,158,115", radio: "204,121,167" };

/** A track's number as people see it.
 * @param {number} low @param {number} high @returns {string} */
export function shownId(low, high) {
  const shard = high >>> 16;
  const counter = String((high & 0xffff) * 4294967296 + low).padStart(6, "0");
  return shard === 0 ? `T-${counter}` : `T-${shard}-${counter}`;
}

/** A track's number whole, as REST takes it.
 * @param {number} low @param {number} high @returns {string} */
export function wholeId(low, high) {
  return ((BigInt(high) << 32n) | BigInt(low)).toString();
}

/** One formatter for each number of digits: making one costs more than all it will ever format.
 * @type {Intl.NumberFormat[]} */
const FORMATS = [0, 1, 2].map((digits) =>
  new Intl.NumberFormat("en-GB", { maximumFractionDigits: digits, minimumFractionDigits: digits }));

/** @param {number} value @param {number} [digits] 0, 1 or 2 */
export function figure(value, digits = 0) {
  const rounded = Math.round(value * 10 ** digits) / 10 ** digits || 0;
  return digits === 0 && rounded >= 0 && rounded < 1000 ? String(rounded) : FORMATS[digits].format(rounded);
}

/** An age in words short enough for a label.
 * @param {number} ms */
export function age(ms) {
  const s = Math.max(0, ms) / 1000;
  if (s < 10) return `${s.toFixed(1)} s`;
  if (s < 120) return `${Math.round(s)} s`;
  if (s < 7200) return `${Math.round(s / 60)} min`;
  return `${Math.round(s / 3600)} h`;
}

/** @param {number} ms since the epoch @returns {string} HH:MM:SS */
export function clockTime(ms) {
  return new Date(ms).toISOString().slice(11, 19);
}

/** @param {number} ms since the epoch @returns {string} YYYY-MM-DD */
export function clockDate(ms) {
  return new Date(ms).toISOString().slice(0, 10);
}

/** A position in degrees and decimal minutes.
 * @param {number} lat @param {number} lon */
export function position(lat, lon) {
  return `${degrees(lat, "N", "S", 2)} ${degrees(lon, "E", "W", 3)}`;
}

/** @param {number} value @param {string} plus @param {string} minus @param {number} width */
function degrees(value, plus, minus, width) {
  const thousandths = Math.round(Math.abs(value) * 60000);
  const whole = Math.floor(thousandths / 60000);
  const minutes = ((thousandths % 60000) / 1000).toFixed(3).padStart(6, "0");
  return `${String(whole).padStart(width, "0")}°${minutes}′${value < 0 ? minus : plus}`;
}
