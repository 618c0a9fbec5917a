"""The page about the simulation keeps its word."""

from __future__ import annotations

import re
from pathlib import Path

from dronewall.simulation.night import Night

PAGE = Path(__file__).parents[3] / "docs" / "simulation.md"


def test_the_pages_examples_run(tmp_path: Path) -> None:
    examples = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.S)
    assert len(examples) == 2
    for example in examples:
        names: dict[str, object] = {"out_dir": tmp_path}
        exec(
            compile(example.replace("60.0, out_dir", "3.0, out_dir").replace(", 60)", ", 3)"), str(PAGE), "exec"), names
        )
        assert len(names["plots"]) > 0  # type: ignore[arg-type]
    assert {path.name for path in tmp_path.iterdir()} == {"sensors.jsonl", "plots.jsonl", "truth.csv"}


def test_the_page_counts_what_the_night_has() -> None:
    page = PAGE.read_text(encoding="utf-8")
    night = Night(1)
    arrays = sum(sensor.kind.label == "acoustic_array" for sensor in night.sensors)
    assert f"| acoustic arrays | {arrays} |" in page
