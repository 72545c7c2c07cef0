"""Wrappers that change rewards, and the environment's own rewards below them.

`NormalizeReward` and its like sit between an environment and whoever records it, above or below the wrappers that
record returns. Their order decides what a recorded return means. Here a chain of wrappers is described by the names of
its classes, so that this works for the chains of other processes too, of which only the names are known.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

_CHANGERS = frozenset(
    {
        "RewardWrapper",  # also TransformReward, ClipReward, Stable-Baselines3's ClipRewardEnv
        "NormalizeReward",
        "VectorRewardWrapper",
        "VecNormalize",
        # Names that are seen alone, of chains in other processes.
        "TransformReward",
        "ClipReward",
        "ClipRewardEnv",
    }
)
_RECORDERS = frozenset({"RecordEpisodeStatistics", "Monitor", "VecMonitor"})
_LIBRARIES = frozenset({"gymnasium", "stable_baselines3", "sb3_contrib", "rlvitals"})
"""Whose other wrappers keep the sum of rewards as it is; those that repeat actions add them up."""

_STEPS = ("step", "step_wait")


class Layers(NamedTuple):
    """What a chain of wrappers does to rewards.

    Attributes:
        changers: Classes that change rewards, outermost first.
        custom: Classes of other packages or of the user's, which may change rewards.
        statistics_are_raw: Whether `info["episode"]` is recorded below all of the changers.
    """

    changers: tuple[str, ...] = ()
    custom: tuple[str, ...] = ()
    statistics_are_raw: bool = True

    @property
    def names(self) -> str:
        """The classes that change rewards, for a sentence."""
        return ", ".join(dict.fromkeys(self.changers or self.custom))


def chain_of(env: Any, wrapper: type, inner: str = "env") -> list[Any]:
    """An environment's wrappers, the outermost first, and at last the environment itself.

    Args:
        env: The outermost.
        wrapper: The class of wrappers.
        inner: The attribute in which a wrapper keeps what it wraps.
    """
    chain = [env]
    while isinstance(chain[-1], wrapper):
        chain.append(getattr(chain[-1], inner))
    return chain


def layers_of(chain: Sequence[Any]) -> Layers:
    """Describe a chain of wrappers; the last element, the environment itself, gives rewards and changes none."""
    return _described([_kind_of(layer) for layer in chain[:-1]])


def layers_named(chain: str) -> Layers:
    """Describe the chain of an environment in another process, by its text such as `<TimeLimit<CartPoleEnv>>`."""
    names = re.findall(r"<(\w+)", chain)
    return _described([(name, _kind_among({name}, is_custom=False)) for name in names])


def joined(outer: Layers, inner: Iterable[Layers]) -> Layers:
    """Put the chain of a vector environment before those of its sub-environments."""
    found = list(dict.fromkeys(inner)) or [Layers()]
    return Layers(
        outer.changers + tuple(name for one in found for name in one.changers),
        outer.custom + tuple(name for one in found for name in one.custom),
        outer.statistics_are_raw and all(one.statistics_are_raw for one in found),
    )


def _described(kinds: Sequence[tuple[str, str]]) -> Layers:
    changers = [index for index, (_, kind) in enumerate(kinds) if kind == "changer"]
    recorder = next((index for index, (_, kind) in enumerate(kinds) if kind == "recorder"), None)
    return Layers(
        tuple(kinds[index][0] for index in changers),
        tuple(name for name, kind in kinds if kind == "custom"),
        not changers or (recorder is not None and recorder > changers[-1]),
    )


def _kind_of(layer: Any) -> tuple[str, str]:
    bases = type(layer).__mro__
    if not getattr(layer, "norm_reward", True):  # a VecNormalize that normalises observations alone
        return type(layer).__name__, "other"
    steps = next((base for base in bases if any(name in vars(base) for name in _STEPS)), object)
    names = {base.__name__ for base in bases}
    if getattr(layer, "_stats_key", "episode") != "episode":
        names -= _RECORDERS
    return type(layer).__name__, _kind_among(names, is_custom=steps.__module__.partition(".")[0] not in _LIBRARIES)


def _kind_among(names: set[str], *, is_custom: bool) -> str:
    if names & _CHANGERS:
        return "changer"
    if names & _RECORDERS:
        return "recorder"
    return "custom" if is_custom else "other"
