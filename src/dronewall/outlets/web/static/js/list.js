/** The list of tracks: the same picture for whoever reads rather than looks; most pressing first. */

import { byId, el, say } from "./dom.js";
import { textAt } from "./wire.js";
import { AFFILIATIONS, age, CLASSES, COASTING, figure, PRESSING, shownId } from "./words.js";

const ROW_PX = 28;
const RANK = AFFILIATIONS.map((_, affiliation) => PRESSING.indexOf(affiliation));

export class TrackList {
  /** @param {import("./store.js").Store} store @param {(row: number) => void} choose */
  constructor(store, choose) {
    this.store = store;
    this.choose = choose;
    /** @type {(number | string)[]} keys of the tracks found, in the order shown: rows move with every frame */
    this.keys = [];
    this.box = byId("list");
    this.room = byId("list-room");
    this.search = /** @type {HTMLInputElement} */ (byId("search"));
    /** @type {HTMLElement[]} */
    this.lines = [];
    this.search.addEventListener("input", () => this.refresh());
    this.search.addEventListener("keydown", (event) => this.#inSearch(event));
    this.box.addEventListener("scroll", () => this.#draw());
    this.box.addEventListener("keydown", (event) => this.#inList(event));
    this.room.addEventListener("click", (event) => {
      const line = /** @type {HTMLElement} */ (event.target).closest("[data-at]");
      if (line) this.#chooseAt(Number(line.getAttribute("data-at")));
    });
  }

  /** Read the picture again and show it. */
  refresh() {
    const { store } = this;
    const wanted = this.search.value.trim().toLowerCase();
    const rows = [];
    for (let row = 0; row < store.length; row++) if (!wanted || this.#text(row).includes(wanted)) rows.push(row);
    const { affiliation, id_low, id_high } = store.c;
    rows.sort((a, b) =>
      RANK[affiliation[a]] - RANK[affiliation[b]] || id_high[a] - id_high[b] || id_low[a] - id_low[b]);
    this.keys = rows.map((row) => store.key(row));
    this.room.style.height = `${rows.length * ROW_PX}px`;
    const hidden = store.length - rows.length;
    say(byId("list-note"), wanted ? `${figure(rows.length)} found, ${figure(hidden)} hidden by the search` : "");
    this.#draw();
  }

  /** The track after the selected one, in the order of the list; wraps around.
   * @param {number} [step] */
  next(step = 1) {
    this.refresh();
    const many = this.keys.length;
    if (many === 0) return -1;
    const at = this.#selectedAt();
    return this.store.rowOf.get(this.keys[at < 0 ? 0 : (at + step + many) % many]) ?? -1;
  }

  /** Bring the selected track into sight. */
  reveal() {
    const at = this.#selectedAt();
    if (at < 0) return;
    const top = at * ROW_PX;
    if (top < this.box.scrollTop) this.box.scrollTop = top;
    if (top + ROW_PX > this.box.scrollTop + this.box.clientHeight) {
      this.box.scrollTop = top + ROW_PX - this.box.clientHeight;
    }
    this.#draw();
  }

  #selectedAt() {
    return this.store.selected === null ? -1 : this.keys.indexOf(this.store.selected);
  }

  /** @param {number} at */
  #chooseAt(at) {
    const row = this.store.rowOf.get(this.keys[at]);
    if (row !== undefined) this.choose(row);
  }

  /** @param {number} row */
  #text(row) {
    const { c } = this.store;
    const kind = CLASSES[c.object_class[row]];
    const id = shownId(c.id_low[row], c.id_high[row]);
    const held = AFFILIATIONS[c.affiliation[row]].word;
    return `${id} ${textAt(c.callsign, row, 8)} ${held} ${kind.word} ${kind.key}`.toLowerCase();
  }

  #draw() {
    const first = Math.max(0, Math.floor(this.box.scrollTop / ROW_PX) - 2);
    const last = Math.min(this.keys.length, first + Math.ceil(this.box.clientHeight / ROW_PX) + 4);
    while (this.lines.length < last - first) this.lines.push(this.#line());
    const pictureMs = this.store.pictureMs(performance.now());
    let active = "";
    this.lines.forEach((line, i) => {
      const at = first + i;
      line.hidden = at >= last;
      if (line.hidden) return;
      const row = this.store.rowOf.get(this.keys[at]);
      line.hidden = row === undefined;
      if (row !== undefined && this.#fill(line, at, row, pictureMs)) active = line.id;
    });
    if (active) this.box.setAttribute("aria-activedescendant", active);
    else this.box.removeAttribute("aria-activedescendant");
  }

  #line() {
    const line = el("div", { role: "option", id: `line-${this.lines.length}` });
    for (let i = 0; i < 6; i++) line.append(el("span"));
    this.room.append(line);
    return line;
  }

  /** @param {HTMLElement} line @param {number} at @param {number} row @param {number} pictureMs @returns {boolean} whether selected */
  #fill(line, at, row, pictureMs) {
    const { c } = this.store;
    const held = AFFILIATIONS[c.affiliation[row]];
    const kind = CLASSES[c.object_class[row]];
    const chosen = this.store.key(row) === this.store.selected;
    const coasts = c.status[row] === COASTING;
    const texts = [
      held.letter,
      textAt(c.callsign, row, 8) || shownId(c.id_low[row], c.id_high[row]),
      kind.short,
      c.sigma_up_m[row] > 1000 ? "?" : figure(c.hae_m[row]),
      figure(c.speed_mps[row]),
      age(this.store.ageMs(row, pictureMs)),
    ];
    texts.forEach((text, i) => say(/** @type {HTMLElement} */ (line.children[i]), text));
    line.className = `${held.key}${coasts ? " coasting" : ""}`;
    line.style.transform = `translateY(${at * ROW_PX}px)`;
    line.setAttribute("data-at", String(at));
    line.setAttribute("aria-selected", String(chosen));
    line.setAttribute("aria-label", `${held.word}, ${texts[1]}, ${kind.word}${coasts ? ", coasting" : ""}`);
    return chosen;
  }

  /** @param {KeyboardEvent} event */
  #inSearch(event) {
    if (event.key === "Enter" && this.keys.length) this.#chooseAt(0);
    if (event.key === "ArrowDown") this.box.focus();
    if (event.key === "Escape" && this.search.value) {
      this.search.value = "";
      this.refresh();
      event.stopPropagation();
    }
  }

  /** @param {KeyboardEvent} event */
  #inList(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const row = this.next(step);
    if (row >= 0) this.choose(row);
  }
}
