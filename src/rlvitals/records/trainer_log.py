"""Conversion of a log entry of a Hugging Face trainer to records. The importer and the live callback share it.

| entry | record |
|---|---|
| `eval_...` | `Evaluation`, whose reward is `eval_reward` |
| `train_runtime` and others, at the end of a training | `Scalars` of the category `summary` |
| other entries | `PolicyUpdate` with the fields of `train/<name>` (`records.synonyms`) |

Values without a field are stored in the record's `extra`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from rlvitals.records.coercion import plain_scalar
from rlvitals.records.kinds import Evaluation, PolicyUpdate, Record
from rlvitals.records.synonyms import TRAIN, take_synonyms, update_field
from rlvitals.records.tag_reader import MakeRecord, packed, scalar_records

RUNTIME = "train_runtime"
"""Duration of the whole training in seconds, in the entry at its end."""

_EVALUATION = "eval_"


def trainer_records(
    entry: Mapping[str, Any], *, step: int, time: float | None = None, episode: int = 0, make: MakeRecord = packed
) -> Iterator[Record]:
    """Yield the records of one log entry.

    Args:
        entry: Logged values by name. Values that are not single numbers, and `step`, are left out.
        step: Optimizer steps of the training.
        time: Time of the entry (UTC, seconds since 1970). `None` if `make` sets the time.
        episode: Number of training episodes before an evaluation.
        make: Function that makes each record. Default: validate it.

    Raises:
        RecordError: A record cannot hold a value.
    """
    numbers = single_numbers(entry)
    numbers.pop("step", None)
    evaluated = {
        name.removeprefix(_EVALUATION): value for name, value in numbers.items() if name.startswith(_EVALUATION)
    }
    if evaluated:
        more = {name: value for name, value in numbers.items() if not name.startswith(_EVALUATION)}
        reward = evaluated.pop("reward", None)
        duration = evaluated.pop("runtime", None)
        said = {"time": time, "episode": episode, "env_step": step, "reward": reward, "duration": duration}
        yield make(Evaluation, {**said, "extra": {**evaluated, **more}})
    elif RUNTIME in numbers:
        summary = {f"summary/{name}": value for name, value in numbers.items()}
        yield from scalar_records(summary, time=time, step=step, env_step=step, make=make)
    elif numbers:
        yield make(PolicyUpdate, {"time": time, "step": step, "env_step": step, **_update(numbers)})


def single_numbers(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a log entry that are single numbers of any type, as plain Python."""
    plain = {name: plain_scalar(value) for name, value in entry.items()}
    return {name: value for name, value in plain.items() if isinstance(value, int | float)}


def _update(numbers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of an update. TensorBoard shows the numbers of an entry as `train/<name>`."""
    fields: dict[str, Any] = {}
    extra = dict(numbers)
    take_synonyms(extra, fields, lambda name: update_field(TRAIN + name))
    return {**fields, "extra": extra or None}
