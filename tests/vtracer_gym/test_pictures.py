"""Pictures logged during a training on logos."""

from pathlib import Path

import numpy as np
from stable_baselines3 import PPO

from rlvitals import RecorderSettings, TrainingMonitor
from vtracer_gym.environment import VectorizeEnv
from vtracer_gym.pictures import AGENT, DEFAULT, ORIGINAL, PictureCallback
from vtracer_gym.reward import RewardWeights
from vtracer_gym.samples import sample_logos


def test_pictures_of_one_logo_per_type_are_logged_before_during_and_after(tmp_path: Path) -> None:
    """Original and default trace are logged once, and the agent's trace each time with quality and bytes."""
    logos = sample_logos(20, np.random.default_rng(0), 64)
    weights = RewardWeights()
    model = PPO("MlpPolicy", VectorizeEnv(tuple(logos[:2]), 1, weights), n_steps=8, batch_size=8, n_epochs=1, seed=0)
    with TrainingMonitor(tmp_path, settings=RecorderSettings(system_interval_s=None)) as monitor:
        pictures_of = PictureCallback(monitor, logos, weights, 16, times=2)
        model.learn(16, callback=pictures_of)
        pictures_of.show()

    pictures = [event.data for event in monitor.run.records("events") if event.kind == "image"]
    groups = {picture["group"] for picture in pictures}
    assert len(groups) == len({logo.category for logo in logos})
    for group in groups:
        names = [picture["name"] for picture in pictures if picture["group"] == group]
        assert (names.count(ORIGINAL), names.count(DEFAULT)) == (1, 1)
        assert names.count(AGENT) == 3
    assert all(picture["metrics"]["svg_bytes"] > 0 for picture in pictures if picture["name"] == AGENT)
