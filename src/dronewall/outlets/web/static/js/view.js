/** Map metres to pixels, and who may put text where. */

const CELL = 8;

/** Pixels already taken by symbols and labels, so that nothing overlaps. */
export class Room {
  /** @param {number} width @param {number} height */
  constructor(width, height) {
    this.width = width;
    this.height = height;
    this.across = Math.ceil(width / CELL) + 2;
    this.down = Math.ceil(height / CELL) + 2;
    this.taken = new Uint8Array(this.across * this.down);
  }

  clear() {
    this.taken.fill(0);
  }

  /** Take a rectangle if all of it is on the screen and free.
   * @param {number} x @param {number} y @param {number} width @param {number} height */
  claim(x, y, width, height) {
    if (x < 0 || y < 0 || x + width > this.width || y + height > this.height) return false;
    const box = this.#box(x, y, width, height);
    if (box === null || !this.#free(box)) return false;
    this.#fill(box);
    return true;
  }

  /** Take a rectangle whatever lies there.
   * @param {number} x @param {number} y @param {number} width @param {number} height */
  take(x, y, width, height) {
    const box = this.#box(x, y, width, height);
    if (box !== null) this.#fill(box);
  }

  /** @param {number[]} box */
  #free([left, top, right, bottom]) {
    for (let j = top; j <= bottom; j++) {
      for (let i = left; i <= right; i++) if (this.taken[j * this.across + i]) return false;
    }
    return true;
  }

  /** @param {number[]} box */
  #fill([left, top, right, bottom]) {
    for (let j = top; j <= bottom; j++) {
      this.taken.fill(1, j * this.across + left, j * this.across + right + 1);
    }
  }

  /** @returns {[number, number, number, number] | null} */
  #box(x, y, width, height) {
    const left = Math.max(0, Math.floor(x / CELL));
    const top = Math.max(0, Math.floor(y / CELL));
    const right = Math.min(this.across - 1, Math.floor((x + width) / CELL));
    const bottom = Math.min(this.down - 1, Math.floor((y + height) / CELL));
    return left > right || top > bottom ? null : [left, top, right, bottom];
  }
}

/** How the map lies on the screen at one moment. */
export class View {
  /** @param {[number, number]} size @param {[number, number]} centre @param {number} resolution map metres per pixel
   * @param {number} zoom @param {Room} room */
  constructor([width, height], [x, y], resolution, zoom, room) {
    this.width = width;
    this.height = height;
    this.left = x - (width / 2) * resolution;
    this.top = y + (height / 2) * resolution;
    this.resolution = resolution;
    this.zoom = zoom;
    this.room = room;
  }

  /** @param {number} x map metres */
  px(x) {
    return (x - this.left) / this.resolution;
  }

  /** @param {number} y map metres */
  py(y) {
    return (this.top - y) / this.resolution;
  }

  /** Whether a pixel is on the screen or within a margin of it.
   * @param {number} px @param {number} py @param {number} margin */
  near(px, py, margin) {
    return px > -margin && py > -margin && px < this.width + margin && py < this.height + margin;
  }
}
