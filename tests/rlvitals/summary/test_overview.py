"""Tests of the overview of a run."""

import contextlib
import math
import random
from collections.abc import Callable

import pytest

from rlvitals import TrainingMonitor
from rlvitals.runs import Run
from rlvitals.summary.overview import Overview, overview_of
from rlvitals.summary.run_list import overviews_in
from rlvitals.summary.run_summary import summarise

Monitor = Callable[..., TrainingMonitor]
Reward = Callable[[int], float]


def trained(monitor: Monitor, episodes: int, reward: Reward, begun: float | None = 1.7e9) -> TrainingMonitor:
    rng = random.Random(2)
    training = monitor("run", total_timesteps=50 * episodes)
    for at in range(episodes):
        time = None if begun is None else begun + 2.0 * at
        training.log_episode(at, reward(at) + rng.gauss(0.0, 0.1), 50, env_step=50 * (at + 1), time=time)
        if at % 20 == 0:
            training.log_training_step(
                50 * (at + 1), -0.01, 0.2, 1.3 - 0.5 * at / episodes, kl_divergence=0.01, time=time
            )
    return training


def overview(monitor: Monitor, episodes: int, reward: Reward) -> Overview:
    with trained(monitor, episodes, reward) as training:
        pass
    return overview_of(Run(training.path))


@pytest.mark.parametrize(
    ("episodes", "reward", "tone", "title"),
    [
        (3_500, lambda e: e / 2_500 if e < 2_500 else 1 - 0.12 * (e - 2_500) / 1_000, "watch", "Declining"),
        (2_000, lambda e: min(1.0, e / 1_000), "good", "Converged"),
        (2_000, lambda e: max(0.0, (e - 1_500) / 500), "good", "Improving"),
        (3, float, "neutral", "Not enough data"),
    ],
)
def test_a_verdict_describes_the_course(monitor: Monitor, episodes: int, reward: Reward, tone: str, title: str) -> None:
    """The verdict covers the whole run and its recent part."""
    verdict = overview(monitor, episodes, reward).verdict

    assert verdict is not None
    assert (verdict.tone, verdict.title) == (tone, title)


def test_a_verdict_names_its_windows(monitor: Monitor) -> None:
    """The verdict names its windows: the whole run, its recent part, and its first and last episodes."""
    verdict = overview(monitor, 2_000, lambda e: e / 2_000).verdict

    assert verdict is not None
    assert "over the run (2,000 episodes), including the last 500" in verdict.text
    assert "in the first 100 episodes" in verdict.text
    assert "in the last 100." in verdict.text


def test_the_title_has_the_word_of_the_course(monitor: Monitor) -> None:
    """A run without a trend has the same word in its verdict as in its course."""
    found = overview(monitor, 8, lambda _: 0.0)

    assert found.course is not None
    assert found.verdict is not None
    assert found.verdict.title.lower() == found.course.status == found.course.recent.verdict == "not enough data"


def test_one_episode_is_in_the_singular(monitor: Monitor) -> None:
    """One episode is described in the singular."""
    verdict = overview(monitor, 1, float).verdict

    assert verdict is not None
    assert verdict.text.startswith("One episode is too little to tell a trend from noise. Its reward is ")


def test_the_end_of_a_run_changes_no_verdict(monitor: Monitor) -> None:
    """The end of a run changes its status and not its verdict."""
    training = trained(monitor, 600, lambda e: e / 600, begun=None)
    training.save_session()
    before = overview_of(Run(training.path))
    training.close()
    after = overview_of(Run(training.path))

    assert (before.state.status, after.state.status) == ("running", "completed")
    assert before.verdict == after.verdict


def test_a_failure_comes_before_every_other_verdict(monitor: Monitor) -> None:
    """A failure comes before every other verdict, with its exception."""
    training = monitor()
    training.log_episode(0, 1.0, 10)
    with contextlib.suppress(RuntimeError), training:
        raise RuntimeError("out of paper")
    verdict = overview_of(Run(training.path)).verdict

    assert verdict is not None
    assert (verdict.tone, verdict.title) == ("bad", "The run failed")
    assert "out of paper" in verdict.text


def test_an_interrupted_training_did_not_fail(monitor: Monitor) -> None:
    """The verdict of a training that ended with Ctrl-C names the interruption."""
    with contextlib.suppress(KeyboardInterrupt), monitor() as training:
        training.log_episode(0, 1.0, 10)
        raise KeyboardInterrupt
    verdict = overview_of(Run(training.path)).verdict

    assert verdict is not None
    assert (verdict.tone, verdict.title, verdict.text) == ("watch", "Interrupted", "KeyboardInterrupt.")


def test_a_fault_comes_before_the_trend(monitor: Monitor) -> None:
    """The most likely fault comes before the trend."""
    with monitor() as training:
        for at in range(200):
            training.log_episode(at, at / 200, 10, env_step=10 * at)
            training.log_training_step(10 * at, math.nan, 0.1, 1.0)
    found = overview_of(Run(training.path))

    assert found.verdict is not None
    assert found.verdict.tone == "bad"
    assert found.health is not None
    assert found.health.status == "critical"


def evaluate(training: TrainingMonitor, policy: str | None, reward: float) -> None:
    items = {str(at): {"reward": at + reward + 0.1 * (at % 3)} for at in range(30)}
    training.log_evaluation(600, reward, items=items, env_step=training.env_step, policy=policy)


@pytest.mark.parametrize(
    ("reward", "tone", "title", "text"),
    [
        (5.0, "good", "Better than all 2 baselines", "+5 reward compared with defaults (30 items)"),
        (0.0, "watch", "Not better than defaults", "No difference from defaults shown (30 items); not better than"),
        (-5.0, "watch", "Worse than presets", "In the last evaluation, the reward is 6 worse than that of presets"),
    ],
)
def test_evaluated_baselines_decide_the_verdict(
    monitor: Monitor, reward: float, tone: str, title: str, text: str
) -> None:
    """The verdict of a run that evaluated baselines is the gain over them, and its advice is what to do next."""
    with trained(monitor, 600, lambda e: min(1.0, e / 100)) as training:
        evaluate(training, "defaults", 0.0)
        evaluate(training, "presets", 1.0 if reward < 0.0 else 0.0)
        evaluate(training, None, reward)
    verdict = overview_of(Run(training.path)).verdict

    assert verdict is not None
    assert (verdict.tone, verdict.title) == (tone, title)
    assert verdict.text.startswith(text)
    assert "compared with" in verdict.text or "shown" in verdict.text
    assert verdict.next


def test_a_fault_comes_before_the_baselines(monitor: Monitor) -> None:
    """A critical finding is the title, and the comparison with the baselines follows its cause."""
    with monitor() as training:
        for at in range(200):
            training.log_episode(at, at / 200, 10, env_step=10 * at)
            training.log_training_step(10 * at, math.nan, 0.1, 1.0)
        evaluate(training, "defaults", 0.0)
        evaluate(training, None, 5.0)
    verdict = overview_of(Run(training.path)).verdict

    assert verdict is not None
    assert verdict.tone == "bad"
    assert "compared with defaults" in verdict.text


def test_a_run_without_records_is_not_judged(monitor: Monitor) -> None:
    """A run without records has no health score."""
    with monitor() as training:
        pass
    found = overview_of(Run(training.path))

    assert found.verdict is not None
    assert (found.verdict.tone, found.verdict.title) == ("neutral", "No episodes or updates")
    assert (found.health and found.health.score, found.course, found.levels) == (None, None, {})


def test_the_full_summary_contains_the_overview(monitor: Monitor) -> None:
    """The overview in a summary covers the whole run, also if the summary has a window."""
    with trained(monitor, 300, lambda e: e / 300) as training:
        pass
    run = Run(training.path)

    assert summarise(run).overview == summarise(run, window=50).overview == overview_of(run)


def test_a_monitor_and_a_reader_agree(monitor: Monitor) -> None:
    """A monitor and a reader return the same overview, during and after training."""
    training = trained(monitor, 200, lambda e: e / 200)
    live = training.overview()
    training.close()

    assert live.levels == overview_of(Run(training.path)).levels
    assert live.episodes == 200


def test_a_replayed_training_lasts_as_long_as_its_records(monitor: Monitor) -> None:
    """The duration of a replayed training is the time that its records cover."""
    with trained(monitor, 200, float) as training:
        pass

    read = overview_of(Run(training.path))
    (listed,), _ = overviews_in(training.path.parent)

    assert read.state.duration == listed.state.duration == 2.0 * 199
    assert read.steps_per_second == pytest.approx(50 * 199 / read.state.duration)


def test_a_replayed_training_without_steps_lasts_as_long_as_its_episodes(monitor: Monitor) -> None:
    """The list of runs and the overview agree on the duration of a replayed training without steps."""
    with monitor() as training:
        for at in range(50):
            training.log_episode(at, 1.0, 10, time=1.7e9 + 3.0 * at)

    (listed,), _ = overviews_in(training.path.parent)

    assert overview_of(Run(training.path)).state.duration == listed.state.duration == 3.0 * 49


def test_a_decline_of_the_second_half_is_not_a_decline_of_the_run(monitor: Monitor) -> None:
    """A dip at the end of a rising run is not described as a decline over the whole run."""
    levels = [min(e / 600, 1.0) - max(0.0, (e - 2_100) / 7_000) for e in range(2_800)]
    verdict = overview(monitor, 2_800, lambda e: levels[e]).verdict

    assert verdict is not None
    assert verdict.title == "Declining"
    assert "fell over the run" not in verdict.text


def test_the_speed_of_an_open_run_is_the_recent_speed(monitor: Monitor) -> None:
    """The speed is the recent one while a run is open, and that of the whole run afterwards."""
    training, step = monitor(), 0
    for number in range(3_600):
        step += 1 if number < 1_800 else 2
        training.log_episode(number, float(number), 5, env_step=step, time=training.session.start_time + number)
    training.save_session()
    live = overview_of(Run(training.path))
    training.close()
    over = overview_of(Run(training.path))

    assert (live.is_open, over.is_open) == (True, False)
    assert live.speed == live.recent_steps_per_second != live.steps_per_second
    assert (over.speed, over.episode_rate) == (over.steps_per_second, over.episodes_per_minute)
    assert live.episode_rate == live.recent_episodes_per_minute
