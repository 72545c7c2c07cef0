"""The report of one run, section by section, with the verdict first."""

import shlex
from collections.abc import Iterator, Mapping

from rlvitals.clock import FIRST_DATE
from rlvitals.documents import run_tables
from rlvitals.documents.baseline_section import baseline_section
from rlvitals.documents.charts import CurveChart, Estimate, IntervalChart
from rlvitals.documents.document import (
    Block,
    Cell,
    Charts,
    Code,
    Document,
    Facts,
    Pictures,
    Prose,
    Section,
    Table,
    Toned,
    charts_of,
    filled,
    foot,
    toned,
)
from rlvitals.documents.findings_section import findings_section
from rlvitals.documents.parameter_tables import exploration_blocks
from rlvitals.documents.run_curves import curves_of, evaluation_curve
from rlvitals.documents.run_data import RunData
from rlvitals.documents.study_section import (
    heats_without_rewards,
    study_facts,
    study_sections,
    study_speed_facts,
    without_rewards,
)
from rlvitals.formatting import ABSENT, NOT_REPORTED, count, counted, format_duration, format_time, number, percent
from rlvitals.records.metrics import metric_of, panel
from rlvitals.records.objectives import custom_objectives
from rlvitals.runs.artifacts import IMAGE
from rlvitals.runs.header import IMPORTED
from rlvitals.sinks.flattening import flat_settings, setting_text
from rlvitals.summary.levels import Level
from rlvitals.summary.measures import WINDOW
from rlvitals.summary.successes import GroupRate

_MOST_EVENTS = 100
_MOST_GROUPS = 20
_MOST_CUSTOM, _FEW_CUSTOM = 200, 12
"""Maximum numbers of custom metrics in the full and in the short report."""
_FEWEST_DRAWN = 2
_LAST = 8
"""Number of events in the short report."""
_LAST_FRAMES = 12
"""Number of lines of a traceback in the short report."""
_FIRST_PACKAGES = ("rlvitals", "stable-baselines3", "gymnasium", "torch", "numpy")


def run_document(data: RunData) -> Document:
    """Write the report of a run.

    Args:
        data: Data of the run.
    """
    summary, state = data.summary, data.summary.overview.state
    verdict = summary.overview.verdict
    assert verdict is not None, "the run of a report is diagnosed"
    return Document(
        title=state.run_id,
        kind=f"{'Study' if data.is_study else 'Training'} report{f', {state.project}' if state.project else ''}",
        status=state.status,
        verdict=verdict,
        health=summary.overview.health,
        key_facts=tuple(study_facts(data) if data.is_study else _key_facts(data)),
        sections=filled(_sections(data)),
        foot=foot(data.made),
    )


def _key_facts(data: RunData) -> Iterator[tuple[str, str, str]]:
    summary, state = data.summary, data.summary.overview.state
    levels = summary.overview.levels
    if "reward" in levels:
        yield "reward", *_recent(levels["reward"], summary.overview.reward_source)
    name = next((name for name in ("quality_final", "quality_improvement") if name in levels), None)
    if name is not None:
        yield metric_of("episodes", name).short_label, *_recent(levels[name])
    if "success" in levels:
        yield "success", *_recent(levels["success"], share=True)
    for objective in custom_objectives(data.header.configuration):
        if objective.name in levels:
            yield objective.metric.short_label, *_recent(levels[objective.name])
    overview = summary.overview
    goal = overview.goal
    done = f"{percent(overview.progress)} of {number(goal)}, " if goal else ""
    left = f", about {format_duration(overview.seconds_left)} left" if overview.seconds_left is not None else ""
    yield "steps", count(overview.env_step), f"{done}{counted(overview.updates or 0, 'update')}{left}"
    yield "episodes", count(overview.episodes), f"in {format_duration(state.duration)}"
    if summary.speed.steps_per_second is not None:
        yield "speed", number(summary.speed.steps_per_second, 3), "environment steps per second"


def _recent(level: Level, source: str = "", *, share: bool = False) -> tuple[str, str]:
    """Format the recent level, and describe the values that it averages."""
    what = f" of the {source}" if source else ""
    if level.center is None:
        return ABSENT, f"none of the last {count(level.window)}{what} is finite"
    reported = f", {count(level.reported)} reported" if level.reported < level.window else ""
    bad = f", {count(level.not_finite)} non-finite" if level.not_finite else ""
    interval = run_tables.interval(level, shares=share)
    within = "" if interval == ABSENT else f"; 95 %: {interval}"
    shown = percent(level.center, 3) if share else number(level.center)
    average = "" if level.median is None else f"{level.average} of the "
    return shown, f"{average}last {count(level.window)}{what}{reported}{bad}{within}"


def _sections(data: RunData) -> Iterator[Section]:
    curves = curves_of(data.recorded)
    summary = data.summary
    yield findings_section(data.diagnosis, summary.overview.state.dropped_records)
    yield _failure_section(data)
    yield from study_sections(data, curves) if data.is_study else _training_sections(data, curves)
    explored = tuple(_parameter_blocks(data))
    yield Section("parameters", "Explored parameters", "", explored, explored if data.explored else ())
    yield Section("pictures", "Images", "Logged by the run, oldest first.", (Pictures(tuple(data.pictures)),), ())
    machine = Charts(tuple(curves[one.name] for one in panel("system", "machine") if one.name in curves))
    speed = Facts(tuple(study_speed_facts(summary.speed) if data.is_study else run_tables.speed_facts(summary.speed)))
    yield Section("machine", "Speed and memory", "", (machine, speed), ())
    yield Section("events", "Events and notes", "", *(tuple(_events(data, most)) for most in (_MOST_EVENTS, _LAST)))
    yield Section("run", "The run", "", (Facts(tuple(_run_facts(data))),))
    yield Section("configuration", "Configuration and reproduction", "", tuple(_origin_blocks(data)), ())


def _training_sections(data: RunData, curves: Mapping[str, CurveChart]) -> Iterator[Section]:
    summary = data.summary
    yield baseline_section(summary.baselines, data.header.configuration)
    yield Section(
        "reward",
        "Reward and episodes",
        _curve_lead(data),
        tuple(_episode_blocks(data, curves)),
    )
    success = tuple(_success_blocks(data))
    tables = (block for block in success if not isinstance(block, Charts))
    brief = (*tables, run_tables.end_table(summary))
    yield Section("success", "Success rate and episode ends", "", success, brief)
    yield Section(
        "updates",
        "Policy updates",
        "Green: the healthy range, if it holds in every environment. Compare other metrics with their earlier values.",
        tuple(_update_blocks(data, curves)),
    )
    custom = (tuple(_custom_blocks(data, most)) for most in (_MOST_CUSTOM, _FEW_CUSTOM))
    yield Section("custom", "Custom metrics", "Over the whole run.", *custom)
    evaluations = tuple(_evaluation_blocks(data))
    yield Section("evaluations", "Evaluations", "", evaluations, evaluations[:-1] or evaluations)


def _failure_section(data: RunData) -> Section:
    failure, title = data.header.failure, "Exception that ended the run"
    if failure is None or not failure.traceback:  # the verdict holds its text
        return Section("failure", title, "", ())
    frames = failure.traceback.rstrip().removesuffix(failure.text).rstrip()
    last = "\n".join(frames.splitlines()[-_LAST_FRAMES:])
    whole, brief = (f"{above}\n{failure.text}".strip() for above in (frames, last))
    return Section("failure", title, "", (Code(whole),), (Code(brief),))


def _episode_blocks(data: RunData, curves: Mapping[str, CurveChart]) -> Iterator[Block]:
    summary = data.summary
    if "reward" not in summary.measures:
        yield Prose("No episode has finished yet." if summary.overview.is_open else "No reward was recorded.")
        return
    source = summary.overview.reward_source
    if source:
        yield Prose(f"No episodes were recorded. The reward is the {source}.")
    rewards = summary.measures["reward"].counts
    if "reward" in curves and rewards.total - rewards.missing >= _FEWEST_DRAWN:
        yield Charts((curves["reward"],), wide=True)
    custom = [one.name for one in custom_objectives(data.header.configuration)]
    names = [*(one.name for one in panel("episodes", "outcome")[1:]), *custom]
    yield from _small_charts(names, "episodes", data, curves)
    recent = summary.overview.levels["reward"].window if source else WINDOW
    values = _windowed("rewards" if source else "episodes", summary.window)
    yield run_tables.levels_table(summary)
    yield run_tables.spread_table(summary.measures, "episodes", recent, values=values)
    yield run_tables.trend_table(summary.measures, "episodes", values=values)


def _windowed(values: str, window: int | None) -> str:
    return values if window is None else f"last {count(window)} {values}"


def _success_blocks(data: RunData) -> Iterator[Block]:
    found = data.summary.success
    yield Facts(tuple(run_tables.success_facts(found, data.summary.window)))
    by_kind = {"category": found.by_category, "difficulty": found.by_difficulty}
    charts = [
        _estimates(groups[:_MOST_GROUPS], kind)
        for kind, groups in by_kind.items()
        if any(group.rate.estimate is not None for group in groups)
    ]
    ends = data.summary.ends[:_MOST_GROUPS]
    if ends:
        rows = tuple(
            Estimate(NOT_REPORTED, None, None, None, count(end.episodes))
            if end.reason is None
            else Estimate(end.reason, end.share, 0.0, end.share, f"{count(end.episodes)}, {percent(end.share)}")
            for end in ends
        )
        note = "number of episodes, and their share among episodes with a reported reason"
        charts.append(IntervalChart("ends", "Episode ends", "share", rows, (0.0, 1.0), share=True, note=note))
    yield Charts(tuple(charts))
    yield from (run_tables.group_table(groups, kind) for kind, groups in by_kind.items())


def _estimates(groups: list[GroupRate], kind: str) -> IntervalChart:
    rows = tuple(
        Estimate(
            ABSENT if group.name is None else group.name,
            group.rate.estimate,
            group.rate.low,
            group.rate.high,
            run_tables.rate(group.rate),
        )
        for group in groups
    )
    return IntervalChart(
        f"success_by_{kind}",
        f"Success rate by {kind}",
        "share",
        rows,
        (0.0, 1.0),
        share=True,
        note="with 95 % intervals",
    )


def _update_blocks(data: RunData, curves: Mapping[str, CurveChart]) -> Iterator[Block]:
    names = [one.name for one in panel("updates", "update", "update detail")]
    yield from _small_charts(names, "updates", data, curves)
    varying = {name: found for name, found in data.summary.metrics.items() if not found.is_constant}
    if varying:
        values = _windowed("updates", data.summary.window)
        yield run_tables.spread_table(varying, "updates", values=values)
        yield run_tables.trend_table(varying, "updates", values=values)
    elif data.algorithm and not data.summary.metrics:
        rows = tuple((metric_of("updates", name).label, run_tables.value(at)) for name, at in data.algorithm.items())
        yield Table(("as of the last episode", "value"), rows)


def _custom_blocks(data: RunData, most: int) -> Iterator[Block]:
    """Tabulate the custom metrics, at most as many as given."""
    metrics = data.summary.custom_metrics
    wider = "--full" if len(metrics) <= _MOST_CUSTOM else "--json"
    yield run_tables.custom_table(metrics, most)
    if len(metrics) > most:
        yield Prose(f"{counted(len(metrics) - most, 'more metric')}: `rlvitals show RUN {wider}` lists all.", "quiet")


def _curve_lead(data: RunData) -> str:
    """Explain the curves of the episodes. Empty if there are none."""
    reward = data.summary.measures.get("reward")
    if reward is None or reward.counts.total - reward.counts.missing < _FEWEST_DRAWN:
        return ""
    lead = "Thin line: episodes, with every extreme kept. Bold line: running mean. Shaded: the middle 80 %."
    return f"{lead} A number in a circle marks the onset of a finding." if data.diagnosis.findings else lead


def _small_charts(names: list[str], stream: str, data: RunData, curves: Mapping[str, CurveChart]) -> Iterator[Block]:
    """Draw the curves of metrics side by side. Constant metrics are listed instead."""
    measured = {**data.summary.measures, **data.summary.metrics}
    constant = {
        name: level
        for name in names
        if name in measured and measured[name].is_constant and (level := measured[name].min) is not None
        if _is_harmless(metric_of(stream, name).healthy_range, level)
    }
    charts = tuple(curves[name] for name in names if name in curves and name not in constant)
    yield Charts(charts)
    listed = "; ".join(f"{metric_of(stream, name).phrase} {number(level)}" for name, level in constant.items())
    over = "the run" if data.summary.window is None else f"the {_windowed(stream, data.summary.window)}"
    yield Prose(listed and f"Constant over {over}: {listed}.")


def _is_harmless(healthy: tuple[float, float] | None, level: float) -> bool:
    """Return whether a constant metric is within its healthy range, if it has one."""
    return healthy is None or healthy[0] <= level <= healthy[1]


def _evaluation_blocks(data: RunData) -> Iterator[Block]:
    chart = evaluation_curve(data.evaluations)
    if chart is not None:
        yield charts_of(chart)
    yield run_tables.evaluation_table(data.evaluations)


def _parameter_blocks(data: RunData) -> Iterator[Block]:
    if data.summary.exploration is not None:
        explored = data.summary.exploration
        yield Charts(heats_without_rewards(data.heats, data) if data.is_study else data.heats)
        yield from exploration_blocks(without_rewards(explored) if data.is_study else explored)
    elif data.explored is False:
        yield Prose(
            "Parameters were logged but not analysed, because it takes seconds for this many "
            f"{'trials' if data.is_study else 'episodes or attempts'}. Add --parameters to analyse them.",
            "quiet",
        )


def _events(data: RunData, most: int) -> Iterator[Block]:
    """Tabulate the last events by time. Several writers can record events out of order."""
    events = [event for event in data.events if event.kind != IMAGE]
    shown = sorted(events[-most:], key=lambda event: event.time)
    rows = tuple(
        (
            format_time(event.time)[:19],
            count(event.env_step),
            event.kind,
            toned(event.severity) if event.severity else Toned(ABSENT, "quiet"),
            event.message,
        )
        for event in shown
    )
    more = f"The last {count(len(shown))} of {count(len(events))}" if len(shown) < len(events) else ""
    yield Table(("when", "step", "kind", "severity", "message"), rows, texts=(0, 2, 3, 4), caption=more)


def _run_facts(data: RunData) -> Iterator[tuple[str, Cell]]:
    header, state = data.header, data.summary.overview.state
    yield "Folder", state.path
    yield "Started", _date(state.started)
    yield "Ended", _date(state.ended) if state.ended is not None else f"{state.status}: {state.reason}"
    yield "Duration", format_duration(state.duration)
    if header.tags:
        yield "Tags", ", ".join(header.tags)
    for goal, at in header.goals.items():
        yield f"Goal: {goal.replace('_', ' ')}", number(at)
    rewinds = [writer.rewind for writer in header.writers if writer.rewind is not None]
    if len(header.writers) > 1:
        clocks = [(clock, getattr(to, clock)) for to in rewinds for clock in to.__struct_fields__]
        to = ", ".join(f"{clock.replace('_', ' ')} {count(at)}" for clock, at in clocks if at is not None)
        yield "Sessions", f"{count(len(header.writers) - len(rewinds))}{f', rewound to {to}' if to else ''}"


def _date(time: float) -> str:
    return format_time(time) if time >= FIRST_DATE else "unknown: the records have no dates"


def _origin_blocks(data: RunData) -> Iterator[Block]:
    header = data.header
    recorded = header.reproduction
    git, packages, command = recorded.get("git"), recorded.get("packages"), recorded.get("command")
    facts: list[tuple[str, Cell]] = []
    if isinstance(git, Mapping):
        dirty = ", with uncommitted changes" if git.get("dirty") else ""
        facts.append(("Commit", Toned(f"{git.get('commit')} on {git.get('branch')}{dirty}", "watch" if dirty else "")))
    if recorded.get("python"):
        facts.append(("Python", f"{recorded['python']} on {recorded.get('platform')}, {recorded.get('cpus')} CPUs"))
    facts.append(("Host", ", ".join(dict.fromkeys(writer.host for writer in header.writers)) or ABSENT))
    if isinstance(imported := recorded.get(IMPORTED), Mapping):
        facts.append(("Imported from", f"{imported.get('path')} ({imported.get('format')})"))
    if not header.configuration:
        facts.append(("Settings", "unknown: none were recorded"))
    yield Facts(tuple(facts))
    if isinstance(command, list):
        where = f"cd {shlex.quote(str(recorded['folder']))}\n" if recorded.get("folder") else ""
        yield Code(f"{where}{shlex.join(map(str, command))}", "Command")
    settings = tuple((name, setting_text(value)) for name, value in flat_settings(header.configuration))
    yield Table(("setting", "value"), settings, texts=(0, 1), caption="Configuration", folded=len(settings) > 30)  # noqa: PLR2004
    if isinstance(packages, Mapping) and packages:
        names = sorted(packages, key=lambda name: (name not in _FIRST_PACKAGES, str(name).lower()))
        pins = " ".join(f"{name}=={packages[name]}" for name in names)
        yield Code(pins, f"{count(len(names))} installed packages", folded=True)
