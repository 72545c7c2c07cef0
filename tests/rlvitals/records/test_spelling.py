"""Misspelled metric names."""

import pytest

from rlvitals.records import Episode, Evaluation, PolicyUpdate, Record
from rlvitals.records.spelling import nearest_name


@pytest.mark.parametrize(
    ("name", "kind", "nearest"),
    [
        ("aprox_kl", PolicyUpdate, "approx_kl"),
        ("entopy_loss", PolicyUpdate, "entropy_loss"),
        ("kl_divergance", PolicyUpdate, "kl_divergence"),
        ("leraning_rate", PolicyUpdate, "learning_rate"),
        ("vf_los", PolicyUpdate, "vf_loss"),
        ("grad_nrom", PolicyUpdate, "grad_norm"),
        ("valueloss", PolicyUpdate, "value_loss"),
        ("polcyloss", PolicyUpdate, "policy_loss"),
        ("Entropy", PolicyUpdate, "entropy"),
        ("approx-kl", PolicyUpdate, "approx_kl"),
        ("sucess", Episode, "success"),
        ("lenght", Evaluation, "length"),
    ],
)
def test_a_misspelled_name_has_a_nearest_name(name: str, kind: type[Record], nearest: str) -> None:
    """The nearest name is a field name or a synonym from another program."""
    assert nearest_name(name, kind) == nearest


@pytest.mark.parametrize(
    "name",
    [
        *("entropy_coef", "ent_coef", "entropy_loss", "loss_aux", "aux_loss", "value_loss_2", "old_approx_kl", "kl"),
        *("advantage_max", "value_median", "reward_max", "gradient_norm_min", "clip_range_vf", "vf_coef", "target_kl"),
        *(
            "actor_loss",
            "critic_loss",
            "q_loss",
            "alpha_loss",
            "epoch",
            "n_updates",
            "grad_norms",
            "value_loss_clipped",
        ),
    ],
)
def test_a_custom_metric_has_no_nearest_name(name: str) -> None:
    """A name that contains a known name, or differs by a whole word, is not a misspelling."""
    assert nearest_name(name, PolicyUpdate) is None
