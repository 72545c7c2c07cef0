"""All ways to read a run whose segments are sealed between listing and reading."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rlvitals.formats.exporters import export_run
from rlvitals.runs.column_tail import Tail
from rlvitals.runs.follower import Follower
from rlvitals.runs.layout import Layout, Segment
from rlvitals.runs.queries import ask_in_parts, last_records
from rlvitals.runs.run import Run
from rlvitals.runs.sealing import seal
from rlvitals.runs.totals import totals

Line = Callable[..., bytes]


class SealedAt(Layout):
    """Layout that seals the listed segments after a given listing of the episodes, which makes the listing outdated."""

    left: list[int]

    def segments(self, stream: str) -> list[Segment]:
        listed = super().segments(stream)
        if stream == "episodes":
            self.left[0] -= 1
            if self.left[0] == 0:
                for segment in listed:
                    seal(segment.path)
        return listed


def _exported(run: Run, ending: str) -> int:
    path = export_run(run, run.path.parent / f"out{ending}", streams=["episodes"], progress=lambda *_: None)
    return path.read_text().count('"reward":')


READERS: dict[str, Callable[[Run], int]] = {
    "records": lambda run: len(list(run.records("episodes"))),
    "columns": lambda run: len(run.episodes.read()["reward"]),
    "length": lambda run: len(run.episodes),
    "names": lambda run: 4 * ("reward" in run.episodes.names),
    "sql": lambda run: int(run.sql("SELECT count(*) FROM episodes WHERE extra.x >= 0").rows()[0][0]),
    "last": lambda run: len(last_records(run, "episodes", 10)),
    "totals": lambda run: totals(run).episodes,
    "parts": lambda run: sum(
        ask_in_parts(run, lambda tables: len(tables.execute("FROM episodes").fetchall()), "episodes")
    ),
    "follower": lambda run: len(Follower(run.layout, "episodes").read()),
    "dashboard": lambda run: sum(batch.rows for batch in Tail(run.layout, "episodes").read(run.header)),
    "export": lambda run: _exported(run, ".jsonl"),
    "verify": lambda run: run.verify().counts["episodes"],
}


@pytest.mark.parametrize("listing", [1, 2, 3])
@pytest.mark.parametrize("reader", READERS)
def test_a_reader_returns_all_records_without_an_error(
    layout: Layout, folder: Path, line: Line, reader: str, listing: int
) -> None:
    """Any of its listings of the folder can be outdated when it reads."""
    for number in (1, 2):
        lines = (line(2 * number + place, extra={"x": place}) for place in range(2))
        (folder / f"00000{number}.jsonl").write_bytes(b"".join(lines))
    outdated = type("Outdated", (SealedAt,), {"left": [listing]})
    run = Run(layout.path)
    run.layout = outdated(layout.path)

    assert READERS[reader](run) == 4
