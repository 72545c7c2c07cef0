"""Results of optimisations: recording and statistics."""

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
    """The episode has the type, parameters, quality and improvements, and `info` has everything that was passed."""

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


def test_statistics_match_manual_results(logger: OptimizationLogger) -> None:
    """The statistics of three results of two types match values computed by hand."""

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


def test_results_can_be_filtered_by_type(logger: OptimizationLogger) -> None:
    """Only results of the requested type count."""

    for kind, after in (("text", 0.6), ("simple", 0.9)):
        logger.log_optimization("x", None, {"p": 1}, result(0.5, after), {"logo_type": kind})
    found = logger.calculate_statistics(logo_type="text")
    assert (found["total_optimizations"], found["best"]["logo_type"], [*found["logo_types"]]) == (1, "text", ["text"])
    assert logger.calculate_statistics(logo_type="complex")["message"]


def test_results_can_be_filtered_by_time(logger: OptimizationLogger, clock: ManualClock) -> None:
    """A time range has inclusive ends, in seconds or datetimes, and either end can be open."""

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
def test_an_invalid_time_range_is_refused(logger: OptimizationLogger, given: Any) -> None:
    """The error names the argument."""
    with pytest.raises(ValueError, match="time_range"):
        logger.calculate_statistics(time_range=given)


def test_an_unknown_type_differs_from_no_results(logger: OptimizationLogger) -> None:
    """The message has the total number of results, which reveals a misspelled type."""
    logger.log_optimization("x", {}, {}, result(0.5, 0.6))

    assert "none of 1 recorded" in logger.calculate_statistics(logo_type="nope")["message"]


def test_without_results_there_is_a_message(logger: OptimizationLogger) -> None:
    """Without results, the statistics have the same keys and a message."""

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
def test_parameters_can_have_various_types(logger: OptimizationLogger, params: Any) -> None:
    """Named tuples, dataclasses and NumPy scalars are accepted."""

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
def test_unusual_metrics_are_accepted(logger: OptimizationLogger, metrics: Any) -> None:
    """Unusual metrics raise no error, and the reward is NaN, not zero, if the quality is unknown."""

    kept = logger.log_optimization("x", {"f": object()}, {"list": [1, 2], "none": None, "p": 1}, metrics, {"m": {1, 2}})
    assert math.isnan(kept.reward)
    assert kept.parameters == {"p": 1}
    assert kept.info is not None
    assert kept.info["optimization"]["parameters"]["list"] == [1, 2]
    found = logger.calculate_statistics()
    assert (found["total_optimizations"], found["best"]) == (1, None)


def test_top_level_numbers_are_optimized_metrics(logger: OptimizationLogger) -> None:
    """Numbers in a flat dict of metrics count as optimised metrics."""

    kept = logger.log_optimization("x", {}, {}, {"ssim": 0.9, "default_metrics": {"ssim": 0.8}, "comment": "ok"})
    assert kept.quality_improvement == pytest.approx(0.1)
    assert kept.info is not None
    assert kept.info["optimization"]["quality_metrics"] == {"comment": "ok"}


def test_non_finite_values_are_counted_separately(logger: OptimizationLogger) -> None:
    """Non-finite values do not affect the mean and are counted."""

    for speed in (1.0, 3.0, math.nan, math.inf):
        logger.log_optimization("x", {}, {}, {"improvements": {"speed_improvement": speed}})
    speed = logger.calculate_statistics()["improvements"]["speed_improvement"]
    assert (speed["count"], speed["not_finite"], speed["mean"], speed["max"]) == (2, 2, 2.0, 3.0)


def test_values_from_the_caller_take_precedence(logger: OptimizationLogger) -> None:
    """Success, reward and duration from the metadata override computed values."""

    said = {"success": np.False_, "reward": 7, "duration": 1.5}
    kept = logger.log_optimization("x", {}, {}, result(0.5, 0.9), said)
    assert (kept.success, kept.reward, kept.duration) == (False, 7.0, 1.5)


def test_success_follows_the_improvement_if_quality_is_unknown(logger: OptimizationLogger) -> None:
    """The improvement in percent is enough to determine success."""

    kept = logger.log_optimization("x", {}, {}, {"improvements": {"ssim_improvement": -2.0}})
    assert kept.success is False


def test_an_invalid_value_is_refused(logger: OptimizationLogger) -> None:
    """A result with an invalid value is not recorded."""

    endless: dict[str, Any] = {}
    endless["self"] = endless
    with pytest.raises(RecordError, match="contains itself"):
        logger.log_optimization("x", {}, {}, {}, endless)
    assert logger.calculate_statistics()["total_optimizations"] == 0


def test_a_run_is_resumed(tmp_path: Path) -> None:
    """A second session continues the numbering, and its statistics include the first one's results."""

    for _ in range(2):
        with OptimizationLogger(tmp_path, settings=QUIET) as logger:
            last = logger.log_optimization("x", {}, {}, result(0.5, 0.6))
    assert last.episode == 1
    assert logger.calculate_statistics()["total_optimizations"] == 2
    with pytest.raises(ClosedError):
        logger.log_optimization("x", {}, {}, {})
    assert open_run(tmp_path / "optimizations").header.status == "completed"


def test_an_exception_fails_the_run(tmp_path: Path) -> None:
    """An exception inside the block ends the run as failed."""

    with pytest.raises(KeyError), OptimizationLogger(tmp_path, settings=QUIET):
        raise KeyError("x")
    assert open_run(tmp_path / "optimizations").header.status == "failed"


def test_a_passed_monitor_stays_open(tmp_path: Path) -> None:
    """Other episodes of the monitor are not results, and the caller closes it."""

    with TrainingMonitor(tmp_path, session_name="mixed", settings=QUIET) as monitor:
        monitor.log_episode(4, 1.0, 10)
        with OptimizationLogger(monitor) as logger:
            kept = logger.log_optimization("x", {}, {}, result(0.5, 0.6))
        monitor.log_episode(6, 1.0, 10)
        assert kept.episode == 5
        assert logger.calculate_statistics()["total_optimizations"] == 1


def test_another_metric_can_be_the_quality(tmp_path: Path) -> None:
    """Results are ranked by the chosen metric, or by the quality gained without an improvement."""

    with OptimizationLogger(tmp_path, quality_metric="psnr", settings=QUIET) as logger:
        for name, after in (("a", 30.0), ("b", 20.0)):
            metrics = {"default_metrics": {"psnr": 25.0}, "optimized_metrics": {"psnr": after}}
            logger.log_optimization(name, {}, {}, metrics)
        best = logger.calculate_statistics()["best"]
    assert (best["image_path"], best["ranked_by"], best["value"]) == ("a", "quality_improvement", 5.0)


def test_threads_get_distinct_episode_numbers(logger: OptimizationLogger) -> None:
    """Eight threads record 200 results under 200 distinct numbers."""

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
