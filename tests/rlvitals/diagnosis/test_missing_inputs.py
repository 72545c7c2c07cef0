"""The inputs to log to enable skipped rules."""

import inspect

from rlvitals import RecorderSettings, TrainingMonitor
from rlvitals.diagnosis.missing_inputs import CONFIGURATION, in_words, to_log
from rlvitals.diagnosis.rules import RULES
from rlvitals.records import Evaluation


def test_every_required_signal_has_a_place_that_accepts_it() -> None:
    """Every suggestion is an argument or field of a call, a setting of the recorder or a key of the configuration."""
    for call, names in to_log(need for rule in RULES for need in rule.needs).items():
        if call == "RecorderSettings":
            assert set(names) <= set(RecorderSettings.__struct_fields__)
        elif call != CONFIGURATION:
            fields = set(Evaluation.__struct_fields__) if call == "log_evaluation" else set()
            assert set(names) <= inspect.signature(getattr(TrainingMonitor, call)).parameters.keys() | fields


def test_the_most_available_alternative_is_suggested() -> None:
    """Among alternatives, the most available signal is suggested, and only once."""
    assert to_log(["updates.observation_std|updates.explained_variance", "updates.explained_variance"]) == {
        "log_training_step": ["explained_variance"]
    }
    assert to_log(["context.baseline", "episodes.terminated|episodes.truncated"]) == {
        "configuration": ["baseline"],
        "log_episode": ["termination_reason"],
    }


def test_the_text_lists_calls_with_arguments() -> None:
    """The text lists calls with arguments, and configuration keys last."""
    needs = ["settings.gamma", "updates.entropy|updates.action_std", "updates.kl_divergence"]

    assert in_words(["episodes.truncated"]) == "log_episode(termination_reason: terminated or truncated)"
    assert in_words(needs) == "log_training_step(entropy, kl_divergence), gamma in the configuration"
