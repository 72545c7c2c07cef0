"""Several trainings that differ by their seed, one after the other or side by side."""

from __future__ import annotations

import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.console import Console

import rlvitals
from rlvitals import TrainingMonitor
from vtracer_gym.cli import session

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from vtracer_gym.evaluation import LogoEvaluation
    from vtracer_gym.logos import Logo
    from vtracer_gym.models import TrainingSettings


@dataclass(frozen=True)
class SeedJob:
    """One training and its evaluation.

    Args:
        seen: logos to train on.
        aside: logos to evaluate on.
        settings: of the training.
        folder: for the model.
        log_dir: for the run.
        session_name: of the run.
        configuration: that the run is recorded with.
        search_tries: of random search on each logo set aside.
        resume: go on from the newest checkpoint.
    """

    seen: tuple[Logo, ...]
    aside: tuple[Logo, ...]
    settings: TrainingSettings
    folder: Path
    log_dir: Path
    session_name: str
    configuration: dict[str, Any]
    search_tries: int
    resume: bool


@dataclass(frozen=True)
class SeedResult:
    """What a training came to.

    Args:
        folder: of the model.
        run: the folder that the monitor recorded it in.
        evaluations: of the logos set aside.
    """

    folder: Path
    run: Path
    evaluations: list[LogoEvaluation]


def at_once(seeds: int, processes: int) -> int:
    """How many trainings of so many environments each this machine has processors for."""
    return max(1, min(seeds, (os.cpu_count() or 1) // processes))


def results(console: Console, jobs: Sequence[SeedJob], parallel: int) -> Iterator[SeedResult]:
    """The results of some trainings, in the order of the jobs, each as soon as it and those before it are there.

    Side by side each has a process of its own, and no progress bar; a failure ends those that have not begun.

    Args:
        console: for progress.
        jobs: the trainings.
        parallel: how many at once.

    Raises:
        ModelError: a training cannot be resumed.
        VtracerGymError: VTracer fails on a logo with its defaults.
    """
    if parallel == 1 or len(jobs) == 1:
        for job in jobs:
            yield result(console, job)
        return
    console.print(f"{len(jobs)} trainings, {parallel} at once", highlight=False)
    context = multiprocessing.get_context("forkserver")  # torch and OpenCV have threads, which a plain fork may break
    with ProcessPoolExecutor(parallel, mp_context=context) as pool:
        waiting = [pool.submit(_quiet_result, job) for job in jobs]
        try:
            for future in waiting:
                yield future.result()
        finally:
            for future in waiting:
                future.cancel()


def result(console: Console, job: SeedJob) -> SeedResult:
    """Trains, evaluates and records one seed."""
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
            console, job.seen, job.aside, job.settings, job.folder, monitor, resume=job.resume
        )
        evaluations = session.measured(
            console,
            agent,
            job.aside,
            search_tries=job.search_tries,
            seed=job.settings.seed,
            processes=job.settings.processes,
        )
        session.record_evaluation(monitor, evaluations, job.settings.attempts)
    session.save_evaluations(job.folder / "evaluation.json", evaluations)
    return SeedResult(job.folder, monitor.path, evaluations)


def verdicts(found: Sequence[SeedResult]) -> list[str]:
    """What may be concluded against each baseline, logo by logo: each logo's mean over the seeds that set it aside.

    Args:
        found: the results.

    Returns:
        A sentence for each baseline.
    """
    comparison = rlvitals.compare([str(one.run) for one in found], by=lambda _: "the agent")
    said = []
    for row in comparison.paired:
        if row.metric == "reward" and not row.category and row.difference.low is not None:
            low, high = row.difference.low, row.difference.high or 0.0
            said.append(
                f"first try against {row.baseline.removeprefix('policy ')}: {row.verdict}; reward "
                f"{row.difference.estimate or 0.0:+.2f} ({low:+.2f} to {high:+.2f}) over {row.items} logos, better on "
                f"{row.improved.estimate or 0.0:.0%}"
            )
    return said


def _quiet_result(job: SeedJob) -> SeedResult:
    return result(Console(quiet=True), job)
