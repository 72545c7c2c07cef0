"""What a monitor is made with, checked before anything is made of it."""

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
    """What a training aims at, as the header holds it.

    Args:
        total_timesteps: Environment steps that it is to take, or `None`.
        target: The reward that counts as solved, or `None`.

    Raises:
        RecordError: One of them is no such number.
    """
    total_timesteps, target = _plain(total_timesteps), _plain(target)
    goals: dict[str, float] = {}
    if total_timesteps is not None:
        if not _is_number(total_timesteps) or total_timesteps < 1 or total_timesteps != int(total_timesteps):
            raise RecordError(
                f"total_timesteps={shown(total_timesteps)}: how many environment steps the training is to take is a "
                "whole number of 1 or more; leave it out where that is not known"
            )
        goals["total_timesteps"] = int(total_timesteps)
    if target is not None:
        if not _is_number(target):
            raise RecordError(f"target={shown(target)}: the reward that counts as solved is a finite number")
        goals["target"] = float(target)
    return goals


def tags_of(tags: Any) -> list[str]:
    """Words to find a run by, each once.

    Raises:
        RecordError: They are no texts.
    """
    try:
        words = list(tags) if isinstance(tags, Iterable) and not isinstance(tags, str) else None
    except Exception:  # noqa: BLE001 - an array without dimensions, and whatever else a foreign type raises
        words = None
    if words is None or not all(isinstance(word, str) for word in words):
        raise RecordError(f"tags={shown(tags)}: a list of words, such as ['ablation']")
    return list(dict.fromkeys(coerce(_TAG, word, "TrainingMonitor") for word in words))


def project_of(name: Any) -> str:
    """The project of a run as text; empty where there is none.

    Raises:
        RecordError: It is no text.
    """
    return "" if name is None else str(coerce(_PROJECT, name, "TrainingMonitor"))


def plain_configuration(configuration: Mapping[str, Any] | None) -> dict[str, Any]:
    """Convert a training's settings to plain values, as the header holds them.

    Raises:
        RecordError: They are not a dict, or cannot be serialised.
    """
    plain: dict[str, Any] = {}
    if configuration is not None:
        plain = spelled(coerce(_CONFIGURATION, configuration, "TrainingMonitor") or {})
    return plain


def masking_of(wanted: bool | Iterable[str]) -> Masking:
    """Build the masking of secrets from the option `mask_secrets`.

    Args:
        wanted: Whether to mask, or additional regular expressions.

    Raises:
        ValueError: One of them is not a regular expression.
    """
    if isinstance(wanted, bool):
        return Masking(enabled=wanted, environment=os.environ)
    return Masking([wanted] if isinstance(wanted, str) else wanted, environment=os.environ)


def rewind_of(*, env_step: Any, episode: Any, step: Any) -> Rewind:
    """The checkpoint that a training goes back to.

    Raises:
        RecordError: One of the clocks is no whole number of at least 0.
    """
    clocks = {"env_step": env_step, "episode": episode, "step": step}
    known = {name: at for name, at in clocks.items() if at is not None}
    return Rewind(
        **{name: coerce(Field(name, Column.COUNT, required=True), at, "rewind") for name, at in known.items()}
    )


def step_of(env_step: Any) -> int:
    """Convert an environment step of any numeric type.

    Raises:
        RecordError: Not a whole number from 0 to 2**63 - 1.
    """
    return int(coerce(_ENV_STEP, env_step, "advance"))


def settings_of(settings: RecorderSettings | None, buffer_size: int) -> RecorderSettings:
    """Settings of the recorder; a buffer size other than the default replaces theirs."""
    settings = settings or RecorderSettings()
    return settings if buffer_size == BUFFER_SIZE else msgspec.structs.replace(settings, buffer_size=buffer_size)


def check_sizes(buffer_size: Any, update_frequency: Any) -> None:
    """See that the window can hold something, and that a line can be shown that often.

    Raises:
        RecordError: It cannot.
    """
    if not _is_number(buffer_size) or buffer_size < FEWEST_BUFFERED:
        raise RecordError(f"buffer_size={shown(buffer_size)}: the live window holds at least one record of each stream")
    if update_frequency is not None and (not _is_number(update_frequency) or update_frequency < 0.0):
        raise RecordError(f"update_frequency={shown(update_frequency)}: seconds between two updates of the line")


def _plain(value: Any) -> Any:
    try:
        return plain_scalar(value)
    except Exception:  # noqa: BLE001 - a foreign object may raise anything when it is asked for its value
        return value


def _is_number(value: Any) -> bool:
    try:
        return not isinstance(value, bool) and isinstance(value, Real) and math.isfinite(value)
    except OverflowError:  # an integer beyond every float
        return False
