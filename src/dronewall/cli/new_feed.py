"""`dronewall new-feed`: a package with a feed in it that runs, to be changed into one's own."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

from dronewall.cli.console import say
from dronewall.model.errors import InputError

TEMPLATE = "feed_template"
PLACES = {
    "feed.py.txt": "{name}_feed.py",
    "pyproject.toml.txt": "pyproject.toml",
    "test_laws.py.txt": "tests/test_laws.py",
    "wall.toml.txt": "wall.toml",
    "sensors.jsonl.txt": "sensors.jsonl",
    "README.md.txt": "README.md",
}


def run_new_feed(name: str, out: Path) -> int:
    """Write the package, say what to do next, return the exit status."""
    written = write_feed(name, out)
    for path in written:
        say(f"wrote {path}")
    say(f"Next: change parse in {name}_feed.py, then pip install {out}, and dronewall run wall.toml there.")
    return 0


def write_feed(name: str, out: Path) -> list[Path]:
    """Write the template under a name into a folder, and return what was written.

    Raises:
        InputError: the name cannot be one, or a file is there already.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]{0,30}", name):
        raise InputError(
            f"{name!r} cannot be the name of a feed", "Use small letters and digits, such as acme.", field="NAME"
        )
    texts = {out / place.format(name=name): _filled(template, name) for template, place in PLACES.items()}
    for path in texts:
        if path.exists():
            raise InputError("this file is there already", "Name an empty folder with --out.", str(path))
    try:
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    except OSError as error:
        raise InputError(f"it cannot be written: {error.strerror}", "Name another folder.", str(out)) from error
    return list(texts)


def _filled(template: str, name: str) -> str:
    text = (files("dronewall.cli") / TEMPLATE / template).read_text("utf-8")
    return text.replace("@name@", name).replace("@Name@", name.capitalize())
