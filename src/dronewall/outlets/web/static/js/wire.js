/** Reads the frames that `frames.py` writes. Typed arrays lie over the message: nothing is copied. */

const HEADER_BYTES = 80;
const DOMAINS = ["LIVE", "EXERCISE", "SIMULATION"];

const TYPES = {
  u4: { bytes: 4, view: (b, o, n) => new Uint32Array(b, o, n) },
  i4: { bytes: 4, view: (b, o, n) => new Int32Array(b, o, n) },
  f4: { bytes: 4, view: (b, o, n) => new Float32Array(b, o, n) },
  u2: { bytes: 2, view: (b, o, n) => new Uint16Array(b, o, n) },
  u1: { bytes: 1, view: (b, o, n) => new Uint8Array(b, o, n) },
  S8: { bytes: 8, view: (b, o, n) => new Uint8Array(b, o, 8 * n) },
  S36: { bytes: 36, view: (b, o, n) => new Uint8Array(b, o, 36 * n) },
};

/** Name and type of each column, in the order in which they travel. */
export const TRACK_COLUMNS = [
  ["id_low", "u4"], ["id_high", "u4"], ["lon_deg", "f4"], ["lat_deg", "f4"], ["hae_m", "f4"], ["course_deg", "f4"],
  ["speed_mps", "f4"], ["climb_mps", "f4"], ["major_m", "f4"], ["minor_m", "f4"], ["azimuth_deg", "f4"],
  ["sigma_up_m", "f4"], ["age_ms", "u4"], ["kinds", "u2"], ["existence", "u1"], ["class_p", "u1"], ["status", "u1"],
  ["affiliation", "u1"], ["object_class", "u1"], ["quality", "u1"], ["callsign", "S8"],
];
const GONE_COLUMNS = [["id_low", "u4"], ["id_high", "u4"]];
const REMOTE_COLUMNS = [
  ["sensor", "i4"], ["lon_deg", "f4"], ["lat_deg", "f4"], ["hae_m", "f4"], ["course_deg", "f4"], ["speed_mps", "f4"],
  ["sigma_m", "f4"], ["age_ms", "u4"], ["track_ref", "S36"], ["callsign", "S8"],
];
const BEARING_COLUMNS = [
  ["sensor", "i4"], ["lon_deg", "f4"], ["lat_deg", "f4"], ["azimuth_deg", "f4"], ["sigma_deg", "f4"],
  ["reach_m", "f4"], ["age_ms", "u4"], ["track_low", "u4"], ["track_high", "u4"], ["kind", "u1"],
];

const GROUP_COLUMNS = [
  ["id_low", "u4"], ["id_high", "u4"], ["lon_deg", "f4"], ["lat_deg", "f4"], ["hae_m", "f4"], ["course_deg", "f4"],
  ["speed_mps", "f4"], ["major_m", "f4"], ["minor_m", "f4"], ["azimuth_deg", "f4"], ["members", "u4"],
  ["count", "u4"], ["count_low", "u4"], ["count_high", "u4"],
];

/**
 * @typedef {Record<string, any> & {length: number}} Table
 * @typedef {object} Frame
 * @property {boolean} full
 * @property {string} domain
 * @property {number} number
 * @property {number} base
 * @property {number} seq
 * @property {number} atMs
 * @property {number} sentMs
 * @property {number} plotsTotal
 * @property {number} confirmedTotal
 * @property {number} tentative
 * @property {Table} tracks
 * @property {Table} gone
 * @property {Table} remote
 * @property {Table} bearings
 * @property {Table} groups
 */

/** @param {ArrayBuffer} message @returns {Frame} */
export function decode(message) {
  const head = new DataView(message);
  if (head.getUint32(0, false) !== 0x44575046 || head.getUint16(4, true) !== 1) {
    throw new Error("a frame of another version: reload the page");
  }
  const full = head.getUint8(6) === 0;
  const [tracks, gone, remote, bearings, tentative, groups] = [56, 60, 64, 68, 72, 76].map((at) => head.getUint32(at, true));
  const reader = { message, at: HEADER_BYTES };
  return {
    full,
    domain: DOMAINS[head.getUint8(7)],
    number: head.getUint32(8, true),
    base: head.getUint32(12, true),
    seq: Number(head.getBigInt64(16, true)),
    atMs: milliseconds(head.getBigInt64(24, true)),
    sentMs: milliseconds(head.getBigInt64(32, true)),
    plotsTotal: Number(head.getBigInt64(40, true)),
    confirmedTotal: Number(head.getBigInt64(48, true)),
    tentative,
    tracks: table(reader, TRACK_COLUMNS, tracks),
    gone: full ? { length: 0 } : table(reader, GONE_COLUMNS, gone),
    remote: full ? table(reader, REMOTE_COLUMNS, remote) : { length: 0 },
    bearings: full ? table(reader, BEARING_COLUMNS, bearings) : { length: 0 },
    groups: full ? table(reader, GROUP_COLUMNS, groups) : { length: 0 },
  };
}

/** @param {bigint} ns */
function milliseconds(ns) {
  return Number(ns / 1000n) / 1000;
}

/** @param {{message: ArrayBuffer, at: number}} reader @param {string[][]} layout @param {number} length */
function table(reader, layout, length) {
  /** @type {Table} */
  const columns = { length };
  for (const [name, type] of layout) {
    const { bytes, view } = TYPES[type];
    columns[name] = view(reader.message, reader.at, length);
    const size = bytes * length;
    reader.at += size + ((8 - (size % 8)) % 8);
  }
  return columns;
}

/** Text from a fixed-width column.
 * @param {Uint8Array} column @param {number} row @param {number} width */
export function textAt(column, row, width) {
  let text = "";
  for (let i = row * width; i < (row + 1) * width && column[i] !== 0; i++) {
    text += column[i] >= 32 && column[i] < 127 ? String.fromCharCode(column[i]) : "�";
  }
  return text.trim();
}
