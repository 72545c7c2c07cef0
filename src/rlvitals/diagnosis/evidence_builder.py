"""Evidence from records: tables of bounded size, filled incrementally."""

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rlvitals.diagnosis.attempt_samples import AttemptSamples, rows_in
from rlvitals.diagnosis.baseline_comparisons import BaselineEvaluations
from rlvitals.diagnosis.block_table import BlockTable, Floats
from rlvitals.diagnosis.evidence import Context, Evidence
from rlvitals.records import Episode, Evaluation, PolicyUpdate, Record, SystemSample
from rlvitals.records.attempt_rows import AttemptRow
from rlvitals.runs.reward_series import RewardSeries

MOST_CATEGORIES = 64
"""Maximum number of categories with a table. Episodes of further categories count only in the episode table."""
_CATEGORY_ROWS = 64
_MOST_PENDING = 4096

EPISODE_COLUMNS = (
    "time",
    "step",
    "reward",
    "reward_squared",
    "length",
    "success",
    "quality",
    "terminated",
    "truncated",
    "memory",
    "time_back",
)
UPDATE_COLUMNS = (
    "time",
    "step",
    "policy_loss",
    "value_loss",
    "loss",
    "entropy",
    "kl_divergence",
    "clip_fraction",
    "clip_range",
    "explained_variance",
    "learning_rate",
    "gradient_norm",
    "gradient_norm_max",
    "gradient_norm_limit",
    "action_std",
    "action_bound_fraction",
    "advantage_mean",
    "advantage_std",
    "value_mean",
    "return_mean",
    "return_std",
    "reward_mean",
    "epochs",
    "duration",
    "repeated",
    "observation_std",
    "observation_constant_fraction",
    "advantage_residual",
    "reward_std",
    "value_std",
    "random_return",
    "memory",
)
EVALUATION_COLUMNS = ("time", "step", "reward", "reward_std", "quality", "success_rate", "length", "episodes")
OUTCOMES = ("reward", "quality_final", "quality_improvement", "length")
"""Fields of an episode that are outcomes of its parameters, and its length."""
SYSTEM_COLUMNS = ("time", "step", "memory", "memory_available", "env_steps_per_second")

_FROM_EXTRA = {
    "observation_std": ("observation_std",),
    "observation_constant_fraction": ("observation_constant_fraction",),
    "advantage_residual": ("advantage_residual",),
    "reward_std": ("reward_std",),
    "value_std": ("value_std",),
    "random_return": ("random_return",),
    "memory": ("memory", "memory_mib", "memory_mb"),
}
_TERMINATED = {"terminated", "terminal"}
_RESULT = "optimization"
"""Termination reason of results from `OptimizationLogger`. Such an episode without metrics has no reward."""
_TRUNCATED = {"truncated", "time_limit", "timelimit", "timeout", "timelimit.truncated"}


class EvidenceBuilder:
    """Builder of evidence from records, in bounded memory. Thread-safe.

    `add` costs the training loop one append. Values are extracted when evidence is requested.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pending: list[Record] = []
        self._tables = {
            Episode: BlockTable(EPISODE_COLUMNS),
            PolicyUpdate: BlockTable(UPDATE_COLUMNS),
            Evaluation: BlockTable(EVALUATION_COLUMNS),
            SystemSample: BlockTable(SYSTEM_COLUMNS),
        }
        self._categories: dict[str, BlockTable] = {}
        self._attempts = AttemptSamples()
        self._evaluated = BaselineEvaluations()
        self._reward_source = ""
        self._steps = 0.0
        self._last_time = -np.inf
        self._last_rollout: tuple[float | None, ...] = (None,) * len(_ROLLOUT)

    def add(self, record: Record) -> None:
        """Add one record. Kinds that no rule uses are ignored."""
        if type(record) in _COLUMNS_OF:
            self._pending.append(record)
            if len(self._pending) > _MOST_PENDING:
                self.fold()

    def fold(self) -> None:
        """Move pending records into the tables."""
        with self._lock:
            pending, self._pending = self._pending, []
            by_kind: dict[type[Record], list[Any]] = {}
            for record in pending:
                by_kind.setdefault(type(record), []).append(record)
            for kind, records in by_kind.items():
                if kind is Evaluation:
                    for evaluation in records:
                        self._evaluated.add(evaluation)
                wanted = _COLUMNS_OF[kind](records)
                if kind is Episode:
                    self._add_episodes(wanted, [record.category for record in records])
                    self._sample([record for record in records if record.parameters or record.attempts])
                elif kind is PolicyUpdate:
                    self._add_updates(wanted)
                elif wanted and len(wanted["time"]):
                    _extend(self._tables[kind], wanted)

    def add_attempts(self, episodes: int, read: Callable[[int], tuple[bool, str | None, Sequence[AttemptRow]]]) -> None:
        """Add the parameters of episodes that report them, as for `AttemptSamples.extend`."""
        with self._lock:
            self._attempts.extend(episodes, read)

    def add_episodes(self, columns: Mapping[str, Any], categories: Iterable[str | None]) -> None:
        """Add many episodes at the same time.

        Args:
            columns: Arrays by the field names of `records.Episode`; missing values are masked or `None`.
            categories: Category of each episode.
        """
        with self._lock:
            self._add_episodes(_episode_columns(columns), list(categories))

    @property
    def has_episodes(self) -> bool:
        """Whether any episode has been added."""
        return bool(self._tables[Episode].records or any(type(one) is Episode for one in self._pending))

    def add_rewards(self, series: RewardSeries) -> None:
        """Add the series that replaces the rewards of episodes that were not recorded.

        Args:
            series: Rewards of the whole run. The variance due to autocorrelation is added to the noise of single
                values, so that a moving average is assessed as carefully as the returns that it averages.
        """
        silent = np.ma.array(np.zeros(series.values.size), mask=True)
        with np.errstate(over="ignore", invalid="ignore"):
            squared = series.values**2 + series.correlated_variance()
        columns: dict[str, Any] = dict.fromkeys(EPISODE_COLUMNS, silent) | {
            "time": series.times,
            "step": np.ma.masked_invalid(series.steps),
            "reward": series.values,
            "reward_squared": squared,
        }
        with self._lock:
            self._reward_source = series.source
            self._add_episodes(columns, [None] * series.values.size)

    def evidence(self, context: Context) -> Evidence:
        """Return the evidence so far. It changes with the next `fold`: use it before, or in the same thread."""
        self.fold()
        return Evidence(
            self._tables[Episode],
            self._tables[PolicyUpdate],
            self._tables[Evaluation],
            self._tables[SystemSample],
            self._categories,
            context,
            reward_source=self._reward_source,
            attempts=self._attempts,
            evaluated=self._evaluated,
        )

    def _sample(self, episodes: list[Episode]) -> None:
        def read(at: int) -> tuple[bool, str | None, Sequence[AttemptRow]]:
            one = episodes[at]
            outcomes = {**(one.extra or {}), **{name: getattr(one, name) for name in OUTCOMES}}
            is_attempts, rows = rows_in(one.attempts, one.parameters, outcomes)
            return is_attempts, one.category, rows

        if episodes:
            self._attempts.extend(len(episodes), read)

    def _add_episodes(self, columns: dict[str, Any], categories: list[str | None]) -> None:
        count = len(columns["reward"])
        if not count:
            return
        lengths = _floats(columns["length"])[0]
        walked = self._steps + np.cumsum(np.nan_to_num(lengths))
        steps, known = _floats(columns["step"])
        columns["step"] = np.where(known, steps, walked)
        self._steps = float(columns["step"][-1])
        times = _floats(columns["time"])[0]
        with np.errstate(invalid="ignore"):  # clock times can be non-finite
            columns["time_back"] = (np.diff(times, prepend=self._last_time) < -1.0).astype(np.float64)
        self._last_time = float(times[-1])
        _extend(self._tables[Episode], columns)
        seen = {name: code for code, name in enumerate(dict.fromkeys(categories))}
        codes = np.fromiter(map(seen.__getitem__, categories), np.intp, count)
        for name in sorted(filter(None, seen)):
            if name in self._categories or len(self._categories) < MOST_CATEGORIES:
                table = self._categories.setdefault(
                    name, BlockTable(("step", "success", "reward"), most_rows=_CATEGORY_ROWS)
                )
                here = codes == seen[name]
                _extend(table, {key: np.ma.asarray(_masked(columns[key]))[here] for key in table.names})

    def _add_updates(self, columns: dict[str, Any]) -> None:
        rollouts = list(zip(*(columns[name] for name in _ROLLOUT), strict=True))
        repeated = np.zeros(len(rollouts))
        for place, rollout in enumerate(rollouts):
            *statistics, loss = zip(rollout, self._last_rollout, strict=True)
            # If the loss is the same too, the record was logged twice instead of the rollout being used twice.
            repeated[place] = loss[0] != loss[1] and any(_is_same(now, before) for now, before in statistics)
            self._last_rollout = rollout
        columns["repeated"] = repeated
        _extend(self._tables[PolicyUpdate], columns)


_ROLLOUT = ("explained_variance", "observation_std", "policy_loss")
"""Statistics that repeat only if the rollout does (rewards can repeat by chance), and a loss."""


def _is_same(now: float | None, before: float | None) -> bool:
    """Return whether a statistic repeats to the last digit. Zeros, rounded and non-finite values do not count."""
    if now is None or now != before or not 1e-5 < abs(now) < 1e6:  # noqa: PLR2004
        return False
    return round(now, 4) != now  # rounded values of different rollouts can be equal


def _extend(table: BlockTable, columns: Mapping[str, Any]) -> None:
    pairs = [_floats(columns[name]) for name in table.names]
    table.extend(np.array([values for values, _ in pairs]), np.array([present for _, present in pairs]))


def _masked(column: Any) -> Any:
    if isinstance(column, np.ndarray):
        return column
    present = [value is not None for value in column]
    return np.ma.array([value if value is not None else 0.0 for value in column], mask=np.logical_not(present))


def _floats(column: Any) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the values of a column, and a mask of the values that are present."""
    column = _masked(column)
    values = np.ma.getdata(column).astype(np.float64)
    return values, ~np.ma.getmaskarray(column)


def _episode_columns(columns: Mapping[str, Any]) -> dict[str, Any]:
    reasons = columns["termination_reason"]
    lower = {reason: "" if reason is None else str(reason).lower() for reason in dict.fromkeys(reasons)}

    def is_in(kinds: Collection[str]) -> NDArray[np.bool_]:
        among = {reason: text in kinds for reason, text in lower.items()}
        return np.fromiter(map(among.__getitem__, reasons), np.bool_, len(reasons))

    terminated, truncated = is_in(_TERMINATED), is_in(_TRUNCATED)
    told = terminated | truncated
    reward = np.ma.asarray(_masked(columns["reward"]))
    unknown = is_in({_RESULT}) & np.isnan(np.ma.getdata(reward))
    reward = np.ma.array(np.ma.getdata(reward), mask=np.ma.getmaskarray(reward) | unknown)
    with np.errstate(over="ignore", invalid="ignore"):
        return {
            "time": _masked(columns["time"]),
            "step": _masked(columns["env_step"]),
            "reward": reward,
            "reward_squared": reward**2,
            "length": _masked(columns["length"]),
            "success": _masked(columns["success"]),
            "quality": _masked(columns["quality_improvement"]),
            "terminated": np.ma.array(terminated.astype(np.float64), mask=~told),
            "truncated": np.ma.array(truncated.astype(np.float64), mask=~told),
            "memory": _masked(columns["memory"]),
        }


def _of_episodes(records: list[Episode]) -> dict[str, Any]:
    names = ("time", "env_step", "reward", "length", "success", "quality_improvement", "termination_reason", "memory")
    columns = {name: [getattr(record, name) for record in records] for name in names}
    return _episode_columns(columns)


def _of_updates(records: list[PolicyUpdate]) -> dict[str, Any]:
    columns: dict[str, Any] = {
        name: [getattr(record, name) for record in records]
        for name in UPDATE_COLUMNS
        if name not in _FROM_EXTRA and name not in {"step", "repeated"}
    }
    columns["step"] = [record.step if record.env_step is None else record.env_step for record in records]
    extras = [record.extra or {} for record in records]
    for name, keys in _FROM_EXTRA.items():
        columns[name] = [next((_plain(extra[key]) for key in keys if key in extra), None) for extra in extras]
    return columns


def _of_evaluations(records: list[Evaluation]) -> dict[str, Any]:
    own = [record for record in records if record.policy is None]
    columns: dict[str, Any] = {
        name: [getattr(record, name) for record in own] for name in EVALUATION_COLUMNS if name != "step"
    }
    columns["step"] = [record.env_step for record in own]
    return columns


def _of_samples(records: list[SystemSample]) -> dict[str, Any]:
    columns: dict[str, Any] = {
        name: [getattr(record, name) for record in records] for name in SYSTEM_COLUMNS if name != "step"
    }
    columns["step"] = [record.env_step for record in records]
    return columns


def _plain(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


_COLUMNS_OF: dict[type[Record], Callable[[list[Any]], dict[str, Any]]] = {
    Episode: _of_episodes,
    PolicyUpdate: _of_updates,
    Evaluation: _of_evaluations,
    SystemSample: _of_samples,
}
