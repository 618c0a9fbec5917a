"""What a wall is made of; `compose` names the concrete parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from dronewall.engine.clock import Clock
from dronewall.engine.disk import RESERVE_BYTES, DiskSample
from dronewall.engine.entries import Content
from dronewall.engine.links import Pauses
from dronewall.engine.log import Log
from dronewall.feeds.feed import Feed
from dronewall.model.picture import Alert, Picture, TruthDomain
from dronewall.model.sensors import Sensor
from dronewall.model.weather import Weather
from dronewall.run.aside import Aside
from dronewall.run.reader import Stepping

if TYPE_CHECKING:
    from dronewall.run.archive import ArchiveReport

WarmUp = Callable[[], Iterator[tuple[int, int]]]


class Archiving(Protocol):
    """Who seals; see `run.archive.Archivist`."""

    def work(self, now_ns: int) -> ArchiveReport:
        """Do one bounded piece of work."""
        ...

    def stop(self) -> None:
        """End the work in hand soon."""
        ...


class Observer(Protocol):
    """Someone inside the house who looks at every picture, for instance to count and to score."""

    def __call__(self, picture: Picture, contents: Sequence[Content]) -> None:
        """Look at a picture and at what led to it; called on the loop, must not linger."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What a wall is made of.

    `begun` makes a pipeline that knows nothing yet. `warm_up` compiles the kernels one by one and yields (done,
    total). `sensors` are those declared by people and assumed by feeds. `aside` remembers what a pipeline failed on.
    `weather` is what a file of weather told, None without one.
    `archiving` seals the journal; one that nobody seals raises an alert when it is larger than `journal_max_bytes`.
    `look_at_disk` samples the journal's disk at an instant, told how many bytes the journal takes; `reserve_bytes` of
    it are left free. `clock_alerts` tells, at an instant, what happened to the machine's clock. `feeds_wait`
    keeps feeds from opening before the kernels are ready: for a sky that is made up.
    """

    name: str
    truth_domain: TruthDomain
    begun: Callable[[], Stepping]
    warm_up: WarmUp
    log: Log
    aside: Aside
    feeds: tuple[Feed, ...]
    sensors: tuple[Sensor, ...]
    clock: Clock
    weather: Weather | None = None
    journal: str = ""
    journal_max_bytes: int = 2**63
    observers: tuple[Observer, ...] = ()
    archiving: Archiving | None = None
    look_at_disk: Callable[[int, int], DiskSample] | None = None
    reserve_bytes: int = RESERVE_BYTES
    clock_alerts: Callable[[int], tuple[Alert, ...]] = lambda _: ()
    feeds_wait: bool = False
    pauses: Pauses = field(default_factory=Pauses)
