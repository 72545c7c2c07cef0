"""Sealing of segments."""

import math
import shutil
import string
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rlvitals.errors import RunFormatError
from rlvitals.records import STREAMS, Episode, Record, Scalars, codec_of
from rlvitals.records.schema import Column, fields
from rlvitals.runs.folder import records_in
from rlvitals.runs.layout import Layout, Segment, segments_in
from rlvitals.runs.sealing import main, seal

Line = Callable[..., bytes]

_INT64 = st.integers(-(2**63) + 1, 2**63 - 1)
_FLOAT = st.floats(allow_nan=True, allow_infinity=True)
_TEXT = st.text(max_size=12)
# Few keys, so that they collide: different case, empty, quoted, with the suffix of JSON columns, not ASCII.
_KEY = st.sampled_from(
    ["a", "A", "b", "", "ß", "SS", 'quo"te', "it's", "x.y", "_rest", "extra_rest", "$", "k\x00", "\x01", "läufer", "🦊"]
)
_VALUE = st.one_of(_INT64, _FLOAT, st.booleans(), _TEXT)
_NESTED = st.recursive(
    st.one_of(st.none(), st.booleans(), _INT64, st.just(2**63 + 5), _FLOAT, _TEXT),
    lambda inside: st.one_of(st.lists(inside, max_size=3), st.dictionaries(_KEY, inside, max_size=3)),
    max_leaves=6,
)
_OF_COLUMN: dict[Column, st.SearchStrategy[Any]] = {
    Column.NUMBER: _FLOAT,
    Column.COUNT: st.integers(0, 2**63 - 1),
    Column.TEXT: _TEXT,
    Column.FLAG: st.booleans(),
    Column.VALUES: st.dictionaries(_KEY, _VALUE, max_size=4),
    Column.NUMBERS: st.dictionaries(_KEY, _FLOAT, max_size=4),
    Column.ROWS: st.lists(
        st.dictionaries(_KEY, _VALUE | st.dictionaries(_KEY, _VALUE, max_size=3), max_size=3), max_size=3
    ),
    Column.TREE: st.dictionaries(_KEY, _NESTED, max_size=3),
}


def _values(kind: type[Record]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {f.name: _OF_COLUMN[f.column] for f in fields(kind) if f.required},
        optional={
            f.name: st.integers(1, 9) if f.name == "writer" else _OF_COLUMN[f.column]
            for f in fields(kind)
            if not f.required
        },
    )


_STREAM = st.sampled_from(sorted(STREAMS)).flatmap(
    lambda stream: st.tuples(st.just(stream), st.lists(_values(STREAMS[stream]), min_size=1, max_size=6))
)


def _shown(value: Any) -> Any:
    """Convert a value so that equal values compare equal, including NaN."""
    match value:
        case Record():
            # An empty dict is equivalent to a missing one.
            said = {name: item for name, item in msgspec.structs.asdict(value).items() if item not in (None, {})}
            return type(value).__name__, _shown(said)
        case dict():
            return {key: _shown(item) for key, item in value.items()}
        case list():
            return [_shown(item) for item in value]
        case bool() | None | str():
            return repr(value)
        case float() if math.isnan(value):
            return "nan"
        case _:
            return value + 0  # a whole float equals its integer, and 0.0 equals -0.0


@given(_STREAM)
@settings(max_examples=40, deadline=None)
def test_sealing_changes_no_record(stream_and_values: tuple[str, list[dict[str, Any]]]) -> None:
    """A sealed segment returns the same records as the open one, for any values."""
    stream, values = stream_and_values
    codec = codec_of(STREAMS[stream])
    with tempfile.TemporaryDirectory() as folder:
        segment = Path(folder) / stream / "000001.jsonl"
        segment.parent.mkdir()
        segment.write_bytes(b"".join(codec.pack(value)[1] for value in values))
        before = [_shown(record) for record in records_in(Segment(1, segment), STREAMS[stream])]
        sealed = seal(segment)
        after = [_shown(record) for record in records_in(Segment(1, sealed), STREAMS[stream])]

    assert len(before) == len(values)
    assert before == after


def _episodes(folder: Path) -> list[int]:
    return [record.episode for segment in segments_in(folder) for record in records_in(segment, Episode)]


@pytest.fixture
def segment(folder: Path, line: Line) -> Path:
    """A full segment of five episodes."""
    path = folder / "000001.jsonl"
    path.write_bytes(b"".join(line(number, extra={"x": number / 3}) for number in range(5)))
    return path


def test_sealing_leaves_one_file(segment: Path, folder: Path) -> None:
    """The lines are removed, and no temporary file is left."""
    seal(segment)

    assert [path.name for path in folder.iterdir()] == ["000001.parquet"]
    assert _episodes(folder) == [0, 1, 2, 3, 4]


def test_sealing_a_sealed_segment_has_no_effect(segment: Path, folder: Path) -> None:
    """A second process that seals the same segment succeeds."""
    first = seal(segment)
    second = seal(segment)

    assert first == second
    assert _episodes(folder) == [0, 1, 2, 3, 4]


def test_a_kill_while_rows_are_written_loses_no_records(segment: Path, folder: Path) -> None:
    """An incomplete Parquet file has a temporary name, and is removed when the segment is sealed."""
    (folder / ".000001.99999.tmp").write_bytes(b"PAR1 half of it")

    assert _episodes(folder) == [0, 1, 2, 3, 4]
    seal(segment)
    assert [path.name for path in folder.iterdir()] == ["000001.parquet"]


def test_a_kill_before_the_lines_are_removed_duplicates_no_records(segment: Path, folder: Path, tmp_path: Path) -> None:
    """If both files exist, the sealed one is used. Sealing again removes the lines."""
    shutil.copy(segment, tmp_path / "lines")
    seal(segment)
    shutil.copy(tmp_path / "lines", segment)

    assert _episodes(folder) == [0, 1, 2, 3, 4]
    seal(segment)
    assert [path.name for path in folder.iterdir()] == ["000001.parquet"]
    assert _episodes(folder) == [0, 1, 2, 3, 4]


def test_a_kill_while_torn_lines_are_removed_loses_no_records(segment: Path, folder: Path) -> None:
    """The cleaned copy has a temporary name until it is complete."""
    (folder / ".000001.jsonl.99999.tmp").write_bytes(b'{"time": 1.0')

    seal(segment)

    assert _episodes(folder) == [0, 1, 2, 3, 4]


def test_two_processes_can_seal_the_same_segment(segment: Path, folder: Path) -> None:
    """The sealing process of a killed training and that of the resumed training both succeed."""
    command = [sys.executable, "-m", "rlvitals.runs.sealing", str(segment)]
    children = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(2)]
    said = [child.communicate()[1] for child in children]

    assert said == [b"", b""]
    assert [child.returncode for child in children] == [0, 0]
    assert _episodes(folder) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("before", "after"),
    [(b'{"time": 1.0, "epi\n', b""), (b"\n", b'{"time": 2'), (b"\x00\x00\n", b'{"time": 2'), (b"\xff\n", b"")],
    ids=["inside", "end", "both", "no-utf8"],
)
def test_torn_lines_are_moved_to_a_separate_file(segment: Path, folder: Path, before: bytes, after: bytes) -> None:
    """Unreadable lines are moved unchanged, and the other lines are sealed."""
    segment.write_bytes(before + segment.read_bytes() + after)

    seal(segment)

    assert _episodes(folder) == [0, 1, 2, 3, 4]
    torn = (folder / "000001.torn").read_bytes() if (folder / "000001.torn").exists() else b""
    assert before.strip(b"\n") in torn
    assert after in torn


def test_a_torn_line_and_an_unterminated_line_are_both_detected(segment: Path, folder: Path, line: Line) -> None:
    """Comparing only the number of rows with the number of newlines would miss them, because they cancel out."""
    segment.write_bytes(b"{torn\n" + segment.read_bytes() + line(5).rstrip(b"\n"))

    seal(segment)

    assert _episodes(folder) == [0, 1, 2, 3, 4]
    assert b"{torn\n" in (folder / "000001.torn").read_bytes()


def test_an_empty_segment_can_be_sealed(folder: Path) -> None:
    """The sealed segment has no records."""
    (folder / "000001.jsonl").touch()

    seal(folder / "000001.jsonl")

    assert _episodes(folder) == []


def test_scalars_without_values_can_be_sealed(layout: Layout) -> None:
    """A segment in which no record has dict entries is read correctly."""
    segment = layout.stream("scalars") / "000001.jsonl"
    segment.write_bytes(codec_of(Scalars).pack({"time": 1.0, "step": 2, "category": "mine", "values": {}})[1])

    sealed = seal(segment)

    assert [record.values for record in records_in(Segment(1, sealed), Scalars)] == [{}]


@pytest.mark.parametrize(
    "extras",
    [
        [{"a": 1}, {"A": 2}, {"a": 3, "A": 4}],
        [{"x": 1}, {"x": "one"}, {"x": True}, {"x": 1.5}],
        [{"x": math.nan}, {"x": math.inf}, {"x": -math.inf}, {}, {"x": 0.0}],
        [{"x": 2**63 - 1}, {"x": 0.5}, {"x": -(2**63) + 1}],
        [{"x": 2**53 + 1}, {"x": 2**53}],
        [{"x": True}, {"x": False}],
        [{"": 1, " ": 2, "'": 3, '"': 4, "a.b": 5, "läufer": 6, "\x00": 7}],
    ],
    ids=["case", "mixed", "non-finite", "huge-mixed", "huge", "flags", "odd-names"],
)
def test_keys_and_values_of_any_kind_are_preserved(folder: Path, line: Line, extras: list[dict[str, Any]]) -> None:
    """Examples are names that differ only in case, names with several types, and integers beyond float precision."""
    (folder / "000001.jsonl").write_bytes(b"".join(line(n, extra=extra or None) for n, extra in enumerate(extras)))

    seal(folder / "000001.jsonl")

    found = [record.extra or {} for s in segments_in(folder) for record in records_in(s, Episode)]
    assert [_shown(extra) for extra in found] == [_shown(extra) for extra in extras]


def test_hundreds_of_keys_and_long_texts_are_preserved(folder: Path, line: Line) -> None:
    """Keys beyond the limit of a struct go into the JSON column."""
    wide = {f"k{number}": number for number in range(900)}
    (folder / "000001.jsonl").write_bytes(line(0, extra=wide) + line(1, info={"text": "é" * 900}) + line(2))

    seal(folder / "000001.jsonl")
    first, second, third = (r for s in segments_in(folder) for r in records_in(s, Episode))

    assert first.extra == wide
    assert second.info == {"text": "é" * 900}
    assert third.extra is None


def test_a_missing_segment_is_refused(folder: Path) -> None:
    """A folder can be removed while its segment waits to be sealed."""
    with pytest.raises(FileNotFoundError):
        seal(folder / "000007.jsonl")


def test_a_segment_that_cannot_be_sealed_is_kept(segment: Path, folder: Path) -> None:
    """Here a folder has the name of the sealed segment. The lines can still be read."""
    (folder / "000001.parquet").mkdir()

    with pytest.raises((OSError, RunFormatError)):
        seal(segment)

    (folder / "000001.parquet").rmdir()
    assert sorted(path.name for path in folder.iterdir()) == ["000001.jsonl"]
    assert _episodes(folder) == [0, 1, 2, 3, 4]


def test_the_command_seals_the_remaining_segments_if_one_fails(
    segment: Path, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command reports the failed segment, and its exit code is the number of failures."""
    monkeypatch.setattr("os.nice", lambda _: 0)

    failed = main([str(folder / "000009.jsonl"), str(segment)])

    assert failed == 1
    assert "000009.jsonl" in capsys.readouterr().err
    assert segment.with_suffix(".parquet").exists()


def test_a_damaged_sealed_segment_is_refused(folder: Path) -> None:
    """The error names the file."""
    (folder / "000001.parquet").write_bytes(b"PAR1" + string.ascii_letters.encode() + b"PAR1")

    with pytest.raises(RunFormatError, match=r"000001\.parquet is damaged"):
        _episodes(folder)


def test_a_foreign_parquet_file_is_refused(folder: Path) -> None:
    """Rows that are not records raise an error that names the file."""
    import duckdb  # noqa: PLC0415 - only here

    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT 1 AS a) TO '{folder}/000001.parquet' (FORMAT parquet)")

    with pytest.raises(RunFormatError, match=r"000001\.parquet"):
        _episodes(folder)
