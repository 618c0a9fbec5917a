/** What every mark means, in pictures and words. */

import { byId, el } from "./dom.js";
import { SHAPES } from "./ground.js";
import { CELL } from "./symbols.js";
import { outline, ringInRing } from "./tracks.js";
import { AFFILIATIONS, BEARING_INK, CLASSES, CLASS_UNKNOWN, HEALTH, SENSOR_KINDS } from "./words.js";

/** @param {import("./symbols.js").Symbols} symbols */
export function showLegend(symbols) {
  byId("panel-legend").replaceChildren(
    group("Identity: shape, colour and letter", AFFILIATIONS.map((each, affiliation) =>
      [(pen) => symbols.blit(pen, affiliation, CLASS_UNKNOWN, false, 20, 20), `${each.letter} · ${each.word}`])),
    group("Class", CLASSES.map((each, kind) =>
      [(pen) => symbols.blit(pen, 1, kind, false, 20, 20), each.word])),
    group("State", [
      [(pen) => symbols.blit(pen, 1, 0, true, 20, 20), "Hollow and dashed: coasting, no news; its age is written"],
      [leader, "Leader: where it will be in 60 s (v changes it)"],
      [ellipse, "Ellipse: it is inside with 95 %"],
      [(pen) => ringInRing(pen, 20, 20), "R: remote track, estimated elsewhere"],
      [(pen) => outline(pen, 20, 20, 16, 10, -0.5), "≈ 50 (44–57): group, how many it likely holds, between which with 90 %"],
    ]),
    group("Bearings: a direction, never a point", [
      [(pen) => wedge(pen, BEARING_INK.acoustic, []), "Sound heard; fades within 30 s"],
      [(pen) => wedge(pen, BEARING_INK.radio, [5, 3]), "Radio heard, dashed"],
    ]),
    group("Sensors", shapes().map(([shape, word]) => [(pen) => sensor(pen, shape, HEALTH.heard.ink), word])),
    group("Their health", Object.values(HEALTH).map(({ word, ink }) => [(pen) => sensor(pen, "circle", ink), word])),
  );
}

/** @param {string} title @param {[(pen: CanvasRenderingContext2D) => void, string][]} rows */
function group(title, rows) {
  const list = el("ul", { class: "legend" });
  for (const [draw, word] of rows) {
    const canvas = /** @type {HTMLCanvasElement} */ (el("canvas", { width: String(CELL), height: String(CELL) }));
    draw(/** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")));
    list.append(el("li", {}, canvas, el("span", {}, word)));
  }
  return el("section", {}, el("h3", {}, title), list);
}

/** @returns {[string, string][]} */
function shapes() {
  const words = new Map();
  for (const { shape, word } of SENSOR_KINDS) words.set(shape, [...(words.get(shape) ?? []), word]);
  return [...words].map(([shape, all]) => [shape, all.join(", ")]);
}

function sensor(pen, shape, ink) {
  pen.beginPath();
  SHAPES[shape](pen, 20, 20, 5.5);
  pen.fillStyle = ink;
  pen.fill();
}

function leader(pen) {
  pen.strokeStyle = AFFILIATIONS[1].ink;
  pen.lineWidth = 1.3;
  pen.beginPath();
  pen.moveTo(6, 30);
  pen.lineTo(34, 12);
  pen.stroke();
}

function ellipse(pen) {
  pen.strokeStyle = AFFILIATIONS[1].ink;
  pen.globalAlpha = 0.7;
  pen.beginPath();
  pen.ellipse(20, 20, 15, 8, -0.5, 0, 7);
  pen.stroke();
}

function wedge(pen, rgb, dash) {
  pen.beginPath();
  pen.moveTo(5, 34);
  pen.lineTo(28, 4);
  pen.lineTo(36, 11);
  pen.fillStyle = `rgba(${rgb},0.25)`;
  pen.fill();
  pen.beginPath();
  pen.setLineDash(dash);
  pen.moveTo(5, 34);
  pen.lineTo(32, 7);
  pen.strokeStyle = `rgba(${rgb},0.9)`;
  pen.stroke();
}
