"""What is worth an alert: by severity, kind and code; once; and not too many."""

from collections import Counter, OrderedDict, deque
from collections.abc import Collection
from typing import Any

import msgspec

from rlvitals.records import Event
from rlvitals.sinks.alerts.alert import SEVERITIES, severity_of

_MOST_KNOWN = 1_000
_CRITICAL = "critical"


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """Which events a target is told of.

    Attributes:
        severity: The least severity.
        also: Kinds that pass whatever their severity, such as `milestone`.
        kinds: The only kinds that pass; `None` for all.
        codes: The only codes that pass; `None` for all.
        ignore: Codes that never pass.
        most: Alerts in a period; critical ones are counted by themselves, so that no flood of warnings holds one back.
        period_s: Seconds.
        closings: Whether it is told too when a finding is over.

    Raises:
        ValueError: A value that means nothing.
    """

    severity: str = "warning"
    also: Collection[str] = ()
    kinds: Collection[str] | None = None
    codes: Collection[str] | None = None
    ignore: Collection[str] = ()
    most: int = 10
    period_s: float = 3_600.0
    closings: bool = True

    def __post_init__(self) -> None:
        if self.severity not in SEVERITIES:
            raise ValueError(f"severity={self.severity!r}: use one of {', '.join(map(repr, SEVERITIES))}")
        for name in ("also", "kinds", "codes", "ignore"):
            if isinstance(getattr(self, name), str):
                raise ValueError(f"{name}={getattr(self, name)!r}: give several, such as [{getattr(self, name)!r}]")  # noqa: TRY004 - as the rest
        if self.most < 1:
            raise ValueError(f"most={self.most}: at least one alert in a period")
        if not self.period_s >= 0.0:
            raise ValueError(f"period_s={self.period_s}: seconds, at least 0")

    def wants(self, event: Event) -> bool:
        """Whether an event is one of those, before repeats and pace."""
        if self.kinds is not None and event.kind not in self.kinds and event.kind not in self.also:
            return False
        if event.code in self.ignore or (self.codes is not None and event.code not in self.codes):
            return False
        return event.kind in self.also or _rank(severity_of(event)) >= _rank(self.severity)


class Gate:
    """Lets events pass as the rules say, and counts those that it holds back.

    A finding passes when it opens, when it has become graver, and when it is over (if its opening passed); the same
    one again does not. Other events are not compared with one another.

    Args:
        rules: Which events, and how many.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._open: OrderedDict[str, int] = OrderedDict()
        self._passed: dict[bool, deque[float]] = {grave: deque(maxlen=rules.most) for grave in (False, True)}
        self._held: Counter[str] = Counter()
        self._held_rank = 0
        self.repeats = 0

    def passes(self, event: Event, now: float) -> bool:
        """Whether somebody is to be told of an event.

        Args:
            event: What happened.
            now: Seconds, by a clock that does not run backwards.
        """
        rank = self._wanted_rank(event)
        if rank is None:
            return False
        if self._is_full(rank, now):
            self._held[_known_as(event)] += 1
            self._held_rank = max(self._held_rank, rank)
            return False
        self._passed[rank == _rank(_CRITICAL)].append(now)
        return True

    def held(self) -> dict[str, int]:
        """What was held back since this was last asked, by code."""
        held, self._held, self._held_rank = dict(self._held), Counter(), 0
        return held

    def holds(self, event: Event, times: int = 1) -> None:
        """Count an event that could not be told after all among those held back."""
        self._held[_known_as(event)] += times
        self._held_rank = max(self._held_rank, _rank(severity_of(event)))

    def summary_due(self, now: float) -> str | None:
        """The greatest severity of what is held back, if that may be told now; it then counts as one that passed."""
        if not self._held or self._is_full(self._held_rank, now):
            return None
        self._passed[self._held_rank == _rank(_CRITICAL)].append(now)
        return self.held_severity

    @property
    def held_severity(self) -> str | None:
        """The greatest severity of what is held back; `None` if there is nothing."""
        return SEVERITIES[self._held_rank] if self._held else None

    def _wanted_rank(self, event: Event) -> int | None:
        """How grave an event is that is new and wanted; `None` for the rest."""
        if event.kind != "finding" or event.code is None:
            return _rank(severity_of(event)) if self._rules.wants(event) else None
        if _is_closed(event):  # as grave as it was, whatever its closing says
            before = self._open.pop(event.code, None)
            return before if self._rules.closings else None
        if not self._rules.wants(event):
            return None
        rank = _rank(severity_of(event))
        if rank <= self._open.get(event.code, -1):
            self.repeats += 1
            return None
        self._open[event.code] = rank
        while len(self._open) > _MOST_KNOWN:
            self._open.popitem(last=False)
        return rank

    def _is_full(self, rank: int, now: float) -> bool:
        passed = self._passed[rank == _rank(_CRITICAL)]
        return len(passed) == self._rules.most and now - passed[0] < self._rules.period_s


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity)


def _is_closed(event: Event) -> bool:
    data: dict[str, Any] = event.data or {}
    return data.get("state") == "closed"


def _known_as(event: Event) -> str:
    return event.code or event.kind
