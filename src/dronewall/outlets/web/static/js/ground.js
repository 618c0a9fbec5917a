/** What lies under the tracks: sensors and their bearings, on a canvas of its own that tracks never redraw. */

import { mercatorX, mercatorY, RAD, stretch } from "./geo.js";
import { BEARING_INK, HEALTH, SENSOR_KINDS } from "./words.js";

/** @typedef {import("./view.js").View} View */

const BEARING_LIVES_MS = 30000;
const REACH_M = { acoustic: 8000, radio: 40000 };
const SPREAD_DEG = 2;
const FADES_FROM_PX = 24;
const HALO = "#0b1118";
const SHAPES = {
  triangle: (p, x, y, r) => polygon(p, x, y, r * 1.25, 3, -90),
  square: (p, x, y, r) => p.rect(x - r, y - r, 2 * r, 2 * r),
  hexagon: (p, x, y, r) => polygon(p, x, y, r * 1.1, 6, 0),
  circle: (p, x, y, r) => {
    p.moveTo(x + r, y);
    p.arc(x, y, r, 0, 7);
  },
  plus: (p, x, y, r) => {
    p.rect(x - r * 1.2, y - r * 0.4, r * 2.4, r * 0.8);
    p.rect(x - r * 0.4, y - r * 1.2, r * 0.8, r * 2.4);
  },
  tee: (p, x, y, r) => {
    p.rect(x - r * 1.1, y - r, r * 2.2, r * 0.7);
    p.rect(x - r * 0.35, y - r, r * 0.7, r * 2.2);
  },
};

export class Ground {
  constructor() {
    /** @type {any[]} sensors as REST gives them, with map metres */
    this.sensors = [];
    this.shows = { sensors: true, bearings: true };
    this.bearingsDrawn = 0;
    this.sensorsDrawn = 0;
  }

  /** @param {any[]} sensors */
  take(sensors) {
    this.sensors = sensors.map((sensor) =>
      sensor.lat_deg === null || sensor.lon_deg === null
        ? { ...sensor, sited: false }
        : { ...sensor, sited: true, x: mercatorX(sensor.lon_deg), y: mercatorY(sensor.lat_deg) });
  }

  /** @param {CanvasRenderingContext2D} pen @param {View} view @param {import("./store.js").Store} store
   * @param {number} pictureMs @param {string | null} chosen id of the selected sensor */
  draw(pen, view, store, pictureMs, chosen) {
    this.bearingsDrawn = this.shows.bearings ? this.#bearings(pen, view, store, pictureMs) : 0;
    this.sensorsDrawn = this.shows.sensors ? this.#sensors(pen, view, chosen) : 0;
  }

  /** A bearing is a direction from its sensor, as wide as it is uncertain, with an open end: never a point.
   * Without azimuth something is heard around the sensor, nobody knows where: a circle as far as it hears.
   * @param {CanvasRenderingContext2D} pen @param {View} view @param {import("./store.js").Store} store
   * @param {number} pictureMs */
  #bearings(pen, view, store, pictureMs) {
    const b = store.bearings;
    let drawn = 0;
    for (let i = 0; i < b.length; i++) {
      const age = b.age_ms[i] + pictureMs - store.bearingsAtMs;
      if (!(age < BEARING_LIVES_MS) || Number.isNaN(b.lat_deg[i])) continue;
      const radio = SENSOR_KINDS[b.kind[i]]?.key === "rf_df";
      const reach_m = b.reach_m[i] > 0 ? b.reach_m[i] : radio ? REACH_M.radio : REACH_M.acoustic;
      const x = view.px(mercatorX(b.lon_deg[i]));
      const y = view.py(mercatorY(b.lat_deg[i]));
      const reach = (reach_m * stretch(b.lat_deg[i])) / view.resolution;
      if (!view.near(x, y, reach)) continue;
      const fresh = 1 - age / BEARING_LIVES_MS;
      if (Number.isNaN(b.azimuth_deg[i])) circle(pen, x, y, reach, fresh);
      else sector(pen, x, y, reach, b.azimuth_deg[i], b.sigma_deg[i], radio, fresh);
      drawn++;
    }
    return drawn;
  }

  /** @param {CanvasRenderingContext2D} pen @param {View} view @param {string | null} chosen */
  #sensors(pen, view, chosen) {
    const named = view.zoom >= 9;
    let drawn = 0;
    pen.lineWidth = 1;
    for (const sensor of this.sensors) {
      if (!sensor.sited) continue;
      const x = Math.round(view.px(sensor.x));
      const y = Math.round(view.py(sensor.y));
      if (!view.near(x, y, 12)) continue;
      shape(pen, sensor, x, y, radius(sensor, view.zoom));
      if (sensor.sensor_id === chosen) ring(pen, x, y);
      drawn++;
      const large = SENSOR_KINDS.find((k) => k.key === sensor.kind)?.shape === "triangle";
      if (sensor.sensor_id === chosen || (large ? named : view.zoom >= 10.5)) name(pen, view, sensor, x, y);
    }
    return drawn;
  }

  /** The sensor nearest to a pixel, or null.
   * @param {View} view @param {number} px @param {number} py @param {number} within */
  nearest(view, px, py, within) {
    let best = null;
    let least = within * within;
    for (const sensor of this.shows.sensors ? this.sensors : []) {
      if (!sensor.sited) continue;
      const far = (view.px(sensor.x) - px) ** 2 + (view.py(sensor.y) - py) ** 2;
      if (far < least) [best, least] = [sensor, far];
    }
    return best;
  }
}

/** @param {any} sensor @param {number} zoom */
function radius(sensor, zoom) {
  const many = sensor.kind.startsWith("acoustic");
  const grown = Math.min(Math.max((zoom - 5) / 4, 0), 1);
  return many ? 1.4 + 3.2 * grown : 3 + 2.5 * grown;
}

/** @param {CanvasRenderingContext2D} pen @param {any} sensor @param {number} x @param {number} y @param {number} r */
function shape(pen, sensor, x, y, r) {
  const kind = SENSOR_KINDS.find((each) => each.key === sensor.kind) ?? SENSOR_KINDS[12];
  const health = HEALTH[sensor.health] ?? HEALTH.unknown;
  pen.beginPath();
  SHAPES[kind.shape](pen, x, y, r);
  if (r > 3) {
    pen.strokeStyle = HALO;
    pen.lineWidth = 2;
    pen.stroke();
  }
  pen.fillStyle = health.ink;
  pen.fill();
  if (sensor.health === "lost" || sensor.health === "late") {
    const arm = r + 3;
    pen.beginPath();
    pen.moveTo(x - arm, y - arm);
    pen.lineTo(x + arm, y + arm);
    if (sensor.health === "lost") {
      pen.moveTo(x - arm, y + arm);
      pen.lineTo(x + arm, y - arm);
    }
    pen.strokeStyle = health.ink;
    pen.lineWidth = 1.6;
    pen.stroke();
  }
}

/** @param {CanvasRenderingContext2D} pen @param {View} view @param {any} sensor @param {number} x @param {number} y */
function name(pen, view, sensor, x, y) {
  pen.font = "400 11px 'Noto Sans', sans-serif";
  const width = pen.measureText(sensor.sensor_id).width;
  if (!view.room.claim(x - width / 2, y + 7, width, 13)) return;
  pen.lineWidth = 3;
  pen.strokeStyle = HALO;
  pen.strokeText(sensor.sensor_id, x - width / 2, y + 17);
  pen.fillStyle = "#9fb0c0";
  pen.fillText(sensor.sensor_id, x - width / 2, y + 17);
}

/** @param {CanvasRenderingContext2D} pen @param {number} x @param {number} y */
function ring(pen, x, y) {
  pen.beginPath();
  pen.arc(x, y, 11, 0, 7);
  pen.strokeStyle = "#ffffff";
  pen.lineWidth = 1.6;
  pen.stroke();
}

/** @param {CanvasRenderingContext2D} pen @param {number} x @param {number} y @param {number} reach @param {number} fresh */
function circle(pen, x, y, reach, fresh) {
  pen.beginPath();
  pen.arc(x, y, reach, 0, 2 * Math.PI);
  pen.fillStyle = `rgba(${BEARING_INK.acoustic},${(0.03 + 0.07 * fresh).toFixed(3)})`;
  pen.fill();
  pen.setLineDash([3, 5]);
  pen.strokeStyle = `rgba(${BEARING_INK.acoustic},${(0.2 + 0.5 * fresh).toFixed(3)})`;
  pen.lineWidth = 1.2;
  pen.stroke();
  pen.setLineDash([]);
}

/** @param {CanvasRenderingContext2D} pen @param {number} x @param {number} y @param {number} reach px
 * @param {number} azimuth_deg @param {number} sigma_deg @param {boolean} radio @param {number} fresh 1 new, 0 gone */
function sector(pen, x, y, reach, azimuth_deg, sigma_deg, radio, fresh) {
  const rgb = radio ? BEARING_INK.radio : BEARING_INK.acoustic;
  const half = Math.min(Math.max(2 * (sigma_deg > 0 ? sigma_deg : SPREAD_DEG), 0.6), 30) * RAD;
  const a = azimuth_deg * RAD;
  const [endX, endY] = [x + Math.sin(a) * reach, y - Math.cos(a) * reach];
  const paint = (alpha) => {
    if (reach < FADES_FROM_PX) return `rgba(${rgb},${(alpha * 0.8).toFixed(3)})`;
    // Nothing is known of where along the line the source is: the far end fades instead of ending.
    const fading = pen.createLinearGradient(x, y, endX, endY);
    fading.addColorStop(0, `rgba(${rgb},${alpha.toFixed(3)})`);
    fading.addColorStop(0.6, `rgba(${rgb},${(alpha * 0.75).toFixed(3)})`);
    fading.addColorStop(1, `rgba(${rgb},0)`);
    return fading;
  };
  if (reach > 14) {
    pen.beginPath();
    pen.moveTo(x, y);
    pen.lineTo(x + Math.sin(a - half) * reach, y - Math.cos(a - half) * reach);
    pen.lineTo(x + Math.sin(a + half) * reach, y - Math.cos(a + half) * reach);
    pen.fillStyle = paint(0.06 + 0.2 * fresh);
    pen.fill();
  }
  pen.beginPath();
  pen.moveTo(x, y);
  pen.lineTo(endX, endY);
  pen.strokeStyle = paint(0.3 + 0.6 * fresh);
  pen.lineWidth = 1.2;
  if (radio) pen.setLineDash([6, 4]);
  pen.stroke();
  if (radio) pen.setLineDash([]);
}

/** @param {CanvasRenderingContext2D} pen @param {number} x @param {number} y @param {number} r @param {number} n
 * @param {number} from degrees */
function polygon(pen, x, y, r, n, from) {
  for (let i = 0; i < n; i++) {
    const a = from * RAD + (i * 2 * Math.PI) / n;
    pen[i ? "lineTo" : "moveTo"](x + r * Math.cos(a), y + r * Math.sin(a));
  }
  pen.closePath();
}

export { SHAPES };
