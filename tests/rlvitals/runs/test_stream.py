"""Reading of a stream by columns."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rlvitals import RecorderSettings, TrainingMonitor, open_run
from rlvitals.errors import ColumnError
from rlvitals.records import Scalars, codec_of
from rlvitals.runs import Run, stream
from rlvitals.runs.entries import Entries, Entry
from rlvitals.runs.header import Header, Rewind, Writer, write_header
from rlvitals.runs.layout import Layout, segment_path
from rlvitals.runs.sealing import seal

QUIET = RecorderSettings(system_interval_s=None)
REWARDS = (1.0, math.nan, math.inf, -math.inf, 2.0)


def recorded(folder: Path, *, sealed: bool) -> Run:
    """Return a run with five episodes: finite and non-finite rewards, two qualities, parameters of different types."""
    parameters: list[dict[str, Any] | None] = [{"speckle": 1, "mode": "x"}, {"speckle": 2.5}, None, {}, {"speckle": 4}]
    with TrainingMonitor(folder, session_name="run", settings=QUIET) as monitor:
        for number, (reward, tried) in enumerate(zip(REWARDS, parameters, strict=True)):
            quality = 0.5 * number if number % 2 else None
            monitor.log_episode(number, reward, 10, quality_final=quality, parameters=tried, info={"deep": [number]})
    run = open_run(folder / "run")
    if sealed:
        seal(run.layout.stream("episodes") / "000001.jsonl")
    return run


@pytest.fixture(params=[False, True], ids=["open", "sealed"])
def run(tmp_path: Path, request: pytest.FixtureRequest) -> Run:
    return recorded(tmp_path, sealed=request.param)


def test_a_column_distinguishes_nan_from_missing_values(run: Run) -> None:
    """Missing values are masked; NaN and infinities are not."""
    rewards, quality = run.episodes["reward"], run.episodes["quality_final"]

    assert not np.ma.getmaskarray(rewards).any()
    np.testing.assert_array_equal(rewards.data, REWARDS)
    assert np.ma.getmaskarray(quality).tolist() == [True, False, True, False, True]
    assert quality.compressed().tolist() == [0.5, 1.5]


def test_numbers_are_plain_floats(run: Run) -> None:
    """Missing values are NaN."""
    np.testing.assert_array_equal(run.episodes.numbers("quality_final"), [math.nan, 0.5, math.nan, 1.5, math.nan])


def test_a_dict_entry_is_a_column(run: Run) -> None:
    """The column contains numbers or text."""
    assert run.episodes["parameters.speckle"].tolist() == [1.0, 2.5, None, None, 4.0]
    assert run.episodes["parameters.mode"].tolist() == ["x", None, None, None, None]


def test_the_names_are_the_columns_with_a_value(run: Run) -> None:
    """Fields without a value are left out, and dict fields are replaced by their entries."""
    assert run.episodes.names == (
        "time",
        "writer",
        "episode",
        "reward",
        "length",
        "quality_final",
        "parameters.mode",
        "parameters.speckle",
        "info",
    ), run.episodes.names
    assert set(run.episodes.read()) == set(run.episodes.names)
    assert run.updates.names == ()


def test_a_field_that_was_never_reported_is_all_masked(run: Run) -> None:
    """Reading it is not an error, because a later record can have a value."""
    assert np.ma.getmaskarray(run.episodes["env_step"]).all()
    assert np.ma.getmaskarray(run.evaluations["items"]).shape == (0,)


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("rewrad", r"no column 'rewrad'\. Did you mean reward"),
        ("parameters.spekle", "parameters.speckle"),
        ("parameters", "parameters.mode"),
    ],
)
def test_an_unknown_column_is_refused_with_suggestions(run: Run, asked: str, hint: str) -> None:
    """The error suggests similar names for a misspelt name, and the entries for a dict field."""
    with pytest.raises(ColumnError, match=hint):
        run.episodes[asked]


def test_text_is_refused_as_numbers(run: Run) -> None:
    """Text is not converted to NaN."""
    with pytest.raises(ColumnError, match="contains text"):
        run.episodes.numbers("termination_reason")


def test_an_entry_with_several_types_is_text(tmp_path: Path) -> None:
    """This applies to open and to sealed segments."""
    with TrainingMonitor(tmp_path, session_name="run", settings=QUIET) as monitor:
        for number, value in enumerate((1, "one", 2.5, True)):
            monitor.log_episode(number, 0.0, 1, parameters={"p": value, 'odd "key".x': number})
    run = open_run(tmp_path / "run")
    expected = ["1", "one", "2.5", "true"]

    assert run.episodes["parameters.p"].tolist() == expected
    seal(run.layout.stream("episodes") / "000001.jsonl")
    assert run.episodes["parameters.p"].tolist() == expected
    assert run.episodes['parameters.odd "key".x'].tolist() == [0, 1, 2, 3]


def test_columns_of_one_call_have_the_same_rows(tmp_path: Path) -> None:
    """In a live run, the columns of one call have the same length, and the next call includes new records."""
    with TrainingMonitor(tmp_path, session_name="run", settings=QUIET) as monitor:
        monitor.log_episode(0, 1.0, 1)
        stream = monitor.run.episodes
        before = stream.read("episode", "reward")
        monitor.log_episode(1, 2.0, 1)

        assert [len(column) for column in before.values()] == [1, 1]
        assert len(stream) == 2
        assert stream["reward"].tolist() == [1.0, 2.0]
        assert [record.reward for record in stream.last(1)] == [2.0]
        assert [record.episode for record in stream] == [0, 1]


def test_abandoned_branches_are_included_on_request(tmp_path: Path) -> None:
    """By default a stream leaves them out."""
    with TrainingMonitor(tmp_path, session_name="run", settings=QUIET) as monitor:
        for number in range(4):
            monitor.log_episode(number, 0.0, 1, env_step=number)
        monitor.rewind(env_step=1)
        monitor.log_episode(2, 1.0, 1, env_step=2)
    run = open_run(tmp_path / "run")

    assert run.episodes["env_step"].tolist() == [0, 1, 2]
    assert run.stream("episodes", abandoned=True)["env_step"].tolist() == [0, 1, 2, 3, 2]


def test_data_frames_have_the_same_values(run: Run) -> None:
    """In pandas, polars and Arrow, missing values are null, and NaN stays NaN."""
    frame = run.episodes.pandas("episode", "reward", "parameters.mode")
    table = run.episodes.arrow("reward", "quality_final")
    polar = run.episodes.polars("reward", "quality_final")

    assert frame["episode"].tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(frame["reward"].to_numpy(), REWARDS)
    assert frame["parameters.mode"].tolist()[0] == "x"
    assert table["quality_final"].null_count == polar["quality_final"].null_count() == 3
    assert table["reward"].null_count == polar["reward"].null_count() == 0
    assert set(run.episodes.polars().columns) == set(run.episodes.names)


def test_columns_have_the_requested_names(tmp_path: Path) -> None:
    """Names can be unusual, repeated, or differ only in case, which SQL ignores."""
    strange = {"a": 1, "A": 2, "": 3, "select": 4, "new\nline": 5, "*": 6, "it's 100 %": 7}
    with TrainingMonitor(tmp_path, session_name="run", settings=QUIET) as monitor:
        monitor.log_episode(0, 0.0, 1, parameters=strange)
    episodes = open_run(tmp_path / "run").episodes
    names = [f"parameters.{key}" for key in strange]

    assert {name: int(column[0]) for name, column in episodes.read(*names, names[0]).items()} == dict(
        zip(names, strange.values(), strict=True)
    )
    assert set(names) < set(episodes.read())
    assert list(episodes.pandas(*names).columns) == episodes.polars(*names).columns == names
    assert episodes.arrow(*names).column_names == names


def test_a_stream_without_records_returns_empty_results(tmp_path: Path) -> None:
    """No method raises an error."""
    with TrainingMonitor(tmp_path, session_name="run", settings=QUIET) as monitor:
        episodes = monitor.run.episodes

        assert (len(episodes), episodes.names, episodes.read(), episodes.last(3)) == (0, (), {}, [])
        assert len(episodes.pandas()) == len(episodes.polars()) == len(episodes.arrow()) == 0


@pytest.mark.parametrize("sealed", [False, True], ids=["open", "sealed"])
def test_a_path_is_not_a_pattern(tmp_path: Path, sealed: bool) -> None:
    """`*`, `?` and brackets in a folder name are not wildcards, so that records of other folders are not read."""
    for count, folder in enumerate(("qam", "q?m", "a", "[ab]", "ab", "a*"), start=1):
        with TrainingMonitor(tmp_path / folder, session_name="run", settings=QUIET) as monitor:
            for number in range(count):
                monitor.log_episode(number, 0.0, 1)
        run = open_run(tmp_path / folder / "run")
        if sealed:
            seal(run.layout.stream("episodes") / "000001.jsonl")

        assert (len(run.episodes), len(list(run.episodes)), len(run.episodes.last(9))) == (count, count, count)


def _many_names(folder: Path, names: int, *, sealing: tuple[int, ...], rewound: bool = False) -> Run:
    """Return a run with three segments whose records have a few entries of every type with different names."""
    pack = codec_of(Scalars).pack
    layout = Layout(folder / "run")
    layout.make()
    writers = [Writer(writer=number, started=0.0, host="h", pid=1) for number in (1, 2)]
    writers[1].rewind = Rewind(step=names) if rewound else None
    write_header(layout, Header(run_id="run", started=0.0, writers=writers))
    odd = {"A": 1, "a": 0.5, "": 2, "x.y": 3, 'q"*~/': 4}
    for segment in range(3):
        with segment_path(layout.stream("scalars"), segment + 1).open("wb") as file:
            for step in range(segment * names // 2, segment * names // 2 + names):
                mixed = step if segment < 2 else "text"
                number = (step / 3, math.nan, -math.inf)[step % 3]
                values = {
                    f"n{step}": number,
                    f"k{step}": 2**60 + step,
                    f"b{step}": step % 2 == 0,
                    f"t{step}": "t",
                    "m": mixed,
                }
                record = {
                    "time": 1.0,
                    "step": step,
                    "category": "c",
                    "values": values | odd,
                    "writer": 1 + segment // 2,
                }
                file.write(pack(record)[1])
        if segment in sealing:
            seal(segment_path(layout.stream("scalars"), segment + 1))
    return open_run(layout.path)


@pytest.mark.parametrize("sealing", [(), (0, 1), (0, 1, 2)], ids=["open", "both", "sealed"])
@pytest.mark.parametrize("rewound", [False, True])
def test_many_columns_are_read_like_single_columns(tmp_path: Path, sealing: tuple[int, ...], rewound: bool) -> None:
    """Reading all columns returns the same values, missing values and types as reading each column separately."""
    run = _many_names(tmp_path, 150, sealing=sealing, rewound=rewound)
    every = run.scalars.read()
    records = list(run.scalars)

    assert set(every) == set(run.scalars.names)
    assert len(every) > 1_000
    for name in ("values.n0", "values.n7", "values.k299", "values.b210", "values.t250", "values.m", "values."):
        alone, key = run.scalars[name], name.removeprefix("values.")
        expected = [record.values.get(key) for record in records]
        if key == "m":
            expected = [str(value) for value in expected]
        assert alone.dtype == every[name].dtype
        assert list(map(repr, alone.tolist())) == list(map(repr, every[name].tolist())) == list(map(repr, expected))
    for key in ("A", "a", "x.y", 'q"*~/'):
        assert every[f"values.{key}"].tolist() == [record.values[key] for record in records]


def test_data_frames_with_many_columns_have_the_same_values(tmp_path: Path) -> None:
    """Such data frames are assembled from parts."""
    run = _many_names(tmp_path, 150, sealing=(0, 1))
    expected = run.scalars["values.k299"].tolist()

    assert run.scalars.arrow()["values.k299"].to_pylist() == expected
    assert run.scalars.polars()["values.k299"].to_list() == expected
    assert run.scalars.pandas()["values.k299"].dropna().tolist() == [value for value in expected if value is not None]
    assert run.scalars.arrow().num_rows == len(run.scalars)


@pytest.mark.parametrize("sealing", [(), (0, 1), (0, 1, 2)], ids=["open", "both", "sealed"])
def test_data_frames_with_many_and_with_few_columns_have_equal_columns(
    tmp_path: Path, sealing: tuple[int, ...]
) -> None:
    """Values, missing values, types and order are the same."""
    scalars = _many_names(tmp_path, 150, sealing=sealing, rewound=True).scalars
    few = ["time", *(f"values.{key}" for key in ("n7", "n299", "k3", "k299", "b8", "b210", "t5", "t250", "m", "a"))]
    arrow, pandas, polars = scalars.arrow(), scalars.pandas(), scalars.polars()

    assert arrow.column_names == list(pandas.columns) == polars.columns == list(scalars.names)
    assert str(arrow.select(few).to_pylist()) == str(scalars.arrow(*few).to_pylist())
    assert arrow.select(few).schema == scalars.arrow(*few).schema
    assert polars.select(few).equals(scalars.polars(*few))
    assert polars.select(few).schema == scalars.polars(*few).schema
    assert pandas[few].equals(scalars.pandas(*few))


def test_each_record_with_many_names_is_scanned_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No query searches every row for every name, neither for a dict of columns nor for a data frame."""
    scalars = _many_names(tmp_path, 150, sealing=()).scalars
    asked: list[Mapping[Entry, str]] = []
    build = Entries.sql

    def noted(self: Entries, plain: Sequence[str], types: Mapping[Entry, str]) -> str:
        asked.append(types)
        return build(self, plain, types)

    monkeypatch.setattr(Entries, "sql", noted)
    for read in (scalars.read, scalars.pandas, scalars.polars, scalars.arrow):
        read()

    assert [len(types) for types in asked] == [0, 0, 0, 0]


def test_a_query_for_one_name_reads_no_other_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SQL stays short even if the stream has many names."""
    run = _many_names(tmp_path, 150, sealing=(0, 1))
    asked: list[str] = []
    build = Entries.sql

    def noted(self: Entries, plain: Sequence[str], types: Mapping[Entry, str]) -> str:
        asked.append(build(self, plain, types))
        return asked[-1]

    monkeypatch.setattr(Entries, "sql", noted)
    run.scalars.numbers("values.n7")

    assert len(asked) == 1
    assert "k149" not in asked[0]
    assert len(asked[0]) < 3_000


def test_reading_all_of_too_many_columns_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One table of all columns would fill the memory. Columns that are listed by name are read."""
    run = _many_names(tmp_path, 150, sealing=(0,))
    monkeypatch.setattr(stream, "_MOST_CELLS", 100_000)

    with pytest.raises(ColumnError, match=r"scalars: 1,\d+ columns of 450 rows each .*\. Select columns"):
        run.scalars.read()
    assert len(run.scalars.read(*run.scalars.names)) > 1_000


def test_the_error_for_an_unknown_column_is_short_for_many_columns(tmp_path: Path) -> None:
    """The error lists similar names, or some of the existing names."""
    run = _many_names(tmp_path, 150, sealing=(0, 1))

    with pytest.raises(ColumnError, match=r"Did you mean .*values\.k299"):
        run.scalars["values.k2999"]
    with pytest.raises(ColumnError, match=r", and 1,\d+ more$") as refused:
        run.scalars["values.nothing like it"]
    assert len(str(refused.value)) < 2_000
