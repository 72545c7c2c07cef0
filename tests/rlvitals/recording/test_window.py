"""The live window."""

from rlvitals.recording.window import LiveWindow
from rlvitals.records import Episode, Event, PolicyUpdate, Scalars


def _window(size: int = 5) -> tuple[LiveWindow, list[Episode]]:
    taken: list[Episode] = []
    window = LiveWindow(size)
    add = window.adder(Episode, lambda: len(taken))
    window.adder(PolicyUpdate, lambda: 0)

    def take(episode: Episode) -> None:
        taken.append(episode)
        add(episode)

    for number, step in enumerate((10, 70, 30, 40, 50, 60, 65)):
        take(Episode(time=float(number), episode=number, reward=1.0, length=2, env_step=step))
    return window, taken


def test_the_last_records_are_kept_and_all_are_counted() -> None:
    """Memory use is constant for runs of any length."""
    window, _ = _window()

    assert [record.episode for record in window.last(Episode)] == [2, 3, 4, 5, 6]
    assert [record.episode for record in window.last(Episode, 2)] == [5, 6]
    assert window.last(Episode, 0) == []
    assert (window.episodes, window.updates, window.last_episode, window.last_time) == (7, 0, 6, 6.0)


def test_the_highest_step_is_kept_if_later_steps_are_lower() -> None:
    """It is found if its record is still in the window when the step is read."""
    window, _ = _window(7)

    assert window.env_step == 70
    window.advance(20)
    assert window.env_step == 70
    window.advance(80)
    assert window.env_step == 80


def test_after_a_rewind_the_window_belongs_to_the_branch_that_continues() -> None:
    """The records and the highest step are cleared, and the totals are set."""
    window, taken = _window()
    window.rewind(episodes=2, updates=1, last_episode=1, env_step=20)
    before = (window.episodes, window.updates, window.last_episode, window.env_step, window.last(Episode))
    taken.append(taken[-1])

    assert before == (2, 1, 1, 20, [])
    assert window.episodes == 3


def test_every_record_of_the_training_counts_for_the_last_time() -> None:
    """A training that only logs custom metrics is not stalled."""
    window = LiveWindow()
    window.adder(Scalars, lambda: 1)(Scalars(time=3.0, step=1, category="custom", values={"a": 1.0}))
    window.adder(Event, lambda: 1)(Event(time=4.0, kind="note", message="a", severity="info"))

    assert window.last_time == 3.0


def test_an_empty_window_has_no_values() -> None:
    """All properties are zero or `None`, and none raises."""
    window = LiveWindow()

    assert (window.episodes, window.last_episode, window.env_step, window.last_time) == (0, None, None, None)
    assert window.last(Episode) == []
