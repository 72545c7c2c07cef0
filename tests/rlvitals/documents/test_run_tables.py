"""Tests of the tables of a run."""

from collections.abc import Callable

from rlvitals import TrainingMonitor
from rlvitals.documents.document import Toned
from rlvitals.documents.run_tables import evaluation_table, group_table, levels_table
from rlvitals.formatting import ABSENT
from rlvitals.records import Evaluation
from rlvitals.summary.measures import Range
from rlvitals.summary.run_summary import summarise
from rlvitals.summary.successes import GroupRate

Monitor = Callable[..., TrainingMonitor]


def test_levels_are_means_of_the_first_and_last_hundred(monitor: Monitor) -> None:
    """The levels are the means of the first and last 100 episodes, and a rate has no best eighth."""
    with monitor() as training:
        for number in range(250):
            training.log_episode(number, float(number), 10, success=number % 2 == 0)
    found = levels_table(summarise(training.run))
    reward, _, success = found.rows

    assert found.titles == ("mean of", "first 100", "last 100", "95 % interval", "whole run", "best eighth")
    assert (reward[1], reward[2], reward[4]) == ("49.5", "199.5", "124.5")
    assert (success[1], success[2], success[4], success[5]) == ("50 %", "50 %", "50 %", Toned(ABSENT, "quiet"))


def test_a_run_shorter_than_the_window_has_no_first_level(monitor: Monitor) -> None:
    """A run shorter than the window has no first level, because it would equal the recent one."""
    with monitor() as training:
        for number in range(30):
            training.log_episode(number, 1.0, 10)

    assert levels_table(summarise(training.run)).rows[0][1:3] == (Toned(ABSENT, "quiet"), "1")


def test_the_title_names_the_number_of_first_episodes(monitor: Monitor) -> None:
    """The title names the 50 first episodes that are not among the last 100."""
    with monitor() as training:
        for number in range(150):
            training.log_episode(number, float(number), 10)
    found = levels_table(summarise(training.run))

    assert found.titles[1:3] == ("first 50", "last 100")
    assert found.rows[0][1:3] == ("24.5", "99.5")


def test_a_window_is_in_the_title(monitor: Monitor) -> None:
    """A window has its size as the title, and the first and last levels stay those of the whole run."""
    with monitor() as training:
        for number in range(250):
            training.log_episode(number, float(number), 10)
    found = levels_table(summarise(training.run, window=20))

    assert found.titles[4] == "last 20"
    assert found.rows[0][2:5:2] == ("199.5", "239.5")


def test_columns_without_values_are_omitted() -> None:
    """Columns of evaluations and groups without values are omitted."""
    evaluations = evaluation_table([Evaluation(time=1.0, episode=0, env_step=10, reward=1.0)])
    groups = group_table([GroupRate("easy", 3, 3, Range(0.5, 0.1, 0.9), 1.0, None)], "category")

    assert evaluations.titles == ("policy", "step", "episode", "reward")
    assert groups.titles == ("category", "episodes", "success", "95 % interval", "mean reward")
