/** The selected track or sensor: everything a person needs to weigh it. */

import { byId, el, facts, say } from "./dom.js";
import { AFFILIATION_OF, age, CLASS_WORD, clockTime, figure, HEALTH, KIND_WORD, position } from "./words.js";

/** @param {any} detail as `/api/v1/tracks/{id}` answers @param {(() => void)} close */
export function showTrack(detail, close) {
  const { track } = detail;
  const identity = AFFILIATION_OF[track.affiliation];
  const body = el("div", { class: "body" });
  body.append(
    facts([
      ["Identity", chip(identity)],
      ["Status", `${track.status}, known ${age((detail.at_ns - detail.born_ns) / 1e6)}`],
      ["Class", classWords(detail)],
      ["Position", `${position(track.lat_deg, track.lon_deg)}`],
      ["", `WGS84, ± ${metres(Math.max(track.sigma_e_m, track.sigma_n_m))} (1 σ)`],
      ["Height", `${figure(track.hae_m)} m ± ${metres(track.sigma_u_m)} above ellipsoid`],
      ["Speed", `${figure(detail.speed_mps)} m/s · ${figure(detail.speed_mps * 3.6)} km/h`],
      ["Course", `${figure(detail.course_deg).padStart(3, "0")}° true · climb ${figure(track.vu_mps, 1)} m/s`],
      ["Existence", `${figure(track.existence * 100)} % · quality ${track.quality} of 15`],
      ...(detail.group ? [["Group", groupWords(detail.group)]] : []),
      ["Information", `${age(detail.age_s * 1000)} old`],
    ]),
    ...reasons("For", detail.evidence_for),
    ...reasons("Against", detail.evidence_against),
    ...section("Sources", detail.sources.map((s) => `${KIND_WORD[s.kind] ?? s.kind}: ${age(s.age_s * 1000)} ago`)),
    ...section("History", (detail.events ?? []).map((event) => history(event, track.track_id))),
    ...section("Says of itself", Object.entries(detail.claims).map(([name, value]) => `${name} ${value}`)),
  );
  show(track.id, body, close, track.affiliation);
}

/** @param {any} sensor as `/api/v1/sensors` answers @param {(() => void)} close @param {number} pictureMs */
export function showSensor(sensor, close, pictureMs) {
  const health = HEALTH[sensor.health] ?? HEALTH.unknown;
  const sited = sensor.lat_deg !== null;
  const heard = sensor.heard_ns > 0;
  const body = el("div", { class: "body" });
  body.append(
    facts([
      ["Kind", KIND_WORD[sensor.kind] ?? sensor.kind],
      ["Health", health.word],
      ["Last heard", heard ? `${clockTime(sensor.heard_ns / 1e6)}Z, ${age(pictureMs - sensor.heard_ns / 1e6)} ago` : "–"],
      ["Site", sited ? position(sensor.lat_deg, sensor.lon_deg) : "moving, or not known"],
      ["Height", sited ? `${figure(sensor.hae_m)} m above ellipsoid` : "–"],
      ["Range", sensor.range_max_m ? `${figure(sensor.range_max_m / 1000, 1)} km, declared` : "not declared"],
      ["Delivers", sensor.delivers],
      ["Feed", sensor.feed || "–"],
      ["Owner", sensor.owner || "–"],
    ]),
  );
  show(sensor.sensor_id, body, close, "sensor");
}

/** Say that what was selected is no longer there.
 * @param {string} title @param {(() => void)} close */
export function showGone(title, close) {
  show(title, el("p", {}, "No longer in the picture."), close, "gone");
}

export function hideDetails() {
  byId("details").hidden = true;
}

/** @param {string} title @param {HTMLElement} body @param {(() => void)} close @param {string} kind */
function show(title, body, close, kind) {
  const box = byId("details");
  const scrolled = box.querySelector(".body")?.scrollTop ?? 0;
  const same = box.dataset.title === title;
  box.hidden = false;
  box.dataset.title = title;
  box.dataset.kind = kind;
  let button = /** @type {HTMLElement | null} */ (box.querySelector("button"));
  if (!button) {
    button = el("button", { type: "button", "aria-label": "Close", title: "Close (Esc)" }, "×");
    box.replaceChildren(el("h2", {}, title), button, body);
  }
  button.onclick = close;
  say(/** @type {HTMLElement} */ (box.querySelector("h2")), title);
  box.replaceChildren(/** @type {HTMLElement} */ (box.querySelector("h2")), button, body);
  if (same) body.scrollTop = scrolled;
}

/** @param {any} event @param {number} own */
function history(event, own) {
  const other = event.track_id === own ? event.other_id : event.track_id;
  const with_ = other === null ? "" : event.track_id === own ? ` to T-${other}` : ` from T-${other}`;
  const by = event.by ? ` by ${event.by}` : "";
  return `${clockTime(event.at_ns / 1e6)}Z ${event.kind}${with_}${by}: ${event.reason}`;
}

/** @param {any} group */
function groupWords(group) {
  const between = `${figure(group.count_low)}–${figure(group.count_high)}`;
  return `${group.id}, ≈ ${figure(group.count)} objects (${between})`;
}

/** @param {any} identity */
function chip(identity) {
  return el("span", { class: `chip ${identity.key}` }, `${identity.letter} · ${identity.word}`);
}

/** @param {any} detail */
function classWords(detail) {
  const { track, classes } = detail;
  if (track.class === "unknown") return "unknown";
  const others = classes.filter((each) => each.class !== track.class).slice(0, 2);
  const rest = others.map((each) => `${CLASS_WORD[each.class]} ${figure(each.p * 100)} %`).join(", ");
  return `${CLASS_WORD[track.class]} ${figure(track.class_p * 100)} %${rest ? ` (else ${rest})` : ""}`;
}

/** @param {number} value */
function metres(value) {
  return value >= 10000 ? `${figure(value / 1000)} km` : `${figure(value)} m`;
}

/** @param {string} word @param {string[]} texts */
function reasons(word, texts) {
  return texts.length ? section(`Evidence ${word.toLowerCase()}`, texts) : [];
}

/** @param {string} title @param {string[]} texts */
function section(title, texts) {
  return texts.length ? [el("h3", {}, title), el("ul", {}, ...texts.map((text) => el("li", {}, text)))] : [];
}
