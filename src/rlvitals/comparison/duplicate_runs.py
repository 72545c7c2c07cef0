"""Runs that are others over again: copies, and trainings whose seed was the same. They are no further seeds."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from rlvitals.comparison.experiments import Member
from rlvitals.comparison.metric_source import Content, MetricExtent, MetricSource
from rlvitals.comparison.result import Repeat, RunOutcome
from rlvitals.comparison.substitutes import Substitutes, content_of
from rlvitals.comparison.wording import listed
from rlvitals.runs.header import Header

_VARIED = 10
"""Different values of one number, from which on two series that are equal throughout are no coincidence."""
_NAMED = 5

REASONS = {
    "records": "holds the records of {of} again",
    "seed": "has the seed, the settings and the outcome of {of}",
    "values": "has the values of {of} from the first to the last",
}
_WHY = {
    "records": "They hold the same records, written at the same instants: copies, or one export imported twice.",
    "seed": "They have the same seed, settings and outcome: a training done again with its seed tells nothing new.",
    "values": (
        "All their numbers are the same from the first to the last, though they were written at other times{seeds}: "
        "see that each training is given its own seed."
    ),
}


class _DuplicateSign(NamedTuple):
    """A sign by which runs are the same, and what kind of sign it is."""

    by: Any
    sign: Hashable


def training_of(header: Header) -> bytes | None:
    """What is the same in all copies of a run's folder and in no other run; `None` where the header does not say."""
    return msgspec.json.encode(header, order="sorted") if header.writers else None


def without_repeats(
    members: Sequence[Member],
    outcomes: Sequence[RunOutcome],
    extents: Mapping[str, MetricExtent],
    source: MetricSource,
    substitutes: Substitutes,
) -> list[RunOutcome]:
    """The outcomes, those of repeated runs left out, with the run that each counts with.

    What was measured already says which runs may be the same: as many values, as far, with outcomes equal but for
    rounding. Of those alone all records are looked at. They are one run where

    - their folders have one header, or their records are equal to the times of the clock, in whichever groups;
    - in one group, seed (where it is known), settings and outcome are equal;
    - in one group, all numbers of the metric's stream are equal, and vary: two seeds cannot do that. Where they do not
      vary (each episode has the highest reward there is), two seeds can, and are two runs.

    Args:
        members: The runs.
        outcomes: What each came to.
        extents: How much of the metric each has.
        source: The metric.
        substitutes: What stands for the metric in runs without episodes.
    """
    alike = [_alike(one, extents.get(one.run)) for one in outcomes]
    shared = Counter(sign for sign in alike if sign is not None)
    candidates = [row for row, sign in enumerate(alike) if sign is not None and shared[sign] > 1]
    contents = _contents([members[row] for row in candidates], source)
    contents |= {label: content_of(series) for label, series in substitutes.items()}
    first: dict[_DuplicateSign, str] = {}
    repeats: dict[str, Repeat] = {}
    # The longest first: of a run and a copy that was made while it ran, the run is what counts. Then those whose
    # folders have the name that the run was given.
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
    """Which runs count as one, and why; a sentence or two for each reason."""
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
            more = f"; and {len(same) - _NAMED} more such" if len(same) > _NAMED else ""
            head = (
                "" if said else f"{len(outcomes)} runs were given, and {own} {'is' if own == 1 else 'are'} distinct. "
            )
            each = " each" if len(same) > 1 else ""
            said.append(f"{head}Counted as one run{each}: {named}{more}. {why.format(seeds=_seeds(every, same))}")
    return said


def doubtful_seeds(members: Sequence[Member], outcomes: Sequence[RunOutcome]) -> Iterator[str]:
    """Runs of one group with the same seed and settings, and other outcomes: perhaps not independent."""
    same: dict[Hashable, list[str]] = defaultdict(list)
    for member, outcome in zip(members, outcomes, strict=True):
        sign = _seed_sign(member)
        if sign is not None and outcome.standing == "counted":
            same[sign].append(outcome.run)
    found = [runs for runs in same.values() if len(runs) > 1]
    if found:
        named = "; ".join(map(_named, found[:_NAMED]))
        more = f"; and {len(found) - _NAMED} more such" if len(found) > _NAMED else ""
        yield (
            f"These have the same seed and settings, and other outcomes: {named}{more}. Something that the seed does "
            "not rule (the GPU, processes side by side, the environment) parts them; they count as runs of their own, "
            "and how far they are independent is not known. Give each run a seed of its own."
        )


def _alike(outcome: RunOutcome, extent: MetricExtent | None) -> Hashable:
    """What two runs that are the same share, as far as it is known without looking further."""
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
    # Of these runs alone: what they are called may be shorter.
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
    """Group, task, settings and seeds; `None` where no seed is known."""
    if all(value is None for value in member.seeds.values()):
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
    """Said where seeds are known, and differ all the same."""
    apart = any(
        outcomes[of].seed is not None and any(outcomes[run].seed != outcomes[of].seed for run in runs)
        for of, runs in same.items()
    )
    return " and their configurations name different seeds" if apart else ""
