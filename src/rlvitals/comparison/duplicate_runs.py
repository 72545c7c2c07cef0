"""Detection of duplicate runs: copies, and trainings repeated with the same seed. They do not count as more seeds."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from rlvitals.comparison.experiments import Member
from rlvitals.comparison.metric_source import Content, MetricExtent, MetricSource
from rlvitals.comparison.result import Repeat, RunOutcome
from rlvitals.comparison.substitutes import Substitutes, content_of
from rlvitals.formatting import listed
from rlvitals.runs.header import Header

_VARIED = 10
"""Minimum number of different values of a metric for which two equal series are not a coincidence."""
_NAMED = 5

REASONS = {
    "records": "holds the same records as {of}",
    "seed": "has the same seed, settings and outcome as {of}",
    "values": "has the same values as {of} throughout",
}
_WHY = {
    "records": "They hold the same records, written at the same times: copies, or one export imported twice.",
    "seed": "They have the same seed, settings and outcome: a repeated training with the same seed adds no data.",
    "values": (
        "All their numbers are equal throughout, although they were written at different times{seeds}. Check that each "
        "training gets its own seed."
    ),
}


class _DuplicateSign(NamedTuple):
    """A feature by which runs count as the same, and its kind."""

    by: Any
    sign: Hashable


def training_of(header: Header) -> bytes | None:
    """Return a key that all copies of a run folder share and no other run has. `None` if the header has no writer."""
    return msgspec.json.encode(header, order="sorted") if header.writers else None


def without_repeats(
    members: Sequence[Member],
    outcomes: Sequence[RunOutcome],
    extents: Mapping[str, MetricExtent],
    source: MetricSource,
    substitutes: Substitutes,
) -> list[RunOutcome]:
    """Return the outcomes. Duplicate runs are left out and refer to the run that they repeat.

    The measured blocks show which runs could be duplicates: they have the same number of values, reach equally far and
    have outcomes that are equal except for rounding. Only the records of these runs are read. They are one run if

    - their run folders have the same header, or their records are equal including clock times, in any groups;
    - they are in one group with equal seed (if known), settings and outcome;
    - they are in one group, and all numbers of the metric's stream are equal and vary. Two seeds cannot produce this.
      If the numbers do not vary (each episode has the highest possible reward), two seeds can, so they are two runs.

    Args:
        members: The runs.
        outcomes: Outcome of each run.
        extents: Extent of the metric in each run.
        source: Compared metric.
        substitutes: Reward series of runs without episodes.
    """
    alike = [_alike(one, extents.get(one.run)) for one in outcomes]
    shared = Counter(sign for sign in alike if sign is not None)
    candidates = [row for row, sign in enumerate(alike) if sign is not None and shared[sign] > 1]
    contents = _contents([members[row] for row in candidates], source)
    contents |= {label: content_of(series) for label, series in substitutes.items()}
    first: dict[_DuplicateSign, str] = {}
    repeats: dict[str, Repeat] = {}
    # The longest run comes first: if a copy was made while the run was active, the run itself counts. Runs in a folder
    # with their original name come next.
    for row in sorted(range(len(members)), key=lambda row: (-outcomes[row].values, _is_renamed(members[row]))):
        label = outcomes[row].run
        signs = list(_signs(members[row], outcomes[row], alike[row], contents.get(label)))
        same = next((sign for sign in signs if sign in first), None)
        of = label if same is None else first[same]
        if same is not None:
            repeats[label] = Repeat(of, same.by)
        for sign in signs:
            first.setdefault(sign, of)
    return [_left_out(one, repeats[one.run]) if one.run in repeats else one for one in outcomes]


def repeats_said(outcomes: Sequence[RunOutcome]) -> list[str]:
    """Return a sentence or two for each reason why runs count as one run."""
    said: list[str] = []
    every = {one.run: one for one in outcomes}
    own = sum(one.repeats is None for one in outcomes)
    for by, why in _WHY.items():
        same: dict[str, list[str]] = defaultdict(list)
        for one in outcomes:
            if one.repeats is not None and one.repeats.by == by:
                same[one.repeats.of].append(one.run)
        if same:
            named = "; ".join(_named([of, *others]) for of, others in list(same.items())[:_NAMED])
            more = f"; and {len(same) - _NAMED} more sets" if len(same) > _NAMED else ""
            head = "" if said else f"Of {len(outcomes)} runs, {own} {'is' if own == 1 else 'are'} distinct. "
            each = " each" if len(same) > 1 else ""
            said.append(f"{head}Counted as one run{each}: {named}{more}. {why.format(seeds=_seeds(every, same))}")
    return said


def doubtful_seeds(members: Sequence[Member], outcomes: Sequence[RunOutcome]) -> Iterator[str]:
    """Report runs of one group with equal seed and settings but different outcomes. Their independence is unknown."""
    same: dict[Hashable, list[str]] = defaultdict(list)
    for member, outcome in zip(members, outcomes, strict=True):
        sign = _seed_sign(member)
        if sign is not None and outcome.standing == "counted":
            same[sign].append(outcome.run)
    found = [runs for runs in same.values() if len(runs) > 1]
    if found:
        named = "; ".join(map(_named, found[:_NAMED]))
        more = f"; and {len(found) - _NAMED} more sets" if len(found) > _NAMED else ""
        yield (
            f"These runs have the same seed and settings but different outcomes: {named}{more}. Something that the "
            "seed does not control (the GPU, parallel processes, the environment) makes them differ. They count as "
            "separate runs, although their independence is unknown. Give each run its own seed."
        )


def _alike(outcome: RunOutcome, extent: MetricExtent | None) -> Hashable:
    """Return a key that duplicate runs share, from what is known without reading their records."""
    if extent is None:
        return None
    outcomes = tuple((name, f"{value:.9e}") for name, value in sorted(outcome.outcomes.items()))
    return outcome.task, extent.values, extent.not_finite, extent.reached, outcomes


def _contents(candidates: Sequence[Member], source: MetricSource) -> dict[str, Content]:
    from rlvitals.comparison.metric_queries import contents, labels  # noqa: PLC0415 - a trainer needs no database

    if not candidates:
        return {}
    runs = [member.run for member in candidates]
    found = contents(runs, source)
    # Labels among these runs only can be shorter.
    return {
        member.label: found[label] for member, label in zip(candidates, labels(runs), strict=True) if label in found
    }


def _signs(member: Member, outcome: RunOutcome, alike: Hashable, content: Content | None) -> Iterator[_DuplicateSign]:
    if (training := training_of(member.header)) is not None:
        yield _DuplicateSign("records", training)
    if content is None:
        return
    if content.instants is not None:
        yield _DuplicateSign("records", (content.rows, content.instants))
    seed = _seed_sign(member)
    if seed is not None and outcome.outcomes:
        yield _DuplicateSign("seed", (seed, alike))
    if content.varied >= _VARIED:
        yield _DuplicateSign("values", (member.group, member.task, content.rows))


def _seed_sign(member: Member) -> Hashable:
    """Return a key of group, task, settings and seeds. `None` if no seed is known, or the settings are unknown."""
    if not member.is_known or all(value is None for value in member.seeds.values()):
        return None
    return member.group, member.task, msgspec.json.encode([member.settings, member.seeds], order="sorted")


def _is_renamed(member: Member) -> bool:
    return member.run.path.name != member.header.run_id


def _left_out(outcome: RunOutcome, repeat: Repeat) -> RunOutcome:
    reason = REASONS[repeat.by].format(of=repeat.of)
    return msgspec.structs.replace(outcome, standing="left out", reason=reason, outcomes={}, repeats=repeat)


def _named(runs: Sequence[str]) -> str:
    return listed(runs, _NAMED)


def _seeds(outcomes: Mapping[str, RunOutcome], same: Mapping[str, Sequence[str]]) -> str:
    """Return a remark if the known seeds of duplicate runs differ."""
    apart = any(
        outcomes[of].seed is not None and any(outcomes[run].seed != outcomes[of].seed for run in runs)
        for of, runs in same.items()
    )
    return " and their configurations name different seeds" if apart else ""
