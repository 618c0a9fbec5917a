"""The list of commands with their options; the work of each is in the module of its name."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from dronewall import __version__

app = typer.Typer(
    name="dronewall",
    help="One identified air picture from every sensor, with honest uncertainty. It sees, identifies, warns,"
    " recommends, records; it does not act.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

AsJson = Annotated[bool, typer.Option("--json", help="Print one line of JSON on standard output.")]
SensorsFile = Annotated[
    Path | None, typer.Option("--sensors", metavar="FILE", help="sensors.jsonl: who reports, from where, how well.")
]
WeatherFile = Annotated[
    Path | None, typer.Option("--weather", metavar="FILE", help="weather.jsonl: wind and temperature, for sound.")
]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="Port of the page at 127.0.0.1; 0 for any.")]
Headless = Annotated[bool, typer.Option("--headless", help="No page; print the summary when done.")]


def _version(asked: bool) -> None:
    if asked:
        sys.stdout.write(f"dronewall {__version__}\n")
        raise typer.Exit


@app.callback()
def _dronewall(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    pass


@app.command(epilog="Example: dronewall demo --headless --seconds 60 --json")
def demo(
    headless: Headless = False,
    seconds: Annotated[
        float | None, typer.Option(min=1.0, help="End after so many seconds; compiling does not count.")
    ] = None,
    port: Port = 8080,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another night.")] = 1,
    journal: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Keep the journal there; otherwise it goes with the demo.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show a simulated night of the eastern border that is already under way, fused from nothing.

    Everything on the embedded default, at http://127.0.0.1:8080. Headless: at real speed with a loopback client of the
    picture, then one summary; status 1 if the picture stayed empty.
    """
    from dronewall.cli.demo import run_demo

    if headless and seconds is None:
        seconds = 60.0
    sys.exit(run_demo(headless=headless, seconds=seconds, port=port, seed=seed, journal=journal, as_json=as_json))


@app.command(epilog="Example: dronewall run --feed beast://127.0.0.1:30005")
def run(
    wall: Annotated[Path | None, typer.Argument(metavar="[WALL.toml]", help="The wall's settings.")] = None,
    feed: Annotated[
        list[str] | None, typer.Option("--feed", metavar="URL", help="A feed, instead of WALL.toml; may be repeated.")
    ] = None,
    sensors: SensorsFile = None,
    weather: WeatherFile = None,
    journal: Annotated[
        Path | None, typer.Option("--journal", metavar="FILE", help="Where everything that comes in is kept.")
    ] = None,
    listen: Annotated[
        str | None, typer.Option("--listen", metavar="127.0.0.1:PORT", help="Where the page is served.")
    ] = None,
    log: Annotated[
        str, typer.Option("--log", metavar="text|json", help="How lines of the log are written on standard error.")
    ] = "text",
    as_json: AsJson = False,
) -> None:
    """Run the wall on real feeds until it is interrupted; a restart goes on where the journal ends."""
    from dronewall.cli.run import run_wall

    sys.exit(
        run_wall(
            wall,
            feeds=feed or [],
            sensors=sensors,
            weather=weather,
            journal=journal,
            listen=listen,
            log=log,
            as_json=as_json,
        )
    )


@app.command(epilog="Example: dronewall replay night.beast --date 2024-06-06 --headless --json")
def replay(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="A journal, or recordings of feeds.")],
    sensors: SensorsFile = None,
    date: Annotated[
        str | None,
        typer.Option(metavar="YYYY-MM-DD", help="The day it begins, for formats that carry none; else 1970-01-01."),
    ] = None,
    speed: Annotated[float, typer.Option(min=0.01, help="With the page: how many times as fast as it was.")] = 1.0,
    headless: Headless = False,
    port: Port = 8080,
    as_json: AsJson = False,
) -> None:
    """Play a journal or recordings through the same pipeline; headless as fast as it goes."""
    from dronewall.cli.replay import run_replay

    sys.exit(run_replay(files, sensors=sensors, day=date, speed=speed, headless=headless, port=port, as_json=as_json))


@app.command(
    epilog="Example: dronewall track --sensors sensors.jsonl --plots plots.jsonl --out tracks.csv"
    " --weather weather.jsonl"
)
def track(
    sensors: Annotated[Path, typer.Option(metavar="FILE", help="sensors.jsonl.")],
    plots: Annotated[Path, typer.Option(metavar="FILE", help="plots.jsonl, in the order received.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where tracks.csv is written.")],
    sample_s: Annotated[
        float, typer.Option("--sample-s", min=0.1, help="Every so many seconds a sample of all tracks.")
    ] = 5.0,
    settled: Annotated[
        bool, typer.Option("--settled", help="Write each instant once plots up to 30 s late have found their place.")
    ] = False,
    groups: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write groups.csv: swarms and how many they hold.")
    ] = None,
    weather: WeatherFile = None,
    as_json: AsJson = False,
) -> None:
    """Run the tracker alone over a file of plots."""
    from dronewall.cli.track import run_track

    sys.exit(
        run_track(sensors, plots, out, groups, weather=weather, sample_s=sample_s, settling=settled, as_json=as_json)
    )


@app.command(epilog="Example: dronewall score truth.csv tracks.csv")
def score(
    truth: Annotated[Path, typer.Argument(metavar="TRUTH.csv")],
    tracks: Annotated[Path, typer.Argument(metavar="TRACKS.csv")],
    cutoff_m: Annotated[
        float | None,
        typer.Option("--cutoff-m", min=0.001, help="How far a track may lie from its object.", show_default="500"),
    ] = None,
    horizontal: Annotated[bool, typer.Option(help="Leave height out.")] = False,
    from_s: Annotated[float, typer.Option("--from-s", help="Leave out what is earlier after the first truth.")] = 0.0,
    export_referee: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Also write what an independent referee reads.")
    ] = None,
    _as_json: AsJson = False,
) -> None:
    """Judge tracks by truth; print one JSON object, with `--json` and without."""
    from dronewall.cli.score import run_score

    sys.exit(
        run_score(truth, tracks, cutoff_m=cutoff_m, horizontal=horizontal, from_s=from_s, export_referee=export_referee)
    )


@app.command(epilog="Example: dronewall bench page --quick --json")
def bench(
    name: Annotated[str, typer.Argument(help="Which benchmark, or all.")],
    quick: Annotated[bool, typer.Option("--quick", help="End within 50 seconds.")] = False,
    seconds: Annotated[float | None, typer.Option("--seconds", help="How long each case of live is measured.")] = None,
    only: Annotated[
        str, typer.Option("--only", help="Only the cases of live, or scenes of tracking, whose name holds this.")
    ] = "",
    seeds: Annotated[int | None, typer.Option("--seeds", min=1, help="tracking: how many seeds of each scene.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="tracking: write the scenes there, measure nothing.")
    ] = None,
    page: Annotated[
        Path | None, typer.Option("--page", metavar="FILE.html", help="tracking: also write a page of plots.")
    ] = None,
    recordings: Annotated[
        Path | None, typer.Option("--recordings", metavar="DIR", help="tracking: where recorded flights are.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON per figure.")] = False,
) -> None:
    """Measure; print one line per figure. Status 1 if a figure misses its target."""
    from dronewall.bench.run import Asked
    from dronewall.cli.bench import print_bench

    sys.exit(print_bench(name, Asked(quick, seconds, only, seeds, out, page, recordings), as_json=as_json))


@app.command(epilog="Example: dronewall recover wall.journal --out saved.journal")
def recover(
    journal: Annotated[Path, typer.Argument(metavar="JOURNAL", help="The damaged journal; it is only read.")],
    out: Annotated[Path, typer.Option(metavar="NEW", help="Where the new journal is written.")],
    as_json: AsJson = False,
) -> None:
    """Save what is whole in a damaged journal into a new one. Status 1 if something was lost."""
    from dronewall.cli.recover import run_recover

    sys.exit(run_recover(journal, out, as_json=as_json))


@app.command(epilog='Example: dronewall query "SELECT sensor_id, count(*) FROM plots GROUP BY 1" --json')
def query(
    sql: Annotated[str, typer.Argument(metavar="SQL", help="A SELECT over plots, steps, refused, sensors, segments.")],
    journal: Annotated[
        Path, typer.Option("--journal", metavar="FILE", help="The journal; its sealed segments are found beside it.")
    ] = Path("wall.journal"),
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON per row.")] = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE.parquet", help="Write the answer there.")] = None,
) -> None:
    """Ask a journal and its sealed segments in SQL; nothing can be changed, and no other file read."""
    from dronewall.cli.query import run_query

    sys.exit(run_query(sql, journal=journal, as_json=as_json, as_csv=as_csv, out=out))


@app.command(epilog="Example: dronewall export --journal wall.journal --out night.mcap --from 2026-05-04T22:00Z")
def export(
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help=".mcap, .parquet or .jsonl.")],
    journal: Annotated[
        Path, typer.Option("--journal", metavar="FILE", help="The journal; its sealed segments are found beside it.")
    ] = Path("wall.journal"),
    from_: Annotated[
        str | None, typer.Option("--from", metavar="INSTANT", help="Leave out what was journalled before; UTC.")
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="INSTANT", help="Leave out what was journalled then or later; UTC.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write plots, steps and refusals of a journal as MCAP, or its plots as Parquet or lines."""
    from dronewall.cli.export import run_export

    sys.exit(run_export(journal, out, from_=from_, to=to, as_json=as_json))


@app.command("new-feed", epilog="Example: dronewall new-feed acme --out acme-feed")
def new_feed(
    name: Annotated[str, typer.Argument(help="What the feed is called: small letters and digits.")],
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Where the package is written; NAME-feed.")] = None,
) -> None:
    """Write a package with a feed that runs, to be changed into your own."""
    from dronewall.cli.new_feed import run_new_feed

    sys.exit(run_new_feed(name, out or Path(f"{name}-feed")))


@app.command(epilog="Example: dronewall doctor wall.toml")
def doctor(
    wall: Annotated[Path | None, typer.Argument(metavar="[WALL.toml]", help="The wall to examine.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say what is wrong with a wall and its machine, why, and what to do; status 1 if there is a problem.

    Examines a running wall through its page, one that stands still through its journal; changes nothing.
    """
    from dronewall.cli.doctor import run_doctor

    sys.exit(run_doctor(wall, as_json=as_json))


@app.command(epilog="Example: dronewall schema plots")
def schema(name: Annotated[str, typer.Argument(help="Which file or message.")]) -> None:
    """Print the JSON Schema of a file or message."""
    from dronewall.cli.schema import run_schema

    sys.exit(run_schema(name))
