"""The contract of an exporter as a test suite, which the author of an exporter inherits.

    from rlvitals.testing.exporters import ExporterContract

    class TestMyExporter(ExporterContract):
        target = "run.mine"

        def make_exporter(self) -> Exporter:
            return MyExporter()

        def read(self, path: Path) -> Exported:  # if what it wrote can be read back in full
            return Exported(header, records)

The claims are those of `rlvitals.formats.exporters.Exporter`, and are held with pytest.
"""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import msgspec
import pytest

from rlvitals.errors import ExportError, RlvitalsError
from rlvitals.formats.exporters import Exporter, export_run
from rlvitals.records import (
    STREAMS,
    Episode,
    Evaluation,
    Event,
    PolicyUpdate,
    Record,
    Scalars,
    SystemSample,
)
from rlvitals.records.coercion import spelled
from rlvitals.runs import Header, Run
from rlvitals.runs.header import Rewind, Writer
from rlvitals.runs.run_writer import RunWriter
from rlvitals.testing.sinks import every_kind, non_finite_and_absent, repeated_and_late

MADE = ("ordinary", "strange", "rewound", "empty")
"""The runs that an exporter is tried on."""


class Exported(NamedTuple):
    """What was read back of an export."""

    header: Header
    records: dict[str, list[Record]]


def strange_records() -> tuple[Record, ...]:
    """What is hard to keep: names and texts of all kinds, texts that look like numbers, nesting, large numbers."""
    return (
        Episode(
            time=-0.0,
            episode=2**63 - 1,
            reward=5e-324,
            length=0,
            termination_reason="",
            category='ünïcode, "quoted"\r\nand 漢字 🎲',
            difficulty="7",
            reward_parts={"a.b": 0.1, "Total": 1.0, "total": 2.0, "": 3.0, 'a "name", quoted': -0.0},
            parameters={"mode": "true", "text": "7", "json": '"7"', "flag": True, "whole": 2**62 + 1, "one": 1.0},
            extra={"mixed": "three", "space": " ", "empty": "", "brace": "{", "a\nb": 1},
            info={"none": None, "nan": math.nan, "deep": [{"a": [1, -math.inf, "x"]}, []], "": {}, "big": 2**70},
        ),
        Episode(time=1e300, episode=1, reward=-1.7976931348623157e308, length=1, success=False, extra={"mixed": 3}),
        Episode(time=math.nan, episode=1, reward=math.inf, length=1, parameters={"mode": 7}, extra={"mixed": False}),
        PolicyUpdate(time=1.0, step=1, extra={"x": math.nan, "y": -math.inf, "text": "null"}),
        Evaluation(time=1.0, episode=0, categories={"text": {"quality": math.nan}}, items={"a/b.png": {"bytes": 1024}}),
        SystemSample(time=1.0),
        Scalars(time=1.0, step=0, category="c/d", values={}),
        Scalars(time=2.0, step=0, category="NaN", values={"a": "Infinite", "b": 0.1 + 0.2}),
        Event(time=1.0, kind="note", message="null and , ; \t\0", data={"a": {"b": {"c": [None, True]}}}),
    )


def made_run(folder: Path, what: str) -> Run:
    """Make a run.

    Args:
        folder: The folder of runs.
        what: One of `MADE`.
    """
    # Some segments are sealed, and some are not.
    writer = RunWriter(folder, what, seal_records=4 if what == "ordinary" else 2)
    for record in _records(what):
        writer.write(record)
    rewind = Rewind(episode=1) if what == "rewound" else None
    began = Writer(writer=1, started=1.0, host="here", pid=1)
    header = Header(
        run_id=what,
        project="contract: ünïcode",
        status="completed",
        started=1.0,
        ended=100.5,
        configuration={"learning_rate": 3e-4, "gamma": "NaN", "net": {"layers": [64, 64]}, "name": "it's"},
        totals={"episodes": 3},
        writers=[began, Writer(writer=2, started=2.0, host="there", pid=2, rewind=rewind)],
        tags=["a", "b"],
        goals={"target": 195.0},
    )
    return writer.finish(header)


def _records(what: str) -> Iterable[Record]:
    if what == "strange":
        return strange_records()
    if what == "rewound":
        return (
            Episode(time=1.0, episode=1, reward=1.0, length=1),
            Episode(time=2.0, episode=2, reward=2.0, length=1, category="abandoned"),
            Episode(time=3.0, writer=2, episode=2, reward=3.0, length=1),
        )
    several = (*every_kind(), *non_finite_and_absent(), *repeated_and_late())
    return () if what == "empty" else several


class ExporterContract:
    """What is true of every exporter. Override `make_exporter`; and `read`, if what it wrote can be read back in full.

    Attributes:
        target: The name of the file or the folder that it is tried with.
    """

    target: ClassVar[str] = "exported"

    def make_exporter(self) -> Exporter:
        """Make a new exporter."""
        raise NotImplementedError("a contract is inherited by a class that makes the exporter")

    def read(self, path: Path) -> Exported | None:
        """What was written; `None` if it cannot be read back in full."""
        del path
        return None

    @pytest.fixture(params=MADE)
    def run(self, request: pytest.FixtureRequest, tmp_path: Path) -> Run:
        """Runs to export."""
        return made_run(tmp_path / "logs", request.param)

    @pytest.fixture
    def ordinary(self, tmp_path: Path) -> Run:
        """A run like most."""
        return made_run(tmp_path / "logs", "ordinary")

    def test_it_writes_every_run(self, run: Run, tmp_path: Path) -> None:
        """Ordinary, strange, rewound and empty ones; nothing beside the path, and not a byte of the run is changed.

        What can be read back is the same, to the bit: the header, and all records in their order.
        """
        before = _bytes_in(run.path)
        path = export_run(run, tmp_path / "out" / self.target, format=self.make_exporter())
        assert [each.name for each in path.parent.iterdir()] == [self.target]
        assert _bytes_in(run.path) == before
        found = self.read(path)
        if found is not None:
            assert plain(found.header) == plain(run.header)
            assert texts(found.records) == texts({stream: list(run.records(stream)) for stream in STREAMS})

    def test_it_writes_the_summary_without_the_records(self, ordinary: Run, tmp_path: Path) -> None:
        """An export without raw data is no error."""
        path = tmp_path / "out" / self.target
        export_run(ordinary, path, format=self.make_exporter(), raw=False, summary={"reward": {"mean": math.nan}})
        assert path.exists()

    def test_a_run_that_is_damaged_leaves_nothing(self, ordinary: Run, tmp_path: Path) -> None:
        """An export that fails half way is not there at all, nor what it wrote aside."""
        (ordinary.layout.stream("scalars") / "000001.parquet").write_bytes(b"no parquet")
        (ordinary.layout.stream("episodes") / "000001.parquet").write_bytes(b"no parquet")
        with pytest.raises(RlvitalsError):
            export_run(ordinary, tmp_path / "out" / self.target, format=self.make_exporter())
        assert list((tmp_path / "out").iterdir()) == []

    def test_it_overwrites_nothing_unasked(self, ordinary: Run, tmp_path: Path) -> None:
        """What is there stays as it is, until it is said to be overwritten."""
        path = export_run(ordinary, tmp_path / "out" / self.target, format=self.make_exporter(), raw=False)
        before = _bytes_in(path)
        with pytest.raises(ExportError, match="already exists"):
            export_run(ordinary, path, format=self.make_exporter(), raw=False)
        assert _bytes_in(path) == before
        export_run(ordinary, path, format=self.make_exporter(), raw=False, overwrite=True)


def plain(header: Header) -> Any:
    """What a header says, but for the name, which an import may have to change."""
    return {**spelled(msgspec.to_builtins(header)), "run_id": ""}


def texts(records: dict[str, list[Record]]) -> dict[str, list[str]]:
    """Records as texts that tell -0.0 from 0.0, and hold NaN for the same as NaN; keys of dicts in order."""
    return {stream: [_text(record) for record in found] for stream, found in records.items()}


def _text(record: Record) -> str:
    said = {name: _ordered(getattr(record, name)) for name in record.__struct_fields__}
    return f"{type(record).__name__} {said!r}"


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value)}
    return [_ordered(item) for item in value] if isinstance(value, list) else value


def _bytes_in(path: Path) -> dict[str, bytes]:
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    return {str(file.relative_to(path)): file.read_bytes() for file in files}
