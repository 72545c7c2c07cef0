"""The rules that were applied to the runs of a comparison, said."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rlvitals.comparison.experiments import VERSIONS
from rlvitals.comparison.metric_source import MetricSource
from rlvitals.comparison.outcomes import Horizon
from rlvitals.comparison.result import RunGroup, RunOutcome
from rlvitals.comparison.wording import AXIS_WORDS, is_known_to_differ, short
from rlvitals.errors import RunError
from rlvitals.records.setting_names import TASK_SETTINGS

_MOST_NAMED = 5
_MOST_SETTINGS = 6
_FEW = 5
_MANY = 10

_EFFECTS = (
    "Hedges' g is in standard deviations from run to run, which few runs show badly: for skewed outcomes and those "
    "with heavy tails its interval covers 82 to 96 % where it says 95 %, for very skewed ones 73 to 87 %."
)


def notes_of(
    groups: Sequence[RunGroup],
    outcomes: Sequence[RunOutcome],
    *,
    source: MetricSource,
    axis: str,
    horizons: Mapping[str, Horizon],
    blocks: int,
    better: bool,
    normalised: bool,
    refused: Sequence[tuple[Path, RunError]],
    effects: bool,
) -> list[str]:
    """Each rule that made a difference, a sentence each.

    Args:
        groups: The groups.
        outcomes: What each run came to.
        source: The metric.
        axis: What runs were brought together by.
        horizons: Where they were compared, by task.
        blocks: Blocks of the axis.
        better: Whether more is better.
        normalised: Whether outcomes lie between references.
        refused: Folders that could not be opened, or have no run, with the reason.
        effects: Whether sizes of effects are said.
    """
    return [
        *_ends(horizons, axis),
        f"The axis is cut in {blocks} blocks. A run has a value in a block only where it measured one.",
        *([] if better else [f"Of {source.name} less is better."]),
        *_runs(outcomes),
        *_groups(groups, normalised=normalised),
        *([_EFFECTS] if effects else []),
        *_refused(refused),
    ]


def _refused(refused: Sequence[tuple[Path, RunError]]) -> Iterator[str]:
    if refused:
        named = "; ".join(f"{path} ({error})" for path, error in refused[:_MOST_NAMED])
        more = f"; and {len(refused) - _MOST_NAMED} more" if len(refused) > _MOST_NAMED else ""
        yield f"{len(refused)} {'folder was' if len(refused) == 1 else 'folders were'} refused: {named}{more}."


def _ends(horizons: Mapping[str, Horizon], axis: str) -> Iterator[str]:
    for task, horizon in horizons.items():
        whose = f"Runs of {task or 'an environment without a name'}" if len(horizons) > 1 else "Runs"
        where = f"{short(horizon.place)} {AXIS_WORDS[axis]} ({horizon.reason})"
        yield f"{whose} are compared at {where}; what comes behind is not looked at."


def _runs(outcomes: Sequence[RunOutcome]) -> Iterator[str]:
    for standing, rule in (
        ("counts as worst", "They count as worst in ranks and profiles, and not in means"),
        ("left out", "They do not count"),
    ):
        found = [one for one in outcomes if one.standing == standing and one.repeats is None]
        if found:
            named = "; ".join(f"{one.run} {one.reason}" for one in found[:_MOST_NAMED])
            more = f"; and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
            yield f"{len(found)} of {len(outcomes)} runs have no outcome: {named}{more}. {rule}."
    odd = [one for one in outcomes if one.not_finite]
    if odd:
        values = sum(one.not_finite for one in odd)
        whose = "1 run" if len(odd) == 1 else f"{len(odd)} runs"
        yield f"{values} values of {whose} are NaN or infinite; they are left out of every mean."


def _groups(groups: Sequence[RunGroup], *, normalised: bool) -> Iterator[str]:
    for group in groups:
        differing = [name for name, values in group.varying.items() if is_known_to_differ(values)]
        varying = [name for name in differing if not name.startswith(VERSIONS) and name not in TASK_SETTINGS]
        versions = sum(name.startswith(VERSIONS) for name in differing)
        partly = [name for name in group.varying if name not in differing and not name.startswith(VERSIONS)]
        if varying or versions:
            named = [*varying[:_MOST_SETTINGS], *([f"{versions} package versions"] if versions else [])]
            more = len(varying) - _MOST_SETTINGS
            named += [f"{more} more"] if more > 0 else []
            yield f"The runs of {group.name} differ among themselves by more than the seed: {', '.join(named)}."
        if partly and group.settings_unknown < group.runs:
            missing = ", ".join(partly[:_MOST_SETTINGS])
            missing += f" and {len(partly) - _MOST_SETTINGS} more" if len(partly) > _MOST_SETTINGS else ""
            yield f"Some runs of {group.name} did not record {missing}: whether they differ in that is unknown."
        if len(group.tasks) > 1 and not normalised:
            yield (
                f"{group.name} ran in {len(group.tasks)} environments: without references its outcomes are not put "
                "together, and each environment is compared for itself."
            )
    alone = [group for group in groups if group.counted <= 1]
    if alone:
        told = ", ".join(group.name for group in alone[:_FEW]) + (", ..." if len(alone) > _FEW else "")
        verdict = "no verdict but by rank" if any(group.worst for group in alone) else "no verdict"
        whose = "1 group has" if len(alone) == 1 else f"{len(alone)} groups have"
        yield f"{whose} fewer than 2 outcomes, and so no interval and {verdict}: {told}."
    yield from _intervals(groups, normalised=normalised)


def _intervals(groups: Sequence[RunGroup], *, normalised: bool) -> Iterator[str]:
    """How far intervals of means can be trusted: as measured in `docs/comparison.md`, for the smallest group."""
    sizes = [group.counted // (max(1, len(group.tasks)) if normalised else 1) for group in groups]
    fewest = min((size for size in sizes if size > 1), default=_MANY)
    if fewest < _FEW:
        yield (
            "With 2 to 4 runs the interval of a mean holds for outcomes that are roughly normal. For strongly skewed "
            "ones, or ones with two modes (some runs fail), it covers 82 to 89 % where it says 95 %, and no interval "
            "of use does much better: few runs do not show the rare ones. Those of the median (93 % or more) and the "
            "interquartile mean (90 % or more) depend less on it."
        )
    elif fewest < _MANY:
        yield (
            "With 5 to 9 runs the interval of a mean covers 88 to 93 % where it says 95 % if outcomes are strongly "
            "skewed or have two modes (some runs fail); those of median and interquartile mean cover 93 % or more."
        )
