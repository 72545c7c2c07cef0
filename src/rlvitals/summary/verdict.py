"""The verdict on a run, for readers who read nothing else. Every output takes it from here."""

import msgspec

from rlvitals.diagnosis import CRITICAL, Diagnosis
from rlvitals.diagnosis.failure_kinds import is_interrupt
from rlvitals.formatting import count, counted, number, percent
from rlvitals.runs import Header
from rlvitals.runs.header import FAILED
from rlvitals.runs.vitality import CRASHED
from rlvitals.stats.series.course import Course
from rlvitals.summary.baseline_verdict import baseline_text, baseline_title
from rlvitals.summary.best_trial import BestTrial, directions_of
from rlvitals.summary.levels import Level
from rlvitals.summary.status import RunState

_INTERRUPTED = frozenset({"stalled", "preempted", "interrupted"})

_MOVING = {"improving": ("good", "Improving"), "declining": ("watch", "Declining")}
_WHOLE = {
    "converged": ("good", "Converged"),
    "flat": ("neutral", "Flat"),
    "improving": ("good", "Improved"),
    "declining": ("watch", "Declined"),
}
_DID = {
    "improving": "rose",
    "declining": "fell",
    "stable": "stayed level",
    "not enough data": "shows neither a trend nor a stable level",
}


class Verdict(msgspec.Struct, frozen=True):
    """The verdict on a run. It is the same before and after the run ends.

    Attributes:
        tone: good, watch, bad or neutral.
        title: A few words.
        text: One or two sentences, which name the windows that they refer to.
        next: What to do next: the advice of the most likely finding. Empty without findings, and if the run failed or
            crashed.
    """

    tone: str
    title: str
    text: str
    next: str = ""


def verdict_of(
    state: RunState,
    header: Header,
    *,
    levels: dict[str, Level],
    course: Course | None,
    best_trial: BestTrial | None,
    diagnosis: Diagnosis | None,
    reward_source: str,
    episodes: int,
    env_step: int | None,
) -> Verdict | None:
    """Return the verdict on a run: a bad end, otherwise the most likely fault, otherwise the gain over its baselines.

    Without evaluated baselines, the verdict is the course of the reward, or the best trial of a study. The advice is
    that of the first finding.

    Args:
        state: State of the run.
        header: Header of the run, which holds the failure.
        levels: Recent levels.
        course: Course of the reward. `None` if there is no reward, or if it was not computed.
        best_trial: Best trial of a study. `None` for other runs.
        diagnosis: Diagnosis of the run. `None` if it was not computed.
        reward_source: Source of the reward if no episode was recorded. Otherwise empty.
        episodes: Number of episodes.
        env_step: Number of environment steps, if known.

    Returns:
        `None` if the run was not diagnosed.
    """
    reason = state.reason if header.failure is None else header.failure.text
    if has_ended_badly(state, header):  # the same in a list, whose runs are not diagnosed, so without advice
        return Verdict("bad", f"The run {state.status}", _sentence(reason))
    if diagnosis is None:
        return None
    advice = diagnosis.findings[0].advice if diagnosis.findings else ""
    baselines = baseline_text(diagnosis, header.configuration, course)
    ending = "interrupted" if _was_interrupted(header) else state.status
    trouble = _trouble(ending, diagnosis, reason)
    if trouble is not None:
        tone, title, text = trouble
        return Verdict(tone, title, f"{text} {baselines}".strip(), advice)
    if baselines:
        return Verdict(*_baseline_title(diagnosis, course), baselines, advice)
    reward = levels.get("reward")
    if course is None or reward is None:
        return (
            _of_study(state, header, best_trial, episodes, advice)  # its values have no course
            if diagnosis.is_study
            else _without_reward(state, header, episodes, env_step)
        )
    what = "values" if reward_source else "episodes"
    parts = [_text(course, what), _from_to(course, reward, what), _success(levels.get("success"))]
    if reward_source:
        parts.append(f"The reward is the {reward_source}.")
    return Verdict(*_title(course), " ".join(filter(None, parts)), advice)


def has_ended_badly(state: RunState, header: Header) -> bool:
    """Return whether a run failed or crashed. A training that the user interrupted did not fail."""
    return state.status == CRASHED or (state.status == FAILED and not _was_interrupted(header))


def _was_interrupted(header: Header) -> bool:
    return header.failure is not None and is_interrupt(header.failure.text)


def _trouble(ending: str, diagnosis: Diagnosis, reason: str) -> tuple[str, str, str] | None:
    """Return tone, title and text of the most likely fault or of an interruption."""
    if diagnosis.alarms:
        worst = diagnosis.alarms[0]
        return "bad" if diagnosis.status == CRITICAL else "watch", worst.title, _sentence(worst.cause)
    if ending in _INTERRUPTED:
        return "watch", ending.capitalize(), _sentence(reason)
    return None


def _of_study(state: RunState, header: Header, best: BestTrial | None, trials: int, advice: str) -> Verdict:
    objectives, so_far = len(directions_of(header.configuration)), " so far" * state.is_open
    if best is not None:
        title = f"Best value: {number(best.value)}"
        text = f"Of the completed trials, trial {count(best.number)} has the {best.rank} value: {number(best.value)}."
    elif not trials:
        title, text = "No values", f"No trial has a value{so_far}."
    elif objectives > 1:
        title = "No single best trial"
        text = f"{counted(trials, 'trial')} with {count(objectives)} objectives, so no single trial is the best."
    else:
        title, text = "No completed trial", f"No trial has completed with a finite value{so_far}."
    return Verdict("neutral", title, text, advice)


def _baseline_title(diagnosis: Diagnosis, course: Course | None) -> tuple[str, str]:
    """Return tone and title of a run that evaluated baselines. If the comparisons do not decide, the course does."""
    return baseline_title(diagnosis) or (("neutral", "No difference shown") if course is None else _title(course))


def _title(course: Course) -> tuple[str, str]:
    recent, status = course.recent.verdict, course.status
    if not course.has_converged and recent in _MOVING:
        return _MOVING[recent]
    if status in _WHOLE:
        return _WHOLE[status]
    return "neutral", "Level" if recent == "stable" else status.capitalize()


def _text(course: Course, what: str) -> str:
    status, recent = course.status, _DID[course.recent.verdict]
    of_all, recently = f"{count(course.values)} {what}", f"the last {count(course.recent_values)}"
    is_whole = course.recent_values == course.values
    if status == "converged":
        level = f" and {recent} over {recently}" if course.recent.verdict == "stable" else ""
        return f"The reward converged after about {count(int(course.convergence.since))} of {of_all}{level}."
    if status == "not enough data" and is_whole and course.recent.verdict == status:
        few = f"One {what.removesuffix('s')} is too little" if course.values == 1 else f"{of_all} are too few"
        return f"{few} to tell a trend from noise."
    if status == "not enough data":
        return f"The reward {recent} over {f'the run ({of_all})' if is_whole else f'{recently} of {of_all}'}."
    span = "the run" if status in {"flat", course.trend.verdict} else "the second half of the run"
    whole = f"The reward {_DID.get(status, 'stayed level')} over {span} ({of_all})"
    if is_whole or status == "flat":
        return f"{whole}."
    return (
        f"{whole}, including {recently}."
        if course.recent.verdict == status
        else f"{whole} but {recent} over {recently}."
    )


def _from_to(course: Course, reward: Level, what: str) -> str:
    if reward.mean is None:
        return f"None of the last {count(reward.reported)} rewards is finite."
    if course.values == 1:
        return f"Its reward is {number(reward.mean)}."
    if reward.window == 1 and reward.first is not None:
        return f"The first reward is {number(reward.first)}, the last is {number(reward.mean)}."
    ignored = f", without {counted(reward.not_finite, 'non-finite value')}" if reward.not_finite else ""
    if reward.first is None or reward.first_window < reward.window:
        return f"Mean reward of the last {count(reward.window)} {what}: {number(reward.mean)}{ignored}."
    first = f"{number(reward.first)} in the first {count(reward.window)} {what}"
    return f"Mean reward: {first}, {number(reward.mean)} in the last {count(reward.window)}{ignored}."


def _success(level: Level | None) -> str:
    if level is None:
        return ""
    those = f"{count(level.reported)} that reported it among the " if level.reported < level.window else ""
    return f"Success rate of the {those}last {count(level.window)}: {percent(level.mean)}."


def _without_reward(state: RunState, header: Header, episodes: int, env_step: int | None) -> Verdict:
    is_open = state.is_open
    if env_step is None and not episodes:
        text = f"No episode or update was recorded{' so far' * is_open}, so learning cannot be assessed."
        return Verdict("neutral", "No episodes or updates", text)
    if episodes or not is_open:
        return Verdict("neutral", "No reward recorded", "No reward was recorded, so learning cannot be assessed.")
    text = f"{counted(env_step or 0, 'environment step')} so far."
    environments = header.configuration.get("n_envs")
    if env_step and isinstance(environments, int) and environments > 1:
        text += (
            f" With {count(environments)} environments, an episode takes up to {count(env_step // environments)} steps."
        )
    return Verdict("neutral", "No episode finished yet", text)


def _sentence(text: str) -> str:
    text = " ".join(text.split())
    if not text:
        return ""
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith(('.', '!', '?')) else '.'}"
