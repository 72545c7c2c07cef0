"""Tables of any program are imported with named columns."""

import json
from pathlib import Path

import pytest

from rlvitals.errors import ImportFormatError
from rlvitals.formats.importers import Importer, import_run, import_runs
from rlvitals.formats.importers.column_mapping import example_command
from rlvitals.formats.importers.import_warnings import import_warnings
from rlvitals.formats.importers.importer_registry import format_of
from rlvitals.formats.importers.mapped_table_importer import MappedTableImporter
from rlvitals.records import Episode, PolicyUpdate, Scalars
from rlvitals.runs import Run
from rlvitals.runs.reward_series import reward_series
from rlvitals.testing.importers import ImporterContract

CSV = "timesteps,ret,len,kl,lr,when\n10,1.5,10,0.25,0.001,5.0\n30,nan,20,0.5,0.001,2026-01-01T00:00:00+00:00\n"
MAPPING = {"step": "timesteps", "reward": "ret", "length": "len", "time": "when"}


class TestContract(ImporterContract):
    def make_importer(self) -> Importer:
        return MappedTableImporter(MAPPING)

    def make_sample(self, folder: Path) -> Path:
        (folder / "log.csv").write_text(CSV)
        return folder / "log.csv"


def imported(tmp_path: Path, mapping: dict[str, str], content: str = CSV, name: str = "log.csv") -> Run:
    (tmp_path / name).write_text(content)
    return import_run(tmp_path / name, tmp_path / "logs", format=MappedTableImporter(mapping))


def test_rows_with_rewards_and_lengths_are_episodes(tmp_path: Path) -> None:
    """NaN stays NaN, and other columns are read by their names: `lr` is known, and `kl` is ambiguous."""
    run = imported(tmp_path, MAPPING)

    assert repr(list(run.records("episodes"))) == repr(
        [
            Episode(time=5.0, episode=0, env_step=10, reward=1.5, length=10),
            Episode(time=1767225600.0, episode=1, env_step=30, reward=float("nan"), length=20),
        ]
    )
    scalars = Scalars(time=5.0, step=10, env_step=10, category="scalars", values={"kl": 0.25})
    assert next(run.records("scalars")) == scalars
    assert [one.learning_rate for one in run.records("updates")] == [0.001, 0.001]
    assert import_warnings(run.records("events")) == []


def test_a_reward_without_a_length_is_a_curve(tmp_path: Path) -> None:
    """It is shown, judged and compared as the reward of the run."""
    series = reward_series(imported(tmp_path, {"step": "timesteps", "reward": "ret"}))

    assert series is not None
    assert series.steps.tolist() == [10, 30]


def test_a_reward_with_a_mean_length_is_a_curve(tmp_path: Path) -> None:
    """A row with a fractional length is not an episode."""
    content = "timesteps,ret,len\n10,1.5,10.5\n30,2.5,20.25\n"
    series = reward_series(imported(tmp_path, {"step": "timesteps", "reward": "ret", "length": "len"}, content))

    assert series is not None
    assert (series.steps.tolist(), series.values.tolist()) == ([10, 30], [1.5, 2.5])


def test_losses_and_tags_can_be_named(tmp_path: Path) -> None:
    """Fields of an update become updates, and a tag is kept."""
    run = imported(tmp_path, {"step": "timesteps", "approx_kl": "kl", "learning_rate": "lr", "eval/mean_reward": "ret"})

    update = next(run.records("updates"))
    assert update == PolicyUpdate(time=update.time, step=10, env_step=10, kl_divergence=0.25, learning_rate=0.001)
    assert next(run.records("evaluations")).reward == 1.5


def test_json_lines_are_read_like_csv(tmp_path: Path) -> None:
    """Nested values keep their path as the name, and damaged lines are left out with a warning."""
    lines = [{"timesteps": 10, "ret": 1.5, "len": 10, "loss": {"actor": 0.5}, "when": 5.0}]
    content = "".join(f"{json.dumps(line)}\n" for line in lines) + '{"timesteps": 20, "re'
    run = imported(tmp_path, MAPPING, content, "log.jsonl")

    assert [episode.reward for episode in run.records("episodes")] == [1.5]
    assert next(run.records("scalars")).values == {"actor": 0.5}
    assert len(import_warnings(run.records("events"))) == 1


@pytest.mark.parametrize(
    ("mapping", "content", "reason"),
    [
        (
            {"reward": "ret"},
            CSV,
            r"environment steps is not named.*'timesteps', 'ret'.*--columns step=timesteps,rew",
        ),
        ({"step": "steps"}, CSV, r"has no column 'steps'\. Its columns are 'timesteps', 'ret'"),
        ({"step": "ret"}, CSV, r"line 2: ret must be a whole number of steps, got 1\.5"),
        ({"step": "timesteps"}, "timesteps,ret\n,1.0\n", "line 2: timesteps must be a whole number of steps, got None"),
        ({"step": "timesteps", "time": "ret"}, "timesteps,ret\n1,noon\n", "line 2: ret must be in seconds since 1970"),
        ({"step": "timesteps"}, "", "is not a table"),
    ],
)
def test_a_table_that_does_not_fit_is_refused(
    tmp_path: Path, mapping: dict[str, str], content: str, reason: str
) -> None:
    """The error names the file, the line and the value, or the columns. Steps are never made up."""
    with pytest.raises(ImportFormatError, match=reason):
        imported(tmp_path, mapping, content)


def test_other_names_for_the_columns_give_another_run(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text(CSV)
    outcomes = [
        import_runs(tmp_path / "log.csv", tmp_path / "logs", format=MappedTableImporter(mapping))[0].outcome
        for mapping in (MAPPING, MAPPING, {"step": "timesteps"})
    ]

    assert outcomes == ["imported", "unchanged", "imported"]


@pytest.mark.parametrize(
    ("name", "content", "command"),
    [
        ("a b.csv", "a,frames\n1,2\n", "'a b.csv' --columns step=COLUMN_OF_STEPS"),
        ("x.csv", CSV, "x.csv --columns step=timesteps,reward=ret,length=len"),
        ("x.jsonl", '{"env_steps": 1, "avg_return": 2}\n', "x.jsonl --columns step=env_steps,reward=avg_return"),
    ],
)
def test_the_error_for_an_unknown_table_is_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str, command: str
) -> None:
    """The columns are those that probably have the meaning."""
    monkeypatch.chdir(tmp_path)
    Path(name).write_text(content)

    with pytest.raises(ImportFormatError) as refused:
        format_of(Path(name))
    assert str(refused.value).endswith(f"rlvitals import {command}")


def test_a_column_has_one_meaning() -> None:
    assert example_command(Path("x.csv"), ["reward_step"]) == "rlvitals import x.csv --columns step=reward_step"
