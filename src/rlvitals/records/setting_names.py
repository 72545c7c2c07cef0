"""Names that training code uses for its algorithm and its environment in a configuration."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

ALGORITHM_KEYS = ("algorithm", "algo", "alg", "algorithm_name", "algorithm_class", "algo_name")
"""Settings that name the algorithm."""

TASK_SETTINGS = ("environment_id", "env_id", "environment", "env_name", "env", "task")
"""Settings that name the environment, the most reliable first."""

IDENTIFYING_SETTINGS = frozenset({*ALGORITHM_KEYS, *TASK_SETTINGS, "exp_name", "framework"})
"""Settings that identify an experiment, but do not describe how it was trained."""

STUDY = "study"
"""Entry of a configuration with the name of a study: in the run of the study, and in the runs of its trials."""

STUDY_DIRECTIONS = "directions"
"""Entry of the configuration of a study: `minimize` or `maximize` for each of its objectives."""

TRIAL_EVENT = "trial"
"""Kind of the event that records a trial without a value. Its code is `trial-` and the state of the trial."""

TRIAL_FACTS = frozenset({STUDY, "trial", "trial_state", "trial_value"})
"""Entries of a configuration that identify a trial of a hyperparameter search, or are its result."""

TRIAL_PARAMETERS = "trial_parameters"
"""Entry of a configuration with the parameters of a trial. The training can record them as settings, too."""

_MAX_DEPTH = 3


def settings_by_name(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """Flatten a configuration to settings by name, in lower case with underscores.

    If two settings have the same name, the less deeply nested one wins.

    Args:
        configuration: Settings of the run, nested or flat.
    """
    return dict(_flat(configuration, _MAX_DEPTH))


def _flat(configuration: Mapping[str, Any], depth: int) -> Iterator[tuple[str, Any]]:
    for value in configuration.values():  # nested settings first, so that outer ones replace them
        if isinstance(value, Mapping) and depth:
            yield from _flat(value, depth - 1)
    for name, value in configuration.items():
        if not isinstance(value, Mapping):
            yield str(name).lower().replace("-", "_"), value


def algorithm_in(settings: Mapping[str, Any]) -> str:
    """Return the name of the algorithm, or an empty string if the settings do not name it.

    Args:
        settings: Settings from `settings_by_name`.
    """
    return _first_text(settings, ALGORITHM_KEYS)


def environment_in(settings: Mapping[str, Any]) -> str:
    """Return the name of the environment, or an empty string if the settings do not name it.

    Args:
        settings: Settings from `settings_by_name`.
    """
    return _first_text(settings, TASK_SETTINGS)


def _first_text(settings: Mapping[str, Any], names: Iterable[str]) -> str:
    found = (settings.get(name) for name in names)
    return next((text for text in found if isinstance(text, str) and text), "")
