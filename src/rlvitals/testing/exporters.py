"""Contract of exporters as a test suite. Authors of an exporter inherit from it.

    from rlvitals.testing.exporters import ExporterContract

    class TestMyExporter(ExporterContract):
        target = "run.mine"

        def make_exporter(self) -> Exporter:
            return MyExporter()

        def read(self, path: Path) -> Exported:  # only if an export can be read back completely
            return Exported(header, records)

The tests check the contract of `rlvitals.formats.exporters.Exporter`. They need pytest.
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
from rlvitals.runs.header import IMPORTED, Rewind, Writer
from rlvitals.runs.run_writer import RunWriter
from rlvitals.testing.sinks import every_kind, non_finite_and_absent, repeated_and_late

MADE = ("ordinary", "strange", "rewound", "empty")
"""Names of the runs with which an exporter is tested."""


class Exported(NamedTuple):
    """Header and records read back from an export."""

    header: Header
    records: dict[str, list[Record]]


def strange_records() -> tuple[Record, ...]:
    """Return records that are hard to store: unusual names, texts that look like numbers, nesting, extreme values."""
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
    """Create a run for a test.

    Args:
        folder: Folder of runs.
        what: Name of the run, one of `MADE`.
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
    """Tests that every exporter must pass. Override `make_exporter`, and `read` if exports can be read back completely.

    Attributes:
        target: Name of the file or folder that the tests export to.
    """

    target: ClassVar[str] = "exported"

    def make_exporter(self) -> Exporter:
        """Return a new exporter."""
        raise NotImplementedError("implement make_exporter in a subclass of the contract")

    def read(self, path: Path) -> Exported | None:
        """Read back an export, or return `None` if that is not possible completely.

        Args:
            path: Path of the export.
        """
        del path
        return None

    @pytest.fixture(params=MADE)
    def run(self, request: pytest.FixtureRequest, tmp_path: Path) -> Run:
        """Run to export, one for each name in `MADE`."""
        return made_run(tmp_path / "logs", request.param)

    @pytest.fixture
    def ordinary(self, tmp_path: Path) -> Run:
        """Ordinary run."""
        return made_run(tmp_path / "logs", "ordinary")

    def test_it_writes_every_run(self, run: Run, tmp_path: Path) -> None:
        """Ordinary, strange, rewound and empty runs are exported to the path alone, and the run is not changed.

        If the export can be read back, the header and all records in order are identical, bit for bit.
        """
        before = bytes_in(run.path)
        path = export_run(run, tmp_path / "out" / self.target, format=self.make_exporter())
        assert [each.name for each in path.parent.iterdir()] == [self.target]
        assert bytes_in(run.path) == before
        found = self.read(path)
        if found is not None:
            assert plain(found.header) == plain(run.header)
            assert texts(found.records) == texts({stream: list(run.records(stream)) for stream in STREAMS})

    def test_it_writes_the_summary_without_the_records(self, ordinary: Run, tmp_path: Path) -> None:
        """An export without raw data succeeds."""
        path = tmp_path / "out" / self.target
        export_run(ordinary, path, format=self.make_exporter(), raw=False, summary={"reward": {"mean": math.nan}})
        assert path.exists()

    def test_a_damaged_run_leaves_no_files(self, ordinary: Run, tmp_path: Path) -> None:
        """An export that fails halfway leaves neither the export nor temporary files."""
        (ordinary.layout.stream("scalars") / "000001.parquet").write_bytes(b"no parquet")
        (ordinary.layout.stream("episodes") / "000001.parquet").write_bytes(b"no parquet")
        with pytest.raises(RlvitalsError):
            export_run(ordinary, tmp_path / "out" / self.target, format=self.make_exporter())
        assert list((tmp_path / "out").iterdir()) == []

    def test_it_overwrites_only_on_request(self, ordinary: Run, tmp_path: Path) -> None:
        """An existing export stays unchanged unless `overwrite` is set."""
        path = export_run(ordinary, tmp_path / "out" / self.target, format=self.make_exporter(), raw=False)
        before = bytes_in(path)
        with pytest.raises(ExportError, match="already exists"):
            export_run(ordinary, path, format=self.make_exporter(), raw=False)
        assert bytes_in(path) == before
        export_run(ordinary, path, format=self.make_exporter(), raw=False, overwrite=True)


def plain(header: Header) -> Any:
    """Convert a header to plain values, without the name and the origin of the run, which an import sets."""
    found = spelled(msgspec.to_builtins(header))
    reproduction = {name: value for name, value in header.reproduction.items() if name != IMPORTED}
    return {**found, "run_id": "", "reproduction": reproduction}


def texts(records: dict[str, list[Record]]) -> dict[str, list[str]]:
    """Convert records to text for comparison: -0.0 differs from 0.0, NaN equals NaN, and dict keys are sorted."""
    return {stream: [_text(record) for record in found] for stream, found in records.items()}


def _text(record: Record) -> str:
    said = {name: _ordered(getattr(record, name)) for name in record.__struct_fields__}
    return f"{type(record).__name__} {said!r}"


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value)}
    return [_ordered(item) for item in value] if isinstance(value, list) else value


def bytes_in(path: Path) -> dict[str, bytes]:
    """Return the contents of a file, or of the files in a folder by relative path."""
    files = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
    return {str(file.relative_to(path)): file.read_bytes() for file in files}
