"""Between the doors nobody reads a clock, sleeps, asks the environment, or draws unseeded numbers."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAY_EXCUSE = ("engine/clock.py", "engine/systemd.py")
"""Files of the product that may excuse themselves from a ban, each with its reason beside the call."""


def complaints(text: str, *, room: str) -> str:
    """Return what ruff says of a module that would stand in a room."""
    command = [sys.executable, "-m", "ruff", "check", "--output-format", "concise", "--no-cache", "--stdin-filename"]
    path = str(ROOT / "src" / "dronewall" / room / "made_up.py")
    return subprocess.run([*command, path], cwd=ROOT, input=text, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize("room", ["model", "geodesy", "registration", "tracking", "identification", "picture", "wire"])
def test_a_stage_that_asks_the_time_is_caught(room: str) -> None:
    assert "TID251" in complaints("import time\n\nNOW = time.time_ns()\n", room=room)


@pytest.mark.parametrize(
    "text",
    [
        "from time import monotonic\n\nNOW = monotonic()\n",
        "import time\n\ntime.sleep(1.0)\n",
        "import time\n\nNOW = time.perf_counter()\n",
        "import datetime\n\nNOW = datetime.datetime.now(datetime.UTC)\n",
        "import os\n\nHOME = os.environ['HOME']\n",
        "import os\n\nHOME = os.getenv('HOME')\n",
        "import random\n\nX = random.random()\n",
        "import numpy as np\n\nX = np.random.normal()\n",
        "import numpy as np\n\nnp.random.seed(1)\n",
        "import pickle\n\nX = pickle.loads(b'')\n",
    ],
)
def test_every_banned_call_is_caught(text: str) -> None:
    assert "TID251" in complaints(text, room="tracking")


def test_a_seeded_generator_is_welcome() -> None:
    text = "import numpy as np\n\n\ndef noise(rng: np.random.Generator) -> float:\n    return float(rng.normal())\n"
    assert "TID251" not in complaints(text, room="tracking")


def test_only_the_clock_and_the_service_managers_door_excuse_themselves() -> None:
    package = ROOT / "src" / "dronewall"
    excused = [
        str(path.relative_to(package))
        for path in package.rglob("*.py")
        if re.search(r"noqa:[^#]*(TID251|BLE001)", path.read_text())
    ]
    assert sorted(excused) == sorted(MAY_EXCUSE)
