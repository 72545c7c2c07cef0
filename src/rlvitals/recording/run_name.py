"""Default name of a run: its algorithm, its environment and its start time."""

import re
import secrets
import time
from collections.abc import Mapping
from typing import Any

from rlvitals.records.setting_names import algorithm_in, environment_in, settings_by_name

_MAX_PART_BYTES = 40
"""Limit that keeps algorithm, environment and time together below 100 characters, the limit for a run name."""
_UNSAFE = re.compile(r"[^\w.]+")
_CLASS_PATH = re.compile(r"(?:\w+\.)+(\w+)")


def default_run_name(configuration: Mapping[str, Any], now: float) -> str:
    """Return a run name, such as `PPO-CartPole-v1-20261129-0441`.

    If the configuration has no algorithm and no environment, the name is the time to the second and a random suffix.

    Args:
        configuration: Configuration of the run as plain values, with secrets masked.
        now: Start time (UTC, seconds since 1970).
    """
    settings = settings_by_name(configuration)
    algorithm, environment = _innermost(algorithm_in(settings)), _innermost(environment_in(settings))
    class_path = _CLASS_PATH.fullmatch(algorithm)
    parts = [part for part in (_safe(class_path[1] if class_path else algorithm), _safe(environment)) if part]
    if not parts:
        return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(now))}-{secrets.token_hex(2)}"
    return "-".join([*parts, time.strftime("%Y%m%d-%H%M", time.gmtime(now))])


def _innermost(text: str) -> str:
    """Return the name inside a `repr`.

    `<TimeLimit<CartPoleEnv<CartPole-v1>>>` gives `CartPole-v1`, and `<class 'maze.Env'>` gives `Env`.
    """
    if not text.startswith("<"):
        return text
    named = text.rpartition("<")[2].rstrip(">").removeprefix("class ").partition(" ")[0].strip("'")
    class_path = _CLASS_PATH.fullmatch(named)
    return class_path[1] if class_path else named


def _safe(text: str) -> str:
    """Return text that can be part of a folder name: unsafe characters become `-`, and long text is truncated."""
    cut = _UNSAFE.sub("-", text).strip("-._").encode()[:_MAX_PART_BYTES]
    return cut.decode(errors="ignore").strip("-._")
