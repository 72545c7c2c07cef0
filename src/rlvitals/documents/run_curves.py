"""Curves of a run: downsampled points that keep every extreme, smoothed lines, spread, healthy range and findings."""

from collections.abc import Iterable, Sequence

import numpy as np

from rlvitals.diagnosis import Finding
from rlvitals.documents.charts import AxisMark, Bad, Band, CurveChart, Floats, Line, ReferenceLine
from rlvitals.documents.run_data import Recorded, StreamColumns
from rlvitals.formatting import number
from rlvitals.records import Evaluation
from rlvitals.records.metrics import metric_of, panel
from rlvitals.records.objectives import custom_objectives
from rlvitals.stats.series.averages import windowed_average
from rlvitals.stats.series.down_sampling import down_sample, sparks
from rlvitals.stats.series.middle_band import middle_band
from rlvitals.stats.series.success_rates import success_over_time

POINTS = 600
_SMOOTH_SHARE = 40
_FEWEST_SMOOTHED = 30
_SMOOTH_POINTS = 240
_END_POINTS = 4
_BAND_STRETCHES = 60
_BAND_FEWEST = 20
_FEWEST_STRETCHES = 8
_HUGE = 1e290
_BLOCKS = 30
_MOST_MARKS = 8
_FEWEST_EVALUATIONS = 2


def curves_of(run: Recorded) -> dict[str, CurveChart]:
    """Return every curve that a run has data for, by name: episodes, updates and machine."""
    every = (*_episode_curves(run), *_update_curves(run), *_system_curves(run))
    return {curve.key: curve for curve in every}


def _episode_curves(run: Recorded) -> Iterable[CurveChart]:
    series = run.episodes
    # The steps of a study count its trials, and trials can be missing from them.
    clocks = ("episode",) if run.diagnosis.is_study else ("env_step", "episode")
    x, clock = _clock(series, *clocks)
    target = run.header.goals.get("target")
    custom = [one.name for one in custom_objectives(run.header.configuration)]
    for name in (*(one.name for one in panel("episodes", "outcome")), *custom):
        if name == "success" and series.has(name):
            yield _success(series, x, clock, _marks(run.diagnosis.findings, "episodes.success", clock))
        elif series.has(name):
            levels = (
                (ReferenceLine(target, f"target {number(target)}"),) if name == "reward" and target is not None else ()
            )
            marks = _marks(run.diagnosis.findings, f"episodes.{name}", clock, every=name == "reward")
            course = _course(name, series, x, clock, stream="episodes", marks=marks, levels=levels)
            yield course._replace(note="; ".join(filter(None, (run.reward_source, course.note))))


def _update_curves(run: Recorded) -> Iterable[CurveChart]:
    series = run.updates
    x, clock = _clock(series, "env_step", "step")
    for one in panel("updates", "update", "update detail"):
        if series.has(one.name):
            marks = _marks(run.diagnosis.findings, f"updates.{one.name}", clock)
            yield _course(one.name, series, x, clock, stream="updates", marks=marks, healthy=one.healthy_range)


def _system_curves(run: Recorded) -> Iterable[CurveChart]:
    series = run.system
    minutes = (series.values["time"] - run.header.started) / 60.0
    for one in panel("system", "machine"):
        if series.has(one.name):
            yield _course(one.name, series, minutes, "minutes", stream="system")


def evaluation_curve(evaluations: Sequence[Evaluation]) -> CurveChart | None:
    """Make the curve of the agent's evaluations, with each baseline as a level. `None` if there are too few."""
    known = [one for one in evaluations if one.reward is not None]
    mine = [one for one in known if one.policy is None]
    if len(mine) < _FEWEST_EVALUATIONS:
        return None
    by_step = all(one.env_step is not None for one in mine)
    x = np.array([(one.env_step if by_step else one.episode) or 0 for one in mine], dtype=np.float64)
    y, spread = (np.array([getattr(one, name) for one in mine], dtype=np.float64) for name in ("reward", "reward_std"))
    with_spread = np.isfinite(spread) & np.isfinite(y)
    x_of, low, high = (values[with_spread] for values in (x, y - spread, y + spread))
    baselines = {one.policy: one.reward for one in known if one.policy is not None}
    return CurveChart(
        key="evaluations",
        title="Reward of evaluations",
        clock="step" if by_step else "episode",
        unit="reward",
        lines=(Line(x, y, "main", "agent", dots=True),),
        bands=(Band(x_of, low, high, "one standard deviation of episodes"),) if x_of.size > 1 else (),
        levels=tuple(
            ReferenceLine(reward, f"{name} {number(reward)}", "baseline")
            for name, reward in baselines.items()
            if reward is not None
        ),
        about="Mean return of evaluation episodes, separate from training.",
        spark=sparks(y),
    )


def numbered(findings: Sequence[Finding]) -> list[tuple[str, Finding]]:
    """Pair the findings with the numbers that they have in the report, on the curves and in the list."""
    return [(str(place), finding) for place, finding in enumerate(findings, 1)]


def _course(
    name: str,
    series: StreamColumns,
    x: Floats,
    clock: str,
    *,
    stream: str,
    marks: tuple[AxisMark, ...] = (),
    levels: tuple[ReferenceLine, ...] = (),
    healthy: tuple[float, float] | None = None,
) -> CurveChart:
    there = series.present[name] & np.isfinite(x)
    values, places = series.values[name][there], x[there]
    metric = metric_of(stream, name)
    smoothed = _smoothed(values, places)
    curve = down_sample(values, places, points=POINTS)
    raw = Line(curve.positions, curve.values, "main" if smoothed is None else "raw", "each")
    bad, note = _bad(values, places)
    return CurveChart(
        key=name,
        title=metric.title,
        clock=clock,
        unit="" if metric.unit in {"1", name} else metric.unit.replace("^2", "\u00b2"),
        lines=(raw,) if smoothed is None else (raw, smoothed),
        bands=_bands(values, places),
        marks=marks,
        levels=levels,
        healthy=healthy,
        limits=_inside(values, metric.axis),
        bad=bad,
        note=note,
        about=f"{metric.formula} {metric.healthy}".strip(),
        spark=sparks(values),
    )


def _inside(values: Floats, limits: tuple[float | None, float | None]) -> tuple[float | None, float | None]:
    """Return those axis limits that the values respect."""
    finite = values[np.isfinite(values)]
    low, high = limits
    low = None if low is not None and finite.size and finite.min() < low else low
    high = None if high is not None and finite.size and finite.max() > high else high
    return low, high


def _clock(series: StreamColumns, *names: str) -> tuple[Floats, str]:
    """Return the first clock that all records have, otherwise the index of the records."""
    for name in names:
        if name in series.values and series.values[name].size and np.isfinite(series.values[name]).all():
            return series.values[name], {"env_step": "step", "step": "step"}.get(name, name)
    size = next(iter(series.values.values())).size
    return np.arange(float(size)), "record"


def _smoothed(values: Floats, places: Floats) -> Line | None:
    if values.size < _FEWEST_SMOOTHED or not np.isfinite(values).any():
        return None
    window = max(5, min(values.size // _SMOOTH_SHARE, 100_000))
    scale = _HUGE if np.abs(values[np.isfinite(values)]).max() > _HUGE else 1.0  # sums of the largest floats overflow
    means = windowed_average(values / scale, window) * scale
    # The mean of a window is drawn at its middle, so that the line does not lag behind the points. Towards both ends
    # the window shrinks to a quarter. A smaller window would draw single values.
    least = max(1, window // 4)
    chosen = np.unique(np.linspace(least - 1, values.size - 1, min(values.size, _SMOOTH_POINTS)).astype(np.int64))
    at = np.maximum(0, chosen - np.minimum(chosen + 1, window) // 2)
    sizes = np.arange(min(window, values.size) - 1, least - 1, -1)
    sizes = sizes[:: max(1, sizes.size // _END_POINTS)]
    ends = windowed_average(values[: -window - 1 : -1] / scale, window) * scale
    x = np.concatenate([places[at], places[values.size - 1 - (sizes - 1) // 2]])
    y = np.concatenate([means[chosen], ends[sizes - 1]])
    last = np.append(np.diff(x) != 0, True)  # for several episodes at one step, the mean up to the last of them
    return Line(x[last], y[last], "main", f"mean of {window:,}")


def _bands(values: Floats, places: Floats) -> tuple[Band, ...]:
    stretches = min(_BAND_STRETCHES, values.size // _BAND_FEWEST)
    if stretches < _FEWEST_STRETCHES:
        return ()
    found = middle_band(values, places, stretches)
    return (Band(*found, "middle 80 %"),) if found.positions.size > 1 else ()


def _success(series: StreamColumns, x: Floats, clock: str, marks: tuple[AxisMark, ...]) -> CurveChart:
    there = series.present["success"] & np.isfinite(x)
    outcomes, places = series.values["success"][there], x[there]
    blocks = success_over_time(outcomes, blocks=min(_BLOCKS, max(1, outcomes.size // 5)))
    at = np.array([places[(block.first + block.last) // 2] for block in blocks], dtype=np.float64)
    rates, low, high = np.array([block.rate[:3] for block in blocks], dtype=np.float64).reshape(-1, 3).T
    known = np.isfinite(low) & np.isfinite(high)
    each = blocks[0].last - blocks[0].first + 1 if blocks else 0
    return CurveChart(
        key="success",
        title=metric_of("episodes", "success").title,
        clock=clock,
        lines=(Line(at, rates, "main", f"of {each:,} episodes", dots=rates.size <= _BLOCKS),),
        bands=(Band(at[known], low[known], high[known], "95 % interval"),) if known.sum() > 1 else (),
        marks=marks,
        limits=(0.0, 1.0),
        whole=True,
        share=True,
        about="Share of successes in stretches of the run, with Wilson's 95 % interval.",
        spark=sparks(outcomes),
    )


def _bad(values: Floats, places: Floats) -> tuple[tuple[Bad, ...], str]:
    """Return the places of the non-finite values, and a note with their numbers."""
    found, counts = [], []
    for kind, name, where in (
        ("nan", "NaN", np.isnan(values)),
        ("positive", "Infinity", values == np.inf),
        ("negative", "-Infinity", values == -np.inf),
    ):
        if where.any():
            found.append(Bad(_spaced(places[where]), kind))
            counts.append(f"{int(where.sum()):,} {name}")
    return tuple(found), f"{', '.join(counts)} of {values.size:,} values" if counts else ""


def _spaced(places: Floats, most: int = 200) -> Floats:
    """Return at most `most` places, including the first and the last."""
    if places.size <= most:
        return places
    return places[np.unique(np.linspace(0, places.size - 1, most).astype(np.int64))]


def _marks(findings: Sequence[Finding], series: str, clock: str, *, every: bool = False) -> tuple[AxisMark, ...]:
    """Return the marks of the findings that refer to a series. The reward curve shows all findings."""
    if clock != "step":
        return ()
    found = []
    for label, finding in numbered(findings):
        is_named = series in finding.series or any(series in symptom.series for symptom in finding.symptoms)
        if finding.since_step is not None and (is_named or every):
            text = f"{label}: {finding.title}, since step {finding.since_step:,}"
            found.append(AxisMark(float(finding.since_step), label, finding.severity, text))
    return tuple(found[:_MOST_MARKS])
