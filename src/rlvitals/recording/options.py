"""What a monitor is made with, checked before anything is made of it."""

import math
from collections.abc import Iterable
from numbers import Real
from typing import Any

from rlvitals.errors import RecordError
from rlvitals.records.coercion import shown

FEWEST_BUFFERED = 1


def goals_of(total_timesteps: Any, target: Any) -> dict[str, float]:
    """What a training aims at, as the header holds it.

    Args:
        total_timesteps: Environment steps that it is to take, or `None`.
        target: The reward that counts as solved, or `None`.

    Raises:
        RecordError: One of them is no such number.
    """
    goals: dict[str, float] = {}
    if total_timesteps is not None:
        if not _is_number(total_timesteps) or total_timesteps < 1 or total_timesteps != int(total_timesteps):
            raise RecordError(
                f"total_timesteps={total_timesteps!r:.100}: how many environment steps the training is to take is a "
                "whole number of 1 or more; leave it out where that is not known"
            )
        goals["total_timesteps"] = int(total_timesteps)
    if target is not None:
        if not _is_number(target):
            raise RecordError(f"target={target!r:.100}: the reward that counts as solved is a finite number")
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
    return list(dict.fromkeys(words))


def check_sizes(buffer_size: Any, update_frequency: Any) -> None:
    """See that the window can hold something, and that a line can be shown that often.

    Raises:
        RecordError: It cannot.
    """
    if not _is_number(buffer_size) or buffer_size < FEWEST_BUFFERED:
        raise RecordError(f"buffer_size={buffer_size!r:.100}: the live window holds at least one record of each stream")
    if update_frequency is not None and (not _is_number(update_frequency) or update_frequency < 0.0):
        raise RecordError(f"update_frequency={update_frequency!r:.100}: seconds between two updates of the line")


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, Real) and math.isfinite(value)
