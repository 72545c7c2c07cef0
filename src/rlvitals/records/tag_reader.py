"""Conversion of single values with a name (tag) to records. Importers and live logging share it.

| tags | record |
|---|---|
| `charts/episodic_return`, `charts/episodic_length`; `episode/...` | `Episode` |
| `train/...`, `losses/...`, `charts/learning_rate`, `time/iterations`, `ray/tune/info/learner/...` | `PolicyUpdate` |
| `policy_loss`, `approx_kl`, `entropy`, `lr` and other unambiguous names (`records.synonyms`) | `PolicyUpdate` |
| `eval/...`, of a baseline if `eval/<policy>/...`; `test/...` of Tianshou if it has a reward | `Evaluation` |
| `time/fps`, `charts/SPS`; `system/...` | `SystemSample` |
| other tags | `Scalars` with the part before the first `/` as category |

Values without a field are stored in the record's `extra`. Values that their field cannot hold become `Scalars`.
"""

import functools
import math
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, NamedTuple

from rlvitals.errors import RecordError
from rlvitals.records.codec import codec_of
from rlvitals.records.coercion import coerce, number_or_none
from rlvitals.records.kinds import (
    MAX_KEYS,
    Episode,
    Evaluation,
    PolicyUpdate,
    Record,
    Scalars,
    SystemSample,
)
from rlvitals.records.schema import fields
from rlvitals.records.synonyms import EVALUATION_SYNONYMS, NEGATED, OPENRLHF_TAGS, UNAMBIGUOUS_METRICS, update_field

MakeRecord = Callable[[type[Record], dict[str, Any]], Record]
"""Function that makes a record of a kind from its values by field."""

_TIANSHOU_TESTS = {
    "reward": "reward",
    "rew": "reward",
    "returns_stat/mean": "reward",
    "reward_std": "reward_std",
    "rew_std": "reward_std",
    "returns_stat/std": "reward_std",
    "length": "length",
    "len": "length",
    "lens_stat/mean": "length",
}
_RLLIB_EVALUATIONS = ("env_runners/episode_return_mean", "env_runners/episode_reward_mean", "episode_reward_mean")
_FIELDS: dict[str, tuple[type[Record], str]] = {
    "charts/episodic_return": (Episode, "reward"),
    "charts/episodic_length": (Episode, "length"),
    "eval/charts/episodic_return": (Evaluation, "reward"),  # a CleanRL writer in a folder of evaluations
    "eval/charts/episodic_length": (Evaluation, "length"),
    "charts/SPS": (SystemSample, "env_steps_per_second"),
    "time/fps": (SystemSample, "env_steps_per_second"),
    **{f"eval/{name}": (Evaluation, field) for name, field in EVALUATION_SYNONYMS.items()},
    **{f"test/{name}": (Evaluation, field) for name, field in _TIANSHOU_TESTS.items()},
    **{f"ray/tune/evaluation/{name}": (Evaluation, "reward") for name in _RLLIB_EVALUATIONS},
}
_GRADIENT_CLOCK = "loss/"
"""Prefix of Tianshou's losses. They count gradient steps, not environment steps, so they stay separate `Scalars`."""
_GROUPS: dict[str, type[Record]] = {
    "episode": Episode,
    "train": PolicyUpdate,
    "losses": PolicyUpdate,
    "eval": Evaluation,
    "test": Evaluation,
    "system": SystemSample,
}
_NO_POLICIES = {"categories", "extra"}
_CLOCKS = {"time", "writer", "step", "env_step", "episode"}


class _Name(NamedTuple):
    """Target of a tag: kind of record, category or policy, field, and key if the field is a dict."""

    kind: type[Record]
    which: str
    field: str
    key: str = ""


class _RecordGroup:
    """Values of one record."""

    def __init__(self, step: int, env_step: int | None, time: float) -> None:
        self.step = step
        self.env_step = env_step
        self.time = time
        self.said: dict[str, Any] = {}


def packed(kind: type[Record], values: dict[str, Any]) -> Record:
    """Validate the values of a record and return the record.

    Raises:
        RecordError: A value does not fit its field.
    """
    record: Record = codec_of(kind).pack(values)[0]
    return record


class TagReader:
    """Converter that combines single values into records.

    Values of one group and one step form a record. A new step or a repeated tag starts the next record.

    Args:
        has_env_steps: Whether the steps are environment steps; otherwise they count, for example, updates.
        make: Function that makes each record. Default: validate it.
        mean_lengths: Tags of episode lengths that are means of several episodes. A tag with a value that is not a whole
            number is one from then on.

    Attributes:
        has_episodes: Whether tags of episodes become episodes. `False` makes them scalars, because the episodes are
            recorded from another source.
    """

    has_episodes = True

    def __init__(
        self, *, has_env_steps: bool = True, make: MakeRecord = packed, mean_lengths: Collection[str] = ()
    ) -> None:
        self._has_env_steps = has_env_steps
        self._make = make
        self._groups: dict[tuple[type[Record], str], _RecordGroup] = {}
        self._mean_lengths = set(mean_lengths)
        self._episodes = 0

    def add(self, tag: str, value: Any, *, step: int, time: float, env_step: int | None = None) -> Iterator[Record]:
        """Add a value and yield the records that it completes.

        Args:
            tag: Tag of the value.
            value: Number, bool or short text.
            step: Step of the value, on the counter of the program.
            time: Time of the value (UTC, seconds since 1970).
            env_step: Environment step, if it is known from another source. Default: `step`, if it counts environment
                steps.

        Raises:
            RecordError: The step is negative.
        """
        name = _named(tag)
        which = (name.kind, name.which)
        if name.kind is Episode and not self.has_episodes:
            which = (Scalars, tag.partition("/")[0])
        group = self._groups.get(which)
        if group is not None and (group.step != step or tag in group.said or env_step not in {None, group.env_step}):
            yield from self._made(*which, self._groups.pop(which))
            group = None
        if group is None:
            env_step = step if env_step is None and self._has_env_steps else env_step
            group = self._groups[which] = _RecordGroup(step, env_step, time)
        group.said[tag] = value

    def flush(self) -> Iterator[Record]:
        """Yield the records that are still open.

        Raises:
            RecordError: A step is negative.
        """
        groups, self._groups = self._groups, {}
        for (kind, which), group in groups.items():
            yield from self._made(kind, which, group)

    def _made(self, kind: type[Record], which: str, group: _RecordGroup) -> Iterator[Record]:
        """Yield the record of a group. Values that its fields cannot hold become scalars.

        All values become scalars if the others do not suffice for a record. An episode whose length is a mean of
        several episodes is such a case. A mean can be a whole number by chance.
        """
        record, held = None, group.said
        if kind is Episode:
            lengths = filter(is_episode_length, held)
            self._mean_lengths.update(tag for tag in lengths if is_fraction(number_or_none(held[tag])))
            held = {tag: value for tag, value in held.items() if tag not in self._mean_lengths}
        if kind is not Scalars and _is_whole(kind, held):
            record = self._record(kind, which, group, held)
            if record is None:
                held = {tag: value for tag, value in held.items() if _fits(tag, value)}
                if _is_whole(kind, held):
                    record = self._record(kind, which, group, held)
        if record is not None:
            yield record
        rest = group.said if record is None else {tag: one for tag, one in group.said.items() if tag not in held}
        yield from scalar_records(rest, time=group.time, step=group.step, env_step=group.env_step, make=self._make)

    def _record(self, kind: type[Record], which: str, group: _RecordGroup, said: dict[str, Any]) -> Record | None:
        """Return the record of some values of a group, or `None` if its fields cannot hold them."""
        env_step = group.env_step
        values = _values(said)
        if kind is Episode:
            values = {"episode": self._episodes, "env_step": env_step, **values}
        elif kind is Evaluation:
            values = {"episode": self._episodes, "env_step": env_step, "policy": which or None, **values}
        elif kind is PolicyUpdate:
            values = {"step": group.step, "env_step": env_step, **values}
        else:
            values = {"env_step": env_step, **values}
        try:
            record = self._make(kind, {"time": group.time, **values})
        except RecordError:
            return None
        self._episodes += kind is Episode
        return record


def is_episode_length(tag: str) -> bool:
    """Return whether the values of a tag are lengths of episodes."""
    name = _named(tag)
    return name.kind is Episode and name.field == "length"


def is_fraction(number: float | None) -> bool:
    """Return whether a number is finite and not a whole number."""
    return number is not None and math.isfinite(number) and not number.is_integer()


@functools.lru_cache(maxsize=1_000)
def _named(tag: str) -> _Name:
    group, slash, rest = tag.partition("/")
    kind = _GROUPS.get(group)
    if tag in _FIELDS:
        kind, field = _FIELDS[tag]
        return _Name(kind, "", field)
    if tag in UNAMBIGUOUS_METRICS:
        return _Name(PolicyUpdate, "", tag)
    target = None if tag.startswith(_GRADIENT_CLOCK) else update_field(tag)
    if target is not None:
        return _Name(PolicyUpdate, "", target.field)
    if kind is None or not rest:
        return _Name(Scalars, group if slash else "scalars", "values", rest or group)
    return _in_group(kind, rest)


def _in_group(kind: type[Record], rest: str) -> _Name:
    """Return the target of a tag in a group."""
    parts = rest.split("/")
    which = ""
    if kind is Evaluation and len(parts) > 1 and parts[0] not in _NO_POLICIES and not _is_dict(kind, parts[0]):
        which, rest = parts[0], rest.partition("/")[2]
        parts = parts[1:]
        rest = _FIELDS.get(f"eval/{rest}", (kind, rest))[1]
    if _is_plain(kind, rest):
        return _Name(kind, which, rest)
    if len(parts) > 1 and _is_dict(kind, parts[0]):
        return _Name(kind, which, parts[0], rest.partition("/")[2])
    return _Name(kind, which, "extra", rest)


def _is_plain(kind: type[Record], name: str) -> bool:
    return name not in _CLOCKS and any(
        field.name == name for field in fields(kind) if not (field.column.is_dict or field.column.is_json)
    )


def _is_dict(kind: type[Record], name: str) -> bool:
    return any(field.name == name for field in fields(kind) if field.column.is_dict)


def _is_whole(kind: type[Record], said: dict[str, Any]) -> bool:
    """Return whether the values suffice for a record of this kind; otherwise they become scalars."""
    names = {_named(tag).field for tag in said}
    if kind is Episode:
        return {"reward", "length"} <= names
    if kind is Evaluation and all(tag.startswith("test/") for tag in said):  # without a reward: a loss or an accuracy
        return "reward" in names
    # Tianshou logs data collection in the same group as updates, without any values that an update computes.
    return bool(names - {"update", "extra"} if kind is PolicyUpdate else names)


def _fits(tag: str, value: Any) -> bool:
    """Return whether the field of a tag can hold a value."""
    name = _named(tag)
    field = next(field for field in fields(name.kind) if field.name == name.field)
    try:
        coerce(field, {name.key: value} if name.key else value, tag)
    except RecordError:
        return False
    return True


def _values(said: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for tag, value in said.items():
        name = _named(tag)
        if name.key:
            values.setdefault(name.field, {})[name.key] = value
        elif name.field in values:  # two tags for one field: keep the second one under its own name
            values.setdefault("extra", {})[tag] = value
        else:
            number = number_or_none(value) if tag in NEGATED and not OPENRLHF_TAGS & said.keys() else None
            values[name.field] = value if number is None else -number
    return values


def scalar_records(
    values: Mapping[str, Any], *, time: float | None, step: int, env_step: int | None, make: MakeRecord = packed
) -> Iterator[Record]:
    """Yield the scalars of one step, one record per category, which is the part of a name before the first `/`.

    Args:
        values: Numbers, bools and short texts by name.
        time: Time of the scalars (UTC, seconds since 1970). `None` if `make` sets the time.
        step: Step of the scalars.
        env_step: Environment step, if known.
        make: Function that makes each record. Default: validate it.

    Raises:
        RecordError: A record cannot hold a value.
    """
    categories: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        category, slash, rest = name.partition("/")
        categories.setdefault(category if slash else "scalars", {})[rest or category] = value
    for category, own in categories.items():
        items = list(own.items())
        for first in range(0, len(items), MAX_KEYS):
            part = dict(items[first : first + MAX_KEYS])
            said = {"time": time, "step": step, "env_step": env_step, "category": category, "values": part}
            yield make(Scalars, said)
