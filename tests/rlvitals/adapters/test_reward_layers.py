"""Effect of a chain of wrappers on rewards, depending on their order."""

import gymnasium
import pytest
from gymnasium.wrappers import ClipReward, NormalizeReward, RecordEpisodeStatistics, TimeLimit

from rlvitals.adapters.reward_layers import chain_of, joined, layers_named, layers_of


@pytest.mark.parametrize(
    ("chain", "changers", "is_raw"),
    [
        ("<TimeLimit<CartPoleEnv<CartPole-v1>>>", (), True),
        ("<Monitor<CartPoleEnv>>", (), True),
        ("<NormalizeReward<CartPoleEnv>>", ("NormalizeReward",), False),
        ("<NormalizeReward<Monitor<CartPoleEnv>>>", ("NormalizeReward",), True),
        ("<Monitor<NormalizeReward<CartPoleEnv>>>", ("NormalizeReward",), False),
        ("<Monitor<NormalizeReward<Monitor<CartPoleEnv>>>>", ("NormalizeReward",), False),
        ("<ClipReward<RecordEpisodeStatistics<TransformReward<E>>>>", ("ClipReward", "TransformReward"), False),
        ("<RecordEpisodeStatistics<Autoreset<CartPoleEnv>>>", (), False),
    ],
)
def test_the_order_of_wrappers_matters(chain: str, changers: tuple[str, ...], is_raw: bool) -> None:
    """The outermost recorder counts, and only if it is below every wrapper that changes rewards."""
    layers = layers_named(chain)

    assert (layers.changers, layers.statistics_are_raw) == (changers, is_raw)


def test_objects_and_texts_agree() -> None:
    """A chain of objects and its text are described in the same way."""
    env = TimeLimit(ClipReward(RecordEpisodeStatistics(NormalizeReward(gymnasium.make("CartPole-v1"))), 0, 1), 5)
    here, there = layers_of(chain_of(env, gymnasium.Wrapper)), layers_named(str(env))

    assert (here.changers, here.statistics_are_raw) == (there.changers, there.statistics_are_raw)
    assert here.changers == ("ClipReward", "NormalizeReward")


def test_a_vector_wrapper_is_above_its_sub_environments() -> None:
    """The wrappers of a vector environment are above the wrappers of its sub-environments."""
    inside = layers_named("<Monitor<E>>"), layers_named("<NormalizeReward<E>>")

    assert joined(layers_named("<NormalizeReward>"), inside[:1]).statistics_are_raw
    assert not joined(layers_named("<RecordEpisodeStatistics>"), inside).statistics_are_raw
