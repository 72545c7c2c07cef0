"""RL Zoo folders with settings next to the monitor files."""

import sys
from pathlib import Path

import pytest

from rlvitals import compare
from rlvitals.formats.importers import import_run
from rlvitals.formats.importers.import_warnings import import_warnings
from rlvitals.runs import Run

MONITOR = '#{"t_start": 1000.0, "env_id": "CartPole-v1"}\nr,l,t\n' + "".join(f"{n}.25,10,{n}.0\n" for n in range(1, 41))
CONFIG = """!!python/object/apply:collections.OrderedDict
- - - batch_size
    - 256
  - - clip_range
    - lin_0.2
  - - n_timesteps
    - 100000.0
  - - normalize
    - '{''norm_obs'': True, ''norm_reward'': False}'
  - - policy
    - MlpPolicy
  - - train_freq
    - !!python/tuple
      - 1
      - episode
"""
ARGUMENTS = """!!python/object/apply:collections.OrderedDict
- - - algo
    - {algorithm}
  - - env
    - CartPole-v1
  - - eval_freq
    - 10000
  - - hyperparams
    - null
  - - n_timesteps
    - -1
  - - seed
    - {seed}
"""


def folder_of(tmp_path: Path, algorithm: str = "ppo", seed: int = 7, **files: str) -> Path:
    """Create a folder like RL Zoo: `ppo/CartPole-v1_1`, with the settings in the folder of the environment."""
    folder = tmp_path / algorithm / f"CartPole-v1_{seed}"
    (folder / "CartPole-v1").mkdir(parents=True)
    (folder / "0.monitor.csv").write_text(MONITOR.replace("1000.0", f"{1000.0 + seed}").replace(".25,", f".{seed},"))
    texts = {"config": CONFIG, "args": ARGUMENTS.format(algorithm=algorithm, seed=seed), **files}
    for name, text in texts.items():
        (folder / "CartPole-v1" / f"{name}.yml").write_text(text)
    return folder


def imported(tmp_path: Path, folder: Path) -> Run:
    return import_run(folder, tmp_path / "logs", name=f"{folder.parent.name}-{folder.name}")


def test_settings_are_the_configuration(tmp_path: Path) -> None:
    """Names are those of the callback, schedules have an initial and a final value, and arguments are in `args`."""
    assert imported(tmp_path, folder_of(tmp_path)).header.configuration == {
        "algorithm": "PPO",
        "env_id": "CartPole-v1",
        "seed": 7,
        "batch_size": 256,
        "clip_range": 0.2,
        "clip_range_final": 0.0,
        "total_timesteps": 100_000,
        "normalize_observation": True,
        "normalize_reward": False,
        "policy": "MlpPolicy",
        "train_freq": [1, "episode"],
        "args": {"eval_freq": 10_000, "n_timesteps": -1},
    }


def test_the_command_is_an_event(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    (folder / "CartPole-v1" / "command.txt").write_text("python train.py --algo ppo --env CartPole-v1\n")

    (event,) = imported(tmp_path, folder).records("events")
    assert (event.kind, event.message) == ("command", "python train.py --algo ppo --env CartPole-v1")


def test_algorithm_and_environment_are_taken_from_the_path_by_default(tmp_path: Path) -> None:
    folder = folder_of(tmp_path, "ppo_lstm")
    (folder / "CartPole-v1" / "args.yml").unlink()
    (folder / "0.monitor.csv").write_text(MONITOR.replace(', "env_id": "CartPole-v1"', ""))
    configuration = imported(tmp_path, folder).header.configuration

    assert (configuration["algorithm"], configuration["env_id"]) == ("RecurrentPPO", "CartPole-v1")


@pytest.mark.parametrize(
    "text",
    [
        "!!python/object/apply:os.mkdir [made]",
        "!!python/object/new:pathlib.Path [made]",
        "policy: !!python/object/apply:os.mkdir [made]",
        "policy: !!python/name:os.mkdir",
        "policy: !!python/module:antigravity",
    ],
)
def test_python_tags_never_run_or_import_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.chdir(tmp_path)
    before = set(sys.modules)
    run = imported(tmp_path, folder_of(tmp_path, config=text))

    assert len(list(run.records("episodes"))) == 40
    assert not (tmp_path / "made").exists()
    assert "antigravity" not in set(sys.modules) - before


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: [", "cannot be read"),
        ("- 1\n- 2\n", "expected a mapping"),
        ("a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "".join(
            f"{new}: &{new} [{','.join(10 * [f'*{old}'])}]\n" for old, new in zip("abcdefg", "bcdefgh", strict=True)
        ), "more than 10000 values"),
    ],
)  # fmt: skip
def test_a_damaged_file_is_a_warning(tmp_path: Path, text: str, reason: str) -> None:
    """The remaining files are imported, and recursive references do not exhaust the memory."""
    run = imported(tmp_path, folder_of(tmp_path, config=text))

    (warning,) = import_warnings(run.records("events"))
    assert "config.yml" in warning
    assert reason in warning
    assert run.header.configuration["algorithm"] == "PPO"


def test_without_pyyaml_a_warning_has_the_install_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Episodes are imported, with the algorithm and the environment from the path."""
    monkeypatch.setitem(sys.modules, "yaml", None)
    run = imported(tmp_path, folder_of(tmp_path))

    assert "pip install 'rlvitals[zoo]'" in import_warnings(run.records("events"))[0]
    assert run.header.configuration == {"algorithm": "PPO", "env_id": "CartPole-v1"}


def test_algorithms_are_groups_and_seeds_are_not(tmp_path: Path) -> None:
    """Two algorithms with two seeds each are two experiments."""
    for algorithm, seed in (("ppo", 1), ("ppo", 2), ("a2c", 3), ("a2c", 4)):
        imported(tmp_path, folder_of(tmp_path, algorithm, seed))
    found = compare(str(tmp_path / "logs"))

    assert sorted((group.name, group.runs) for group in found.groups) == [("algorithm=A2C", 2), ("algorithm=PPO", 2)]
    assert found.runs[0].repeats is None
