/** What the page measures of itself, for its health panel and for tests (`window.__cop`). */

const KEPT = 2000;

export class Measures {
  constructor() {
    /** @type {number[]} server to screen, ms, one for each frame drawn */
    this.latenciesMs = [];
    /** @type {number[]} between the browser's frames, ms */
    this.intervalsMs = [];
    /** @type {number[]} taking a message in: decoding and placing, ms */
    this.takenMs = [];
    this.fulls = 0;
    this.deltas = 0;
    this.bytes = 0;
    this.resyncs = 0;
    let before = 0;
    const tick = (now) => {
      if (before) keep(this.intervalsMs, now - before);
      before = now;
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  }

  /** @param {import("./wire.js").Frame} frame @param {number} bytes @param {number} tookMs */
  took(frame, bytes, tookMs) {
    if (frame.full) this.fulls++;
    else this.deltas++;
    this.bytes += bytes;
    keep(this.takenMs, tookMs);
  }

  /** Note that a frame is on the canvas; the two clocks are those of one computer.
   * @param {number} sentMs */
  drew(sentMs) {
    keep(this.latenciesMs, performance.timeOrigin + performance.now() - sentMs);
  }

  /** @param {number[]} values @param {number} share */
  static quantile(values, share) {
    if (values.length === 0) return null;
    const sorted = [...values].sort((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
  }

  reset() {
    this.latenciesMs.length = this.intervalsMs.length = this.takenMs.length = 0;
    this.fulls = this.deltas = this.bytes = 0;
  }
}

/** @param {number[]} values @param {number} value */
function keep(values, value) {
  values.push(value);
  if (values.length > KEPT) values.shift();
}
