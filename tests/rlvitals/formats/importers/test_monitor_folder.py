"""`monitor.csv` variants: other releases and systems, crashes, resumed trainings, and files of older trainings."""

from pathlib import Path

import pytest

from rlvitals.errors import ImportFormatError
from rlvitals.formats.importers import import_run
from rlvitals.formats.importers.import_warnings import import_warnings
from rlvitals.runs import Run

HEADER = '#{"t_start": 1000.0, "env_id": "Pole-v1"}\n'
COLUMNS = "r,l,t\n"
ROWS = "1.5,10,1.0\n-2.5,20,2.0\n3.5,30,4.0\n"
WHOLE = [(1.5, 10, 1001.0), (-2.5, 30, 1002.0), (3.5, 60, 1004.0)]
"""Return, environment step and time of each episode."""


def imported(tmp_path: Path, **files: str | bytes) -> Run:
    """Import a folder of monitor files, given without their suffix."""
    folder = tmp_path / "training"
    folder.mkdir()
    for name, content in files.items():
        path = folder / f"{name.removeprefix('env')}.monitor.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return import_run(folder, tmp_path / "logs")


def episodes(run: Run) -> list[tuple[float, int | None, float]]:
    return [(each.reward, each.env_step, each.time) for each in run.records("episodes")]


def warnings_of(run: Run) -> list[str]:
    return import_warnings(run.records("events"))


@pytest.mark.parametrize(
    "content",
    [
        HEADER + COLUMNS + ROWS,
        (HEADER + COLUMNS + ROWS).replace("\n", "\r\n"),
        (HEADER + COLUMNS + ROWS).replace("\n", "\r\r\n"),
        (HEADER + COLUMNS + ROWS).replace("\n", "\r"),
        HEADER + COLUMNS + ROWS.replace("\n", "\n\n") + "\n\n",
        HEADER.replace("#{", "# {").replace("}", ', "gym_version": "0.10"} ') + COLUMNS + ROWS,
        "#{'t_start': 1000.0, 'env_id': None}\n" + COLUMNS + ROWS,
        HEADER + COLUMNS.rstrip() + ROWS,
        HEADER.rstrip() + COLUMNS + ROWS,
        HEADER + COLUMNS + ROWS.replace("\n-", "-"),
        HEADER + COLUMNS + ROWS.rstrip(),
        b"\xef\xbb\xbf" + (HEADER + COLUMNS + ROWS).encode(),
        (HEADER + COLUMNS + ROWS).encode("utf-16"),
        (HEADER + COLUMNS + ROWS).encode("utf-16-le"),
    ],
    ids=[
        "as written",
        "CR LF",
        "CR CR LF",
        "CR",
        "blank lines",
        "header of baselines",
        "header as Python shows it",
        "column names and first row joined",
        "header and column names joined",
        "rows joined",
        "no line end",
        "byte-order mark",
        "UTF-16",
        "UTF-16 without a mark",
    ],
)
def test_an_intact_file_of_any_origin_gives_the_same_episodes(tmp_path: Path, content: str | bytes) -> None:
    run = imported(tmp_path, env0=content)

    assert (episodes(run), warnings_of(run)) == (WHOLE, [])


@pytest.mark.parametrize(
    ("content", "left", "warning"),
    [
        (HEADER + COLUMNS + ROWS + "4.5,", WHOLE, "0.monitor.csv, line 6 ('4.5,') is damaged"),
        (HEADER + COLUMNS + ROWS + "4.5,4", WHOLE, "0.monitor.csv, line 6 ('4.5,4') is damaged"),
        (HEADER + COLUMNS + ROWS + "4.5,40,", [*WHOLE, (4.5, 100, 1004.0)], "('4.5,40,') has an incomplete time"),
        (HEADER + COLUMNS + ROWS + "4.5,40,1", [*WHOLE, (4.5, 100, 1004.0)], "('4.5,40,1') has an incomplete time"),
        (HEADER + COLUMNS + ROWS + "\0" * 50, WHOLE, "line 6 ('') contains NUL characters"),
        (HEADER + COLUMNS + ROWS.replace("-2.5,20", "x,20"), [WHOLE[0], (3.5, 40, 1004.0)], "line 4 ('x,20,2.0') is"),
        (HEADER + COLUMNS + "1.5,10,1.0,2.0,3.0,4.0\n" + ROWS, WHOLE, "line 3 ('1.5,10,1.0,2.0,3.0,4.0') is damaged"),
    ],
)  # fmt: skip
def test_damaged_rows_are_left_out_with_a_warning_that_names_the_line(
    tmp_path: Path, content: str, left: list[tuple[float, int, float]], warning: str
) -> None:
    """This applies to truncated rows and times, NUL characters, non-numeric values and excess cells."""
    run = imported(tmp_path, env0=content)

    assert episodes(run) == left
    assert warning in warnings_of(run)[0]


def test_other_columns_are_kept(tmp_path: Path) -> None:
    """Columns of `info_keywords` are kept, and a text with a line break is one cell."""
    run = imported(tmp_path, env0=HEADER + 'r,l,t,is_success,note\n1.0,5,1.0,True,"a\nb"\n2.0,5,2.0,False,\n')

    first, second = run.records("episodes")
    assert (first.success, first.extra, second.success, second.extra) == (True, {"note": "a\nb"}, False, None)


def test_without_a_header_the_times_are_estimated(tmp_path: Path) -> None:
    run = imported(tmp_path, env0=COLUMNS + ROWS)

    assert [step for _, step, _ in episodes(run)] == [10, 30, 60]
    assert "no header with t_start in 0.monitor.csv" in warnings_of(run)[0]


def test_an_environment_without_a_header_belongs_to_the_same_training(tmp_path: Path) -> None:
    run = imported(tmp_path, env0=HEADER + COLUMNS + ROWS, env1=COLUMNS + "9.0,5,3.0\n")

    assert [reward for reward, _, _ in episodes(run)] == [1.5, -2.5, 9.0, 3.5]


def test_episodes_after_a_resume_follow_the_previous_ones_in_all_environments(tmp_path: Path) -> None:
    """In a resumed training with two environments, all episodes of the second session come after the first session."""
    second = "5.0,10,0.5\n6.0,10,1.5\n"
    run = imported(tmp_path, env0=HEADER + COLUMNS + ROWS + second, env1=HEADER + COLUMNS + "9.0,5,3.0\n7.0,5,1.0\n")

    assert episodes(run)[3:] == [(3.5, 65, 1004.0), (5.0, 75, 1004.5), (7.0, 80, 1005.0), (6.0, 90, 1005.5)]
    assert "the times restart (line 6 of 0.monitor.csv and line 4 of 1.monitor.csv)" in warnings_of(run)[0]


def test_a_small_step_back_of_the_clock_is_not_a_resume(tmp_path: Path) -> None:
    run = imported(tmp_path, env0=HEADER + COLUMNS + "1.0,5,100.0\n2.0,5,99.5\n3.0,5,101.0\n")

    assert ([time for _, _, time in episodes(run)], warnings_of(run)) == ([1100.0, 1100.0, 1101.0], [])


def test_a_second_header_has_the_time_of_the_resume(tmp_path: Path) -> None:
    run = imported(tmp_path, env0=HEADER + COLUMNS + ROWS + HEADER.replace("1000", "5000") + COLUMNS + "5.0,10,0.5\n")

    assert (episodes(run)[-1], warnings_of(run)) == ((5.0, 70, 5000.5), [])


def test_files_of_an_older_training_are_left_out_and_named(tmp_path: Path) -> None:
    """A folder has files of two environments, and files of an older training with four environments."""
    old, new = HEADER + COLUMNS + ROWS, HEADER.replace("1000.0", "13565800.0") + COLUMNS + ROWS
    run = imported(tmp_path, env0=new, env1=new, env2=old, env3=old)

    assert (len(episodes(run)), run.header.started) == (6, 13565801.0)
    (warning,) = warnings_of(run)
    assert "contains 2 trainings" in warning
    assert (
        "2.monitor.csv and 3.monitor.csv. To import that training, copy these files into a separate folder" in warning
    )


def test_environments_that_start_late_belong_to_the_same_training(tmp_path: Path) -> None:
    """A file belongs to the training if it starts before the last episode of the first file."""
    run = imported(tmp_path, env0=HEADER + COLUMNS + ROWS, env1=HEADER.replace("1000.0", "1000.9") + COLUMNS + ROWS)

    assert (len(episodes(run)), warnings_of(run)) == (6, [])


def test_a_monitor_file_with_other_contents_is_left_out_with_a_warning(tmp_path: Path) -> None:
    run = imported(tmp_path, env0=HEADER + COLUMNS + ROWS, env1="", env2="name,value\na,b\n")

    assert [each.partition("monitor.csv ")[2].partition(";")[0] for each in warnings_of(run)] == [
        "is empty",
        "does not start like a monitor file",
    ]


def test_files_without_a_complete_episode_are_refused(tmp_path: Path) -> None:
    """The import fails and leaves no run."""
    with pytest.raises(ImportFormatError, match=r"has no records.*line 3 \('1\.0,10'\) is damaged"):
        imported(tmp_path, env0=HEADER + COLUMNS + "1.0,10\n")
    assert list((tmp_path / "logs").glob("*")) == []
