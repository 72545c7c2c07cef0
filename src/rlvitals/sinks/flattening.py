"""Conversion of records for experiment trackers: flat names with one number each.

The tags of Stable-Baselines3 are used if they exist (`rollout/ep_rew_mean`, `train/approx_kl`, `time/fps`, ...), so
that existing dashboards continue to work. All other values have the field names of the record.

| record | names |
|---|---|
| Episode | `episode/reward`, `episode/reward_parts/<name>`, `episode/parameters/<name>`, `episode/algorithm/<name>` |
| PolicyUpdate | `train/...`; and `rollout/...`, the mean of the last 100 episodes |
| Evaluation | `eval/...`, for a baseline `eval/<policy>/...`, for a category `eval/categories/<name>/...` |
| SystemSample | `system/...`, and `time/fps` |
| Scalars | `<category>/<name>` |

Entries of `extra` have the group as prefix, like the fields. Events have no numbers. The items of an evaluation, `info`
and `data` are omitted; the run folder has them.
"""

import json
import math
from collections import deque
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from rlvitals.records import Episode, Evaluation, Event, PolicyUpdate, Record, Scalars, SystemSample
from rlvitals.records.schema import fields

ROLLOUT_WINDOW = 100
"""Number of episodes in the means of `rollout/...`, the default `stats_window_size` of Stable-Baselines3."""

_GROUP_OF: dict[type[Record], str] = {
    Episode: "episode",
    PolicyUpdate: "train",
    Evaluation: "eval",
    SystemSample: "system",
    Event: "event",
}
_NAME_OF: dict[tuple[type[Record], str], str] = {
    (PolicyUpdate, "kl_divergence"): "train/approx_kl",
    (PolicyUpdate, "policy_loss"): "train/policy_gradient_loss",
    (PolicyUpdate, "entropy"): "train/entropy_loss",
    (PolicyUpdate, "action_std"): "train/std",
    (PolicyUpdate, "update"): "time/iterations",
    (Evaluation, "reward"): "mean_reward",
    (Evaluation, "length"): "mean_ep_length",
    (SystemSample, "env_steps_per_second"): "time/fps",
}
"""Names used by Stable-Baselines3. The `eval` names have no group here, because a baseline has a different group."""
_CLOCKS = {"time", "writer", "episode", "step", "env_step", "env_index"}
_TREES_OF_NUMBERS = {"categories"}
_IN_THE_GROUP = {(Scalars, "category"), (Evaluation, "policy")}


class Flat(NamedTuple):
    """A record converted to flat names.

    Attributes:
        group: Prefix of the names, except those of `time/...` and `rollout/...`.
        step: Position of the record on the step axis of its group.
        numbers: Numbers by name. Booleans are 0 or 1.
        texts: Short texts by name.
    """

    group: str
    step: int
    numbers: dict[str, float]
    texts: dict[str, str]


class Flattener:
    """Converter of the records of one run, in the order in which they were logged."""

    def __init__(self) -> None:
        self._rewards: deque[float] = deque(maxlen=ROLLOUT_WINDOW)
        self._lengths: deque[int] = deque(maxlen=ROLLOUT_WINDOW)
        self._successes: deque[bool] = deque(maxlen=ROLLOUT_WINDOW)

    def flatten(self, record: Record) -> Flat:
        """Convert a record. An update also gets the means of the last episodes before it.

        Args:
            record: Record of any stream.
        """
        numbers: dict[str, float] = {}
        texts: dict[str, str] = {}
        group = _group(record)
        for name, value in _leaves(record, group):
            if isinstance(value, str):
                texts[name] = value
            else:
                numbers[name] = float(value)
        if isinstance(record, Episode):
            self._rewards.append(record.reward)
            self._lengths.append(record.length)
            if record.success is not None:
                self._successes.append(record.success)
        elif isinstance(record, PolicyUpdate):
            if record.entropy is not None:
                numbers["train/entropy_loss"] = -record.entropy
            numbers |= self._rollout()
        return Flat(group, step_of(record), numbers, texts)

    def _rollout(self) -> dict[str, float]:
        windows: dict[str, deque[float] | deque[int] | deque[bool]] = {
            "rollout/ep_rew_mean": self._rewards,
            "rollout/ep_len_mean": self._lengths,
            "rollout/success_rate": self._successes,
        }
        # Not `fsum`, which raises if a window has both infinities. Their mean is NaN.
        return {name: sum(window) / len(window) for name, window in windows.items() if window}


def step_of(record: Record) -> int:
    """Return the step of a record: its environment step if it was reported, otherwise its step or episode number."""
    for clock in ("env_step", "step", "episode"):
        at: int | None = getattr(record, clock, None)
        if at is not None:
            return at
    return 0


def clocks_of(record: Record) -> dict[str, int]:
    """Return the reported counters of a record by name: episode, step, environment step and environment index."""
    said = {name: getattr(record, name, None) for name in ("episode", "step", "env_step", "env_index")}
    return {name: at for name, at in said.items() if at is not None}


def is_preemption(record: Record) -> bool:
    """Return whether a record is the event that a signal ended the training."""
    return isinstance(record, Event) and record.kind == "state" and record.severity == "warning"


def is_failure(record: Record) -> bool:
    """Return whether a record is the event that an exception ended the training."""
    return isinstance(record, Event) and record.kind == "state" and record.severity == "critical"


def flat_settings(configuration: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the settings of a configuration, nested ones under dotted names. A list is one setting."""
    for name, value in configuration.items():
        if isinstance(value, Mapping) and value:
            yield from flat_settings(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def setting_text(value: Any) -> str:
    """Format the value of a setting: text unchanged, other values as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


class SettingsTracker:
    """Tracker of changes in the configuration of a run."""

    def __init__(self) -> None:
        self._known: dict[str, Any] = {}

    def changes(self, configuration: Mapping[str, Any]) -> dict[str, Any]:
        """Return the settings that are new or changed since the previous call.

        Args:
            configuration: Current configuration.
        """
        changed = {
            name: value
            for name, value in configuration.items()
            if name not in self._known or not _same(self._known[name], value)
        }
        self._known |= changed
        return changed


def _same(one: Any, other: Any) -> bool:
    # NaN is not equal to itself, and would count as a change each time.
    return one is other or bool(one == other)


def _group(record: Record) -> str:
    if isinstance(record, Scalars):
        return record.category
    if isinstance(record, Evaluation) and record.policy is not None:
        return f"eval/{record.policy}"
    return _GROUP_OF[type(record)]


@cache
def _plan(kind: type[Record]) -> tuple[tuple[str, str, bool], ...]:
    """Return the fields to convert: field name, name in Stable-Baselines3 or empty, and whether it is a dict."""
    return tuple(
        (field.name, _NAME_OF.get((kind, field.name), ""), field.column.is_dict or field.column.is_json)
        for field in fields(kind)
        if field.name not in _CLOCKS
        and (kind, field.name) not in _IN_THE_GROUP
        and (not field.column.is_json or field.name in _TREES_OF_NUMBERS)
    )


def _leaves(record: Record, group: str) -> Iterator[tuple[str, float | str]]:
    taken: set[str] = set()
    own: list[tuple[str, Any]] = []
    for name, known_as, is_dict in _plan(type(record)):
        value = getattr(record, name)
        if value is None:
            continue
        if not is_dict:
            full = known_as if "/" in known_as else f"{group}/{known_as or name}"
            taken.add(full)
            yield full, value
        elif name in {"extra", "values"}:
            own += value.items()
        else:
            yield from _below(value, f"{group}/{name}")
    for name, value in own:
        full = f"{group}/{name}"
        # An entry of `extra` can have the name of a field. A different name keeps both values.
        yield (f"{group}/extra/{name}" if full in taken else full), value


def _below(branch: Mapping[str, Any], above: str) -> Iterator[tuple[str, float | str]]:
    for name, value in branch.items():
        if isinstance(value, Mapping):
            yield from _below(value, f"{above}/{name}")
        elif isinstance(value, bool | int | float | str):
            yield f"{above}/{name}", value


def finite_or(value: float, otherwise: float) -> float:
    """Return a finite value, or `otherwise`. The time of a record can be non-finite."""
    return value if math.isfinite(value) else otherwise
