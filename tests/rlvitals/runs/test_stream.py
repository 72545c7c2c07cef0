"""A stream, as columns."""

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
    """Five episodes: rewards of all kinds, a quality in two of them, parameters that differ in type and presence."""
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


def test_a_column_keeps_not_a_number_and_absent_apart(run: Run) -> None:
    """Absent is masked; NaN and infinities are values."""
    rewards, quality = run.episodes["reward"], run.episodes["quality_final"]

    assert not np.ma.getmaskarray(rewards).any()
    np.testing.assert_array_equal(rewards.data, REWARDS)
    assert np.ma.getmaskarray(quality).tolist() == [True, False, True, False, True]
    assert quality.compressed().tolist() == [0.5, 1.5]


def test_numbers_are_plain_floats(run: Run) -> None:
    """With NaN where nothing was said."""
    np.testing.assert_array_equal(run.episodes.numbers("quality_final"), [math.nan, 0.5, math.nan, 1.5, math.nan])


def test_an_entry_of_a_dict_is_a_column(run: Run) -> None:
    """Of numbers or of text."""
    assert run.episodes["parameters.speckle"].tolist() == [1.0, 2.5, None, None, 4.0]
    assert run.episodes["parameters.mode"].tolist() == ["x", None, None, None, None]


def test_the_names_are_what_has_a_value(run: Run) -> None:
    """Fields that were never said are left out, as are dicts for their entries."""
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


def test_a_field_that_was_never_said_is_all_absent(run: Run) -> None:
    """It is no error: the next episode may say it."""
    assert np.ma.getmaskarray(run.episodes["env_step"]).all()
    assert np.ma.getmaskarray(run.evaluations["items"]).shape == (0,)


@pytest.mark.parametrize(
    ("asked", "hint"),
    [("rewrad", "did you mean reward"), ("parameters.spekle", "parameters.speckle"), ("parameters", "parameters.mode")],
)
def test_an_unknown_column_is_refused_with_what_there_is(run: Run, asked: str, hint: str) -> None:
    """A misspelt name is told its neighbours, a dict its entries."""
    with pytest.raises(ColumnError, match=hint):
        run.episodes[asked]


def test_text_is_not_numbers(run: Run) -> None:
    """And is not turned into NaN."""
    with pytest.raises(ColumnError, match="holds text"):
        run.episodes.numbers("termination_reason")


def test_an_entry_of_several_types_is_text(tmp_path: Path) -> None:
    """Across segments and within one, sealed and open."""
    with TrainingMonitor(tmp_path, session_name="run", settings=QUIET) as monitor:
        for number, value in enumerate((1, "one", 2.5, True)):
            monitor.log_episode(number, 0.0, 1, parameters={"p": value, 'odd "key".x': number})
    run = open_run(tmp_path / "run")
    expected = ["1", "one", "2.5", "true"]

    assert run.episodes["parameters.p"].tolist() == expected
    seal(run.layout.stream("episodes") / "000001.jsonl")
    assert run.episodes["parameters.p"].tolist() == expected
    assert run.episodes['parameters.odd "key".x'].tolist() == [0, 1, 2, 3]


def test_columns_read_together_are_of_one_moment(tmp_path: Path) -> None:
    """While a writer goes on, columns of one call are equally long, and the next call sees what is new."""
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


def test_branches_left_behind_are_given_on_request(tmp_path: Path) -> None:
    """By default a stream is the branch that goes on."""
    with TrainingMonitor(tmp_path, session_name="run", settings=QUIET) as monitor:
        for number in range(4):
            monitor.log_episode(number, 0.0, 1, env_step=number)
        monitor.rewind(env_step=1)
        monitor.log_episode(2, 1.0, 1, env_step=2)
    run = open_run(tmp_path / "run")

    assert run.episodes["env_step"].tolist() == [0, 1, 2]
    assert run.stream("episodes", abandoned=True)["env_step"].tolist() == [0, 1, 2, 3, 2]


def test_frames_hold_the_same_values(run: Run) -> None:
    """In pandas, polars and Arrow; what is absent is null, NaN stays NaN."""
    frame = run.episodes.pandas("episode", "reward", "parameters.mode")
    table = run.episodes.arrow("reward", "quality_final")
    polar = run.episodes.polars("reward", "quality_final")

    assert frame["episode"].tolist() == [0, 1, 2, 3, 4]
    np.testing.assert_array_equal(frame["reward"].to_numpy(), REWARDS)
    assert frame["parameters.mode"].tolist()[0] == "x"
    assert table["quality_final"].null_count == polar["quality_final"].null_count() == 3
    assert table["reward"].null_count == polar["reward"].null_count() == 0
    assert set(run.episodes.polars().columns) == set(run.episodes.names)


def test_columns_are_given_by_the_name_that_was_asked_for(tmp_path: Path) -> None:
    """However strange it is, asked for twice, or another's but for its case, which SQL does not see."""
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


def test_a_stream_without_records_gives_empty_answers(tmp_path: Path) -> None:
    """And no error."""
    with TrainingMonitor(tmp_path, session_name="run", settings=QUIET) as monitor:
        episodes = monitor.run.episodes

        assert (len(episodes), episodes.names, episodes.read(), episodes.last(3)) == (0, (), {}, [])
        assert len(episodes.pandas()) == len(episodes.polars()) == len(episodes.arrow()) == 0


@pytest.mark.parametrize("sealed", [False, True], ids=["open", "sealed"])
def test_a_path_is_no_pattern(tmp_path: Path, sealed: bool) -> None:
    """`*`, `?` and brackets in the name of a folder stand for themselves: a neighbour's records are its own."""
    for count, folder in enumerate(("qam", "q?m", "a", "[ab]", "ab", "a*"), start=1):
        with TrainingMonitor(tmp_path / folder, session_name="run", settings=QUIET) as monitor:
            for number in range(count):
                monitor.log_episode(number, 0.0, 1)
        run = open_run(tmp_path / folder / "run")
        if sealed:
            seal(run.layout.stream("episodes") / "000001.jsonl")

        assert (len(run.episodes), len(list(run.episodes)), len(run.episodes.last(9))) == (count, count, count)


def _many_names(folder: Path, names: int, *, sealing: tuple[int, ...], rewound: bool = False) -> Run:
    """Three segments of records with a few entries each, of every type, whose names differ from segment to segment."""
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
def test_many_names_are_read_as_few_are(tmp_path: Path, sealing: tuple[int, ...], rewound: bool) -> None:
    """All at once gives each column as alone: values, absences and types, of names with any sign in them."""
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


def test_frames_of_many_names_hold_the_same_values(tmp_path: Path) -> None:
    """They are put together of parts."""
    run = _many_names(tmp_path, 150, sealing=(0, 1))
    expected = run.scalars["values.k299"].tolist()

    assert run.scalars.arrow()["values.k299"].to_pylist() == expected
    assert run.scalars.polars()["values.k299"].to_list() == expected
    assert run.scalars.pandas()["values.k299"].dropna().tolist() == [value for value in expected if value is not None]
    assert run.scalars.arrow().num_rows == len(run.scalars)


@pytest.mark.parametrize("sealing", [(), (0, 1), (0, 1, 2)], ids=["open", "both", "sealed"])
def test_frames_of_many_names_have_the_columns_that_frames_of_few_have(
    tmp_path: Path, sealing: tuple[int, ...]
) -> None:
    """Values, absences, types and order."""
    scalars = _many_names(tmp_path, 150, sealing=sealing, rewound=True).scalars
    few = ["time", *(f"values.{key}" for key in ("n7", "n299", "k3", "k299", "b8", "b210", "t5", "t250", "m", "a"))]
    arrow, pandas, polars = scalars.arrow(), scalars.pandas(), scalars.polars()

    assert arrow.column_names == list(pandas.columns) == polars.columns == list(scalars.names)
    assert str(arrow.select(few).to_pylist()) == str(scalars.arrow(*few).to_pylist())
    assert arrow.select(few).schema == scalars.arrow(*few).schema
    assert polars.select(few).equals(scalars.polars(*few))
    assert polars.select(few).schema == scalars.polars(*few).schema
    assert pandas[few].equals(scalars.pandas(*few))


def test_each_record_of_many_names_is_gone_through_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a frame as for a dict of columns: no query looks for each of the names in each of the rows."""
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


def test_a_question_about_one_name_reads_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are: the SQL that is put to the database stays short."""
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


def test_all_columns_of_very_many_are_refused_with_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a table they would fill the memory; those that are named are given."""
    run = _many_names(tmp_path, 150, sealing=(0,))
    monkeypatch.setattr(stream, "_MOST_CELLS", 100_000)

    with pytest.raises(ColumnError, match=r"scalars: 1,\d+ columns of 450 rows each .*: name the columns"):
        run.scalars.read()
    assert len(run.scalars.read(*run.scalars.names)) > 1_000


def test_an_unknown_column_among_very_many_is_answered_shortly(tmp_path: Path) -> None:
    """With names like it, or with some of those that there are."""
    run = _many_names(tmp_path, 150, sealing=(0, 1))

    with pytest.raises(ColumnError, match=r"did you mean .*values\.k299"):
        run.scalars["values.k2999"]
    with pytest.raises(ColumnError, match=r", and 1,\d+ more$") as refused:
        run.scalars["values.nothing like it"]
    assert len(str(refused.value)) < 2_000
