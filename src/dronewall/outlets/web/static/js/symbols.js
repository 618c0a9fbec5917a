/** APP-6 symbols drawn once into a sheet, so that a frame only copies pixels. */

import { AFFILIATIONS, CLASSES } from "./words.js";

export const CELL = 40;
const SIZE = 17;
const DARK = "#070c12";

/** Rows of the sheet: affiliations, then the same again for tracks that coast. */
export class Symbols {
  constructor() {
    this.sheet = document.createElement("canvas");
    this.sheet.width = CELL * CLASSES.length;
    this.sheet.height = CELL * AFFILIATIONS.length * 2;
    this.valid = 0;
    const pen = this.sheet.getContext("2d");
    AFFILIATIONS.forEach((_, affiliation) => {
      CLASSES.forEach((_, kind) => {
        for (const coasting of [0, 1]) {
          const { canvas, anchor, valid } = drawn(affiliation, kind, coasting === 1);
          const x = kind * CELL + CELL / 2 - Math.round(anchor.x);
          const y = (affiliation + coasting * AFFILIATIONS.length) * CELL + CELL / 2 - Math.round(anchor.y);
          pen.drawImage(canvas, x, y);
          this.valid += valid ? 1 : 0;
        }
      });
    });
  }

  /** Copy a symbol to whole pixels.
   * @param {CanvasRenderingContext2D} pen @param {number} affiliation @param {number} kind
   * @param {boolean} coasting @param {number} x @param {number} y */
  blit(pen, affiliation, kind, coasting, x, y) {
    const row = affiliation + (coasting ? AFFILIATIONS.length : 0);
    pen.drawImage(
      this.sheet, kind * CELL, row * CELL, CELL, CELL,
      Math.round(x) - CELL / 2, Math.round(y) - CELL / 2, CELL, CELL,
    );
  }
}

/** The numeric APP-6D code; a coasting track is drawn as APP-6 draws what is expected and not observed: dashed.
 * @param {number} affiliation @param {number} kind @param {boolean} coasting */
export function sidc(affiliation, kind, coasting) {
  const { set, entity } = CLASSES[kind];
  return `130${affiliation}${set}${coasting ? "1" : "0"}000${entity}0000`;
}

/** @param {number} affiliation @param {number} kind @param {boolean} coasting */
export function drawn(affiliation, kind, coasting) {
  const { ink } = AFFILIATIONS[affiliation];
  const symbol = new ms.Symbol(sidc(affiliation, kind, coasting), {
    size: SIZE,
    civilianColor: false,
    fillColor: ink,
    fill: !coasting,
    frameColor: coasting ? ink : undefined,
    iconColor: coasting ? ink : undefined,
    monoColor: coasting ? ink : "",
    strokeWidth: coasting ? 5 : 4,
    outlineWidth: coasting ? 4 : 3,
    outlineColor: DARK,
  });
  return { canvas: symbol.asCanvas(1), anchor: symbol.getAnchor(), valid: symbol.isValid() };
}
