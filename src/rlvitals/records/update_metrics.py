"""Metrics of a PPO update. Other algorithm families define a table like this one.

Healthy ranges such as "90 % of healthy updates" come from 37 healthy PPO runs of two implementations in four
environments.
"""

from rlvitals.records.metric import Metric

_PPO = "Schulman et al. 2017, Proximal Policy Optimization Algorithms, arXiv:1707.06347"
_GAE = "Schulman et al. 2016, High-Dimensional Continuous Control Using GAE, arXiv:1506.02438"
_ENTROPY = "Williams & Peng 1991, Function Optimization Using Connectionist RL Algorithms"
_KL = "Schulman 2020, Approximating KL Divergence (estimator k3), joschu.net/blog/kl-approx.html"
_DETAILS = "Huang et al. 2022, The 37 Implementation Details of PPO, ICLR Blog Track"
_ACTIONS = "Chou et al. 2017, Improving Stochastic Policy Gradients with the Beta Distribution, PMLR 70"
_OWN = "rlvitals"

PPO_UPDATES = (
    Metric(
        "step",
        "Step",
        "steps",
        "Step of the training loop: environment steps, or the number of the update.",
        "SB3 `num_timesteps`",
        "Increases. Drops when training resumes from a checkpoint.",
        0.0,
        format="count",
        panel="clock",
    ),
    Metric(
        "env_step",
        "Environment step",
        "steps",
        "Environment steps until now, including the rollout of this update.",
        "SB3 `num_timesteps`",
        "Increases by the rollout size.",
        0.0,
        short="step",
        format="count",
        panel="clock",
    ),
    Metric(
        "update",
        "Update",
        "updates",
        "Number of the update. One update is one rollout with all its epochs.",
        "SB3 `time/iterations`",
        "Increases by one.",
        0.0,
        format="count",
        panel="clock",
    ),
    Metric(
        "policy_loss",
        "Policy loss",
        "1",
        "PPO's clipped surrogate loss: -mean(min(r A, clip(r, 1 - c, 1 + c) A)), with probability ratio "
        "r = exp(log pi_new(a|s) - log pi_old(a|s)), advantages A (normalised per minibatch if the algorithm does so) "
        "and clip range c. Mean over all minibatches of all epochs.",
        f"{_PPO}, equation 7; SB3 `train/policy_gradient_loss`, CleanRL `losses/policy_loss`",
        "Small and around zero, mostly negative. Its size does not measure how good the policy is.",
        short="policy",
        panel="update",
    ),
    Metric(
        "value_loss",
        "Value loss",
        "reward^2",
        "Squared error of the value function: mean((R - V)^2), with returns R = A + V_old and the values V before each "
        "optimiser step (clipped to V_old +/- a range if value clipping is on). Mean over all minibatches of all "
        "epochs.",
        f"{_PPO}, equation 9; SB3 `train/value_loss`. CleanRL's `losses/value_loss` is half of it",
        "Falls relative to the variance of the returns. Jumps when the policy reaches new returns.",
        0.0,
        short="value",
        better="lower",
        panel="update",
    ),
    Metric(
        "entropy",
        "Entropy",
        "nats",
        "Randomness of the policy, mean(H(pi(.|s))): -sum p log p of a discrete policy, or the sum over dimensions of "
        "log(std sqrt(2 pi e)) of a Gaussian policy; mean(-log pi(a|s)) without a closed form. Mean over all "
        "minibatches of all epochs.",
        f"{_ENTROPY}; SB3 `train/entropy_loss`, negated",
        "Starts near the entropy of the uniform policy (log n for n actions) and falls slowly. At least 0 for a "
        "discrete policy; can be negative for a Gaussian policy.",
        panel="update",
    ),
    Metric(
        "kl_divergence",
        "KL divergence",
        "nats",
        "How far the update moves the policy: estimate of KL(pi_old || pi_new) from the actions of the rollout, "
        "mean((r - 1) - log r), which is never negative. SB3 averages over the minibatches of the last epoch, CleanRL "
        "uses the last minibatch.",
        f"{_KL}; SB3 `train/approx_kl`, CleanRL `losses/approx_kl`",
        "Mostly below 0.02 with common settings (Huang et al. 2022); 0.001 to 0.09 for 90 % of healthy updates. "
        "Exactly 0: the policy does not change. Far above its own history: the steps are too large.",
        0.0,
        0.1,
        short="KL",
        panel="update",
    ),
    Metric(
        "clip_fraction",
        "Clip fraction",
        "1",
        "Share of samples whose probability ratio is outside the clip range: mean(|r - 1| > c). Mean over all "
        "minibatches of all epochs.",
        "OpenAI Baselines `ppo2`; SB3 `train/clip_fraction`, CleanRL `losses/clipfrac`",
        "Some samples are clipped, most are not: 0.004 to 0.47 for 90 % of healthy updates. Always 0: steps are too "
        "small, or the policy does not change.",
        0.0,
        0.5,
        short="clipped",
        panel="update",
        limits=(0.0, 1.0),
    ),
    Metric(
        "explained_variance",
        "Explained variance",
        "1",
        "How well the value function predicts the returns: 1 - Var[R - V] / Var[R] over the rollout, with the "
        "values V from before the update. 1 is perfect, 0 is no better than a constant, below 0 is worse. NaN if the "
        "returns do not vary.",
        "OpenAI Baselines `explained_variance`; SB3 `train/explained_variance`",
        "Rises from about 0 towards 1. Means little if the returns hardly vary, as on a solved task.",
        0.0,
        1.0,
        short="expl. var.",
        better="higher",
        panel="update",
        limits=(None, 1.0),
    ),
    Metric(
        "learning_rate",
        "Learning rate",
        "1",
        "Learning rate of the optimiser at this update.",
        "Kingma & Ba 2015, Adam, arXiv:1412.6980; SB3 `train/learning_rate`",
        "Above 0 and as scheduled. 3e-4 is a common initial value.",
        0.0,
        short="learn. rate",
        panel="update",
    ),
    Metric(
        "gradient_norm",
        "Gradient norm",
        "1",
        "L2 norm of the gradient of the total loss over all parameters, before clipping. Mean over the minibatches "
        "with an optimiser step.",
        "Pascanu et al. 2013, On the Difficulty of Training RNNs, arXiv:1211.5063; torch `clip_grad_norm_`",
        "Steady compared with its own history, even if it is far above the limit. 0: the networks do not learn.",
        0.0,
        short="gradient",
        panel="update",
    ),
    Metric(
        "gradient_norm_max",
        "Largest gradient norm",
        "1",
        "Largest gradient norm in the update, before clipping.",
        "torch `clip_grad_norm_`",
        "Within about ten times the mean.",
        0.0,
        panel="update detail",
    ),
    Metric(
        "gradient_norm_limit",
        "Gradient norm limit",
        "1",
        "Norm to which gradients are clipped: g is multiplied by min(1, limit / |g|).",
        f"{_DETAILS}; SB3 `max_grad_norm`",
        "Usually 0.5.",
        0.0,
        panel="update detail",
    ),
    Metric(
        "clip_range",
        "Clip range",
        "1",
        "Clip range c: the ratio r is clipped to [1 - c, 1 + c].",
        f"{_PPO}; SB3 `train/clip_range`",
        "0.1 to 0.3, as scheduled.",
        0.0,
        panel="update detail",
    ),
    Metric(
        "loss",
        "Loss",
        "1",
        "Total loss: policy_loss + c_v value_loss - c_e entropy, with value coefficient c_v and entropy coefficient "
        "c_e. SB3 reports the last minibatch.",
        f"{_PPO}, equation 9; SB3 `train/loss`",
        "Finite. The individual losses are more informative than their sum.",
        panel="update detail",
    ),
    Metric(
        "action_std",
        "Action std",
        "action",
        "Standard deviation of a Gaussian policy, averaged over the action dimensions: mean(exp(log std)).",
        "SB3 `train/std`",
        "Falls slowly from its initial value, usually 1. Growing without limit: the entropy coefficient is too large, "
        "or the advantages carry no information about actions.",
        0.0,
        panel="update detail",
    ),
    Metric(
        "action_bound_fraction",
        "Actions at a bound",
        "1",
        "Share of sampled action components in the rollout that are at or beyond a bound of the action space.",
        _ACTIONS,
        "Depends on the task. A rise towards 1 compared with its own history is a warning sign.",
        0.0,
        1.0,
        panel="update detail",
        limits=(0.0, 1.0),
    ),
    Metric(
        "advantage_mean",
        "Mean advantage",
        "reward",
        "Mean advantage over the rollout: A_t = sum over l of (gamma lambda)^l delta_(t+l), with "
        "delta_t = r_t + gamma V(s_(t+1)) - V(s_t), before normalisation.",
        f"{_GAE}, equation 16",
        "Around 0 once the value function matches the level of the returns.",
        panel="update detail",
    ),
    Metric(
        "advantage_std",
        "Advantage std",
        "reward",
        "Standard deviation of the advantages over the rollout, before normalisation.",
        _GAE,
        "Above 0. At 0 there is no signal to learn from.",
        0.0,
        panel="update detail",
    ),
    Metric(
        "value_mean",
        "Mean value",
        "reward",
        "Mean value estimate V(s_t) over the rollout, from before the update.",
        _GAE,
        "Follows `return_mean`.",
        panel="update detail",
    ),
    Metric(
        "return_mean",
        "Mean return",
        "reward",
        "Mean return R_t = A_t + V(s_t) over the rollout, the target of the value function.",
        f"{_GAE}; SB3 `RolloutBuffer.returns`",
        "Rises with the episode reward.",
        panel="update detail",
    ),
    Metric(
        "return_std",
        "Return std",
        "reward",
        "Standard deviation of the returns R_t over the rollout.",
        _GAE,
        "Above 0. If the returns hardly vary, `explained_variance` means little.",
        0.0,
        panel="update detail",
    ),
    Metric(
        "reward_mean",
        "Mean step reward",
        "reward",
        "Mean reward per step of the rollout, as the algorithm sees it (normalised if the environment normalises).",
        "SB3 `RolloutBuffer.rewards`",
        "Rises if episodes have a fixed length.",
        panel="update detail",
    ),
    Metric(
        "epochs",
        "Epochs",
        "epochs",
        "Passes over the rollout: minibatches with an optimiser step / minibatches per pass.",
        f"{_PPO}, algorithm 1",
        "The configured number. Fewer if `target_kl` stops the update early, which should be rare.",
        0.0,
        panel="update detail",
    ),
    Metric(
        "duration",
        "Update duration",
        "s",
        "Wall time of the update, without the rollout.",
        _OWN,
        "Steady.",
        0.0,
        short="duration",
        panel="update detail",
    ),
)
"""Metrics of a PPO update, in the order of pages and reports."""
