"""Settings next to the logs of a training, and in the name of its folder."""

from pathlib import Path
from typing import Any

import pytest

from rlvitals.formats.importers.folder_settings import settings_in_name, settings_of, settings_of_table
from rlvitals.formats.importers.import_warnings import ImportWarnings


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        (
            "Hopper-v4__sac_continuous_action__3__1700000000",
            {"env_id": "Hopper-v4", "exp_name": "sac_continuous_action", "seed": 3, "algorithm": "SAC"},
        ),
        ("A__B-v1__c51__1__1700000000", {"env_id": "A__B-v1", "exp_name": "c51", "seed": 1, "algorithm": "c51"}),
        ("PPO_1", {"algorithm": "PPO"}),
        ("RecurrentPPO_12", {"algorithm": "RecurrentPPO"}),
        ("version_0", {}),
        ("run__1", {}),
        ("PPO", {}),
    ],
)
def test_names_of_cleanrl_and_sb3_have_settings(name: str, settings: dict[str, Any]) -> None:
    """Other names have none: unknown settings stay unknown."""
    assert settings_in_name(name) == settings


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("config.json", '{"learning_rate": 0.5, "env_id": "X"}'),
        ("variant.json", '{"learning_rate": 0.5, "env_id": "X"}'),
        (".hydra/config.yaml", "learning_rate: 0.5\nenv_id: X\n"),
        ("config.yaml", "learning_rate:\n  value: 0.5\nenv_id:\n  desc: null\n  value: X\n_wandb:\n  value: {}\n"),
    ],
)
def test_settings_files_are_read(tmp_path: Path, file: str, content: str) -> None:
    """Files of frameworks, of Hydra and of W&B give plain values."""
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_text(content)

    assert settings_of(tmp_path, ImportWarnings()) == {"learning_rate": 0.5, "env_id": "X"}


def test_the_settings_of_hydra_can_be_above_the_logs(tmp_path: Path) -> None:
    (tmp_path / ".hydra").mkdir()
    (tmp_path / ".hydra" / "config.yaml").write_text("seed: 4")

    assert settings_of(tmp_path / "tb" / "PPO_1", ImportWarnings()) == {"algorithm": "PPO", "seed": 4}


def test_a_damaged_file_is_a_warning(tmp_path: Path) -> None:
    """The next file is read."""
    (tmp_path / "config.json").write_text("{")
    (tmp_path / "config.yaml").write_text("a: [")
    (tmp_path / "args.json").write_text('{"seed": 1}')
    warnings = ImportWarnings()

    assert settings_of(tmp_path, warnings) == {"seed": 1}
    (tmp_path / "args.json").unlink()
    assert settings_of(tmp_path, warnings) == {}
    assert [event.message.partition(" (")[0] for event in warnings.events(0.0)] == [
        f"{tmp_path / 'config.json'} cannot be read",
        f"{tmp_path / 'config.yaml'} cannot be read",
    ]


def test_settings_next_to_several_tables_belong_to_none(tmp_path: Path) -> None:
    """They can belong to either table. Files without columns are not tables."""
    (tmp_path / "config.json").write_text('{"learning_rate": 0.5}')
    (tmp_path / "notes.csv").write_text("one column")
    (tmp_path / "a.csv").write_text("step,reward\n1,1\n")
    warnings = ImportWarnings()

    assert settings_of_table(tmp_path / "a.csv", warnings) == {"learning_rate": 0.5}
    (tmp_path / "b.csv").write_text("step,reward\n1,1\n")
    assert settings_of_table(tmp_path / "a.csv", warnings) == {}
    assert "the settings are unknown, because config.json can belong to this table or to b.csv" in warnings.messages[0]
