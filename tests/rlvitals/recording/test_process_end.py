"""The end of open runs when their process ends."""

import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from rlvitals import RecorderSettings, TrainingMonitor
from rlvitals.errors import RecordError
from rlvitals.runs import Run
from rlvitals.runs.verification import verify

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

_BEGIN = """
import os, signal, sys, threading
from rlvitals import RecorderSettings, TrainingMonitor

def begin(**options):
    settings = RecorderSettings(system_interval_s=None, **options)
    monitor = TrainingMonitor(sys.argv[1], session_name="run", settings=settings)
    monitor.log_episode(0, 1.0, 2)
    return monitor

def send(number=signal.SIGTERM):
    os.kill(os.getpid(), number)

"""
_SHOW_A_HANG = "import faulthandler; faulthandler.dump_traceback_later(100, exit=True)\n"
_NOT_IGNORED = "signal.signal(signal.SIGHUP, signal.SIG_DFL)\n"  # `nohup` ignores it, and children inherit this
Ended = Callable[[str], tuple[int, str, str | None]]


@pytest.fixture
def ended(tmp_path: Path) -> Ended:
    """Return a function that runs a program with a run, and returns its exit code, the run status and the failure."""

    def run(lines: str) -> tuple[int, str, str | None]:
        script = tmp_path / "train.py"
        script.write_text(_SHOW_A_HANG + _BEGIN + _NOT_IGNORED + textwrap.dedent(lines))
        command = [sys.executable, "-W", "error", str(script), str(tmp_path)]
        done = subprocess.run(command, timeout=120, check=False)  # pytest shows its stderr
        found = Run(tmp_path / "run")
        assert [record.episode for record in found.records("episodes")] == [0]
        failure = found.header.failure
        return (
            done.returncode,
            found.vitality().status,
            None if failure is None else f"{failure.type}: {failure.message}",
        )

    return run


# ---------------------------------------------------------------------- exit codes


@pytest.mark.parametrize(
    ("lines", "code", "failure"),
    [
        ("monitor = begin(); sys.exit(3)", 3, "SystemExit: 3"),
        ("monitor = begin(); exit(3)", 3, "SystemExit: 3"),
        ("monitor = begin(); sys.exit('out of disk')", 1, "SystemExit: out of disk"),
        (
            """
            def train():
                monitor = begin()
                try:
                    sys.exit(3)
                except SystemExit as error:
                    kept = error  # in its own traceback
                    raise
            train()
            """,
            3,
            "SystemExit: 3",
        ),
        ("with begin(): sys.exit([1])", 1, "SystemExit: [1]"),
    ],
)
def test_a_program_that_exits_with_a_code_has_failed(ended: Ended, lines: str, code: int, failure: str) -> None:
    """The run fails with or without a `with` statement, at module level or in a function."""
    assert ended(lines) == (code, "failed", failure)


@pytest.mark.parametrize(
    "lines",
    [
        "monitor = begin(); sys.exit()",
        """
        monitor = begin()
        try:
            sys.exit(3)
        except SystemExit:
            pass
        """,
        """
        monitor = begin()
        thread = threading.Thread(target=sys.exit, args=[3])
        thread.start()
        thread.join()
        """,
        """
        monitor = begin()
        try:
            sys.exit(3)
        except SystemExit as error:
            kept = error
        """,
    ],
)
def test_an_exit_that_does_not_fail_the_program_does_not_fail_the_run(ended: Ended, lines: str) -> None:
    """An exit with success, a caught exit, an exit of another thread, and a stored exception are not failures."""
    assert ended(lines) == (0, "completed", None)


def test_the_wrapper_of_sys_exit_is_removed_with_the_last_run(ended: Ended) -> None:
    """After the last run, `sys.exit` and the signal handlers are the original ones."""
    lines = """
        before = sys.exit, signal.getsignal(signal.SIGTERM)
        with begin(), TrainingMonitor(sys.argv[1], session_name="other"):
            during = sys.exit, signal.getsignal(signal.SIGTERM)
        assert all(one != other for one, other in zip(before, during))
        assert (sys.exit, signal.getsignal(signal.SIGTERM)) == before
        """
    assert ended(lines) == (0, "completed", None)


# ---------------------------------------------------------------------- exceptions


@pytest.mark.parametrize("begin", ["monitor = begin()\n", "with begin():\n    "])
@pytest.mark.parametrize(
    ("error", "shown"),
    [
        ("RuntimeError('a\\ud800')", "RuntimeError: a\\ud800"),
        (
            "type('Odd', (Exception,), {'__str__': lambda _: 1 / 0})()",
            "Odd: the message is unavailable: __str__ raised",
        ),
    ],
)
def test_an_exception_that_cannot_be_printed_is_not_replaced(ended: Ended, begin: str, error: str, shown: str) -> None:
    """The program and the run end with the original exception."""
    assert ended(f"{begin}raise {error}") == (1, "failed", shown)


# ---------------------------------------------------------------------- signals


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGXCPU"])
def test_a_terminating_signal_is_a_preemption(ended: Ended, name: str) -> None:
    """The signal ends the process, as without a monitor, and the run stores its name."""
    died, status, failure = ended(f"monitor = begin(); send(signal.{name}); signal.pause()")

    assert (-died, status, failure) == (getattr(signal, name), "preempted", f"{name}: terminated by {name}")


def test_a_signal_during_logging_is_a_preemption(tmp_path: Path) -> None:
    """All acknowledged records are stored, and the folder is sound."""
    program = """
monitor = begin()
for number in range(1, 10**9):
    monitor.log_episode(number, 1.0, 2)
    if number == 5_000:
        threading.Thread(target=send).start()
"""
    done = subprocess.run([sys.executable, "-c", _BEGIN + program, str(tmp_path)], timeout=120, check=False)

    run = Run(tmp_path / "run")
    found = [record.episode for record in run.records("episodes")]
    assert (done.returncode, run.header.status) == (-signal.SIGTERM, "preempted")
    assert found == list(range(len(found)))
    assert verify(run).sound


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ("signal.signal(signal.SIGTERM, lambda *_: sys.exit(7)); monitor = begin()", 7),
        ("monitor = begin(); signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))", 0),
        (
            """
            monitor = begin()
            ours = signal.getsignal(signal.SIGTERM)
            signal.signal(signal.SIGTERM, lambda number, frame: ours(number, frame))
            """,
            -signal.SIGTERM,
        ),
    ],
)
def test_the_handlers_of_users_are_kept(ended: Ended, lines: str, code: int) -> None:
    """Handlers installed before or after the monitor run, and the run stores the name of the signal."""
    assert ended(textwrap.dedent(lines) + "\nsend()\nsignal.pause()") == (
        code,
        "preempted",
        "SIGTERM: terminated by SIGTERM",
    )


@pytest.mark.parametrize(
    "before",
    [
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)",
        "import faulthandler; faulthandler.register(signal.SIGTERM)",
    ],
)
def test_a_signal_with_another_handler_does_not_end_the_run(ended: Ended, before: str) -> None:
    """An ignored signal, and a signal handled by C code, do not end the run."""
    assert ended(f"{before}\nmonitor = begin(); send(); monitor.log_note('on')") == (0, "completed", None)


@pytest.mark.parametrize(
    ("options", "number", "expected"),
    [
        ("", "SIGUSR1", ("crashed", None)),
        ("signals=('SIGUSR1',)", "SIGUSR1", ("preempted", "SIGUSR1: terminated by SIGUSR1")),
        ("signals=()", "SIGTERM", ("crashed", None)),
    ],
)
def test_which_signals_end_a_run_is_an_option(
    ended: Ended, options: str, number: str, expected: tuple[str, str | None]
) -> None:
    """Signals are passed by name. The defaults exclude signals used by frameworks."""
    assert ended(f"monitor = begin({options}); send(signal.{number}); signal.pause()")[1:] == expected


@pytest.mark.parametrize("signals", [("TERM",), ("SIGTREM",), "SIGTERM", 15, (15,)])
def test_an_invalid_signal_name_is_rejected(tmp_path: Path, signals: object) -> None:
    """The error shows valid values."""
    with pytest.raises(RecordError, match="must be signal names, such as"):
        TrainingMonitor(tmp_path, settings=RecorderSettings(signals=signals))  # type: ignore[arg-type]


def test_a_signal_to_a_forked_child_does_not_end_the_run(ended: Ended) -> None:
    """The signal ends the child immediately, and does not change the parent's run."""
    lines = """
    monitor = begin()
    child = os.fork()
    if not child:
        send()
        signal.pause()
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGTERM
    monitor.log_note("on")
    """
    assert ended(lines) == (0, "completed", None)


def test_a_preempted_run_can_be_resumed(ended: Ended, tmp_path: Path) -> None:
    """The resumed run is running and has no failure."""
    ended("monitor = begin(); send(); signal.pause()")
    with TrainingMonitor(tmp_path, session_name="run", resume="must") as monitor:
        resumed = monitor.run.header
        monitor.log_episode(1, 1.0, 2)

    assert (resumed.status, resumed.failure, resumed.writers[0].status) == ("running", None, "preempted")
    assert [record.episode for record in monitor.run.records("episodes")] == [0, 1]


# ---------------------------------------------------------------------- the live diagnosis


@pytest.mark.parametrize("end", ["monitor.close()", "", "sys.exit(0)"])
def test_many_records_do_not_abort_the_exit(tmp_path: Path, end: str) -> None:
    """Closing stops waiting for the live diagnosis, which reads the folder. The exit code is 0, the run complete."""
    program = f"""
monitor = begin(close_s=0.01, diagnosis_interval_s=0.1)
for number in range(1, 40_000):
    monitor.log_episode(number, number / 7, 10, env_step=10 * number, extra={{"a": number}})
{end}
"""
    done = subprocess.run(
        [sys.executable, "-c", _BEGIN + program, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )

    run = Run(tmp_path / "run")
    assert (done.returncode, done.stderr) == (0, "")
    assert (run.header.status, run.header.totals["episodes"], len(run.episodes)) == ("completed", 40_000, 40_000)
    assert verify(run).sound


@pytest.mark.parametrize("end", ["monitor.close()", "", "sys.exit(0)"])
def test_a_diagnosis_that_never_stops_reading_is_interrupted(ended: Ended, end: str) -> None:
    """Its thread leaves the database before the interpreter shuts down, for every way in which the program ends."""
    program = """
from rlvitals.runs.sql_columns import connected
from rlvitals.sinks import MemorySink

class Reading(MemorySink):
    def close(self):
        while True:
            with connected() as tables:
                tables.execute("SELECT count(*) FROM range(10_000_000_000) a, range(10_000_000_000) b").fetchall()

monitor = begin(close_s=0.2)
monitor._recorder.add_observer(Reading())
"""
    assert ended(program + end) == (0, "completed", None)
