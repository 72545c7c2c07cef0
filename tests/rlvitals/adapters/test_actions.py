"""What a training does about a finding, in real trainings."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stable_baselines3 import DQN, PPO
from stable_baselines3.common.callbacks import BaseCallback, CallbackList
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import DummyVecEnv, VecNormalize

from rlvitals import TrainingMonitor
from rlvitals.adapters.actions import Action, Deed, LowerLearningRate, SaveCheckpoint, StopTraining
from rlvitals.adapters.sb3 import VitalsCallback
from rlvitals.records import Event, PolicyUpdate

MakePpo = Callable[..., Any]


class Finds(BaseCallback):
    """Says findings at steps, from another thread, as the diagnosis does."""

    def __init__(self, monitor: TrainingMonitor, findings: dict[int, str], **more: Any) -> None:
        super().__init__()
        self.vitals, self.findings, self.more = monitor, dict(findings), more

    def _on_step(self) -> bool:
        due = [step for step in self.findings if self.num_timesteps >= step]
        for step in due:
            thread = threading.Thread(target=self._say, args=(self.findings.pop(step),))
            thread.start()
            thread.join()
        return True

    def _say(self, code: str) -> None:
        fields = {"severity": "critical", "data": {"state": "opened"}} | self.more
        self.vitals.log_event("finding", f"{code} was found", code=code, **fields)


class Fails(Action):
    code = "fails"

    def carry_out(self, *_: Any) -> Deed:
        raise OSError("no room")


@pytest.fixture
def train(make_ppo: MakePpo, monitor: TrainingMonitor) -> Callable[..., PPO]:
    """Train for 10 rollouts of 32 steps, with findings at steps, and something to do about them."""

    def run(
        on_finding: list[Action], findings: dict[int, str], *, steps: int = 320, env: Any = None, **more: Any
    ) -> PPO:
        model: PPO = make_ppo(env, **more.pop("model", {}))
        vitals = VitalsCallback(monitor=monitor, on_finding=on_finding)
        return model.learn(steps, callback=CallbackList([Finds(monitor, findings, **more), vitals]))

    return run


def actions(monitor: TrainingMonitor) -> list[Event]:
    return [event for event in monitor.run.records("events") if event.kind == "action"]


def rates(monitor: TrainingMonitor) -> list[float | None]:
    updates: list[PolicyUpdate] = list(monitor.run.records("updates"))
    return [update.learning_rate for update in updates]


def test_nothing_is_done_that_was_not_asked_for(train: Callable[..., PPO], monitor: TrainingMonitor) -> None:
    """A finding alone changes no training."""

    assert train([], {100: "non-finite"}).num_timesteps == 320
    assert actions(monitor) == []


def test_a_training_is_stopped(train: Callable[..., PPO], monitor: TrainingMonitor) -> None:
    """At the next step of all environments, with the finding said."""

    model = train([StopTraining()], {100: "non-finite"})
    assert model.num_timesteps == 100
    (event,) = actions(monitor)
    assert (event.code, event.env_step, event.message) == (
        "stop-training",
        100,
        "Stopped the training at step 100: non-finite.",
    )
    assert event.data == {"finding": "non-finite", "finding_severity": "critical"}


def test_a_training_that_was_stopped_can_go_on(make_ppo: MakePpo, monitor: TrainingMonitor) -> None:
    """With the same callback: what was found before is not answered again."""

    vitals = VitalsCallback(monitor=monitor, on_finding=[StopTraining()])
    model = make_ppo().learn(320, callback=CallbackList([Finds(monitor, {100: "non-finite"}), vitals]))
    model.learn(64, callback=vitals, reset_num_timesteps=False)
    assert model.num_timesteps == 100 + 64


def test_a_lower_learning_rate_takes_effect(train: Callable[..., PPO], monitor: TrainingMonitor) -> None:
    """From the next update on, in what is logged and in the optimizer; and it stays."""

    model = train([LowerLearningRate(0.5)], {100: "kl-too-large"}, model={"learning_rate": 0.01})
    assert rates(monitor) == [0.01] * 3 + [0.005] * 7
    assert [group["lr"] for group in model.policy.optimizer.param_groups] == [0.005]
    (event,) = actions(monitor)
    assert event.message == "Lowered the learning rate from 0.01 to 0.005: kl-too-large."
    assert (event.data or {})["after"] == 0.005


def test_a_schedule_is_lowered_as_a_whole(train: Callable[..., PPO], monitor: TrainingMonitor, tmp_path: Path) -> None:
    """It goes on falling as it would have, at half the height; and so does that of a model that is loaded."""

    model = train([LowerLearningRate(0.5)], {165: "kl-too-large"}, model={"learning_rate": _falling})
    whole = [0.01 * (1 - 32 * update / 320) for update in range(1, 11)]
    assert rates(monitor) == pytest.approx([*whole[:5], *(0.5 * rate for rate in whole[5:])])
    model.save(tmp_path / "model.zip")
    assert PPO.load(tmp_path / "model.zip").lr_schedule(1.0) == pytest.approx(0.005)


def _falling(progress_remaining: float) -> float:
    return 0.01 * progress_remaining


def test_a_rate_is_lowered_so_many_times_and_with_rests(train: Callable[..., PPO], monitor: TrainingMonitor) -> None:
    """Two findings at once lower it once; the next lowering waits until the last has had time to show."""

    at_once = {33: "kl-too-large", 34: "learning-rate-too-high", 40: "a"}
    later = {130: "b", 230: "c"}
    train([LowerLearningRate(0.5, most=2, rest=2)], at_once | later, model={"learning_rate": 0.01})
    assert rates(monitor) == [0.01] + [0.005] * 3 + [0.0025] * 6
    assert [(event.data or {})["finding"] for event in actions(monitor)] == ["kl-too-large", "b"]


def test_an_action_is_for_some_findings(train: Callable[..., PPO], monitor: TrainingMonitor) -> None:
    """By code and by severity; each in its turn."""

    train(
        [
            LowerLearningRate(codes=["kl-too-large"], severity="info"),
            StopTraining(codes=["non-finite"], severity="info"),
        ],
        {40: "plateau", 100: "kl-too-large", 200: "non-finite"},
        severity="warning",
    )
    assert [(event.code, event.env_step) for event in actions(monitor)] == [
        ("lower-learning-rate", 100),
        ("stop-training", 200),
    ]


@pytest.mark.parametrize("more", [{"severity": "warning"}, {"data": {"state": "closed"}}])
def test_milder_findings_and_their_ends_change_nothing(
    train: Callable[..., PPO], monitor: TrainingMonitor, more: dict[str, Any]
) -> None:
    """Actions are for what is critical, unless asked otherwise, and for what begins."""

    train([StopTraining()], {100: "kl-too-large"}, **more)
    assert actions(monitor) == []


def test_a_checkpoint_is_saved(train: Callable[..., PPO], monitor: TrainingMonitor) -> None:
    """In the run's folder, named for the step and the finding, and it can be loaded."""

    train([SaveCheckpoint()], {100: "kl-too-large"})
    path = monitor.path / "artifacts" / "checkpoints" / "100-kl-too-large.zip"
    assert (actions(monitor)[0].data or {})["path"] == str(path)
    assert PPO.load(path).num_timesteps == 100


def test_the_statistics_are_saved_beside_it(
    train: Callable[..., PPO], walk: type[Any], tmp_path: Path, monitor: TrainingMonitor
) -> None:
    """Without those of a `VecNormalize` the model is worth little; and a code is no path."""

    env = VecNormalize(DummyVecEnv([walk]))
    train([SaveCheckpoint(tmp_path / "mine")], {100: "../odd code"}, env=env)
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == [
        "100--odd-code.vecnormalize.pkl",
        "100--odd-code.zip",
    ]
    assert len(actions(monitor)) == 1


def test_what_cannot_be_done_is_said_and_the_training_goes_on(
    train: Callable[..., PPO], monitor: TrainingMonitor
) -> None:
    """The other actions are carried out all the same."""

    assert train([Fails(), SaveCheckpoint()], {100: "a"}).num_timesteps == 320
    assert [event.code for event in actions(monitor)] == ["save-checkpoint"]
    (said,) = [event.message for event in monitor.run.records("events") if event.kind == "adapter"]
    assert "fails could not be done: OSError: no room" in said


def test_findings_of_the_end_of_a_rollout_are_answered_before_its_update(
    make_ppo: MakePpo, monitor: TrainingMonitor
) -> None:
    """The update that follows has the lower rate already."""

    class FindsAtEnd(BaseCallback):
        def _on_step(self) -> bool:
            return True

        def _on_rollout_end(self) -> None:
            if self.num_timesteps == 64:
                monitor.log_event("finding", "too high", severity="critical", code="kl-too-large")

    vitals = VitalsCallback(monitor=monitor, on_finding=[LowerLearningRate(0.1)])
    make_ppo(learning_rate=0.01).learn(96, callback=CallbackList([FindsAtEnd(), vitals]))
    assert rates(monitor) == pytest.approx([0.01, 0.001, 0.001])


def test_off_policy_algorithms_are_acted_on_too(walk: type[Any], monitor: TrainingMonitor) -> None:
    """They have the same schedule."""

    model = DQN("MlpPolicy", Monitor(walk()), learning_rate=0.01, learning_starts=10, device="cpu", seed=1)
    vitals = VitalsCallback(monitor=monitor, on_finding=[LowerLearningRate(0.5), StopTraining(codes=["b"])])
    model.learn(200, callback=CallbackList([Finds(monitor, {40: "a", 100: "b"}), vitals]))
    assert model.num_timesteps == 100
    assert [group["lr"] for group in model.policy.optimizer.param_groups] == [0.005]


def test_cartpole_is_stopped_by_a_finding(tmp_path: Path) -> None:
    """As a user would write it, with a run of its own."""

    with VitalsCallback(tmp_path, session_name="a", on_finding=[SaveCheckpoint(), StopTraining()]) as vitals:
        model = PPO("MlpPolicy", "CartPole-v1", n_steps=64, batch_size=64, n_epochs=1, device="cpu", seed=0)

        class Says(BaseCallback):
            def _on_step(self) -> bool:
                if self.num_timesteps == 150:
                    vitals.monitor.log_event("finding", "Losses are NaN.", severity="critical", code="non-finite")
                return True

        model.learn(512, callback=CallbackList([Says(), vitals]))
    assert model.num_timesteps == 150
    assert [event.code for event in actions(vitals.monitor)] == ["save-checkpoint", "stop-training"]
    assert vitals.monitor.status == "completed"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: LowerLearningRate(1.0), r"factor=1\.0"),
        (lambda: StopTraining(severity="bad"), "severity='bad'"),
        (lambda: SaveCheckpoint(codes="a"), r"codes='a': give several, such as \['a'\]"),
        (lambda: SaveCheckpoint(most=0), "most=0"),
    ],
)
def test_settings_that_mean_nothing_are_refused(make: Callable[[], Action], said: str) -> None:
    """Before the training begins."""

    with pytest.raises(ValueError, match=said):
        make()
