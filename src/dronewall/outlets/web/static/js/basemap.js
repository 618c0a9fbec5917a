/** The map underneath: land, lakes, boundaries and names from files of our own; nothing comes from outside. */

const INK = {
  sea: "#0a1219",
  land: "#17212b",
  coast: "#33495c",
  border: "#75859a",
  disputed: "#75859a",
  place: "#93a4b5",
  country: "#5f7184",
  halo: "#0b1118",
};
const FONT = "'Noto Sans', sans-serif";
const START = { lon: 25.5, lat: 51.5, zoom: 6 };

/** Load the fonts before text is drawn: canvas does not wait for them. */
export async function fontsReady() {
  const wanted = ["Aa", "Łą", "Ді"].flatMap((text) => ["400", "600"].map((weight) => [`${weight} 12px ${FONT}`, text]));
  await Promise.all(wanted.map(([font, text]) => document.fonts.load(font, text)));
}

/** @param {HTMLElement} target @param {HTMLElement} scale where the scale bar goes */
export async function baseMap(target, scale) {
  const files = ["land", "coast", "lakes", "borders", "names"];
  const [land, coast, lakes, borders, names] = await Promise.all(files.map(fetched));
  const { Style, Fill, Stroke } = ol.style;
  const solid = (colour) => new Fill({ color: colour });
  const lines = {
    known: new Style({ stroke: new Stroke({ color: INK.border, width: 1.1 }) }),
    disputed: new Style({ stroke: new Stroke({ color: INK.disputed, width: 1.1, lineDash: [4, 4] }) }),
  };
  return new ol.Map({
    target,
    pixelRatio: 1,
    controls: [new ol.control.ScaleLine({ target: scale, minWidth: 80 })],
    interactions: ol.interaction.defaults.defaults({ altShiftDragRotate: false, pinchRotate: false, keyboard: false }),
    layers: [
      area(land, new Style({ fill: solid(INK.land) })),
      area(coast, new Style({ stroke: new Stroke({ color: INK.coast, width: 0.9 }) })),
      area(lakes, new Style({ fill: solid(INK.sea) })),
      area(borders, (feature) => (feature.get("disputed") ? lines.disputed : lines.known)),
      labels(names),
    ],
    view: new ol.View({
      center: ol.proj.fromLonLat([START.lon, START.lat]),
      zoom: START.zoom,
      minZoom: 3,
      maxZoom: 16,
      enableRotation: false,
    }),
  });
}

/** @param {string} name */
async function fetched(name) {
  const answer = await fetch(`/static/map/${name}.json`);
  if (!answer.ok) throw new Error(`the map's file ${name} is missing: ${answer.status}`);
  return answer.json();
}

/** @param {any} collection @param {any} style */
function area(collection, style) {
  const features = new ol.format.GeoJSON({ featureProjection: "EPSG:3857" }).readFeatures(collection);
  return new ol.layer.VectorImage({ source: new ol.source.Vector({ features }), style, imageRatio: 1.3 });
}

/** @param {{countries: any[], places: any[]}} names */
function labels(names) {
  const point = ([name, lon, lat, rank], kind) =>
    new ol.Feature({ geometry: new ol.geom.Point(ol.proj.fromLonLat([lon, lat])), name, rank, kind });
  const features = [
    ...names.countries.map((row) => point(row, "country")),
    ...names.places.map((row) => point(row, "place")),
  ];
  const styles = new Map();
  return new ol.layer.Vector({
    source: new ol.source.Vector({ features }),
    declutter: true,
    style: (feature, resolution) => {
      const zoom = Math.log2(156543.03 / resolution);
      const country = feature.get("kind") === "country";
      if (country ? zoom > 7.2 || feature.get("rank") > zoom : feature.get("rank") > zoom - 4.7) return undefined;
      const key = feature.get("name");
      if (!styles.has(key)) styles.set(key, country ? countryStyle(key) : placeStyle(key, feature.get("rank")));
      return styles.get(key);
    },
  });
}

/** @param {string} name @param {number} rank */
function placeStyle(name, rank) {
  const { Style, Fill, Stroke, Circle, Text } = ol.style;
  return new Style({
    zIndex: -rank,
    image: new Circle({ radius: rank < 2 ? 2 : 1.5, fill: new Fill({ color: INK.place }) }),
    text: new Text({
      text: name,
      font: `400 ${12 - Math.min(rank, 3) * 0.4}px ${FONT}`,
      textAlign: "left",
      offsetX: 5,
      fill: new Fill({ color: INK.place }),
      stroke: new Stroke({ color: INK.halo, width: 2.5 }),
    }),
  });
}

/** @param {string} name */
function countryStyle(name) {
  const { Style, Fill, Stroke, Text } = ol.style;
  return new Style({
    zIndex: 10,
    text: new Text({
      text: name.toUpperCase().split("").join("\u200a"),
      font: `600 12px ${FONT}`,
      fill: new Fill({ color: INK.country }),
      stroke: new Stroke({ color: INK.halo, width: 3 }),
    }),
  });
}
