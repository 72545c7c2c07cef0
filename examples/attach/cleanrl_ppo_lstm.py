"""Recurrent PPO in a single file: an LSTM, and minibatches of whole environments."""

import json
import random
import time
from dataclasses import asdict, dataclass

import gymnasium as gym
import numpy as np
import torch
from torch import nn, optim
from torch.distributions.categorical import Categorical
from torch.utils.tensorboard import SummaryWriter


@dataclass
class Args:
    exp_name: str = "cleanrl_ppo_lstm"
    env_id: str = "CartPole-v1"
    seed: int = 1
    total_timesteps: int = 4_096
    learning_rate: float = 2.5e-3
    num_envs: int = 8
    num_steps: int = 64
    gamma: float = 0.99
    clip_coef: float = 0.1
    ent_coef: float = 0.01
    update_epochs: int = 2


class Agent(nn.Module):
    def __init__(self, width: int, actions: int) -> None:
        super().__init__()
        self.network = nn.Sequential(nn.Linear(width, 64), nn.ReLU())
        self.lstm = nn.LSTM(64, 32)
        self.actor = nn.Linear(32, actions)
        self.critic = nn.Linear(32, 1)

    def get_states(self, x, state, done):
        hidden = self.network(x).reshape((-1, state[0].shape[1], 64))
        outputs = []
        for h, d in zip(hidden, done.reshape((-1, state[0].shape[1])), strict=True):
            keep = (1.0 - d).view(1, -1, 1)
            out, state = self.lstm(h.unsqueeze(0), (keep * state[0], keep * state[1]))
            outputs.append(out)
        return torch.flatten(torch.cat(outputs), 0, 1), state

    def get_action_and_value(self, x, state, done, action=None):
        hidden, state = self.get_states(x, state, done)
        probs = Categorical(logits=self.actor(hidden))
        action = probs.sample() if action is None else action
        return action, probs.log_prob(action), probs.entropy(), self.critic(hidden), state


def main() -> None:
    args = Args()
    run_name = f"{args.env_id}__{args.exp_name}__{args.seed}__{int(time.time())}"
    writer = SummaryWriter(f"runs/{run_name}")
    rows = "\n".join(f"|{key}|{value}|" for key, value in asdict(args).items())
    writer.add_text("hyperparameters", f"|param|value|\n|-|-|\n{rows}")
    random.seed(args.seed)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)

    envs = gym.vector.SyncVectorEnv(
        [lambda: gym.wrappers.RecordEpisodeStatistics(gym.make(args.env_id)) for _ in range(args.num_envs)]
    )
    agent = Agent(4, 2)
    optimizer = optim.Adam(agent.parameters(), lr=args.learning_rate)
    shape = (args.num_steps, args.num_envs)
    obs = torch.zeros((*shape, 4))
    actions, logprobs, rewards, dones, values = (torch.zeros(shape) for _ in range(5))

    counted = {"episodes": 0, "returns": 0.0}
    global_step = 0
    next_obs = torch.Tensor(envs.reset(seed=args.seed)[0])
    next_done = torch.zeros(args.num_envs)
    state = (torch.zeros(1, args.num_envs, 32), torch.zeros(1, args.num_envs, 32))
    for _ in range(args.total_timesteps // (args.num_envs * args.num_steps)):
        initial = (state[0].clone(), state[1].clone())
        for step in range(args.num_steps):
            global_step += args.num_envs
            obs[step], dones[step] = next_obs, next_done
            with torch.no_grad():
                action, logprob, _, value, state = agent.get_action_and_value(next_obs, state, next_done)
            values[step], actions[step], logprobs[step] = value.flatten(), action, logprob
            seen, reward, terminations, truncations, infos = envs.step(action.numpy())
            rewards[step] = torch.tensor(reward)
            next_obs, next_done = torch.Tensor(seen), torch.Tensor(np.logical_or(terminations, truncations))
            for index in np.flatnonzero(infos.get("_episode", [])):
                counted["episodes"] += 1
                counted["returns"] += float(infos["episode"]["r"][index])
                writer.add_scalar("charts/episodic_return", infos["episode"]["r"][index], global_step)
                writer.add_scalar("charts/episodic_length", infos["episode"]["l"][index], global_step)

        returns = torch.zeros_like(rewards)
        with torch.no_grad():
            following = agent.get_action_and_value(next_obs, state, next_done)[3].flatten()
            for t in reversed(range(args.num_steps)):
                done = next_done if t == args.num_steps - 1 else dones[t + 1]
                following = returns[t] = rewards[t] + args.gamma * (1.0 - done) * following
        advantages = (returns - values).reshape(-1)
        advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        for _ in range(args.update_epochs):
            _, newlogprob, entropy, newvalue, _ = agent.get_action_and_value(
                obs.reshape(-1, 4), initial, dones.reshape(-1), actions.reshape(-1).long()
            )
            logratio = newlogprob - logprobs.reshape(-1)
            ratio = logratio.exp()
            approx_kl = ((ratio - 1) - logratio).mean()
            clipped = torch.clamp(ratio, 1 - args.clip_coef, 1 + args.clip_coef)
            pg_loss = torch.max(-advantages * ratio, -advantages * clipped).mean()
            v_loss = 0.5 * ((newvalue.view(-1) - returns.reshape(-1)) ** 2).mean()
            optimizer.zero_grad()
            (pg_loss - args.ent_coef * entropy.mean() + 0.5 * v_loss).backward()
            optimizer.step()

        writer.add_scalar("losses/value_loss", v_loss.item(), global_step)
        writer.add_scalar("losses/policy_loss", pg_loss.item(), global_step)
        writer.add_scalar("losses/entropy", entropy.mean().item(), global_step)
        writer.add_scalar("losses/approx_kl", approx_kl.item(), global_step)

    envs.close()
    writer.close()
    print(json.dumps({**counted, "policy_loss": pg_loss.item()}))


if __name__ == "__main__":
    main()
