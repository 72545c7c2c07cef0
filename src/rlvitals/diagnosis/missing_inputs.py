"""Signals to log so that skipped rules can be evaluated, by the call or place that takes them."""

from collections.abc import Iterable

EVERYDAY = (
    "updates.explained_variance",
    "updates.kl_divergence",
    "updates.entropy",
    "updates.learning_rate",
    "episodes.success",
    "system.memory",
)
"""Signals that most training loops have available; preferred among alternatives."""

CONFIGURATION = "configuration"
_CALLS = {"updates": "log_training_step", "episodes": "log_episode", "evaluations": "log_evaluation"}
_NAMES = {
    "baselines": ("log_evaluation", "policy"),
    "categories": ("log_episode", "category"),
    "episodes.terminated": ("log_episode", "termination_reason"),
    "episodes.truncated": ("log_episode", "termination_reason"),
    "episodes.quality": ("log_episode", "quality_improvement"),
    "evaluations.reward": ("log_evaluation", "eval_reward"),
    "settings.entropy_coefficient": (CONFIGURATION, "ent_coef"),
    "settings.epochs": (CONFIGURATION, "n_epochs"),
    "system.memory": ("RecorderSettings", "system_interval_s"),
}
_VALUES = {
    "termination_reason": "termination_reason: terminated or truncated",
    "policy": "policy and items of a baseline",
}
"""Arguments for which only some values are useful."""


def to_log(missing: Iterable[str]) -> dict[str, list[str]]:
    """Return the arguments and settings that provide the missing signals.

    Args:
        missing: Signals, as `stream.column`. In an entry with `|`, any one of the signals is enough.

    Returns:
        Names of arguments by the call that takes them (`log_training_step`, ...), and keys of the `configuration`.
    """
    wanted: dict[str, list[str]] = {}
    for one in missing:
        choices = one.split("|")
        call, name = _place(next((signal for signal in EVERYDAY if signal in choices), choices[0]))
        if name not in wanted.setdefault(call, []):
            wanted[call].append(name)
    return wanted


def in_words(missing: Iterable[str]) -> str:
    """Return the result of `to_log` as text: `log_training_step(entropy), gamma in the configuration`."""
    wanted = to_log(missing)
    keys = wanted.pop(CONFIGURATION, [])
    calls = [f"{call}({', '.join(_VALUES.get(name, name) for name in names)})" for call, names in wanted.items()]
    return ", ".join([*calls, *([f"{', '.join(keys)} in the configuration"] if keys else [])])


def _place(signal: str) -> tuple[str, str]:
    stream, _, column = signal.partition(".")
    return _NAMES.get(signal, (_CALLS.get(stream, CONFIGURATION), column))
