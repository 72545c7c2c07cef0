"""Checksums of segments."""

import hashlib
import random
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from rlvitals.errors import RunFormatError
from rlvitals.runs.checksum import KEY, Checked, check, read_sums, stamp, write_sums
from rlvitals.runs.layout import Layout
from rlvitals.runs.sealing import seal

Line = Callable[..., bytes]


@pytest.fixture
def sealed(folder: Path, line: Line) -> Path:
    """A sealed segment of texts, numbers and a dict."""
    lines = (line(number, category=f"kind {number % 3}", extra={"x": number / 7}) for number in range(200))
    (folder / "000001.jsonl").write_bytes(b"".join(lines))
    return seal(folder / "000001.jsonl")


def test_a_sealed_segment_carries_its_checksum_wherever_it_is_copied(sealed: Path, tmp_path: Path) -> None:
    """Under any name, in any folder."""
    shutil.copy(sealed, tmp_path / "copy")

    assert check(tmp_path / "copy") is Checked.SOUND


def test_the_checksum_is_what_its_description_says(sealed: Path) -> None:
    """The SHA-256 of the file with the digits as zeros, found without our code."""
    content = sealed.read_bytes()
    (digits,) = re.findall(rb"rlvitals_sha256..([0-9a-f]{64})", content)

    assert hashlib.sha256(content.replace(digits, b"0" * 64)).hexdigest() == digits.decode()


def test_other_programs_see_the_checksum_as_metadata(sealed: Path) -> None:
    """As Parquet's key-value metadata, which every reader knows."""
    with duckdb.connect() as connection:
        rows = connection.execute("SELECT key, value FROM parquet_kv_metadata($1)", [str(sealed)]).fetchall()

    assert re.fullmatch(rb"[0-9a-f]{64}", dict(rows)[KEY.encode()])


def test_a_flipped_bit_anywhere_is_found(sealed: Path) -> None:
    """Each byte of the footer, the checksum and its name included, and 400 bits of the rest."""
    content = sealed.read_bytes()
    plan = random.Random(8)
    places = [plan.randrange(8 * len(content)) for _ in range(400)]
    places += [8 * at + plan.randrange(8) for at in range(len(content) - 400, len(content))]
    missed = []
    for place in places:
        flipped = bytearray(content)
        flipped[place // 8] ^= 1 << place % 8
        sealed.write_bytes(flipped)
        missed += [place] * (check(sealed) is not Checked.WRONG)

    assert missed == []


def test_a_segment_of_an_older_release_has_none(tmp_path: Path) -> None:
    """Which is no damage."""
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT 1 AS a) TO '{tmp_path}/old.parquet' (FORMAT parquet)")

    assert check(tmp_path / "old.parquet") is Checked.ABSENT


def test_a_text_that_looks_like_the_checksum_is_not_taken_for_it(folder: Path, line: Line) -> None:
    """Here the extremes of a column, which Parquet keeps in its footer too."""
    (folder / "000001.jsonl").write_bytes(line(0, category=f"{KEY}\x18\x40{'a' * 64}"))

    assert check(seal(folder / "000001.jsonl")) is Checked.SOUND


def test_a_file_without_room_is_not_stamped(tmp_path: Path) -> None:
    """It stays as it is."""
    (tmp_path / "other").write_bytes(b"PAR1")

    with pytest.raises(RunFormatError, match="no room for a checksum"):
        stamp(tmp_path / "other")


# ---------------------------------------------------------------------- lines


def test_the_checksums_of_lines_are_read_by_the_usual_tool(layout: Layout, folder: Path, line: Line) -> None:
    """`sha256sum -c` in the run's folder."""
    (folder / "000001.jsonl").write_bytes(line(0))
    write_sums(layout)

    said = subprocess.run(["sha256sum", "-c", layout.sums.name], cwd=layout.path, capture_output=True, check=False)

    assert said.stdout == b"episodes/000001.jsonl: OK\n"


def test_damaged_lines_keep_the_checksum_that_they_had(layout: Layout, folder: Path, line: Line) -> None:
    """A run that is resumed and closed again does not take the damage for what was written."""
    (folder / "000001.jsonl").write_bytes(line(0))
    write_sums(layout)
    before = read_sums(layout)
    (folder / "000001.jsonl").write_bytes(line(1))
    (folder / "000002.jsonl").write_bytes(line(2))
    write_sums(layout)

    assert before.items() < read_sums(layout).items()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"no sum\n", b"  \n\n"])
def test_a_damaged_list_of_checksums_is_none(layout: Layout, content: bytes) -> None:
    """Whatever is in it, reading it raises nothing, and names no segment."""
    layout.sums.write_bytes(content)

    assert not [path for path in read_sums(layout) if path.exists() and path.is_file()]
