"""Writers of TensorBoard that a script uses."""

from collections.abc import Callable
from typing import Any

import pytest

Recorded = Callable[..., Any]

pytestmark = pytest.mark.xdist_group("writer_attachment")  # each script runs once

WRITER = """
from torch.utils.tensorboard import SummaryWriter
writer = SummaryWriter("runs/CartPole-v1__ppo__1__1700000000")
writer.add_text("hyperparameters", "|param|value|\\n|-|-|\\n|learning_rate|0.1|")
for update in range(5):
    writer.add_scalar("losses/policy_loss", -0.1 * update, 128 * update)
    writer.add_scalar("charts/episodic_return", update, 128 * update)
    writer.add_scalar("charts/episodic_length", update, 128 * update)
writer.add_hparams({"more": 1}, {"hparam/score": 3.0})
writer.close()
print("done")
"""


def test_a_writer_is_recorded_and_writes_its_event_files(recorded: Recorded) -> None:
    """The run has the name of the writer's folder."""
    script = recorded(WRITER)

    (run,) = script.runs
    assert (run.run_id, script.out) == ("CartPole-v1__ppo__1__1700000000", "done\n")
    assert [update.policy_loss for update in run.records("updates")] == [-0.1 * update for update in range(5)]
    assert [episode.reward for episode in run.records("episodes")] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert run.header.configuration == {
        "env_id": "CartPole-v1", "exp_name": "ppo", "algorithm": "PPO", "seed": 1, "learning_rate": 0.1, "more": 1,
    }  # fmt: skip
    assert list((script.folder / "runs").rglob("*tfevents*"))


def test_calls_that_a_writer_makes_itself_are_not_recorded(recorded: Recorded) -> None:
    """`add_hparams` creates a second writer."""
    script = recorded(WRITER)

    (run,) = script.runs
    assert [(one.category, one.values) for one in run.records("scalars")] == [("hparam", {"score": 3.0})]
