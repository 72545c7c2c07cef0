"""A forked child cannot damage its parent's run."""

from collections.abc import Callable
from typing import Any

InAProcess = Callable[..., list[dict[str, Any]]]

_BEGIN = """
monitor = TrainingMonitor(folder, session_name="run", settings=quiet, sinks=[MemorySink()])
monitor.log_episode(0, 1.0, 2)
"""


def test_a_child_that_logs_saves_and_closes_changes_nothing(in_a_process: InAProcess) -> None:
    """The child exits normally with its exit handlers. Its records are neither stored nor do they raise."""
    said = in_a_process(
        _BEGIN
        + """
before = (folder / "run" / "run.json").read_bytes()
child = os.fork()
if not child:
    monitor.log_episode(100, 1.0, 2)
    monitor.log_note("from the child")
    monitor.log_image("from the child", "<svg/>")
    monitor.rewind(env_step=0)
    monitor.pause()
    monitor.update_configuration({"child": True})
    monitor.save_session()
    monitor.get_training_statistics()
    monitor.close()
    sys.exit(0)
_, status = os.waitpid(child, 0)
same = before == (folder / "run" / "run.json").read_bytes() and not list(folder.rglob("*.svg"))
monitor.log_episode(1, 1.0, 2)
try:
    TrainingMonitor(folder, session_name="run", resume="must", settings=quiet)
    locked = False
except RunLockedError:
    locked = True
monitor.close()
run = open_run(folder / "run")
say(status=status, same=same, locked=locked, end=run.header.status, writers=len(run.header.writers),
    episodes=[record.episode for record in run.records("episodes")],
    events=[event.message for event in run.records("events")])
"""
    )

    assert said == [
        {
            "status": 0,
            "same": True,
            "locked": True,
            "end": "completed",
            "writers": 1,
            "episodes": [0, 1],
            "events": ["started", "completed"],
        }
    ]


def test_an_exception_in_a_child_does_not_fail_the_run(in_a_process: InAProcess) -> None:
    """The run belongs to the parent, and continues."""
    said = in_a_process(
        _BEGIN
        + """
sys.stderr = open(os.devnull, "w")
child = os.fork()
if not child:
    raise RuntimeError("a worker's own business")
_, status = os.waitpid(child, 0)
say(child=os.waitstatus_to_exitcode(status), run=open_run(folder / "run").header.status)
monitor.close()
"""
    )

    assert said == [{"child": 1, "run": "running"}]


def test_records_of_a_child_are_counted_and_reported_once(in_a_process: InAProcess) -> None:
    """The child counts the records that it tried to log, and logs one warning."""
    said = in_a_process(
        _BEGIN
        + """
import logging
class Count(logging.Handler):
    messages = []
    def emit(self, record):
        self.messages.append(record.getMessage())
logging.getLogger("rlvitals").addHandler(Count())
child = os.fork()
if not child:
    for number in range(3):
        monitor.log_episode(number, 1.0, 2)
    say(forked=monitor.dropped_records().forked, said=len(Count.messages))
    os._exit(0)
os.waitpid(child, 0)
monitor.close()
"""
    )

    assert said == [{"forked": 3, "said": 1}]


def test_a_run_can_be_resumed_while_a_child_of_its_dead_writer_lives(in_a_process: InAProcess) -> None:
    """Environments in separate processes, which can outlive a killed training, do not block a resume."""
    said = in_a_process("""
        hold, let_go = os.pipe()
        ready, get_ready = os.pipe()
        parent = os.fork()
        if not parent:
            monitor = TrainingMonitor(folder, session_name="run", settings=quiet)
            monitor.log_episode(0, 1.0, 2, env_step=7)
            os.close(let_go)
            if not os.fork():
                os.write(get_ready, b"x")
                os.read(hold, 1)  # lives on
                monitor.log_episode(100, 1.0, 2)
                monitor.close()
                os._exit(0)
            signal.pause()
        os.read(ready, 1)
        os.kill(parent, signal.SIGKILL)
        os.waitpid(parent, 0)
        crashed = open_run(folder / "run").vitality().status
        monitor = TrainingMonitor(folder, session_name="run", resume="must", settings=quiet)
        session = monitor.session
        os.close(let_go)
        monitor.log_episode(1, 1.0, 2)
        monitor.close()
        say(crashed=crashed, episodes=session.total_episodes, steps=session.total_timesteps,
            found=[record.episode for record in open_run(folder / "run").records("episodes")])
    """)

    assert said == [{"crashed": "crashed", "episodes": 1, "steps": 7, "found": [0, 1]}]


def test_a_fork_while_other_threads_log_leaves_no_lock_held_in_the_child(in_a_process: InAProcess) -> None:
    """A lock that another thread held at the fork is free in the child, where that thread does not exist."""
    said = in_a_process("""
        import warnings
        warnings.simplefilter("ignore", DeprecationWarning)  # later Python versions warn about forks with threads
        monitor = TrainingMonitor(folder, session_name="run", settings=quiet)
        logging_on = [True]
        def log():
            while logging_on:
                monitor.log_episode(0, 1.0, 2)
        threads = [threading.Thread(target=log) for _ in range(2)]
        for thread in threads:
            thread.start()
        codes = []
        for _ in range(10):
            child = os.fork()
            if not child:
                signal.alarm(20)
                monitor.log_episode(1, 1.0, 2)
                monitor.session
                monitor.save_session()
                monitor.close()
                os._exit(0)
            codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        logging_on.clear()
        for thread in threads:
            thread.join()
        monitor.close()
        say(codes=codes, episodes=sorted({record.episode for record in open_run(folder / "run").records("episodes")}))
    """)

    assert said == [{"codes": [0] * 10, "episodes": [0]}]


def test_a_child_can_diagnose_after_a_fork_during_a_diagnosis(in_a_process: InAProcess) -> None:
    """The child does not need the lock of the live diagnosis, which a thread of the parent held at the fork."""
    said = in_a_process(
        _BEGIN
        + """
for number in range(1, 30):  # fewer than twenty rewards are not evaluated
    monitor.log_episode(number, float(number % 3), 2)
held = threading.Event()
def judge():
    with monitor._live_diagnosis._evaluating:
        held.set()
        threading.Event().wait()
threading.Thread(target=judge, daemon=True).start()
held.wait()
child = os.fork()
if not child:
    signal.alarm(30)
    found = monitor.create_dashboard_data()
    os._exit(0 if found["validation"]["status"] == "healthy" else 1)
_, status = os.waitpid(child, 0)
say(status=status)
os._exit(0)
"""
    )

    assert said == [{"status": 0}]
