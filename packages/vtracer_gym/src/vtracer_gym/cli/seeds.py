"""Training with several seeds, sequentially or in parallel."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console

import rlvitals
from rlvitals import TrainingMonitor
from vtracer_gym.baselines import COMPACT_NAME, DEFAULTS_NAME
from vtracer_gym.cli import session
from vtracer_gym.logo_outcomes import FIXED_NAMES, SURROGATE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from vtracer_gym.logo_outcomes import LogoEvaluation
    from vtracer_gym.logos import Logo
    from vtracer_gym.models import TrainingSettings

RIVALS: Final = (DEFAULTS_NAME, COMPACT_NAME, *FIXED_NAMES, SURROGATE)
"""Methods that make one try per logo, as the agent's first try does, without the presets."""


@dataclass(frozen=True)
class SeedJob:
    """A training and its evaluation.

    Args:
        seen: Logos to train on.
        aside: Unseen logos to evaluate on, by size, with at least one per size.
        settings: Settings of the training.
        folder: Folder for the model.
        log_dir: Folder of runs for the recorded run.
        session_name: Name of the run.
        configuration: Configuration of the run.
        search_tries: Random-search tries per unseen logo.
        resume: Whether to continue from the newest checkpoint.
    """

    seen: tuple[Logo, ...]
    aside: dict[int, tuple[Logo, ...]]
    settings: TrainingSettings
    folder: Path
    log_dir: Path
    session_name: str
    configuration: dict[str, Any]
    search_tries: int
    resume: bool


@dataclass(frozen=True)
class SeedResult:
    """The results of a training.

    Args:
        folder: Folder of the model.
        run: Run folder.
        evaluations: Evaluations of the unseen logos, by size.
    """

    folder: Path
    run: Path
    evaluations: dict[int, list[LogoEvaluation]]


def at_once(seeds: int, processes: int) -> int:
    """Return how many trainings with ``processes`` environments each the processors of this machine can run."""
    return max(1, min(seeds, (os.cpu_count() or 1) // processes))


def results(console: Console, jobs: Sequence[SeedJob], parallel: int) -> Iterator[SeedResult]:
    """Yield the results of trainings in the order of the jobs, each as soon as it is available.

    Parallel trainings run in separate processes without progress bars. A failure cancels trainings that are not
    started.

    Args:
        console: Console for progress.
        jobs: Trainings to run.
        parallel: Number of parallel trainings.

    Raises:
        ModelError: A training cannot be resumed.
        VtracerGymError: VTracer fails on every logo with its defaults.
    """
    if parallel == 1 or len(jobs) == 1:
        for job in jobs:
            yield result(console, job)
        return
    console.print(f"{len(jobs)} trainings, {parallel} in parallel", highlight=False)
    context = multiprocessing.get_context("forkserver")  # a plain fork can deadlock the threads of torch and OpenCV
    with ProcessPoolExecutor(parallel, mp_context=context) as pool:
        waiting = [pool.submit(_quiet_result, job) for job in jobs]
        try:
            for future in waiting:
                yield future.result()
        finally:
            for future in waiting:
                future.cancel()


def result(console: Console, job: SeedJob, processes: int | None = None) -> SeedResult:
    """Train, evaluate and record one seed.

    Args:
        console: Console for progress.
        job: Training to run.
        processes: Number of processes for the evaluation, by default one per core.
    """
    with TrainingMonitor(
        job.log_dir,
        project_name=session.PROJECT,
        session_name=job.session_name,
        configuration=job.configuration,
        total_timesteps=job.settings.steps,
        resume="allow" if job.resume else "never",
        announce=not console.quiet,
    ) as monitor:
        agent = session.monitored_training(
            console,
            job.seen,
            [logo for logos in job.aside.values() for logo in logos],
            job.settings,
            job.folder,
            monitor,
            resume=job.resume,
        )
        evaluations = session.evaluated(
            console,
            agent,
            job.aside,
            monitor,
            search_tries=job.search_tries,
            seed=job.settings.seed,
            processes=processes,
        )
    session.save_evaluations(job.folder / "evaluation.json", evaluations)
    return SeedResult(job.folder, monitor.path, evaluations)


def verdicts(found: Sequence[SeedResult]) -> list[str]:
    """Return the comparison with each rival, paired by logo and averaged over sizes and the seeds that did not see it.

    Args:
        found: Results of the trainings.

    Returns:
        One sentence per rival.
    """
    comparison = rlvitals.compare([str(one.run) for one in found], by=lambda _: "the agent")
    said = []
    for row in comparison.paired:
        rival = row.baseline.removeprefix("policy ")
        if row.metric == "reward" and not row.category and row.difference.low is not None and rival in RIVALS:
            low, high = row.difference.low, row.difference.high or 0.0
            said.append(
                f"first try vs. {rival}: {row.verdict}; reward difference "
                f"{row.difference.estimate or 0.0:+.2f} ({low:+.2f} to {high:+.2f}) over {row.items} logos, better on "
                f"{row.improved.estimate or 0.0:.0%} of them"
            )
    return said


def _quiet_result(job: SeedJob) -> SeedResult:
    return result(Console(quiet=True), job, job.settings.processes)
