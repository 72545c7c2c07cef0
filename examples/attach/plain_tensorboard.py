"""Actor-critic in PyTorch with one environment, and TensorBoard with names, histograms and texts of its own."""

import json

import gymnasium as gym
import torch
from torch import nn
from torch.utils.tensorboard import SummaryWriter

torch.manual_seed(22)
torch.set_num_threads(1)
env = gym.make("CartPole-v1")
body = nn.Sequential(nn.Linear(4, 32), nn.Tanh())
actor, critic = nn.Linear(32, 2), nn.Linear(32, 1)
parameters = [*body.parameters(), *actor.parameters(), *critic.parameters()]
optimizer = torch.optim.Adam(parameters, lr=5e-3)

counted = {"episodes": 0, "returns": 0.0}
steps = 0
with SummaryWriter("runs/actor_critic") as writer:
    writer.add_text("note", "a first try")
    for episode in range(100):
        obs, _ = env.reset(seed=22 if episode == 0 else None)
        logprobs, values, rewards, done = [], [], [], False
        while not done:
            hidden = body(torch.as_tensor(obs))
            policy = torch.distributions.Categorical(logits=actor(hidden))
            action = policy.sample()
            obs, reward, terminated, truncated, _ = env.step(int(action))
            logprobs.append(policy.log_prob(action))
            values.append(critic(hidden)[0])
            rewards.append(float(reward))
            done = terminated or truncated
            steps += 1
        returns = torch.tensor(rewards).flip(0).cumsum(0).flip(0) / 20.0
        advantages = returns - torch.stack(values)
        actor_loss = -(torch.stack(logprobs) * advantages.detach()).mean()
        critic_loss = advantages.pow(2).mean()
        optimizer.zero_grad()
        (actor_loss + 0.5 * critic_loss).backward()
        optimizer.step()

        counted["episodes"] += 1
        counted["returns"] += sum(rewards)
        writer.add_scalar("episode/return", sum(rewards), steps)
        writer.add_scalar("loss/actor", actor_loss, steps)
        writer.add_scalar("loss/critic", critic_loss.item(), steps)
        writer.add_scalar("policy/first_probability", policy.probs[0].item(), steps)
        if episode % 50 == 0:
            writer.add_histogram("weights/actor", actor.weight, steps)
            writer.add_scalar("weights/norm", actor.weight.norm(), steps)
env.close()
print(json.dumps({**counted, "critic_loss": critic_loss.item()}))
