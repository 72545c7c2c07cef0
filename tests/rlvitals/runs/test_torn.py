"""Torn segments."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rlvitals.records import Episode, codec_of
from rlvitals.runs.torn import lines_of, mend, whole_until

_UNPACK = codec_of(Episode).unpack
Line = Callable[..., bytes]


def test_everything_behind_the_last_whole_line_is_torn(line: Line) -> None:
    """Also several lines that cannot be read, and zeros."""
    whole = line(0) + line(1)

    for tail in (b"", b"{", b"{torn\n", b"{torn\n{more", b"\x00" * 9, line(2)[:-1], b"\n\n"):
        assert whole_until(whole + tail, _UNPACK) == len(whole)
    assert whole_until(b"", _UNPACK) == whole_until(b"{torn", _UNPACK) == 0


def test_a_torn_line_inside_is_no_torn_end(line: Line) -> None:
    """What follows it is whole."""
    content = line(0) + b"{torn\n" + line(1)

    assert whole_until(content, _UNPACK) == len(content)
    assert [record and record.episode for _, record in lines_of(content, _UNPACK)] == [0, None, 1]


def test_a_line_without_its_end_is_torn_though_it_can_be_read(line: Line) -> None:
    """It was never acknowledged."""
    content = line(0) + line(1)[:-1]

    assert [record and record.episode for _, record in lines_of(content, _UNPACK)] == [0, None]


def test_mending_keeps_what_it_cuts_and_mends_once(folder: Path, line: Line) -> None:
    """What is kept aside adds up."""
    segment = folder / "000001.jsonl"
    segment.write_bytes(line(0) + b"{one")
    cut = (mend(segment, _UNPACK), mend(segment, _UNPACK))
    with segment.open("ab") as file:
        file.write(b"{two\n")
    again = mend(segment, _UNPACK)

    assert (cut, again) == ((4, 0), 5)
    assert segment.read_bytes() == line(0)
    assert (folder / "000001.torn").read_bytes() == b"{one\n{two\n"


def test_what_cannot_be_kept_aside_is_not_cut(folder: Path, line: Line) -> None:
    """A folder lies where it should go."""
    segment = folder / "000001.jsonl"
    segment.write_bytes(line(0) + b"{one")
    (folder / "000001.torn").mkdir()

    with pytest.raises(OSError, match="Is a directory"):
        mend(segment, _UNPACK)

    assert segment.read_bytes() == line(0) + b"{one"
