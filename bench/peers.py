"""Cost of an update with ten metrics in several tools, and the number of updates that survive a kill.

    python bench/peers.py [--updates 1000] [--rounds 3]

Each tool logs in a separate process to a local folder without network access. The calls are timed on the training
thread. After the last call, the process is killed (SIGKILL), and the tool's own reader counts the stored updates.
Rounds alternate between the tools. MLflow logs only a tenth of the updates because it is slow.

Needs `pip install -e '.[test]'`. The tools do different work in this time, so the table compares their cost and
durability for a training, not their quality.
"""

import argparse
import contextlib
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from ten_metrics import METRICS

WARM_UP = 20
PATIENCE_S = 20.0

Log = Callable[[int], object]


def rlvitals_log(folder: Path) -> Log:
    """Use the monitor with default settings, including the live diagnosis and the system sampler."""
    from rlvitals import TrainingMonitor  # noqa: PLC0415 - each process loads one tool

    monitor: Any = TrainingMonitor(folder, session_name="run")
    return lambda step: monitor.log_training_step(step=step, **METRICS)


def rlvitals_count(folder: Path) -> int:
    """Return the number of updates that can be read."""
    from rlvitals import open_run  # noqa: PLC0415

    return len(open_run(folder / "run").updates["policy_loss"])


def tensorboard_log(folder: Path) -> Log:
    """Use PyTorch's writer with one scalar per call, as is common."""
    from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415

    writer: Any = SummaryWriter(str(folder))

    def log(step: int) -> None:
        for name, value in METRICS.items():
            writer.add_scalar(name, value, step)

    return log


def tensorboard_count(folder: Path) -> int:
    """Return the number of steps of the first scalar with TensorBoard's reader."""
    from tensorboard.backend.event_processing import (  # type: ignore[import-untyped]  # noqa: PLC0415
        event_accumulator,
    )

    events = event_accumulator.EventAccumulator(str(folder), size_guidance={"scalars": 0})
    events.Reload()
    return len(events.Scalars("policy_loss")) if "policy_loss" in events.Tags()["scalars"] else 0


def wandb_log(folder: Path) -> Log:
    """Use offline mode. A separate process writes the file, and continues when the training is killed."""
    import wandb  # noqa: PLC0415

    run = wandb.init(dir=folder, mode="offline", settings=wandb.Settings(silent=True))
    return lambda step: run.log(METRICS, step=step)


def wandb_count(folder: Path) -> int:
    """Return the number of history records in the offline file when W&B's process has stopped writing."""
    from rlvitals.formats.wandb_log import WandbLog, wandb_record  # noqa: PLC0415

    record = wandb_record()
    (file,) = folder.glob("wandb/offline-run-*/run-*.wandb")
    size, since, began = -1, time.monotonic(), time.monotonic()
    while time.monotonic() - since < PATIENCE_S / 4 and time.monotonic() - began < PATIENCE_S:
        if file.stat().st_size != size:
            size, since = file.stat().st_size, time.monotonic()
        time.sleep(0.1)
    return sum(record.FromString(data).HasField("history") for data in WandbLog(file))


def mlflow_log(folder: Path) -> Log:
    """Log to SQLite, the default of MLflow."""
    import mlflow  # noqa: PLC0415

    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    run = mlflow.start_run()
    (folder / "run_id").write_text(run.info.run_id)
    return lambda step: mlflow.log_metrics(METRICS, step=step)


def mlflow_count(folder: Path) -> int:
    """Return the length of the first metric's history."""
    from mlflow.tracking import MlflowClient  # noqa: PLC0415

    client = MlflowClient(tracking_uri=f"sqlite:///{folder}/mlflow.db")
    return len(client.get_metric_history((folder / "run_id").read_text(), "policy_loss"))


def sb3_csv_log(folder: Path) -> Log:
    """Write Stable-Baselines3's `progress.csv`."""
    from stable_baselines3.common.logger import CSVOutputFormat  # noqa: PLC0415

    output = CSVOutputFormat(str(folder / "progress.csv"))
    return lambda step: output.write({"step": step, **METRICS}, dict.fromkeys(["step", *METRICS], ()), step)


def csv_count(folder: Path) -> int:
    """Return the number of complete lines."""
    with (folder / "progress.csv").open(newline="") as file:
        return sum(len(row) > len(METRICS) for row in csv.DictReader(file) if None not in row.values())


def by_hand_log(folder: Path) -> Log:
    """Write JSON lines with `json.dumps` to an open file."""
    file = (folder / "log.jsonl").open("w")
    return lambda step: file.write(json.dumps({"step": step, **METRICS}) + "\n")


def by_hand_count(folder: Path) -> int:
    """Return the number of complete lines."""
    return (folder / "log.jsonl").read_text().count("\n")


class Peer(NamedTuple):
    """A logging tool.

    Attributes:
        name: Display name.
        log: Function that opens the tool and returns a function to log one update.
        count: Function that returns the number of stored updates.
        share: Share of the requested updates to log.
    """

    name: str
    log: Callable[[Path], Log]
    count: Callable[[Path], int]
    share: float = 1.0


PEERS = {
    "rlvitals": Peer("rlvitals", rlvitals_log, rlvitals_count),
    "sb3": Peer("Stable-Baselines3, CSV", sb3_csv_log, csv_count),
    "hand": Peer("`json.dumps` and `write`, custom code", by_hand_log, by_hand_count),
    "wandb": Peer("Weights & Biases, offline", wandb_log, wandb_count),
    "tensorboard": Peer("TensorBoard (PyTorch)", tensorboard_log, tensorboard_count),
    "mlflow": Peer("MLflow, SQLite", mlflow_log, mlflow_count, 0.1),
}


def logged(peer: Peer, folder: Path, updates: int) -> None:
    """Log updates, print the duration of the calls, and wait for the kill."""
    log, took = peer.log(folder), []
    for step in range(WARM_UP + updates):
        began = time.perf_counter()
        log(step)
        took.append(time.perf_counter() - began)
    print(json.dumps([statistics.median(took[WARM_UP:]), statistics.quantiles(took[WARM_UP:], n=100)[98]]), flush=True)
    sys.stdin.read()


def killed(key: str, updates: int) -> tuple[float, float, int, int]:
    """Log in a child process and kill it.

    Returns:
        Median and 99th percentile of a call in seconds, number of updates logged, number of updates found.
    """
    peer = PEERS[key]
    wanted = max(50, int(peer.share * updates))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        command = [sys.executable, __file__, "--child", key, "--folder", place, "--updates", str(wanted)]
        environment = {**os.environ, "WANDB_SILENT": "true", "MLFLOW_DISABLE_TELEMETRY": "true"}
        child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
        )
        assert child.stdout is not None
        said = next((line for line in child.stdout if line.startswith(b"[")), b"")
        child.kill()
        child.wait()
        with contextlib.suppress(BrokenPipeError):
            child.communicate()
        if not said:
            raise SystemExit(f"{peer.name} did not log. Is it installed? Run  pip install -e '.[test]'")
        median, most = json.loads(said)
        return median, most, wanted + WARM_UP, peer.count(Path(place))


def main() -> None:
    """Print the results as a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--updates", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help=f"comma-separated tools: {', '.join(PEERS)}")
    parser.add_argument("--child", choices=PEERS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        logged(PEERS[options.child], options.folder, options.updates)
        return
    wanted = [key for key in PEERS if key in options.only.split(",") or not options.only]
    found: dict[str, list[tuple[float, float, int, int]]] = {key: [] for key in wanted}
    for _ in range(options.rounds):
        for key in wanted:
            found[key].append(killed(key, options.updates))
    print("| | update with ten metrics | 99th percentile | stored after a kill |\n|---|---|---|---|")
    for key, rounds in found.items():
        median, most = (1e6 * statistics.median(one[place] for one in rounds) for place in (0, 1))
        there, of = sum(one[3] for one in rounds), sum(one[2] for one in rounds)
        print(f"| {PEERS[key].name} | {median:,.0f} us | {most:,.0f} us | {there:,} of {of:,} |")


if __name__ == "__main__":
    main()
