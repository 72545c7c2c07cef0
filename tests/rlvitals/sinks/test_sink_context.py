"""Information about the run that is passed to sinks."""

from pathlib import Path
from typing import Any

import pytest

from rlvitals import TrainingMonitor
from rlvitals.errors import SinkError
from rlvitals.sinks import FanOut, MemorySink, RunSink, SinkContext, SinkWrapper, make_sink
from rlvitals.sinks.memory_sink import MemorySink as Kept


class Curious(Kept, RunSink):
    """Sink that stores its context."""

    context: SinkContext | None = None

    def begin(self, context: SinkContext) -> None:
        self.context = context


class Passing(SinkWrapper):
    def write(self, record: Any) -> None:
        self.to.write(record)


def test_a_run_sink_receives_its_context(context: SinkContext) -> None:
    """This holds for an existing sink and for one created by `make_sink`."""

    instance = Curious()
    assert make_sink(instance, context) is instance
    made = make_sink(Curious, context)
    assert isinstance(made, Curious)
    assert instance.context is made.context is context


def test_wrappers_forward_the_context(context: SinkContext) -> None:
    """It passes through nested wrappers and fan-outs."""

    one, other = Curious(), Curious()
    make_sink(Passing(FanOut([one, MemorySink(), Passing(other)])), context)
    assert one.context is other.context is context


def test_an_error_in_begin_is_an_error_of_make_sink(context: SinkContext) -> None:
    """The error has the cause, like that of any sink that cannot be created."""

    class Homeless(Curious):
        def begin(self, context: SinkContext) -> None:
            raise OSError(f"no room in {context.run_id}")

    with pytest.raises(SinkError, match=r"cannot create the sink .*: OSError: no room in ppo 1"):
        make_sink(Homeless(), context)


def test_a_monitor_passes_the_context_to_its_sinks(tmp_path: Path) -> None:
    """The context has the folder, name, project, current configuration and resume state of the run."""

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
