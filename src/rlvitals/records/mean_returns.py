"""Names under which training programs log the mean return, for runs without episode records."""

from typing import NamedTuple


class MeanReturn(NamedTuple):
    """A metric that represents the reward.

    Attributes:
        tag: Full name of the metric, with its group: `rollout/ep_rew_mean`.
        meaning: What the values measure.
    """

    tag: str
    meaning: str

    @property
    def category(self) -> str:
        """Category of the `Scalars` that hold the metric. Names without a group are in `scalars`."""
        return self.tag.partition("/")[0] if "/" in self.tag else "scalars"

    @property
    def is_in_any_category(self) -> bool:
        """Whether the name is unambiguous in any category. An importer may use its own category."""
        return "/" not in self.tag and self.tag not in _PLAIN

    @property
    def name(self) -> str:
        """Name of the metric in its category."""
        return self.tag.partition("/")[2] or self.tag


_PLAIN = frozenset({"reward", "episode_reward", "return", "score"})
"""Names that can have other meanings in custom categories."""
_RECENT = "mean return of recent episodes"
_EPISODE = "return of single episodes"
_BATCH = "mean reward of a batch"

MEAN_RETURNS: tuple[MeanReturn, ...] = (
    MeanReturn("rollout/ep_rew_mean", _RECENT),  # Stable-Baselines3
    MeanReturn("charts/episodic_return", _EPISODE),  # CleanRL, if it logs no lengths of single episodes
    MeanReturn("episode/reward", _EPISODE),  # the tag of rlvitals, if it is not an episode
    MeanReturn("train/returns_stat/mean", _RECENT),  # Tianshou 1.x
    MeanReturn("ray/tune/env_runners/episode_return_mean", _RECENT),  # RLlib's new API stack
    MeanReturn("env_runners/episode_return_mean", _RECENT),
    MeanReturn("ray/tune/env_runners/episode_reward_mean", _RECENT),
    MeanReturn("env_runners/episode_reward_mean", _RECENT),
    MeanReturn("ray/tune/sampler_results/episode_reward_mean", _RECENT),
    MeanReturn("sampler_results/episode_reward_mean", _RECENT),
    MeanReturn("ray/tune/episode_reward_mean", _RECENT),  # RLlib's old API stack
    MeanReturn("episode_return_mean", _RECENT),
    MeanReturn("episode_reward_mean", _RECENT),
    MeanReturn("ep_rew_mean", _RECENT),
    MeanReturn("ep_reward_mean", _RECENT),
    MeanReturn("eprewmean", _RECENT),  # OpenAI Baselines' PPO2
    MeanReturn("EpRewMean", _RECENT),  # OpenAI Baselines' PPO1 and TRPO
    MeanReturn("mean 100 episode reward", _RECENT),  # OpenAI Baselines' DQN
    MeanReturn("AverageEpRet", _RECENT),  # Spinning Up
    MeanReturn("Metrics/EpRet", _RECENT),  # OmniSafe
    MeanReturn("Evaluation/AverageReturn", _RECENT),  # garage
    MeanReturn("AverageReturn", _RECENT),  # rllab
    MeanReturn("exploration/Returns Mean", _RECENT),  # rlkit
    MeanReturn("rollout/return", _RECENT),  # OpenAI Baselines' DDPG
    MeanReturn("Train/mean_reward", _RECENT),  # RSL-RL
    MeanReturn("rewards/step", _RECENT),  # rl_games
    MeanReturn("Environment/Cumulative Reward", _RECENT),  # ML-Agents
    MeanReturn("Reward / Total reward (mean)", _RECENT),  # skrl
    MeanReturn("episode_reward", _EPISODE),  # Stable-Baselines 2
    MeanReturn("episode_return", _EPISODE),  # custom loops
    MeanReturn("episodic_return", _EPISODE),
    MeanReturn("return", _EPISODE),
    MeanReturn("score", _EPISODE),
    MeanReturn("train/reward", _BATCH),  # TRL's GRPO; Tianshou before 1.0 (mean of a collection)
    MeanReturn("train/rew", _RECENT),
    MeanReturn("reward", _BATCH),  # TRL's `trainer_state.json`
    MeanReturn("train/rewards/mean", _BATCH),
    MeanReturn("rewards/mean", _BATCH),
    MeanReturn("objective/scores", _BATCH),  # TRL's PPO
    MeanReturn("critic/score/mean", _BATCH),  # verl
    MeanReturn("critic/rewards/mean", _BATCH),
    MeanReturn("reward/mean", _BATCH),  # prime-rl
)
"""The metrics by priority. A run with several uses the first."""
