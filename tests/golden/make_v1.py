"""Make `tests/golden/v1`: a small run of format version 1, as written by the first release.

The run is kept so that tests can check that every later release reads it. `test_v1.py` has its contents. It was made
once with

    python tests/golden/make_v1.py

and is not made again after the release of version 1, because it would then only test the current writer. Times, names
and facts in the header are fixed, so that the run contains no facts of the machine that made it.
"""

import math
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from rlvitals.records import STREAMS, codec_of
from rlvitals.runs.header import Failure, Header, Rewind, Writer, write_header
from rlvitals.runs.layout import Layout, segment_path
from rlvitals.runs.lock import Heartbeat
from rlvitals.runs.sealing import seal

FOLDER = Path(__file__).parent / "v1" / "ppo-logos"
START = 1_700_000_000.0

Said = dict[str, Any]

EPISODES_SEALED: list[Said] = [
    {
        "episode": 0,
        "reward": 1.5,
        "length": 10,
        "env_step": 10,
        "termination_reason": "max_steps",
        "success": True,
        "quality_initial": 0.5,
        "quality_final": 0.75,
        "quality_improvement": 0.25,
        "category": "text",
        "difficulty": "hard",
        "duration": 0.125,
        "memory": 512.5,
        "env_index": 0,
        "reward_parts": {"quality": 1.25, "size": math.inf},
        "parameters": {"color_precision": 6, "mode": "spline", "stacked": True, "splice_threshold": 45.5},
        "algorithm": {"entropy": 1.25, "policy_loss": math.nan},
        "extra": {"Loss": 1, "loss": 2.5, "mixed": "three", "flag": False, "big": 2**62 + 1},
        "info": {"logo": "ünïcode/logo 1.png", "none": None, "nan": math.nan, "deep": [{"a": [1, -math.inf]}]},
    },
    {"episode": 1, "reward": math.nan, "length": 10, "env_step": 20, "success": False, "extra": {"mixed": 3}},
    {"episode": 1, "reward": -math.inf, "length": 0, "env_step": 20, "category": "NaN", "parameters": {"mode": 7}},
]
EPISODES_OPEN: list[Said] = [
    {"episode": 2, "reward": math.inf, "length": 10, "env_step": 30, "reward_parts": {"quality": math.nan}},
    {"episode": 3, "reward": 9.0, "length": 10, "env_step": 40, "category": "abandoned"},
    {"writer": 2, "episode": 3, "reward": 4.0, "length": 10, "env_step": 40, "info": {"nan": math.nan, "none": None}},
    {"writer": 2, "episode": 2, "reward": 5.0, "length": 1, "env_step": 25, "termination_reason": "line\nbreak"},
]
UPDATES: list[Said] = [
    {
        "step": 20,
        "env_step": 20,
        "update": 1,
        "policy_loss": -0.015625,
        "value_loss": 0.5,
        "entropy": 1.25,
        "kl_divergence": 0.0078125,
        "clip_fraction": 0.125,
        "explained_variance": -2.5,
        "learning_rate": 0.0003,
        "gradient_norm": 0.75,
        "gradient_norm_max": 1.5,
        "gradient_norm_limit": 0.5,
        "clip_range": 0.2,
        "loss": 0.234375,
        "action_std": 1.0,
        "action_bound_fraction": 0.0,
        "advantage_mean": 0.0625,
        "advantage_std": 1.5,
        "value_mean": 2.0,
        "return_mean": 2.25,
        "return_std": 1.75,
        "reward_mean": 0.25,
        "epochs": 9.5,
        "duration": 0.5,
        "extra": {"n_updates": 10},
    },
    {"step": 40, "env_step": 40, "policy_loss": 1.0, "value_loss": 2.0, "entropy": 3.0},
    {"writer": 2, "step": 40, "env_step": 40, "policy_loss": math.nan, "value_loss": math.inf, "entropy": -math.inf},
]
EVALUATIONS: list[Said] = [
    {
        "episode": 2,
        "reward": 3.5,
        "quality": 0.875,
        "success_rate": 0.5,
        "episodes": 4,
        "env_step": 30,
        "policy": "defaults",
        "reward_std": 0.25,
        "quality_std": 0.125,
        "length": 10.0,
        "duration": 1.5,
        "extra": {"unseen": True},
        "categories": {"text": {"quality": 0.75}},
        "items": {"a.png": {"quality": math.nan, "bytes": 1024}},
    },
    {"writer": 2, "episode": 3, "reward": math.nan},
]
SYSTEM: list[Said] = [
    {
        "env_step": 10,
        "episode": 0,
        "memory": 512.5,
        "memory_available": 2048.0,
        "cpu_percent": 99.5,
        "threads": 7,
        "gpu_utilization": 12.5,
        "gpu_memory": 1024.0,
        "env_steps_per_second": 100.25,
        "episodes_per_minute": 601.5,
        "extra": {"fans": 2},
    },
    {"writer": 2, "env_step": 40},
]
SCALARS: list[Said] = [
    {"step": 5, "category": "colours", "values": {"mean": 0.5, "name": "red", "many": True}},
    {"step": 5, "env_step": 5, "category": "colours", "values": {"mean": math.inf, "name": 3, "count": 4}},
    {"writer": 2, "step": 3, "category": "late", "values": {}},
]
EVENTS: list[Said] = [
    {"kind": "state", "message": "started", "severity": "info"},
    {"kind": "finding", "message": "a loss is NaN", "severity": "critical", "code": "non-finite", "env_step": 40},
    {"writer": 2, "kind": "rewind", "message": "went back to env_step 30", "severity": "info", "env_step": 30},
    {"writer": 2, "kind": "note", "message": "“quoted”", "episode": 3, "data": {"nested": {"inf": math.inf}}},
]
TORN = b'{"time":1700000099.0,"env_st'


def lines(stream: str, records: Iterable[Said], first: int = 0) -> bytes:
    """Return the lines of a stream, with records one second apart."""
    pack = codec_of(STREAMS[stream]).pack
    return b"".join(pack({"time": START + first + n, **said})[1] for n, said in enumerate(records))


def header() -> Header:
    """Return a header without facts of a real machine."""
    return Header(
        run_id=FOLDER.name,
        project="vtracer-rl-optimization",
        status="failed",
        started=START,
        ended=START + 100,
        configuration={"learning_rate": 0.0003, "target_kl": "NaN", "net": [64, 64]},
        reproduction={
            "python": "3.11.0",
            "command": ["python", "train.py"],
            "git": {"commit": "0" * 40, "dirty": True},
        },
        totals={"episodes": 6, "successes": 1, "updates": 2, "env_step": 40},
        dropped_records={"records": 1},
        writers=[
            Writer(writer=1, started=START, ended=START + 50, host="golden", pid=1),
            Writer(
                writer=2,
                started=START + 50,
                ended=START + 100,
                host="golden",
                pid=1,
                status="failed",
                rewind=Rewind(env_step=30),
            ),
        ],
        failure=Failure(type="ValueError", message="the loss is NaN", traceback="Traceback: of version 1\n"),
        tags=["golden", "v1"],
        goals={"total_timesteps": 40.0, "target": 9.5},
    )


def make() -> None:
    """Make the folder, replacing an existing one."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    layout = Layout(FOLDER)
    layout.make()
    sealed = {"episodes": EPISODES_SEALED, "evaluations": EVALUATIONS, "scalars": SCALARS, "events": EVENTS}
    for stream, records in sealed.items():
        segment = segment_path(layout.stream(stream), 1)
        segment.write_bytes(lines(stream, records))
        seal(segment)
    segment_path(layout.stream("episodes"), 2).write_bytes(lines("episodes", EPISODES_OPEN, len(EPISODES_SEALED)))
    segment_path(layout.stream("updates"), 1).write_bytes(lines("updates", UPDATES))
    segment_path(layout.stream("system"), 1).write_bytes(lines("system", SYSTEM) + TORN)
    beat = Heartbeat(host="golden", pid=1, process_started=START, beat=START + 100, interval=2.0, records=21)
    layout.lock.write_bytes(msgspec.json.encode(beat).ljust(1023) + b"\n")
    write_header(layout, header())
    layout.artifacts.rmdir()  # git does not keep empty folders


if __name__ == "__main__":
    make()
