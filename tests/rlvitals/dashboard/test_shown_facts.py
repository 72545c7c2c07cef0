"""The facts of an overview as pages show them."""

from collections.abc import Callable

from rlvitals import TrainingMonitor, open_run
from rlvitals.dashboard.shown_facts import shown_facts
from rlvitals.summary.levels import level_text

Monitor = Callable[..., TrainingMonitor]


def risen(training: TrainingMonitor) -> None:
    """Log an hour of episodes: one a second, in the second half two steps each."""
    begin, step = training.session.start_time, 0
    for number in range(3_600):
        step += 1 if number < 1_800 else 2
        training.log_episode(number, float(number), 5, env_step=step, time=begin + number, success=number % 2 == 0)


def test_the_speed_is_the_recent_one_while_a_run_is_open(monitor: Monitor) -> None:
    """Of a run that is over it is that of the whole run."""
    training = monitor()
    risen(training)
    training.save_session()
    live = open_run(training.path).overview()
    training.close()
    over = open_run(training.path).overview()

    assert (shown_facts(live).is_open, shown_facts(over).is_open) == (True, False)
    assert shown_facts(live).speed == live.recent_steps_per_second != live.steps_per_second
    assert shown_facts(over).speed == over.steps_per_second
    assert shown_facts(live).episode_rate == live.recent_episodes_per_minute
    assert shown_facts(over).episode_rate == over.episodes_per_minute


def test_levels_have_the_words_that_every_output_has(monitor: Monitor) -> None:
    """One text each, for those that were reported."""
    with monitor() as training:
        risen(training)
    overview = open_run(training.path).overview()

    texts = shown_facts(overview).level_texts

    assert texts == {name: level_text(name, level) for name, level in overview.levels.items()}
    assert (set(texts), texts["success"]) == ({"reward", "length", "success"}, "50 %")
