"""Starts recording: opens the run, makes the sinks, and starts the recorder."""

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
    """Create or resume a run, and start its recorder. All values have been validated.

    Args:
        log_dir: Folder of runs.
        name: Name of the run, or `None` for one made of the time.
        resume: Whether to resume a run of that name: `never`, `allow` or `must`.
        project: Project of the run.
        configuration: Settings of the training, masked; added to those of a resumed run.
        goals: `total_timesteps` and `target`, where known; they replace those of a resumed run.
        tags: Words to find the run by; added to those of a resumed run.
        masking: Masks secrets.
        sinks: Where records also go.
        settings: Settings of the recorder.
        clock: The clock.

    Returns:
        The recorder, and one masked error message for each sink that could not be made.

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
