"""Repeated imports skip unchanged trainings and replace those that have grown."""

import os
from pathlib import Path

import pytest

from rlvitals import TrainingMonitor
from rlvitals.errors import ImportFormatError
from rlvitals.formats.exporters import export_run
from rlvitals.formats.importers import import_runs
from rlvitals.formats.importers.mapped_table_importer import MappedTableImporter
from rlvitals.formats.importers.run_import import Imports
from rlvitals.runs import find_runs, open_run
from rlvitals.runs.header import write_header
from rlvitals.testing.exporters import made_run

MONITOR = '#{"t_start": 1000.0, "env_id": "CartPole-v1"}\nr,l,t\n1.5,10,1.0\n'
MORE = "2.5,10,2.0\n"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with two trainings."""
    for name in ("a", "b"):
        (tmp_path / "source" / name).mkdir(parents=True)
        (tmp_path / "source" / name / "monitor.csv").write_text(MONITOR)
    return tmp_path / "source"


def outcomes(source: Path, logs: Path) -> dict[str, str]:
    return {done.run.run_id: done.outcome for done in import_runs(source, logs)}


def test_an_unchanged_training_is_skipped(source: Path, tmp_path: Path) -> None:
    assert outcomes(source, tmp_path / "logs") == {"a": "imported", "b": "imported"}
    assert outcomes(source, tmp_path / "logs") == {"a": "unchanged", "b": "unchanged"}
    assert outcomes(source / "a", tmp_path / "logs") == {"a": "unchanged"}


def test_a_training_that_has_grown_replaces_its_run(source: Path, tmp_path: Path) -> None:
    """The run keeps its name, its artifacts and notes, and no other files are left."""
    logs = tmp_path / "logs"
    import_runs(source, logs)
    (logs / "a" / "artifacts" / "report.html").write_text("report")
    (logs / "a" / "NOTES.md").write_text("notes")
    with (source / "a" / "monitor.csv").open("a") as file:
        file.write(MORE)

    assert outcomes(source, logs) == {"a": "updated", "b": "unchanged"}
    assert [episode.reward for episode in open_run(logs / "a").records("episodes")] == [1.5, 2.5]
    assert (logs / "a" / "artifacts" / "report.html").read_text() == "report"
    assert (logs / "a" / "NOTES.md").read_text() == "notes"
    assert sorted(path.name for path in logs.iterdir()) == ["a", "b"]


def test_touched_files_with_the_same_contents_are_unchanged(source: Path, tmp_path: Path) -> None:
    """The records decide, not the dates of the files. The run on the disk is not rewritten."""
    logs = tmp_path / "logs"
    import_runs(source, logs)
    before = (logs / "a" / "episodes" / "000001.jsonl").stat()
    os.utime(source / "a" / "monitor.csv", (5.0, 5.0))

    assert outcomes(source, logs) == {"a": "unchanged", "b": "unchanged"}
    assert (logs / "a" / "episodes" / "000001.jsonl").stat().st_ino == before.st_ino


def test_a_changed_setting_updates_the_run(source: Path, tmp_path: Path) -> None:
    import_runs(source, tmp_path / "logs")
    (source / "a" / "config.json").write_text('{"learning_rate": 0.5}')

    assert outcomes(source, tmp_path / "logs") == {"a": "updated", "b": "unchanged"}
    assert open_run(tmp_path / "logs" / "a").header.configuration["learning_rate"] == 0.5


def test_a_failed_update_keeps_the_earlier_import(source: Path, tmp_path: Path) -> None:
    import_runs(source, tmp_path / "logs")
    (source / "a" / "monitor.csv").write_text(MONITOR + 20 * "x,y,z\n")
    with pytest.raises(ImportFormatError, match="damaged"):
        import_runs(source, tmp_path / "logs")

    assert [episode.reward for episode in open_run(tmp_path / "logs" / "a").records("episodes")] == [1.5]


def test_a_recorded_run_is_never_replaced(source: Path, tmp_path: Path) -> None:
    """A run of the same name, and an import that a training has resumed, are kept."""
    logs = tmp_path / "logs"
    with TrainingMonitor(logs, session_name="a"):
        pass
    assert outcomes(source, logs) == {"a-2": "imported", "b": "imported"}
    with TrainingMonitor(logs, session_name="b", resume="must") as monitor:
        monitor.log_episode(1, reward=9.0, length=1)
    with (source / "b" / "monitor.csv").open("a") as file:
        file.write(MORE)

    assert outcomes(source, logs) == {"a-2": "unchanged", "b-2": "imported"}
    assert [episode.reward for episode in open_run(logs / "b").records("episodes")] == [1.5, 9.0]


def test_a_run_that_is_being_written_is_never_replaced(source: Path, tmp_path: Path) -> None:
    """A training can resume an import after the search for earlier imports."""
    logs = tmp_path / "logs"
    import_runs(source, logs)
    imports = Imports(logs)
    with (source / "b" / "monitor.csv").open("a") as file:
        file.write(MORE)
    with TrainingMonitor(logs, session_name="b", resume="must") as monitor:
        monitor.log_episode(1, reward=9.0, length=1)
        (done,) = imports.training(source / "b")

    assert (done.run.run_id, done.outcome) == ("b-2", "imported")
    assert [episode.reward for episode in open_run(logs / "b").records("episodes")] == [1.5, 9.0]


def test_the_header_of_a_run_that_is_being_written_is_not_changed(source: Path, tmp_path: Path) -> None:
    """This also applies if the contents of the source are unchanged."""
    logs = tmp_path / "logs"
    import_runs(source / "b", logs)
    imports = Imports(logs, again=True)
    with TrainingMonitor(logs, session_name="b", resume="must"):
        before = (logs / "b" / "run.json").stat().st_ino
        (done,) = imports.training(source / "b")

        assert (done.run.run_id, (logs / "b" / "run.json").stat().st_ino) == ("b-2", before)


def test_trainings_whose_paths_differ_only_in_a_secret_are_different(tmp_path: Path) -> None:
    """The origin in the header does not show the secret."""
    logs = tmp_path / "logs"
    for secret in ("token=aaaaaaaaaaaa1111", "token=bbbbbbbbbbbb2222"):
        (tmp_path / secret).mkdir()
        (tmp_path / secret / "monitor.csv").write_text(MONITOR)
        (done,) = import_runs(tmp_path / secret, logs)

    assert (done.outcome, len(find_runs(logs)[0])) == ("imported", 2)
    assert "bbbb" not in str(done.run.header.reproduction)
    assert list(outcomes(tmp_path / secret, logs).values()) == ["unchanged"]


def test_a_log_that_was_started_again_becomes_another_run(source: Path, tmp_path: Path) -> None:
    """A training that overwrites the log of an earlier one has fewer records at first. Then its own run grows."""
    logs = tmp_path / "logs"
    log = source / "a" / "monitor.csv"
    log.write_text(MONITOR + MORE)
    import_runs(source / "a", logs)
    log.write_text(MONITOR)

    assert outcomes(source / "a", logs) == {"a-2": "imported"}
    assert outcomes(source / "a", logs) == {"a-2": "unchanged"}
    log.write_text(MONITOR + 2 * MORE)
    assert outcomes(source / "a", logs) == {"a-2": "updated"}
    assert len(list(open_run(logs / "a").records("episodes"))) == 2


def test_another_format_of_the_same_file_is_another_run(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"episode": 1, "reward": 1, "length": 1, "step": 1}\n')
    import_runs(tmp_path / "a.jsonl", tmp_path / "logs", format="episodes")
    mapped = MappedTableImporter({"step": "step"})
    (done,) = import_runs(tmp_path / "a.jsonl", tmp_path / "logs", format=mapped)

    assert (done.run.run_id, done.outcome) == ("a-2", "imported")


def test_a_link_to_a_run_elsewhere_is_kept(source: Path, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    import_runs(source / "a", logs)
    (logs / "a").rename(tmp_path / "elsewhere")
    (logs / "a").symlink_to(tmp_path / "elsewhere")
    (source / "a" / "monitor.csv").write_text(MONITOR + MORE)

    assert outcomes(source / "a", logs) == {"a-2": "imported"}
    assert (logs / "a").is_symlink()


def test_settings_above_the_folder_update_the_run(source: Path, tmp_path: Path) -> None:
    """Hydra stores them up to two folders above the logs."""
    import_runs(source, tmp_path / "logs")
    (tmp_path / ".hydra").mkdir()
    (tmp_path / ".hydra" / "config.yaml").write_text("learning_rate: 0.5\n")

    assert outcomes(source, tmp_path / "logs") == {"a": "updated", "b": "updated"}


def test_a_deleted_run_is_imported_again(source: Path, tmp_path: Path) -> None:
    (done, _) = import_runs(source, tmp_path / "logs")
    done.run.path.rename(tmp_path / "elsewhere")

    assert outcomes(source, tmp_path / "logs") == {"a": "imported", "b": "unchanged"}


def test_an_export_is_imported_once(tmp_path: Path) -> None:
    exported = export_run(made_run(tmp_path / "logs", "ordinary"), tmp_path / "run.json")

    assert outcomes(exported, tmp_path / "other") == {"ordinary": "imported"}
    assert outcomes(exported, tmp_path / "other") == {"ordinary": "unchanged"}


def test_the_header_names_the_origin(source: Path, tmp_path: Path) -> None:
    (done, _) = import_runs(source, tmp_path / "logs")
    origin = done.run.header.reproduction["imported"]

    assert (origin["path"], origin["format"], origin["name"]) == (str(source / "a"), "sb3", "a")


def test_imports_of_earlier_versions_are_updated(source: Path, tmp_path: Path) -> None:
    """They have the path, but no signature of the files."""
    (done, _) = import_runs(source, tmp_path / "logs")
    header = done.run.header
    header.reproduction["imported"] = {"path": str(source / "a"), "format": "sb3", "time": 1.0}
    write_header(done.run.layout, header)

    assert outcomes(source, tmp_path / "logs") == {"a": "updated", "b": "unchanged"}


def test_runs_within_the_imported_folder_do_not_change_it(source: Path) -> None:
    """The folder of runs can be in the folder of a training."""
    logs = source / "a" / "logs"
    import_runs(source / "a", logs)

    assert outcomes(source / "a", logs) == {"a": "unchanged"}
    assert len(find_runs(logs)[0]) == 1
