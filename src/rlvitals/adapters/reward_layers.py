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


_RESETTERS = frozenset({"Autoreset"})
"""Which reset on a step: a wrapper above that adds rewards up does not notice where an episode begins."""

Chain = tuple[tuple[str, str], ...]


class Layers(NamedTuple):
    """What the wrappers of an environment do to rewards.

    Attributes:
        chains: The name and kind of each wrapper, outermost first, once for each sub-environment that differs.
    """

    chains: tuple[Chain, ...] = ()

    @property
    def changers(self) -> tuple[str, ...]:
        """Classes that change rewards."""
        return self._of("changer")

    @property
    def custom(self) -> tuple[str, ...]:
        """Classes of other packages or of the user's, which may change rewards."""
        return self._of("custom")

    @property
    def names(self) -> str:
        """The classes that change rewards, for a sentence."""
        return ", ".join(self.changers or self.custom)

    @property
    def statistics_are_raw(self) -> bool:
        """Whether `info["episode"]` is recorded below all wrappers that are known to change rewards."""
        return all(_recorded_below(chain) for chain in self.chains)

    @property
    def hide_returns(self) -> bool:
        """Whether the sum of the rewards that are seen above these wrappers is not the environment's return."""
        return bool(self.changers) and not self.statistics_are_raw

    def _of(self, wanted: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for chain in self.chains for name, kind in chain if kind == wanted))


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
    return Layers((tuple(_kind_of(layer) for layer in chain[:-1]),))


def layers_named(chain: str) -> Layers:
    """Describe the chain of an environment in another process, by its text such as `<TimeLimit<CartPoleEnv>>`."""
    return Layers((tuple((name, _kind_among({name}, is_custom=False)) for name in re.findall(r"<(\w+)", chain)),))


def joined(outer: Layers, inner: Iterable[Layers]) -> Layers:
    """Put the chain of a vector environment before those of its sub-environments."""
    inside = [chain for layers in inner for chain in layers.chains] or [()]
    return Layers(tuple(dict.fromkeys(before + chain for before in outer.chains for chain in inside)))


def _recorded_below(chain: Chain) -> bool:
    kinds = [kind for _, kind in chain]
    if "changer" in kinds and "recorder" not in kinds:
        return False
    below = kinds[kinds.index("recorder") :] if "recorder" in kinds else []
    return "changer" not in below and "resetter" not in below


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
    if names & _RESETTERS:
        return "resetter"
    return "custom" if is_custom else "other"
