"""The name of a run that the user did not name: its algorithm, its environment and its start."""

import re
import secrets
import time
from collections.abc import Mapping
from typing import Any

from rlvitals.records.setting_names import algorithm_in, environment_in, settings_by_name

_MAX_PART_BYTES = 40
"""Algorithm, environment and time together stay below the 100 characters of a run's name."""
_UNSAFE = re.compile(r"[^\w.]+")
_CLASS_PATH = re.compile(r"(?:\w+\.)+(\w+)")


def default_run_name(configuration: Mapping[str, Any], now: float) -> str:
    """Make a run's name, such as `PPO-CartPole-v1-20261129-0441`.

    Where the configuration names neither an algorithm nor an environment, the time has seconds and a random end.

    Args:
        configuration: The run's settings, plain values, with secrets masked.
        now: Time of the start (UTC, seconds since 1970).
    """
    settings = settings_by_name(configuration)
    algorithm, environment = _innermost(algorithm_in(settings)), _innermost(environment_in(settings))
    class_path = _CLASS_PATH.fullmatch(algorithm)
    parts = [part for part in (_safe(class_path[1] if class_path else algorithm), _safe(environment)) if part]
    if not parts:
        return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime(now))}-{secrets.token_hex(2)}"
    return "-".join([*parts, time.strftime("%Y%m%d-%H%M", time.gmtime(now))])


def _innermost(text: str) -> str:
    """What a `repr` names: `CartPole-v1` of `<TimeLimit<CartPoleEnv<CartPole-v1>>>`, `Env` of `<class 'maze.Env'>`."""
    if not text.startswith("<"):
        return text
    named = text.rpartition("<")[2].rstrip(">").removeprefix("class ").partition(" ")[0].strip("'")
    class_path = _CLASS_PATH.fullmatch(named)
    return class_path[1] if class_path else named


def _safe(text: str) -> str:
    """A part of a folder's name: other characters become `-`, and what is too long is cut."""
    cut = _UNSAFE.sub("-", text).strip("-._").encode()[:_MAX_PART_BYTES]
    return cut.decode(errors="ignore").strip("-._")
