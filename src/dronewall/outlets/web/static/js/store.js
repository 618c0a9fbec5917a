/** What the page holds to be the picture: tracks as columns with room to grow, replaced by each full frame. */

import { mercatorX, mercatorY, RAD, stretch } from "./geo.js";
import { TRACK_COLUMNS } from "./wire.js";
import { HOSTILE, SUSPECT } from "./words.js";

/** @typedef {import("./wire.js").Frame} Frame */

const ARRAYS = { u4: Uint32Array, i4: Int32Array, f4: Float32Array, u2: Uint16Array, u1: Uint8Array, S8: Uint8Array };
const WIDTH = { S8: 8 };
const TRAIL_LENGTH = 120;
const TRAILS_FOR_ALL_BELOW = 2000;
const RATE_FROM_MS = 6000;

/** A key that a JavaScript number holds exactly, or a text where it does not.
 * @param {number} low @param {number} high @returns {number | string} */
export function keyOf(low, high) {
  return high < 0x200000 ? high * 4294967296 + low : `${high}:${low}`;
}

export class Store {
  constructor() {
    this.length = 0;
    this.capacity = 0;
    /** @type {Record<string, any>} columns as they travel */
    this.c = {};
    /** @type {Float64Array} map metres at the instant of the row's frame */
    this.x = new Float64Array(0);
    this.y = new Float64Array(0);
    /** @type {Float64Array} map metres per second */
    this.vx = new Float64Array(0);
    this.vy = new Float64Array(0);
    /** @type {Float64Array} instant, ms, at which each row holds */
    this.at = new Float64Array(0);
    /** @type {Map<number | string, number>} */
    this.rowOf = new Map();
    /** @type {Map<number | string, number[]>} */
    this.trails = new Map();
    this.remote = { length: 0 };
    this.bearings = { length: 0 };
    this.groups = { length: 0 };
    this.bearingsAtMs = 0;
    this.number = 0;
    this.seq = -1;
    this.atMs = 0;
    this.receivedMs = 0;
    this.tentative = 0;
    this.plotsTotal = 0;
    this.rate = 1;
    /** @type {[number, number][]} instants of the picture against the browser's clock */
    this.beats = [];
    /** @type {number | string | null} */
    this.selected = null;
  }

  /** Take a frame; false if it rests on one that this page does not have.
   * @param {Frame} frame @param {number} nowMs of `performance.now()` */
  take(frame, nowMs) {
    if (!frame.full && frame.base !== this.number) return false;
    if (frame.full) this.#replace(frame);
    else this.#amend(frame);
    this.number = frame.number;
    this.seq = frame.seq;
    this.atMs = frame.atMs;
    this.receivedMs = nowMs;
    this.tentative = frame.tentative;
    this.plotsTotal = frame.plotsTotal;
    this.#beat(frame.atMs, nowMs);
    return true;
  }

  /** The instant of the picture now, carried on from the last frame for at most `mostMs`.
   * @param {number} nowMs @param {number} [mostMs] */
  pictureMs(nowMs, mostMs = 2500) {
    return this.atMs + Math.min(Math.max(nowMs - this.receivedMs, 0), mostMs) * this.rate;
  }

  /** @param {number} row */
  key(row) {
    return keyOf(this.c.id_low[row], this.c.id_high[row]);
  }

  /** How old the newest information in a track is.
   * @param {number} row @param {number} pictureMs */
  ageMs(row, pictureMs) {
    return this.c.age_ms[row] + pictureMs - this.at[row];
  }

  /** @param {Frame} frame */
  #replace(frame) {
    this.#room(frame.tracks.length);
    for (const [name] of TRACK_COLUMNS) this.c[name].set(frame.tracks[name]);
    this.length = frame.tracks.length;
    this.rowOf.clear();
    for (let row = 0; row < this.length; row++) {
      this.#place(row, frame.atMs);
      this.rowOf.set(this.key(row), row);
    }
    this.remote = frame.remote;
    this.bearings = frame.bearings;
    this.groups = frame.groups;
    this.bearingsAtMs = frame.atMs;
    this.#leaveTrails();
  }

  /** @param {Frame} frame */
  #amend(frame) {
    const { tracks, gone } = frame;
    this.#room(this.length + tracks.length);
    const rows = new Int32Array(tracks.length);
    for (let i = 0; i < tracks.length; i++) {
      const key = keyOf(tracks.id_low[i], tracks.id_high[i]);
      let row = this.rowOf.get(key);
      if (row === undefined) {
        row = this.length++;
        this.rowOf.set(key, row);
      }
      rows[i] = row;
    }
    for (const [name, type] of TRACK_COLUMNS) scatter(this.c[name], tracks[name], rows, WIDTH[type] ?? 1);
    for (const row of rows) this.#place(row, frame.atMs);
    for (let i = 0; i < gone.length; i++) this.#remove(keyOf(gone.id_low[i], gone.id_high[i]));
  }

  /** @param {number | string} key */
  #remove(key) {
    const row = this.rowOf.get(key);
    if (row === undefined) return;
    const last = --this.length;
    this.rowOf.delete(key);
    this.trails.delete(key);
    if (row === last) return;
    for (const [name, type] of TRACK_COLUMNS) {
      const width = WIDTH[type] ?? 1;
      this.c[name].copyWithin(row * width, last * width, (last + 1) * width);
    }
    for (const column of [this.x, this.y, this.vx, this.vy, this.at]) column[row] = column[last];
    this.rowOf.set(this.key(row), row);
  }

  /** @param {number} row @param {number} atMs */
  #place(row, atMs) {
    const lat = this.c.lat_deg[row];
    const course = this.c.course_deg[row] * RAD;
    const speed = this.c.speed_mps[row] * stretch(lat);
    this.x[row] = mercatorX(this.c.lon_deg[row]);
    this.y[row] = mercatorY(lat);
    this.vx[row] = Math.sin(course) * speed;
    this.vy[row] = Math.cos(course) * speed;
    this.at[row] = atMs;
  }

  /** @param {number} length */
  #room(length) {
    if (length <= this.capacity) return;
    const capacity = Math.max(1024, Math.ceil(length * 1.5));
    for (const [name, type] of TRACK_COLUMNS) {
      this.c[name] = grown(this.c[name], new ARRAYS[type](capacity * (WIDTH[type] ?? 1)));
    }
    for (const name of ["x", "y", "vx", "vy", "at"]) this[name] = grown(this[name], new Float64Array(capacity));
    this.capacity = capacity;
  }

  #leaveTrails() {
    const all = this.length < TRAILS_FOR_ALL_BELOW;
    for (const key of this.trails.keys()) if (!this.rowOf.has(key)) this.trails.delete(key);
    for (let row = 0; row < this.length; row++) {
      const affiliation = this.c.affiliation[row];
      const key = this.key(row);
      if (!all && affiliation !== HOSTILE && affiliation !== SUSPECT && key !== this.selected) continue;
      let trail = this.trails.get(key);
      if (trail === undefined) this.trails.set(key, (trail = []));
      trail.push(this.x[row], this.y[row]);
      if (trail.length > 2 * TRAIL_LENGTH) trail.splice(0, 2);
    }
  }

  /** Learn how fast the picture's time runs: one second a second live, otherwise in a replay.
   * @param {number} atMs @param {number} nowMs */
  #beat(atMs, nowMs) {
    const last = this.beats[this.beats.length - 1];
    if (last && atMs < last[0]) this.beats.length = 0;
    this.beats.push([atMs, nowMs]);
    while (this.beats.length > 2 && nowMs - this.beats[0][1] > RATE_FROM_MS) this.beats.shift();
    const [firstAt, firstNow] = this.beats[0];
    if (nowMs - firstNow > 1500) this.rate = Math.min(Math.max((atMs - firstAt) / (nowMs - firstNow), 0), 100);
    if (Math.abs(this.rate - 1) < 0.1) this.rate = 1;
  }
}

/** Copy the rows of a column to where they belong.
 * @param {any} to @param {any} from @param {Int32Array} rows @param {number} width */
function scatter(to, from, rows, width) {
  if (width === 1) {
    for (let i = 0; i < rows.length; i++) to[rows[i]] = from[i];
    return;
  }
  for (let i = 0; i < rows.length; i++) {
    for (let k = 0; k < width; k++) to[rows[i] * width + k] = from[i * width + k];
  }
}

/** @param {any} from @param {any} to */
function grown(from, to) {
  if (from) to.set(from);
  return to;
}
