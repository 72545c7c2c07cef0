"""Contract of adapters as a test suite. Authors of an adapter inherit from it.

    from rlvitals.testing.adapters import AdapterContract, Trained

    class TestMyCallback(AdapterContract):
        update_fields = frozenset({"loss", "learning_rate"})

        def make_adapter(self, monitor=None, **options):
            return MyCallback(monitor=monitor, **options)

        def train(self, adapter, halfway):
            trainer = MyTrainer(seed=1, callbacks=[adapter] if adapter else [])
            ...  # train for a moment, and call halfway() in the middle
            return Trained(returns=trainer.returns, updates=trainer.updates, result=trainer.weights)

The tests need pytest and a real training, which should take less than a second.
"""

import contextlib
import os
import pickle
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import pytest

from rlvitals.errors import NotPicklableError
from rlvitals.monitor import TrainingMonitor
from rlvitals.reader import open_run
from rlvitals.recording import RecorderSettings
from rlvitals.records import PolicyUpdate
from rlvitals.records.synonyms import TRAIN, update_field

RUN = "run"
_SETTINGS = RecorderSettings(system_interval_s=None, diagnosis_interval_s=None, close_s=1.0)
_LONG_S = 30.0
_OPEN_FILES = Path("/proc/self/fd")


class Interruption(Exception):  # noqa: N818 - not an error of the adapter
    """Exception that leaves a training in a test."""


class Trained(NamedTuple):
    """What a training did, as known without the adapter.

    Attributes:
        returns: Return of each finished episode, in the order in which they ended. Empty if the adapter records none.
        updates: Number of policy updates that the adapter records.
        result: Anything that the training computed, such as its last weights as a list. It is compared with `==`.
    """

    returns: list[float]
    updates: int = 0
    result: Any = None


class AdapterContract:
    """Tests that every adapter must pass. Override `make_adapter`, `train`, and the attributes that differ.

    Attributes:
        opens_runs: Whether the adapter can create a run itself. It then takes `log_dir` and options of
            `TrainingMonitor`, and works in a `with` statement.
        notices_interruptions: Whether the adapter notices an exception that leaves the training, also without `with`.
        update_fields: Fields of `records.PolicyUpdate` that every update has.
    """

    opens_runs: ClassVar[bool] = True
    notices_interruptions: ClassVar[bool] = True
    update_fields: ClassVar[frozenset[str]] = frozenset()

    def make_adapter(self, monitor: TrainingMonitor | None = None, **options: Any) -> Any:
        """Return a new adapter.

        Args:
            monitor: Monitor of the caller, or `None` if the adapter creates its run.
            **options: `log_dir` and options of `TrainingMonitor`, without a monitor.
        """
        raise NotImplementedError("implement make_adapter in a subclass of the contract")

    def train(self, adapter: Any, halfway: Callable[[], None]) -> Trained:
        """Train briefly, with a fixed seed.

        Args:
            adapter: Adapter that records the training, or `None` to train without one.
            halfway: Function to call once in the training loop, after an episode or update. Its exceptions must leave
                the loop.

        Returns:
            What the training did.
        """
        raise NotImplementedError("implement train in a subclass of the contract")

    @pytest.fixture
    def callers_monitor(self, tmp_path: Path) -> Iterator[TrainingMonitor]:
        """Monitor of a caller, which is closed after the test."""
        monitor = TrainingMonitor(tmp_path, session_name=RUN, settings=_SETTINGS, announce=False)
        yield monitor
        monitor.close()

    def test_it_records_every_episode_once(self, callers_monitor: TrainingMonitor) -> None:
        """Each finished episode is recorded in order, with its return and consecutive numbers."""
        trained = self.train(self.make_adapter(callers_monitor), _nothing)
        found = list(callers_monitor.run.records("episodes"))
        assert [episode.reward for episode in found] == pytest.approx(trained.returns)
        assert [episode.episode for episode in found] == list(range(len(found)))
        assert trained.returns or self.update_fields, "the training finishes neither an episode nor an update"

    def test_it_records_updates_under_their_fields(self, callers_monitor: TrainingMonitor) -> None:
        """Each update is recorded once. Values that have a field are in it, and not in `extra`."""
        trained = self.train(self.make_adapter(callers_monitor), _nothing)
        found = list(callers_monitor.run.records("updates"))
        assert len(found) == trained.updates
        for update in found:
            assert [name for name in self.update_fields if getattr(update, name) is None] == []
            assert _misplaced(update) == []

    def test_its_own_run_is_completed(self, tmp_path: Path) -> None:
        """The run that the adapter created is completed after the training."""
        with self._own(tmp_path) as adapter:
            self.train(adapter, _nothing)
        assert open_run(tmp_path / RUN).header.status == "completed"

    def test_its_own_run_fails_with_an_exception(self, tmp_path: Path) -> None:
        """An exception that leaves a `with` statement ends the run as failed, and is stored with it."""
        with pytest.raises(Interruption), self._own(tmp_path) as adapter:
            self.train(adapter, _interrupt)
        header = open_run(tmp_path / RUN).header
        assert (header.status, header.failure and header.failure.type) == ("failed", "Interruption")

    def test_its_own_run_fails_without_a_with_statement(self, tmp_path: Path) -> None:
        """An exception that leaves the training ends the run as failed soon after."""
        adapter = self._own(tmp_path)
        if not self.notices_interruptions:
            pytest.skip("this adapter does not notice interruptions")
        with pytest.raises(Interruption):
            self.train(adapter, _interrupt)
        assert _soon(lambda: open_run(tmp_path / RUN).header.status == "failed")

    def test_the_callers_monitor_stays_open(self, callers_monitor: TrainingMonitor) -> None:
        """After a training, the caller's monitor still accepts records."""
        self.train(self.make_adapter(callers_monitor), _nothing)
        callers_monitor.log_note("after the training")
        assert callers_monitor.status == "running"

    def test_an_interruption_leaves_the_callers_monitor_open(self, callers_monitor: TrainingMonitor) -> None:
        """After an exception, the caller's run is paused if the adapter notices it, and accepts records."""
        adapter = self.make_adapter(callers_monitor)
        with pytest.raises(Interruption):
            self.train(adapter, _interrupt)
        wanted = "paused" if self.notices_interruptions else "running"
        assert _soon(lambda: callers_monitor.status == wanted)
        callers_monitor.log_note("after the interruption")

    def test_the_training_is_the_same_with_the_adapter(self, callers_monitor: TrainingMonitor) -> None:
        """The adapter changes nothing: with one seed, a training has the same result with and without it."""
        assert self.train(self.make_adapter(callers_monitor), _nothing) == self.train(None, _nothing)

    def test_a_failing_disk_does_not_stop_the_training(self, callers_monitor: TrainingMonitor) -> None:
        """The training is the same if the run cannot be written."""
        _break_disk(callers_monitor.path)
        assert self.train(self.make_adapter(callers_monitor), _nothing) == self.train(None, _nothing)
        assert callers_monitor.failures(), "the training recorded nothing"

    def test_a_closed_monitor_does_not_stop_the_training(self, callers_monitor: TrainingMonitor) -> None:
        """The training is the same if each attempt to record raises."""
        callers_monitor.close()
        assert self.train(self.make_adapter(callers_monitor), _nothing) == self.train(None, _nothing)

    def test_it_cannot_be_sent_to_another_process(self, callers_monitor: TrainingMonitor) -> None:
        """Pickling the adapter raises an error that names it and the reason."""
        adapter = self.make_adapter(callers_monitor)
        with pytest.raises(NotPicklableError, match=f"{type(adapter).__name__} cannot be copied"):
            pickle.dumps(adapter)

    def _own(self, folder: Path) -> Any:
        if not self.opens_runs:
            pytest.skip("this adapter records to the caller's monitor only")
        return self.make_adapter(log_dir=folder, session_name=RUN, settings=_SETTINGS, announce=False)


def _nothing() -> None:
    """Continue the training."""


def _interrupt() -> None:
    raise Interruption("halfway")


def _break_disk(folder: Path) -> None:
    """Let each write to the open files of a folder fail, and each attempt to open another file in it."""
    if not _OPEN_FILES.is_dir():
        pytest.skip("needs Linux, which lists the open files of a process")
    shutil.rmtree(folder)
    folder.write_text("a file in the place of the folder")
    full = os.open("/dev/full", os.O_WRONLY)
    for entry in list(_OPEN_FILES.iterdir()):
        with contextlib.suppress(OSError):  # the descriptor of the listing itself
            if entry.readlink().is_relative_to(folder):
                os.dup2(full, int(entry.name))
    os.close(full)


def _misplaced(update: PolicyUpdate) -> list[str]:
    """Return the names in `extra` that belong to a field that has no value."""
    targets = {name: update_field(name) or update_field(TRAIN + name) for name in update.extra or {}}
    return [name for name, target in targets.items() if target is not None and getattr(update, target.field) is None]


def _soon(holds: Callable[[], bool]) -> bool:
    """Wait until a condition holds, because another thread notices an interruption. Return whether it holds."""
    pause = threading.Event()
    for _ in range(int(_LONG_S / 0.01)):
        if holds():
            return True
        pause.wait(0.01)
    return False
