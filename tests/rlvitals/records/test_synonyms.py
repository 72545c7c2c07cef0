"""Names that other programs use for metrics of an update or an evaluation."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import torch

from rlvitals import TrainingMonitor
from rlvitals.errors import RecordError
from rlvitals.records import Evaluation, PolicyUpdate
from rlvitals.records.synonyms import (
    EVALUATION_SYNONYMS,
    SB3_NAMES,
    SYNONYMS,
    UPDATE_TAGS,
    evaluation_field,
    update_field,
    with_field_names,
)

Monitor = Callable[..., TrainingMonitor]


class JaxLike:
    """An array of one element like JAX's: with `item` and `size`, and without `numel`."""

    size = 1

    def __repr__(self) -> str:
        return "JaxLike()"

    def item(self) -> float:
        """Return the element."""
        return 0.25


NUMBERS = [
    0.25,
    np.float32(0.25),
    np.float64(0.25),
    np.longdouble(0.25),
    np.array(0.25),
    np.array([[0.25]]),
    torch.tensor(0.25),
    torch.tensor([0.25], requires_grad=True),
    torch.tensor(0.25, dtype=torch.bfloat16),
    JaxLike(),
    Decimal("0.25"),
]


def test_every_synonym_refers_to_a_field() -> None:
    """No synonym is itself the name of a field."""
    updates = {*SB3_NAMES.values(), *SYNONYMS.values(), *UPDATE_TAGS.values()}

    assert updates <= set(PolicyUpdate.__struct_fields__)
    assert set(EVALUATION_SYNONYMS.values()) <= set(Evaluation.__struct_fields__)
    assert SYNONYMS.keys().isdisjoint(PolicyUpdate.__struct_fields__)


def test_a_synonym_fills_the_field(monitor: Monitor) -> None:
    """Unknown names stay custom metrics."""
    with monitor() as training:
        update = training.log_training_step(1, pg_loss=-0.1, approx_kl=0.01, grad_norm=0.5, mine=3.0, extra={"lr": 1.0})

    assert (update.policy_loss, update.kl_divergence, update.gradient_norm) == (-0.1, 0.01, 0.5)
    assert update.extra == {"mine": 3.0, "lr": 1.0}


@pytest.mark.parametrize("value", NUMBERS, ids=repr)
def test_a_synonym_fills_the_field_for_every_numeric_type(monitor: Monitor, value: Any) -> None:
    """The record is the same as with Python floats."""
    names = ("approx_kl", "clipfrac", "grad_norm", "lr", "train/value_loss")
    of_the_type: dict[str, Any] = dict.fromkeys(names, value)
    floats: dict[str, Any] = dict.fromkeys(names, 0.25)
    with monitor() as training:
        given = training.log_training_step(1, time=5.0, **of_the_type)
        plain = training.log_training_step(1, time=5.0, **floats)

    assert given == plain
    assert given.extra is None


@pytest.mark.parametrize("value", NUMBERS, ids=repr)
def test_algorithm_metrics_of_an_episode_use_field_names(monitor: Monitor, value: Any) -> None:
    """Synonyms are renamed for every numeric type."""
    with monitor() as training:
        episode = training.log_episode(0, 1.0, 10, algorithm_metrics={"approx_kl": value, "mine": 2.0})

    assert episode.algorithm == {"kl_divergence": 0.25, "mine": 2.0}


def test_an_evaluation_accepts_synonyms(monitor: Monitor) -> None:
    """Synonyms work for every numeric type."""
    with monitor() as training:
        evaluation = training.log_evaluation(
            3, 1.0, std_reward=np.float32(0.5), mean_ep_length=torch.tensor(20), mine=1
        )

    assert (evaluation.reward_std, evaluation.length, evaluation.extra) == (0.5, 20.0, {"mine": 1})


def test_a_passed_field_keeps_its_value(monitor: Monitor) -> None:
    """The synonym of a passed field stays a custom metric, and so does a text."""
    with monitor() as training:
        update = training.log_training_step(1, kl_divergence=0.02, approx_kl=0.01, lr="linear")

    assert (update.kl_divergence, update.learning_rate) == (0.02, None)
    assert update.extra == {"approx_kl": 0.01, "lr": "linear"}


def test_the_first_of_two_synonyms_fills_the_field(monitor: Monitor) -> None:
    """The order of the call decides."""
    with monitor() as training:
        update = training.log_training_step(1, ppo_kl=0.5, approx_kl=0.25)

    assert (update.kl_divergence, update.extra) == (0.5, {"approx_kl": 0.25})


def test_a_field_passed_as_none_is_filled(monitor: Monitor) -> None:
    """None means that a field is missing."""
    with monitor() as training:
        assert training.log_training_step(1, kl_divergence=None, approx_kl=0.25).kl_divergence == 0.25


def test_a_synonym_with_the_value_none_is_dropped(monitor: Monitor) -> None:
    """None fills no field and is not stored as a custom metric."""
    with monitor() as training:
        update = training.log_training_step(1, approx_kl=None, value_loss=1.0)

    assert (update.kl_divergence, update.extra) == (None, None)


def test_an_array_of_several_numbers_is_refused_by_name(monitor: Monitor) -> None:
    """The caller must choose how to reduce several numbers to one."""
    with monitor() as training, pytest.raises(RecordError, match="approx_kl"):
        training.log_training_step(1, approx_kl=torch.tensor([0.1, 0.2]))


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("train/approx_kl", "kl_divergence"),
        ("losses/clipfrac", "clip_fraction"),
        ("losses/entropy", "entropy"),
        ("charts/learning_rate", "learning_rate"),
        ("ray/tune/info/learner/default_policy/learner_stats/kl", "kl_divergence"),
        ("ray/tune/learners/default_policy/vf_explained_var", "explained_variance"),
        ("learners/default_policy/mean_kl_loss", "kl_divergence"),
        ("loss/vf", "value_loss"),
        ("train/grad_norm", "gradient_norm"),
        ("train/clip_ratio/region_mean", "clip_fraction"),
        ("actor/ppo_kl", "kl_divergence"),
    ],
)
def test_tags_of_known_programs_have_a_field(name: str, field: str) -> None:
    """Tags are matched with their group."""
    assert update_field(name) == (field, 1.0)


def test_the_entropy_loss_of_sb3_is_the_negative_of_the_entropy(monitor: Monitor) -> None:
    """Without its group the sign is unknown, and the value stays a custom metric."""
    with monitor() as training:
        update = training.log_training_step(1, **{"train/entropy_loss": -0.5})  # type: ignore[arg-type]
        bare = training.log_training_step(1, entropy_loss=-0.5)

    assert (update.entropy, bare.entropy, bare.extra) == (0.5, None, {"entropy_loss": -0.5})


@pytest.mark.parametrize("name", ["kl", "train/kl", "entropy_loss", "loss_aux", "losses/old_approx_kl", "eval/reward"])
def test_ambiguous_names_have_no_field_of_an_update(name: str) -> None:
    """Ambiguous names such as `kl`, which TRL uses for the reference model, are not translated."""
    assert update_field(name) is None


def test_an_evaluation_tag_has_a_field() -> None:
    """Tags are matched with their group."""
    assert evaluation_field("eval/std_reward") == ("reward_std", 1.0)


def test_algorithm_metrics_keep_their_order_and_non_numeric_values() -> None:
    """A synonym keeps its name if its field is also passed."""
    metrics = {"lr": 0.5, "approx_kl": 1.0, "kl_divergence": 2.0, "clipfrac": "much"}

    assert list(with_field_names(metrics).items()) == [
        ("learning_rate", 0.5),
        ("approx_kl", 1.0),
        ("kl_divergence", 2.0),
        ("clipfrac", "much"),
    ]


@pytest.mark.parametrize(
    ("tag", "field"),
    [
        ("losses/clipfrac", "clip_fraction"),  # CleanRL
        ("actor/pg_clipfrac", "clip_fraction"),  # verl
        ("critic/vf_explained_var", "explained_variance"),
        ("critic/returns/mean", "return_mean"),
        ("train/ppo_clip_ratio", "clip_fraction"),  # OpenRLHF
        ("train/actor_lr", "learning_rate"),
        ("train/clip_ratio/region_mean", "clip_fraction"),  # TRL's GRPO
        ("train/policy/approxkl_avg", "kl_divergence"),  # TRL's PPO
        ("optim/lr", "learning_rate"),  # prime-rl
        ("learners/default_policy/total_loss", "loss"),  # RLlib
    ],
)
def test_the_tags_of_a_framework_are_fields(tag: str, field: str) -> None:
    target = update_field(tag)

    assert target is not None
    assert target == (field, 1.0)


@pytest.mark.parametrize("tag", ["critic/lr", "critic/grad_norm", "train/kl", "actor/kl_loss"])
def test_a_tag_with_another_meaning_is_not_a_field(tag: str) -> None:
    """The critic has its own optimiser, and `kl` is the distance from a reference model."""
    assert update_field(tag) is None
