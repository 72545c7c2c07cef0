from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import gymnasium
import numpy as np
import pytest
import torch

from vtracer_gym.actions import DIMENSIONS, settings_of
from vtracer_gym.baselines import Recorded, TuningSettings
from vtracer_gym.errors import ModelError
from vtracer_gym.models import ModelCard, Standardized, Traces, TrainedAgent, TrainingSettings
from vtracer_gym.observations import MOST_SCALED, OBSERVATION_NAMES
from vtracer_gym.pipeline import Settings

SETTINGS = TrainingSettings(network=(8, 4), start=TuningSettings(generations=2))
SPACE = gymnasium.spaces.Box(-5, 5, (len(OBSERVATION_NAMES),))


def standardized(*rows: list[float]) -> Standardized:
    extractor = Standardized(SPACE)
    extractor.fit(np.array(rows, np.float32))
    return extractor


def test_card_round_trip(tmp_path: Path) -> None:
    """A card is unchanged after writing and reading."""
    card = ModelCard(SETTINGS, ("a", "b"), ("c",), (0.5,) * DIMENSIONS, (0.25,) * DIMENSIONS)
    card.write(tmp_path)

    assert ModelCard.read(tmp_path) == card


def test_card_without_a_tuned_start(tmp_path: Path) -> None:
    """A policy without a tuned start has no tuning settings, and starts at the pipeline's default setting."""
    ModelCard(replace(SETTINGS, start=None), (), ()).write(tmp_path)
    card = ModelCard.read(tmp_path)

    assert card.settings.start is None
    assert settings_of(np.array(card.start_action)) == Settings()


def test_traces_round_trip(tmp_path: Path) -> None:
    """The attempts of a training are unchanged after writing and reading, and absent without a file."""
    recorded = Recorded(np.array([0, 1]), np.full((2, DIMENSIONS), 0.5), np.array([1.0, -1.0]))
    traces = Traces.empty(np.ones((2, 3), np.float32)).with_more(recorded).with_more(recorded)
    traces.write(tmp_path)
    again = Traces.read(tmp_path)

    assert again is not None
    assert again.recorded.rewards.tolist() == [1.0, -1.0, 1.0, -1.0]
    assert again.recorded.actions.shape == (4, DIMENSIONS)
    assert again.features.tolist() == traces.features.tolist()
    assert Traces.read(tmp_path / "absent") is None


def test_damaged_traces(tmp_path: Path) -> None:
    """The error contains the name of the damaged file."""
    (tmp_path / "traces.npz").write_bytes(b"PK broken")

    with pytest.raises(ModelError, match=r"traces\.npz cannot be read"):
        Traces.read(tmp_path)


def test_card_without_sizes_is_from_another_version(tmp_path: Path) -> None:
    """A card from before a change of the environment says so, even if it lacks newer settings."""
    ModelCard(SETTINGS, (), ()).write(tmp_path)
    card = json.loads((tmp_path / "training.json").read_text())
    del card["settings"]["sizes"]
    card["observation"] = card["observation"][1:]
    (tmp_path / "training.json").write_text(json.dumps(card))

    with pytest.raises(ModelError, match="another version"):
        ModelCard.read(tmp_path)


def test_features_are_standardized() -> None:
    """Over the training logos, each feature has mean 0 and standard deviation 1."""
    extractor = standardized([1.0, 10.0], [3.0, 30.0])
    seen = torch.zeros(2, len(OBSERVATION_NAMES))
    seen[:, :2] = torch.tensor([[1.0, 10.0], [3.0, 30.0]])

    assert extractor(seen)[:, :2].tolist() == pytest.approx(np.array([[-1.0, -1.0], [1.0, 1.0]]))


def test_attempts_are_not_standardized() -> None:
    """Only the logo features are standardized; the remaining observations stay unchanged."""
    seen = torch.full((1, len(OBSERVATION_NAMES)), 0.5)

    assert standardized([1.0], [3.0])(seen)[0, 1:].tolist() == [0.5] * (len(OBSERVATION_NAMES) - 1)


def test_a_constant_feature_is_not_amplified() -> None:
    """A feature that is constant over the training logos stays finite for other logos."""
    seen = torch.zeros(1, len(OBSERVATION_NAMES))
    seen[0, 0] = 100.0

    assert standardized([1.0], [1.0])(seen)[0, 0].item() == pytest.approx(MOST_SCALED)


def test_missing_model(tmp_path: Path) -> None:
    """A folder without a model is refused."""
    with pytest.raises(ModelError, match="no trained model"):
        TrainedAgent.load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04 torn"])
def test_damaged_model(tmp_path: Path, content: bytes) -> None:
    """The error contains the name of the damaged file."""
    ModelCard(SETTINGS, (), ()).write(tmp_path)
    (tmp_path / "model.zip").write_bytes(content)

    with pytest.raises(ModelError, match=r"model\.zip"):
        TrainedAgent.load(tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"settings": {"weights": {}, "network": 3}}'])
def test_damaged_card(tmp_path: Path, text: str) -> None:
    """The error contains the name of the damaged card."""
    (tmp_path / "training.json").write_text(text)

    with pytest.raises(ModelError, match=r"training\.json"):
        ModelCard.read(tmp_path)


def test_card_of_another_environment(tmp_path: Path) -> None:
    """A model with other observations is refused."""
    ModelCard(SETTINGS, (), ()).write(tmp_path)
    card = json.loads((tmp_path / "training.json").read_text())
    (tmp_path / "training.json").write_text(json.dumps(card | {"observation": ["something"]}))

    with pytest.raises(ModelError, match="another version"):
        ModelCard.read(tmp_path)


def test_card_of_other_bounds(tmp_path: Path) -> None:
    """A model whose actions mean other settings is refused."""
    ModelCard(SETTINGS, (), ()).write(tmp_path)
    card = json.loads((tmp_path / "training.json").read_text())
    card["bounds"]["tolerance"] = [0.1, 99.0]
    (tmp_path / "training.json").write_text(json.dumps(card))

    with pytest.raises(ModelError, match="another version"):
        ModelCard.read(tmp_path)


@pytest.mark.parametrize(
    "changes", [{"steps": 0}, {"processes": 0}, {"attempts": -1}, {"seed": -1}, {"exploration": -1}, {"sizes": ()}]
)
def test_settings_are_checked(changes: dict[str, object]) -> None:
    """The error contains the name of the invalid setting."""
    with pytest.raises(ValueError, match=next(iter(changes))):
        replace(SETTINGS, **changes)  # type: ignore[arg-type]
