"""Questions that many rules ask of the updates: levels early and late, and what the policy and the critic do."""

import math

import numpy as np
from numpy.typing import NDArray

from rlvitals.diagnosis.block_table import BlockTable, Floats
from rlvitals.diagnosis.evidence import Evidence
from rlvitals.diagnosis.thresholds import Threshold

FEWEST_UPDATES = Threshold(8, "updates", "Updates that a rule about the course of a metric needs.")
NO_ACCIDENT = Threshold(3, "updates", "Updates that a rule about a plain fault needs: one may be an accident.")
LITTLE_CHANGE = Threshold(1e-5, "", "Learning rate below which the rate is the cause, whatever else shows.")
USUAL_LIMIT = Threshold(
    0.5, "", "Norm to which gradients are taken to be clipped where no limit is known (SB3, CleanRL)."
)
RECENT_SHARE = Threshold(0.1, "%", "Share of a column's values that a recent level is the median of.")
FEWEST_RECENT = Threshold(5, "values", "Values that a recent level is the median of, at least.")
FEWEST_EARLY = Threshold(5, "values", "Values that an early level is the median of, and the width of a running median.")
_ROUNDING_ERROR = Threshold(
    -1e6, "", "Explained variance below which the returns do not vary: a rounding error over another."
)
_LOSSES = ("loss", "policy_loss", "value_loss")


def training_began(evidence: Evidence) -> float | None:
    """The environment step of the first update; `None` where nothing tells."""
    updates = evidence.recorded_updates
    # Before there is an update, some loops log a loss of zero.
    trained = np.flatnonzero(sum(np.abs(np.nan_to_num(updates.mean(name))) for name in _LOSSES))
    logged = float(updates.low("step")[trained[0]]) if trained.size else math.nan
    configured = evidence.settings.learning_starts
    if configured is None and evidence.settings.of_family.warms_up is False:
        configured = 0.0
    known = [step for step in (logged, configured) if step is not None and math.isfinite(step)]
    return max(known, default=None)


def trained_past(evidence: Evidence, share: float) -> bool:
    """Whether the training is beyond a share of its budget, which a warm-up of random actions does not count for."""
    began, budget = training_began(evidence), evidence.budget
    if evidence.settings.of_family.warms_up is False or began is None or budget is None or began >= budget:
        return evidence.past(share)
    return (evidence.env_step - began) / (budget - began) >= share


def values(table: BlockTable, name: str) -> Floats:
    """The finite means of a column's blocks, in time order."""
    column = table.mean(name)
    return column[np.isfinite(column)]


def recent(table: BlockTable, name: str, *, share: float | None = None) -> float:
    """Return the median of the last values of a column; NaN where there are none.

    Args:
        table: The stream.
        name: The column.
        share: Share of the values, 0 to 1; `RECENT_SHARE` where it is not given.
    """
    return _recent(values(table, name), share)


def early(table: BlockTable, name: str, *, count: float | None = None) -> float:
    """Return the median of the first `count` values of a column; of `FEWEST_EARLY` where no number is given."""
    return _median(values(table, name)[: int(FEWEST_EARLY if count is None else count)])


def median(table: BlockTable, name: str) -> float:
    """The median of all values."""
    return _median(values(table, name))


def rolling(column: Floats, width: int) -> Floats:
    """Medians of windows of values in a row; of all together where there are fewer."""
    if not column.size:
        return column
    windows = np.lib.stride_tricks.sliding_window_view(column, min(width, column.size))
    medians: Floats = np.median(windows, axis=1)
    return medians


def since(table: BlockTable, name: str, holds: NDArray[np.bool_]) -> float | None:
    """The step at which the last uninterrupted stretch of a condition began.

    Args:
        table: The stream.
        name: The column that the condition is about; rows where it says nothing do not interrupt.
        holds: Of each finite value of the column, whether the condition holds.
    """
    steps = table.low("step")[np.isfinite(table.mean(name))]
    if not holds.size or not holds[-1]:
        return None
    broken = np.flatnonzero(~holds)
    return float(steps[broken[-1] + 1 if broken.size else 0])


def learning_rate(evidence: Evidence) -> float:
    """The learning rate, as logged, else as configured; NaN if neither says."""
    logged = median(evidence.updates, "learning_rate")
    return logged if math.isfinite(logged) else _or_nan(evidence.settings.learning_rate)


def gradient_limit(evidence: Evidence) -> float:
    """The norm to which gradients are clipped; infinite where it is said that they are not; NaN if nothing is said."""
    logged = median(evidence.updates, "gradient_norm_limit")
    limit = logged if math.isfinite(logged) else _or_nan(evidence.settings.gradient_limit)
    return math.inf if limit <= 0.0 else limit


def clip_range(evidence: Evidence) -> float:
    """The clip range at the beginning; NaN if nothing is said."""
    logged = early(evidence.updates, "clip_range")
    return logged if math.isfinite(logged) else _or_nan(evidence.settings.clip_range)


def entropy_share(evidence: Evidence) -> Floats:
    """Entropy over the greatest that the action space allows; empty where that is not known."""
    most = evidence.settings.action_entropy
    entropy = values(evidence.updates, "entropy")
    return entropy / most if most else entropy[:0]


def explained(evidence: Evidence) -> Floats:
    """Explained variance, smoothed by medians of five; updates whose returns do not vary are left out.

    Where returns do not vary, it is 0 / 0 (NaN), or a rounding error divided by another.
    """
    column = values(evidence.updates, "explained_variance")
    return rolling(column[column > _ROUNDING_ERROR], int(FEWEST_EARLY))


def critic_offset(evidence: Evidence) -> float:
    """How far the critic is off on the whole: recent |mean advantage| in units of its standard deviation.

    The mean advantage is the mean return less the mean value. NaN where it is not said.
    """
    spread = recent(evidence.updates, "advantage_std")
    means = values(evidence.updates, "advantage_mean")
    if not means.size or not spread > 0.0:
        return math.nan
    return abs(_recent(means)) / spread


def critic_error(evidence: Evidence) -> float:
    """The critic's squared error on each new rollout, in units of the value loss: recent median; NaN if not said.

    The error is the mean square of the advantages. On data that is fresh, the loss, taken while the critic learns from
    it, is the same or a few times smaller; libraries that log half of the square double the ratio.
    """
    updates = evidence.updates
    ratio = (updates.mean("advantage_mean") ** 2 + updates.mean("advantage_std") ** 2) / updates.mean("value_loss")
    ratio = ratio[np.isfinite(ratio)]
    return _recent(ratio)


def mean_length(evidence: Evidence) -> float:
    """The mean length of all episodes; NaN before the first."""
    said = evidence.episodes.said("length").sum()
    return float(evidence.episodes.total("length").sum() / said) if said else math.nan


def share_of(table: BlockTable, name: str, *, last: float = 1.0) -> float:
    """The mean of a column over the last share of its rows, each record counted; NaN where nothing is said."""
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
