"""Records as experiment trackers want them: flat names, one number each.

Where Stable-Baselines3 has a tag for something it is used (`rollout/ep_rew_mean`, `train/approx_kl`, `time/fps`, ...),
so that dashboards made for it go on working; the rest has the record's own field names.

| record | names |
|---|---|
| Episode | `episode/reward`, `episode/reward_parts/<name>`, `episode/parameters/<name>`, `episode/algorithm/<name>` |
| PolicyUpdate | `train/...`; and `rollout/...`, the mean of the last 100 episodes |
| Evaluation | `eval/...`, of a baseline `eval/<policy>/...`; of a category `eval/categories/<name>/...` |
| SystemSample | `system/...`, and `time/fps` |
| Scalars | `<category>/<name>` |

What is in `extra` has the group's name in front, as the fields have. Events have no numbers. The single items of an
evaluation, `info` and `data` are left to the run folder.
"""

import json
import math
from collections import deque
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from rlvitals.records import Episode, Evaluation, Event, PolicyUpdate, Record, Scalars, SystemSample
from rlvitals.records.schema import Column, fields

ROLLOUT_WINDOW = 100
"""Episodes in the means of `rollout/...`: Stable-Baselines3's `stats_window_size`."""

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
"""Stable-Baselines3's names. `eval` has no group here, as a baseline's evaluation has another one."""
_CLOCKS = {"time", "writer", "episode", "step", "env_step", "env_index"}
_TREES_OF_NUMBERS = {"categories"}
_IN_THE_GROUP = {(Scalars, "category"), (Evaluation, "policy")}


class Flat(NamedTuple):
    """A record, flat.

    Attributes:
        group: What its names begin with, all but those of `time/...` and `rollout/...`.
        step: Where it stands on the axis of its group.
        numbers: Its numbers by name; flags are 0 and 1.
        texts: Its short texts by name.
    """

    group: str
    step: int
    numbers: dict[str, float]
    texts: dict[str, str]


class Flattener:
    """Flattens the records of one run, in the order in which they come."""

    def __init__(self) -> None:
        self._rewards: deque[float] = deque(maxlen=ROLLOUT_WINDOW)
        self._lengths: deque[int] = deque(maxlen=ROLLOUT_WINDOW)
        self._successes: deque[bool] = deque(maxlen=ROLLOUT_WINDOW)

    def flatten(self, record: Record) -> Flat:
        """Flatten a record; an update comes with the means over the last episodes before it."""
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
        # Not `fsum`, which raises where both infinities are in a window: their mean is NaN.
        return {name: sum(window) / len(window) for name, window in windows.items() if window}


def step_of(record: Record) -> int:
    """Where a record stands: its environment step where that was said, else the clock that it has."""
    for clock in ("env_step", "step", "episode"):
        at: int | None = getattr(record, clock, None)
        if at is not None:
            return at
    return 0


def clocks_of(record: Record) -> dict[str, int]:
    """All the clocks that a record tells, but for the time."""
    said = {name: getattr(record, name, None) for name in ("episode", "step", "env_step", "env_index")}
    return {name: at for name, at in said.items() if at is not None}


def is_preemption(record: Record) -> bool:
    """Whether a record says that a signal ended the training."""
    return isinstance(record, Event) and record.kind == "state" and record.severity == "warning"


def is_failure(record: Record) -> bool:
    """Whether a record says that the training ended with an exception."""
    return isinstance(record, Event) and record.kind == "state" and record.severity == "critical"


def flat_settings(configuration: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """The settings of a training, nested ones under dotted names; a list is one setting."""
    for name, value in configuration.items():
        if isinstance(value, Mapping) and value:
            yield from flat_settings(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def setting_text(value: Any) -> str:
    """Format the value of a setting: texts as they are, everything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


class SettingsTracker:
    """Tells what is new in the settings of a training since it was last asked."""

    def __init__(self) -> None:
        self._known: dict[str, Any] = {}

    def changes(self, configuration: Mapping[str, Any]) -> dict[str, Any]:
        """The settings that are new or other than before, and from now on are known."""
        changed = {
            name: value
            for name, value in configuration.items()
            if name not in self._known or not _same(self._known[name], value)
        }
        self._known |= changed
        return changed


def _same(one: Any, other: Any) -> bool:
    # NaN is not equal to itself, and would be news each time.
    return one is other or bool(one == other)


def _group(record: Record) -> str:
    if isinstance(record, Scalars):
        return record.category
    if isinstance(record, Evaluation) and record.policy is not None:
        return f"eval/{record.policy}"
    return _GROUP_OF[type(record)]


@cache
def _plan(kind: type[Record]) -> tuple[tuple[str, str, bool], ...]:
    """The fields of a kind that hold something: name, Stable-Baselines3's name, whether it is a dict."""
    return tuple(
        (field.name, _NAME_OF.get((kind, field.name), ""), field.column.is_dict or field.column is Column.TREE)
        for field in fields(kind)
        if field.name not in _CLOCKS
        and (kind, field.name) not in _IN_THE_GROUP
        and (field.column is not Column.TREE or field.name in _TREES_OF_NUMBERS)
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
        # The user's `extra` may repeat a field's name, which would cost one of the two its value.
        yield (f"{group}/extra/{name}" if full in taken else full), value


def _below(branch: Mapping[str, Any], above: str) -> Iterator[tuple[str, float | str]]:
    for name, value in branch.items():
        if isinstance(value, Mapping):
            yield from _below(value, f"{above}/{name}")
        elif isinstance(value, bool | int | float | str):
            yield f"{above}/{name}", value


def finite_or(value: float, otherwise: float) -> float:
    """A number where one is needed that can be a moment or a place; a record's time may be any."""
    return value if math.isfinite(value) else otherwise
