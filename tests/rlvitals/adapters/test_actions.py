"""Actions in response to findings and to requests, in real trainings."""

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
from rlvitals.runs.request_files import Request, RequestKind, place_request

MakePpo = Callable[..., Any]


class Finds(BaseCallback):
    """Logs findings at given steps from another thread, like the live diagnosis."""

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


class Asks(BaseCallback):
    """Sends a request at a step from another thread, as the maintenance thread receives it."""

    def __init__(self, monitor: TrainingMonitor, at: int, request: Request) -> None:
        super().__init__()
        self.vitals, self.at, self.request = monitor, at, request

    def _on_step(self) -> bool:
        if self.num_timesteps == self.at:
            thread = threading.Thread(target=self._send)
            thread.start()
            thread.join()
        return True

    def _send(self) -> None:
        place_request(self.vitals.run.layout, self.request)
        self.vitals._requests.poll()


class Fails(Action):
    code = "fails"

    def carry_out(self, *_: Any) -> Deed:
        raise OSError("no room")


@pytest.fixture
def train(make_ppo: MakePpo, monitor: TrainingMonitor) -> Callable[..., PPO]:
    """Train for 10 rollouts of 32 steps, with findings at given steps and actions in response to them."""

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


def test_a_finding_alone_triggers_no_action(train: Callable[..., PPO], monitor: TrainingMonitor) -> None:
    """Without actions, a finding does not change the training."""

    assert train([], {100: "non-finite"}).num_timesteps == 320
    assert actions(monitor) == []


def test_a_training_is_stopped(train: Callable[..., PPO], monitor: TrainingMonitor) -> None:
    """The training stops at the next step of all environments, and the event names the finding."""

    model = train([StopTraining()], {100: "non-finite"})
    assert model.num_timesteps == 100
    (event,) = actions(monitor)
    assert (event.code, event.env_step, event.message) == (
        "stop-training",
        100,
        "Stopped the training at step 100: non-finite.",
    )
    assert event.data == {"finding": "non-finite", "finding_severity": "critical"}


def test_a_stopped_training_can_continue(make_ppo: MakePpo, monitor: TrainingMonitor) -> None:
    """A training with the same callback does not respond to earlier findings again."""

    vitals = VitalsCallback(monitor=monitor, on_finding=[StopTraining()])
    model = make_ppo().learn(320, callback=CallbackList([Finds(monitor, {100: "non-finite"}), vitals]))
    model.learn(64, callback=vitals, reset_num_timesteps=False)
    assert model.num_timesteps == 100 + 64


def test_a_lower_learning_rate_takes_effect(train: Callable[..., PPO], monitor: TrainingMonitor) -> None:
    """The next update logs and uses the lower rate, and so do all later ones."""

    model = train([LowerLearningRate(0.5)], {100: "kl-too-large"}, model={"learning_rate": 0.01})
    assert rates(monitor) == [0.01] * 3 + [0.005] * 7
    assert [group["lr"] for group in model.policy.optimizer.param_groups] == [0.005]
    (event,) = actions(monitor)
    assert event.message == "Lowered the learning rate from 0.01 to 0.005: kl-too-large."
    assert (event.data or {})["after"] == 0.005


def test_a_schedule_is_lowered_as_a_whole(train: Callable[..., PPO], monitor: TrainingMonitor, tmp_path: Path) -> None:
    """The rest of the schedule is halved, and so is the schedule of the saved model."""

    model = train([LowerLearningRate(0.5)], {165: "kl-too-large"}, model={"learning_rate": _falling})
    whole = [0.01 * (1 - 32 * update / 320) for update in range(1, 11)]
    assert rates(monitor) == pytest.approx([*whole[:5], *(0.5 * rate for rate in whole[5:])])
    model.save(tmp_path / "model.zip")
    assert PPO.load(tmp_path / "model.zip").lr_schedule(1.0) == pytest.approx(0.005)


def _falling(progress_remaining: float) -> float:
    return 0.01 * progress_remaining


def test_most_and_rest_limit_an_action(train: Callable[..., PPO], monitor: TrainingMonitor) -> None:
    """Two findings at the same time lower the rate once, and the next one must wait for `rest` rollouts."""

    at_once = {33: "kl-too-large", 34: "learning-rate-too-high", 40: "a"}
    later = {130: "b", 230: "c"}
    train([LowerLearningRate(0.5, most=2, rest=2)], at_once | later, model={"learning_rate": 0.01})
    assert rates(monitor) == [0.01] + [0.005] * 3 + [0.0025] * 6
    assert [(event.data or {})["finding"] for event in actions(monitor)] == ["kl-too-large", "b"]


def test_an_action_responds_to_its_findings_only(train: Callable[..., PPO], monitor: TrainingMonitor) -> None:
    """Each action filters findings by code and severity."""

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
def test_warnings_and_closed_findings_trigger_nothing(
    train: Callable[..., PPO], monitor: TrainingMonitor, more: dict[str, Any]
) -> None:
    """By default, only the opening of a critical finding triggers an action."""

    train([StopTraining()], {100: "kl-too-large"}, **more)
    assert actions(monitor) == []


def test_a_checkpoint_is_saved(train: Callable[..., PPO], monitor: TrainingMonitor) -> None:
    """The checkpoint is in the run folder, named after the step and the finding, and can be loaded."""

    train([SaveCheckpoint()], {100: "kl-too-large"})
    path = monitor.path / "artifacts" / "checkpoints" / "100-kl-too-large.zip"
    assert (actions(monitor)[0].data or {})["path"] == str(path)
    assert PPO.load(path).num_timesteps == 100


def test_normalisation_statistics_are_saved_with_the_checkpoint(
    train: Callable[..., PPO], walk: type[Any], tmp_path: Path, monitor: TrainingMonitor
) -> None:
    """The statistics of a `VecNormalize` are saved too, and the code of the finding cannot form a path."""

    env = VecNormalize(DummyVecEnv([walk]))
    train([SaveCheckpoint(tmp_path / "mine")], {100: "../odd code"}, env=env)
    assert sorted(path.name for path in (tmp_path / "mine").iterdir()) == [
        "100--odd-code.vecnormalize.pkl",
        "100--odd-code.zip",
    ]
    assert len(actions(monitor)) == 1


def test_a_failed_action_is_reported_and_training_continues(
    train: Callable[..., PPO], monitor: TrainingMonitor
) -> None:
    """A failed action does not prevent the other actions."""

    assert train([Fails(), SaveCheckpoint()], {100: "a"}).num_timesteps == 320
    assert [event.code for event in actions(monitor)] == ["save-checkpoint"]
    (said,) = [event.message for event in monitor.run.records("events") if event.kind == "adapter"]
    assert "the action fails failed: OSError: no room" in said


def test_a_finding_at_the_end_of_a_rollout_affects_its_update(make_ppo: MakePpo, monitor: TrainingMonitor) -> None:
    """The update that follows the rollout uses the lower rate."""

    class FindsAtEnd(BaseCallback):
        def _on_step(self) -> bool:
            return True

        def _on_rollout_end(self) -> None:
            if self.num_timesteps == 64:
                monitor.log_event("finding", "too high", severity="critical", code="kl-too-large")

    vitals = VitalsCallback(monitor=monitor, on_finding=[LowerLearningRate(0.1)])
    make_ppo(learning_rate=0.01).learn(96, callback=CallbackList([FindsAtEnd(), vitals]))
    assert rates(monitor) == pytest.approx([0.01, 0.001, 0.001])


def test_actions_work_with_off_policy_algorithms(walk: type[Any], monitor: TrainingMonitor) -> None:
    """The schedule of an off-policy algorithm is lowered in the same way."""

    model = DQN("MlpPolicy", Monitor(walk()), learning_rate=0.01, learning_starts=10, device="cpu", seed=1)
    vitals = VitalsCallback(monitor=monitor, on_finding=[LowerLearningRate(0.5), StopTraining(codes=["b"])])
    model.learn(200, callback=CallbackList([Finds(monitor, {40: "a", 100: "b"}), vitals]))
    assert model.num_timesteps == 100
    assert [group["lr"] for group in model.policy.optimizer.param_groups] == [0.005]


def test_a_finding_stops_a_cartpole_training(tmp_path: Path) -> None:
    """The actions work in a `with` statement whose callback creates its own run."""

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
        (lambda: SaveCheckpoint(codes="a"), r"codes='a': must be a list, such as \['a'\]"),
        (lambda: SaveCheckpoint(most=0), "most=0"),
    ],
)
def test_invalid_options_are_refused(make: Callable[[], Action], said: str) -> None:
    """Invalid options are refused before the training begins."""

    with pytest.raises(ValueError, match=said):
        make()


def requested(
    make_ppo: MakePpo, monitor: TrainingMonitor, kind: RequestKind, **options: Any
) -> tuple[PPO, list[Event]]:
    """Train without actions, with a request at step 100. Return the model and the events of the request."""
    request = Request(kind=kind, reason="the KL is too large", by="an agent", **options)
    callback = CallbackList([Asks(monitor, 100, request), VitalsCallback(monitor=monitor)])
    model = make_ppo(learning_rate=0.01).learn(320, callback=callback)
    events: list[Event] = list(monitor.run.records("events"))
    return model, [event for event in events if "request" in (event.data or {})]


def test_a_request_stops_the_training(make_ppo: MakePpo, monitor: TrainingMonitor) -> None:
    """The training stops at this step, although no action was configured, and the action names the reason."""
    model, (asked, stopped) = requested(make_ppo, monitor, "stop")

    assert model.num_timesteps == 100
    assert (asked.kind, asked.message) == ("request", "an agent asks to stop the training: the KL is too large")
    assert (stopped.kind, stopped.code) == ("action", "stop-training")
    assert stopped.message == "Stopped the training at step 100: the KL is too large."
    assert stopped.data == {"by": "an agent", "reason": "the KL is too large", "request": (asked.data or {})["request"]}


def test_a_request_lowers_the_learning_rate(make_ppo: MakePpo, monitor: TrainingMonitor) -> None:
    """The next update uses the lower rate."""
    _, (_, lowered) = requested(make_ppo, monitor, "learning-rate", factor=0.1)

    assert rates(monitor) == pytest.approx([0.01] * 3 + [0.001] * 7)
    assert lowered.message == "Lowered the learning rate from 0.01 to 0.001: the KL is too large."


def test_a_request_saves_a_checkpoint(make_ppo: MakePpo, monitor: TrainingMonitor) -> None:
    """The event holds the path of the model, which can be loaded."""
    _, (_, saved) = requested(make_ppo, monitor, "checkpoint")
    path = Path((saved.data or {})["path"])

    assert (path.name, PPO.load(path).num_timesteps) == ("100-checkpoint.zip", 100)


def test_a_request_that_fails_is_answered(make_ppo: MakePpo, monitor: TrainingMonitor) -> None:
    """The training continues, and the event has the error."""
    (monitor.path / "artifacts" / "checkpoints").write_text("not a folder")
    model, (_, failed) = requested(make_ppo, monitor, "checkpoint")

    assert (model.num_timesteps, failed.kind, (failed.data or {})["state"]) == (320, "request", "failed")
    assert failed.message.startswith("The request of an agent failed: FileExistsError")


def test_after_the_training_a_request_is_refused(make_ppo: MakePpo, monitor: TrainingMonitor) -> None:
    """Nobody could carry it out between two trainings of one run."""
    make_ppo().learn(64, callback=VitalsCallback(monitor=monitor))
    place_request(monitor.run.layout, Request(kind="stop", reason="why", by="an agent"))
    monitor._requests.poll()
    events: list[Event] = list(monitor.run.records("events"))

    assert [(event.data or {})["state"] for event in events if event.kind == "request"] == ["refused"]
