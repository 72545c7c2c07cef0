from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import gymnasium
import numpy as np
import pytest
import torch

from vtracer_gym.actions import DIMENSIONS
from vtracer_gym.baselines import TuningSettings
from vtracer_gym.environment import OBSERVATION_NAMES
from vtracer_gym.errors import ModelError
from vtracer_gym.models import MOST_SCALED, ModelCard, Standardized, TrainedAgent, TrainingSettings

SETTINGS = TrainingSettings(network=(8, 4), start=TuningSettings(generations=2))
SPACE = gymnasium.spaces.Box(-5, 5, (len(OBSERVATION_NAMES),))


def standardized(*rows: list[float]) -> Standardized:
    extractor = Standardized(SPACE)
    extractor.fit(np.array(rows, np.float32))
    return extractor


def test_card_round_trip(tmp_path: Path) -> None:
    """A card is unchanged after writing and reading."""
    card = ModelCard(SETTINGS, ("a", "b"), ("c",), (0.5,) * DIMENSIONS)
    card.write(tmp_path)

    assert ModelCard.read(tmp_path) == card


def test_card_without_a_tuned_start(tmp_path: Path) -> None:
    """The card of a policy that started at the centre of the box has no tuning settings."""
    ModelCard(replace(SETTINGS, start=None), (), ()).write(tmp_path)

    assert ModelCard.read(tmp_path).settings.start is None


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


@pytest.mark.parametrize("changes", [{"steps": 0}, {"processes": 0}, {"attempts": -1}, {"seed": -1}])
def test_settings_are_checked(changes: dict[str, object]) -> None:
    """The error contains the name of the invalid setting."""
    with pytest.raises(ValueError, match=next(iter(changes))):
        replace(SETTINGS, **changes)  # type: ignore[arg-type]
