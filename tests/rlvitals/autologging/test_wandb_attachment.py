"""W&B runs that a script logs."""

from collections.abc import Callable
from typing import Any

import pytest

Recorded = Callable[..., Any]

pytestmark = pytest.mark.xdist_group("wandb_attachment")  # each script runs once

OFFLINE = """
import numpy, wandb
run = wandb.init(project="p", name="mine", config={"lr": 0.1}, mode="offline", tags=["x"])
run.define_metric("train/*", step_metric="global_step")
for update in range(4):
    wandb.log({"global_step": 128 * update, "train/value_loss": float(update), "mine/x": update})
wandb.log({"picture": wandb.Image(numpy.zeros((4, 4, 3), "uint8")), "weights": wandb.Histogram([1.0, 2.0, 3.0])})
wandb.config.update({"later": 2})
wandb.finish()
print("done")
"""


def test_a_run_of_wandb_is_recorded(recorded: Recorded) -> None:
    """Its name, tags, settings and rows."""
    script = recorded(OFFLINE)

    (run,) = script.runs
    assert (script.code, script.out) == (0, "done\n")
    assert (run.run_id, run.header.tags) == ("mine", ["x"])
    assert run.header.configuration == {"lr": 0.1, "later": 2}
    assert [(one.env_step, one.value_loss) for one in run.records("updates")] == [
        (128 * update, float(update)) for update in range(4)
    ]
    assert [one.values for one in run.records("scalars") if one.category == "mine"] == [
        {"x": float(update)} for update in range(4)
    ]


def test_media_are_converted(recorded: Recorded) -> None:
    (run,) = recorded(OFFLINE).runs

    assert [event.data["name"] for event in run.records("events") if event.kind == "image"] == ["picture"]
    (weights,) = [one.values for one in run.records("scalars") if one.category == "weights"]
    assert weights["count"] == 3.0


BOTH = """
import wandb
from torch.utils.tensorboard import SummaryWriter
wandb.init(name="mine", mode="offline")
writer = SummaryWriter("runs/mine")
for update in range(4):
    for name in ("charts/episodic_return", "charts/episodic_length", "losses/value_loss"):
        writer.add_scalar(name, update, 128 * update)
    wandb.log({"charts/episodic_return": update, "charts/episodic_length": update, "losses/value_loss": update,
               "global_step": 128 * update, "only/here": update})
writer.close()
wandb.finish()
"""


def test_what_two_loggers_report_is_recorded_once(recorded: Recorded) -> None:
    (run,) = recorded(BOTH).runs

    assert [episode.reward for episode in run.records("episodes")] == [0.0, 1.0, 2.0, 3.0]
    assert [one.value_loss for one in run.records("updates")] == [0.0, 1.0, 2.0, 3.0]
    assert [one.values for one in run.records("scalars") if one.category == "only"] == [
        {"here": float(update)} for update in range(4)
    ]


BLOCKS = """
import wandb
for seed in range(2):
    with wandb.init(name=f"lr=1/seed:{seed}", config={"seed": seed}, mode="offline") as run:
        run.log({"mine/x": 1.0})
wandb.init(name="bad", mode="offline").log({"mine/x": 1.0})
wandb.finish(exit_code=1)
"""


def test_each_block_is_a_run(recorded: Recorded) -> None:
    """Names become valid folder names, and an exit code fails the run."""
    runs = recorded(BLOCKS).runs

    assert [run.run_id for run in runs] == ["lr=1-seed-0", "lr=1-seed-1", "bad"]
    assert [run.header.configuration.get("seed") for run in runs] == [0, 1, None]
    assert [run.header.status for run in runs] == ["completed", "completed", "failed"]
