"""A row of the journal is what was written, or it is damaged; nothing in a damaged page is an error of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dronewall.engine.log import Entry, EntryKind
from dronewall.engine.messages import Message
from dronewall.engine.sqlite_rows import row_of, stored_from
from dronewall.model.errors import JournalError


@pytest.mark.parametrize("place", range(9))
@pytest.mark.parametrize("value", [None, "text", 1.5, b"bytes", -1])
def test_a_row_of_which_any_value_was_changed_is_damaged_and_never_an_error_of_ours(place: int, value: Any) -> None:
    row = row_of(7, Entry(EntryKind.STEP, 5, b"body", Message("gate", 1, 2, 3)))
    changed = (*row[:place], value, *row[place + 1 :])
    if place == 7 and value is None:  # a row of version 1 has no checksum of its own
        assert stored_from(changed, Path("wall.journal")).seq == 7
    else:
        with pytest.raises(JournalError, match="damaged"):
            stored_from(changed, Path("wall.journal"))
