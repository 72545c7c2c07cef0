"""Measurements of updates that several rules share: early and recent levels, and behaviour of policy and critic."""

import math

import numpy as np
from numpy.typing import NDArray

from rlvitals.diagnosis.block_table import BlockTable, Floats
from rlvitals.diagnosis.evidence import Evidence
from rlvitals.diagnosis.thresholds import Threshold

FEWEST_UPDATES = Threshold(8, "updates", "Minimum number of updates to assess the development of a metric.")
NO_ACCIDENT = Threshold(
    3, "updates", "Minimum number of updates to report an obvious fault. A single one can be an accident."
)
LITTLE_CHANGE = Threshold(1e-5, "", "Learning rate below which the learning rate is the cause of any symptom.")
USUAL_LIMIT = Threshold(0.5, "", "Assumed limit of the gradient norm if none is known (SB3, CleanRL).")
RECENT_SHARE = Threshold(0.1, "%", "Share of the last values whose median is the recent level.")
FEWEST_RECENT = Threshold(5, "values", "Minimum number of values for a recent level.")
FEWEST_EARLY = Threshold(
    5, "values", "Number of first values whose median is the early level, and width of running medians."
)
_ROUNDING_ERROR = Threshold(
    -1e6, "", "Explained variance below which returns do not vary: a rounding error divided by another."
)
_LOSSES = ("loss", "policy_loss", "value_loss")


def training_began(evidence: Evidence) -> float | None:
    """Return the environment step of the first update; `None` if it is unknown."""
    updates = evidence.recorded_updates
    # Some training loops log a loss of zero before the first update.
    trained = np.flatnonzero(sum(np.abs(np.nan_to_num(updates.mean(name))) for name in _LOSSES))
    logged = float(updates.low("step")[trained[0]]) if trained.size else math.nan
    configured = evidence.settings.learning_starts
    if configured is None and evidence.settings.of_family.warms_up is False:
        configured = 0.0
    known = [step for step in (logged, configured) if step is not None and math.isfinite(step)]
    return max(known, default=None)


def trained_past(evidence: Evidence, share: float) -> bool:
    """Return whether the training has passed a share of its budget, not counting a warm-up of random actions."""
    began, budget = training_began(evidence), evidence.budget
    if evidence.settings.of_family.warms_up is False or began is None or budget is None or began >= budget:
        return evidence.past(share)
    return (evidence.env_step - began) / (budget - began) >= share


def values(table: BlockTable, name: str) -> Floats:
    """Return the finite block means of a column, in time order."""
    column = table.mean(name)
    return column[np.isfinite(column)]


def recent(table: BlockTable, name: str, *, share: float | None = None) -> float:
    """Return the median of the last values of a column; NaN if there are none.

    Args:
        table: Stream.
        name: Column.
        share: Share of the values, 0 to 1; `RECENT_SHARE` by default.
    """
    return _recent(values(table, name), share)


def early(table: BlockTable, name: str, *, count: float | None = None) -> float:
    """Return the median of the first `count` values of a column; of `FEWEST_EARLY` values by default."""
    return _median(values(table, name)[: int(FEWEST_EARLY if count is None else count)])


def median(table: BlockTable, name: str) -> float:
    """Return the median of all values of a column."""
    return _median(values(table, name))


def rolling(column: Floats, width: int) -> Floats:
    """Return the medians of sliding windows; of all values together if they are fewer than one window."""
    if not column.size:
        return column
    windows = np.lib.stride_tricks.sliding_window_view(column, min(width, column.size))
    medians: Floats = np.median(windows, axis=1)
    return medians


def since(table: BlockTable, name: str, holds: NDArray[np.bool_]) -> float | None:
    """Return the step at which the last uninterrupted stretch of a condition began; `None` if it does not hold now.

    Args:
        table: Stream.
        name: Column of the condition. Rows without a finite value do not interrupt the stretch.
        holds: Whether the condition holds for each finite value of the column.
    """
    steps = table.low("step")[np.isfinite(table.mean(name))]
    if not holds.size or not holds[-1]:
        return None
    broken = np.flatnonzero(~holds)
    return float(steps[broken[-1] + 1 if broken.size else 0])


def learning_rate(evidence: Evidence) -> float:
    """Return the logged learning rate, otherwise the configured one; NaN if both are missing."""
    logged = median(evidence.updates, "learning_rate")
    return logged if math.isfinite(logged) else _or_nan(evidence.settings.learning_rate)


def gradient_limit(evidence: Evidence) -> float:
    """Return the norm to which gradients are clipped; infinity if reported as unclipped, NaN if unknown."""
    logged = median(evidence.updates, "gradient_norm_limit")
    limit = logged if math.isfinite(logged) else _or_nan(evidence.settings.gradient_limit)
    return math.inf if limit <= 0.0 else limit


def clip_range(evidence: Evidence) -> float:
    """Return the clip range at the start; NaN if unknown."""
    logged = early(evidence.updates, "clip_range")
    return logged if math.isfinite(logged) else _or_nan(evidence.settings.clip_range)


def entropy_share(evidence: Evidence) -> Floats:
    """Return the entropy as a share of the maximum that the action space allows; empty if that is unknown."""
    most = evidence.settings.action_entropy
    entropy = values(evidence.updates, "entropy")
    return entropy / most if most else entropy[:0]


def explained(evidence: Evidence) -> Floats:
    """Return the explained variance as running medians of five, without updates whose returns do not vary.

    If returns do not vary, it is 0 / 0 (NaN), or a rounding error divided by another.
    """
    column = values(evidence.updates, "explained_variance")
    return rolling(column[column > _ROUNDING_ERROR], int(FEWEST_EARLY))


def critic_offset(evidence: Evidence) -> float:
    """Return the bias of the critic: the recent |mean advantage| in units of its standard deviation.

    The mean advantage is the mean return minus the mean value. NaN if it is not reported.
    """
    spread = recent(evidence.updates, "advantage_std")
    means = values(evidence.updates, "advantage_mean")
    if not means.size or not spread > 0.0:
        return math.nan
    return abs(_recent(means)) / spread


def critic_error(evidence: Evidence) -> float:
    """Return the critic's squared error on each new rollout relative to the value loss: recent median; NaN if missing.

    The error is the mean square of the advantages. On fresh data, the loss during training is equal to it or a few
    times smaller. Libraries that log half of the squared error double the ratio.
    """
    updates = evidence.updates
    ratio = (updates.mean("advantage_mean") ** 2 + updates.mean("advantage_std") ** 2) / updates.mean("value_loss")
    ratio = ratio[np.isfinite(ratio)]
    return _recent(ratio)


def mean_length(evidence: Evidence) -> float:
    """Return the mean length of all episodes, in steps; NaN before the first."""
    said = evidence.episodes.said("length").sum()
    return float(evidence.episodes.total("length").sum() / said) if said else math.nan


def share_of(table: BlockTable, name: str, *, last: float = 1.0) -> float:
    """Return the record-weighted mean of a column over the last share of its rows; NaN if there are no values."""
    rows = len(table)
    tail = slice(max(0, rows - max(1, math.ceil(last * rows))), rows)
    said = table.said(name)[tail].sum()
    return float(table.total(name)[tail].sum() / said) if said else math.nan


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _recent(column: Floats, share: float | None = None) -> float:
    share = RECENT_SHARE if share is None else share
    return _median(column[-max(int(FEWEST_RECENT), math.ceil(share * column.size)) :])


def _median(column: Floats) -> float:
    return float(np.median(column)) if column.size else math.nan
