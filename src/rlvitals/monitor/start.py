"""Start of a recording: opens the run, creates the sinks, and starts the recorder."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rlvitals.clock import Clock
from rlvitals.recording import Recorder, RecorderSettings, Resume, open_session
from rlvitals.records.masking import Masking
from rlvitals.sinks import SinkContext, SinkLike, make_sinks


def start_recorder(
    log_dir: Path,
    name: str | None,
    *,
    resume: Resume,
    project: str,
    configuration: dict[str, Any],
    goals: dict[str, float],
    tags: Sequence[str],
    masking: Masking,
    sinks: Iterable[SinkLike],
    settings: RecorderSettings,
    clock: Clock,
) -> tuple[Recorder, list[str]]:
    """Create or resume a run, and start its recorder. The arguments must have been validated.

    Args:
        log_dir: Folder of runs.
        name: Run name, or `None` for a default name (see `default_run_name`).
        resume: Whether to resume a run of that name: `never`, `allow` or `must`.
        project: Project name of the run.
        configuration: Training configuration, masked. It is merged into that of a resumed run.
        goals: `total_timesteps` and `target`, if known. They replace those of a resumed run.
        tags: Tags of the run. They are added to those of a resumed run.
        masking: Masking of secrets.
        sinks: Sinks that also receive the records.
        settings: Settings of the recorder.
        clock: Source of the time.

    Returns:
        The recorder, and one masked error message for each sink that could not be created.

    Raises:
        RunError: The run cannot be created or resumed.
    """
    session = open_session(
        log_dir,
        name,
        resume=resume,
        project=project,
        configuration=configuration,
        clock=clock,
        masking=masking,
    )
    header = session.header
    header.tags = list(dict.fromkeys((*header.tags, *tags)))
    header.configuration = {**header.configuration, **configuration}
    header.goals = goals or header.goals
    context = SinkContext(
        path=session.layout.path,
        artifacts=session.layout.artifacts,
        run_id=header.run_id,
        project=header.project,
        configuration=lambda: dict(header.configuration),
        resumed=session.resumed,
    )
    made, refused = make_sinks(sinks, context)
    recorder = Recorder(session, settings=settings, sinks=made, clock=clock)
    recorder.save()
    return recorder, [masking.text(reason) for reason in refused]
