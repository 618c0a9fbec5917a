"""Links in the documents lead somewhere; decisions are numbered; the changelog knows the version."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dronewall import __version__

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as they are made from their words."""
    titles = re.findall(r"^#+ (.+?)\s*$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose):
        if re.match(r"https?://|mailto:", target):
            continue
        file, _, anchor = target.partition("#")
        found = (page.parent / file).resolve() if file else page
        assert found.exists(), f"{target} leads nowhere"
        if anchor:
            assert anchor in anchors(found), f"{target}: there is no such heading"


@pytest.mark.parametrize("page", ["architecture.md", "glossary.md", "operating.md"])
def test_the_readme_shows_the_way_to_each_document(page: str) -> None:
    assert f"docs/{page}" in (ROOT / "README.md").read_text()


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = [int(path.name[:4]) for path in sorted((ROOT / "docs" / "decisions").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_changelog_knows_this_version() -> None:
    assert re.search(rf"^## \[?{re.escape(__version__)}", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)


def test_the_licence_is_whole() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "END OF TERMS AND CONDITIONS" in text
