/** APP-6 symbols drawn once into sheets, so that a frame only copies pixels. */

import { AFFILIATIONS, CLASSES } from "./words.js";

export const CELL = 40;
const SIZES = { large: 17, small: 11 };
const DARK = "#070c12";

/** Two sheets. Rows: affiliations, then the same again for tracks that coast; columns: classes. */
export class Symbols {
  constructor() {
    this.valid = 0;
    this.sheets = { large: this.#sheet(SIZES.large), small: this.#sheet(SIZES.small) };
  }

  /** @param {number} size */
  #sheet(size) {
    const sheet = document.createElement("canvas");
    sheet.width = CELL * CLASSES.length;
    sheet.height = CELL * AFFILIATIONS.length * 2;
    const pen = sheet.getContext("2d", { willReadFrequently: true });
    AFFILIATIONS.forEach((_, affiliation) => {
      CLASSES.forEach((_, kind) => {
        for (const coasting of [0, 1]) {
          const { canvas, anchor, valid } = drawn(affiliation, kind, coasting === 1, size);
          const x = kind * CELL + CELL / 2 - Math.round(anchor.x);
          const y = (affiliation + coasting * AFFILIATIONS.length) * CELL + CELL / 2 - Math.round(anchor.y);
          pen.drawImage(canvas, x, y);
          this.valid += valid ? 1 : 0;
        }
      });
    });
    return sheet;
  }

  /** Copy a symbol to whole pixels.
   * @param {CanvasRenderingContext2D} pen @param {number} affiliation @param {number} kind
   * @param {boolean} coasting @param {number} x @param {number} y @param {"large" | "small"} [size] */
  blit(pen, affiliation, kind, coasting, x, y, size = "large") {
    const row = affiliation + (coasting ? AFFILIATIONS.length : 0);
    pen.drawImage(
      this.sheets[size], kind * CELL, row * CELL, CELL, CELL,
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

/** Solid while there is news, hollow while there is none.
 * @param {number} affiliation @param {number} kind @param {boolean} coasting @param {number} size */
function drawn(affiliation, kind, coasting, size) {
  const { ink, fill } = AFFILIATIONS[affiliation];
  const paint = coasting ? { fill: false, monoColor: ink } : { fillColor: fill };
  const symbol = new ms.Symbol(sidc(affiliation, kind, coasting), {
    size,
    civilianColor: false,
    strokeWidth: (coasting ? 90 : 65) / size,
    outlineWidth: (coasting ? 85 : 50) / size,
    outlineColor: DARK,
    ...paint,
  });
  return { canvas: symbol.asCanvas(1), anchor: symbol.getAnchor(), valid: symbol.isValid() };
}
