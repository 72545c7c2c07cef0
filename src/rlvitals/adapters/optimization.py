"""OptimizationLogger: results of single optimisations, stored in a run folder."""

import dataclasses
import datetime as dt
import math
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rlvitals.errors import RecordError
from rlvitals.monitor import TrainingMonitor
from rlvitals.records import Episode
from rlvitals.records.coercion import plain_scalar, shown
from rlvitals.runs.run import Run
from rlvitals.stats.series.description import describe
from rlvitals.stats.series.intervals import wilson_interval

KEY = "optimization"
"""Key of the episode's `info` for values without a field. Also the termination reason of the episode."""

Moment = dt.datetime | float

_PARTS = ("default_metrics", "optimized_metrics", "improvements")
_IMPROVEMENT = "_improvement"


class OptimizationLogger:
    """Records results of optimisations and computes their statistics.

    Each result is one `Episode`: `category` is `logo_type`, `parameters` are the optimised parameters,
    `quality_initial` and `quality_final` are the quality metric with the defaults and afterwards, `reward` is the
    quality gained, `extra` holds the improvements, and `info["optimization"]` everything that was passed. All tools
    that read runs therefore work with the results: statistics, exploration of parameters, SQL (`select
    extra.ssim_improvement from episodes`), exports. Use a separate run, because these tools do not distinguish
    optimisation results from training episodes in the same run. Thread-safe.

    Args:
        where: Monitor that records the results, or a folder of runs in which the run `session_name` is created or
            resumed.
        session_name: Name of the run, if `where` is a folder.
        quality_metric: Name of the metric that measures quality. Higher is better.
        **options: Options of `TrainingMonitor`, if `where` is a folder.

    Raises:
        RunError: The run cannot be created or resumed, for example because another process writes to it.
    """

    def __init__(
        self,
        where: TrainingMonitor | str | Path = "logs/optimization",
        *,
        session_name: str = "optimizations",
        quality_metric: str = "ssim",
        **options: Any,
    ) -> None:
        self._owned = not isinstance(where, TrainingMonitor)
        if isinstance(where, TrainingMonitor):
            self.monitor = where
        else:
            self.monitor = TrainingMonitor(where, session_name=session_name, **{"resume": "allow", **options})
        self.quality_metric = quality_metric
        self._numbering = threading.Lock()

    def __repr__(self) -> str:
        return f"OptimizationLogger({self.monitor!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._owned and error is not None:
            self.monitor.fail(error)
        self.close()

    def close(self) -> None:
        """Close the run, if this logger created it. Statistics remain available."""
        if self._owned:
            self.monitor.close()

    def log_optimization(
        self,
        image_path: str | Path,
        features: Mapping[str, Any] | None,
        params: Mapping[str, Any] | None,
        quality_metrics: Mapping[str, Any] | None,
        metadata: Mapping[str, Any] | None = None,
    ) -> Episode:
        """Record the result of one optimisation.

        Args:
            image_path: Path of the image.
            features: Measured features of the image. Like the other arguments, a dict, a dataclass or a named tuple.
            params: Optimised parameters.
            quality_metrics: `default_metrics`, `optimized_metrics` and `improvements`, each a dict with arbitrary
                names. Other numbers count as optimised metrics. Every entry is optional.
            metadata: Any other values. `logo_type` (default: from `features`), `success` (default: whether quality
                rose), `reward` (default: quality gained) and `duration` (seconds) fill the fields of the episode.

        Returns:
            The recorded episode. Its reward is NaN if neither a reward nor the quality is known.

        Raises:
            RecordError: A value cannot be recorded, such as a dict that contains itself. Nothing is recorded.
            ClosedError: The monitor is closed.
        """
        found, said, traits = _as_dict(params), _as_dict(metadata), _as_dict(features)
        metrics = _as_dict(quality_metrics)
        parts = {name: _as_dict(metrics.pop(name, None)) for name in _PARTS}
        parts["optimized_metrics"] = {**_numbers(metrics), **parts["optimized_metrics"]}
        metrics = {name: value for name, value in metrics.items() if _number(value) is None}
        initial, final = (_number(parts[name].get(self.quality_metric)) for name in _PARTS[:2])
        gain = None if initial is None or final is None else final - initial
        flat = {str(name): value for name, value in found.items() if _is_flat(value)}
        nested = {name: value for name, value in found.items() if not _is_flat(value)}
        given = {"features": traits, **parts, "quality_metrics": metrics, "parameters": nested, "metadata": said}
        reward = _first(_number(said.get("reward")), gain)
        with self._numbering:
            last = self.monitor.last_episode
            return self.monitor.log_episode(
                episode=0 if last is None else last + 1,
                reward=math.nan if reward is None else reward,
                length=1,
                quality_initial=initial,
                quality_final=final,
                quality_improvement=gain,
                termination_reason=KEY,
                success=_first(_flag(said.get("success")), self._gained(parts["improvements"], gain)),
                category=_first(_text(said.get("logo_type")), _text(traits.get("logo_type"))),
                duration=_number(said.get("duration")),
                parameters=flat,
                extra=_numbers(parts["improvements"]),
                info={
                    KEY: {"image_path": str(image_path), **{name: part for name, part in given.items() if part}},
                },
            )

    def calculate_statistics(
        self, logo_type: str | None = None, time_range: tuple[Moment | None, Moment | None] | None = None
    ) -> dict[str, Any]:
        """Compute statistics of the results of this run, including its earlier sessions.

        Args:
            logo_type: Type of the results to include. Default: all.
            time_range: Start and end, both inclusive, as datetimes (local time without a time zone) or UTC seconds.
                `None` for an open end.

        Returns:
            `total_optimizations`; `success` (`known`, `successful`, `rate` and its 95 % Wilson interval);
            `improvements` and `parameters`, by name; `metrics`, by name, each with `default`, `optimized` and `change`;
            `logo_types`, by type, each with `count`, `success`, `improvements`; `best` and `worst` by the improvement
            of the quality metric, or by the quality gained if that is missing. Numbers are summarised by `count`,
            `mean`, `std`, `min`, `max`, `median` of the finite values and `not_finite`; texts and bools by `count` and
            `values`. Without results, all are empty and there is a `message`.

        Raises:
            ValueError: `time_range` is not a pair of times.
        """
        low, high = _range(time_range)
        every = [
            episode
            for episode in Run(self.monitor.path).records("episodes")
            if isinstance((episode.info or {}).get(KEY), dict)
        ]
        results = [
            episode
            for episode in every
            if (logo_type is None or episode.category == logo_type)
            and (low is None or episode.time >= low)
            and (high is None or episode.time <= high)
        ]
        types = sorted({episode.category for episode in results if episode.category is not None})
        by_type = {name: [episode for episode in results if episode.category == name] for name in types}
        none = (
            f"none of {len(every)} recorded optimizations has that type and time"
            if every
            else "no optimization recorded yet"
        )
        statistics: dict[str, Any] = {} if results else {"message": none}
        return statistics | {
            "total_optimizations": len(results),
            "success": _successes(results),
            "improvements": _described(_part(episode, "improvements") for episode in results),
            "metrics": _metrics(results),
            "parameters": _described(episode.parameters or {} for episode in results),
            "logo_types": {
                name: {
                    "count": len(group),
                    "success": _successes(group),
                    "improvements": _described(_part(episode, "improvements") for episode in group),
                }
                for name, group in by_type.items()
            },
            **self._extremes(results),
        }

    def _gained(self, improvements: Mapping[str, Any], gain: float | None) -> bool | None:
        said = _first(gain, _number(improvements.get(self.quality_metric + _IMPROVEMENT)))
        return None if said is None or math.isnan(said) else said > 0.0

    def _extremes(self, results: list[Episode]) -> dict[str, Any]:
        name = self.quality_metric + _IMPROVEMENT
        by = {id(episode): _number(_part(episode, "improvements").get(name)) for episode in results}
        if not any(_is_finite(value) for value in by.values()):
            name = "quality_improvement"
            by = {id(episode): episode.quality_improvement for episode in results}
        ranked = sorted((e for e in results if _is_finite(by[id(e)])), key=lambda e: by[id(e)] or 0.0)
        if not ranked:
            return {"best": None, "worst": None}
        return {
            place: {
                "image_path": _given(episode).get("image_path"),
                "logo_type": episode.category,
                "ranked_by": name,
                "value": by[id(episode)],
                "parameters": {**_part(episode, "parameters"), **(episode.parameters or {})},
                "improvements": _part(episode, "improvements"),
                "episode": episode.episode,
                "time": episode.time,
            }
            for place, episode in (("best", ranked[-1]), ("worst", ranked[0]))
        }


def _given(episode: Episode) -> dict[str, Any]:
    given: dict[str, Any] = (episode.info or {}).get(KEY) or {}
    return given


def _part(episode: Episode, name: str) -> dict[str, Any]:
    return _as_dict(_given(episode).get(name))


def _successes(results: list[Episode]) -> dict[str, float]:
    said = [episode.success for episode in results if episode.success is not None]
    rate = wilson_interval(sum(said), len(said))
    return {
        "known": len(said),
        "successful": sum(said),
        "rate": rate.estimate,
        "low": rate.low,
        "high": rate.high,
    }


def _metrics(results: list[Episode]) -> dict[str, dict[str, Any]]:
    pairs = [(_numbers(_part(e, _PARTS[0])), _numbers(_part(e, _PARTS[1]))) for e in results]
    sides = {
        "default": _described(default for default, _ in pairs),
        "optimized": _described(optimized for _, optimized in pairs),
        "change": _described(
            {name: value - default[name] for name, value in optimized.items() if name in default}
            for default, optimized in pairs
        ),
    }
    names = sorted({name for side in sides.values() for name in side})
    return {name: {side: of[name] for side, of in sides.items() if name in of} for name in names}


def _described(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Summarise the values of each name: as numbers if all are numbers, otherwise by the count of each value."""
    values: dict[str, list[Any]] = {}
    for row in rows:
        for name, value in row.items():
            if value is not None:
                values.setdefault(name, []).append(value)
    described: dict[str, dict[str, Any]] = {}
    for name, column in sorted(values.items()):
        numbers = [number for number in map(_number, column) if number is not None]
        if len(numbers) == len(column):
            finite = [number for number in numbers if math.isfinite(number)]
            described[name] = {"count": len(finite), "not_finite": len(numbers) - len(finite), **describe(finite)}
        else:
            described[name] = {"count": len(column), "values": dict(Counter(map(str, column)).most_common())}
    return described


def _as_dict(value: Any) -> dict[Any, Any]:
    if value is None:
        return {}
    if isinstance(value, Mapping):
        try:
            return dict(value)
        except Exception as error:  # noqa: BLE001 - a foreign type may raise anything
            why = f"{type(error).__name__}: {error}"
            raise RecordError(f"log_optimization: {shown(value)} cannot be read ({why}); pass a dict") from None
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if hasattr(value, "_asdict"):
        return dict(value._asdict())
    return {"value": value}


def _numbers(values: Mapping[Any, Any]) -> dict[str, float]:
    return {str(name): number for name, value in values.items() if (number := _number(value)) is not None}


def _number(value: Any) -> float | None:
    plain = plain_scalar(value)
    return float(plain) if isinstance(plain, int | float) and not isinstance(plain, bool) else None


def _flag(value: Any) -> bool | None:
    plain = plain_scalar(value)
    return bool(plain) if isinstance(plain, bool | int) and plain in (0, 1) else None


def _text(value: Any) -> str | None:
    return None if value is None else str(plain_scalar(value))


def _is_flat(value: Any) -> bool:
    return isinstance(plain_scalar(value), int | float | str)


def _is_finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _first(value: Any, other: Any) -> Any:
    return other if value is None else value


def _range(given: Any) -> tuple[float | None, float | None]:
    if given is None:
        return None, None
    if not isinstance(given, tuple | list) or len(given) != 2:  # noqa: PLR2004 - a pair
        raise ValueError(
            f"time_range={given!r:.100} is not a pair; pass (start, end), each a datetime, UTC seconds or None"
        )
    low, high = given
    return _seconds(low), _seconds(high)


def _seconds(moment: Moment | None) -> float | None:
    if moment is not None and not isinstance(moment, dt.datetime | int | float):
        raise ValueError(f"time_range: {moment!r:.100} is not a time; pass a datetime, UTC seconds or None")
    return moment.timestamp() if isinstance(moment, dt.datetime) else moment
