"""Results of RLlib from both API stacks, as JSON lines and as a table."""

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from rlvitals.errors import ImportFormatError
from rlvitals.formats.importers import Importer, import_run, make_importer
from rlvitals.formats.importers.import_warnings import import_warnings
from rlvitals.runs import Run
from rlvitals.runs.reward_series import reward_series
from rlvitals.testing.importers import ImporterContract

MADE = Path(__file__).parent / "made_by_rllib" / "trial.tar.gz"
"""Trial of RLlib's new API stack, made by `make_rllib_trial.py` next to it."""


class TestContract(ImporterContract):
    def make_importer(self) -> Importer:
        return make_importer("rllib")

    def make_sample(self, folder: Path) -> Path:
        with tarfile.open(MADE) as archive:
            archive.extractall(folder, filter="data")
        return folder / "PPO_CartPole-v1_00000"


def test_a_trial_of_rllib_itself_is_imported(tmp_path: Path) -> None:
    """The files have the algorithm, the environment, the seed, one update per iteration and the mean return."""
    with tarfile.open(MADE) as archive:
        archive.extractall(tmp_path, filter="data")
    run = import_run(tmp_path / "PPO_CartPole-v1_00000", tmp_path / "logs")
    settings = run.header.configuration

    assert [settings[name] for name in ("algorithm", "env_id", "seed", "lr")] == ["PPO", "CartPole-v1", 1, 3e-4]
    assert [(update.env_step, update.policy_loss is None) for update in run.records("updates")] == [
        (64, False),
        (128, False),
    ]
    series = reward_series(run)
    assert series is not None
    assert series.steps.tolist() == [64, 128]


def old_result(iteration: int, **more: Any) -> dict[str, Any]:
    """Return a result of the old API stack. Its `hist_stats` also hold an earlier episode."""
    return {
        "episode_reward_mean": 15.0,
        "episodes_this_iter": 2,
        "timesteps_total": 100 * iteration,
        "training_iteration": iteration,
        "time_total_s": 5.0 * iteration,
        "time_this_iter_s": 5.0,
        "timestamp": 1_000 + 5 * iteration,
        "date": "2026-01-01",
        "custom_metrics": {},
        "hist_stats": {"episode_reward": [9.0, 10.0, 20.0], "episode_lengths": [99, 25, 75]},
        "info": {
            "num_env_steps_trained": 100 * iteration,
            "learner": {
                "default_policy": {
                    "learner_stats": {
                        "policy_loss": -0.02,
                        "vf_loss": 4.0,
                        "kl": 0.01,
                        "entropy": 0.6,
                        "cur_lr": 5e-5,
                        "vf_explained_var": float("nan"),
                        "entropy_coeff": 0.0,
                    }
                }
            },
        },
        "config": {"env": "CartPole-v1", "lr": 5e-5, "model": {"fcnet_hiddens": [64, 64]}},
        **more,
    }


NEW = {
    "training_iteration": 1,
    "timestamp": 1005,
    "time_total_s": 5.0,
    "num_env_steps_sampled_lifetime": 4000,
    "env_runners": {"episode_return_mean": 21.5, "num_episodes": 180, "num_env_steps_sampled": 4000},
    "evaluation": {"env_runners": {"episode_return_mean": 30.0, "episode_len_mean": 30.0, "num_episodes": 10}},
    "learners": {
        "__all_modules__": {"num_env_steps_trained": 4000},
        "default_policy": {
            "policy_loss": -0.02,
            "vf_loss": 4.0,
            "mean_kl_loss": 0.01,
            "default_optimizer_learning_rate": 5e-5,
            "gradients_default_optimizer_global_norm": 0.5,
            "curr_kl_coeff": 0.2,
        },
    },
}


def imported(tmp_path: Path, *results: dict[str, Any], more: str = "", parameters: dict[str, Any] | None = None) -> Run:
    folder = tmp_path / "PPO_CartPole-v1_a1b2c_00000"
    folder.mkdir()
    (folder / "result.json").write_text("".join(f"{json.dumps(result)}\n" for result in results) + more)
    if parameters is not None:
        (folder / "params.json").write_text(json.dumps(parameters))
    return import_run(folder, tmp_path / "logs")


def test_the_new_episodes_of_each_iteration_are_imported(tmp_path: Path) -> None:
    """Steps and times are interpolated within the iteration in proportion to the episode lengths."""
    run = imported(tmp_path, old_result(1), old_result(2))

    assert [(each.reward, each.length, each.env_step, each.time) for each in run.records("episodes")] == [
        (10.0, 25, 25, 1001.25),
        (20.0, 75, 100, 1005.0),
        (10.0, 25, 125, 1006.25),
        (20.0, 75, 200, 1010.0),
    ]


def test_learner_statistics_of_the_old_stack_are_an_update(tmp_path: Path) -> None:
    """NaN, which Python writes as a literal, stays NaN, and other statistics are in `extra`."""
    (update,) = imported(tmp_path, old_result(1)).records("updates")

    assert (update.step, update.env_step, update.update, update.time) == (100, 100, 1, 1005.0)
    assert (update.policy_loss, update.value_loss, update.kl_divergence) == (-0.02, 4.0, 0.01)
    assert (update.entropy, update.learning_rate, repr(update.explained_variance)) == (0.6, 5e-5, "nan")
    assert update.extra == {"entropy_coeff": 0.0}


def test_learner_statistics_of_the_new_stack_are_an_update(tmp_path: Path) -> None:
    (update,) = imported(tmp_path, NEW).records("updates")

    assert (update.env_step, update.kl_divergence, update.gradient_norm) == (4000, 0.01, 0.5)
    assert (update.learning_rate, update.extra) == (5e-5, {"curr_kl_coeff": 0.2})


def test_an_evaluation_is_imported_once(tmp_path: Path) -> None:
    """An evaluation that later results repeat is recorded once."""
    repeated = {**NEW, "training_iteration": 2, "timestamp": 1010, "num_env_steps_sampled_lifetime": 8000}
    (evaluation,) = imported(tmp_path, NEW, repeated).records("evaluations")

    assert (evaluation.reward, evaluation.length, evaluation.episodes, evaluation.env_step) == (30.0, 30.0, 10, 4000)


@pytest.mark.parametrize(
    ("result", "category", "name", "value"),
    [
        (old_result(1), "scalars", "episode_reward_mean", 15.0),
        (old_result(1), "info", "num_env_steps_trained", 100.0),
        (NEW, "env_runners", "episode_return_mean", 21.5),
        (NEW, "learners", "__all_modules__/num_env_steps_trained", 4000.0),
    ],
)
def test_all_other_numbers_are_scalars_under_their_own_names(
    tmp_path: Path, result: dict[str, Any], category: str, name: str, value: float
) -> None:
    run = imported(tmp_path, result)

    assert [each.values[name] for each in run.records("scalars") if each.category == category] == [value]


def test_several_policies_stay_scalars(tmp_path: Path) -> None:
    """Statistics of several policies are scalars because an update has only one policy."""
    result = {**NEW, "learners": {"cat": {"policy_loss": 1.0}, "mouse": {"policy_loss": 2.0}}}
    run = imported(tmp_path, result)

    (values,) = [each.values for each in run.records("scalars") if each.category == "learners"]
    assert (values, list(run.records("updates"))) == ({"cat/policy_loss": 1.0, "mouse/policy_loss": 2.0}, [])


def test_settings_are_read_from_the_parameters_file(tmp_path: Path) -> None:
    """The configuration also has the environment and the algorithm from the folder name."""
    run = imported(tmp_path, old_result(1), parameters={"env": "CartPole-v1", "lr": 0.001, "seed": 7})

    assert run.header.configuration == {
        "env": "CartPole-v1",
        "env_id": "CartPole-v1",
        "algorithm": "PPO",
        "lr": 0.001,
        "seed": 7,
    }


def test_without_a_parameters_file_settings_are_read_from_the_results(tmp_path: Path) -> None:
    run = imported(tmp_path, old_result(1))

    assert run.header.configuration["model"] == {"fcnet_hiddens": [64, 64]}


def test_non_finite_settings_are_kept(tmp_path: Path) -> None:
    run = imported(tmp_path, old_result(1), parameters={"env": "X", "sample_timeout_s": float("inf")})

    assert run.header.configuration["sample_timeout_s"] == "Infinity"


def test_a_table_gives_the_same_records_as_the_lines(tmp_path: Path) -> None:
    """`progress.csv` with flat names and lists as text gives the same records as `result.json`."""
    run = imported(tmp_path, old_result(1))
    table = tmp_path / "table" / "progress.csv"
    table.parent.mkdir()
    table.write_text(
        "episode_reward_mean,episodes_this_iter,timesteps_total,training_iteration,time_total_s,time_this_iter_s,"
        "timestamp,hist_stats/episode_reward,hist_stats/episode_lengths,info/num_env_steps_trained,"
        "info/learner/default_policy/learner_stats/policy_loss\n"
        '15.0,2,100,1,5.0,5.0,1005,"[9.0, 10.0, 20.0]","[99, 25, 75]",100,-0.02\n'
    )
    other = import_run(table, tmp_path / "logs")

    assert list(other.records("episodes")) == list(run.records("episodes"))
    assert [each.policy_loss for each in other.records("updates")] == [-0.02]
    assert list(other.records("scalars")) == list(run.records("scalars"))


def test_a_truncated_line_is_left_out_with_a_warning(tmp_path: Path) -> None:
    run = imported(tmp_path, old_result(1), more='{"episode_reward_mean": 1')

    assert len(list(run.records("updates"))) == 1
    assert "result.json, line 2" in import_warnings(run.records("events"))[0]


@pytest.mark.parametrize(
    ("change", "warning"),
    [
        ({"episodes_this_iter": None}, "does not report how many of the episodes in hist_stats are new"),
        ({"episodes_this_iter": 5}, "5 episodes ended in this iteration, but hist_stats holds only 3"),
        (
            {"hist_stats": {"episode_reward": [1.0, 2.0], "episode_lengths": [25, None]}},
            "has episode rewards or lengths in hist_stats that are not numbers",
        ),
        ({"extra_list": [1, 2]}, "not imported because these are not single numbers: extra_list"),
    ],
)
def test_missing_data_is_a_warning(tmp_path: Path, change: dict[str, Any], warning: str) -> None:
    run = imported(tmp_path, old_result(1, **change))

    assert warning in " ".join(import_warnings(run.records("events")))


def test_without_environment_steps_iterations_are_used(tmp_path: Path) -> None:
    run = imported(tmp_path, {"training_iteration": 3, "time_total_s": 5.0, "timestamp": 1005, "loss": 0.5})

    assert [(each.step, each.env_step) for each in run.records("scalars")] == [(3, None)]
    (warning, *_) = import_warnings(run.records("events"))
    assert "has no environment steps; the import uses 'training_iteration' as the step" in warning


def test_a_result_without_steps_and_iterations_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImportFormatError, match=r"has no steps\. Add .* these names: num_env_steps_sampled_lifetime"):
        imported(tmp_path, {"timesteps_total": None, "time_total_s": 5.0, "episode_reward_mean": 1.0})


def test_a_restored_trial_is_a_warning(tmp_path: Path) -> None:
    run = imported(tmp_path, old_result(2), old_result(1))

    assert "the steps decrease from 200 to 100" in import_warnings(run.records("events"))[0]
