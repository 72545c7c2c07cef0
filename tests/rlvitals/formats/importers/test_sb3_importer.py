"""Log folders of Stable-Baselines3 become runs."""

import shutil
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import EvalCallback
from stable_baselines3.common.logger import configure
from stable_baselines3.common.monitor import Monitor

from rlvitals.errors import ImportFormatError
from rlvitals.formats.importers import Importer, import_run, import_runs, make_importer
from rlvitals.formats.importers.import_warnings import import_warnings
from rlvitals.records import Episode, Evaluation, PolicyUpdate, Scalars, SystemSample
from rlvitals.sinks.tensorboard_sink import EventFile
from rlvitals.testing.importers import ImporterContract

HEADER = '#{"t_start": 1000.0, "env_id": "CartPole-v1"}\n'
PROGRESS = (
    "time/iterations,time/fps,time/time_elapsed,time/total_timesteps,"
    "rollout/ep_rew_mean,train/approx_kl,train/entropy_loss,train/n_updates,note\n"
    "1,500,1,64,20.5,,,,\n"
    '2,400,3,128,nan,0.25,-0.5,10,"a, b"\n'
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log folder of a real training."""
    logs = tmp_path_factory.mktemp("sb3") / "ppo"
    environment = Monitor(gymnasium.make("CartPole-v1"), str(logs / "monitor.csv"))
    agent = PPO("MlpPolicy", environment, n_steps=64, n_epochs=1)
    agent.set_logger(configure(str(logs), ["csv", "tensorboard"]))
    evaluate = EvalCallback(Monitor(gymnasium.make("CartPole-v1")), log_path=str(logs), eval_freq=64, verbose=0)
    agent.learn(192, callback=evaluate)
    agent.logger.close()
    environment.close()
    return logs


@pytest.mark.filterwarnings("ignore")
class TestContract(ImporterContract):
    @pytest.fixture(autouse=True)
    def _with_a_training(self, trained: Path) -> None:
        self.trained = trained

    def make_importer(self) -> Importer:
        return make_importer("sb3")

    def make_sample(self, folder: Path) -> Path:
        return Path(shutil.copytree(self.trained, folder / "ppo"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A log folder of two environments."""
    made = tmp_path / "a2c_CartPole"
    made.mkdir()
    (made / "0.monitor.csv").write_text(HEADER + "r,l,t,is_success\n1.0,10,1.0,True\nnan,5,3.0,False\n")
    (made / "1.monitor.csv").write_text(HEADER.replace("1000", "1001") + "r,l,t,is_success\n-2.5,7,1.0,False\n")
    return made


def test_episodes_of_several_environments_are_in_the_order_of_their_times(folder: Path, tmp_path: Path) -> None:
    """Steps are the cumulative sum of episode lengths, and NaN stays NaN."""
    run = import_run(folder, tmp_path / "logs")

    assert repr(list(run.records("episodes"))) == repr([
        Episode(time=1001.0, episode=0, reward=1.0, length=10, env_step=10, success=True, env_index=0),
        Episode(time=1002.0, episode=1, reward=-2.5, length=7, env_step=17, success=False, env_index=1),
        Episode(time=1003.0, episode=2, reward=float("nan"), length=5, env_step=22, success=False, env_index=0),
    ])  # fmt: skip
    header = run.header
    assert (header.run_id, header.status, header.started, header.ended) == ("a2c_CartPole", "completed", 1001.0, 1003.0)
    assert header.configuration == {"env_id": "CartPole-v1"}


def test_progress_becomes_updates_samples_and_scalars(folder: Path, tmp_path: Path) -> None:
    """The entropy loss is negated, and columns without a field are kept."""
    (folder / "progress.csv").write_text(PROGRESS)
    run = import_run(folder, tmp_path / "logs")

    (update,) = run.records("updates")
    assert update == PolicyUpdate(
        time=1003.0, step=128, env_step=128, update=2, kl_divergence=0.25, entropy=0.5, extra={"n_updates": 10.0}
    )
    assert next(run.records("system")) == SystemSample(time=1001.0, env_step=64, env_steps_per_second=500.0)
    found = {
        (each.step, f"{each.category}/{name}"): value
        for each in run.records("scalars")
        for name, value in each.values.items()
    }
    assert found[64, "rollout/ep_rew_mean"] == 20.5
    assert np.isnan(found[128, "rollout/ep_rew_mean"])
    assert found[64, "time/iterations"] == 1
    assert found[128, "scalars/note"] == "a, b"


def test_evaluations_have_the_times_of_the_episodes_around_them(folder: Path, tmp_path: Path) -> None:
    """Means become evaluations, and individual episodes become scalars."""
    results, lengths = np.array([[1.0, 3.0], [5.0, np.inf]]), np.array([[4, 6], [8, 8]])
    np.savez(folder / "evaluations.npz", timesteps=[12, 100], results=results, ep_lengths=lengths)
    run = import_run(folder, tmp_path / "logs")

    first, second = run.records("evaluations")
    assert first == Evaluation(time=1002.0, episode=1, reward=2.0, episodes=2, env_step=12, reward_std=1.0, length=5.0)
    assert (second.time, second.episode, second.reward) == (1003.0, 3, np.inf)
    assert next(run.records("scalars")) == Scalars(
        time=1002.0,
        step=12,
        env_step=12,
        category="evaluations",
        values={"results/0": 1.0, "ep_lengths/0": 4, "results/1": 3.0, "ep_lengths/1": 6},
    )


@pytest.mark.filterwarnings("ignore")
def test_a_real_training_is_one_run(trained: Path, tmp_path: Path) -> None:
    """A real log folder with monitor, logger and `EvalCallback` files is imported as one run."""
    run = import_run(trained, tmp_path / "logs")

    assert sum(each.length for each in run.records("episodes")) <= 192
    # The log of the last iteration is written before its update.
    assert [(each.step, each.learning_rate) for each in run.records("updates")][-1] == (192, 3e-4)
    assert [each.env_step for each in run.records("evaluations")] == [64, 128, 192]
    assert {"rollout", "evaluations"} <= {each.category for each in run.records("scalars")}

    events = import_run(next(trained.glob("*tfevents*")), tmp_path / "logs", name="events")
    assert [each.step for each in events.records("updates")] == [each.step for each in run.records("updates")]
    assert [each.env_step for each in events.records("evaluations")] == [64, 128, 192]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("0.monitor.csv", HEADER + "r,l,t\n" + 5 * "?,10,1.0\n", "0.monitor.csv is damaged: 5 of its 5 rows"),
        ("progress.csv", PROGRESS.replace("128", "1?8"), "progress.csv, line 3: time/total_timesteps must be a number"),
    ],
)  # fmt: skip
def test_damage_is_reported(folder: Path, tmp_path: Path, name: str, content: str, reason: str) -> None:
    """The error names the file, the line and the value, and no run is left."""
    (folder / name).write_text(content)
    with pytest.raises(ImportFormatError, match=reason):
        import_run(folder, tmp_path / "logs")
    assert list((tmp_path / "logs").glob("*")) == []


def test_results_with_an_axis_of_the_environment_are_read(tmp_path: Path) -> None:
    """Files of releases before 1.0 have the shape (evaluations, episodes, 1)."""
    results = np.array([[[1.0], [3.0]], [[5.0], [7.0]]], dtype=np.float32)
    folder = tmp_path / "old"
    folder.mkdir()
    np.savez(folder / "evaluations.npz", timesteps=[10, 20], results=results, ep_lengths=[[4, 6], [5, 5]])
    run = import_run(folder / "evaluations.npz", tmp_path / "logs")

    assert [one.reward for one in run.records("evaluations")] == [2.0, 6.0]


def _evaluations(tmp_path: Path, **arrays: object) -> tuple[list[Evaluation], list[str]]:
    file = tmp_path / "evaluations.npz"
    np.savez(file, **arrays)  # type: ignore[arg-type] # arrays vary between releases
    run = import_run(file, tmp_path / "logs")
    return list(run.records("evaluations")), import_warnings(run.records("events"))


@pytest.mark.parametrize(
    ("results", "lengths", "reward", "length"),
    [
        ([[1.0, 3.0], [5.0, 7.0]], None, [2.0, 6.0], [None, None]),
        ([2.0, 6.0], [4, 8], [2.0, 6.0], [4.0, 8.0]),
        ([[1.0, 3.0], [6.0, np.nan]], [[4, 6], [8, np.nan]], [2.0, 6.0], [5.0, 8.0]),
    ],
    ids=["no lengths", "one value each", "padded rows"],
)  # fmt: skip
def test_evaluations_of_any_shape_are_read(
    tmp_path: Path, results: object, lengths: object, reward: list[float], length: list[float | None]
) -> None:
    """Evaluations are read without lengths, with one value per evaluation, and with rows padded with NaN."""
    more = {} if lengths is None else {"ep_lengths": lengths}
    found, warnings = _evaluations(tmp_path, timesteps=[10, 20], results=results, **more)

    assert ([one.reward for one in found], [one.length for one in found], warnings) == (reward, length, [])


def test_pickled_results_are_refused_with_advice(tmp_path: Path) -> None:
    """Rows of different lengths are stored as Python objects by old NumPy releases."""
    rows = np.array([[1.0, 2.0], [3.0]], dtype=object)
    with pytest.raises(ImportFormatError, match=r"'results' holds Python objects.*pad them with NaN"):
        _evaluations(tmp_path, timesteps=[10, 20], results=rows)


def test_successes_that_do_not_fit_are_left_out_with_a_warning(tmp_path: Path) -> None:
    """Successes with a different number of rows cannot be assigned to evaluations."""
    found, warnings = _evaluations(tmp_path, timesteps=[10, 20], results=[[1.0], [2.0]], successes=[[True]])

    assert [one.success_rate for one in found] == [None, None]
    assert "'successes' has 1 rows for 2 evaluations" in warnings[0]


def test_a_folder_of_trainings_is_not_one_training(tmp_path: Path) -> None:
    """Each subfolder with evaluations is a separate training if the folder itself has no monitor files."""
    for name in ("a", "b"):
        (tmp_path / "ppo" / name).mkdir(parents=True)
        np.savez(tmp_path / "ppo" / name / "evaluations.npz", timesteps=[10], results=[[1.0]])

    with pytest.raises(ImportFormatError, match="a folder of unknown format: it contains 'a', 'b'"):
        import_run(tmp_path / "ppo", tmp_path / "logs")


def test_damaged_evaluations_do_not_block_the_remaining_files(folder: Path, tmp_path: Path) -> None:
    """The other files of the folder are imported, and a warning reports the damaged file."""
    (folder / "evaluations.npz").write_bytes(b"PK\x03\x04")
    run = import_run(folder, tmp_path / "logs")

    assert len(list(run.records("episodes"))) == 3
    assert "evaluations.npz is damaged" in import_warnings(run.records("events"))[0]


def test_monitor_files_in_a_working_folder_do_not_take_the_logs_of_other_trainings(
    folder: Path, tmp_path: Path
) -> None:
    """`Monitor(env, "monitor")` writes next to `runs`. Each training is imported once, and found again."""
    for name in ("one", "two"):
        events = EventFile(folder / "runs" / name, 1000.0)
        events.scalars(1001.0, 1, {"losses/policy_loss": 1.0})
        events.close()
        np.savez(folder / "runs" / name / "evaluations.npz", timesteps=[10], results=[[1.0]])
    first, again = (import_runs(folder, tmp_path / "logs") for _ in range(2))

    assert [each.run.run_id for each in first] == ["a2c_CartPole", "runs-one", "runs-two"]
    assert {stream: number for stream, number in first[0].records.items() if number} == {"episodes": 3}
    assert {each.outcome for each in again} == {"unchanged"}


@pytest.mark.parametrize(("names", "evaluations"), [(["best"], 1), (["best", "eval"], 1), (["a", "b"], 0)])
def test_evaluations_in_subfolders_belong_to_a_training_if_they_are_its_parts(
    folder: Path, tmp_path: Path, names: list[str], evaluations: int
) -> None:
    """They are in `eval`, or in the only subfolder with evaluations."""
    for name in names:
        (folder / name).mkdir()
        np.savez(folder / name / "evaluations.npz", timesteps=[10], results=[[1.0]])
    run = import_run(folder, tmp_path / "logs")

    assert len(list(run.records("evaluations"))) == evaluations
