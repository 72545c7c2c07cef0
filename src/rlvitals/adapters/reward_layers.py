"""Wrappers that change rewards, and the environment's own rewards below them.

`NormalizeReward` and similar wrappers are between an environment and the recorder, above or below the wrappers that
record returns. Their order determines the meaning of a recorded return. This module describes a chain of wrappers by
class names, which are also available for chains in other processes.
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
        # Class names that are seen alone, in chains of other processes.
        "TransformReward",
        "ClipReward",
        "ClipRewardEnv",
    }
)
_RECORDERS = frozenset({"RecordEpisodeStatistics", "Monitor", "VecMonitor"})
_LIBRARIES = frozenset({"gymnasium", "stable_baselines3", "sb3_contrib", "rlvitals"})
"""Packages whose other wrappers preserve the sum of rewards. Wrappers that repeat actions sum the rewards."""

_STEPS = ("step", "step_wait")


_RESETTERS = frozenset({"Autoreset"})
"""Wrappers that reset within a step. A wrapper above that sums rewards does not notice the start of an episode."""

Chain = tuple[tuple[str, str], ...]


class Layers(NamedTuple):
    """Effect of an environment's wrappers on rewards.

    Attributes:
        chains: Name and kind of each wrapper, outermost first. One chain per distinct sub-environment.
    """

    chains: tuple[Chain, ...] = ()

    @property
    def changers(self) -> tuple[str, ...]:
        """Classes that change rewards."""
        return self._of("changer")

    @property
    def custom(self) -> tuple[str, ...]:
        """Classes from other packages or from the user, which can change rewards."""
        return self._of("custom")

    @property
    def names(self) -> str:
        """Names of the classes that change rewards, for a sentence."""
        return ", ".join(self.changers or self.custom)

    @property
    def statistics_are_raw(self) -> bool:
        """Whether `info["episode"]` is recorded below all wrappers that are known to change rewards."""
        return all(_recorded_below(chain) for chain in self.chains)

    @property
    def hide_returns(self) -> bool:
        """Whether the sum of the visible rewards above these wrappers differs from the environment's return."""
        return bool(self.changers) and not self.statistics_are_raw

    def _of(self, wanted: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for chain in self.chains for name, kind in chain if kind == wanted))


def chain_of(env: Any, wrapper: type, inner: str = "env") -> list[Any]:
    """Return the wrappers of an environment, outermost first, followed by the environment itself.

    Args:
        env: Outermost environment.
        wrapper: Base class of the wrappers.
        inner: Attribute of a wrapper that holds the wrapped environment.
    """
    chain = [env]
    while isinstance(chain[-1], wrapper):
        chain.append(getattr(chain[-1], inner))
    return chain


def layers_of(chain: Sequence[Any]) -> Layers:
    """Describe a chain of wrappers. The last element is the environment itself, which changes no rewards."""
    return Layers((tuple(_kind_of(layer) for layer in chain[:-1]),))


def layers_named(chain: str) -> Layers:
    """Describe the chain of an environment in another process from its text, such as `<TimeLimit<CartPoleEnv>>`."""
    return Layers((tuple((name, _kind_among({name}, is_custom=False)) for name in re.findall(r"<(\w+)", chain)),))


def joined(outer: Layers, inner: Iterable[Layers]) -> Layers:
    """Prepend the chain of a vector environment to the chains of its sub-environments."""
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
    if not getattr(layer, "norm_reward", True):  # a VecNormalize that normalises only observations
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
