"""Rows of `wandb.log`."""

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from rlvitals import TrainingMonitor
from rlvitals.adapters.history_calls import HistoryCalls
from rlvitals.adapters.logged_media import LoggedHistogram, LoggedImage, LoggedTable, LoggedVideo
from rlvitals.adapters.tag_log import TagLog


@pytest.fixture
def history(monitor: TrainingMonitor) -> Any:
    """Log of rows, flushed by `rows`."""
    return HistoryCalls(monitor, TagLog(monitor))


def rows(monitor: TrainingMonitor, history: HistoryCalls) -> list[tuple[int, int | None, str, dict[str, Any]]]:
    history._tags.flush()
    return [(one.step, one.env_step, one.category, one.values) for one in monitor.run.records("scalars")]


def test_rows_are_counted(monitor: TrainingMonitor, history: HistoryCalls) -> None:
    """A row number is not an environment step."""
    history.log({"mine/a": 1.0})
    history.log({"mine/a": 2.0})

    assert rows(monitor, history) == [(0, None, "mine", {"a": 1.0}), (1, None, "mine", {"a": 2.0})]


def test_rows_of_several_threads_are_counted(monitor: TrainingMonitor, history: HistoryCalls) -> None:
    """Each row has its number, whichever thread logs it."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            for _ in range(400):
                pool.submit(history.log, {"mine/a": 1.0})
    finally:
        sys.setswitchinterval(before)

    assert [step for step, *_ in rows(monitor, history)] == list(range(400))


def test_a_row_is_complete_when_it_is_committed(monitor: TrainingMonitor, history: HistoryCalls) -> None:
    history.log({"mine/a": 1.0}, commit=False)
    history.log({"mine/b": 2.0})

    assert rows(monitor, history) == [(0, None, "mine", {"a": 1.0, "b": 2.0})]


def test_the_step_of_the_call_is_the_environment_step(monitor: TrainingMonitor, history: HistoryCalls) -> None:
    history.log({"losses/value_loss": 1.0}, step=256)
    history._tags.flush()

    (update,) = monitor.run.records("updates")
    assert (update.step, update.env_step, update.value_loss) == (256, 256, 1.0)


def test_an_environment_step_among_the_values_wins(monitor: TrainingMonitor, history: HistoryCalls) -> None:
    history.log({"global_step": 512, "losses/value_loss": 1.0}, step=3)
    history._tags.flush()

    (update,) = monitor.run.records("updates")
    assert (update.step, update.env_step) == (512, 512)


def test_names_without_a_group_are_fields_of_an_update(monitor: TrainingMonitor, history: HistoryCalls) -> None:
    """A loss can be that of any model."""
    history.log({"global_step": 512, "approx_kl": 0.25, "policy_loss": -0.5, "loss": 1.0})
    scalars = rows(monitor, history)

    (update,) = monitor.run.records("updates")
    assert (update.env_step, update.kl_divergence, update.policy_loss, update.loss) == (512, 0.25, -0.5, None)
    assert [values for *_, values in scalars] == [{"global_step": 512.0, "loss": 1.0}]


def test_a_metric_can_have_its_own_clock(monitor: TrainingMonitor, history: HistoryCalls) -> None:
    history.define_metric("train/*", step_metric="train/step")
    history.log({"train/step": 640, "train/value_loss": 1.0, "other": 2.0})
    history._tags.flush()

    (update,) = monitor.run.records("updates")
    assert (update.step, update.value_loss) == (640, 1.0)
    assert rows(monitor, history) == [(0, None, "scalars", {"other": 2.0})]


def test_nested_values_have_their_path_as_name(monitor: TrainingMonitor, history: HistoryCalls) -> None:
    history.log({"mine": {"a": {"b": 1.0}}, "text": "short"})

    assert [(category, values) for _, _, category, values in rows(monitor, history)] == [
        ("mine", {"a/b": 1.0}),
        ("scalars", {"text": "short"}),
    ]


def test_media_are_pictures_tables_and_quantiles(monitor: TrainingMonitor, history: HistoryCalls) -> None:
    pixels = np.zeros((4, 5, 3), np.uint8)
    history.log(
        {
            "pictures": [LoggedImage(pixels, caption="first"), LoggedImage(pixels)],
            "video": LoggedVideo(np.zeros((2, 3, 4, 5), np.uint8), fps=2),
            "table": LoggedTable(columns=["a", "b"], data=[[1, "x"]]),
            "weights": LoggedHistogram(np.arange(3.0)),
        },
        step=7,
    )
    found = {event.message: event for event in monitor.run.records("events")}

    assert found["pictures/0"].data["caption"] == "first"
    assert found["video"].data["file"].endswith(".gif")
    assert found["table table: 1 rows"].data == {"name": "table", "columns": ["a", "b"], "rows": [[1, "x"]]}
    assert rows(monitor, history)[0][3]["median"] == 1.0


def test_a_medium_that_cannot_be_recorded_leaves_the_other_values(
    monitor: TrainingMonitor, history: HistoryCalls
) -> None:
    history.log({"picture": LoggedImage(np.zeros(3)), "mine/a": 1.0})

    assert rows(monitor, history) == [(0, None, "mine", {"a": 1.0})]
    assert any("LoggedImage could not be recorded" in event.message for event in monitor.run.records("events"))
