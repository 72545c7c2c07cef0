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


def test_a_copy_of_a_sealed_segment_contains_its_checksum(sealed: Path, tmp_path: Path) -> None:
    """The copy can have any name and be in any folder."""
    shutil.copy(sealed, tmp_path / "copy")

    assert check(tmp_path / "copy") is Checked.SOUND


def test_the_checksum_matches_its_description(sealed: Path) -> None:
    """The checksum is the SHA-256 of the file with the digits as zeros, computed here without rlvitals."""
    content = sealed.read_bytes()
    (digits,) = re.findall(rb"rlvitals_sha256..([0-9a-f]{64})", content)

    assert hashlib.sha256(content.replace(digits, b"0" * 64)).hexdigest() == digits.decode()


def test_other_programs_see_the_checksum_as_metadata(sealed: Path) -> None:
    """The checksum is in the Parquet key-value metadata, which any Parquet reader supports."""
    with duckdb.connect() as connection:
        rows = connection.execute("SELECT key, value FROM parquet_kv_metadata($1)", [str(sealed)]).fetchall()

    assert re.fullmatch(rb"[0-9a-f]{64}", dict(rows)[KEY.encode()])


def test_a_flipped_bit_anywhere_is_found(sealed: Path) -> None:
    """The test flips one bit in each of the last 400 bytes, which include the checksum, and 400 random bits."""
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


def test_a_segment_from_an_earlier_version_has_no_checksum(tmp_path: Path) -> None:
    """A missing checksum is not reported as damage."""
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT 1 AS a) TO '{tmp_path}/old.parquet' (FORMAT parquet)")

    assert check(tmp_path / "old.parquet") is Checked.ABSENT


def test_a_text_that_looks_like_the_checksum_is_not_taken_for_it(folder: Path, line: Line) -> None:
    """The Parquet footer contains the minimum and maximum of a column, which here look like a checksum."""
    (folder / "000001.jsonl").write_bytes(line(0, category=f"{KEY}\x18\x40{'a' * 64}"))

    assert check(seal(folder / "000001.jsonl")) is Checked.SOUND


def test_a_file_without_space_for_a_checksum_is_not_stamped(tmp_path: Path) -> None:
    """Stamping the file raises an error."""
    (tmp_path / "other").write_bytes(b"PAR1")

    with pytest.raises(RunFormatError, match="no space for a checksum"):
        stamp(tmp_path / "other")


# ---------------------------------------------------------------------- lines


def test_sha256sum_reads_the_checksums_of_unsealed_segments(layout: Layout, folder: Path, line: Line) -> None:
    """`sha256sum -c` works in the run folder."""
    (folder / "000001.jsonl").write_bytes(line(0))
    write_sums(layout)

    said = subprocess.run(["sha256sum", "-c", layout.sums.name], cwd=layout.path, capture_output=True, check=False)

    assert said.stdout == b"episodes/000001.jsonl: OK\n"


def test_a_damaged_segment_keeps_its_old_checksum(layout: Layout, folder: Path, line: Line) -> None:
    """Resuming and closing a run does not replace the checksum, so that the damage is still detected."""
    (folder / "000001.jsonl").write_bytes(line(0))
    write_sums(layout)
    before = read_sums(layout)
    (folder / "000001.jsonl").write_bytes(line(1))
    (folder / "000002.jsonl").write_bytes(line(2))
    write_sums(layout)

    assert before.items() < read_sums(layout).items()


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"no sum\n", b"  \n\n"])
def test_a_damaged_list_of_checksums_is_ignored(layout: Layout, content: bytes) -> None:
    """Reading any content raises no error and returns no existing segment."""
    layout.sums.write_bytes(content)

    assert not [path for path in read_sums(layout) if path.exists() and path.is_file()]
