/** The page, told once: frames come in, the store holds the picture, the stage draws it, panels tell of it. */

import { baseMap, fontsReady } from "./basemap.js";
import { frozenBecause, publishes, showBanner, showClock, showFreeze, showWarmup } from "./banner.js";
import { Measures } from "./cop.js";
import { hideDetails, showGone, showSensor, showTrack } from "./details.js";
import { byId, say } from "./dom.js";
import { lonLat } from "./geo.js";
import { helpIsOpen, listen, showHelp, tabs } from "./keys.js";
import { showLegend } from "./legend.js";
import { Link } from "./link.js";
import { TrackList } from "./list.js";
import { Stage } from "./stage.js";
import { Store } from "./store.js";
import { LABEL_MODES, LEADERS_S } from "./tracks.js";
import { showAlerts, showWall } from "./wall.js";
import { decode } from "./wire.js";
import { figure, position, shownId, wholeId } from "./words.js";

const REACH_PX = 20;
const PAN_PX = 120;
const SENSORS_TELL = 3;

class Page {
  /** @param {any} map */
  constructor(map) {
    this.map = map;
    this.store = new Store();
    this.measures = new Measures();
    this.link = new Link({
      picture: (message) => this.#picture(message),
      event: (event) => this.#event(event),
      state: () => this.#state(),
    });
    this.stage = new Stage(map, this.store, () => this.frozen !== null);
    this.list = new TrackList(this.store, (row) => this.chooseTrack(row, { centre: true }));
    this.tabs = tabs();
    /** @type {any} */
    this.status = null;
    /** @type {any[]} */
    this.feeds = [];
    /** @type {any[]} */
    this.sensors = [];
    /** @type {{why: string, sinceMs: number} | null} */
    this.frozen = null;
    this.fitted = false;
    /** @type {{title: string, url: string, sensor: boolean} | null} */
    this.selected = null;
  }

  start() {
    showLegend(this.stage.symbols);
    this.#pointer();
    this.#keyboard();
    this.link.start();
    setInterval(() => this.#second(), 1000);
    setInterval(() => this.#clock(), 250);
  }

  /** @param {ArrayBuffer} message @returns {boolean} whether it could be used */
  #picture(message) {
    const begun = performance.now();
    const frame = decode(message);
    if (!this.store.take(frame, begun)) {
      this.measures.resyncs++;
      return false;
    }
    this.measures.took(frame, message.byteLength, performance.now() - begun);
    this.stage.afterDraw.push(() => this.measures.drew(frame.sentMs));
    this.stage.ask({ ground: frame.full });
    if (this.measures.fulls === 1 && frame.full) this.list.refresh();
    this.#fitOnce();
    return true;
  }

  /** @param {any} event */
  #event(event) {
    if (event.event === "status") {
      this.status = event.status;
      this.link.warmingUp = event.status.phase === "compiling";
      this.link.publishing = publishes(event.status);
    }
    if (event.event === "feeds") this.feeds = event.feeds;
    if (event.event === "alerts") showAlerts(event.alerts, (alert) => this.#look(alert));
    if (event.event === "sensors") {
      this.sensors = event.sensors;
      this.stage.ground.take(event.sensors);
      this.stage.ask({ ground: true });
      this.#fitOnce();
    }
    this.#state();
  }

  #state() {
    this.frozen = frozenBecause(this.status, this.link);
    showBanner(this.status, this.store, this.link, this.frozen !== null);
    showFreeze(this.frozen, this.store);
    showWarmup(this.frozen ? null : this.status);
  }

  #clock() {
    showClock(this.status, this.store, this.frozen !== null);
    const { counts } = this.stage.painter;
    const parts = [`${figure(this.store.length)} tracks`, `${figure(counts.inView)} in view`];
    if (counts.pressing) parts.push(`${figure(counts.pressing)} hostile or suspect, all drawn in full`);
    if (counts.simplified) parts.push(`${figure(counts.simplified)} others drawn as marks: zoom in`);
    if (counts.coasting) parts.push(`${figure(counts.coasting)} coasting`);
    if (counts.remote) parts.push(`${figure(counts.remote)} remote`);
    say(byId("counts"), parts.join(" · "));
  }

  #second() {
    if (!this.frozen) this.list.refresh();
    if (!byId("panel-wall").hidden) {
      const drawMs = Measures.quantile(this.measures.latenciesMs.slice(-60), 0.95);
      const told = { open: `open, heard ${figure(this.link.silenceMs())} ms ago` }[this.link.state];
      showWall(this.status, this.feeds, this.sensors, { link: told ?? this.link.state, drawMs });
    }
    if (!this.frozen) this.stage.ask({ ground: this.store.bearings.length > 0 });
    this.#ask();
  }

  /** @param {any} alert */
  #look(alert) {
    if (alert.track_id === null) return;
    for (const [key, row] of this.store.rowOf) if (key === alert.track_id) this.chooseTrack(row, { centre: true });
  }

  /** @param {number} row @param {{centre?: boolean}} [how] */
  chooseTrack(row, { centre = false } = {}) {
    const { c } = this.store;
    this.store.selected = this.store.key(row);
    this.stage.chosenSensor = null;
    const title = shownId(c.id_low[row], c.id_high[row]);
    this.selected = { title, url: `/api/v1/tracks/${wholeId(c.id_low[row], c.id_high[row])}`, sensor: false };
    if (centre) this.#bringIn(this.store.x[row], this.store.y[row]);
    this.list.reveal();
    this.stage.ask({ ground: true });
    this.#ask();
  }

  /** @param {any} sensor */
  chooseSensor(sensor) {
    this.store.selected = null;
    this.stage.chosenSensor = sensor.sensor_id;
    this.selected = { title: sensor.sensor_id, url: "/api/v1/sensors", sensor: true };
    this.stage.ask({ ground: true });
    this.#ask();
  }

  chooseNothing() {
    this.store.selected = this.selected = this.stage.chosenSensor = null;
    hideDetails();
    this.list.reveal();
    this.stage.ask({ ground: true });
  }

  /** Ask the wall for what is known of the selected one. */
  async #ask() {
    const asked = this.selected;
    if (asked === null || this.frozen) return;
    const close = () => this.chooseNothing();
    const gone = !asked.sensor && this.store.selected !== null && !this.store.rowOf.has(this.store.selected);
    if (gone) {
      showGone(asked.title, close);
      return;
    }
    const answer = await fetch(asked.url).catch(() => null);
    if (answer === null || this.selected !== asked) return;
    if (!answer.ok) showGone(asked.title, close);
    else if (!asked.sensor) showTrack(await answer.json(), close);
    else {
      const sensor = (await answer.json()).find((each) => each.sensor_id === asked.title);
      if (sensor) showSensor(sensor, close, this.store.pictureMs(performance.now()));
    }
  }

  /** Move the map only if the place is not well inside it.
   * @param {number} x @param {number} y */
  #bringIn(x, y) {
    const view = this.stage.view();
    if (view.near(view.px(x), view.py(y), -80)) return;
    this.map.getView().setCenter([x, y]);
  }

  /** At first show what the sensors watch; where there are too few to tell, show the first tracks. */
  #fitOnce() {
    if (this.fitted || (this.store.seq < 0 && this.sensors.length === 0)) return;
    const sited = this.stage.ground.sensors.filter((sensor) => sensor.sited);
    const many = sited.length >= SENSORS_TELL;
    this.fitted = many ? this.#show(sited.map((s) => s.x), sited.map((s) => s.y)) : this.fit();
  }

  /** Show every track, or every sensor if there is none; false if there is neither. */
  fit() {
    const { store } = this;
    const sited = this.stage.ground.sensors.filter((sensor) => sensor.sited);
    const xs = store.length ? store.x.subarray(0, store.length) : sited.map((sensor) => sensor.x);
    const ys = store.length ? store.y.subarray(0, store.length) : sited.map((sensor) => sensor.y);
    return this.#show(xs, ys);
  }

  /** @param {ArrayLike<number>} xs @param {ArrayLike<number>} ys map metres */
  #show(xs, ys) {
    if (xs.length === 0) return false;
    const extent = [Infinity, Infinity, -Infinity, -Infinity];
    for (let i = 0; i < xs.length; i++) {
      extent[0] = Math.min(extent[0], xs[i]);
      extent[1] = Math.min(extent[1], ys[i]);
      extent[2] = Math.max(extent[2], xs[i]);
      extent[3] = Math.max(extent[3], ys[i]);
    }
    this.map.getView().fit(extent, { padding: [64, 60, 56, 60], maxZoom: 9 });
    return true;
  }

  #pointer() {
    this.map.on("click", (event) => {
      const [px, py] = event.pixel;
      const row = this.stage.painter.nearest(px, py, REACH_PX);
      const sensor = this.stage.ground.nearest(this.stage.view(), px, py, REACH_PX / 2);
      if (row >= 0) this.chooseTrack(row);
      else if (sensor) this.chooseSensor(sensor);
      else this.chooseNothing();
      byId("map").focus({ preventScroll: true });
    });
    this.map.on("pointermove", (event) => {
      if (event.dragging) return;
      const [lon, lat] = lonLat(event.coordinate[0], event.coordinate[1]);
      say(byId("cursor"), position(lat, lon));
    });
  }

  #keyboard() {
    const view = this.map.getView();
    const { painter, ground } = this.stage;
    const turned = (values, value) => values[(values.indexOf(value) + 1) % values.length];
    const zoom = (by) => view.animate({ zoom: view.getZoom() + by, duration: 120 });
    const pan = (dx, dy) => () => {
      const [x, y] = view.getCenter();
      view.setCenter([x + dx * PAN_PX * view.getResolution(), y + dy * PAN_PX * view.getResolution()]);
    };
    const key = (keys, shown, does, act) => ({ keys, shown, does, act });
    const redraw = { ground: true };
    listen([
      key(["?"], "?", "these keys", () => showHelp(!helpIsOpen())),
      key(["Escape"], "Esc", "close, clear the selection", () => this.#escape()),
      key(["n"], "n N", "next or previous track, most pressing first", (event) => {
        const row = this.list.next(event.shiftKey ? -1 : 1);
        if (row >= 0) this.chooseTrack(row, { centre: true });
      }),
      key(["/"], "/", "search tracks", () => {
        this.tabs.choose("tab-tracks");
        byId("search").focus();
      }),
      key(["c"], "c", "centre on the selected track", () => {
        const row = this.store.rowOf.get(this.store.selected ?? "");
        if (row !== undefined) view.setCenter([this.store.x[row], this.store.y[row]]);
      }),
      key(["f"], "f", "fit everything", () => this.fit()),
      key(["+", "="], "+", "zoom in", () => zoom(1)),
      key(["-", "_"], "-", "zoom out", () => zoom(-1)),
      key(["ArrowLeft"], "← → ↑ ↓", "move the map", pan(-1, 0)),
      ...[["ArrowRight", 1, 0], ["ArrowUp", 0, 1], ["ArrowDown", 0, -1]].map(([name, dx, dy]) =>
        key([name], "", "", pan(dx, dy))),
      key(["v"], "v", "leader: 60, 120, 0 or 30 seconds", () => {
        painter.leader_s = turned(LEADERS_S, painter.leader_s);
        this.#told(painter.leader_s ? `Leader ${painter.leader_s} s` : "No leaders");
      }),
      key(["l"], "l", "labels: full, short or off", () => {
        painter.labels = turned(LABEL_MODES, painter.labels);
        this.#told(`Labels ${painter.labels}`);
      }),
      key(["e"], "e", "uncertainty ellipses", () => {
        painter.ellipses = !painter.ellipses;
        this.#told(`Ellipses ${painter.ellipses ? "on" : "off"}`);
      }),
      key(["t"], "t", "trails of all tracks", () => {
        painter.trails = !painter.trails;
        this.#told(`Trails ${painter.trails ? "on" : "of the selected track only"}`);
      }),
      key(["b"], "b", "bearings", () => {
        ground.shows.bearings = !ground.shows.bearings;
        this.stage.ask(redraw);
        this.#told(`Bearings ${ground.shows.bearings ? "on" : "off"}`);
      }),
      key(["s"], "s", "sensors", () => {
        ground.shows.sensors = !ground.shows.sensors;
        this.stage.ask(redraw);
        this.#told(`Sensors ${ground.shows.sensors ? "on" : "off"}`);
      }),
    ]);
  }

  #escape() {
    if (helpIsOpen()) showHelp(false);
    else if (document.activeElement === byId("search")) byId("map").focus();
    else this.chooseNothing();
  }

  /** Say briefly what a key changed.
   * @param {string} text */
  #told(text) {
    const box = byId("told");
    say(box, text);
    box.hidden = false;
    clearTimeout(this.untold);
    this.untold = setTimeout(() => (box.hidden = true), 1600);
    this.stage.ask({ ground: true });
  }

  /** What tests read. */
  hook() {
    const page = this;
    return {
      get seq() { return page.store.seq; },
      get atMs() { return page.store.atMs; },
      get tracks() { return page.store.length; },
      get counts() { return { ...page.stage.painter.counts }; },
      get ground() {
        return {
          bearings: page.stage.ground.bearingsDrawn, sensors: page.stage.ground.sensorsDrawn,
          known: page.sensors.length,
        };
      },
      get link() { return { state: page.link.state, frozen: page.frozen?.why ?? null, reconnects: page.link.reconnects }; },
      get symbols() { return page.stage.symbols.valid; },
      get draws() { return page.stage.draws; },
      get drawCostMs() { return page.stage.drawCostMs; },
      get selected() { return page.selected?.title ?? null; },
      get leader_s() { return page.stage.painter.leader_s; },
      get labels() { return page.stage.painter.labels; },
      get zoom() { return page.map.getView().getZoom(); },
      get status() { return page.status; },
      measures: page.measures,
      drop: () => page.link.drop(),
      look: (lon, lat, zoom) => {
        page.map.getView().setCenter(ol.proj.fromLonLat([lon, lat]));
        page.map.getView().setZoom(zoom);
        page.map.renderSync();
      },
      pixelOf: (id) => {
        for (let row = 0; row < page.store.length; row++) {
          if (shownId(page.store.c.id_low[row], page.store.c.id_high[row]) === id) return page.stage.painter.placeOf(row);
        }
        return null;
      },
      pixelAt: (lon, lat) => page.map.getPixelFromCoordinate(ol.proj.fromLonLat([lon, lat])),
      ids: () => Array.from({ length: page.store.length }, (_, row) =>
        shownId(page.store.c.id_low[row], page.store.c.id_high[row])),
    };
  }
}

await fontsReady();
const map = await baseMap(byId("map"), byId("scale"));
const page = new Page(map);
window.__cop = page.hook();
page.start();
