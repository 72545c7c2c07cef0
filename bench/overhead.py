"""Cost of a record for the training thread, compared with a minimal implementation.

The reference is msgspec-encode plus `os.write` of the same values as a plain dict. Both are timed in the same process,
call by call, in alternating short blocks, so that load on the machine affects them equally. The ratio is that of their
medians.

    python bench/overhead.py [--quick]
"""

import argparse
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import psutil

from rlvitals import TrainingMonitor
from ten_metrics import METRICS

PARAMETERS: dict[str, Any] = {
    "filter_speckle": 4,
    "color_precision": 6,
    "layer_difference": 16,
    "corner_threshold": 60,
    "length_threshold": 4.0,
    "max_iterations": 10,
    "splice_threshold": 45,
    "path_precision": 8,
}
# 20 fields (the last four are custom values) and a dict of 8 parameters.
EPISODE: dict[str, Any] = {
    "episode": 12345,
    "reward": 0.7312312,
    "length": 17,
    "env_step": 123456,
    "termination_reason": "max_steps",
    "success": True,
    "quality_initial": 0.712345,
    "quality_final": 0.823456,
    "quality_improvement": 0.111111,
    "category": "simple",
    "difficulty": "hard",
    "duration": 0.1234,
    "memory": 512.34,
    "env_index": 3,
    "reward_parts": {"quality": 0.1, "size": 0.2, "speed": 0.3},
    "time": 1.8e9,
    "extra": {"svg_bytes": 4321, "default_bytes": 8642, "colors": 12, "paths": 34},
    "parameters": PARAMETERS,
}
UPDATE: dict[str, Any] = {"step": 2048, **METRICS}

BLOCK = 500


class Timings(NamedTuple):
    """Duration of each call in seconds."""

    bare: list[float]
    ours: list[float]

    def report(self, what: str) -> None:
        """Print medians, 99th percentiles and the ratio of the medians."""
        bare, ours = (statistics.median(times) * 1e6 for times in self)
        bare99, ours99 = (sorted(times)[int(0.99 * len(times))] * 1e6 for times in self)
        blocks = range(0, len(self.bare), BLOCK)
        ratios = sorted(
            statistics.median(self.ours[i : i + BLOCK]) / statistics.median(self.bare[i : i + BLOCK]) for i in blocks
        )
        low, high = ratios[len(ratios) // 10], ratios[-1 - len(ratios) // 10]
        print(
            f"{what:44} reference {bare:6.2f} us (p99 {bare99:7.2f})   rlvitals {ours:6.2f} us (p99 {ours99:7.2f})"
            f"   ratio {ours / bare:4.2f}  (blocks, 10-90 %: {low:.2f} to {high:.2f})"
        )


def timed(bare: Callable[[], object], ours: Callable[[], object], calls: int, pause_s: float) -> Timings:
    """Time two calls in alternating blocks."""
    clock = time.perf_counter
    timings = Timings([], [])
    for _ in range(max(1, calls // BLOCK)):
        for call, times in ((bare, timings.bare), (ours, timings.ours)):
            for _ in range(BLOCK):
                if pause_s:
                    time.sleep(pause_s)
                start = clock()
                call()
                times.append(clock() - start)
    return timings


def rss_mib() -> float:
    """Return the resident memory of this process in MiB."""
    return float(psutil.Process().memory_info().rss) / 2**20


def overhead(folder: Path, calls: int, paced_calls: int) -> None:
    """Time `log_episode` and `log_training_step`, back to back and with one record per millisecond."""
    encode = msgspec.json.Encoder().encode
    descriptor = os.open(folder / "bare.jsonl", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    with TrainingMonitor(folder, session_name="overhead") as monitor:
        for name, values, log in (
            ("log_episode, 20 fields and 8 parameters", EPISODE, monitor.log_episode),
            ("log_training_step, 10 metrics", UPDATE, monitor.log_training_step),
        ):
            plain = dict(values)

            def bare(plain: dict[str, Any] = plain) -> None:
                os.write(descriptor, encode(plain) + b"\n")

            def ours(log: Callable[..., object] = log, plain: dict[str, Any] = plain) -> None:
                log(**plain)

            timed(bare, ours, BLOCK, 0.0)  # warm up
            timed(bare, ours, calls, 0.0).report(f"{name}, back to back")
            timed(bare, ours, paced_calls, 0.001).report(f"{name}, one per ms")
    os.close(descriptor)


def memory(folder: Path, episodes: int) -> None:
    """Log many episodes and print the resident memory."""
    with TrainingMonitor(folder, session_name="memory") as monitor:
        values = {name: value for name, value in EPISODE.items() if name not in {"episode", "time"}}
        seen: list[tuple[int, float]] = []
        start = time.perf_counter()
        for episode in range(episodes):
            monitor.log_episode(episode, **values)
            if episode % (episodes // 10) == episodes // 20:
                seen.append((episode, rss_mib()))
        elapsed = time.perf_counter() - start
    early, late = seen[1][1], seen[-1][1]
    print(f"{episodes:,} episodes in {elapsed:.1f} s: " + ", ".join(f"{n:,}: {mib:.1f}" for n, mib in seen) + " MiB")
    print(f"memory after {seen[1][0]:,} episodes {early:.1f} MiB, after {seen[-1][0]:,} {late:.1f} MiB")
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak {peak_mib:.1f} MiB; dropped records {monitor.dropped_records().records}")


def main() -> int:
    """Run the measurements."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="run a tenth of the calls")
    share = 10 if parser.parse_args().quick else 1
    with tempfile.TemporaryDirectory(dir=".") as folder:
        overhead(Path(folder), 100_000 // share, 5_000 // share)
        memory(Path(folder), 2_000_000 // share)
    return 0


if __name__ == "__main__":
    sys.exit(main())
