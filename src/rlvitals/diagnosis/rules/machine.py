"""The machine and the data: memory, life, and what could not be recorded."""

import math

import numpy as np

from rlvitals.diagnosis import signals
from rlvitals.diagnosis.block_table import BlockTable, Floats
from rlvitals.diagnosis.evidence import Evidence
from rlvitals.diagnosis.finding import CRITICAL, INFO, WARNING
from rlvitals.diagnosis.rules.rule import RuleResult, rule
from rlvitals.diagnosis.thresholds import Threshold
from rlvitals.formatting import dropped_text

_FEWEST_SAMPLES = Threshold(20, "samples", "Samples of the memory, at least.")
_WARM_UP = Threshold(0.05, "%", "Budget before which memory still fills.")
_SETTLED = Threshold(0.1, "%", "Share of the samples at the beginning that does not count.")
_WINDOWS = Threshold(10, "windows", "Windows whose means are compared, so that garbage collection counts by its mean.")
_GROWTH = Threshold(0.1, "%", "Growth, relative to the first window, above which memory grows.")
_AS_FAST = Threshold(0.7, "%", "Growth in the second half, of that in the first, above which it goes on.")
_RISING = Threshold(0.85, "%", "Share of neighbouring windows that rise above which memory hardly ever falls.")
_SILENT = Threshold(3, "rows", "Last rows without a metric that was logged before.")
_LONG_RUN = Threshold(16, "rows", "Rows of updates more than which show that a metric fell silent.")
_WAS_LOGGED = Threshold(0.5, "%", "Share of the earlier rows above which a metric was logged.")
_LONGEST_TEXT = 200


@rule(
    "memory-leak",
    title="Memory grows without end",
    meaning=f"Resident memory has grown by more than {_GROWTH} since the first {_SETTLED} of the run (what is loaded "
    "before the first environment step does not count), it grows as fast in the second half as in the first "
    f"({_AS_FAST} at least), and it hardly ever falls.",
    needs=("system.memory|updates.memory|episodes.memory",),
    series=("system.memory", "system.memory_available"),
    cause="Something is kept that is never used again: episodes, infos, graphs of tensors.",
    advice="Look for lists that only grow; call `detach()` on tensors that are kept; `tracemalloc` names the line.",
    source="By definition",
)
def _memory_leak(evidence: Evidence) -> RuleResult | None:
    table = next(
        (
            t
            for t in (evidence.system, evidence.updates, evidence.episodes)
            if t.said("memory").sum() >= _FEWEST_SAMPLES
        ),
        None,
    )
    if table is None or not evidence.past(_WARM_UP):
        return None
    memory, began = _in_training(table, "memory")
    memory = memory[int(_SETTLED * memory.size) :]
    if memory.size < _WINDOWS or not memory[0] > 0.0:
        return None
    # `stats.series.trend` of either half in place of the windows was measured on the corpus: three leaks were found 5 %
    # of the budget later, and a diagnosis took 1.6 times as long.
    level = np.array([part.mean() for part in np.array_split(memory, int(_WINDOWS))])
    grown = float(level[-1] - level[0])
    half = level.size // 2
    first, second = float(level[half - 1] - level[0]), float(level[-1] - level[half])
    rising = float(np.mean(np.diff(level) > 0.0))
    if grown > _GROWTH * float(level[0]) and second > _AS_FAST * first and rising > _RISING:
        shown: dict[str, float] = {"memory_at_first": float(level[0]), "memory": float(level[-1])}
        left = signals.recent(evidence.system, "memory_available")
        severity = WARNING
        if math.isfinite(left) and left < grown:
            shown["memory_available"] = left
            severity = CRITICAL
        return RuleResult(severity, 0.93, shown, began)
    return None


def _in_training(table: BlockTable, name: str) -> tuple[Floats, float | None]:
    """The values of a column since the first environment step, and that step: what is loaded before is no leak.

    All of them, where no step is ever said.
    """
    column, steps = table.mean(name), table.low("step")
    begun = np.flatnonzero(np.isfinite(steps))
    if begun.size:
        column = column[begun[0] :]
    return column[np.isfinite(column)], float(steps[begun[0]]) if begun.size else None


@rule(
    "stalled",
    title="The run has stopped",
    meaning="The run's heartbeat has stopped (crashed), its process lives but records nothing (stalled), or an "
    "exception ended it (failed). A run that was paused or preempted, or that completed, is none of these.",
    cause="The process hangs or is gone.",
    advice="Look at the exception in `run.json`, at the machine's memory, and resume from the last checkpoint.",
    source="The run folder's heartbeat",
)
def _stalled(evidence: Evidence) -> RuleResult | None:
    context = evidence.context
    if context.status not in {"stalled", "crashed", "failed"}:
        return None
    words = (context.failure.splitlines() or [""])[0][:_LONGEST_TEXT] or context.reason
    shown = {"status": context.status, "reason": words}
    title = f"The run {context.status}" if context.status != "stalled" else "The run has stalled"
    return RuleResult(CRITICAL, 0.9, shown, evidence.env_step or None, words, title=title)


@rule(
    "data-missing",
    title="Data is missing",
    meaning="Records could not be kept, or a stream or a sink cannot be written, or losses that were logged are no "
    "longer (warning); clocks ran backwards by more than a second, or steps did without a rewind (remark).",
    series=("episodes.time",),
    cause="What was logged is not all there.",
    advice="Look at the disk and at the sinks' errors; `rlvitals verify` checks the folder.",
    source="The recorder's count of dropped records",
)
def _data_missing(evidence: Evidence) -> RuleResult | None:
    context, episodes = evidence.context, evidence.episodes
    if context.dropped or context.failures:
        shown: dict[str, int | str] = {
            "records_dropped" if where == "records" else f"records_dropped_by_{where}": many
            for where, many in context.dropped.items()
        }
        shown |= {str(what): str(why)[:_LONGEST_TEXT] for what, why in context.failures.items()}
        text = dropped_text(context.dropped)
        return RuleResult(WARNING, 0.95, shown, None, text and f"{text}.")
    silent = [name for name in ("policy_loss", "value_loss", "entropy") if _fell_silent(evidence, name)]
    if silent:
        return RuleResult(WARNING, 0.6, {"no_longer_logged": ", ".join(silent)}, None, "Metrics are no longer logged.")
    backwards = float(episodes.total("time_back").sum())
    if backwards > 0.0:
        return RuleResult(
            INFO, 0.8, {"clock_backwards": int(backwards)}, None, "The clock ran backwards between episodes."
        )
    return None


def _fell_silent(evidence: Evidence, name: str) -> bool:
    """Whether a metric that every update said is not said at all by the last three."""
    said, last = evidence.updates.said(name) + evidence.updates.not_finite(name), int(_SILENT)
    return len(said) > _LONG_RUN and not said[-last:].any() and bool((said[:-last] > 0.0).mean() > _WAS_LOGGED)
