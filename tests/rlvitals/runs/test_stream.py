"""A stream, as columns."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rlvitals import ColumnError, RecorderSettings, Run, TrainingMonitor, open_run
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
