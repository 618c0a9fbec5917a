/** What kind of truth is shown, and whether it still holds. */

import { byId, say } from "./dom.js";
import { clockDate, clockTime } from "./words.js";

const NOTES = {
  LIVE: "real sensors, now",
  EXERCISE: "an exercise: some of what is shown was injected",
  SIMULATION: "a simulation: everything shown is made up",
};
/** What is frozen is not now, and no banner may say so. */
const FROZEN_NOTES = {
  LIVE: "real sensors, but frozen: not now",
  EXERCISE: `${NOTES.EXERCISE}, and frozen`,
  SIMULATION: `${NOTES.SIMULATION}, and frozen`,
};
const PUBLISHED_WITHIN_MS = 3000;
const PUBLISHED_JUST_NOW_MS = 1500;

/** @param {any} status the wall's last word, or null @param {import("./store.js").Store} store
 * @param {import("./link.js").Link} link @param {boolean} frozen */
export function showBanner(status, store, link, frozen) {
  const domain = status ? status.truth_domain : "waiting";
  const replay = Boolean(status?.replay);
  document.body.dataset.domain = replay ? "REPLAY" : domain;
  if (!status) {
    say(byId("domain"), link.state === "lost" ? "NO LINK" : "CONNECTING");
    say(byId("domain-note"), link.state === "lost" ? "the wall does not answer; trying again" : "waiting for the wall");
    return;
  }
  say(byId("domain"), replay ? "REPLAY" : domain);
  const note = frozen ? FROZEN_NOTES[domain] : NOTES[domain];
  say(byId("domain-note"), replay ? replayNote(status, store) : note);
}

/** @param {any} status @param {import("./store.js").Store} store */
function replayNote(status, store) {
  const of = status.truth_domain === "SIMULATION" ? "of a simulation: made up, and not now" : "recorded earlier, not now";
  const at = store.atMs > 0 ? ` · ${clockDate(store.atMs)}` : "";
  const speed = Math.abs(store.rate - 1) > 0.15 ? ` · ${store.rate.toFixed(store.rate < 10 ? 1 : 0)}× speed` : "";
  return `${of}${at}${speed}${status.phase === "finished" ? " · finished" : ""}`;
}

/** Why the picture may no longer be taken for now, or null. The first that holds is said.
 * @param {any} status @param {import("./link.js").Link} link @returns {{why: string, sinceMs: number} | null} */
export function frozenBecause(status, link) {
  if (link.frozen()) return { why: "link lost", sinceMs: link.silenceMs() };
  if (!status) return null;
  if (status.phase === "failed") {
    return { why: `the wall has failed${status.detail ? `: ${status.detail}` : ""}`, sinceMs: unpublishedMs(status) };
  }
  if (status.phase !== "running") return null;
  if (unpublishedMs(status) > PUBLISHED_WITHIN_MS) {
    return { why: "the wall sends no new picture", sinceMs: unpublishedMs(status) };
  }
  if (behindMs(status) > PUBLISHED_WITHIN_MS) {
    return { why: "the wall goes on with an old picture", sinceMs: behindMs(status) };
  }
  return null;
}

/** Whether the wall has just published, so that a picture ought to have come.
 * @param {any} status */
export function publishes(status) {
  return status.phase === "running" && unpublishedMs(status) < PUBLISHED_JUST_NOW_MS;
}

/** @param {any} status */
function unpublishedMs(status) {
  return (status.now_ns - status.published_ns) / 1e6;
}

/** How far the picture is behind the wall's own time; a replay's is not of now, and before the first there is none.
 * @param {any} status */
function behindMs(status) {
  return status.replay || !status.at_ns ? 0 : (status.now_ns - status.at_ns) / 1e6;
}

/** Grey the picture and date it, or lift that.
 * @param {{why: string, sinceMs: number} | null} frozen @param {import("./store.js").Store} store */
export function showFreeze(frozen, store) {
  const box = byId("freeze");
  document.body.classList.toggle("frozen", frozen !== null);
  box.hidden = frozen === null;
  if (frozen === null) return;
  const at = store.atMs > 0 ? `PICTURE FROZEN AT ${clockTime(store.atMs)}Z` : "NO PICTURE";
  say(box, `${at}, ${Math.round(frozen.sinceMs / 1000)} s ago — ${frozen.why}`);
}

/** Say how far the wall has warmed up.
 * @param {any} status */
export function showWarmup(status) {
  const warming = status?.phase === "compiling";
  byId("warmup").hidden = !warming;
  if (!warming) return;
  const known = status.to_compile > 0;
  const how = known ? `: ${status.compiled} of ${status.to_compile} parts ready` : "";
  say(byId("warmup-text"), `The wall is warming up${how}. ${status.detail || ""}`.trim());
  const bar = /** @type {HTMLProgressElement} */ (byId("warmup-bar"));
  if (known) bar.value = status.compiled / status.to_compile;
  else bar.removeAttribute("value");
}

/** Show the picture's own time; in a replay it is not that of the wall clock.
 * @param {any} status @param {import("./store.js").Store} store @param {boolean} frozen */
export function showClock(status, store, frozen) {
  const replay = Boolean(status?.replay);
  const ms = replay || frozen ? store.atMs : Date.now();
  say(byId("clock-label"), replay ? "REPLAY, UTC" : frozen ? "FROZEN, UTC" : "UTC");
  say(byId("clock-time"), ms > 0 ? clockTime(ms) : "––:––:––");
  say(byId("clock-date"), ms > 0 ? clockDate(ms) : "");
}
