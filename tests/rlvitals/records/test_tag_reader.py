"""Records from single values with tags."""

import math
from typing import Any

import pytest

from rlvitals.records import Episode, Evaluation, PolicyUpdate, Record, Scalars, SystemSample
from rlvitals.records.kinds import MAX_KEYS
from rlvitals.records.tag_reader import TagReader


def records_of(*values: tuple[str, Any, int], **options: Any) -> list[Record]:
    """Return the records of values, each with its tag and step."""
    tags = TagReader(**options)
    found = [record for tag, value, step in values for record in tags.add(tag, value, step=step, time=step / 10)]
    return [*found, *tags.flush()]


def test_values_of_one_step_are_one_update() -> None:
    """A value without a field is in `extra`."""
    (update,) = records_of(("losses/policy_loss", -0.1, 8), ("losses/approx_kl", 0.01, 8), ("losses/other", 3.0, 8))

    assert update == PolicyUpdate(
        time=0.8, step=8, env_step=8, policy_loss=-0.1, kl_divergence=0.01, extra={"other": 3.0}
    )


def test_unambiguous_names_without_a_group_are_one_update() -> None:
    """They mean the same as with a group, and share its update."""
    names = {"approx_kl": 0.01, "entropy": 0.5, "policy_loss": -0.1, "losses/value_loss": 2.0, "lr": 0.25}
    (update,) = records_of(*((name, value, 8) for name, value in names.items()))

    assert update == PolicyUpdate(
        time=0.8,
        step=8,
        env_step=8,
        kl_divergence=0.01,
        entropy=0.5,
        policy_loss=-0.1,
        value_loss=2.0,
        learning_rate=0.25,
    )


@pytest.mark.parametrize(
    "name", ["loss", "reward", "reward_mean", "return_mean", "step", "time", "update", "duration", "entropy_loss", "kl"]
)
def test_ambiguous_names_without_a_group_are_scalars(name: str) -> None:
    (record,) = records_of((name, 1.0, 8))

    assert record == Scalars(time=0.8, step=8, env_step=8, category="scalars", values={name: 1.0})


def test_a_group_of_the_program_is_not_a_group_of_updates() -> None:
    """A metric such as `discriminator/entropy` belongs to another model."""
    (record,) = records_of(("discriminator/entropy", 1.0, 8))

    assert isinstance(record, Scalars)


def test_a_repeated_tag_begins_the_next_episode() -> None:
    """Several environments can end an episode at one step."""
    ended = [(f"charts/episodic_{name}", value, 8) for value in (1.0, 2.0) for name in ("return", "length")]

    found = [record for record in records_of(*ended) if isinstance(record, Episode)]

    assert [(one.episode, one.reward, one.length) for one in found] == [(0, 1.0, 1), (1, 2.0, 2)]


def test_a_return_without_a_length_is_a_scalar() -> None:
    (record,) = records_of(("charts/episodic_return", 1.0, 8))

    assert record == Scalars(time=0.8, step=8, env_step=8, category="charts", values={"episodic_return": 1.0})


@pytest.mark.parametrize("length", [-1.0, math.nan, math.inf, "long"])
@pytest.mark.parametrize("order", [1, -1])
def test_a_return_whose_length_is_not_a_count_is_a_scalar(length: Any, order: int) -> None:
    """The episodes before and after it are recorded."""
    lengths = {8: 20, 16: length, 24: 21.0}
    found = records_of(*(
        (f"charts/episodic_{name}", value, step)
        for step, last in lengths.items()
        for name, value in [("return", 1.5), ("length", last)][::order]
    ))  # fmt: skip

    assert [(one.episode, one.env_step, one.length) for one in found if isinstance(one, Episode)] == [
        (0, 8, 20),
        (1, 24, 21),
    ]
    (scalars,) = (one for one in found if isinstance(one, Scalars))
    assert (scalars.env_step, scalars.category) == (16, "charts")
    assert scalars.values == pytest.approx({"episodic_return": 1.5, "episodic_length": length}, nan_ok=True)


def test_whole_lengths_after_a_fractional_one_are_means() -> None:
    """A fractional length is the mean of several episodes. Means can be whole numbers by chance."""
    found = records_of(*(
        (f"charts/episodic_{name}", value, step)
        for step, length in {8: 20.0, 16: 27.5, 24: 21.0}.items()
        for name, value in (("return", 1.5), ("length", length))
    ))  # fmt: skip

    assert [one.env_step for one in found if isinstance(one, Episode)] == [8]
    assert [(one.env_step, one.values["episodic_length"]) for one in found if isinstance(one, Scalars)] == [
        (16, 27.5),
        (24, 21.0),
    ]


def test_lengths_that_are_known_to_be_means_never_become_episodes() -> None:
    ended = [(f"charts/episodic_{name}", value, 8) for name, value in (("return", 1.5), ("length", 20.0))]

    (record,) = records_of(*ended, mean_lengths={"charts/episodic_length"})

    assert isinstance(record, Scalars)


def test_a_repeated_fractional_length_loses_no_value() -> None:
    """Several values of one tag at one step are separate records."""
    means = [(f"charts/episodic_{name}", value, 8) for value in (1.5, 2.5) for name in ("return", "length")]

    found = [record.values for record in records_of(*means) if isinstance(record, Scalars)]

    assert found == [{"episodic_return": one, "episodic_length": one} for one in (1.5, 2.5)]


@pytest.mark.parametrize(
    ("tag", "value", "other", "kind", "field"),
    [
        ("train/lr", "cosine", "train/loss", PolicyUpdate, "loss"),
        ("train/entropy_loss", "none", "train/loss", PolicyUpdate, "loss"),
        ("time/iterations", -1, "train/loss", PolicyUpdate, "loss"),
        ("eval/episodes", math.nan, "eval/mean_reward", Evaluation, "reward"),
        ("system/threads", 0.5, "time/fps", SystemSample, "env_steps_per_second"),
    ],
)
def test_a_value_that_its_field_cannot_hold_is_a_scalar(
    tag: str, value: Any, other: str, kind: type[Record], field: str
) -> None:
    """The other values of the step keep their record."""
    record, scalars = records_of((tag, value, 8), (other, 2.0, 8))

    assert (type(record), getattr(record, field)) == (kind, 2.0)
    assert isinstance(scalars, Scalars)
    category, _, name = tag.partition("/")
    assert scalars.category == category
    assert scalars.values == pytest.approx({name: value}, nan_ok=True)


@pytest.mark.parametrize("tag", ["losses/entropy", "eval/mean_reward", "time/fps"])
def test_a_record_without_a_value_that_fits_is_not_made(tag: str) -> None:
    (record,) = records_of((tag, "unknown", 8))

    assert isinstance(record, Scalars)


def test_more_other_values_than_an_update_can_hold_are_scalars() -> None:
    names = [f"train/own_{number}" for number in range(MAX_KEYS + 1)]

    found = records_of(("train/loss", 0.5, 8), *((name, 1.0, 8) for name in names))

    assert sum(len(one.values) for one in found if isinstance(one, Scalars)) == MAX_KEYS + 2


def test_the_second_value_of_a_field_keeps_its_name_and_its_sign() -> None:
    """No value is replaced."""
    (update,) = records_of(("train/entropy", 0.75, 8), ("train/entropy_loss", -0.5, 8))

    assert isinstance(update, PolicyUpdate)
    assert (update.entropy, update.extra) == (0.75, {"train/entropy_loss": -0.5})


def test_steps_of_an_optimizer_are_not_environment_steps() -> None:
    (update,) = records_of(("train/loss", 0.5, 4), has_env_steps=False)

    assert update == PolicyUpdate(time=0.4, step=4, loss=0.5)


def test_an_environment_step_can_differ_from_the_step() -> None:
    """A value of the same step with another environment step begins the next record."""
    tags = TagReader(has_env_steps=False)
    records = [*tags.add("train/loss", 1.0, step=1, time=0.0, env_step=64)]
    records += tags.add("train/lr", 0.5, step=1, time=0.0)
    records += tags.add("train/std", 0.25, step=1, time=0.0, env_step=128)
    records += tags.flush()

    assert records == [
        PolicyUpdate(time=0.0, step=1, env_step=64, loss=1.0, learning_rate=0.5),
        PolicyUpdate(time=0.0, step=1, env_step=128, action_std=0.25),
    ]


@pytest.mark.parametrize(("other", "entropy"), [("train/approx_kl", 0.7), ("train/ppo_clip_ratio", -0.7)])
def test_the_entropy_loss_has_the_sign_of_its_program(other: str, entropy: float) -> None:
    """It is the negative entropy in Stable-Baselines3, and the entropy in OpenRLHF."""
    (update,) = records_of(("train/entropy_loss", -0.7, 1), (other, 0.1, 1))

    assert isinstance(update, PolicyUpdate)
    assert update.entropy == entropy


def test_the_caller_makes_the_records() -> None:
    """A live training passes the method of its monitor."""
    made: list[tuple[type[Record], dict[str, Any]]] = []

    def make(kind: type[Record], values: dict[str, Any]) -> Record:
        made.append((kind, values))
        return kind(**values)

    records_of(("eval/mean_reward", 5.0, 2), make=make)

    assert made == [(Evaluation, {"time": 0.2, "episode": 0, "env_step": 2, "policy": None, "reward": 5.0})]
