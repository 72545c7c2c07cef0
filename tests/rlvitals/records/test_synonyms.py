"""Other programs' names for what an update computes."""

from collections.abc import Callable

from rlvitals import TrainingMonitor
from rlvitals.records import PolicyUpdate
from rlvitals.records.synonyms import SB3_NAMES, SYNONYMS


def test_every_name_is_that_of_a_field() -> None:
    """And none is a field's own name, which needs no other."""
    assert {*SB3_NAMES.values(), *SYNONYMS.values()} <= set(PolicyUpdate.__struct_fields__)
    assert SYNONYMS.keys().isdisjoint(PolicyUpdate.__struct_fields__)


def test_a_metric_by_another_name_is_the_field(monitor: Callable[..., TrainingMonitor]) -> None:
    """What is nobody's name is the user's own."""
    with monitor() as training:
        update = training.log_training_step(1, pg_loss=-0.1, approx_kl=0.01, grad_norm=0.5, mine=3.0, extra={"lr": 1.0})

    assert (update.policy_loss, update.kl_divergence, update.gradient_norm) == (-0.1, 0.01, 0.5)
    assert update.extra == {"mine": 3.0, "lr": 1.0}


def test_a_field_that_was_given_stays(monitor: Callable[..., TrainingMonitor]) -> None:
    """And what is no number is not taken for one; both are kept as they were named."""
    with monitor() as training:
        update = training.log_training_step(1, kl_divergence=0.02, approx_kl=0.01, lr="linear")

    assert (update.kl_divergence, update.learning_rate) == (0.02, None)
    assert update.extra == {"approx_kl": 0.01, "lr": "linear"}
