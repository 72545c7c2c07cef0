"""Algorithm families as data: the inputs that have, in each family, the meaning that the rules assume.

The rules were written for PPO. Another algorithm can log a value with a different meaning under the same name. For
example, the KL divergence of GRPO is the distance from a reference model, and the entropy coefficient of SAC is a
temperature. Or it can lack the value. `Family.inputs` lists the inputs that keep their meaning. All other inputs are
hidden from the rules, and a rule that requires a hidden input does not apply.
"""

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, NamedTuple

from rlvitals.records.setting_names import ALGORITHM_KEYS, STUDY, STUDY_DIRECTIONS, settings_by_name

_GENERAL = frozenset(
    f"updates.{name}"
    for name in (
        "time", "step", "loss", "value_loss", "learning_rate", "duration", "memory", "reward_mean", "reward_std",
        "observation_std", "observation_constant_fraction", "random_return",
    )
) | frozenset(
    f"settings.{name}"
    for name in (
        "family", "gamma", "learning_rate", "batch_size", "rollout_steps", "environments", "learning_starts",
        "action_dimension", "action_low", "action_high", "action_entropy", "discrete", "max_episode_steps",
        "reward_normalized", "reward_missing", "independent_steps",
    )
)  # fmt: skip
"""Names that mean the same for every algorithm."""

_POLICY = frozenset({
    "updates.entropy", "updates.action_std", "updates.action_bound_fraction",
    "settings.entropy_coefficient", "settings.log_std_init",
})  # fmt: skip
"""A stochastic policy with an entropy bonus, whose standard deviation is a parameter."""

_STATE_VALUES = frozenset({
    "updates.explained_variance", "updates.value_mean", "updates.value_std", "updates.return_mean",
    "updates.return_std", "settings.value_coefficient",
})  # fmt: skip
"""A state-value critic that is fitted to the returns of each rollout."""

_ADVANTAGES = frozenset({
    "updates.advantage_mean", "updates.advantage_std", "updates.advantage_residual", "settings.gae_lambda",
})  # fmt: skip
"""Advantages that are computed from rewards and that critic."""

_CLIPPED_GRADIENTS = frozenset({
    "updates.gradient_norm", "updates.gradient_norm_max", "updates.gradient_norm_limit", "settings.gradient_limit",
})  # fmt: skip
"""Gradients that are usually clipped to about 1, so that a missing limit or a much larger norm is a fault."""

_ROLLOUTS = frozenset({"updates.repeated"})
"""A fresh rollout for each update."""

_EPOCHS = frozenset({"updates.epochs", "settings.epochs"})
"""Several epochs on each rollout."""

_STEP_SIZE = frozenset({"updates.kl_divergence", "settings.target_kl"})
"""KL divergence between the policies before and after an update."""

_SURROGATE = frozenset({"updates.policy_loss", "updates.clip_fraction", "updates.clip_range", "settings.clip_range"})
"""A clipped surrogate loss, which starts at zero in every update and becomes negative."""

_ALL = frozenset().union(
    _GENERAL, _POLICY, _STATE_VALUES, _ADVANTAGES, _CLIPPED_GRADIENTS, _ROLLOUTS, _EPOCHS, _STEP_SIZE, _SURROGATE
)


STUDY_FAMILY = "study"
"""Name of the family of hyperparameter searches."""


class Family(NamedTuple):
    """Algorithms whose inputs have the same meaning.

    Attributes:
        name: Name in `Hyperparameters.family`; empty for an unknown algorithm.
        title: Best-known members.
        traits: Differences from PPO.
        algorithms: Names of the members, in lower case.
        keys: Names of hyperparameters that identify the family if the algorithm is not named.
        inputs: Inputs with the meaning that the rules assume, as `updates.column` and `settings.name`.
        warms_up: Whether training can begin with a phase of random actions without updates, which is faster than
            training. `None` if unknown.
        hidden: Inputs of other streams with another meaning. All others mean the same in every family.
    """

    name: str
    title: str
    traits: str
    algorithms: tuple[str, ...]
    keys: frozenset[str]
    inputs: frozenset[str]
    warms_up: bool | None = False
    hidden: frozenset[str] = frozenset()

    def takes(self, signal: str) -> bool:
        """Return whether an input, as `stream.column`, has the meaning that the rules assume."""
        of_updates = signal.startswith(("updates.", "settings."))
        return signal in self.inputs if of_updates else signal not in self.hidden


UNKNOWN = Family(
    "",
    "unknown",
    "rules use the metrics that it logs; a setting called `epochs` is ignored",
    (),
    frozenset(),
    _ALL - {"settings.epochs"},
    warms_up=None,
)
"""An unknown algorithm: rules use the metrics that it logs. A setting called `epochs` can count anything."""

_OFF_POLICY_KEYS = frozenset({
    "learning_starts", "buffer_size", "replay_buffer_size", "replay_size", "buffer_capacity", "gradient_steps",
    "train_freq", "train_frequency",
})  # fmt: skip

FAMILIES = (
    Family(
        "ppo",
        "PPO",
        "none: the rules were written for PPO",
        ("ppo", "ppo2", "maskableppo", "recurrentppo", "ppolstm", "appo", "mappo", "ippo", "ppg"),
        frozenset({
            "clip_range", "clip_coef", "clip_param", "eps_clip", "clip_range_vf", "n_epochs", "update_epochs",
            "num_sgd_iter", "ppo_epoch",
        }),
        _ALL,
    ),
    Family(
        "a2c",
        "A2C",
        "one epoch, no clipped surrogate, KL divergence unknown",
        ("a2c", "a3c", "acktr", "impala", "vtrace", "actorcritic"),
        frozenset({"use_rms_prop", "rms_prop_eps", "rmsprop_eps"}),
        _ALL - _EPOCHS - _STEP_SIZE - _SURROGATE,
    ),
    Family(
        "trpo",
        "TRPO",
        "natural gradient, no clipped surrogate; the learning rate is that of a separately trained critic",
        ("trpo", "npg"),
        frozenset({"cg_max_steps", "cg_damping", "line_search_max_iter"}),
        _ALL - _EPOCHS - _SURROGATE - _CLIPPED_GRADIENTS - {
            "updates.learning_rate", "settings.learning_rate",
            "settings.value_coefficient", "settings.entropy_coefficient",  # of a joint loss, which TRPO lacks
        },
    ),
    Family(
        "reinforce",
        "REINFORCE",
        "policy gradient without a state-value critic",
        ("reinforce", "vpg", "policygradient"),
        frozenset(),
        _GENERAL | _POLICY | _CLIPPED_GRADIENTS | _ROLLOUTS,
    ),
    Family(
        "grpo",
        "GRPO",
        "language models: no critic, no discount; the KL divergence is the distance from a reference model",
        ("grpo", "drgrpo", "dapo", "gspo", "rloo", "remax"),
        frozenset({"num_generations", "num_generations_eval", "n_samples_per_prompt"}),
        (_GENERAL | _CLIPPED_GRADIENTS) - {"settings.gamma"},
    ),
    Family(
        "tuning",
        "SFT, DPO",
        "supervised and preference fine-tuning of language models: no rollouts; the entropy is that of the tokens",
        ("sft", "dpo", "kto", "orpo", "cpo", "bco", "gkd"),
        frozenset(),
        (_GENERAL | _CLIPPED_GRADIENTS) - {"settings.gamma"},
    ),
    Family(
        "dqn",
        "DQN",
        "off-policy, action values, a warm-up of random actions",
        (
            "dqn", "doubledqn", "ddqn", "duelingdqn", "qrdqn", "rainbow", "c51", "iqn", "fqf", "r2d2", "apex",
            "apexdqn", "nfq", "qlearning", "sarsa",
        ),
        _OFF_POLICY_KEYS
        | {
            "exploration_fraction", "exploration_initial_eps", "exploration_final_eps", "target_update_interval",
            "target_network_frequency", "epsilon_decay", "epsilon_start", "epsilon_end", "start_e", "end_e",
        },
        _GENERAL,
        warms_up=True,
    ),
    Family(
        "sac",
        "SAC, TD3, DDPG",
        "off-policy actor-critic, a warm-up of random actions; the entropy coefficient of SAC is a temperature",
        (
            "sac", "discretesac", "td3", "ddpg", "tqc", "redq", "droq", "crossq", "drq", "drqv2", "d4pg", "mpo", "td7",
            "awac", "iql", "cql", "rlpd",
        ),
        _OFF_POLICY_KEYS
        | {
            "target_entropy", "policy_delay", "target_policy_noise", "target_noise_clip", "policy_frequency",
            "autotune",
        },
        _GENERAL,
        warms_up=True,
    ),
    Family(
        "search",
        "ARS, evolution strategies",
        "search in the policy parameters: no gradients, no discount",
        ("ars", "es", "openaies", "cem", "cmaes", "pgpe", "snes", "neat"),
        frozenset({"n_delta", "n_top", "delta_std", "population_size", "pop_size"}),
        _GENERAL - {"settings.gamma"},
    ),
    Family(
        STUDY_FAMILY,
        "hyperparameter search (Optuna)",
        "each episode is a trial; a sampler need not improve, and nothing is learnt",
        ("optuna",),
        frozenset(),
        frozenset({"settings.family"}),
        hidden=frozenset({"episodes.reward", "episodes.length", "episodes.time"}),
    ),
)  # fmt: skip
"""All families. Algorithm names take precedence; otherwise, the family with the most matching settings is used."""

NAMED: dict[str, Family] = {family.name: family for family in (*FAMILIES, UNKNOWN)}
"""Families by name."""

_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+\d*|[A-Z]+\d*|\d+")


def family_of(configuration: Mapping[str, Any]) -> Family:
    """Return the family of a run by the name of its algorithm, otherwise by its settings.

    Args:
        configuration: Configuration from the header of the run, nested or flat.

    Returns:
        Family; `UNKNOWN` if neither the name nor the settings identify one.
    """
    if {STUDY, STUDY_DIRECTIONS} <= configuration.keys():  # the user can set `algorithm` to the one that is tuned
        return NAMED[STUDY_FAMILY]
    flat = settings_by_name(configuration)
    for key in ALGORITHM_KEYS:
        named = _named(flat[key]) if isinstance(flat.get(key), str) else None
        if named is not None:
            return named
    given = {name for name, value in flat.items() if value is not None}
    best = max(FAMILIES, key=lambda family: len(family.keys & given))
    return best if best.keys & given else UNKNOWN


def is_study(configuration: Mapping[str, Any]) -> bool:
    """Return whether a run records a hyperparameter search, so that its episodes are trials.

    Args:
        configuration: Configuration from the header of the run.
    """
    return family_of(configuration).name == STUDY_FAMILY


def _named(text: str) -> Family | None:
    """Return the family named in a text, as in `PPO`, `MaskablePPO`, `sb3_contrib.qrdqn.QRDQN` or `sac_continuous`."""
    words = [word.lower() for word in _WORDS.findall(text)]
    pairs = [first + second for first, second in pairwise(words)]  # `A2C` is two words
    whole = "".join(words)
    return next((family for one in (whole, *words, *pairs) for family in FAMILIES if one in family.algorithms), None)
