"""Plugins: entry points, looked up only when somebody asks. Ours use the same door as a vendor's."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from dronewall.model.errors import InputError


class Plugins:
    """The plugins of one entry-point group, such as `dronewall.feeds`.

    A plugin may say which files it can read: an attribute `suffixes`, such as `(".beast",)`.
    """

    def __init__(self, group: str, points: tuple[EntryPoint, ...] | None = None) -> None:
        self._group = group
        self._points = points

    def names(self) -> tuple[str, ...]:
        """Return the names under which plugins are known, in order."""
        return tuple(sorted({point.name for point in self._known()}))

    def named(self, name: str) -> Any:
        """Return the plugin called `name`.

        Raises:
            InputError: nobody is called that, or the package behind it cannot be imported.
        """
        for point in self._known():
            if point.name == name:
                return _loaded(point)
        raise InputError(f"nothing here reads {name!r}", f"Known are: {', '.join(self.names()) or 'none'}.")

    def for_file(self, name: str) -> Any:
        """Return the plugin that reads files whose names end as this one does, in any case; the longest ending wins.

        Raises:
            InputError: no plugin reads such files.
        """
        endings = {suffix: plugin for _, plugin in self._each() for suffix in plugin.suffixes}
        for suffix in sorted(endings, key=len, reverse=True):
            if name.lower().endswith(suffix):
                return endings[suffix]
        raise InputError("nothing here reads such a file", f"Known endings are: {self._suffixes()}.", file=name)

    def _suffixes(self) -> str:
        return ", ".join(sorted({suffix for _, plugin in self._each() for suffix in plugin.suffixes})) or "none"

    def _each(self) -> Iterator[tuple[str, Any]]:
        for point in sorted(self._known(), key=lambda point: point.name):
            plugin = _loaded(point)
            if hasattr(plugin, "suffixes"):
                yield point.name, plugin

    def _known(self) -> tuple[EntryPoint, ...]:
        if self._points is None:
            self._points = tuple(entry_points(group=self._group))
        return self._points


def _loaded(point: EntryPoint) -> Any:
    try:
        return point.load()
    except ImportError as error:
        raise InputError(
            f"the plugin {point.name!r} ({point.value}) cannot be loaded: {error}",
            f"Install what it needs: pip install {error.name or 'its package'}.",
        ) from error
