"""The best trial of a hyperparameter study."""

import math
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from rlvitals.diagnosis.families import is_study
from rlvitals.records import Episode
from rlvitals.records.setting_names import STUDY_DIRECTIONS
from rlvitals.runs import Run

_COMPLETE = "complete"


class BestTrial(msgspec.Struct, frozen=True):
    """The completed trial with the best value.

    Attributes:
        number: Number of the trial.
        value: Value of its objective.
        direction: Whether the study minimises or maximises the value.
        parameters: Parameters of the trial, by name.
    """

    number: int
    value: float
    direction: Literal["minimize", "maximize"]
    parameters: dict[str, Any]

    @property
    def rank(self) -> str:
        """What the value is among those of all trials."""
        return "lowest" if self.direction == "minimize" else "highest"


def best_trial_of(run: Run) -> BestTrial | None:
    """Return the best trial of a study, the first of equal ones.

    As in Optuna, only completed trials count: the value of a pruned trial is that of an unfinished training.

    Args:
        run: The run. It can be live.

    Returns:
        `None` if the run is not a study, has no completed trial with a finite value, or has several objectives, among
        which no single trial is the best.

    Raises:
        RunFormatError: A segment is damaged.
    """
    configuration = run.header.configuration
    if not is_study(configuration) or len(directions_of(configuration)) != 1:
        return None
    best: Episode | None = None
    reward = -math.inf
    for trial in run.records("episodes"):
        if trial.termination_reason == _COMPLETE and math.isfinite(trial.reward) and trial.reward > reward:
            best, reward = trial, trial.reward
    if best is None:
        return None
    # The reward of a trial is its value, with the sign that makes higher rewards better.
    is_minimised = directions_of(configuration) == ["minimize"]
    return BestTrial(
        number=best.episode,
        value=0.0 - reward if is_minimised else reward,
        direction="minimize" if is_minimised else "maximize",
        parameters=dict(best.parameters or {}),
    )


def directions_of(configuration: Mapping[str, Any]) -> list[str]:
    """Return `minimize` or `maximize` for each objective of a study.

    Args:
        configuration: Configuration of the run. A study without directions maximises its only objective.
    """
    given = configuration.get(STUDY_DIRECTIONS)
    return [str(one) for one in given] if isinstance(given, list | tuple) and given else ["maximize"]
