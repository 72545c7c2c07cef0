"""Studies and their trials, with real Optuna."""

import pickle
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest
from stable_baselines3.common.callbacks import CallbackList, EvalCallback
from stable_baselines3.common.monitor import Monitor

from rlvitals import RecorderSettings, TrainingMonitor, open_run
from rlvitals.adapters.optuna import VitalsPruner, VitalsStudyCallback, link_trial
from rlvitals.adapters.sb3 import VitalsCallback
from rlvitals.records import Episode
from rlvitals.runs import Run
from rlvitals.runs.request_files import Request, place_request


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Optuna logs each trial on standard error."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(before)


def study_of(**options: Any) -> optuna.Study:
    return optuna.create_study(**{"sampler": optuna.samplers.RandomSampler(seed=1), **options})


def objective(trial: optuna.Trial) -> float:
    """Pruned at trial 2, fails at trial 3."""
    rate, width = trial.suggest_float("rate", 0.0, 1.0), trial.suggest_categorical("width", [None, 8])
    if trial.number == 2:
        trial.report(0.25, 1)
        raise optuna.TrialPruned
    if trial.number == 3:
        raise OSError("no space")
    return rate + (width == 8)


def recorded(tmp_path: Path, settings: RecorderSettings, study: optuna.Study, trials: int = 5) -> Run:
    with VitalsStudyCallback(tmp_path, settings=settings) as vitals:
        study.optimize(objective, n_trials=trials, callbacks=[vitals], catch=(OSError,))
    return vitals.monitor.run


def test_each_trial_is_an_episode(tmp_path: Path, settings: RecorderSettings) -> None:
    """A pruned trial has its last reported value, and a failed one is an event."""
    study = study_of(direction="maximize", study_name="search")
    run = recorded(tmp_path, settings, study)

    done = [trial for trial in study.trials if trial.values is not None]
    found = list(run.records("episodes"))
    assert [(e.episode, e.reward, e.length) for e in found] == [(t.number, t.value, 1) for t in done]
    assert [e.termination_reason for e in found] == ["complete", "complete", "pruned", "complete"]
    assert (found[0].parameters or {}).keys() == {"rate", "width"}
    assert [e.data for e in run.records("events") if e.code == "trial-fail"] == [
        {"trial": 3, "parameters": study.trials[3].params}
    ]
    assert (run.header.run_id, run.header.status) == ("search", "completed")


def test_a_lower_value_is_a_higher_reward(tmp_path: Path, settings: RecorderSettings) -> None:
    """The value itself is an objective of which less is better, and ranges of parameters are known."""
    study = study_of(direction="minimize")
    run = recorded(tmp_path, settings, study, trials=1)

    (episode,) = run.records("episodes")
    assert (episode.reward, episode.extra) == (-study.trials[0].value, {"value": study.trials[0].value})  # type: ignore[operator]
    assert (run.header.configuration["lower_is_better"], run.header.configuration["parameter_bounds"]) == (
        ["value"],
        {"rate": [0.0, 1.0]},
    )


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_every_objective_is_recorded(tmp_path: Path, settings: RecorderSettings) -> None:
    """The reward is the first of several objectives, and all have their direction."""
    study = study_of(directions=["minimize", "maximize"])
    study.set_metric_names(["seconds", "score"])
    with VitalsStudyCallback(tmp_path, settings=settings) as vitals:
        study.optimize(lambda _: (2.0, 3.0), n_trials=1, callbacks=[vitals])

    configuration = vitals.monitor.session.configuration
    (episode,) = vitals.monitor.run.records("episodes")
    assert (episode.reward, episode.extra) == (-2.0, {"seconds": 2.0, "score": 3.0})
    assert (configuration["lower_is_better"], configuration["higher_is_better"]) == (["seconds"], ["score"])


def test_earlier_trials_are_recorded_once(tmp_path: Path, settings: RecorderSettings) -> None:
    """A study that continues, in a new run or in its old one, has each trial once, also a failed one."""
    study = study_of(direction="maximize", study_name="search")
    study.optimize(objective, n_trials=4, catch=(OSError,))
    for resume in ("never", "must"):
        with VitalsStudyCallback(tmp_path, session_name="search", resume=resume, settings=settings) as vitals:
            study.optimize(objective, n_trials=1, callbacks=[vitals])

    run = open_run(tmp_path / "search")
    assert [e.episode for e in run.records("episodes")] == [0, 1, 2, 4, 5]
    assert [e.code for e in run.records("events") if e.kind == "trial"] == ["trial-fail"]


def test_several_threads_finish_trials(tmp_path: Path, settings: RecorderSettings) -> None:
    """With `n_jobs`, each trial is recorded once."""
    study = study_of(direction="maximize")
    both = threading.Barrier(2)
    with VitalsStudyCallback(tmp_path, settings=settings) as vitals:
        study.optimize(lambda _: float(both.wait(30)), n_trials=8, n_jobs=2, callbacks=[vitals])

    assert sorted(e.episode for e in vitals.monitor.run.records("episodes")) == list(range(8))


def test_a_study_without_a_with_statement_completes(tmp_path: Path, settings: RecorderSettings) -> None:
    """The run of a callback that is no longer referenced is completed."""
    study_of().optimize(
        lambda _: 1.0, n_trials=2, callbacks=[VitalsStudyCallback(tmp_path, session_name="run", settings=settings)]
    )

    assert open_run(tmp_path / "run").header.status == "completed"


def test_a_random_search_is_not_a_training_that_does_not_learn(tmp_path: Path, settings: RecorderSettings) -> None:
    """Rules about the course of the returns do not apply to independent trials."""
    study = study_of(direction="maximize")
    with VitalsStudyCallback(tmp_path, settings=settings) as vitals:
        study.optimize(lambda trial: trial.suggest_float("x", 0.0, 1.0), n_trials=150, callbacks=[vitals])

    assert open_run(vitals.monitor.path).diagnosis().findings == ()


def test_a_study_can_be_asked_to_stop(monitor: TrainingMonitor) -> None:
    """A request for the study's run ends it after the current trial."""

    def ask(trial: optuna.Trial) -> float:
        if trial.number == 1:
            place_request(monitor.run.layout, Request(kind="stop", reason="good enough", by="an agent"))
            monitor._requests.poll()
        return 1.0

    study = study_of()
    study.optimize(ask, n_trials=9, callbacks=[VitalsStudyCallback(monitor=monitor)])

    assert len(study.trials) == 2


# ---------------------------------------------------------------------- the training of a trial


def test_a_training_knows_its_trial_and_its_value(make_ppo: Any, tmp_path: Path, settings: RecorderSettings) -> None:
    """The configuration has the number, the parameters, the state and the value, though the run ended before."""

    def train(trial: optuna.Trial) -> float:
        rate = trial.suggest_float("learning_rate", 1e-4, 1e-3)
        model = make_ppo(learning_rate=rate)
        model.learn(32, callback=VitalsCallback(tmp_path, session_name="trial", trial=trial, settings=settings))
        return 0.5

    study = study_of(direction="maximize", study_name="search")
    with VitalsStudyCallback(tmp_path, settings=settings) as vitals:
        study.optimize(train, n_trials=1, callbacks=[vitals])

    run = open_run(tmp_path / "trial")
    wanted = {
        "study": "search",
        "trial": 0,
        "trial_parameters": study.trials[0].params,
        "trial_state": "complete",
        "trial_value": 0.5,
    }
    (episode,) = vitals.monitor.run.records("episodes")
    assert wanted.items() <= run.header.configuration.items()
    assert (run.header.status, len(run.header.writers)) == ("completed", 1)
    assert episode.info == {"rlvitals_run": str(run.path)}


def test_the_trial_of_an_evaluation_callback_is_found(make_ppo: Any, walk: Any, monitor: TrainingMonitor) -> None:
    """RL Zoo passes its trial to its own evaluation callback only, and stores the study with its pruner."""

    class TrialEvalCallback(EvalCallback):
        trial: optuna.Trial

    study = study_of(pruner=VitalsPruner(optuna.pruners.MedianPruner()))
    evaluate = TrialEvalCallback(Monitor(walk()), eval_freq=16, n_eval_episodes=1, verbose=0, warn=False)
    evaluate.trial = study.ask()
    make_ppo().learn(32, callback=CallbackList([VitalsCallback(monitor=monitor), evaluate]))

    assert monitor.session.configuration["trial"] == 0
    assert study.trials[0].user_attrs == {"rlvitals_run": str(monitor.path)}
    assert pickle.dumps(study)


def test_a_live_run_gets_the_value_too(monitor: TrainingMonitor, tmp_path: Path, settings: RecorderSettings) -> None:
    """The run of a caller's monitor is still open when its trial ends."""

    def train(trial: optuna.Trial) -> float:
        link_trial(trial, monitor)
        return 0.5

    with VitalsStudyCallback(tmp_path, settings=settings) as vitals:
        study_of().optimize(train, n_trials=1, callbacks=[vitals])

    assert monitor.session.configuration["trial_value"] == 0.5


# ---------------------------------------------------------------------- pruning


def diverges(monitor: TrainingMonitor, trial: optuna.Trial) -> float:
    """Report values of a training whose losses are NaN, until it is pruned."""
    link_trial(trial, monitor)
    for step in range(3):
        monitor.log_training_step(step, policy_loss=float("nan"), value_loss=float("nan"), entropy=float("nan"))
        trial.report(1.0, step)
        if trial.should_prune():
            raise optuna.TrialPruned
    return 1.0


def test_a_critical_finding_prunes(monitor: TrainingMonitor) -> None:
    """The reason is an event of the run and an attribute of the trial."""
    study = study_of(pruner=VitalsPruner())
    study.optimize(lambda trial: diverges(monitor, trial), n_trials=1)

    (trial,) = study.trials
    (event,) = [event for event in monitor.run.records("events") if event.code == "prune-trial"]
    assert trial.state == optuna.trial.TrialState.PRUNED
    assert trial.user_attrs["rlvitals_finding"] == "non-finite"
    assert event.data == {"finding": "non-finite", "finding_severity": "critical", "trial": 0}


def test_the_run_of_a_pruned_trial_is_completed(make_ppo: Any, tmp_path: Path, settings: RecorderSettings) -> None:
    """The exception by which an objective reports that it was pruned is no failure."""

    def train(trial: optuna.Trial) -> float:
        with VitalsCallback(tmp_path, session_name="trial", trial=trial, settings=settings) as vitals:
            make_ppo().learn(32, callback=vitals)
            raise optuna.TrialPruned

    study_of().optimize(train, n_trials=1)

    assert open_run(tmp_path / "trial").header.status == "completed"


def test_other_codes_do_not_prune(monitor: TrainingMonitor) -> None:
    """With `codes`, only these findings prune."""
    study = study_of(pruner=VitalsPruner(codes=["entropy-collapse"]))
    study.optimize(lambda trial: diverges(monitor, trial), n_trials=1)

    assert study.trials[0].state == optuna.trial.TrialState.COMPLETE


def test_a_healthy_or_unknown_training_is_left_to_the_wrapped_pruner(monitor: TrainingMonitor) -> None:
    """Without a finding, and without a link, the other pruner decides."""

    def train(trial: optuna.Trial) -> float:
        if trial.number == 0:
            link_trial(trial, monitor)
        trial.report(2.0, 1)
        if trial.should_prune():
            raise optuna.TrialPruned
        return 2.0

    states = []
    for wrapped in (None, optuna.pruners.ThresholdPruner(upper=1.0)):
        study = study_of(pruner=VitalsPruner(wrapped))
        study.optimize(train, n_trials=2)
        states.append([trial.state.name for trial in study.trials])

    assert states == [["COMPLETE"] * 2, ["PRUNED"] * 2]


def test_an_invalid_severity_is_refused() -> None:
    with pytest.raises(ValueError, match="severity='grave' is invalid; use one of 'info', 'warning', 'critical'"):
        VitalsPruner(severity="grave")


def test_a_study_goes_on_without_its_recording(monitor: TrainingMonitor) -> None:
    """A closed monitor does not stop the study."""
    monitor.close()
    study = study_of()
    study.optimize(lambda _: 1.0, n_trials=2, callbacks=[VitalsStudyCallback(monitor=monitor)])

    assert len(study.trials) == 2
    assert list(monitor.run.records("episodes")) == list[Episode]()
