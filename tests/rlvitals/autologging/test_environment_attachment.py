"""Episodes of the Gymnasium environments that a script steps itself."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Recorded = Callable[..., Any]

LOOP = """
import copy, json, gymnasium
env = gymnasium.wrappers.RecordEpisodeStatistics(gymnasium.make("CartPole-v1"))
returns = []
env.reset(seed=0)
env.action_space.seed(0)
for step in range({steps}):
    *_, terminated, truncated, info = env.step(env.action_space.sample())
    if terminated or truncated:
        returns.append(info["episode"]["r"])
        env.reset()
print(json.dumps(returns))
"""


def test_a_plain_loop_is_recorded(recorded: Recorded) -> None:
    """Every episode, from the first one on, with the settings of the environment."""
    script = recorded(LOOP.format(steps=600))

    (run,) = script.runs
    assert [episode.reward for episode in run.records("episodes")] == json.loads(script.out)
    assert run.header.configuration == {"env_id": "CartPole-v1", "max_episode_steps": 500, "num_envs": 1}
    assert run.header.status == "completed"
    assert script.err.startswith("rlvitals: recorded logs/CartPole-v1-")


def test_a_few_steps_are_not_a_training(recorded: Recorded) -> None:
    """They check the environment."""
    script = recorded(LOOP.format(steps=60))

    assert script.runs == []
    assert "nothing was recorded" in script.err


def test_rewards_are_those_below_the_wrappers_of_the_script(recorded: Recorded) -> None:
    text = LOOP.format(steps=600).replace(
        'gymnasium.make("CartPole-v1")',
        'gymnasium.wrappers.TransformReward(gymnasium.make("CartPole-v1"), lambda reward: reward / 100)',
    )
    script = recorded(text)

    (run,) = script.runs
    rewards = [episode.reward for episode in run.records("episodes")]
    assert [reward / 100 for reward in rewards] == pytest.approx(json.loads(script.out))


VECTOR = """
import json, gymnasium
if __name__ == "__main__":
    envs = {make}
    envs = gymnasium.wrappers.vector.RecordEpisodeStatistics(envs)
    returns = []
    envs.reset(seed=0)
    envs.action_space.seed(0)
    for step in range(150):
        *_, infos = envs.step(envs.action_space.sample())
        if "episode" in infos:
            returns += infos["episode"]["r"][infos["_episode"]].tolist()
    print(json.dumps(returns))
    envs.close()
"""


@pytest.mark.parametrize(
    "make",
    [
        'gymnasium.vector.SyncVectorEnv([lambda: gymnasium.make("CartPole-v1")] * 4)',
        'gymnasium.vector.AsyncVectorEnv([lambda: gymnasium.make("CartPole-v1")] * 4)',
        'gymnasium.make_vec("CartPole-v1", num_envs=4, vectorization_mode="sync")',
        'gymnasium.make_vec("CartPole-v1", num_envs=4, vectorization_mode="vector_entry_point")',
    ],
    ids=["sync", "async", "made", "custom"],
)
def test_a_vector_environment_is_recorded_once(recorded: Recorded, make: str) -> None:
    """Not a second time by its sub-environments, in this process or in workers."""
    script = recorded(VECTOR.format(make=make))

    (run,) = script.runs
    assert [episode.reward for episode in run.records("episodes")] == json.loads(script.out)
    assert run.run_id.startswith("CartPole-v1-")
    assert run.header.configuration["num_envs"] == 4


EVALUATED = """
import json, gymnasium
train, show = gymnasium.make("CartPole-v1"), gymnasium.make("CartPole-v1")

def episodes(env, count, seed):
    steps = 0
    env.action_space.seed(seed)
    for episode in range(count):
        env.reset(seed=seed + episode)
        over = False
        while not over:
            *_, terminated, truncated, _ = env.step(env.action_space.sample())
            over, steps = terminated or truncated, steps + 1
    return steps

for number in range(5):
    episodes(train, 20, number)
    episodes(show, 5, number)
"""


def test_an_environment_for_evaluations_is_left_out(recorded: Recorded) -> None:
    (run,) = recorded(EVALUATED).runs

    assert len(list(run.records("episodes"))) == 100


def test_a_copy_of_an_environment_is_left_out(recorded: Recorded) -> None:
    """A tree search steps copies."""
    text = LOOP.format(steps=600).replace(
        "        env.reset()\n", "        env.reset()\n    copy.deepcopy(env.unwrapped)\n    copy.deepcopy(env)\n"
    )
    script = recorded(text)

    (run,) = script.runs
    assert [episode.reward for episode in run.records("episodes")] == json.loads(script.out)


SEQUENCE = """
import json, os, gymnasium
from torch.utils.tensorboard import SummaryWriter
counts = []
for seed in range(3):
    env = gymnasium.make("CartPole-v1")
    env.reset(seed=seed)
    env.action_space.seed(seed)
    writer = SummaryWriter(f"events/seed-{seed}")
    counts.append(0)
    for step in range(400):
        *_, terminated, truncated, _ = env.step(env.action_space.sample())
        if terminated or truncated:
            counts[-1] += 1
            writer.add_scalar("charts/episodes", counts[-1], step)
            env.reset()
    if seed < 2:
        writer.close()
print(json.dumps(counts), flush=True)
os._exit(3)
"""


def test_trainings_that_follow_each_other_are_separate_runs(recorded: Recorded) -> None:
    """The writer opens each run after the first episode, which belongs to that run."""
    script = recorded(SEQUENCE)

    assert [len(list(run.records("episodes"))) for run in script.runs] == json.loads(script.out)
    assert [run.header.run_id for run in script.runs] == ["seed-0", "seed-1", "seed-2"]


def test_an_immediate_exit_ends_the_run(recorded: Recorded) -> None:
    """With the exit code of `os._exit`, and the last values."""
    script = recorded(SEQUENCE)
    last = [scalars.values["episodes"] for scalars in script.runs[-1].records("scalars")][-1]

    assert (script.code, [run.header.status for run in script.runs]) == (3, ["completed", "completed", "failed"])
    assert last == json.loads(script.out)[-1]


PROBED = """
import json, gymnasium
probe = gymnasium.make("CartPole-v1")
probe.reset(seed=0)
probe.step(0)
""" + LOOP.format(steps=3_000).replace("import copy, json, gymnasium", "")


def test_an_environment_that_only_was_tried_does_not_cost_an_episode(recorded: Recorded) -> None:
    """The one that trains is recorded from its first step on."""
    script = recorded(PROBED)

    (run,) = script.runs
    assert [episode.reward for episode in run.records("episodes")] == json.loads(script.out)
    assert max(episode.env_step for episode in run.records("episodes")) <= 3_000


WRAPPED = """
import sys
sys.path.insert(0, {source!r})
import gymnasium
from rlvitals import TrainingMonitor
from rlvitals.adapters.gymnasium import VitalsWrapper
with TrainingMonitor("mine", session_name="a") as monitor:
    env = VitalsWrapper(gymnasium.make("CartPole-v1"), monitor)
    env.reset(seed=0)
    for step in range(300):
        if any(env.step(step % 2)[2:4]):
            env.reset()
"""


def test_an_environment_that_the_script_records_is_left_out(recorded: Recorded) -> None:
    script = recorded(WRAPPED.format(source=str(Path(__file__).parents[3] / "src")))

    assert (script.code, script.runs) == (0, [])
