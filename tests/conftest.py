"""What all tests share."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import HealthCheck, settings

REPOSITORY = Path(__file__).resolve().parents[1]

# How many cases a property gets: a hundred at hand, 2,000 in `make test`, many in `make deep`. `make test` takes the
# same cases every time, so that its answer is about the change and not about the day; new ones are looked for at hand
# and in `make deep`.
for profile, cases in (("check", 100), ("test", 2_000), ("deep", 100_000)):
    settings.register_profile(
        profile,
        max_examples=cases,
        derandomize=profile == "test",
        deadline=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile("check")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the browser's tests last: while its driver lives, its event loop lets no other run in this thread."""
    items.sort(key=lambda item: "browser" in item.path.relative_to(REPOSITORY / "tests").parts)


@pytest.fixture(scope="session")
def without() -> Callable[[str], NoReturn]:
    """Ends a test that lacks something: skipped at hand, failed where everything must be there."""

    def end(told: str) -> NoReturn:
        if os.getenv("REQUIRE_RECORDINGS") == "1":
            pytest.fail(told)
        pytest.skip(told)

    return end


@pytest.fixture(scope="session")
def recordings(without: Callable[[str], NoReturn]) -> Path:
    """The folder of real recordings; a test that needs it is skipped where there is none."""
    shared = Path(os.getenv("DRONEWALL_SHARED") or REPOSITORY.parent / "shared")
    folder = shared / "data"
    if not folder.is_dir():
        without(f"no recordings at {folder}; set DRONEWALL_SHARED to the folder that holds data/")
    return folder
