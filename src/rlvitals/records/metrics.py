"""The metric dictionary: what each number in a record means.

One table says of every numeric field its unit, its formula, where that comes from and what is healthy; tooltips and
`docs/metrics.md` are made from it.

What is healthy is said in words, as it depends on the environment; in numbers only where it carries from one to
another. "Nine of ten" there means the updates of 37 healthy PPO trainings by two implementations in four environments.
"""

from typing import NamedTuple


class Metric(NamedTuple):
    """What one number means.

    Attributes:
        name: The record's field.
        unit: What it is counted or measured in; `1` for a pure number, `reward` for the environment's own unit.
        formula: How it is computed.
        source: The paper or the reference implementation that defines it.
        healthy: What it looks like in a healthy training.
        low: The least healthy value, where that can be said in numbers.
        high: The greatest.
    """

    name: str
    unit: str
    formula: str
    source: str = ""
    healthy: str = ""
    low: float | None = None
    high: float | None = None


_PPO = "Schulman et al. 2017, Proximal Policy Optimization Algorithms, arXiv:1707.06347"
_GAE = "Schulman et al. 2016, High-Dimensional Continuous Control Using GAE, arXiv:1506.02438"
_ENTROPY = "Williams & Peng 1991, Function Optimization Using Connectionist RL Algorithms"
_KL = "Schulman 2020, Approximating KL Divergence (estimator k3), joschu.net/blog/kl-approx.html"
_DETAILS = "Huang et al. 2022, The 37 Implementation Details of PPO, ICLR Blog Track"
_ACTIONS = "Chou et al. 2017, Improving Stochastic Policy Gradients with the Beta Distribution, PMLR 70"
_EVALUATION = "Henderson et al. 2018, Deep Reinforcement Learning that Matters, arXiv:1709.06560"
_QUALITY = "The environment's own measure; for images SSIM: Wang et al. 2004, Image Quality Assessment, IEEE TIP 13(4)"
_GYMNASIUM = "Gymnasium `RecordEpisodeStatistics`"
_PSUTIL = "psutil"
_NVML = "NVIDIA Management Library (NVML)"
_OWN = "rlvitals"

_SHARED = (
    Metric(
        "time",
        "s",
        "Seconds since 1970-01-01 UTC at which the record was made.",
        "POSIX",
        "Hardly ever runs back.",
        0.0,
    ),
    Metric("writer", "1", "Number of the writer in `run.json`: one more at each resumption and each rewind.", _OWN),
)

_EPISODES = (
    Metric("episode", "episodes", "Number of the episode, as the training loop counts.", _OWN, "", 0.0),
    Metric(
        "reward",
        "reward",
        "Return of the episode, not discounted: sum over t of r_t, before any normalisation of rewards.",
        f'{_GYMNASIUM}, `info["episode"]["r"]`; mean over 100: SB3 `rollout/ep_rew_mean`',
        "Rises, then stays; it is its trend that counts, and that it is finite.",
    ),
    Metric(
        "length",
        "steps",
        "Environment steps of the episode.",
        f'{_GYMNASIUM}, `info["episode"]["l"]`',
        "Steady, or moving with the reward. At least 1; always 1 is right for one-step tasks only.",
        1.0,
    ),
    Metric(
        "env_step",
        "steps",
        "Environment steps of the whole training at its end, all environments together.",
        "SB3 `num_timesteps`",
        "Grows.",
        0.0,
    ),
    Metric(
        "quality_initial", "1", "Quality before the agent's first action.", _QUALITY, "Within the measure's own range."
    ),
    Metric("quality_final", "1", "Quality that was reached.", _QUALITY, "Above `quality_initial` on the whole."),
    Metric("quality_improvement", "1", "quality_final - quality_initial", _OWN, "Positive on the whole, and rising."),
    Metric(
        "duration",
        "s",
        "Wall time of the episode.",
        f'{_GYMNASIUM}, `info["episode"]["t"]`',
        "Steady for episodes of one length.",
        0.0,
    ),
    Metric("memory", "MiB", "Resident memory of the process at its end.", _PSUTIL, "Level once buffers are full.", 0.0),
    Metric(
        "env_index",
        "1",
        "Which of several environments it ran in, from 0.",
        "Gymnasium `VectorEnv`",
        "All of them come.",
        0.0,
    ),
)

_UPDATES = (
    Metric(
        "step",
        "steps",
        "The training's own clock: environment steps so far, or the number of the update.",
        "SB3 `num_timesteps`",
        "Grows; falls where a checkpoint was taken up again.",
        0.0,
    ),
    Metric(
        "env_step",
        "steps",
        "Environment steps so far, the rollout of this update included.",
        "SB3 `num_timesteps`",
        "Grows by a rollout a time.",
        0.0,
    ),
    Metric(
        "update",
        "updates",
        "Number of the update: one rollout, all its epochs.",
        "SB3 `time/iterations`",
        "Grows by one.",
        0.0,
    ),
    Metric(
        "policy_loss",
        "1",
        "Clipped surrogate, negated: -mean(min(r A, clip(r, 1 - c, 1 + c) A)), with the probability ratio "
        "r = exp(log pi_new(a|s) - log pi_old(a|s)), advantages A (normalised in each minibatch where the algorithm "
        "does so) and clip range c. Mean over all minibatches of all epochs.",
        f"{_PPO}, equation 7; SB3 `train/policy_gradient_loss`, CleanRL `losses/policy_loss`",
        "Small, around zero, mostly below it; its size says nothing of how good the policy is.",
    ),
    Metric(
        "value_loss",
        "reward^2",
        "mean((R - V)^2), with returns R = A + V_old and the values V before each step of the optimiser (clipped to "
        "V_old +/- a range where that is asked for). Mean over all minibatches of all epochs.",
        f"{_PPO}, equation 9; SB3 `train/value_loss`. CleanRL's `losses/value_loss` is half of it",
        "Falls against the variance of the returns; jumps where the policy finds new returns.",
        0.0,
    ),
    Metric(
        "entropy",
        "nats",
        "mean(H(pi(.|s))): -sum p log p of a discrete policy, the sum over dimensions of log(std sqrt(2 pi e)) of a "
        "Gaussian one; mean(-log pi(a|s)) where there is no closed form. Mean over all minibatches of all epochs.",
        f"{_ENTROPY}; SB3 `train/entropy_loss`, negated",
        "Begins near that of the uniform policy (log n for n actions) and falls slowly. Of a discrete policy it is at "
        "least 0; of a Gaussian one it may be negative.",
    ),
    Metric(
        "kl_divergence",
        "nats",
        "Estimate of KL(pi_old || pi_new) from the rollout's actions: mean((r - 1) - log r), which is never negative. "
        "SB3 takes the mean over the minibatches of the last epoch, CleanRL the last minibatch.",
        f"{_KL}; SB3 `train/approx_kl`, CleanRL `losses/approx_kl`",
        "Mostly below 0.02 with the usual settings (Huang et al. 2022); nine of ten lie between 0.001 and 0.09. "
        "Exactly 0: the policy does not change. Far above its own history: steps too large.",
        0.0,
        0.1,
    ),
    Metric(
        "clip_fraction",
        "1",
        "Share of samples whose ratio is outside of the clip range: mean(|r - 1| > c). Mean over all minibatches of "
        "all epochs.",
        "OpenAI Baselines `ppo2`; SB3 `train/clip_fraction`, CleanRL `losses/clipfrac`",
        "Some are clipped, most are not: nine of ten lie between 0.004 and 0.47. Always 0: steps too small, or none.",
        0.0,
        0.5,
    ),
    Metric(
        "explained_variance",
        "1",
        "1 - Var[R - V] / Var[R] over the rollout, with the values V from before the update; not a number where the "
        "returns do not vary. 1: perfect; 0: no better than a constant; below 0: worse than one.",
        "OpenAI Baselines `explained_variance`; SB3 `train/explained_variance`",
        "Rises from about 0 towards 1. Means little where returns hardly vary, as they do on a task that is solved.",
        0.0,
        1.0,
    ),
    Metric(
        "learning_rate",
        "1",
        "Step size of the optimiser at this update.",
        "Kingma & Ba 2015, Adam, arXiv:1412.6980; SB3 `train/learning_rate`",
        "As scheduled, and above 0; 3e-4 is the usual start.",
        0.0,
    ),
    Metric(
        "gradient_norm",
        "1",
        "L2 norm of the gradient of the total loss over all parameters, before clipping. Mean over the minibatches "
        "that were stepped on.",
        "Pascanu et al. 2013, On the Difficulty of Training RNNs, arXiv:1211.5063; torch `clip_grad_norm_`",
        "Steady against its own history, also where it is far above the limit. 0: nothing is learned.",
        0.0,
    ),
    Metric(
        "gradient_norm_max",
        "1",
        "The largest of those norms in the update.",
        "torch `clip_grad_norm_`",
        "Within some ten times their mean.",
        0.0,
    ),
    Metric(
        "gradient_norm_limit",
        "1",
        "The norm to which gradients are clipped: g is multiplied by min(1, limit / |g|).",
        f"{_DETAILS}; SB3 `max_grad_norm`",
        "0.5 as a rule.",
        0.0,
    ),
    Metric(
        "clip_range",
        "1",
        "c: the ratio r is clipped to [1 - c, 1 + c].",
        f"{_PPO}; SB3 `train/clip_range`",
        "0.1 to 0.3, as scheduled.",
        0.0,
    ),
    Metric(
        "loss",
        "1",
        "policy_loss + c_v value_loss - c_e entropy, with the coefficients of the value function and of the entropy. "
        "SB3 takes the last minibatch.",
        f"{_PPO}, equation 9; SB3 `train/loss`",
        "Finite. Its parts say more than their sum.",
    ),
    Metric(
        "action_std",
        "action",
        "Standard deviation of a Gaussian policy, mean over the action's dimensions: mean(exp(log std)).",
        "SB3 `train/std`",
        "Falls slowly from 1. Growing without end: the advantages say nothing about actions.",
        0.0,
    ),
    Metric(
        "action_bound_fraction",
        "1",
        "Share of the rollout's action components that lie at or beyond a bound of the action space, as sampled.",
        _ACTIONS,
        "Tasks differ; against its own history it should not run up to 1.",
        0.0,
        1.0,
    ),
    Metric(
        "advantage_mean",
        "reward",
        "Mean over the rollout of A_t = sum over l of (gamma lambda)^l delta_(t+l), with "
        "delta_t = r_t + gamma V(s_(t+1)) - V(s_t), before normalisation.",
        f"{_GAE}, equation 16",
        "Around 0 once the value function has found the level of the returns.",
    ),
    Metric(
        "advantage_std",
        "reward",
        "Standard deviation of those advantages, before normalisation.",
        _GAE,
        "Above 0: with none there is nothing to learn from.",
        0.0,
    ),
    Metric(
        "value_mean",
        "reward",
        "Mean over the rollout of V(s_t), from before the update.",
        _GAE,
        "Follows `return_mean`.",
    ),
    Metric(
        "return_mean",
        "reward",
        "Mean over the rollout of R_t = A_t + V(s_t), the target of the value function.",
        f"{_GAE}; SB3 `RolloutBuffer.returns`",
        "Rises with the episodes' reward.",
    ),
    Metric(
        "return_std",
        "reward",
        "Standard deviation of those returns over the rollout.",
        _GAE,
        "Above 0 until the task is solved.",
        0.0,
    ),
    Metric(
        "reward_mean",
        "reward",
        "Mean reward of a step of the rollout, as the algorithm sees it: normalised where the environment is.",
        "SB3 `RolloutBuffer.rewards`",
        "Rises where episodes have one length.",
    ),
    Metric(
        "epochs",
        "epochs",
        "Passes over the rollout that were really made: minibatches stepped on / minibatches a pass.",
        f"{_PPO}, algorithm 1",
        "As many as asked for; fewer where `target_kl` stops them, at best now and then.",
        0.0,
    ),
    Metric("duration", "s", "Wall time of the update, without the rollout.", _OWN, "Steady.", 0.0),
)

_EVALUATIONS = (
    Metric("episode", "episodes", "Episodes of training before the evaluation.", _OWN, "Grows.", 0.0),
    Metric(
        "reward",
        "reward",
        "Mean return of the episodes evaluated, apart from training.",
        f"{_EVALUATION}; SB3 `eval/mean_reward`",
        "Follows the training's, and beats the baselines.",
    ),
    Metric("quality", "1", "Mean final quality of the episodes evaluated.", _QUALITY, "Above that of the baselines."),
    Metric("success_rate", "1", "Successes / episodes evaluated.", "SB3 `eval/success_rate`", "Rises.", 0.0, 1.0),
    Metric(
        "episodes",
        "episodes",
        "Episodes that were evaluated.",
        "SB3 `n_eval_episodes`",
        "Enough for the spread to be small against the difference sought.",
        1.0,
    ),
    Metric(
        "env_step",
        "steps",
        "Environment steps of training before the evaluation.",
        "SB3 `num_timesteps`",
        "Grows.",
        0.0,
    ),
    Metric(
        "reward_std",
        "reward",
        "Standard deviation of those returns over episodes.",
        "SB3 `evaluate_policy`",
        "Small against the mean's rise.",
        0.0,
    ),
    Metric(
        "quality_std",
        "1",
        "Standard deviation of the final quality over episodes.",
        _OWN,
        "Small against the mean's rise.",
        0.0,
    ),
    Metric(
        "length", "steps", "Mean length of the episodes evaluated.", "SB3 `eval/mean_ep_length`", "As in training.", 1.0
    ),
    Metric("duration", "s", "Wall time of the evaluation.", _OWN, "Small against the time between two.", 0.0),
)

_SYSTEM = (
    Metric("env_step", "steps", "The furthest environment step that was said so far.", _OWN, "Grows.", 0.0),
    Metric("episode", "episodes", "Number of the last episode that ended.", _OWN, "Grows.", 0.0),
    Metric(
        "memory",
        "MiB",
        "Resident memory of the training's process (RSS).",
        f"{_PSUTIL} `memory_info().rss`",
        "Level once buffers are full; a steady slope is a leak.",
        0.0,
    ),
    Metric(
        "memory_available",
        "MiB",
        "Memory of the machine that can be had without swapping.",
        f"{_PSUTIL} `virtual_memory().available`",
        "Well above 0.",
        0.0,
    ),
    Metric(
        "cpu_percent",
        "%",
        "CPU time of the process / wall time since the last sample; 100 is one core.",
        f"{_PSUTIL} `cpu_percent()`",
        "Near 100 times the cores that the training is to use.",
        0.0,
    ),
    Metric("threads", "threads", "Threads of the process.", f"{_PSUTIL} `num_threads()`", "Level.", 1.0),
    Metric(
        "gpu_utilization",
        "%",
        "Share of time in which a kernel ran, mean over the machine's GPUs.",
        f"{_NVML} `utilization.gpu`",
        "Low for small networks.",
        0.0,
        100.0,
    ),
    Metric(
        "gpu_memory",
        "MiB",
        "Memory in use on the machine's GPUs, all together.",
        f"{_NVML} `memory.used`",
        "Level.",
        0.0,
    ),
    Metric(
        "env_steps_per_second",
        "steps/s",
        "Environment steps since the last sample / seconds since then.",
        "SB3 `time/fps`, there over the whole run",
        "Steady.",
        0.0,
    ),
    Metric(
        "episodes_per_minute",
        "episodes/min",
        "60 times the episodes that ended since the last sample / seconds since then.",
        _OWN,
        "Steady for episodes of one length.",
        0.0,
    ),
)

METRICS: dict[str, tuple[Metric, ...]] = {
    "episodes": _SHARED + _EPISODES,
    "updates": _SHARED + _UPDATES,
    "evaluations": _SHARED + _EVALUATIONS,
    "system": _SHARED + _SYSTEM,
}
"""The metrics of each stream whose records have numbers of their own."""


def metric(stream: str, name: str) -> Metric | None:
    """What a number means; `None` for one that is the user's own."""
    return next((entry for entry in METRICS.get(stream, ()) if entry.name == name), None)
