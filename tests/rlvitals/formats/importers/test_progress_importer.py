"""Metric tables are recognised by their columns, regardless of the file name."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from rlvitals.errors import ImportFormatError
from rlvitals.formats.importers import Importer, import_run, make_importer
from rlvitals.formats.importers.framework_columns import FRAMEWORKS, framework_of
from rlvitals.formats.importers.import_warnings import import_warnings
from rlvitals.formats.importers.importer_registry import format_of
from rlvitals.runs import Run
from rlvitals.testing.importers import ImporterContract

BASELINES = (
    "eplenmean,eprewmean,fps,loss/approxkl,loss/clipfrac,loss/policy_entropy,loss/policy_loss,loss/value_loss,"
    "misc/explained_variance,misc/nupdates,misc/serial_timesteps,misc/time_elapsed,misc/total_timesteps\r\n"
    "101,51,1000,0.01,0.1,0.6,-0.02,30.0,0.5,1,128,2.0,2048\r\n"
    "102,nan,1000,0.02,0.1,0.6,-0.01,30.0,0.5,2,256,4.0,4096\r\n"
)
SPINNING_UP = (
    "Epoch\tAverageEpRet\tStdEpRet\tEpLen\tTotalEnvInteracts\tLossPi\tLossV\tEntropy\tKL\tClipFrac\tTime\n"
    "0\t20.5\t9.0\t20.5\t4000\t-0.01\t300.0\t0.68\t0.015\t0.2\t3.5\n"
)
RLKIT = (
    "replay_buffer/size,trainer/QF1 Loss,trainer/Policy Loss,exploration/num steps total,evaluation/Average Returns,"
    "time/total (s),Epoch\n2000,1.5,-3.5,2000,-1200.0,9.5,0\n"
)
GARAGE = "Evaluation/AverageReturn,Evaluation/Iteration,TotalEnvSteps,policy/Entropy\n17.5,0,4000,0.69\n"
RLLAB = "Iteration,AverageReturn,NumTrajs,Entropy,MeanKL\n3,17.5,40,1.4,0.01\n"
SB2 = "ep_len_mean,ep_reward_mean,n_updates,policy_loss,approxkl,total_timesteps,time_elapsed\n9,8,1,1,3,128,1\n"


class TestContract(ImporterContract):
    def make_importer(self) -> Importer:
        return make_importer("progress")

    def make_sample(self, folder: Path) -> Path:
        (folder / "progress.csv").write_text(BASELINES, newline="")
        return folder


def imported(tmp_path: Path, content: str, name: str = "progress.csv") -> Run:
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / name).write_text(content, newline="")
    return import_run(tmp_path / "training", tmp_path / "logs")


def scalars_of(run: Run) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for each in run.records("scalars"):
        for name, value in each.values.items():
            found.setdefault(f"{each.category}/{name}".removeprefix("scalars/"), []).append((each.env_step, value))
    return found


def test_baselines_are_imported_at_their_own_steps(tmp_path: Path) -> None:
    run = imported(tmp_path, BASELINES)

    first, second = run.records("updates")
    assert (first.step, first.env_step, first.update, second.env_step) == (2048, 2048, 1, 4096)
    assert (first.policy_loss, first.value_loss, first.entropy) == (-0.02, 30.0, 0.6)
    assert (first.kl_divergence, first.clip_fraction, first.explained_variance) == (0.01, 0.1, 0.5)
    assert second.time - first.time == 2.0
    assert next(run.records("system")).env_steps_per_second == 1000.0


def test_the_mean_return_keeps_its_name(tmp_path: Path) -> None:
    """NaN is kept, and no column is lost."""
    found = scalars_of(imported(tmp_path, BASELINES))

    assert repr(found["eprewmean"]) == "[(2048, 51.0), (4096, nan)]"
    assert {"eplenmean", "misc/serial_timesteps", "misc/total_timesteps"} <= found.keys()


@pytest.mark.parametrize(
    ("content", "name", "step", "scalar"),
    [
        (BASELINES, "0.0.log.csv", 2048, "eprewmean"),
        (SB2, "progress.csv", 128, "ep_reward_mean"),
        (SPINNING_UP, "progress.txt", 4000, "AverageEpRet"),
        (RLKIT, "progress.csv", 2000, "trainer/QF1 Loss"),
        (GARAGE, "progress.csv", 4000, "Evaluation/AverageReturn"),
        (BASELINES.encode().decode("utf-8").replace("\r\n", "\r\r\n"), "progress.csv", 2048, "eprewmean"),
    ],
    ids=["other name", "Stable-Baselines 2", "Spinning Up", "rlkit", "garage", "CR CR LF"],
)
def test_each_framework_has_its_own_steps_and_names(
    tmp_path: Path, content: str, name: str, step: int, scalar: str
) -> None:
    run = imported(tmp_path, content, name)

    assert next(run.records("updates")).env_step == step
    assert scalars_of(run)[scalar][0][0] == step


def test_evaluations_of_rlkit_are_evaluations(tmp_path: Path) -> None:
    (evaluation,) = imported(tmp_path, RLKIT).records("evaluations")

    assert (evaluation.reward, evaluation.env_step) == (-1200.0, 2000)


def test_without_environment_steps_iterations_are_used_with_a_warning(tmp_path: Path) -> None:
    run = imported(tmp_path, RLLAB)

    (update,) = run.records("updates")
    assert (update.step, update.env_step, update.kl_divergence) == (3, None, 0.01)
    assert "no column of environment steps; the import uses 'Iteration' as the step" in " ".join(
        import_warnings(run.records("events"))
    )


@pytest.mark.parametrize(
    "columns",
    [
        ["rollout/ep_rew_mean", "train/loss"],
        ["eprewmean", "loss/policy_loss"],
        ["AverageTestEpRet", "LossQ"],
    ],
)
def test_a_table_without_steps_is_refused_with_advice(tmp_path: Path, columns: Sequence[str]) -> None:
    """The error names the framework, the columns and the solution; no run is created."""
    with pytest.raises(ImportFormatError, match=r"none of the columns that count steps.*--format progress") as refused:
        imported(tmp_path, f"{','.join(columns)}\n1.0,2.0\n")
    assert all(repr(name) in str(refused.value) for name in columns)
    assert not (tmp_path / "logs" / "training").exists()


def test_a_table_with_an_empty_step_column_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportFormatError, match="no row with a number in 'time/total_timesteps', the step column"):
        imported(tmp_path, "time/total_timesteps,rollout/ep_rew_mean\n,1.0\n,2.0\n")


def test_an_unknown_table_is_refused_with_its_columns(tmp_path: Path) -> None:
    file = tmp_path / "progress.csv"
    file.write_text("when,score\n1,2\n")
    with pytest.raises(
        ImportFormatError, match=r"columns 'when', 'score'. .* --columns step=COLUMN_OF_STEPS,reward=score"
    ):
        format_of(file)


def test_an_unknown_table_is_imported_on_request(tmp_path: Path) -> None:
    """A table with a `step` column is imported with each other column as a scalar."""
    file = tmp_path / "mine.csv"
    file.write_text("step,score\n10,2.5\n")
    run = import_run(file, tmp_path / "logs", format="progress")

    assert (run.run_id, scalars_of(run)["score"]) == ("mine", [(10, 2.5)])


def test_a_truncated_row_is_left_out_with_a_warning(tmp_path: Path) -> None:
    run = imported(tmp_path, BASELINES + "103,53,10")

    assert len(list(run.records("updates"))) == 2
    (warning, *_) = import_warnings(run.records("events"))
    assert "progress.csv, line 4 ('103,53,10') has a different number of cells" in warning


def test_decreasing_steps_are_a_warning(tmp_path: Path) -> None:
    """Steps decrease if a training is restarted in the same folder."""
    run = imported(tmp_path, BASELINES + BASELINES)

    assert len(list(run.records("updates"))) == 4
    assert "the steps decrease from 4096 to 2048" in import_warnings(run.records("events"))[0]


def test_monitor_files_and_a_table_are_one_run(tmp_path: Path) -> None:
    """A log folder of OpenAI baselines becomes one run."""
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "0.0.monitor.csv").write_text('# {"t_start": 1000.0} \nr,l,t\n1.5,10,1.0\n')
    (tmp_path / "training" / "progress.csv").write_text(BASELINES)
    run = import_run(tmp_path / "training", tmp_path / "logs")

    assert [each.time for each in run.records("episodes")] == [1001.0]
    assert [(each.time, each.env_step) for each in run.records("updates")] == [(1002.0, 2048), (1004.0, 4096)]


def test_settings_next_to_a_table_are_the_configuration(tmp_path: Path) -> None:
    """The JSON settings of Spinning Up and rlkit become the configuration."""
    (tmp_path / "training").mkdir()
    (tmp_path / "training" / "config.json").write_text('{"seed": 3, "gamma": 0.99}')
    (tmp_path / "training" / "progress.txt").write_text(SPINNING_UP)
    run = import_run(tmp_path / "training", tmp_path / "logs")

    assert run.header.configuration == {"seed": 3, "gamma": 0.99}


@pytest.mark.parametrize("framework", FRAMEWORKS, ids=[each.title for each in FRAMEWORKS])
def test_signatures_are_distinct(framework: Any) -> None:
    """The columns of a framework are not recognised as another framework."""
    assert all(framework_of(signature) is framework for signature in framework.signatures)
