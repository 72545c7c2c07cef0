"""The rules that were applied to the runs of a comparison, said."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from rlvitals.comparison.experiments import TASK_SETTINGS, VERSIONS
from rlvitals.comparison.measuring import Source
from rlvitals.comparison.outcomes import Horizon
from rlvitals.comparison.result import Group, RunOutcome
from rlvitals.comparison.wording import short

_MOST_NAMED = 5
_MOST_SETTINGS = 6
_AXES = {"env_step": "environment steps", "episode": "episodes", "update": "updates", "time": "seconds"}
_FEW = 5


def notes_of(
    groups: Sequence[Group],
    outcomes: Sequence[RunOutcome],
    *,
    source: Source,
    axis: str,
    horizons: Mapping[str, Horizon],
    blocks: int,
    better: bool,
    normalised: bool,
    refused: int,
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
        refused: Folders that could not be opened.
    """
    return [
        *_ends(horizons, axis),
        f"The axis is cut in {blocks} blocks. A run has a value in a block only where it measured one.",
        *([] if better else [f"Of {source.name} less is better."]),
        *_runs(outcomes),
        *_groups(groups, normalised=normalised),
        *([f"{refused} folders could not be opened."] if refused else []),
    ]


def _ends(horizons: Mapping[str, Horizon], axis: str) -> Iterator[str]:
    for task, horizon in horizons.items():
        whose = f"Runs of {task or 'an environment without a name'}" if len(horizons) > 1 else "Runs"
        where = f"{short(horizon.place)} {_AXES[axis]} ({horizon.reason})"
        yield f"{whose} are compared at {where}; what comes behind is not looked at."


def _runs(outcomes: Sequence[RunOutcome]) -> Iterator[str]:
    for standing, rule in (
        ("counts as worst", "They count as worst in ranks and profiles, and not in means"),
        ("left out", "They do not count"),
    ):
        found = [one for one in outcomes if one.standing == standing]
        if found:
            named = "; ".join(f"{one.run} {one.reason}" for one in found[:_MOST_NAMED])
            more = f"; and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
            yield f"{len(found)} of {len(outcomes)} runs have no outcome: {named}{more}. {rule}."
    odd = [one for one in outcomes if one.not_finite]
    if odd:
        values = sum(one.not_finite for one in odd)
        yield f"{values} values of {len(odd)} runs are NaN or infinite; they are left out of every mean."


def _groups(groups: Sequence[Group], *, normalised: bool) -> Iterator[str]:
    for group in groups:
        varying = [name for name in group.varying if not name.startswith(VERSIONS) and name not in TASK_SETTINGS]
        versions = sum(name.startswith(VERSIONS) for name in group.varying)
        if varying or versions:
            named = [*varying[:_MOST_SETTINGS], *([f"{versions} package versions"] if versions else [])]
            more = len(varying) - _MOST_SETTINGS
            named += [f"{more} more"] if more > 0 else []
            yield f"The runs of {group.name} differ among themselves by more than the seed: {', '.join(named)}."
        if len(group.tasks) > 1 and not normalised:
            yield (
                f"{group.name} ran in {len(group.tasks)} environments: without references its outcomes are not put "
                "together, and each environment is compared for itself."
            )
    sizes = Counter(group.counted for group in groups)
    if any(size in sizes for size in (0, 1)):
        alone = [group.name for group in groups if group.counted <= 1]
        told = ", ".join(alone[:_FEW])
        yield f"{len(alone)} groups have fewer than 2 outcomes, and so no interval and no verdict: {told}."
    if any(1 < size < _FEW for size in sizes):
        yield (
            "With 3 or 4 runs the interval of a mean holds for outcomes that are roughly normal; for strongly skewed "
            "ones, or ones with two modes, it covers 82 to 89 % where it says 95 %, and no method can do much better. "
            "Those of median and interquartile mean depend less on it."
        )
