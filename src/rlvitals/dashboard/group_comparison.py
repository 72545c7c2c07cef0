"""Groups of runs held against each other, for the compare page: which runs, what is asked, and answers kept."""

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

import msgspec

from rlvitals.comparison import Comparison, HistoryRank, rank_in_history
from rlvitals.comparison import compare as compare_runs
from rlvitals.comparison.experiments import members_of
from rlvitals.comparison.result import Axis, Refusal, Statistic
from rlvitals.dashboard.run_registry import RunRegistry, UnreadableFolder, sign_of
from rlvitals.errors import ComparisonError
from rlvitals.records import STREAMS
from rlvitals.runs import Run

MOST_COMPARED = 1_000
MOST_PATTERNS = 20
MOST_IN_PAIRS = 25
"""Groups of which every pair may be compared: 300 pairs."""
_KEPT = 16
_KEPT_BYTES = 64 << 20
_SHOWN = 12
_EACH_RUN = "run"


class Asked(NamedTuple):
    """What is asked of some runs, as `rlvitals.compare` takes it; `by` is the name of a setting, or `run`."""

    metric: str = "reward"
    statistic: Statistic = "final"
    axis: Axis | None = None
    by: str | None = None
    baseline: str | None = None
    target: float | None = None
    margin: float | None = None
    lower_is_better: bool = False
    every_pair: bool = False


class GroupSelection(NamedTuple):
    """The runs that are meant, by key, the group that each was given, and those that cannot be opened."""

    runs: dict[str, Run]
    groups: dict[str, str]
    refused: tuple[UnreadableFolder, ...] = ()

    @property
    def sign(self) -> Hashable:
        """What is another when any of them has gained something, or stands otherwise."""
        return tuple(self.groups.items()), self.refused, tuple((key, _sign(run)) for key, run in self.runs.items())


def select_groups(registry: RunRegistry, keys: Sequence[str], patterns: Sequence[str]) -> GroupSelection:
    """Find the runs that are meant.

    Args:
        registry: Where the runs are.
        keys: Some by their keys.
        patterns: Some by patterns such as `base-*`; `NAME=PATTERN` names the group. Of several patterns each is a
            group, as the arguments of `rlvitals compare`, and so is one beside other runs.

    Raises:
        RunNotFoundError: There is no run of such a key.
        ComparisonError: There are none, or too many; or a pattern has none that an earlier one has not.
    """
    known, torn = registry.runs(), {one.key: one for one in registry.refused}
    found = {key: registry.run(key) for key in dict.fromkeys(keys) if key not in torn}
    refused = {key: torn[key] for key in keys if key in torn}
    meant = [_meant(word, [*known, *torn]) for word in dict.fromkeys(patterns)]
    inside = {key for one in meant for key in one.like}
    are_groups = len(meant) > 1 or any(one.name for one in meant) or not found.keys() <= inside
    groups: dict[str, str] = {}
    for one in meant:
        refused |= {key: torn[key] for key in one.like if key in torn}
        mine = [key for key in one.like if key not in torn]
        if are_groups and mine and groups.keys() >= set(mine):
            raise ComparisonError(
                f"every run that is like {one.pattern!r:.200} is in the group of an earlier pattern: put this one first"
            )
        called = _called(one, meant)
        for key in mine:
            found.setdefault(key, known[key])
            if are_groups:
                groups.setdefault(key, called)
    if not found:
        first = next(iter(refused.values()), None)
        raise ComparisonError(
            f"none of these runs can be opened; {first.key!r:.200}: {first.reason}"
            if first
            else "there is no run to compare: name some, or a pattern that they are like"
        )
    if len(found) > MOST_COMPARED:
        raise ComparisonError(f"{len(found)} runs are more than the {MOST_COMPARED} that a page compares at once")
    return GroupSelection(found, groups, tuple(refused.values()))


class _Meant(NamedTuple):
    """What one pattern means: the name that it gives, if any, and the keys that are like it."""

    name: str
    pattern: str
    like: list[str]


def _meant(word: str, keys: Sequence[str]) -> _Meant:
    """A key may have `=` in it, and so may a name: the first reading that fits a run."""
    readings = [("", word)] + [(word[:at], word[at + 1 :]) for at, sign in enumerate(word) if sign == "="]
    for name, pattern in readings[:MOST_PATTERNS]:
        like = [key for key in keys if key == pattern or fnmatchcase(key, pattern)]
        if like:
            return _Meant(name, pattern, like)
    raise ComparisonError(f"no run is like {word!r:.200}")


def _called(one: _Meant, meant: Sequence[_Meant]) -> str:
    """What its group is called; `a-*` and `a_*` are two groups, and so have two names."""
    short = [other.name or other.pattern.rstrip("*/-_.") or other.pattern for other in meant]
    mine = short[meant.index(one)]
    return one.pattern if not one.name and short.count(mine) > 1 else mine


def _sign(run: Run) -> tuple[Hashable, ...]:
    """Between two signs of life a run may grow, and one that was killed gives none: so its size and status count."""
    sign: tuple[Hashable, ...] = sign_of(run.path)
    if run.header.ended is not None:
        return sign
    sizes = []
    for stream in STREAMS:
        for segment in run.layout.segments(stream)[-1:]:
            with contextlib.suppress(OSError):  # sealed meanwhile
                sizes.append((segment.number, segment.path.stat().st_size))
    return *sign, run.vitality().status, *sizes


def compared(chosen: GroupSelection, asked: Asked) -> Comparison:
    """Hold runs against each other. `path` of each run is its key.

    Raises:
        ComparisonError: They cannot be compared so.
        ColumnError: There is no such metric.
    """
    runs = list(chosen.runs.values())
    key_of = {run.path.absolute(): key for key, run in chosen.runs.items()}
    by = _by(chosen, asked.by, key_of)
    if asked.every_pair:
        _refuse_pairs(runs, by)
    found = compare_runs(
        runs,
        metric=asked.metric,
        statistic=asked.statistic,
        axis=asked.axis,
        by=by,
        baseline=asked.baseline,
        target=asked.target,
        margin=asked.margin,
        higher_is_better=False if asked.lower_is_better else None,
        every_pair=asked.every_pair,
    )
    told = [msgspec.structs.replace(one, path=key_of.get(Path(one.path).absolute(), one.run)) for one in found.runs]
    refused = [*found.refused, *(Refusal(one.key, one.reason) for one in chosen.refused)]
    return msgspec.structs.replace(found, runs=told, refused=refused)


def _refuse_pairs(runs: Sequence[Run], by: str | Callable[[Run], str] | None) -> None:
    """Every pair of a thousand groups would be half a million tests."""
    groups = {member.group for member in members_of(runs, {}, by)}
    if len(groups) > MOST_IN_PAIRS:
        raise ComparisonError(
            f"every_pair: {len(groups)} groups are more than the {MOST_IN_PAIRS} of which a page compares every pair; "
            "`rlvitals compare --every-pair` compares any number"
        )


def placed(registry: RunRegistry, key: str, metric: str) -> HistoryRank:
    """Where a run stands among the others in the folder that began before it, in the same environment.

    Raises:
        ComparisonError: The run has nothing of the metric.
    """
    run = registry.run(key)
    began = run.header.started
    earlier = [other for name, other in registry.runs().items() if name != key and other.header.started <= began]
    return rank_in_history(run, earlier, metric)


def _by(chosen: GroupSelection, by: str | None, key_of: dict[Path, str]) -> str | Callable[[Run], str] | None:
    """What makes a group. No expression is taken from a page: what a question may cost stays bounded."""
    if by == _EACH_RUN:
        return lambda run: key_of[run.path.absolute()]
    if by is not None:
        members = members_of(list(chosen.runs.values()), {}, None)
        settings = {name for one in members for name in one.settings}
        if by not in settings and not any(by in one.facts for one in members):
            raise ComparisonError(
                f"by={by!r:.200}: these runs have no such setting; they have {', '.join(sorted(settings)[:_SHOWN])}"
            )
        return by
    if chosen.groups:
        return lambda run: chosen.groups.get(key_of[run.path.absolute()], "the others")
    return None


class ComparisonCache:
    """The last answers, so that pages that ask the same do the work once. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: OrderedDict[Hashable, bytes] = OrderedDict()
        self._at_work: dict[Hashable, threading.Event] = {}

    def answer(self, question: Hashable, work: Callable[[], bytes]) -> bytes:
        """What was answered before, or what the work gives; who asks the same meanwhile waits for it."""
        while True:
            with self._lock:
                known = self._answers.get(question)
                if known is not None:
                    self._answers.move_to_end(question)
                    return known
                other = self._at_work.get(question)
                if other is None:
                    done = self._at_work[question] = threading.Event()
                    break
            other.wait()
        try:
            made = work()
            with self._lock:
                self._answers[question] = made
                while len(self._answers) > _KEPT or sum(map(len, self._answers.values())) > _KEPT_BYTES:
                    self._answers.popitem(last=False)
            return made
        finally:
            with self._lock:
                del self._at_work[question]
            done.set()
