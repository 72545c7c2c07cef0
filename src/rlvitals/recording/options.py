"""Validation of the monitor's arguments, before anything is created."""

import math
import os
from collections.abc import Iterable, Mapping
from numbers import Real
from typing import Any

import msgspec

from rlvitals.errors import RecordError
from rlvitals.recording.recorder import RecorderSettings
from rlvitals.recording.window import BUFFER_SIZE
from rlvitals.records.coercion import coerce, plain_scalar, shown, spelled
from rlvitals.records.masking import Masking
from rlvitals.records.schema import Column, Field
from rlvitals.runs.header import Rewind

FEWEST_BUFFERED = 1
_TAG = Field("tags", Column.TEXT, required=True)
_PROJECT = Field("project_name", Column.TEXT, required=True)
_ENV_STEP = Field("env_step", Column.COUNT, required=True)
_CONFIGURATION = Field("configuration", Column.TREE, required=False)


def goals_of(total_timesteps: Any, target: Any) -> dict[str, float]:
    """Return the goals of a training run in the form stored in the header.

    Args:
        total_timesteps: Planned number of environment steps, or `None`.
        target: Reward at which the task counts as solved, or `None`.

    Raises:
        RecordError: `total_timesteps` is not a whole number of at least 1, or `target` is not a finite number.
    """
    total_timesteps, target = _plain(total_timesteps), _plain(target)
    goals: dict[str, float] = {}
    if total_timesteps is not None:
        if not _is_number(total_timesteps) or total_timesteps < 1 or total_timesteps != int(total_timesteps):
            raise RecordError(
                f"total_timesteps={shown(total_timesteps)}: must be the planned number of environment steps, a whole "
                "number of at least 1; omit it if the number is unknown"
            )
        goals["total_timesteps"] = int(total_timesteps)
    if target is not None:
        if not _is_number(target):
            raise RecordError(f"target={shown(target)}: the target reward must be a finite number")
        goals["target"] = float(target)
    return goals


def tags_of(tags: Any) -> list[str]:
    """Return the tags of a run as a list of strings without duplicates.

    Raises:
        RecordError: The tags are not an iterable of strings.
    """
    try:
        words = list(tags) if isinstance(tags, Iterable) and not isinstance(tags, str) else None
    except Exception:  # noqa: BLE001 - zero-dimensional arrays and other foreign types can raise anything
        words = None
    if words is None or not all(isinstance(word, str) for word in words):
        raise RecordError(f"tags={shown(tags)}: must be a list of strings, such as ['ablation']")
    return list(dict.fromkeys(coerce(_TAG, word, "TrainingMonitor") for word in words))


def project_of(name: Any) -> str:
    """Return the project name of a run, or an empty string if it has none.

    Raises:
        RecordError: The name is not a string.
    """
    return "" if name is None else str(coerce(_PROJECT, name, "TrainingMonitor"))


def plain_configuration(configuration: Mapping[str, Any] | None) -> dict[str, Any]:
    """Convert the training configuration to plain values, as stored in the header.

    Raises:
        RecordError: The configuration is not a dict, or cannot be serialised.
    """
    plain: dict[str, Any] = {}
    if configuration is not None:
        plain = spelled(coerce(_CONFIGURATION, configuration, "TrainingMonitor") or {})
    return plain


def masking_of(wanted: bool | Iterable[str]) -> Masking:
    """Build the masking of secrets from the argument `mask_secrets`.

    Args:
        wanted: Whether to mask secrets, or additional regular expressions to mask.

    Raises:
        ValueError: An expression is not a valid regular expression.
    """
    if isinstance(wanted, bool):
        return Masking(enabled=wanted, environment=os.environ)
    return Masking([wanted] if isinstance(wanted, str) else wanted, environment=os.environ)


def rewind_of(*, env_step: Any, episode: Any, step: Any) -> Rewind:
    """Return the checkpoint to which training returns.

    Args:
        env_step: Environment step of the checkpoint, or `None`.
        episode: Episode number of the checkpoint, or `None`.
        step: Value of the training's own step counter at the checkpoint, or `None`.

    Raises:
        RecordError: A value is not a whole number of at least 0.
    """
    clocks = {"env_step": env_step, "episode": episode, "step": step}
    known = {name: at for name, at in clocks.items() if at is not None}
    return Rewind(
        **{name: coerce(Field(name, Column.COUNT, required=True), at, "rewind") for name, at in known.items()}
    )


def step_of(env_step: Any) -> int:
    """Convert an environment step of any numeric type to `int`.

    Raises:
        RecordError: The value is not a whole number from 0 to 2**63 - 1.
    """
    return int(coerce(_ENV_STEP, env_step, "advance"))


def settings_of(settings: RecorderSettings | None, buffer_size: int) -> RecorderSettings:
    """Return the recorder settings. A buffer size other than the default replaces the one in `settings`."""
    settings = settings or RecorderSettings()
    return settings if buffer_size == BUFFER_SIZE else msgspec.structs.replace(settings, buffer_size=buffer_size)


def check_sizes(buffer_size: Any, update_frequency: Any) -> None:
    """Check the size of the live window and the interval of the progress line.

    Args:
        buffer_size: Number of records of each stream in the live window, at least 1.
        update_frequency: Seconds between two updates of the progress line, at least 0, or `None`.

    Raises:
        RecordError: A value is out of range or not a number.
    """
    if not _is_number(buffer_size) or buffer_size < FEWEST_BUFFERED:
        raise RecordError(f"buffer_size={shown(buffer_size)}: must be the number of records to keep, at least 1")
    if update_frequency is not None and (not _is_number(update_frequency) or update_frequency < 0.0):
        raise RecordError(f"update_frequency={shown(update_frequency)}: must be a number of seconds, at least 0")


def _plain(value: Any) -> Any:
    try:
        return plain_scalar(value)
    except Exception:  # noqa: BLE001 - conversion of a foreign object can raise anything
        return value


def _is_number(value: Any) -> bool:
    try:
        return not isinstance(value, bool) and isinstance(value, Real) and math.isfinite(value)
    except OverflowError:  # an integer too large for a float
        return False
