"""Plugins are looked up by name or by file, and a wrong wish is answered with what there is."""

from __future__ import annotations

from importlib.metadata import EntryPoint

import pytest

from dronewall.engine.plugins import Plugins
from dronewall.model.errors import InputError


class Beast:
    suffixes = (".beast", ".bin")


class Plots:
    suffixes = (".plots.jsonl", ".jsonl")


beast, plots = Beast(), Plots()


class Point(EntryPoint):
    def load(self) -> object:
        if self.value == "absent":
            raise ModuleNotFoundError("No module named 'absent'", name="absent")
        return {"beast": beast, "plots": plots}[self.value]


def known(*values: str) -> Plugins:
    return Plugins("test", tuple(Point(value, value, "test") for value in values))


def test_a_plugin_is_found_by_its_name() -> None:
    assert known("beast", "plots").named("plots") is plots


def test_a_plugin_is_found_by_the_longest_ending_of_a_files_name() -> None:
    assert known("beast", "plots").for_file("Night.PLOTS.JSONL") is plots
    assert known("beast", "plots").for_file("a.beast") is beast


def test_an_unknown_name_is_answered_with_all_that_are_known() -> None:
    with pytest.raises(InputError, match=r"nothing here reads 'tcp'. Known are: beast, plots\."):
        known("plots", "beast").named("tcp")


def test_an_unknown_ending_is_answered_with_all_that_are_known() -> None:
    with pytest.raises(InputError, match=r"Known endings are: \.beast, \.bin, \.jsonl, \.plots\.jsonl\."):
        known("plots", "beast").for_file("notes.txt")


def test_a_plugin_whose_package_is_missing_names_it() -> None:
    with pytest.raises(InputError, match="pip install absent"):
        known("absent").named("absent")
