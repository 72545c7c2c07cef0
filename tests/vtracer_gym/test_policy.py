from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from stable_baselines3 import PPO

from vtracer_gym.actions import DIMENSIONS, settings_of
from vtracer_gym.environment import VectorizeEnv
from vtracer_gym.errors import ModelError
from vtracer_gym.models import ModelCard, Standardized, TrainedAgent, TrainingSettings, export_policy
from vtracer_gym.observations import OBSERVATION_BOUND, OBSERVATION_NAMES
from vtracer_gym.policy import Policy, model_policy, pretrained_policy
from vtracer_gym.samples import sample_logos

RNG = np.random.default_rng(0)


def agent_with(network: list[int], activation: type[torch.nn.Module] = torch.nn.Tanh) -> TrainedAgent:
    """Create an agent with random weights and a random scaling of the features."""
    environment = VectorizeEnv(sample_logos(1, np.random.default_rng(0), 64))
    model = PPO(
        "MlpPolicy",
        environment,
        n_steps=2,
        batch_size=2,
        device="cpu",
        seed=0,
        policy_kwargs={
            "net_arch": network,
            "activation_fn": activation,
            "features_extractor_class": Standardized,
            "ortho_init": False,
        },
    )
    extractor = model.policy.features_extractor
    assert isinstance(extractor, Standardized)
    extractor.fit(RNG.normal(size=(5, 30)).astype(np.float32))
    return TrainedAgent(model, ModelCard(TrainingSettings(sizes=(64,)), (), ()))


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Export a policy."""
    path = tmp_path / "policy.npz"
    export_policy(agent_with([4]), path)
    return path


def changed(path: Path, **values: Any) -> Path:
    """Change entries of the card or arrays of a policy's file."""
    with np.load(path) as file:
        arrays = dict(file)
    card = json.loads(str(arrays["card"]))
    for name, value in values.items():
        if name in card:
            card[name] = value
        else:
            arrays[name] = value
    arrays["card"] = np.array(json.dumps(card))
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize("network", [[64, 64], [8], []])
def test_acts_like_the_agent(tmp_path: Path, network: list[int]) -> None:
    """With any number of hidden layers, the actions are those of Stable-Baselines3 without exploration."""
    agent = agent_with(network)
    export_policy(agent, tmp_path / "policy.npz")
    policy = Policy.read(tmp_path / "policy.npz")
    observations = RNG.uniform(-OBSERVATION_BOUND, OBSERVATION_BOUND, (50, len(OBSERVATION_NAMES))).astype(np.float32)

    actions = np.array([policy.act(observation) for observation in observations])
    assert np.abs(actions - [agent.act(observation) for observation in observations]).max() < 1e-5


def test_a_model_folder_has_a_policy(tmp_path: Path) -> None:
    """Saving an agent also writes its policy, with the size and the reward of the training."""
    agent = agent_with([4])
    agent.save(tmp_path)
    policy = model_policy(tmp_path)

    assert (policy.sizes, policy.weights) == ((64,), agent.card.settings.weights)


def test_sizes_are_kept(tmp_path: Path) -> None:
    """A policy knows all sizes on which it was trained."""
    agent = agent_with([])
    agent.card = replace(agent.card, settings=replace(agent.card.settings, sizes=(96, 256)))
    export_policy(agent, tmp_path / "policy.npz")

    assert Policy.read(tmp_path / "policy.npz").sizes == (96, 256)


def test_other_networks_are_refused(tmp_path: Path) -> None:
    """A network with another activation function than tanh is not exported as if it had tanh."""
    with pytest.raises(ModelError, match="got ReLU"):
        export_policy(agent_with([4], torch.nn.ReLU), tmp_path / "policy.npz")


@pytest.mark.parametrize(
    "change", [{"version": 0}, {"observation": ["log_area"]}, {"bounds": {"grid": [1, 2]}}], ids=str
)
def test_another_version(saved: Path, change: dict[str, Any]) -> None:
    """A policy for other observations, bounds or another format is refused, with what to do."""
    with pytest.raises(ModelError, match=r"another version of the environment\. Train a model"):
        Policy.read(changed(saved, **change))


@pytest.mark.parametrize(
    "change",
    [
        {"sizes": []},
        {"clip": "wide"},
        {"weights": {"speed": 1}},
        {"shift": np.zeros(3, np.float32)},
        {"bias_0": np.zeros(5, np.float32)},
        {"bias_1": np.full(DIMENSIONS, np.nan, np.float32)},
        {"weight_2": np.zeros((2, DIMENSIONS), np.float32), "bias_2": np.zeros(2, np.float32)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_invalid_contents(saved: Path, change: dict[str, Any]) -> None:
    """A file whose contents are no policy is refused, with what to do."""
    with pytest.raises(ModelError, match=r"damaged .*Train a model"):
        Policy.read(changed(saved, **change))


def test_a_torn_file(saved: Path) -> None:
    """A file that ends early is refused wherever it ends."""
    content = saved.read_bytes()
    for end in range(0, len(content), 997):
        saved.write_bytes(content[:end])
        with pytest.raises(ModelError, match="damaged"):
            Policy.read(saved)


def test_objects_are_never_unpickled(saved: Path) -> None:
    """A file with a pickled object, which could run code, is refused."""
    buffer = io.BytesIO()
    np.savez(buffer, card=np.array([Path("object")], object))
    saved.write_bytes(buffer.getvalue())

    with pytest.raises(ModelError, match="allow_pickle"):
        Policy.read(saved)


def test_missing_files(tmp_path: Path) -> None:
    """The error names the missing file or folder, and what to do."""
    with pytest.raises(ModelError, match=r"has no trained model: policy\.npz is missing\. Train a model"):
        model_policy(tmp_path / "absent")
    with pytest.raises(ModelError, match=r"No such file or directory\. Pass the folder"):
        Policy.read(tmp_path / "policy.npz")


def test_the_shipped_policy_fits_this_version() -> None:
    """The package contains a policy that can be loaded and chooses a valid setting."""
    policy = pretrained_policy()

    assert policy is not None
    settings_of(policy.act(np.zeros(len(OBSERVATION_NAMES), np.float32)))
