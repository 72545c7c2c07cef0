"""Other programs' names for what a training says: those of Stable-Baselines3, of CleanRL, and of our own sinks.

| names | become |
|---|---|
| `charts/episodic_return`, `charts/episodic_length`; `episode/...` | `Episode` |
| `train/...`, `losses/...`, `charts/learning_rate`, `time/iterations`, `ray/tune/info/learner/...` | `PolicyUpdate` |
| `eval/...`; `test/...` of Tianshou, with a reward | `Evaluation`, of a baseline where it is `eval/<policy>/...` |
| `time/fps`, `charts/SPS`; `system/...` | `SystemSample` |
| all others | `Scalars`: the category is what stands before the first `/` |

What a record has no field for is in its `extra`.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from rlvitals.records import Episode, Evaluation, PolicyUpdate, Record, Scalars, SystemSample, codec_of
from rlvitals.records.kinds import MAX_KEYS
from rlvitals.records.schema import fields
from rlvitals.records.synonyms import ENTROPY_LOSS, EVALUATION_SYNONYMS, update_field

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
    "charts/SPS": (SystemSample, "env_steps_per_second"),
    "time/fps": (SystemSample, "env_steps_per_second"),
    **{f"eval/{name}": (Evaluation, field) for name, field in EVALUATION_SYNONYMS.items()},
    **{f"test/{name}": (Evaluation, field) for name, field in _TIANSHOU_TESTS.items()},
    **{f"ray/tune/evaluation/{name}": (Evaluation, "reward") for name in _RLLIB_EVALUATIONS},
}
_GRADIENT_CLOCK = "loss/"
"""Tianshou logs its losses by gradient steps, everything else by environment steps: they stay apart as `Scalars`."""
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
    """What a tag is of: a kind of record, which of several (categories, policies), a field, or an entry of a dict."""

    kind: type[Record]
    which: str
    field: str
    key: str = ""


class _RecordGroup:
    """Values that belong to one record."""

    def __init__(self, step: int, time: float) -> None:
        self.step = step
        self.time = time
        self.said: dict[str, Any] = {}


class TagReader:
    """Makes records of single values: those of one group and one step, until a name comes again, are one record.

    Args:
        has_env_steps: Whether the steps are environment steps; else they count something else, such as updates.
    """

    def __init__(self, *, has_env_steps: bool = True) -> None:
        self._has_env_steps = has_env_steps
        self._groups: dict[tuple[type[Record], str], _RecordGroup] = {}
        self._episodes = 0

    def add(self, tag: str, value: Any, *, step: int, time: float) -> Iterator[Record]:
        """Take a value; gives the records that are whole.

        Args:
            tag: Its name.
            value: A number, a flag or a short text.
            step: The environment step.
            time: When (UTC, seconds since 1970).

        Raises:
            RecordError: A value that no record can hold.
        """
        name = _named(tag)
        which = (name.kind, name.which)
        group = self._groups.get(which)
        if group is not None and (group.step != step or tag in group.said):
            yield from self._made(*which, self._groups.pop(which))
            group = None
        if group is None:
            group = self._groups[which] = _RecordGroup(step, time)
        group.said[tag] = value

    def flush(self) -> Iterator[Record]:
        """The records that were still open.

        Raises:
            RecordError: A value that no record can hold.
        """
        groups, self._groups = self._groups, {}
        for (kind, which), group in groups.items():
            yield from self._made(kind, which, group)

    def _made(self, kind: type[Record], which: str, group: _RecordGroup) -> Iterator[Record]:
        env_step = group.step if self._has_env_steps else None
        if kind is Scalars or not _is_whole(kind, group.said):
            yield from scalar_records(group.said, time=group.time, step=group.step, env_step=env_step)
            return
        values = _values(group.said)
        if kind is Episode:
            values = {"episode": self._episodes, "env_step": env_step, **values}
            self._episodes += 1
        elif kind is Evaluation:
            values = {"episode": self._episodes, "env_step": env_step, "policy": which or None, **values}
        elif kind is PolicyUpdate:
            values = {"step": group.step, "env_step": env_step, **values}
        else:
            values = {"env_step": env_step, **values}
        yield codec_of(kind).pack({"time": group.time, **values})[0]


def _named(tag: str) -> _Name:
    group, slash, rest = tag.partition("/")
    kind = _GROUPS.get(group)
    if tag in _FIELDS:
        kind, field = _FIELDS[tag]
        return _Name(kind, "", field)
    target = None if tag.startswith(_GRADIENT_CLOCK) else update_field(tag) if slash else None
    if target is not None:
        return _Name(PolicyUpdate, "", target.field)
    if kind is None or not rest:
        return _Name(Scalars, group if slash else "scalars", "values", rest or group)
    return _in_group(kind, rest)


def _in_group(kind: type[Record], rest: str) -> _Name:
    """What a tag is of that begins with the name of a group."""
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
        field.name == name for field in fields(kind) if not field.column.is_dict and field.name not in _TREES
    )


def _is_dict(kind: type[Record], name: str) -> bool:
    return any(field.name == name for field in fields(kind) if field.column.is_dict)


_TREES = {"info", "categories", "items", "data"}


def _is_whole(kind: type[Record], said: dict[str, Any]) -> bool:
    """Whether there is enough for a record of its kind; what is not stays as it was said."""
    names = {_named(tag).field for tag in said}
    if kind is Episode:
        return {"reward", "length"} <= names
    if kind is Evaluation and all(tag.startswith("test/") for tag in said):  # else it is a loss or an accuracy
        return "reward" in names
    # What Tianshou logs of a collection has the group of an update, and nothing that an update computes.
    return kind is not PolicyUpdate or bool(names - {"update", "extra"})


def _values(said: dict[str, Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for tag, value in said.items():
        name = _named(tag)
        if tag == ENTROPY_LOSS:
            values["entropy"] = -float(value)
        elif name.key:
            values.setdefault(name.field, {})[name.key] = value
        elif name.field in values:  # two names of one field: the second one is kept under its own
            values.setdefault("extra", {})[tag] = value
        else:
            values[name.field] = value
    return values


def scalar_records(values: Mapping[str, Any], *, time: float, step: int, env_step: int | None) -> Iterator[Scalars]:
    """Make the scalars of one step: a record for each category, which is what stands before the first `/` of a name.

    Args:
        values: Numbers, flags and short texts, by name.
        time: Their time (UTC, seconds since 1970).
        step: Their step.
        env_step: The environment step, where it is known.

    Raises:
        RecordError: A value that no record can hold.
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
            yield codec_of(Scalars).pack(said)[0]
