/** The canvases over the map, and when they are drawn. */

import { byId } from "./dom.js";
import { Ground } from "./ground.js";
import { DOTS_ABOVE, LABELS_BELOW, Painter } from "./tracks.js";
import { Symbols } from "./symbols.js";
import { Room, View } from "./view.js";

const FOOT_PX = 26;

/** A canvas in main memory: without the hint Chromium may draw it in a software GPU, seconds late. */
function canvasOver(parent) {
  const canvas = document.createElement("canvas");
  canvas.className = "overlay";
  parent.appendChild(canvas);
  return { canvas, pen: canvas.getContext("2d", { willReadFrequently: true }) };
}

export class Stage {
  /** @param {any} map @param {import("./store.js").Store} store @param {() => boolean} still whether time stands still */
  constructor(map, store, still) {
    this.map = map;
    this.store = store;
    this.still = still;
    this.symbols = new Symbols();
    this.painter = new Painter(this.symbols);
    this.ground = new Ground();
    const over = map.getViewport().querySelector(".ol-layers") ?? map.getViewport();
    this.under = canvasOver(over.parentElement ?? over);
    this.over = canvasOver(over.parentElement ?? over);
    this.room = new Room(1, 1);
    this.plate = byId("counts");
    /** @type {string | null} */
    this.chosenSensor = null;
    this.dirty = { tracks: true, ground: true };
    this.drawnMs = 0;
    this.drawCostMs = 0;
    this.draws = 0;
    /** @type {(() => void)[]} */
    this.afterDraw = [];
    map.on("postrender", () => this.#now(true));
    requestAnimationFrame(() => this.#tick());
  }

  /** Ask for tracks, and perhaps what is under them, to be drawn at the next frame. */
  ask({ ground = false } = {}) {
    this.dirty.tracks = true;
    this.dirty.ground ||= ground;
  }

  /** The view as it is. */
  view() {
    const map = this.map.getView();
    return new View(this.map.getSize() ?? [1, 1], map.getCenter(), map.getResolution(), map.getZoom(), this.room);
  }

  /** How long a drawing may stand before tracks are carried on: the more there are, the longer. */
  #stands() {
    const inView = this.painter.counts.inView;
    return inView > DOTS_ABOVE ? Infinity : inView > LABELS_BELOW ? 500 : 100;
  }

  #tick() {
    requestAnimationFrame(() => this.#tick());
    const due = performance.now() - this.drawnMs > this.#stands() && !this.still();
    if (this.dirty.tracks || this.dirty.ground || due) this.#now(false);
  }

  /** @param {boolean} moved whether the map itself moved */
  #now(moved) {
    const size = this.map.getSize();
    if (!size) return;
    const begun = performance.now();
    this.#fit(size);
    const view = this.view();
    const pictureMs = this.store.pictureMs(begun);
    this.over.pen.clearRect(0, 0, size[0], size[1]);
    this.room.clear();
    this.room.take(0, 0, this.plate.offsetLeft + this.plate.offsetWidth, this.plate.offsetTop + this.plate.offsetHeight);
    this.room.take(0, size[1] - FOOT_PX, size[0], FOOT_PX);
    this.painter.draw(this.over.pen, view, this.store, pictureMs);
    if (moved || this.dirty.ground) {
      this.under.pen.clearRect(0, 0, size[0], size[1]);
      this.ground.draw(this.under.pen, view, this.store, pictureMs, this.chosenSensor);
    }
    this.dirty = { tracks: false, ground: false };
    this.drawnMs = performance.now();
    this.drawCostMs = this.drawnMs - begun;
    this.draws++;
    for (const done of this.afterDraw.splice(0)) done();
  }

  /** @param {[number, number]} size */
  #fit([width, height]) {
    if (this.over.canvas.width === width && this.over.canvas.height === height) return;
    for (const { canvas } of [this.over, this.under]) [canvas.width, canvas.height] = [width, height];
    this.room = new Room(width, height);
  }
}
