"""Incremental reading of streams by columns."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rlvitals import RecorderSettings, TrainingMonitor
from rlvitals.runs import Run
from rlvitals.runs.column_store import Columns
from rlvitals.runs.column_tail import Tail
from rlvitals.runs.layout import Layout

Monitor = Callable[..., TrainingMonitor]


def columns_of(path: Path, tail: Tail | None = None, columns: Columns | None = None) -> tuple[Tail, Columns]:
    tail = tail or Tail(Layout(path), "episodes")
    columns = columns or Columns(tail.names)
    for batch in tail.read(Run(path).header):
        columns.extend(batch.columns, batch.rows)
    return tail, columns


@pytest.mark.parametrize("sealed", [0, 5])
def test_incremental_reads_return_the_same_rows_as_one_read(monitor: Monitor, sealed: int) -> None:
    """Both equal the records, in sealed and open segments, and distinguish missing values from NaN."""
    settings = RecorderSettings(system_interval_s=None, seal_records=sealed or 1_000, seal_on_close=sealed or 1_000)
    training = monitor(settings=settings)
    tail, columns = columns_of(training.path)
    for number in range(13):
        quality = (None, math.nan, 0.5, math.inf)[number % 4]
        training.log_episode(number, -float(number), 3, quality_final=quality, category=("a", None, "b")[number % 3])
        if number % 3 == 0:
            columns_of(training.path, tail, columns)
    training.close()
    columns_of(training.path, tail, columns)
    anew, whole = columns_of(training.path)
    records = list(Run(training.path).records("episodes"))

    for read, labels in ((columns, tail.labels), (whole, anew.labels)):
        assert read.rows == 13
        assert read.numbers("reward").tolist() == [record.reward for record in records]
        quality_cells = read.cells("quality_final")
        assert quality_cells.present.tolist() == [record.quality_final is not None for record in records]
        assert np.array_equal(
            quality_cells.values[quality_cells.present],
            [record.quality_final for record in records if record.quality_final is not None],
            equal_nan=True,
        )
        category = read.cells("category")
        said = [labels["category"].texts[int(c)] if p else None for c, p in zip(*category, strict=True)]
        assert said == [record.category for record in records]


def test_torn_lines_are_skipped_and_an_incomplete_last_line_is_read_later(monitor: Monitor) -> None:
    """An incomplete last line is read when the writer has completed it."""
    training = monitor()
    training.log_episode(0, 1.0, 1)
    (path,) = (training.path / "episodes").glob("*.jsonl")
    line = path.read_bytes().replace(b'"reward":1.0', b'"reward":2.0')
    with path.open("ab") as file:
        file.write(b"{torn\n" + line + line[:20])
    tail, columns = columns_of(training.path)
    with path.open("ab") as file:
        file.write(line[20:])
    columns_of(training.path, tail, columns)
    training.close()

    assert columns.numbers("reward").tolist() == [1.0, 2.0, 2.0]


def test_a_rewind_and_a_truncated_file_are_detected(monitor: Monitor) -> None:
    """The rows read until then are outdated, and a new read leaves out the abandoned branch."""
    with monitor() as training:
        for number in range(6):
            training.log_episode(number, float(number), 1, env_step=number + 1)
        tail, _ = columns_of(training.path)
        assert not tail.broken(Run(training.path).header)
        training.rewind(env_step=3)
        training.log_episode(3, 30.0, 1, env_step=4)
        assert tail.broken(Run(training.path).header)
        _, anew = columns_of(training.path)
        assert anew.numbers("reward").tolist() == [0.0, 1.0, 2.0, 30.0]

    (path,) = (training.path / "episodes").glob("*.jsonl")
    tail, _ = columns_of(training.path)
    path.write_bytes(path.read_bytes()[:100])
    assert tail.broken(Run(training.path).header)


def test_many_texts_become_other(monitor: Monitor) -> None:
    """Texts beyond the limit share one label, and the earlier texts keep their labels."""
    with monitor() as training:
        for number in range(300):
            training.log_episode(number, 0.0, 1, category=f"logo-{number}")
    tail, columns = columns_of(training.path)

    assert len(tail.labels["category"].texts) == 201
    assert columns.cells("category").present.all()
    assert json.dumps(tail.labels["category"].texts[-1]) == '"(other)"'


@pytest.mark.parametrize("sealed", [0, 5])
def test_attempts_are_detected(monitor: Monitor, sealed: int) -> None:
    """The page of a run shows its parameters if episodes report only attempts."""
    settings = RecorderSettings(system_interval_s=None, seal_records=sealed or 1_000, seal_on_close=sealed or 1_000)
    training = monitor(settings=settings)
    for number in range(7):
        training.log_episode(number, 1.0, 3, attempts=[{"parameters": {"speckle": 4}, "reward": 1.0}])
    training.close()

    assert columns_of(training.path)[0].dicts == {"attempts"}


@pytest.mark.parametrize("sealed", [0, 5])
def test_dict_fields_with_entries_are_detected(monitor: Monitor, sealed: int) -> None:
    """Dict fields are detected in sealed and open segments; fields without entries are not reported."""
    settings = RecorderSettings(system_interval_s=None, seal_records=sealed or 1_000, seal_on_close=sealed or 1_000)
    training = monitor(settings=settings)
    tail, columns = columns_of(training.path)
    for number in range(7):
        training.log_episode(number, 1.0, 3, parameters={"speckle": 4}, reward_parts={})
    columns_of(training.path, tail, columns)
    training.close()

    assert tail.dicts == {"parameters"}
    assert columns_of(training.path)[0].dicts == {"parameters"}
