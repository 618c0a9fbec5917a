/** Draws tracks on their own canvas: symbols, leaders, ellipses, trails and labels, simpler the more there are. */

import { mercatorX, mercatorY, RAD, stretch } from "./geo.js";
import { CELL } from "./symbols.js";
import { textAt } from "./wire.js";
import { AFFILIATIONS, age, CLASSES, COASTING, figure, HOSTILE, PRESSING, shownId, SUSPECT } from "./words.js";

/** @typedef {import("./store.js").Store} Store */
/** @typedef {import("./view.js").View} View */

export const DOTS_ABOVE = 1500;
export const LABELS_BELOW = 400;
const SMALL_ABOVE = 150;
const SMALL_BELOW_ZOOM = 6.5;
const ELLIPSE_95 = 2.4477;
const HALO = "#070c12";
const PLATE = "rgba(7,12,18,0.72)";
const REMOTE_INK = "#56b4e9";
const GROUP_INK = "#f0f0f0";
const FONT = "11.5px 'Noto Sans', sans-serif";
const LINE = 14;
const CARRIED_ON_MS = 3000;
export const LEADERS_S = [60, 120, 0, 30];
export const LABEL_MODES = ["full", "short", "off"];

/** In the crowd a track is a mark of 4 or so pixels; its shape follows its frame as well as its colour does. */
const MARKS = [[4, 4], [4, 4], [3, 6], [3, 6], [6, 3], [5, 5], [5, 5]];

export class Painter {
  /** @param {import("./symbols.js").Symbols} symbols */
  constructor(symbols) {
    this.symbols = symbols;
    this.leader_s = LEADERS_S[0];
    this.labels = LABEL_MODES[0];
    this.trails = false;
    this.ellipses = true;
    this.counts = { inView: 0, full: 0, simplified: 0, pressing: 0, coasting: 0, labelled: 0, remote: 0, ellipses: 0, groups: 0 };
    this.seen = new Int32Array(0);
    this.sx = new Float32Array(0);
    this.sy = new Float32Array(0);
  }

  /** @param {CanvasRenderingContext2D} pen @param {View} view @param {Store} store @param {number} pictureMs */
  draw(pen, view, store, pictureMs) {
    const count = this.#look(view, store, pictureMs);
    const dots = count > DOTS_ABOVE;
    const rows = this.#order(store, count, dots);
    const chosen = store.selected === null ? undefined : store.rowOf.get(store.selected);
    if (dots) this.#marks(pen, store, count);
    this.#trailLines(pen, view, store, rows);
    if (this.ellipses) this.#uncertainty(pen, view, store, rows, chosen);
    this.#leaders(pen, view, store, rows);
    this.#remotes(pen, view, store, pictureMs);
    this.#groups(pen, view, store, pictureMs);
    this.#symbols(pen, view, store, rows);
    if (chosen !== undefined) this.#chosen(pen, view, store, chosen);
    const told = (i) => pressing(store, this.seen[i]) || this.seen[i] === chosen;
    const labelled = count > LABELS_BELOW ? rows.filter(told) : rows;
    this.counts.labelled = this.#labels(pen, view, store, labelled, chosen, pictureMs);
    this.counts.inView = count;
    this.counts.full = rows.length;
    this.counts.simplified = count - rows.length;
  }

  /** The row of the track nearest to a pixel of the last drawing, or -1.
   * @param {number} px @param {number} py @param {number} within */
  nearest(px, py, within) {
    let best = -1;
    let least = within * within;
    for (let i = 0; i < this.counts.inView; i++) {
      const far = (this.sx[i] - px) ** 2 + (this.sy[i] - py) ** 2;
      if (far < least) [best, least] = [this.seen[i], far];
    }
    return best;
  }

  /** Where a row was drawn, or null.
   * @param {number} row */
  placeOf(row) {
    const i = this.seen.subarray(0, this.counts.inView).indexOf(row);
    return i < 0 ? null : [this.sx[i], this.sy[i]];
  }

  /** Find what is on the screen. */
  #look(view, store, pictureMs) {
    if (this.seen.length < store.length) {
      this.seen = new Int32Array(store.capacity);
      this.sx = new Float32Array(store.capacity);
      this.sy = new Float32Array(store.capacity);
    }
    let count = 0;
    for (let row = 0; row < store.length; row++) {
      const dt = Math.min(pictureMs - store.at[row], CARRIED_ON_MS * store.rate) / 1000;
      const px = view.px(store.x[row] + store.vx[row] * dt);
      const py = view.py(store.y[row] + store.vy[row] * dt);
      if (!view.near(px, py, CELL / 2)) continue;
      this.seen[count] = row;
      this.sx[count] = px;
      this.sy[count++] = py;
    }
    return count;
  }

  /** Indices into `seen` of what is drawn in full, the least pressing first. */
  #order(store, count, dots) {
    /** @type {number[][]} */
    const byAffiliation = AFFILIATIONS.map(() => []);
    const { affiliation, status } = store.c;
    let [coasting, urgent] = [0, 0];
    for (let i = 0; i < count; i++) {
      const row = this.seen[i];
      if (status[row] === COASTING) coasting++;
      if (pressing(store, row)) urgent++;
      if (dots && !pressing(store, row) && store.key(row) !== store.selected) continue;
      byAffiliation[affiliation[row]].push(i);
    }
    this.counts.coasting = coasting;
    this.counts.pressing = urgent;
    return [...PRESSING].reverse().flatMap((each) => byAffiliation[each]);
  }

  #marks(pen, store, count) {
    const { affiliation, status } = store.c;
    for (let each = 0; each < SUSPECT; each++) {
      const [width, height] = MARKS[each];
      pen.fillStyle = AFFILIATIONS[each].ink;
      for (let i = 0; i < count; i++) {
        const row = this.seen[i];
        if (affiliation[row] !== each) continue;
        const x = (this.sx[i] - width / 2) | 0;
        const y = (this.sy[i] - height / 2) | 0;
        pen.fillRect(x, y, width, height);
        if (status[row] === COASTING) pen.clearRect(x + 1, y + 1, width - 2, height - 2);
      }
    }
  }

  #symbols(pen, view, store, rows) {
    const { affiliation, object_class, status } = store.c;
    const crowd = rows.length > SMALL_ABOVE || view.zoom < SMALL_BELOW_ZOOM;
    for (const i of rows) {
      const row = this.seen[i];
      const size = crowd && !pressing(store, row) ? "small" : "large";
      const coasting = status[row] === COASTING;
      this.symbols.blit(pen, affiliation[row], object_class[row], coasting, this.sx[i], this.sy[i], size);
    }
  }

  #leaders(pen, view, store, rows) {
    if (this.leader_s === 0) return;
    const every = rows.length <= LABELS_BELOW;
    pen.lineWidth = 1.3;
    for (const each of PRESSING) {
      if (!every && each < SUSPECT) continue;
      for (const dashed of [false, true]) {
        pen.beginPath();
        for (const i of rows) {
          const row = this.seen[i];
          if (store.c.affiliation[row] !== each || (store.c.status[row] === COASTING) !== dashed) continue;
          pen.moveTo(this.sx[i], this.sy[i]);
          pen.lineTo(
            this.sx[i] + (store.vx[row] * this.leader_s) / view.resolution,
            this.sy[i] - (store.vy[row] * this.leader_s) / view.resolution,
          );
        }
        pen.setLineDash(dashed ? [3, 3] : []);
        pen.strokeStyle = AFFILIATIONS[each].ink;
        pen.stroke();
      }
    }
    pen.setLineDash([]);
  }

  /** Where the object is with 95 %: drawn where it is larger than the symbol. */
  #uncertainty(pen, view, store, rows, chosen) {
    const { major_m, minor_m, azimuth_deg, affiliation, lat_deg } = store.c;
    const every = rows.length <= LABELS_BELOW;
    let drawn = 0;
    pen.lineWidth = 1;
    for (const i of rows) {
      const row = this.seen[i];
      if (!every && row !== chosen && !pressing(store, row)) continue;
      const scale = (ELLIPSE_95 * stretch(lat_deg[row])) / view.resolution;
      const major = major_m[row] * scale;
      if (!(major > 9) || major > 4000) continue;
      pen.beginPath();
      pen.ellipse(
        this.sx[i], this.sy[i], major, Math.max(minor_m[row] * scale, 1), (azimuth_deg[row] - 90) * RAD, 0, 7,
      );
      pen.strokeStyle = AFFILIATIONS[affiliation[row]].ink;
      pen.globalAlpha = row === chosen ? 0.95 : 0.55;
      pen.stroke();
      drawn++;
    }
    pen.globalAlpha = 1;
    this.counts.ellipses = drawn;
  }

  #trailLines(pen, view, store, rows) {
    pen.lineWidth = 1.2;
    pen.globalAlpha = 0.6;
    for (const i of rows) {
      const row = this.seen[i];
      const key = store.key(row);
      if (!this.trails && key !== store.selected) continue;
      const trail = store.trails.get(key);
      if (trail === undefined || trail.length < 4) continue;
      pen.beginPath();
      for (let k = 0; k < trail.length; k += 2) pen[k ? "lineTo" : "moveTo"](view.px(trail[k]), view.py(trail[k + 1]));
      pen.lineTo(this.sx[i], this.sy[i]);
      pen.strokeStyle = AFFILIATIONS[store.c.affiliation[row]].ink;
      pen.stroke();
    }
    pen.globalAlpha = 1;
  }

  /** Tracks that others estimated: a ring in a ring, with an R. */
  #remotes(pen, view, store, pictureMs) {
    const { remote } = store;
    let drawn = 0;
    pen.font = `600 ${FONT}`;
    for (let row = 0; row < remote.length; row++) {
      const dt = Math.min((pictureMs - store.bearingsAtMs + remote.age_ms[row]) / 1000, 10);
      const speed = (remote.speed_mps[row] || 0) * stretch(remote.lat_deg[row]);
      const course = remote.course_deg[row] * RAD;
      const x = Math.round(view.px(mercatorX(remote.lon_deg[row]) + (Math.sin(course) * speed * dt || 0)));
      const y = Math.round(view.py(mercatorY(remote.lat_deg[row]) + (Math.cos(course) * speed * dt || 0)));
      if (!view.near(x, y, CELL)) continue;
      ringInRing(pen, x, y);
      drawn++;
      view.room.take(x - 9, y - 9, 18, 18);
      if (this.labels === "off") continue;
      const said = textAt(remote.callsign, row, 8) || textAt(remote.track_ref, row, 36);
      if (remote.length < LABELS_BELOW) write(pen, view, x, y, [[`R ${said}`, REMOTE_INK]], { beside: 12 });
    }
    this.counts.remote = drawn;
  }

  /** Objects that fly together: one outline about all, and how many they likely are. */
  #groups(pen, view, store, pictureMs) {
    const { groups } = store;
    let drawn = 0;
    for (let row = 0; row < groups.length; row++) {
      const dt = Math.min((pictureMs - store.bearingsAtMs) / 1000, CARRIED_ON_MS / 1000);
      const speed = groups.speed_mps[row] * stretch(groups.lat_deg[row]);
      const course = groups.course_deg[row] * RAD;
      const x = view.px(mercatorX(groups.lon_deg[row]) + Math.sin(course) * speed * dt);
      const y = view.py(mercatorY(groups.lat_deg[row]) + Math.cos(course) * speed * dt);
      const scale = (ELLIPSE_95 * stretch(groups.lat_deg[row])) / view.resolution;
      const major = groups.major_m[row] * scale + CELL / 2;
      const minor = groups.minor_m[row] * scale + CELL / 2;
      if (!view.near(x, y, major)) continue;
      outline(pen, x, y, major, minor, (groups.azimuth_deg[row] - 90) * RAD);
      drawn++;
      write(pen, view, x, y - minor, [[groupCount(groups, row), GROUP_INK]], { beside: 6, always: true, plate: true });
    }
    this.counts.groups = drawn;
  }

  #chosen(pen, view, store, chosen) {
    const place = this.placeOf(chosen);
    if (place === null) return;
    const [x, y] = place;
    const r = CELL / 2 + 1;
    pen.beginPath();
    for (const [dx, dy] of [[-1, -1], [1, -1], [1, 1], [-1, 1]]) {
      pen.moveTo(x + dx * r, y + dy * (r - 8));
      pen.lineTo(x + dx * r, y + dy * r);
      pen.lineTo(x + dx * (r - 8), y + dy * r);
    }
    pen.strokeStyle = "#ffffff";
    pen.lineWidth = 2;
    pen.stroke();
  }

  /** The chosen one and the pressing come first and may cover others; the rest take what room is left. */
  #labels(pen, view, store, rows, chosen, pictureMs) {
    const urgent = (i) => this.seen[i] === chosen || pressing(store, this.seen[i]);
    const ordered = [...rows].reverse();
    const first = chosen === undefined ? -1 : ordered.findIndex((i) => this.seen[i] === chosen);
    if (first > 0) ordered.unshift(...ordered.splice(first, 1));
    let drawn = 0;
    for (const group of [ordered.filter(urgent), ordered.filter((i) => !urgent(i))]) {
      for (const i of group) view.room.take(this.sx[i] - 11, this.sy[i] - 11, 22, 22);
      for (const i of group) if (this.#label(pen, view, store, i, chosen, pictureMs)) drawn++;
    }
    return drawn;
  }

  #label(pen, view, store, i, chosen, pictureMs) {
    const row = this.seen[i];
    if (this.labels === "off" && row !== chosen) return false;
    const lines = said(store, row, pictureMs, this.labels === "full" || row === chosen);
    const leftFirst = (store.vx[row] * this.leader_s) / view.resolution > CELL / 3;
    const always = row === chosen;
    const plate = always || pressing(store, row);
    return write(pen, view, this.sx[i], this.sy[i], lines, { beside: always ? 24 : 17, leftFirst, always, plate });
  }
}

/** @param {Store} store @param {number} row */
function pressing(store, row) {
  const affiliation = store.c.affiliation[row];
  return affiliation === HOSTILE || affiliation === SUSPECT;
}

/** What a label says: identity letter and name, then height, speed and climb; a coasting track says how old it is. */
function said(store, row, pictureMs, full) {
  const { c } = store;
  const { letter, ink } = AFFILIATIONS[c.affiliation[row]];
  const name = textAt(c.callsign, row, 8) || shownId(c.id_low[row], c.id_high[row]);
  const coasts = c.status[row] === COASTING;
  const lines = [[`${letter} ${name}`, ink]];
  if (coasts) lines.push([`coasting ${age(store.ageMs(row, pictureMs))}`, ink]);
  if (!full) return lines;
  const climb = c.climb_mps[row] > 2 ? " ↑" : c.climb_mps[row] < -2 ? " ↓" : "";
  const height = c.sigma_up_m[row] > 1000 ? "height ?" : `${figure(Math.round(c.hae_m[row] / 10) * 10)} m`;
  if (!coasts) lines.push([`${height}  ${figure(c.speed_mps[row])} m/s${climb}`, "#b4c2d0"]);
  return lines;
}

/** @type {Map<string, number>} */
const WIDTHS = new Map();

/** How wide a text is in the labels' bold font; asking the canvas is slow, and labels repeat. */
function widthOf(pen, text) {
  let width = WIDTHS.get(text);
  if (width === undefined) {
    if (WIDTHS.size > 4000) WIDTHS.clear();
    WIDTHS.set(text, (width = pen.measureText(text).width));
  }
  return width;
}

/** Write a label where there is room beside its symbol, first where its leader does not go.
 * @returns {boolean} whether it was written; `always` writes it even over others */
function write(pen, view, x, y, lines, { beside = 17, leftFirst = false, always = false, plate = false } = {}) {
  pen.font = `600 ${FONT}`;
  let width = 0;
  for (const [text] of lines) width = Math.max(width, widthOf(pen, text));
  const height = LINE * lines.length;
  const places = [
    [x + beside, y - height / 2],
    [x - beside - width, y - height / 2],
    [x - width / 2, y + beside],
    [x - width / 2, y - beside - height],
  ];
  if (leftFirst) places.reverse().unshift(places.splice(2, 1)[0]);
  const free = places.find(([left, top]) => view.room.claim(left, top, width, height));
  const place = free ?? (always ? places[0] : undefined);
  if (place === undefined) return false;
  const [left, top] = place;
  if (plate) {
    pen.fillStyle = PLATE;
    pen.fillRect(left - 3, top - 1, width + 6, height + 2);
  }
  lines.forEach(([text, ink], line) => {
    const at = Math.round(top + LINE * line + 11);
    pen.font = `${line ? 400 : 600} ${FONT}`;
    pen.lineWidth = 3;
    pen.strokeStyle = HALO;
    pen.strokeText(text, Math.round(left), at);
    pen.fillStyle = ink;
    pen.fillText(text, Math.round(left), at);
  });
  return true;
}

/** How many objects a group likely holds, and between which numbers with 90 %.
 * @param {import("./wire.js").Table} groups @param {number} row */
export function groupCount(groups, row) {
  return `≈ ${figure(groups.count[row])} (${figure(groups.count_low[row])}–${figure(groups.count_high[row])})`;
}

/** The outline of a group. */
export function outline(pen, x, y, major, minor, angle) {
  for (const [ink, width] of [[HALO, 4], [GROUP_INK, 1.6]]) {
    pen.beginPath();
    pen.ellipse(x, y, major, minor, angle, 0, 7);
    pen.strokeStyle = ink;
    pen.lineWidth = width;
    pen.setLineDash([8, 3, 2, 3]);
    pen.stroke();
  }
  pen.setLineDash([]);
}

/** The symbol of a remote track. */
export function ringInRing(pen, x, y) {
  pen.lineWidth = 4;
  for (const [ink, width] of [[HALO, 4], [REMOTE_INK, 1.8]]) {
    pen.beginPath();
    pen.arc(x, y, 8, 0, 7);
    pen.moveTo(x + 3, y);
    pen.arc(x, y, 3, 0, 7);
    pen.strokeStyle = ink;
    pen.lineWidth = width;
    pen.stroke();
  }
}

export { CLASSES, pressing };
