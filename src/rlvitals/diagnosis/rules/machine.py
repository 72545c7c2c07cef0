"""Rules about the machine and the recording: memory, process status and missing data."""

import math

import numpy as np

from rlvitals.diagnosis import signals
from rlvitals.diagnosis.block_table import BlockTable, Floats
from rlvitals.diagnosis.evidence import Evidence
from rlvitals.diagnosis.failure_kinds import INTERRUPT, NON_FINITE, OTHER, kind_of, shortened_failure
from rlvitals.diagnosis.finding import CRITICAL, INFO, WARNING
from rlvitals.diagnosis.rules.rule import RuleResult, rule
from rlvitals.diagnosis.thresholds import Threshold
from rlvitals.formatting import dropped_text
from rlvitals.runs.header import FAILED
from rlvitals.runs.vitality import CRASHED, STALLED

_FEWEST_SAMPLES = Threshold(20, "samples", "Minimum number of memory samples.")
_WARM_UP = Threshold(0.05, "%", "Budget before which the rule does not fire, because memory is still filling.")
_SETTLED = Threshold(0.1, "%", "Share of the samples at the start that is ignored.")
_WINDOWS = Threshold(10, "windows", "Number of windows whose means are compared. Means even out garbage collection.")
_GROWTH = Threshold(0.1, "%", "Growth relative to the first window above which memory grows.")
_AS_FAST = Threshold(0.7, "%", "Growth in the second half, as a share of the first, above which growth continues.")
_RISING = Threshold(0.85, "%", "Share of neighbouring windows that rise, above which memory hardly ever falls.")
_SILENT = Threshold(3, "rows", "Number of last rows that lack a metric that was logged before.")
_LONG_RUN = Threshold(16, "rows", "Number of update rows above which a missing metric is reported.")
_WAS_LOGGED = Threshold(0.5, "%", "Share of the earlier rows above which a metric counts as logged before.")
_LONGEST_TEXT = 200


@rule(
    "memory-leak",
    title="Memory keeps growing",
    meaning=f"Resident memory has grown by more than {_GROWTH} and hardly ever falls. In the second half it has "
    f"grown by more than {_AS_FAST} of the growth in the first half. Samples before the first and after the last "
    f"environment step, and the first {_SETTLED} of the remaining samples, are ignored. The finding is critical if "
    "less memory is available than it has grown.",
    needs=("system.memory|updates.memory|episodes.memory",),
    series=("system.memory", "system.memory_available"),
    cause="Objects accumulate and are never released: episodes, infos or tensors with their graphs.",
    advice="Look for lists that only grow. Call `detach()` on tensors that you keep. Use `tracemalloc` to find the "
    "line.",
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
    # Measured on the corpus: with `stats.series.trend` of each half instead of windows, three leaks were found 5 % of
    # the budget later, and a diagnosis took 1.6 times as long.
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
    """Return the values of a column from the first to the last environment step, and the first step.

    Memory that is loaded before the first step, or for an evaluation after the last one, is not a leak. If no record
    has a step, all values are returned, with `None` as the step.
    """
    column, steps = table.mean(name), table.low("step")
    begun = np.flatnonzero(np.isfinite(steps))
    if begun.size:
        last = begun[np.argmax(steps[begun])]  # the first record of the last step
        column = column[begun[0] : last + 1]
    return column[np.isfinite(column)], float(steps[begun[0]]) if begun.size else None


@rule(
    "stalled",
    title="The run has stopped",
    meaning="The process of the run is alive but sends no heartbeat or records nothing (stalled), or it ended without "
    "closing the run, as after SIGKILL (crashed). The rule does not fire for paused, preempted, failed or completed "
    "runs.",
    cause="The process hangs, or it was killed.",
    advice="If the process is alive, find out where it waits (`py-spy dump --pid PID`). Otherwise look for the kill in "
    "the log of the kernel or of the scheduler: the usual reason is a lack of memory. Resume from the last checkpoint.",
    source="The run folder's heartbeat",
)
def _stalled(evidence: Evidence) -> RuleResult | None:
    context = evidence.context
    if context.status not in {STALLED, CRASHED}:
        return None
    shown = {"status": context.status, "reason": context.reason}
    title = "The run has stalled" if context.status == STALLED else "The run crashed"
    return RuleResult(CRITICAL, 0.9, shown, evidence.env_step or None, context.reason, title=title)


@rule(
    "run-failed",
    title="The run failed",
    meaning="An exception ended the run, or its writer closed it as failed. The severity is info if the user "
    "interrupted the training (`KeyboardInterrupt`). The advice depends on the kind of exception: lack of memory or "
    "disk space, non-finite values, a subprocess that ended, an exit code, or another one. Runs that a signal ended "
    "are preempted and have no finding.",
    cause="An exception ended the training.",
    advice=OTHER.advice,
    source="The status and the exception in `run.json`",
)
def _run_failed(evidence: Evidence) -> RuleResult | None:
    context, since = evidence.context, evidence.env_step or None
    if context.status != FAILED:
        return None
    if not context.failure:
        shown = {"status": context.status}
        cause, advice = "The run was closed as failed, without an exception.", "Look for the reason in its output."
        return RuleResult(CRITICAL, 0.5, shown, since, cause, advice=advice)
    kind = kind_of(context.failure)
    text = shortened_failure(context.failure)
    shown = {"exception": text.partition(":")[0]}
    if kind is INTERRUPT:
        cause = f"The user interrupted the training ({text})."
        return RuleResult(INFO, 0.95, shown, since, cause, title="The run was interrupted", advice=kind.advice)
    cause = f"The training failed with {text}"
    # Findings are folded under causes with a higher confidence. Only this exception is a symptom of `non-finite`.
    if kind is NON_FINITE:
        return RuleResult(CRITICAL, 0.75, shown, since, cause, advice=kind.advice)
    return RuleResult(CRITICAL, 0.995, shown, since, cause, advice=kind.advice)


@rule(
    "data-missing",
    title="Data is missing",
    meaning="Warning: records were dropped, a stream or a sink cannot be written, or a loss or the entropy is no "
    "longer logged. Info: the clock moved backwards by more than a second between two episodes.",
    series=("episodes.time",),
    cause="Some of the logged data was not stored.",
    advice="Check the disk and the errors of the sinks. Run `rlvitals verify` to check the run folder.",
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
        return RuleResult(
            WARNING,
            0.6,
            {"no_longer_logged": ", ".join(silent)},
            None,
            "Metrics that were logged before are no longer logged.",
        )
    backwards = float(episodes.total("time_back").sum())
    if backwards > 0.0:
        return RuleResult(
            INFO, 0.8, {"clock_backwards": int(backwards)}, None, "The clock moved backwards between episodes."
        )
    return None


def _fell_silent(evidence: Evidence, name: str) -> bool:
    """Return whether a metric that most earlier updates reported is missing from all of the last rows."""
    said, last = evidence.updates.said(name) + evidence.updates.not_finite(name), int(_SILENT)
    return len(said) > _LONG_RUN and not said[-last:].any() and bool((said[:-last] > 0.0).mean() > _WAS_LOGGED)
