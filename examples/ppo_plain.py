"""PPO in one file, in the style of CleanRL, without any recording.

    python examples/ppo_plain.py [STEPS]

`docs/guides/plain-ppo.md` adds the recording, in fewer than 20 lines.
"""

import sys
from dataclasses import dataclass

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Discrete
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from torch import Tensor, nn
from torch.distributions import Categorical


@dataclass
class Settings:
    """Hyperparameters."""

    env_id: str = "CartPole-v1"
    seed: int = 1
    total_timesteps: int = 100_000
    num_envs: int = 4
    num_steps: int = 128
    update_epochs: int = 4
    num_minibatches: int = 4
    learning_rate: float = 2.5e-4
    gamma: float = 0.99
    gae_lambda: float = 0.95
    clip_coef: float = 0.2
    ent_coef: float = 0.01
    vf_coef: float = 0.5
    max_grad_norm: float = 0.5


def layer(inputs: int, outputs: int, scale: float) -> nn.Linear:
    """Return a linear layer with orthogonal weights."""
    linear = nn.Linear(inputs, outputs)
    nn.init.orthogonal_(linear.weight, scale)
    nn.init.zeros_(linear.bias)
    return linear


def network(inputs: int, outputs: int, scale: float) -> nn.Sequential:
    """Return a network with two hidden layers."""
    hidden = (layer(inputs, 64, 2**0.5), nn.Tanh(), layer(64, 64, 2**0.5), nn.Tanh())
    return nn.Sequential(*hidden, layer(64, outputs, scale))


def advantages_of(rewards: Tensor, dones: Tensor, values: Tensor, last_value: Tensor, args: Settings) -> Tensor:
    """Return the generalised advantage estimates, shape `(steps, environments)`. `dones` are those after each step."""
    advantages, running, following = torch.zeros_like(rewards), torch.zeros_like(last_value), last_value
    for t in reversed(range(len(rewards))):
        delta = rewards[t] + args.gamma * following * (1.0 - dones[t]) - values[t]
        advantages[t] = running = delta + args.gamma * args.gae_lambda * (1.0 - dones[t]) * running
        following = values[t]
    return advantages


def main(args: Settings) -> None:
    """Train an agent."""
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    make = [lambda: gymnasium.make(args.env_id)] * args.num_envs
    envs = SyncVectorEnv(make, autoreset_mode=AutoresetMode.SAME_STEP)
    assert isinstance(envs.single_action_space, Discrete)
    observation = torch.tensor(envs.reset(seed=args.seed)[0])
    actor = network(observation.shape[1], int(envs.single_action_space.n), 0.01)
    critic = network(observation.shape[1], 1, 1.0)
    parameters = [*actor.parameters(), *critic.parameters()]
    optimizer = torch.optim.Adam(parameters, lr=args.learning_rate, eps=1e-5)
    batch_size = args.num_envs * args.num_steps
    for update in range(1, args.total_timesteps // batch_size + 1):
        rollout: list[tuple[Tensor, ...]] = []
        for _ in range(args.num_steps):
            with torch.no_grad():
                policy, value = Categorical(logits=actor(observation)), critic(observation).squeeze(-1)
                action = policy.sample()
                log_probability = policy.log_prob(action)
            following, reward, terminated, truncated, _ = envs.step(action.numpy())
            done = torch.tensor(terminated | truncated, dtype=torch.float32)
            rewards = torch.tensor(reward, dtype=torch.float32)
            rollout.append((observation, action, log_probability, rewards, done, value))
            observation = torch.tensor(following)
        observations, taken, old, rewards, dones, values = (
            torch.stack(column) for column in zip(*rollout, strict=True)
        )
        with torch.no_grad():
            advantages = advantages_of(rewards, dones, values, critic(observation).squeeze(-1), args)
        returns = advantages + values
        columns = [observations.flatten(0, 1), *(c.flatten() for c in (taken, old, advantages, returns))]
        clipped = []
        for _ in range(args.update_epochs):
            for indices in torch.randperm(batch_size).chunk(args.num_minibatches):
                seen, taken, old, gain, target = (column[indices] for column in columns)
                policy = Categorical(logits=actor(seen))
                log_ratio = policy.log_prob(taken) - old
                ratio = log_ratio.exp()
                approx_kl = (ratio - 1 - log_ratio).mean()
                clipped.append(((ratio - 1).abs() > args.clip_coef).float().mean().item())
                gain = (gain - gain.mean()) / (gain.std() + 1e-8)
                bounded = ratio.clamp(1 - args.clip_coef, 1 + args.clip_coef)
                policy_loss = -torch.min(gain * ratio, gain * bounded).mean()
                value_loss = (critic(seen).squeeze(-1) - target).square().mean()
                entropy = policy.entropy().mean()
                loss = policy_loss - args.ent_coef * entropy + args.vf_coef * 0.5 * value_loss
                optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(parameters, args.max_grad_norm)
                optimizer.step()
        explained = 1 - (returns - values).var() / returns.var()
        if update % 20 == 0:
            print(f"step {update * batch_size:7}: KL {approx_kl:.4f}, clipped {np.mean(clipped):.2f}, {explained=:.2f}")


if __name__ == "__main__":
    main(Settings(total_timesteps=int(sys.argv[1])) if len(sys.argv) > 1 else Settings())
