"""After SIGKILL, all acknowledged records are in the run folder."""

import json
import subprocess
import sys
from pathlib import Path

from rlvitals.runs.run import Run
from rlvitals.runs.verification import verify

_KILLS = 100
_WRITERS = Path(__file__).with_name("killed_writers.py")


def test_a_killed_writer_leaves_its_acknowledged_records_exactly_once(tmp_path: Path) -> None:
    """A hundred writers are killed while they append, rotate, seal or close, and a third of the runs is resumed."""
    command = [sys.executable, "-W", "error", str(_WRITERS), str(tmp_path), "20240607", str(_KILLS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == _KILLS

    for answer in answers:
        run = Run(tmp_path / answer["run"])
        acknowledged = [number for number in answer["first"] if number >= 0]
        found = [record.episode for record in run.records("episodes")]
        # At most one record more than acknowledged: the writer was killed after `log_episode` and before its report.
        before = found[: len(found) - len(answer["later"])]
        assert before in (acknowledged, [*acknowledged, len(acknowledged)])
        assert found == list(range(len(found)))
        assert answer["later"] == found[len(before) :]
        assert answer["total"] in (None, len(before))
        assert verify(run, mending=True).sound
    closing = sum(-1 in answer["first"] for answer in answers)
    assert 10 < closing < 90
    assert sum(answer["total"] is not None for answer in answers) > 20
    assert len(list(tmp_path.glob("*/episodes/*.parquet"))) > 10
