"""Facts about an Optuna study: its objectives with their directions, and the ranges of its parameters."""

from typing import Any

import optuna
from optuna.distributions import FloatDistribution, IntDistribution
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial

from rlvitals.records.objectives import HIGHER_IS_BETTER, LOWER_IS_BETTER
from rlvitals.records.setting_names import STUDY, STUDY_DIRECTIONS


def configuration_of(study: Study) -> dict[str, Any]:
    """Return the configuration of the run that records a study."""
    signs = {name: sign_of(way) for name, way in zip(objectives_of(study), study.directions, strict=False)}
    return {
        "algorithm": f"Optuna {type(study.sampler).__name__}",
        STUDY: study.study_name,
        STUDY_DIRECTIONS: [direction.name.lower() for direction in study.directions],
        "sampler": type(study.sampler).__name__,
        "pruner": type(study.pruner).__name__,
        LOWER_IS_BETTER: [name for name, sign in signs.items() if sign < 0],
        HIGHER_IS_BETTER: [name for name, sign in signs.items() if sign > 0],
        "optuna": optuna.__version__,
    }


def objectives_of(study: Study) -> list[str]:
    """Return the names of the values that are stored next to the reward: all, unless the only one is the reward."""
    count = len(study.directions)
    if count == 1 and sign_of(study.directions[0]) > 0:
        return []
    return study.metric_names or (["value"] if count == 1 else [f"value_{number}" for number in range(count)])


def bounds_of(trial: FrozenTrial) -> dict[str, list[float]]:
    """Return the lowest and highest value of each numeric parameter of a trial."""
    return {
        name: [one.low, one.high]
        for name, one in trial.distributions.items()
        if isinstance(one, FloatDistribution | IntDistribution)
    }


def sign_of(direction: StudyDirection) -> float:
    """Return -1 if lower is better, otherwise 1."""
    return -1.0 if direction == StudyDirection.MINIMIZE else 1.0
