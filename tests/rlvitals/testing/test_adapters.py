"""The contract of adapters detects faulty adapters."""

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

from rlvitals import RecorderSettings, TrainingMonitor
from rlvitals.adapters.training_run import RunHolder, TrainingRun
from rlvitals.errors import ClosedError
from rlvitals.testing.adapters import AdapterContract, Trained

BOUNDARY = (AssertionError, ClosedError, pytest.fail.Exception, TypeError)


class LoopAdapter(RunHolder):
    """Adapter for `Loop`, with at most one fault."""

    def __init__(self, fault: str = "", monitor: TrainingMonitor | None = None, **options: Any) -> None:
        self.fault = fault
        self.given = monitor
        self._run = TrainingRun(self, None, monitor, options, loop="loop()")

    def __reduce_ex__(self, protocol: Any) -> Any:
        return (str, ("a copy",)) if self.fault == "pickles" else super().__reduce_ex__(protocol)

    def begin(self, loop: object) -> None:
        monitor = self._run.begin(loop, None, step=0, facts={})
        if self.fault == "blind":
            self._run.end_watch()
        self.count = monitor.session.total_episodes

    def record(self, reward: float) -> None:
        try:
            self._run.monitor.log_episode(self.count, reward + (self.fault == "wrong reward"), 1)
            if self.fault == "twice":
                self._run.monitor.log_episode(self.count, reward, 1)
            entropy = {"train/entropy": 1.0} if self.fault == "misnamed" else None
            self._run.monitor.log_training_step(self.count, 1.0, entropy=None if entropy else 1.0, extra=entropy)
            self.count += 1
        except ClosedError:
            if self.fault == "raises":
                raise

    def end(self) -> None:
        self._run.end_watch()
        if self.fault == "closes" and self.given is not None:
            self.given.close()
        if self.fault != "stays open":
            self._run.end()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, None if self.fault == "completes" else error, trace)


class Loop:
    """Training loop with four episodes."""

    def run(self, adapter: Any, halfway: Callable[[], None]) -> Trained:
        returns = [1.0, 2.0, 3.0, 4.0]
        if adapter:
            adapter.begin(self)
            returns[0] += adapter.fault == "interferes"
        for number, reward in enumerate(returns):
            if adapter:
                adapter.record(reward)
            if number == 1:
                halfway()
        if adapter:
            adapter.end()
        return Trained(returns, updates=4)


class Contract(AdapterContract):
    """The contract, for an adapter with a fault."""

    update_fields = frozenset({"policy_loss"})

    def __init__(self, fault: str) -> None:
        self.fault = fault

    def make_adapter(self, monitor: TrainingMonitor | None = None, **options: Any) -> LoopAdapter:
        return LoopAdapter(self.fault, monitor, **options)

    def train(self, adapter: Any, halfway: Callable[[], None]) -> Trained:
        return Loop().run(adapter, halfway)


def failures(fault: str, tmp_path: Path) -> list[str]:
    """Return the names of the tests that fail for an adapter with a fault."""
    found = []
    for name in sorted(name for name in dir(AdapterContract) if name.startswith("test_")):
        test = getattr(Contract(fault), name)
        folder = tmp_path / name
        try:
            if "callers_monitor" in test.__annotations__:
                quiet = RecorderSettings(system_interval_s=None, diagnosis_interval_s=None, close_s=1.0)
                with TrainingMonitor(folder, session_name="run", settings=quiet, announce=False) as monitor:
                    test(monitor)
            else:
                test(folder)
        except BOUNDARY:
            found.append(name.removeprefix("test_"))
    return found


@pytest.mark.parametrize(
    ("fault", "failing"),
    [
        ("", []),
        ("twice", ["it_records_every_episode_once"]),
        ("wrong reward", ["it_records_every_episode_once"]),
        ("misnamed", ["it_records_updates_under_their_fields"]),
        ("completes", ["its_own_run_fails_with_an_exception"]),
        ("raises", ["a_closed_monitor_does_not_stop_the_training"]),
        ("closes", ["the_callers_monitor_stays_open"]),
        ("pickles", ["it_cannot_be_sent_to_another_process"]),
        (
            "interferes",
            [
                "a_closed_monitor_does_not_stop_the_training",
                "a_failing_disk_does_not_stop_the_training",
                "the_training_is_the_same_with_the_adapter",
            ],
        ),
    ],
)
def test_the_contract_detects(fault: str, failing: list[str], tmp_path: Path) -> None:
    """A healthy adapter passes every test, and each fault fails the tests about it."""
    assert failures(fault, tmp_path) == failing
