"""Notes on the rules that were applied to the runs of a comparison."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from rlvitals.comparison.experiments import VERSIONS
from rlvitals.comparison.metric_source import MetricSource
from rlvitals.comparison.outcomes import Horizon
from rlvitals.comparison.result import RunGroup, RunOutcome
from rlvitals.comparison.wording import AXIS_WORDS, is_known_to_differ, short
from rlvitals.errors import RunError
from rlvitals.formatting import counted
from rlvitals.records.setting_names import TASK_SETTINGS

_MOST_NAMED = 5
_MOST_SETTINGS = 6
_FEW = 5
_MANY = 10

_EFFECTS = (
    "Hedges' g is in standard deviations between runs, which few runs estimate poorly. Its nominal 95 % interval "
    "covers 82 to 96 % for skewed and heavy-tailed outcomes, and 73 to 87 % for very skewed ones."
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
    """Return one note for each rule that made a difference.

    Args:
        groups: Groups of runs.
        outcomes: Outcome of each run.
        source: Compared metric.
        axis: Axis along which runs are aligned.
        horizons: End of the comparison on the axis, by task.
        blocks: Number of blocks of the axis.
        better: Whether higher is better.
        normalised: Whether outcomes are normalised by reference scores.
        refused: Folders that could not be opened or hold no run, with the reason.
        effects: Whether effect sizes are reported.
    """
    return [
        *_ends(horizons, axis),
        f"The axis is divided into {blocks} blocks. A run has a value only in the blocks in which it measured one.",
        *([] if better else [f"Lower {source.name} is better."]),
        *_runs(outcomes),
        *_groups(groups, normalised=normalised),
        *([_EFFECTS] if effects else []),
        *_refused(refused),
    ]


def _refused(refused: Sequence[tuple[Path, RunError]]) -> Iterator[str]:
    if refused:
        named = "; ".join(f"{path} ({error})" for path, error in refused[:_MOST_NAMED])
        more = f"; and {len(refused) - _MOST_NAMED} more" if len(refused) > _MOST_NAMED else ""
        yield f"{len(refused)} {'folder was' if len(refused) == 1 else 'folders were'} skipped: {named}{more}."


def _ends(horizons: Mapping[str, Horizon], axis: str) -> Iterator[str]:
    for task, horizon in horizons.items():
        whose = f"Runs of {task or 'an unnamed environment'}" if len(horizons) > 1 else "Runs"
        where = f"{short(horizon.place)} {AXIS_WORDS[axis]} ({horizon.reason})"
        yield f"{whose} are compared up to {where}. Later records are ignored."


def _runs(outcomes: Sequence[RunOutcome]) -> Iterator[str]:
    for standing, of_one, of_many in (
        (
            "counts as worst",
            "It counts as worst in ranks and profiles, and is excluded from means",
            "They count as worst in ranks and profiles, and are excluded from means",
        ),
        ("left out", "It does not count", "They do not count"),
    ):
        found = [one for one in outcomes if one.standing == standing and one.repeats is None]
        if found:
            named = "; ".join(f"{one.run} {one.reason}" for one in found[:_MOST_NAMED])
            more = f"; and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else ""
            have, rule = ("has", of_one) if len(found) == 1 else ("have", of_many)
            yield f"{len(found)} of {counted(len(outcomes), 'run')} {have} no outcome: {named}{more}. {rule}."
    odd = [one for one in outcomes if one.not_finite]
    if odd:
        values = sum(one.not_finite for one in odd)
        are, each = ("is", "It is") if values == 1 else ("are", "They are")
        whose = f"{counted(values, 'value')} of {counted(len(odd), 'run')}"
        yield f"{whose} {are} NaN or infinite. {each} excluded from every mean."


def _groups(groups: Sequence[RunGroup], *, normalised: bool) -> Iterator[str]:
    for group in groups:
        differing = [name for name, values in group.varying.items() if is_known_to_differ(values)]
        varying = [name for name in differing if not name.startswith(VERSIONS) and name not in TASK_SETTINGS]
        versions = sum(name.startswith(VERSIONS) for name in differing)
        partly = [name for name in group.varying if name not in differing and not name.startswith(VERSIONS)]
        if varying or versions:
            named = [*varying[:_MOST_SETTINGS], *([counted(versions, "package version")] if versions else [])]
            more = len(varying) - _MOST_SETTINGS
            named += [f"{more} more"] if more > 0 else []
            yield f"The runs of {group.name} differ in more than the seed: {', '.join(named)}."
        if partly and group.settings_unknown < group.runs:
            missing = ", ".join(partly[:_MOST_SETTINGS])
            missing += f" and {len(partly) - _MOST_SETTINGS} more" if len(partly) > _MOST_SETTINGS else ""
            yield f"Some runs of {group.name} did not record {missing}, so whether they differ in it is unknown."
        if len(group.tasks) > 1 and not normalised:
            yield (
                f"{group.name} ran in {len(group.tasks)} environments. Without reference scores, its outcomes are not "
                "combined, and each environment is compared separately."
            )
    alone = [group for group in groups if group.counted <= 1]
    if alone:
        told = ", ".join(group.name for group in alone[:_FEW]) + (", ..." if len(alone) > _FEW else "")
        verdict = "no verdict except by rank" if any(group.worst for group in alone) else "no verdict"
        whose = "1 group has" if len(alone) == 1 else f"{len(alone)} groups have"
        yield f"{whose} fewer than 2 outcomes and therefore no interval and {verdict}: {told}."
    yield from _intervals(groups, normalised=normalised)


def _intervals(groups: Sequence[RunGroup], *, normalised: bool) -> Iterator[str]:
    """State how reliable intervals of means are for the smallest group, as in `docs/validation/comparison.md`."""
    sizes = [group.counted // (max(1, len(group.tasks)) if normalised else 1) for group in groups]
    fewest = min((size for size in sizes if size > 1), default=_MANY)
    if fewest < _FEW:
        yield (
            "With 2 to 4 runs, the interval of a mean is reliable for roughly normal outcomes. For strongly skewed or "
            "bimodal outcomes (some runs fail), the nominal 95 % interval covers 82 to 89 %, and no useful interval "
            "does much better, because few runs do not show rare outcomes. The intervals of the median (93 % or more) "
            "and of the interquartile mean (90 % or more) depend less on the distribution."
        )
    elif fewest < _MANY:
        yield (
            "With 5 to 9 runs, the nominal 95 % interval of a mean covers 88 to 93 % for strongly skewed or bimodal "
            "outcomes (some runs fail). The intervals of median and interquartile mean cover 93 % or more."
        )
