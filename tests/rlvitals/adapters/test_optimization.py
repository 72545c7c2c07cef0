"""Results of optimisations: kept in a run folder, and summed up."""

import dataclasses
import datetime as dt
import math
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from rlvitals import RecorderSettings, TrainingMonitor, open_run
from rlvitals.adapters.optimization import OptimizationLogger
from rlvitals.errors import ClosedError, RecordError
from rlvitals.testing.manual_clock import ManualClock

QUIET = RecorderSettings(system_interval_s=None)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(1_000.0)


@pytest.fixture
def logger(tmp_path: Path, clock: ManualClock) -> Iterator[OptimizationLogger]:
    with OptimizationLogger(tmp_path, settings=QUIET, clock=clock) as logger:
        yield logger


def result(default: float, optimized: float, **improvements: Any) -> dict[str, Any]:
    return {
        "default_metrics": {"ssim": default, "file_size": 100},
        "optimized_metrics": {"ssim": optimized, "file_size": 80},
        "improvements": {"ssim_improvement": 100 * (optimized - default) / default, **improvements},
    }


def test_a_result_is_an_episode(logger: OptimizationLogger) -> None:
    """Every tool that reads episodes reads it: type, parameters, quality, improvements, and all the rest in `info`."""

    kept = logger.log_optimization(
        Path("logos/a.png"),
        {"edge_density": np.float32(0.5)},
        {"color_precision": np.int64(6), "corner_threshold": 60.0, "mode": "spline"},
        result(0.5, 0.75, file_size_improvement=20.0),
        {"logo_type": "simple", "nested": {"deep": [1, 2]}},
    )
    assert [*logger.monitor.run.records("episodes")] == [kept]
    assert (kept.episode, kept.category, kept.success, kept.reward) == (0, "simple", True, 0.25)
    assert (kept.quality_initial, kept.quality_final, kept.quality_improvement) == (0.5, 0.75, 0.25)
    assert kept.parameters == {"color_precision": 6, "corner_threshold": 60.0, "mode": "spline"}
    assert kept.extra == {"ssim_improvement": 50.0, "file_size_improvement": 20.0}
    assert kept.info is not None
    given = kept.info["optimization"]
    assert (given["image_path"], given["features"]) == ("logos/a.png", {"edge_density": 0.5})
    assert given["metadata"]["nested"] == {"deep": [1, 2]}
    assert given["default_metrics"] == {"ssim": 0.5, "file_size": 100}


def test_statistics_are_those_worked_by_hand(logger: OptimizationLogger) -> None:
    """Three results of two types."""

    for name, kind, after, speckle in (("a", "text", 0.6, 2), ("b", "text", 0.4, 4), ("c", "simple", 0.75, 9)):
        logger.log_optimization(name, {"logo_type": kind}, {"speckle": speckle, "mode": kind}, result(0.5, after))
    found = logger.calculate_statistics()
    assert found["total_optimizations"] == 3
    assert (found["success"]["successful"], found["success"]["known"]) == (2, 3)
    assert found["success"]["rate"] == pytest.approx(2 / 3)
    ssim = found["improvements"]["ssim_improvement"]
    assert [ssim[key] for key in ("count", "mean", "median", "min", "max")] == pytest.approx([3, 50 / 3, 20, -20, 50])
    assert found["metrics"]["ssim"]["change"]["mean"] == pytest.approx(0.25 / 3)
    assert found["metrics"]["file_size"]["change"]["max"] == -20
    assert (found["parameters"]["speckle"]["median"], found["parameters"]["speckle"]["max"]) == (4, 9)
    assert found["parameters"]["mode"] == {"count": 3, "values": {"text": 2, "simple": 1}}
    assert {name: kind["count"] for name, kind in found["logo_types"].items()} == {"simple": 1, "text": 2}
    assert found["logo_types"]["text"]["success"]["rate"] == 0.5
    assert (found["best"]["image_path"], found["worst"]["image_path"]) == ("c", "b")
    assert found["best"]["parameters"] == {"speckle": 9, "mode": "simple"}


def test_one_type_is_asked_for(logger: OptimizationLogger) -> None:
    """And only its results count."""

    for kind, after in (("text", 0.6), ("simple", 0.9)):
        logger.log_optimization("x", None, {"p": 1}, result(0.5, after), {"logo_type": kind})
    found = logger.calculate_statistics(logo_type="text")
    assert (found["total_optimizations"], found["best"]["logo_type"], [*found["logo_types"]]) == (1, "text", ["text"])
    assert logger.calculate_statistics(logo_type="complex")["message"]


def test_a_stretch_of_time_is_asked_for(logger: OptimizationLogger, clock: ManualClock) -> None:
    """In seconds or datetimes, both ends included, either open."""

    for _ in range(4):
        logger.log_optimization("x", {}, {}, result(0.5, 0.6))
        clock.advance(10.0)

    def count(low: Any, high: Any) -> int:
        total: int = logger.calculate_statistics(time_range=(low, high))["total_optimizations"]
        return total

    moment = dt.datetime.fromtimestamp(1_020.0, dt.UTC)
    assert (count(1_010, 1_020.0), count(None, 1_010), count(moment, None)) == (2, 2, 2)
    assert count(moment.astimezone(dt.timezone(dt.timedelta(hours=5))), moment) == 1
    assert count(2_000, None) == 0


@pytest.mark.parametrize("given", ["24h", (1.0,), ("24h", None), 24.0])
def test_what_is_no_stretch_of_time_is_refused(logger: OptimizationLogger, given: Any) -> None:
    """By name, with what it may be."""
    with pytest.raises(ValueError, match="time_range"):
        logger.calculate_statistics(time_range=given)


def test_a_type_that_was_not_seen_is_told_from_no_result(logger: OptimizationLogger) -> None:
    """So that a typing error is seen."""
    logger.log_optimization("x", {}, {}, result(0.5, 0.6))

    assert "of 1 recorded" in logger.calculate_statistics(logo_type="nope")["message"]


def test_without_results_there_is_a_message(logger: OptimizationLogger) -> None:
    """And no key is missing."""

    empty = logger.calculate_statistics()
    logger.log_optimization("x", {}, {"p": 1}, result(0.5, 0.6))
    assert empty.keys() == logger.calculate_statistics().keys() | {"message"}
    assert empty["best"] is None


class Point(NamedTuple):
    speckle: int


@dataclasses.dataclass
class Preset:
    speckle: int


@pytest.mark.parametrize("params", [Point(3), Preset(3), {"speckle": np.array(3)}])
def test_parameters_come_in_many_forms(logger: OptimizationLogger, params: Any) -> None:
    """Named tuples, dataclasses, NumPy scalars."""

    assert logger.log_optimization("x", None, params, None).parameters == {"speckle": 3}


@pytest.mark.parametrize(
    "metrics",
    [
        None,
        {},
        {"improvements": None},
        {"improvements": 3},
        {"default_metrics": {"ssim": None}, "optimized_metrics": {"ssim": "n/a"}},
        {"ssim": 0.9},
        {"optimized_metrics": {"ssim": math.nan}, "default_metrics": {"ssim": 0.5}},
        {"improvements": {"ssim_improvement": math.inf, "note": "odd", 7: np.float64(1.0)}},
    ],
)
def test_odd_metrics_are_kept(logger: OptimizationLogger, metrics: Any) -> None:
    """Nothing raises, and the reward is NaN, where the quality is not known: not zero."""

    kept = logger.log_optimization("x", {"f": object()}, {"list": [1, 2], "none": None, "p": 1}, metrics, {"m": {1, 2}})
    assert math.isnan(kept.reward)
    assert kept.parameters == {"p": 1}
    assert kept.info is not None
    assert kept.info["optimization"]["parameters"]["list"] == [1, 2]
    found = logger.calculate_statistics()
    assert (found["total_optimizations"], found["best"]) == (1, None)


def test_numbers_beside_the_parts_are_optimized_metrics(logger: OptimizationLogger) -> None:
    """A flat dict of metrics is what some callers have."""

    kept = logger.log_optimization("x", {}, {}, {"ssim": 0.9, "default_metrics": {"ssim": 0.8}, "comment": "ok"})
    assert kept.quality_improvement == pytest.approx(0.1)
    assert kept.info is not None
    assert kept.info["optimization"]["quality_metrics"] == {"comment": "ok"}


def test_values_that_are_not_finite_are_counted_apart(logger: OptimizationLogger) -> None:
    """They neither spoil a mean nor vanish."""

    for speed in (1.0, 3.0, math.nan, math.inf):
        logger.log_optimization("x", {}, {}, {"improvements": {"speed_improvement": speed}})
    speed = logger.calculate_statistics()["improvements"]["speed_improvement"]
    assert (speed["count"], speed["not_finite"], speed["mean"], speed["max"]) == (2, 2, 2.0, 3.0)


def test_what_the_caller_says_goes_first(logger: OptimizationLogger) -> None:
    """Success, reward and duration of the metadata stand against what would be worked out."""

    said = {"success": np.False_, "reward": 7, "duration": 1.5}
    kept = logger.log_optimization("x", {}, {}, result(0.5, 0.9), said)
    assert (kept.success, kept.reward, kept.duration) == (False, 7.0, 1.5)


def test_success_follows_the_improvement_where_quality_is_not_known(logger: OptimizationLogger) -> None:
    """Percent is enough to know."""

    kept = logger.log_optimization("x", {}, {}, {"improvements": {"ssim_improvement": -2.0}})
    assert kept.success is False


def test_what_no_record_can_hold_is_refused(logger: OptimizationLogger) -> None:
    """And nothing was recorded."""

    endless: dict[str, Any] = {}
    endless["self"] = endless
    with pytest.raises(RecordError, match="contains itself"):
        logger.log_optimization("x", {}, {}, {}, endless)
    assert logger.calculate_statistics()["total_optimizations"] == 0


def test_a_folder_is_taken_up_again(tmp_path: Path) -> None:
    """A second session counts on, and its statistics hold the first one's results."""

    for _ in range(2):
        with OptimizationLogger(tmp_path, settings=QUIET) as logger:
            last = logger.log_optimization("x", {}, {}, result(0.5, 0.6))
    assert last.episode == 1
    assert logger.calculate_statistics()["total_optimizations"] == 2
    with pytest.raises(ClosedError):
        logger.log_optimization("x", {}, {}, {})
    assert open_run(tmp_path / "optimizations").header.status == "completed"


def test_a_failure_is_the_runs_end(tmp_path: Path) -> None:
    """An exception inside the block is kept with the run."""

    with pytest.raises(KeyError), OptimizationLogger(tmp_path, settings=QUIET):
        raise KeyError("x")
    assert open_run(tmp_path / "optimizations").header.status == "failed"


def test_a_monitor_stays_its_owners(tmp_path: Path) -> None:
    """Its other episodes are no results, and it stays open."""

    with TrainingMonitor(tmp_path, session_name="mixed", settings=QUIET) as monitor:
        monitor.log_episode(4, 1.0, 10)
        with OptimizationLogger(monitor) as logger:
            kept = logger.log_optimization("x", {}, {}, result(0.5, 0.6))
        monitor.log_episode(6, 1.0, 10)
        assert kept.episode == 5
        assert logger.calculate_statistics()["total_optimizations"] == 1


def test_another_metric_can_be_the_quality(tmp_path: Path) -> None:
    """Results are then ranked by it, and by the quality gained where no improvement was said."""

    with OptimizationLogger(tmp_path, quality_metric="psnr", settings=QUIET) as logger:
        for name, after in (("a", 30.0), ("b", 20.0)):
            metrics = {"default_metrics": {"psnr": 25.0}, "optimized_metrics": {"psnr": after}}
            logger.log_optimization(name, {}, {}, metrics)
        best = logger.calculate_statistics()["best"]
    assert (best["image_path"], best["ranked_by"], best["value"]) == ("a", "quality_improvement", 5.0)


def test_threads_number_their_results_apart(logger: OptimizationLogger) -> None:
    """Eight threads, two hundred results, two hundred numbers."""

    def work() -> None:
        for _ in range(25):
            logger.log_optimization("x", {}, {"p": 1}, result(0.5, 0.6))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = [episode.episode for episode in logger.monitor.run.records("episodes")]
    assert sorted(numbers) == list(range(200))
