"""The report of one run: its sections, verdict first."""

import json
import shlex
from collections.abc import Iterator, Mapping

from rlvitals.diagnosis.missing_inputs import in_words
from rlvitals.documents import run_tables
from rlvitals.documents.charts import CurveChart, Estimate, IntervalChart
from rlvitals.documents.document import (
    Block,
    Cell,
    Charts,
    Code,
    Document,
    Facts,
    FindingsBlock,
    Pictures,
    Prose,
    Section,
    Table,
    Toned,
)
from rlvitals.documents.evaluation_section import evaluation_chart, evaluation_table
from rlvitals.documents.footer import foot
from rlvitals.documents.run_curves import courses_of
from rlvitals.documents.run_data import MOST_EXPLORED, RunData
from rlvitals.formatting import ABSENT, NOT_REPORTED, count, format_duration, format_time, number, percent
from rlvitals.records.metrics import metric_of, panel
from rlvitals.runs.artifacts import IMAGE
from rlvitals.sinks.flattening import flat_settings
from rlvitals.summary.levels import Level
from rlvitals.summary.measures import WINDOW, Range
from rlvitals.summary.status import OPEN
from rlvitals.summary.successes import GroupRate

_MOST_EVENTS = 100
_MOST_GROUPS = 20
_FEWEST_DRAWN = 2
_FIRST_PACKAGES = ("rlvitals", "stable-baselines3", "gymnasium", "torch", "numpy")


def document_of(account: RunData) -> Document:
    """Write the report of a run.

    Args:
        account: The run.
    """
    summary, life = account.summary, account.summary.overview.life
    verdict = summary.overview.verdict
    assert verdict is not None, "a report is of a run that was looked at"
    return Document(
        title=life.run_id,
        kind=f"Training report{f', {life.project}' if life.project else ''}",
        status=life.status,
        verdict=verdict,
        health=summary.overview.health,
        key_facts=tuple(_key_facts(account)),
        sections=tuple(section for section in _sections(account) if section.blocks),
        foot=foot(account.made),
    )


def _key_facts(account: RunData) -> Iterator[tuple[str, str, str]]:
    summary, life = account.summary, account.summary.overview.life
    levels = summary.overview.levels
    if "reward" in levels:
        yield "reward", *_recent(levels["reward"], summary.overview.reward_source)
    name = next((name for name in ("quality_final", "quality_improvement") if name in levels), None)
    if name is not None:
        yield metric_of("episodes", name).short_label, *_recent(levels[name])
    if "success" in levels:
        yield "success", *_recent(levels["success"], share=True)
    goal = account.header.goals.get("total_timesteps")
    overview = summary.overview
    done = f"{percent(overview.progress)} of {number(goal)}" if goal else f"{count(summary.updates)} updates"
    yield "steps", count(overview.env_step), done
    yield "episodes", count(summary.episodes), f"in {format_duration(life.duration)}"
    if summary.speed.steps_per_second is not None:
        yield "speed", number(summary.speed.steps_per_second, 3), "environment steps a second"


def _recent(level: Level, source: str = "", *, share: bool = False) -> tuple[str, str]:
    """The recent level, and what it is the mean of."""
    what = f" of the {source}" if source else ""
    if level.mean is None:
        return ABSENT, f"none of the last {count(level.window)}{what} is finite"
    reported = f", {count(level.reported)} reported" if level.reported < level.window else ""
    bad = f", {count(level.not_finite)} not finite" if level.not_finite else ""
    within = _within(run_tables.interval(Range(level.mean, level.low, level.high), shares=share))
    mean = percent(level.mean, 3) if share else number(level.mean)
    return mean, f"last {count(level.window)}{what}{reported}{bad}{within}"


def _within(interval: str) -> str:
    return "" if interval == ABSENT else f"; 95 %: {interval}"


def _sections(account: RunData) -> Iterator[Section]:
    curves = courses_of(account.recorded)
    summary = account.summary
    yield _findings(account)
    yield Section(
        "reward",
        "Reward and episodes",
        _curve_lead(account),
        tuple(_episode_blocks(account, curves)),
    )
    yield Section("success", "Success rate and episode ends", "", tuple(_success_blocks(account)))
    yield Section(
        "updates",
        "Policy updates",
        "Green: the healthy range, where one holds for every environment. Compare other metrics with their own past.",
        tuple(_update_blocks(account, curves)),
    )
    yield Section("evaluations", "Evaluations", "", tuple(_evaluation_blocks(account)))
    yield Section("parameters", "Parameters explored", "", tuple(_parameter_blocks(account)))
    pictures = (Pictures(tuple(account.pictures)),) if account.pictures else ()
    yield Section("pictures", "Images", "Logged by the run, oldest first.", pictures)
    machine = tuple(curves[one.name] for one in panel("system", "machine") if one.name in curves)
    facts = tuple(run_tables.speed_facts(summary.speed))
    blocks: list[Block] = [Charts(machine)] if machine else []
    yield Section("machine", "Speed and memory", "", (*blocks, *((Facts(facts),) if facts else ())))
    yield Section("events", "Events and notes", "", tuple(_event_blocks(account)))
    yield Section("configuration", "Configuration and reproduction", "", tuple(_origin_blocks(account)))


def _findings(account: RunData) -> Section:
    diagnosis = account.diagnosis
    blocks: list[Block] = []
    if diagnosis.findings:
        blocks.append(FindingsBlock(diagnosis.findings, diagnosis.health.losses))
    if not diagnosis.is_judged:
        blocks.append(Prose(f"Not judged yet: {diagnosis.evidence_text}."))
    elif not diagnosis.findings:
        blocks.append(Prose(f"{count(len(diagnosis.judged))} rules found nothing wrong."))
    failure = account.header.failure
    if failure is not None and failure.traceback:
        trace = failure.traceback.rstrip()
        text = trace if trace.endswith(failure.text) else f"{trace}\n{failure.text}"
        blocks.append(Code(text, "Exception that ended the run"))
    lost = account.summary.overview.life.losses
    if lost:
        where = ", ".join(f"{name} {count(many)}" for name, many in lost.items())
        blocks.append(Prose(f"Dropped records: {where}.", "bad"))
    if diagnosis.unjudged:
        rows = tuple((one.code, in_words(one.missing)) for one in diagnosis.unjudged)
        caption = f"{count(len(rows))} rules skipped: missing data"
        blocks.append(Table(("rule", "log this to enable it"), rows, texts=(0, 1), caption=caption, folded=True))
    return Section("findings", "Findings", "", tuple(blocks))


def _episode_blocks(account: RunData, curves: Mapping[str, CurveChart]) -> Iterator[Block]:
    summary = account.summary
    if "reward" not in summary.measures:
        yield Prose(
            "No episode has finished yet." if summary.overview.life.status in OPEN else "No reward was recorded."
        )
        return
    source = summary.overview.reward_source
    if source:
        yield Prose(f"No episodes were recorded. The reward is the {source}.")
    rewards = summary.measures["reward"].counts
    if rewards.total - rewards.missing >= _FEWEST_DRAWN:
        yield Charts((curves["reward"],), wide=True)
    yield from _small_charts([one.name for one in panel("episodes", "outcome")[1:]], "episodes", account, curves)
    recent = summary.overview.levels["reward"].window if source else WINDOW
    values = "rewards" if source else "episodes"
    yield run_tables.spread_table(summary.measures, "episodes", recent, values=values)
    yield run_tables.trend_table(summary.measures, "episodes", values=values)


def _success_blocks(account: RunData) -> Iterator[Block]:
    found = account.summary.success
    facts = tuple(run_tables.success_facts(found))
    if facts:
        yield Facts(facts)
    charts = [
        _estimates(groups[:_MOST_GROUPS], kind)
        for groups, kind in ((found.by_category, "type"), (found.by_difficulty, "difficulty"))
        if any(group.rate.estimate is not None for group in groups)
    ]
    ends = account.summary.ends[:_MOST_GROUPS]
    if ends:
        rows = tuple(
            Estimate(NOT_REPORTED, None, None, None, count(end.episodes))
            if end.reason is None
            else Estimate(end.reason, end.share, 0.0, end.share, f"{count(end.episodes)}, {percent(end.share)}")
            for end in ends
        )
        note = "number of episodes, and their share of those that reported a reason"
        charts.append(IntervalChart("ends", "Episode ends", "share", rows, (0.0, 1.0), share=True, note=note))
    if charts:
        yield Charts(tuple(charts))
    for groups, kind in ((found.by_category, "type"), (found.by_difficulty, "difficulty")):
        if groups:
            yield run_tables.group_table(groups, kind)


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


def _update_blocks(account: RunData, curves: Mapping[str, CurveChart]) -> Iterator[Block]:
    names = [one.name for one in panel("updates", "update", "update detail")]
    yield from _small_charts(names, "updates", account, curves)
    varying = {name: found for name, found in account.summary.metrics.items() if not found.is_constant}
    if varying:
        yield run_tables.spread_table(varying, "updates")
        yield run_tables.trend_table(varying, "updates")


def _curve_lead(account: RunData) -> str:
    """Explain what the curves of the episodes show, where there are any."""
    reward = account.summary.measures.get("reward")
    if reward is None or reward.counts.total - reward.counts.missing < _FEWEST_DRAWN:
        return ""
    lead = "Thin line: single episodes with every extreme. Bold line: running mean. Shaded: the middle 80 %."
    return f"{lead} A number in a circle marks where a finding began." if account.diagnosis.findings else lead


def _small_charts(names: list[str], stream: str, account: RunData, curves: Mapping[str, CurveChart]) -> Iterator[Block]:
    """Draw the curves of metrics side by side; those that never change are listed instead."""
    measured = {**account.summary.measures, **account.summary.metrics}
    constant = {name: measured[name].min for name in names if name in measured and measured[name].is_constant}
    charts = tuple(curves[name] for name in names if name in curves and name not in constant)
    if charts:
        yield Charts(charts)
    if constant:
        listed = "; ".join(f"{metric_of(stream, name).phrase} {number(level)}" for name, level in constant.items())
        yield Prose(f"Constant over the run: {listed}.")


def _evaluation_blocks(account: RunData) -> Iterator[Block]:
    if not account.evaluations:
        return
    chart = evaluation_chart(account)
    if chart is not None:
        yield Charts((chart,), wide=True)
    if account.summary.baselines:
        yield run_tables.baseline_table(account.summary.baselines)
    yield evaluation_table(account.evaluations)


def _parameter_blocks(account: RunData) -> Iterator[Block]:
    if account.summary.exploration is not None:
        if account.heats:
            yield Charts(account.heats)
        yield from run_tables.exploration_blocks(account.summary.exploration)
    elif account.explored is False:
        yield Prose(
            f"The parameters are not analysed: with more than {count(MOST_EXPLORED)} episodes that takes many seconds. "
            "To include them, write the report with --parameters.",
            "quiet",
        )


def _event_blocks(account: RunData) -> Iterator[Block]:
    events = sorted((event for event in account.events if event.kind != IMAGE), key=lambda event: event.time)
    if not events:
        return
    shown = events[-_MOST_EVENTS:]
    rows = tuple(
        (
            format_time(event.time)[:19],
            count(event.env_step),
            event.kind,
            Toned(event.severity or ABSENT, {"critical": "bad", "warning": "watch"}.get(event.severity or "", "quiet")),
            event.message,
        )
        for event in shown
    )
    more = f", the last {count(len(shown))} of {count(len(events))}" if len(shown) < len(events) else ""
    yield Table(("when", "step", "kind", "severity", "message"), rows, texts=(0, 2, 3, 4), caption=f"Events{more}")


def _origin_blocks(account: RunData) -> Iterator[Block]:
    header, life = account.header, account.summary.overview.life
    said = header.reproduction
    facts: list[tuple[str, Cell]] = [
        ("Run", header.run_id),
        ("Started", format_time(life.started)),
        ("Ended", format_time(life.ended) if life.ended is not None else f"{life.status}: {life.reason}"),
        ("Duration", format_duration(life.duration)),
    ]
    if header.tags:
        facts.append(("Tags", ", ".join(header.tags)))
    for goal, at in header.goals.items():
        facts.append((f"Goal: {goal.replace('_', ' ')}", number(at)))
    git, packages, command = said.get("git"), said.get("packages"), said.get("command")
    if isinstance(git, Mapping):
        dirty = ", with uncommitted changes" if git.get("dirty") else ""
        facts.append(("Commit", Toned(f"{git.get('commit')} on {git.get('branch')}{dirty}", "watch" if dirty else "")))
    if said.get("python"):
        facts.append(("Python", f"{said['python']} on {said.get('platform')}, {said.get('cpus')} CPUs"))
    facts.append(("Host", ", ".join(dict.fromkeys(writer.host for writer in header.writers)) or ABSENT))
    if len(header.writers) > 1:
        facts.append(("Sessions", count(len(header.writers))))
    yield Facts(tuple(facts))
    if isinstance(command, list):
        where = f"cd {shlex.quote(str(said['folder']))}\n" if said.get("folder") else ""
        yield Code(f"{where}{shlex.join(map(str, command))}", "Command")
    settings = tuple((name, _plain(value)) for name, value in flat_settings(header.configuration))
    if settings:
        yield Table(("setting", "value"), settings, texts=(0, 1), caption="Configuration", folded=len(settings) > 30)  # noqa: PLR2004
    if isinstance(packages, Mapping) and packages:
        names = sorted(packages, key=lambda name: (name not in _FIRST_PACKAGES, str(name).lower()))
        pins = " ".join(f"{name}=={packages[name]}" for name in names)
        yield Code(pins, f"{count(len(names))} installed packages", folded=True)


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
