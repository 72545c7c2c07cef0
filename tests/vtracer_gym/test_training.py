from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from stable_baselines3.common.callbacks import BaseCallback

from vtracer_gym.actions import DIMENSIONS, settings_of
from vtracer_gym.attempts import PreparedLogo
from vtracer_gym.baselines import TuningSettings
from vtracer_gym.errors import ModelError
from vtracer_gym.features import FEATURE_NAMES
from vtracer_gym.logos import shrunk_logo
from vtracer_gym.models import ModelCard, TrainedAgent, TrainingSettings, load_ppo
from vtracer_gym.observations import OBSERVATION_NAMES
from vtracer_gym.samples import sample_logos
from vtracer_gym.training import train
from vtracer_gym.training_callbacks import newest_checkpoint

LOGOS = sample_logos(4, np.random.default_rng(0), 64)
QUICK = TuningSettings(generations=1, candidates=2, logos=1)
SHORT = TrainingSettings(
    steps=32,
    attempts=2,
    episode_steps=2,
    processes=1,
    rollout_steps=16,
    batch_size=8,
    epochs=2,
    network=(8,),
    checkpoint_every=16,
    start=QUICK,
    exploration=0,
)
OBSERVATION = np.linspace(-1, 1, len(OBSERVATION_NAMES)).astype(np.float32)


def changed(**values: object) -> TrainingSettings:
    return replace(SHORT, **values)  # type: ignore[arg-type]


EXPLORING = changed(exploration=6)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    train(LOGOS[:3], EXPLORING, str(folder), unseen=LOGOS[3:])
    return folder


def test_same_seed_same_agent(trained: Path, tmp_path: Path) -> None:
    """A training is exactly reproducible, and another seed gives a different agent."""
    same = train(LOGOS[:3], EXPLORING, tmp_path / "same")
    other = train(LOGOS[:3], changed(seed=1), tmp_path / "other")
    first = TrainedAgent.load(str(trained)).act(OBSERVATION).tolist()

    assert first == same.act(OBSERVATION).tolist()
    assert first != other.act(OBSERVATION).tolist()


def test_processes_train(tmp_path: Path) -> None:
    """Two processes contribute to one rollout."""
    agent = train(LOGOS, changed(processes=2), tmp_path)

    assert agent.model.num_timesteps == 32


def test_card_contains_settings_and_logos(trained: Path) -> None:
    """The card contains the settings and the names of the training logos and the unseen logos."""
    card = TrainedAgent.load(trained).card

    assert card.settings == EXPLORING
    assert card.trained_on == tuple(logo.name for logo in LOGOS[:3])
    assert card.unseen == (LOGOS[3].name,)


def test_traces_contain_every_attempt(trained: Path) -> None:
    """The traces of the tuning, the exploration and all steps are saved, with the rewards that the agent got."""
    traces = TrainedAgent.load(trained).traces

    assert traces is not None
    assert len(traces.recorded.rewards) == QUICK.traces + EXPLORING.exploration + EXPLORING.steps
    assert traces.features.shape == (3, len(FEATURE_NAMES))
    index = QUICK.traces + EXPLORING.exploration + 7
    prepared = PreparedLogo(LOGOS[traces.recorded.logo[index]])
    attempt = prepared.attempt(settings_of(traces.recorded.actions[index]))
    assert traces.recorded.rewards[index] == pytest.approx(SHORT.weights.reward(attempt, prepared).total, abs=1e-5)


def test_a_logo_in_two_sizes(tmp_path: Path) -> None:
    """Attempts are recorded for the size on which they were made, and the card has each name once."""
    sizes = [*LOGOS[:2], *(shrunk_logo(logo, 40) for logo in LOGOS[:2])]
    agent = train(sizes, changed(sizes=(64, 40)), tmp_path, compare=False)

    assert agent.card.trained_on == tuple(logo.name for logo in LOGOS[:2])
    assert agent.traces is not None
    *_, last = zip(*agent.traces.recorded, strict=True)
    prepared = PreparedLogo(sizes[last[0]])
    reward = SHORT.weights.reward(prepared.attempt(settings_of(last[1])), prepared).total
    assert last[2] == pytest.approx(reward, abs=1e-5)
    assert len(set(agent.traces.recorded.logo.tolist())) == 4


def test_policy_starts_at_the_tuned_setting(tmp_path: Path) -> None:
    """Before the first update, the policy chooses nearly the tuned setting for every logo."""
    agent = train(LOGOS[:3], changed(learning_rate=1e-9), tmp_path)

    assert agent.act(OBSERVATION).tolist() == pytest.approx(agent.card.start_action, abs=0.05)


def test_actions_are_in_the_box(trained: Path) -> None:
    """The agent's action is valid for the environment."""
    action = TrainedAgent.load(trained).act(OBSERVATION)

    assert action.shape == (DIMENSIONS,)
    assert np.abs(action).max() <= 1.0


def test_checkpoints_are_found_by_their_steps(trained: Path) -> None:
    """The newest checkpoint is the checkpoint with the most steps."""
    newest = newest_checkpoint(trained)

    assert newest is not None
    assert newest.name == "steps-00000032.zip"


def test_resume_continues(tmp_path: Path) -> None:
    """A resumed training takes only the missing steps."""
    train(LOGOS[:3], changed(steps=16), tmp_path)
    before = newest_checkpoint(tmp_path)
    agent = train(LOGOS[:3], changed(steps=48), tmp_path, resume=True)

    assert before is not None
    assert before.name == "steps-00000016.zip"
    assert agent.model.num_timesteps == 48
    assert agent.traces is not None
    assert len(agent.traces.recorded.rewards) == QUICK.traces + 48


def test_resume_of_a_finished_training_changes_nothing(trained: Path) -> None:
    """Resuming a finished training takes no steps and returns the same agent with its card and traces."""
    before = TrainedAgent.load(trained)
    after = train(LOGOS[:3], EXPLORING, trained, unseen=LOGOS[3:], resume=True)

    assert after.act(OBSERVATION).tolist() == before.act(OBSERVATION).tolist()
    assert after.card == before.card
    assert before.traces is not None
    assert after.traces is not None
    assert after.traces.recorded.rewards.tolist() == before.traces.recorded.rewards.tolist()


def test_resume_after_a_kill_at_the_end(tmp_path: Path) -> None:
    """A training that was killed after its last checkpoint resumes to the same agent: the average of its policies."""
    settings = changed(steps=64)
    before = train(LOGOS[:3], settings, tmp_path)
    (tmp_path / "model.zip").unlink()
    before.card.write(tmp_path)
    after = train(LOGOS[:3], settings, tmp_path, resume=True)
    last = TrainedAgent(load_ppo(tmp_path / "checkpoints" / "steps-00000064.zip", None), before.card)

    assert after.act(OBSERVATION).tolist() == before.act(OBSERVATION).tolist() != last.act(OBSERVATION).tolist()


def test_a_longer_training_hides_its_shorter_result(tmp_path: Path) -> None:
    """While a finished training is continued, its model is not there, so that it cannot be taken for the longer one."""
    train(LOGOS[:3], changed(steps=16), tmp_path)

    class Watching(BaseCallback):
        def _on_step(self) -> bool:
            assert not (tmp_path / "model.zip").exists()
            return True

    watching = Watching()
    train(LOGOS[:3], SHORT, tmp_path, resume=True, callbacks=[watching])

    assert watching.n_calls == 16
    assert (tmp_path / "model.zip").exists()


def test_resume_searches_for_a_missing_fixed_setting(tmp_path: Path) -> None:
    """The best fixed setting is searched for if the training was killed before that."""
    agent = train(LOGOS[:3], SHORT, tmp_path, compare=False)
    assert agent.card.equal_action is None

    assert train(LOGOS[:3], SHORT, tmp_path, resume=True).card.equal_action is not None
    assert ModelCard.read(tmp_path).equal_action is not None


def test_stages_are_reported(tmp_path: Path) -> None:
    """The stages of a training are reported in their order."""
    stages: list[str] = []
    train(LOGOS[:3], EXPLORING, tmp_path, on_stage=stages.append)

    assert stages == [
        "tuning one setting",
        "exploring around it",
        "training",
        "searching for the best fixed setting",
    ]


@pytest.mark.parametrize("changes", [{"seed": 9}, {"learning_rate": 1.0}])
def test_resume_refuses_other_settings(trained: Path, changes: dict[str, object]) -> None:
    """A training cannot be resumed with different settings."""
    with pytest.raises(ModelError, match=next(iter(changes))):
        train(LOGOS[:3], replace(EXPLORING, **changes), trained, resume=True)  # type: ignore[arg-type]


def test_resume_refuses_other_logos(trained: Path) -> None:
    """A training cannot be resumed with different logos, which could include unseen ones."""
    with pytest.raises(ModelError, match="different logos"):
        train(LOGOS, EXPLORING, trained, resume=True)
