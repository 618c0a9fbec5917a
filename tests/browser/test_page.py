"""The page in a real headless Chromium: what it draws, what it tells, what it asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dronewall.bench.page_wall import MadeUpWall
from dronewall.model.groups import Groups
from dronewall.model.identity import Affiliation
from dronewall.model.picture import Bearings, Picture, TruthDomain
from dronewall.model.sensors import SensorKind
from dronewall.model.status import QueueStatus, SensorHealth, WallPhase, WallStatus
from dronewall.model.tracks import TrackStatus

pytestmark = pytest.mark.slow

Visits = Callable[..., Any]
MARK_ABOVE = 1500
CLASSES, AFFILIATIONS, SHEETS = 12, 7, 2
GREYED_WITHIN_MS = 3000
WHEN_LOST_AND_WHEN_GREYED = """() => {
  window.lostMs = window.greyedMs = null;
  setInterval(() => { if (window.__cop.link.state === "lost") window.lostMs ??= performance.now(); }, 10);
  new MutationObserver(() => {
    if (document.body.classList.contains("frozen")) window.greyedMs ??= performance.now();
  }).observe(document.body, { attributes: true });
}"""
"""Told by the page's own clock: a busy machine delays the test more than the page."""


def without(**emptied: Any) -> Callable[[Picture, WallStatus], tuple[Picture, WallStatus]]:
    return lambda picture, status: (replace(picture, **emptied), status)


def near(colour: tuple[int, ...], wanted: tuple[int, int, int], *, by: int = 40) -> bool:
    return colour[3] > 100 and all(abs(a - b) <= by for a, b in zip(colour, wanted, strict=False))


def colours(visit: Any, x: float, y: float, reach: int, *, canvas: int = 1) -> list[tuple[int, ...]]:
    """The colours of a square of pixels around a place."""
    return visit.page.evaluate(
        """([c, x, y, r]) => { const d = document.querySelectorAll('canvas.overlay')[c].getContext('2d')
        .getImageData(Math.round(x) - r, Math.round(y) - r, 2 * r, 2 * r).data; const out = [];
        for (let i = 0; i < d.length; i += 4) out.push([d[i], d[i + 1], d[i + 2], d[i + 3]]); return out; }""",
        [canvas, x, y, reach],
    )


def place_of(visit: Any, wall: MadeUpWall, row: int) -> tuple[float, float]:
    return visit.cop(f"pixelOf('T-{row + 1:06d}')")


def look_at(visit: Any, wall: MadeUpWall, row: int, zoom: float) -> None:
    lat, lon = visit.page.evaluate(
        f"async () => {{ const t = (await (await fetch('/api/v1/tracks/{row + 1}')).json()).track;"
        " return [t.lat_deg, t.lon_deg]; }"
    )
    visit.cop(f"look({lon}, {lat}, {zoom})")


def first(wall: MadeUpWall, affiliation: Affiliation, *, coasting: bool) -> int:
    return int(np.flatnonzero((wall.sky.affiliation == affiliation) & (wall.sky.coasting == coasting))[0])


def test_nothing_is_asked_of_anybody_else_and_nothing_is_complained_of(visit: Visits, wall: MadeUpWall) -> None:
    page = visit(wall)
    for key in ("n", "l", "v", "t", "b", "b", "?", "Escape", "+", "-", "f"):
        page.page.keyboard.press(key)
    for tab in ("tab-wall", "tab-legend", "tab-tracks"):
        page.page.click(f"#{tab}")
    page.page.wait_for_timeout(1500)
    assert page.outside == []
    assert page.errors == []
    assert any(url.startswith("ws://") for url in page.asked), "sockets are counted among what is asked"


def test_every_symbol_is_valid_app_6(visit: Visits, wall: MadeUpWall) -> None:
    assert visit(wall).cop("symbols") == CLASSES * AFFILIATIONS * SHEETS * len(("solid", "coasting"))


def test_every_track_of_the_picture_is_held_and_in_view(visit: Visits, wall: MadeUpWall) -> None:
    page = visit(wall)
    page.until("cop.counts.inView === 300")
    assert page.cop("tracks") == 300
    assert page.cop("counts.full") == 300


@pytest.mark.parametrize(
    ("affiliation", "fill"),
    [
        (Affiliation.HOSTILE, (255, 116, 116)),
        (Affiliation.SUSPECT, (255, 188, 96)),
        (Affiliation.NEUTRAL, (127, 187, 139)),
        (Affiliation.FRIEND, (109, 180, 207)),
        (Affiliation.UNKNOWN, (207, 198, 106)),
    ],
)
def test_a_symbol_is_filled_with_its_identitys_colour(
    visit: Visits, wall: MadeUpWall, affiliation: Affiliation, fill: tuple[int, int, int]
) -> None:
    page = visit(wall)
    row = first(wall, affiliation, coasting=False)
    look_at(page, wall, row, 11)
    page.until(f"cop.pixelOf('T-{row + 1:06d}')")
    x, y = place_of(page, wall, row)
    filled = sum(near(tuple(colour), fill, by=6) for colour in colours(page, x, y, 14))
    assert filled > 80


def test_a_coasting_track_is_hollow_and_its_age_is_written(visit: Visits, wall: MadeUpWall) -> None:
    page = visit(wall)
    row = first(wall, Affiliation.UNKNOWN, coasting=True)
    look_at(page, wall, row, 11)
    page.until(f"cop.pixelOf('T-{row + 1:06d}')")
    x, y = place_of(page, wall, row)
    drawn = [tuple(colour) for colour in colours(page, x, y, 14)]
    assert not any(near(colour, (207, 198, 106), by=6) for colour in drawn)
    assert any(near(colour, (232, 223, 140), by=30) for colour in drawn), "its frame is drawn in its colour"
    assert page.cop("counts.coasting") >= 1
    page.keep("coasting")


def test_a_group_is_one_outline_with_its_count_and_its_members_tell_of_it(visit: Visits) -> None:
    def grouped(picture: Picture, status: WallStatus) -> tuple[Picture, WallStatus]:
        groups = Groups.of(
            1,
            group_id=[7],
            mean=picture.tracks.mean[:1],
            spread=np.diag([4e6] * 3),
            members=1,
            count=50,
            count_low=44,
            count_high=57,
        )
        member = np.where(np.arange(len(picture.tracks)) == 0, 7, 0)
        return replace(picture, groups=groups, tracks=replace(picture.tracks, group_id=member)), status

    with MadeUpWall(20, arrays=1) as wall:
        wall.edited = grouped
        page = visit(wall)
        look_at(page, wall, 0, 11)
        page.until("cop.counts.groups === 1")
        page.page.evaluate("""async () => {
            const { groupCount } = await import('/static/js/tracks.js');
            window.told = groupCount({ count: [50], count_low: [44], count_high: [57] }, 0);
        }""")
        assert page.page.evaluate("() => window.told") == "≈ 50 (44–57)"
        x, y = page.cop("pixelOf('T-000001')")
        box = page.page.locator("#map").bounding_box()
        page.page.mouse.click(box["x"] + x, box["y"] + y)
        page.page.wait_for_selector("#details .body")
        assert "G-0007, ≈ 50 objects (44–57)" in page.page.inner_text("#details")
        page.keep("group")
        assert page.errors == []


def test_a_bearing_leaves_its_sensor_and_ends_in_no_point(visit: Visits) -> None:
    east = Bearings.of(
        1,
        sensor=40,
        kind=SensorKind.ACOUSTIC_ARRAY,
        at_ns=0,
        lat_deg=50.0,
        lon_deg=26.0,
        azimuth_rad=np.pi / 2,
        sigma_azimuth_rad=np.radians(2.0),
        reach_m=8000.0,
    )

    def only_a_bearing(picture: Picture, status: WallStatus) -> tuple[Picture, WallStatus]:
        heard = replace(east, at_ns=np.array([picture.at_ns], np.int64))
        return replace(picture, bearings=heard), status

    with MadeUpWall(3, arrays=1) as wall:
        wall.edited = only_a_bearing
        page = visit(wall)
        page.cop("look(26.05, 50.0, 11)")
        page.until("cop.ground.bearings === 1")
        x, y = page.cop("pixelAt(26.0, 50.0)")
        far_x, _ = page.cop("pixelAt(26.1117, 50.0)")
        middle = max(colour[3] for colour in colours(page, (x + far_x) / 2, y, 2, canvas=0))
        assert middle > 100, "the line runs from the sensor along its azimuth"
        assert page.pixel((x + far_x) / 2, y - 40, canvas=0)[3] == 0
        behind = page.pixel(x - 30, y, canvas=0)
        assert behind[3] == 0, "nothing lies behind the sensor"
        at_the_end = [tuple(c) for c in colours(page, far_x + 8, y, 6, canvas=0)]
        assert not any(colour[3] for colour in at_the_end), "beyond its reach there is no mark"
        assert not any(tuple(c)[3] for c in colours(page, (x + far_x) / 2, y, 8, canvas=1)), "and it is no track"
        page.keep("bearing")


def test_a_click_selects_a_track_and_tells_its_reasons_and_sources(visit: Visits, wall: MadeUpWall) -> None:
    page = visit(wall)
    row = first(wall, Affiliation.HOSTILE, coasting=False)
    look_at(page, wall, row, 12)
    page.until(f"cop.pixelOf('T-{row + 1:06d}')")
    x, y = place_of(page, wall, row)
    box = page.page.locator("#map").bounding_box()
    page.page.mouse.click(box["x"] + x, box["y"] + y)
    page.page.wait_for_selector("#details .body")
    told = page.page.inner_text("#details")
    for wanted in (f"T-{row + 1:06d}", "H · Hostile", "flies toward an asset", "as slow as", "Radar, 3-D", "WGS84"):
        assert wanted in told
    page.page.keyboard.press("Escape")
    assert not page.page.is_visible("#details")


def test_a_click_on_a_sensor_tells_its_health(visit: Visits, wall: MadeUpWall) -> None:
    page = visit(wall)
    sensor = wall.sky.sensors[0]
    page.cop(f"look({sensor.lon_deg}, {sensor.lat_deg}, 13)")
    x, y = page.cop(f"pixelAt({sensor.lon_deg}, {sensor.lat_deg})")
    box = page.page.locator("#map").bounding_box()
    page.page.mouse.click(box["x"] + x, box["y"] + y)
    page.page.wait_for_selector("#details .body")
    told = page.page.inner_text("#details")
    assert sensor.sensor_id in told
    assert "heard" in told


def test_everything_can_be_reached_by_keyboard(visit: Visits, wall: MadeUpWall) -> None:
    page = visit(wall)
    page.page.keyboard.press("n")
    page.until("cop.selected !== null")
    chosen = page.cop("selected")
    number = int(chosen.removeprefix("T-"))
    assert wall.sky.affiliation[number - 1] == Affiliation.HOSTILE, "the most pressing comes first"
    page.page.keyboard.press("n")
    assert page.cop("selected") != chosen
    page.page.keyboard.press("Shift+N")
    assert page.cop("selected") == chosen
    page.page.keyboard.press("v")
    assert page.cop("leader_s") == 120
    page.page.keyboard.press("l")
    assert page.cop("labels") == "short"
    page.page.keyboard.press("?")
    assert page.page.is_visible("#help")
    page.page.keyboard.press("Escape")
    assert not page.page.is_visible("#help")
    before = page.cop("zoom")
    page.page.keyboard.press("+")
    page.until(f"Math.abs(cop.zoom - {before} - 1) < 0.01")


def test_the_search_finds_a_track_by_its_number(visit: Visits, wall: MadeUpWall) -> None:
    page = visit(wall)
    page.page.keyboard.press("/")
    page.page.keyboard.type("T-000042")
    page.page.wait_for_function("() => document.querySelector('#list-note').textContent.startsWith('1 found')")
    page.page.keyboard.press("Enter")
    assert page.cop("selected") == "T-000042"


def test_the_list_tells_what_the_map_shows(visit: Visits, wall: MadeUpWall) -> None:
    page = visit(wall)
    page.page.wait_for_selector("#list [role=option]")
    first_line = page.page.locator("#list [role=option]").first
    assert first_line.get_attribute("aria-label").startswith("Hostile")


@pytest.mark.parametrize(
    ("domain", "replay", "word", "note"),
    [
        (TruthDomain.LIVE, False, "LIVE", "real sensors"),
        (TruthDomain.LIVE, True, "REPLAY", "not now"),
        (TruthDomain.SIMULATION, False, "SIMULATION", "made up"),
        (TruthDomain.SIMULATION, True, "REPLAY", "made up"),
        (TruthDomain.EXERCISE, False, "EXERCISE", "injected"),
    ],
)
def test_what_kind_of_truth_is_shown_cannot_be_mistaken(
    visit: Visits, domain: TruthDomain, replay: bool, word: str, note: str
) -> None:
    with MadeUpWall(20) as wall:
        wall.domain, wall.replay = domain, replay
        page = visit(wall)
        page.page.wait_for_function(f"() => document.querySelector('#domain').textContent === '{word}'")
        assert note in page.page.inner_text("#domain-note")
        border = page.page.evaluate("() => getComputedStyle(document.body).borderTopColor")
        strip = page.page.evaluate("() => getComputedStyle(document.querySelector('#banner')).backgroundColor")
        assert page.page.evaluate("() => document.body.dataset.domain") == word
        assert border in (strip, page.page.evaluate("() => getComputedStyle(document.body).borderLeftColor"))
        page.keep(f"banner_{domain.value.lower()}{'_replay' if replay else ''}")


def test_each_kind_of_truth_has_a_border_of_its_own(visit: Visits) -> None:
    seen = set()
    with MadeUpWall(5) as wall:
        page = visit(wall)
        for domain, replay, word in (
            (TruthDomain.LIVE, False, "LIVE"),
            (TruthDomain.EXERCISE, False, "EXERCISE"),
            (TruthDomain.SIMULATION, False, "SIMULATION"),
            (TruthDomain.LIVE, True, "REPLAY"),
        ):
            wall.domain, wall.replay = domain, replay
            page.page.wait_for_function(f"() => document.querySelector('#domain').textContent === '{word}'")
            seen.add(page.page.evaluate("() => getComputedStyle(document.body).borderTopColor"))
    assert len(seen) == 4


def test_a_lost_link_greys_and_dates_the_picture_and_comes_back_without_ghosts(visit: Visits) -> None:
    with MadeUpWall(60) as wall:
        page = visit(wall)
        port = int(wall.url.rstrip("/").rsplit(":", 1)[1])
        last_seq = page.cop("seq")
        page.page.evaluate(WHEN_LOST_AND_WHEN_GREYED)
        wall.close()
        page.page.wait_for_selector("body.frozen", timeout=10_000)
        lost_ms, greyed_ms = page.page.evaluate("() => [window.lostMs, window.greyedMs]")
        assert greyed_ms - lost_ms <= GREYED_WITHIN_MS
        told = page.page.inner_text("#freeze")
        assert "PICTURE FROZEN AT" in told
        assert "link lost" in told
        assert "grayscale(1)" in page.page.evaluate("() => getComputedStyle(document.querySelector('#map')).filter")
        assert page.cop("seq") >= last_seq
        page.keep("link_lost")
        with MadeUpWall(25, port=port):
            page.until("cop.link.state === 'open' && cop.tracks === 25", within_s=15)
            page.page.wait_for_selector("body:not(.frozen)", timeout=4000)
            page.until("cop.counts.inView <= 25")
            assert page.cop("ids().length") == 25, "the tracks of before are gone"
            assert page.cop("link.reconnects") >= 1
            assert not page.page.is_visible("#freeze")


def test_a_wall_that_stops_publishing_freezes_the_picture_though_the_link_is_up(visit: Visits) -> None:
    with MadeUpWall(20) as wall:
        wall.domain = TruthDomain.LIVE
        page = visit(wall)
        assert page.page.inner_text("#domain-note") == "real sensors, now"
        wall.publishing = False
        page.page.wait_for_selector("body.frozen", timeout=6000)
        assert "the wall sends no new picture" in page.page.inner_text("#freeze")
        assert page.page.inner_text("#domain-note") == "real sensors, but frozen: not now"
        assert page.cop("link.state") == "open"
        wall.publishing = True
        page.page.wait_for_selector("body:not(.frozen)", timeout=6000)


@pytest.mark.parametrize("silenced", ["picture", "events"])
def test_one_socket_that_falls_silent_alone_freezes_the_picture(visit: Visits, wall: MadeUpWall, silenced: str) -> None:
    page = visit(wall)
    lets_through = {"picture": True, "events": True}

    def between(socket: Any) -> None:
        name = socket.url.rsplit("/", 1)[1]
        wall_side = socket.connect_to_server()
        wall_side.on_message(lambda message: socket.send(message) if lets_through[name] else None)

    page.page.route_web_socket("**/ws/v1/*", between)
    page.reload()
    page.until("cop.link.state === 'open' && cop.link.frozen === null")
    lets_through[silenced] = False
    page.page.wait_for_selector("body.frozen", timeout=10_000)
    assert "link lost" in page.page.inner_text("#freeze")
    lets_through[silenced] = True
    page.page.wait_for_selector("body:not(.frozen)", timeout=15_000)


def test_a_wall_that_goes_on_with_an_old_picture_is_not_taken_for_now(visit: Visits) -> None:
    with MadeUpWall(20) as wall:
        page = visit(wall)
        stood_still_ns = wall.clock.now_ns()

        def stuck(picture: Picture, status: WallStatus) -> tuple[Picture, WallStatus]:
            return replace(picture, at_ns=stood_still_ns), status

        wall.edited = stuck
        page.page.wait_for_selector("body.frozen", timeout=6000)
        assert "an old picture" in page.page.inner_text("#freeze")
        wall.replay = True
        page.page.wait_for_selector("body:not(.frozen)", timeout=6000)


def test_the_wall_tab_tells_of_overload_the_disk_and_sensors_in_trouble(visit: Visits) -> None:
    silent = "silent for 42 s; it declared a report every 4 s"

    def overloaded(picture: Picture, status: WallStatus) -> tuple[Picture, WallStatus]:
        return picture, replace(
            status,
            queues=(QueueStatus("intake:radars", 1_234, 4_000, 80.0, 210.0),),
            shed=(("radar-9", 5_000), ("radar-3", 20)),
            repeated=7,
            journal_bytes=3_100_000_000,
            disk_free_bytes=12_000_000_000,
            disk_full_ns=1_800_000_000_000_000_000,
            sensors=(SensorHealth(troubled, 1.5, picture.at_ns, 0.0, (silent,)),),
        )

    with MadeUpWall(30) as wall:
        troubled = wall.sky.sensors[0].sensor_id
        wall.edited = overloaded
        page = visit(wall)
        page.page.click("#tab-wall")
        page.page.wait_for_selector("text=Left out under overload")
        told = page.page.inner_text("#panel-wall")
        assert "1,234 reports, 210 ms at most (radars)" in told
        assert "5,020 under overload" in told
        assert "5,000 of radar-9" in told
        assert "7, counted once" in told
        assert "12.0 GB free, full 2027-01-15 08:00Z" in told
        assert f"{troubled}: {silent}" in told
        page.keep("wall_tab")


def test_the_warm_up_shows_how_far_it_is_and_freezes_nothing(visit: Visits) -> None:
    with MadeUpWall(5) as wall:
        wall.phase = WallPhase.COMPILING
        page = visit(wall)
        page.page.wait_for_selector("#warmup:not([hidden])")
        assert "7 of 21" in page.page.inner_text("#warmup")
        assert page.page.evaluate("() => document.querySelector('#warmup-bar').value") == pytest.approx(1 / 3)
        page.keep("warming_up")
        wall.phase = WallPhase.RUNNING
        page.page.wait_for_selector("#warmup", state="hidden")


def test_a_dropped_track_leaves_the_page_with_the_next_frame(visit: Visits) -> None:
    with MadeUpWall(30) as wall:
        page = visit(wall)
        page.until("cop.tracks === 30")

        def one_less(picture: Picture, status: WallStatus) -> tuple[Picture, WallStatus]:
            kept = picture.tracks.take(np.arange(1, 30))
            return replace(picture, tracks=kept), status

        wall.edited = one_less
        page.until("cop.tracks === 29", within_s=3)
        assert "T-000001" not in page.cop("ids()")


def test_a_tentative_track_is_counted_and_not_shown(visit: Visits) -> None:
    with MadeUpWall(10) as wall:

        def tentative(picture: Picture, status: WallStatus) -> tuple[Picture, WallStatus]:
            held = np.full(10, TrackStatus.CONFIRMED, np.uint8)
            held[:4] = TrackStatus.TENTATIVE
            return replace(picture, tracks=replace(picture.tracks, status=held)), status

        wall.edited = tentative
        page = visit(wall)
        page.until("cop.tracks === 6")
        page.page.click("#tab-wall")
        page.page.wait_for_function("() => document.querySelector('#panel-wall').innerText.includes('4 tentative')")


def test_in_a_crowd_the_hostile_keep_their_symbols_and_the_simplified_are_counted(visit: Visits) -> None:
    with MadeUpWall(3000) as wall:
        page = visit(wall, width=1600, height=900)
        page.until("cop.counts.inView === 3000")
        counts = page.cop("counts")
        urgent = int(np.count_nonzero(wall.sky.affiliation >= Affiliation.SUSPECT))
        assert counts["pressing"] == urgent == counts["full"]
        assert counts["simplified"] == 3000 - urgent
        assert f"{3000 - urgent:,} others drawn as marks" in page.page.inner_text("#counts")
        page.keep("crowd")


def test_the_wall_panel_tells_why_frames_were_refused(visit: Visits, wall: MadeUpWall) -> None:
    page = visit(wall)
    page.page.click("#tab-wall")
    page.page.wait_for_selector(".feed.lost")
    told = page.page.inner_text("#panel-wall")
    for wanted in ("receiver", "lost", "41 × checksum", "connection refused", "141 ms 99 %", "site unknown"):
        assert wanted in told
    page.keep("wall_panel")


def test_the_map_says_whose_data_it_is(visit: Visits, wall: MadeUpWall) -> None:
    assert visit(wall).page.inner_text("#credit") == "Natural Earth · GeoNames CC BY 4.0"


def test_the_page_fits_a_small_screen(visit: Visits, wall: MadeUpWall) -> None:
    page = visit(wall, width=1366, height=768)
    page.page.keyboard.press("n")
    page.page.wait_for_selector("#details .body")
    assert page.page.evaluate("() => document.documentElement.scrollWidth") <= 1366
    assert page.page.evaluate("() => document.documentElement.scrollHeight") <= 768
    assert page.page.locator("#list").bounding_box()["height"] >= 60
    page.keep("small_screen")


def test_the_api_is_documented_with_nothing_from_outside(visit: Visits, wall: MadeUpWall) -> None:
    page = visit(wall, path="docs")
    page.page.wait_for_selector(".opblock-summary-path", timeout=15_000)
    shown = page.page.inner_text("#docs")
    for path in ("tracks", "sensors", "feeds", "alerts", "zones", "status"):
        assert f"/api/v1/{path}" in shown.replace("\u200b", "")
    assert page.outside == []
    assert page.errors == []
    page.keep("docs")
