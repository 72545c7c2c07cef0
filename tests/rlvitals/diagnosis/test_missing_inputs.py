"""What to log so that rules can judge."""

import inspect

from rlvitals import RecorderSettings, TrainingMonitor
from rlvitals.diagnosis.missing_inputs import CONFIGURATION, in_words, to_log
from rlvitals.diagnosis.rules import RULES


def test_every_need_is_told_by_a_call_that_takes_it() -> None:
    """What is named is an argument, a setting of the recorder or a key of the configuration."""
    for call, names in to_log(need for rule in RULES for need in rule.needs).items():
        if call == "RecorderSettings":
            assert set(names) <= set(RecorderSettings.__struct_fields__)
        elif call != CONFIGURATION:
            assert set(names) <= inspect.signature(getattr(TrainingMonitor, call)).parameters.keys()


def test_of_several_that_would_do_the_everyday_one_is_told() -> None:
    """Once, however many rules want it."""
    assert to_log(["updates.observation_std|updates.explained_variance", "updates.explained_variance"]) == {
        "log_training_step": ["explained_variance"]
    }
    assert to_log(["context.baseline", "episodes.terminated|episodes.truncated"]) == {
        "configuration": ["baseline"],
        "log_episode": ["termination_reason"],
    }


def test_people_read_it_as_calls() -> None:
    """What goes into the configuration stands last."""
    needs = ["settings.gamma", "updates.entropy|updates.action_std", "updates.kl_divergence"]

    assert in_words(["episodes.truncated"]) == "log_episode(termination_reason: terminated or truncated)"
    assert in_words(needs) == "log_training_step(entropy, kl_divergence), gamma in the configuration"
