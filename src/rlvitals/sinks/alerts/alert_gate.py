"""Selection of the events that cause an alert: by severity, kind and code, without repeats, and rate-limited."""

from collections import Counter, OrderedDict, deque
from collections.abc import Collection
from typing import Any

import msgspec

from rlvitals.records import Event
from rlvitals.sinks.alerts.alert import SEVERITIES, severity_of

_MOST_KNOWN = 1_000
_CRITICAL = "critical"


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """Rules that select the events sent to an alert channel.

    Attributes:
        severity: Minimum severity: `info`, `warning` or `critical`.
        also: Kinds of event that pass at any severity, such as `milestone`.
        kinds: The only kinds of event that pass, or `None` for all.
        codes: The only codes that pass, or `None` for all.
        ignore: Codes that never pass.
        most: Maximum number of alerts in a period. Critical alerts have a separate limit, so that many warnings cannot
            hold them back.
        period_s: Length of the period, in seconds.
        closings: Whether closed findings pass too.

    Raises:
        ValueError: A value is invalid.
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
            raise ValueError(f"severity={self.severity!r}: must be one of {', '.join(map(repr, SEVERITIES))}")
        for name in ("also", "kinds", "codes", "ignore"):
            if isinstance(getattr(self, name), str):
                raise ValueError(f"{name}={getattr(self, name)!r}: must be a list, such as [{getattr(self, name)!r}]")  # noqa: TRY004 - consistent with the other checks
        if self.most < 1:
            raise ValueError(f"most={self.most}: must be at least 1 alert per period")
        if not self.period_s >= 0.0:
            raise ValueError(f"period_s={self.period_s}: must be a number of seconds, at least 0")

    def wants(self, event: Event) -> bool:
        """Return whether an event matches the rules, before repeats and the rate limit are applied.

        Args:
            event: Event of the run.
        """
        if self.kinds is not None and event.kind not in self.kinds and event.kind not in self.also:
            return False
        if event.code in self.ignore or (self.codes is not None and event.code not in self.codes):
            return False
        return event.kind in self.also or _rank(severity_of(event)) >= _rank(self.severity)


class Gate:
    """Filter that applies the rules to events, and counts the events that it holds back.

    A finding passes when it opens, when its severity increases, and when it closes (if its opening passed). Repeats of
    an open finding do not pass. Other events are not checked for repeats.

    Args:
        rules: Rules that select events and limit their number.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._open: OrderedDict[str, int] = OrderedDict()
        self._passed: dict[bool, deque[float]] = {grave: deque(maxlen=rules.most) for grave in (False, True)}
        self._held: Counter[str] = Counter()
        self._held_rank = 0
        self.repeats = 0

    def passes(self, event: Event, now: float) -> bool:
        """Return whether an event causes an alert, and update the counts.

        Args:
            event: Event of the run.
            now: Current time of a monotonic clock, in seconds.
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
        """Return the number of events held back since the previous call, by code, and reset the counts."""
        held, self._held, self._held_rank = dict(self._held), Counter(), 0
        return held

    def holds(self, event: Event, times: int = 1) -> None:
        """Count an event that could not be delivered as held back.

        Args:
            event: Event of the run.
            times: Number of events to count.
        """
        self._held[_known_as(event)] += times
        self._held_rank = max(self._held_rank, _rank(severity_of(event)))

    def summary_due(self, now: float) -> str | None:
        """Return the highest severity held back if a summary can be sent now, or `None`. The summary counts as sent.

        Args:
            now: Current time of a monotonic clock, in seconds.
        """
        if not self._held or self._is_full(self._held_rank, now):
            return None
        self._passed[self._held_rank == _rank(_CRITICAL)].append(now)
        return self.held_severity

    @property
    def held_severity(self) -> str | None:
        """Highest severity of the events held back, or `None` if there are none."""
        return SEVERITIES[self._held_rank] if self._held else None

    def _wanted_rank(self, event: Event) -> int | None:
        """Return the severity rank of an event that is new and matches the rules, or `None` for other events."""
        if event.kind != "finding" or event.code is None:
            return _rank(severity_of(event)) if self._rules.wants(event) else None
        if _is_closed(event):  # use the severity of the opening, not that of the closing event
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
