"""Contenders of a trained agent: methods that choose a setting without reinforcement learning, from as many traces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vtracer_gym.actions import settings_of
from vtracer_gym.logo_outcomes import EQUAL, SURROGATE, TUNED
from vtracer_gym.surrogate import Surrogate

if TYPE_CHECKING:
    from vtracer_gym.evaluation import Chooser
    from vtracer_gym.models import TrainedAgent


def contenders(agent: TrainedAgent) -> dict[str, Chooser]:
    """Return the contenders of an agent by name.

    The first one is the setting around which the training explored. The others used as many traces as the whole
    training: the same search with more effort, and a surrogate that is fitted to the training's own attempts. Those
    that the agent's folder has no data for are left out.
    """
    start = settings_of(np.array(agent.card.start_action))
    found: dict[str, Chooser] = {TUNED: lambda _: start}
    if agent.card.equal_action is not None:
        equal = settings_of(np.array(agent.card.equal_action))
        found[EQUAL] = lambda _: equal
    if agent.traces is not None and len(agent.traces.recorded.rewards):
        surrogate = Surrogate(
            agent.traces.features, agent.traces.recorded, np.array(agent.card.start_action), agent.card.settings.seed
        )
        found[SURROGATE] = lambda features: settings_of(surrogate.best_action(features))
    return found
