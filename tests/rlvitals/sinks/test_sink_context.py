"""What a sink is told of its run."""

from pathlib import Path
from typing import Any

import pytest

from rlvitals import TrainingMonitor
from rlvitals.errors import SinkError
from rlvitals.sinks import FanOut, MemorySink, RunSink, SinkContext, SinkWrapper, make_sink
from rlvitals.sinks.memory_sink import MemorySink as Kept


class Curious(Kept, RunSink):
    """Keeps what it is told."""

    context: SinkContext | None = None

    def begin(self, context: SinkContext) -> None:
        self.context = context


class Passing(SinkWrapper):
    def write(self, record: Any) -> None:
        self.to.write(record)


def test_a_sink_that_wants_to_know_is_told(context: SinkContext) -> None:
    """Whether it was made before, or is made now."""

    instance = Curious()
    assert make_sink(instance, context) is instance
    made = make_sink(Curious, context)
    assert isinstance(made, Curious)
    assert instance.context is made.context is context


def test_what_wraps_a_sink_passes_the_word_on(context: SinkContext) -> None:
    """Through wrappers and fan-outs, however they are nested."""

    one, other = Curious(), Curious()
    make_sink(Passing(FanOut([one, MemorySink(), Passing(other)])), context)
    assert one.context is other.context is context


def test_a_sink_that_cannot_begin_cannot_be_made(context: SinkContext) -> None:
    """The error names the sink and the cause, as for any that cannot be made."""

    class Homeless(Curious):
        def begin(self, context: SinkContext) -> None:
            raise OSError(f"no room in {context.run_id}")

    with pytest.raises(SinkError, match="cannot be made: OSError: no room in ppo 1"):
        make_sink(Homeless(), context)


def test_a_monitor_tells_its_sinks(tmp_path: Path) -> None:
    """Folder, name, project and settings are the run's; settings that come later are seen; so is a resumption."""

    first, second = Curious(), Curious()
    with TrainingMonitor(
        tmp_path, session_name="a", project_name="p", configuration={"x": 1}, sinks=[first]
    ) as monitor:
        monitor.update_configuration({"y": 2})
    with TrainingMonitor(tmp_path, session_name="a", resume="must", sinks=[second]):
        pass
    assert first.context is not None
    assert second.context is not None
    path = tmp_path / "a"
    assert first.context[:4] == (path, path / "artifacts", "a", "p")
    assert first.context.configuration() == second.context.configuration() == {"x": 1, "y": 2}
    assert (first.context.resumed, second.context.resumed) == (False, True)
