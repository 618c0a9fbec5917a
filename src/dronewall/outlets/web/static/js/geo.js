/** Web Mercator, enough of it to place tracks without asking the map library. */

export const RADIUS_M = 6378137;
const RAD = Math.PI / 180;

/** @param {number} lon degrees */
export function mercatorX(lon) {
  return lon * RAD * RADIUS_M;
}

/** @param {number} lat degrees */
export function mercatorY(lat) {
  return RADIUS_M * Math.log(Math.tan(Math.PI / 4 + (lat * RAD) / 2));
}

/** How many map metres one metre on the ground is, at a latitude.
 * @param {number} lat degrees */
export function stretch(lat) {
  return 1 / Math.cos(lat * RAD);
}

/** @param {number} x @param {number} y @returns {[number, number]} longitude and latitude in degrees */
export function lonLat(x, y) {
  return [x / RADIUS_M / RAD, (2 * Math.atan(Math.exp(y / RADIUS_M)) - Math.PI / 2) / RAD];
}

export { RAD };
