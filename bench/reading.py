"""Speed of reading runs, compared with plain DuckDB on the same files, each measurement in a fresh process.

    python bench/reading.py [--quick] [--folder FOLDER]

A monitor logs the run of 1,000,000 episodes. The 1,000 runs of 2,000 updates are 50 copies of 20 logged runs. `--quick`
creates a tenth of both. With `--folder`, the runs are kept in this folder and used again by the next call.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import numpy as np

from rlvitals import RecorderSettings, TrainingMonitor

QUIET = RecorderSettings(system_interval_s=None)
CATEGORIES = ("simple", "text", "gradient", "complex")
UPDATES = 2_000
DIFFERENT_RUNS = 20
REPEATS = 7

IMPORTS = """
import sys, time
from pathlib import Path
import duckdb, numpy as np
from rlvitals import open_run, open_runs
from rlvitals.stats.series.down_sampling import down_sample
from rlvitals.runs.stream import Stream
from rlvitals.summary.measures import spread
from rlvitals.summary.run_list import overviews_in
from rlvitals.summary.run_summary import summarise
where = sys.argv[1]
duckdb.connect().close()
"""
"""Code that each process runs before the measurement."""

ONE: dict[str, tuple[str, str]] = {
    "one column of the episodes into NumPy": (
        "open_run(where).episodes['reward']",
        "duckdb.sql(f\"select reward from '{where}/episodes/*.parquet'\").fetchnumpy()",
    ),
    "its statistics, and a curve of 1,000 points": (
        """
        column = open_run(where).episodes['reward']
        spread(column)
        down_sample(column.data, points=1_000)
        """,
        """
        files = f"'{where}/episodes/*.parquet'"
        duckdb.sql('select avg(reward), stddev(reward), min(reward), max(reward), quantile_cont(reward, '
                   f'[.05, .25, .5, .75, .95]) from {files} where isfinite(reward)').fetchall()
        duckdb.sql('select min(reward), max(reward), arg_min(reward, episode), arg_max(reward, episode) '
                   f'from {files} group by episode // 4000').fetchall()
        """,
    ),
    "the full summary (`rlvitals show --full`)": ("summarise(open_run(where))", ""),
}
"""Queries on the run with many episodes: with rlvitals, and the equivalent with DuckDB."""

MANY: dict[str, tuple[str, str]] = {
    "list them (`rlvitals ls`)": ("overviews_in(Path(where))", ""),
    "open them, and the mean of a metric over the last 100 updates of each run": (
        """
        open_runs(where).sql('select run, avg(entropy) from (select run, entropy, row_number() over '
                             '(partition by run order by step desc) n from updates) where n <= 100 group by 1').rows()
        """,
        """
        duckdb.sql(f"select filename, avg(entropy) from (select filename, entropy, row_number() over (partition by "
                   f"filename order by step desc) n from read_parquet('{where}/*/updates/*.parquet', filename = true)) "
                   "where n <= 100 group by 1").fetchall()
        """,
    ),
}
"""Queries on the many runs."""


def long_run(folder: Path, episodes: int) -> Path:
    """Log one run with many episodes."""
    draws = np.random.default_rng(0)
    rewards = 3.0 * np.tanh(np.arange(episodes) / episodes) + draws.normal(size=episodes)
    rewards[:: episodes // 10] = np.nan
    with TrainingMonitor(folder, session_name="long", settings=QUIET) as monitor:
        for number, reward in enumerate(rewards.tolist()):
            monitor.log_episode(
                number,
                reward,
                10,
                quality_final=0.9,
                quality_initial=0.8,
                quality_improvement=0.1,
                success=reward > 1.0,
                env_step=10 * number,
                category=CATEGORIES[number % 4],
                parameters={"filter_speckle": number % 16, "corner_threshold": 60.0},
                time=1.7e9 + 0.1 * number,
            )
    return monitor.path


def many_runs(folder: Path, runs: int) -> Path:
    """Log some runs with 2,000 updates, and copy them until there are enough."""
    draws = np.random.default_rng(1)
    for seed in range(DIFFERENT_RUNS):
        with TrainingMonitor(folder, session_name=f"seed-{seed:04d}", settings=QUIET) as monitor:
            for update, (policy, value, entropy) in enumerate(draws.normal(size=(UPDATES, 3)).tolist()):
                step = 2_048 * update
                monitor.log_training_step(step, policy, value, entropy, learning_rate=3e-4, env_step=step)
            for episode in range(100):
                monitor.log_episode(episode, float(episode), 10)
    for seed in range(DIFFERENT_RUNS, runs):
        copy = folder / f"seed-{seed:04d}"
        shutil.copytree(folder / f"seed-{seed % DIFFERENT_RUNS:04d}", copy)
        header = json.loads((copy / "run.json").read_text())
        (copy / "run.json").write_text(json.dumps({**header, "run_id": copy.name}))
    return folder


def seconds(question: str, where: Path) -> float:
    """Run a query in a fresh process and return its duration in seconds, without imports."""
    code = "\n".join(
        [IMPORTS, "begun = time.perf_counter()", textwrap.dedent(question), "print(time.perf_counter() - begun)"]
    )
    done = subprocess.run([sys.executable, "-c", code, str(where)], capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def report(questions: dict[str, tuple[str, str]], where: Path) -> None:
    """Measure each query several times, alternating between rlvitals and DuckDB, and print medians."""
    for name, (ours, theirs) in questions.items():
        pairs = [(seconds(ours, where), seconds(theirs, where) if theirs else 0.0) for _ in range(REPEATS)]
        mine = statistics.median(pair[0] for pair in pairs)
        line = f"  {name}: {1e3 * mine:.0f} ms"
        if theirs:
            plain = statistics.median(pair[1] for pair in pairs)
            line += f"; plain DuckDB {1e3 * plain:.0f} ms; ratio {mine / plain:.1f}"
        print(line)


def main() -> None:
    """Create the runs if they are missing, and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="use a tenth of the episodes and runs")
    parser.add_argument("--folder", type=Path, help="folder that keeps the runs")
    asked = parser.parse_args()
    part = 10 if asked.quick else 1
    with tempfile.TemporaryDirectory() as scratch:
        folder = asked.folder or Path(scratch)
        episodes, runs = 1_000_000 // part, 1_000 // part
        long, many = folder / f"{episodes}-episodes", folder / f"{runs}-runs"
        if not long.exists():
            long_run(long, episodes)
        if not many.exists():
            many_runs(many, runs)
        print(f"a run of {episodes:,} episodes")
        report(ONE, long / "long")
        print(f"{runs:,} runs of {UPDATES:,} updates")
        report(MANY, many)


if __name__ == "__main__":
    main()
