"""DQN in a single file, with an evaluation of the trained network at the end."""

import json
import random
import time
from collections import deque
from dataclasses import asdict, dataclass

import gymnasium as gym
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from torch import nn, optim
from torch.utils.tensorboard import SummaryWriter


@dataclass
class Args:
    exp_name: str = "cleanrl_dqn"
    env_id: str = "CartPole-v1"
    seed: int = 1
    total_timesteps: int = 4_000
    learning_rate: float = 1e-3
    buffer_size: int = 2_000
    gamma: float = 0.99
    target_network_frequency: int = 250
    batch_size: int = 64
    start_e: float = 1.0
    end_e: float = 0.05
    exploration_fraction: float = 0.5
    learning_starts: int = 500
    train_frequency: int = 4


class QNetwork(nn.Module):
    def __init__(self, env: gym.vector.VectorEnv) -> None:
        super().__init__()
        width = int(np.prod(env.single_observation_space.shape))
        self.network = nn.Sequential(nn.Linear(width, 64), nn.ReLU(), nn.Linear(64, int(env.single_action_space.n)))

    def forward(self, x):
        return self.network(x)


def linear_schedule(start_e: float, end_e: float, duration: float, t: int) -> float:
    return max(start_e + (end_e - start_e) / duration * t, end_e)


def make_env(env_id: str) -> gym.Env:
    return gym.wrappers.RecordEpisodeStatistics(gym.make(env_id))


def evaluate(env_id: str, network: QNetwork, episodes: int) -> list[float]:
    envs = gym.vector.SyncVectorEnv([lambda: make_env(env_id)])
    obs, _ = envs.reset(seed=100)
    returns: list[float] = []
    while len(returns) < episodes:
        obs, _, _, _, infos = envs.step(network(torch.Tensor(obs)).argmax(dim=1).numpy())
        if "episode" in infos:
            returns.append(float(infos["episode"]["r"][0]))
    return returns


def main() -> None:
    args = Args()
    run_name = f"{args.env_id}__{args.exp_name}__{args.seed}__{int(time.time())}"
    writer = SummaryWriter(f"runs/{run_name}")
    rows = "\n".join(f"|{key}|{value}|" for key, value in asdict(args).items())
    writer.add_text("hyperparameters", f"|param|value|\n|-|-|\n{rows}")
    random.seed(args.seed)
    np.random.seed(args.seed)
    torch.manual_seed(args.seed)

    envs = gym.vector.SyncVectorEnv([lambda: make_env(args.env_id)])
    q_network, target_network = QNetwork(envs), QNetwork(envs)
    target_network.load_state_dict(q_network.state_dict())
    optimizer = optim.Adam(q_network.parameters(), lr=args.learning_rate)
    buffer: deque[tuple] = deque(maxlen=args.buffer_size)

    counted = {"episodes": 0, "returns": 0.0}
    obs, _ = envs.reset(seed=args.seed)
    for global_step in range(args.total_timesteps):
        epsilon = linear_schedule(
            args.start_e, args.end_e, args.exploration_fraction * args.total_timesteps, global_step
        )
        if random.random() < epsilon:
            actions = np.array([random.randrange(2)])
        else:
            actions = q_network(torch.Tensor(obs)).argmax(dim=1).numpy()
        next_obs, rewards, terminations, _, infos = envs.step(actions)
        if "episode" in infos:
            counted["episodes"] += 1
            counted["returns"] += float(infos["episode"]["r"][0])
            writer.add_scalar("charts/episodic_return", infos["episode"]["r"][0], global_step)
            writer.add_scalar("charts/episodic_length", infos["episode"]["l"][0], global_step)
        buffer.append((obs[0], actions[0], rewards[0], next_obs[0], terminations[0]))
        obs = next_obs

        if global_step > args.learning_starts and global_step % args.train_frequency == 0:
            s, a, r, s2, done = (
                np.array(column) for column in zip(*random.sample(buffer, args.batch_size), strict=True)
            )
            with torch.no_grad():
                target_max = target_network(torch.Tensor(s2)).max(dim=1)[0]
                td_target = torch.Tensor(r) + args.gamma * target_max * (1 - torch.Tensor(done))
            old_val = q_network(torch.Tensor(s)).gather(1, torch.tensor(a).view(-1, 1)).squeeze()
            loss = F.mse_loss(td_target, old_val)
            if global_step % 100 == 0:
                writer.add_scalar("losses/td_loss", loss, global_step)
                writer.add_scalar("losses/q_values", old_val.mean().item(), global_step)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if global_step % args.target_network_frequency == 0:
                target_network.load_state_dict(q_network.state_dict())

    for index, episodic_return in enumerate(evaluate(args.env_id, q_network, 3)):
        writer.add_scalar("eval/episodic_return", episodic_return, index)
    envs.close()
    writer.close()
    print(json.dumps({**counted, "td_loss": loss.item()}))


if __name__ == "__main__":
    main()
