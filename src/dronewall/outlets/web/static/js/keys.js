/** Everything the mouse can do, on the keyboard. */

import { byId, el } from "./dom.js";

/** @typedef {{keys: string[], shown: string, does: string, act: (event: KeyboardEvent) => void}} Key */

/** @param {Key[]} keys */
export function listen(keys) {
  drawHelp(keys);
  const acts = new Map(keys.flatMap((key) => key.keys.map((each) => [each, key.act])));
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const typing = event.target instanceof HTMLInputElement;
    if (typing && event.key !== "Escape") return;
    const tabbing = event.target instanceof HTMLElement && event.target.getAttribute("role") === "tab";
    if (tabbing && event.key.startsWith("Arrow")) return;
    const act = acts.get(event.key.length === 1 ? event.key.toLowerCase() : event.key);
    if (!act) return;
    event.preventDefault();
    act(event);
  });
}

export function helpIsOpen() {
  return !byId("help").hidden;
}

/** @param {boolean} open */
export function showHelp(open) {
  byId("help").hidden = !open;
}

/** @param {Key[]} keys */
function drawHelp(keys) {
  const table = el("dl", {}, ...keys.filter((key) => key.does).flatMap((key) => [
    el("dt", {}, ...key.shown.split(" ").map((each) => el("kbd", {}, each))), el("dd", {}, key.does),
  ]));
  const close = el("button", { type: "button" }, "Close (Esc)");
  close.onclick = () => showHelp(false);
  byId("help").replaceChildren(el("h2", {}, "Keys"), table, close);
}

/** The panels on the right: arrows move between tabs as in any other program. */
export function tabs() {
  const all = [...document.querySelectorAll('[role="tab"]')].map((each) => /** @type {HTMLElement} */ (each));
  /** @param {HTMLElement} chosen */
  const choose = (chosen) => {
    for (const tab of all) {
      tab.setAttribute("aria-selected", String(tab === chosen));
      tab.tabIndex = tab === chosen ? 0 : -1;
      byId(/** @type {string} */ (tab.getAttribute("aria-controls"))).hidden = tab !== chosen;
    }
  };
  all.forEach((tab, at) => {
    tab.onclick = () => choose(tab);
    tab.onkeydown = (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step === undefined) return;
      const other = all[(at + step + all.length) % all.length];
      choose(other);
      other.focus();
    };
  });
  return { choose: (id) => choose(byId(id)) };
}
