"""Groups of runs held against each other, for the compare page: which runs, what is asked, and answers kept."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

import msgspec

from rlvitals.comparison import Comparison, Placed, against_history
from rlvitals.comparison import compare as compare_runs
from rlvitals.comparison.experiments import members_of
from rlvitals.comparison.result import Axis, Statistic
from rlvitals.dashboard.shelf import Shelf
from rlvitals.errors import ComparisonError
from rlvitals.runs import Run

MOST_COMPARED = 1_000
MOST_PATTERNS = 20
_KEPT = 16
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


class Desired(NamedTuple):
    """The runs that are meant, by key, and the group that each was given."""

    runs: dict[str, Run]
    groups: dict[str, str]


def desired(shelf: Shelf, keys: Sequence[str], patterns: Sequence[str]) -> Desired:
    """Find the runs that are meant.

    Args:
        shelf: Where the runs are.
        keys: Some by their keys.
        patterns: Some by patterns such as `base-*`; `NAME=PATTERN` names the group. Of several patterns each is a
            group, as the arguments of `rlvitals compare`.

    Raises:
        RunNotFoundError: There is no run of such a key.
        ComparisonError: There are none, or too many.
    """
    known = shelf.runs()
    found = {key: shelf.run(key) for key in dict.fromkeys(keys)}
    groups: dict[str, str] = {}
    for word in patterns:
        name, _, pattern = word.rpartition("=") if not any(fnmatchcase(key, word) for key in known) else ("", "", word)
        like = [key for key in known if fnmatchcase(key, pattern)]
        if not like:
            raise ComparisonError(f"no run is like {word!r:.200}")
        for key in like:
            found.setdefault(key, known[key])
            if name or len(patterns) > 1:
                groups.setdefault(key, name or pattern.rstrip("*/-_.") or pattern)
    if not found:
        raise ComparisonError("there is no run to compare: name some, or a pattern that they are like")
    if len(found) > MOST_COMPARED:
        raise ComparisonError(f"{len(found)} runs are more than the {MOST_COMPARED} that a page compares at once")
    return Desired(found, groups)


def compared(chosen: Desired, asked: Asked) -> Comparison:
    """Hold runs against each other. `path` of each run is its key.

    Raises:
        ComparisonError: They cannot be compared so.
        ColumnError: There is no such metric.
    """
    runs = list(chosen.runs.values())
    key_of = {run.path.absolute(): key for key, run in chosen.runs.items()}
    found = compare_runs(
        runs,
        metric=asked.metric,
        statistic=asked.statistic,
        axis=asked.axis,
        by=_by(chosen, asked.by, key_of),
        baseline=asked.baseline,
        target=asked.target,
        margin=asked.margin,
        higher_is_better=False if asked.lower_is_better else None,
        every_pair=asked.every_pair,
    )
    told = [msgspec.structs.replace(one, path=key_of.get(Path(one.path).absolute(), one.run)) for one in found.runs]
    return msgspec.structs.replace(found, runs=told)


def placed(shelf: Shelf, key: str, metric: str) -> Placed:
    """Where a run stands among the others in the folder that began before it, in the same environment.

    Raises:
        ComparisonError: The run has nothing of the metric.
    """
    run = shelf.run(key)
    began = run.header.started
    earlier = [other for name, other in shelf.runs().items() if name != key and other.header.started <= began]
    return against_history(run, earlier, metric)


def _by(chosen: Desired, by: str | None, key_of: dict[Path, str]) -> str | Callable[[Run], str] | None:
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


class Kept:
    """The last answers, so that pages that ask the same do the work once. Safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: OrderedDict[Hashable, Comparison] = OrderedDict()

    def answer(self, question: Hashable, work: Callable[[], Comparison]) -> Comparison:
        """What was answered before, or what the work gives."""
        with self._lock:
            known = self._answers.get(question)
            if known is not None:
                self._answers.move_to_end(question)
                return known
        made = work()
        with self._lock:
            self._answers[question] = made
            while len(self._answers) > _KEPT:
                self._answers.popitem(last=False)
        return made
