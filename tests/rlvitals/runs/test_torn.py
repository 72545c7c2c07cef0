"""Repair of torn segments."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rlvitals.records import Episode, codec_of
from rlvitals.runs.torn import lines_of, mend, whole_until

_UNPACK = codec_of(Episode).unpack
Line = Callable[..., bytes]


def test_everything_after_the_last_whole_line_is_torn(line: Line) -> None:
    """The torn tail can be several unreadable lines or zeros."""
    whole = line(0) + line(1)

    for tail in (b"", b"{", b"{torn\n", b"{torn\n{more", b"\x00" * 9, line(2)[:-1], b"\n\n"):
        assert whole_until(whole + tail, _UNPACK) == len(whole)
    assert whole_until(b"", _UNPACK) == whole_until(b"{torn", _UNPACK) == 0


def test_a_torn_line_before_a_whole_line_is_not_a_torn_tail(line: Line) -> None:
    """The lines after it are whole."""
    content = line(0) + b"{torn\n" + line(1)

    assert whole_until(content, _UNPACK) == len(content)
    assert [record and record.episode for _, record in lines_of(content, _UNPACK)] == [0, None, 1]


def test_a_line_without_a_newline_is_torn(line: Line) -> None:
    """The line is torn even if it is readable, because its write was not acknowledged."""
    content = line(0) + line(1)[:-1]

    assert [record and record.episode for _, record in lines_of(content, _UNPACK)] == [0, None]


def test_a_repair_keeps_the_truncated_bytes(folder: Path, line: Line) -> None:
    """Bytes of later repairs are appended, and a repaired segment is not truncated again."""
    segment = folder / "000001.jsonl"
    segment.write_bytes(line(0) + b"{one")
    cut = (mend(segment, _UNPACK), mend(segment, _UNPACK))
    with segment.open("ab") as file:
        file.write(b"{two\n")
    again = mend(segment, _UNPACK)

    assert (cut, again) == ((4, 0), 5)
    assert segment.read_bytes() == line(0)
    assert (folder / "000001.torn").read_bytes() == b"{one\n{two\n"


def test_a_torn_tail_that_cannot_be_kept_is_not_truncated(folder: Path, line: Line) -> None:
    """Here a folder has the name of the `.torn` file."""
    segment = folder / "000001.jsonl"
    segment.write_bytes(line(0) + b"{one")
    (folder / "000001.torn").mkdir()

    with pytest.raises(OSError, match="Is a directory"):
        mend(segment, _UNPACK)

    assert segment.read_bytes() == line(0) + b"{one"
