"""Comparison of groups of runs for the compare page: selection of runs, and a cache of results."""

import contextlib
import dataclasses
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

import msgspec

from rlvitals.comparison import Comparison, HistoryRank, rank_in_history
from rlvitals.comparison import compare as compare_runs
from rlvitals.comparison.experiments import members_of
from rlvitals.comparison.result import Refusal
from rlvitals.dashboard.query_params import MOST_COMPARED, MOST_PATTERNS, ComparisonOptions
from rlvitals.dashboard.run_registry import RunRegistry, UnreadableFolder, fingerprint_of
from rlvitals.errors import ComparisonError
from rlvitals.records import STREAMS
from rlvitals.runs import Run
from rlvitals.summary.tones import TONES

MOST_IN_PAIRS = 25
"""Maximum number of groups for which every pair is compared: 300 pairs."""
_KEPT = 16
_KEPT_BYTES = 64 << 20
_SHOWN = 12
_EACH_RUN = "run"


class GroupSelection(NamedTuple):
    """The selected runs by key, the assigned group of each, and the folders that cannot be opened."""

    runs: dict[str, Run]
    groups: dict[str, str]
    refused: tuple[UnreadableFolder, ...] = ()

    @property
    def fingerprint(self) -> Hashable:
        """A value that changes when a run gains records or changes its status."""
        runs = tuple((key, _fingerprint(run)) for key, run in self.runs.items())
        return tuple(self.groups.items()), self.refused, runs


def select_groups(registry: RunRegistry, keys: Sequence[str], patterns: Sequence[str]) -> GroupSelection:
    """Select the runs to compare.

    Args:
        registry: Registry of the runs.
        keys: Keys of runs.
        patterns: Patterns of keys such as `base-*`; `NAME=PATTERN` names the group. Each of several patterns is a
            group, as for the arguments of `rlvitals compare`. A single pattern is a group if other runs are selected
            too.

    Raises:
        RunNotFoundError: No run has one of the keys.
        ComparisonError: No run or too many runs are selected, or earlier patterns match all runs of a pattern.
    """
    known, unreadable = registry.runs(), {one.key: one for one in registry.refused}
    found = {key: registry.run(key) for key in dict.fromkeys(keys) if key not in unreadable}
    refused = {key: unreadable[key] for key in keys if key in unreadable}
    matches = [_match(word, [*known, *unreadable]) for word in dict.fromkeys(patterns)]
    inside = {key for one in matches for key in one.keys}
    are_groups = len(matches) > 1 or any(one.name for one in matches) or not found.keys() <= inside
    groups: dict[str, str] = {}
    for one in matches:
        refused |= {key: unreadable[key] for key in one.keys if key in unreadable}
        mine = [key for key in one.keys if key not in unreadable]
        if are_groups and mine and groups.keys() >= set(mine):
            raise ComparisonError(
                f"every run that matches {one.pattern!r:.200} is in the group of an earlier pattern: list it first"
            )
        name = _group_name(one, matches)
        for key in mine:
            found.setdefault(key, known[key])
            if are_groups:
                groups.setdefault(key, name)
    if not found:
        first = next(iter(refused.values()), None)
        raise ComparisonError(
            f"none of these runs can be opened; {first.key!r:.200}: {first.reason}"
            if first
            else "no runs to compare: select runs, or enter a pattern that matches some"
        )
    if len(found) > MOST_COMPARED:
        raise ComparisonError(
            f"{len(found)} runs are selected, but a page compares at most {MOST_COMPARED}: select fewer runs"
        )
    return GroupSelection(found, groups, tuple(refused.values()))


class _Match(NamedTuple):
    """A pattern with its group name, if any, and the keys that it matches."""

    name: str
    pattern: str
    keys: list[str]


def _match(word: str, keys: Sequence[str]) -> _Match:
    """Match a pattern. Keys and names can contain `=`, so the first interpretation that matches a run is used."""
    readings = [("", word)] + [(word[:at], word[at + 1 :]) for at, sign in enumerate(word) if sign == "="]
    for name, pattern in readings[:MOST_PATTERNS]:
        if matching := [key for key in keys if key == pattern or fnmatchcase(key, pattern)]:
            return _Match(name, pattern, matching)
    raise ComparisonError(f"no run matches {word!r:.200}")


def _group_name(one: _Match, matches: Sequence[_Match]) -> str:
    """Return the group name of a pattern. Patterns such as `a-*` and `a_*` keep distinct names."""
    short = [other.name or other.pattern.rstrip("*/-_.") or other.pattern for other in matches]
    mine = short[matches.index(one)]
    return one.pattern if not one.name and short.count(mine) > 1 else mine


def _fingerprint(run: Run) -> tuple[Hashable, ...]:
    """Return a fingerprint of a run with its file sizes and status, which change between and without heartbeats."""
    fingerprint: tuple[Hashable, ...] = fingerprint_of(run.path)
    if run.header.ended is not None:
        return fingerprint
    sizes = []
    for stream in STREAMS:
        for segment in run.layout.segments(stream)[-1:]:
            with contextlib.suppress(OSError):  # sealed meanwhile
                sizes.append((segment.number, segment.path.stat().st_size))
    return *fingerprint, run.vitality().status, *sizes


class ComparisonPage(Comparison, frozen=True, kw_only=True):
    """A comparison, with the tone of each verdict."""

    tones: dict[str, str]


def compare_selection(selection: GroupSelection, options: ComparisonOptions) -> ComparisonPage:
    """Compare the selected runs. In the result, the `path` of each run is its key.

    Raises:
        ComparisonError: The runs cannot be compared with these options.
        ColumnError: The metric does not exist.
    """
    runs = list(selection.runs.values())
    key_of = {run.path.absolute(): key for key, run in selection.runs.items()}
    by = _by(selection, options.by, key_of)
    if options.every_pair:
        _refuse_pairs(runs, by)
    given = dataclasses.asdict(options) | {"by": by}
    higher_is_better = False if given.pop("lower_is_better") else None
    found = compare_runs(runs, **given, higher_is_better=higher_is_better)
    renamed = [msgspec.structs.replace(one, path=key_of.get(Path(one.path).absolute(), one.run)) for one in found.runs]
    refused = [*found.refused, *(Refusal(one.key, one.reason) for one in selection.refused)]
    tones = {str(one.verdict): TONES[one.verdict] for one in found.comparisons}
    return ComparisonPage(**msgspec.structs.asdict(found) | {"runs": renamed, "refused": refused}, tones=tones)


def _refuse_pairs(runs: Sequence[Run], by: str | Callable[[Run], str] | None) -> None:
    """Raise if there are too many groups: every pair of a thousand groups would be half a million tests."""
    groups = {member.group for member in members_of(runs, {}, by)}
    if len(groups) > MOST_IN_PAIRS:
        raise ComparisonError(
            f"every_pair: there are {len(groups)} groups, but a page compares every pair of at most {MOST_IN_PAIRS}; "
            "`rlvitals compare --every-pair` compares any number"
        )


def history_rank(registry: RunRegistry, key: str, metric: str) -> HistoryRank:
    """Rank a run among the earlier runs in the folder that have the same environment.

    Raises:
        ComparisonError: The run has no values of the metric.
    """
    return rank_in_history(registry.run(key), list(registry.runs().values()), metric)


def _by(selection: GroupSelection, by: str | None, key_of: dict[Path, str]) -> str | Callable[[Run], str] | None:
    """Return the grouping. Pages cannot use SQL expressions, so that the cost of a request stays bounded."""
    if by == _EACH_RUN:
        return lambda run: key_of[run.path.absolute()]
    if by is not None:
        members = members_of(list(selection.runs.values()), {}, None)
        settings = {name for one in members for name in one.settings}
        if by not in settings and not any(by in one.facts for one in members):
            raise ComparisonError(
                f"these runs have no setting {by!r:.200}; available: {', '.join(sorted(settings)[:_SHOWN])}"
            )
        return by
    if selection.groups:
        return lambda run: selection.groups.get(key_of[run.path.absolute()], "the others")
    return None


class AnswerCache:
    """Cache of the last results, shared by pages with the same request. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._answers: OrderedDict[Hashable, Future[bytes]] = OrderedDict()

    def answer(self, question: Hashable, work: Callable[[], bytes]) -> bytes:
        """Return the cached result, wait for a running computation, or compute it. A failed result is not cached."""
        while True:
            with self._lock:
                known = self._answers.get(question)
                if known is None:
                    mine = self._answers[question] = Future()
                    break
                self._answers.move_to_end(question)
            if known.exception() is None:
                return known.result()
        try:
            mine.set_result(made := work())
        except BaseException as error:
            with self._lock:
                del self._answers[question]
            mine.set_exception(error)
            raise
        with self._lock:
            done = [key for key, answer in self._answers.items() if answer.done()]
            size = sum(len(self._answers[key].result()) for key in done)
            while len(done) > _KEPT or size > _KEPT_BYTES:
                size -= len(self._answers.pop(done.pop(0)).result())
        return made
