"""Settings in the forms that W&B accepts."""

import argparse
from pathlib import Path
from typing import Any

import pytest

from rlvitals.compat.wandb_settings import Settings, settings_of
from rlvitals.errors import RecordError


def test_settings_are_recorded_when_they_are_set() -> None:
    recorded: list[dict[str, Any]] = []
    settings = Settings(recorded.append)
    settings["a"] = 1
    settings.b = 2
    settings.update({"c": 3}, allow_val_change=True)
    settings.setdefaults({"a": 9, "d": 4})

    assert recorded == [{"a": 1}, {"b": 2}, {"c": 3}, {"d": 4}]
    assert settings.as_dict() == {"a": 1, "b": 2, "c": 3, "d": 4}


def test_a_missing_setting_is_an_error() -> None:
    settings = Settings(lambda _: None)

    with pytest.raises(AttributeError, match="no value named 'a' was set"):
        _ = settings.a
    assert settings.get("a") is None


@pytest.mark.parametrize("given", [{"a": 1}, argparse.Namespace(a=1), [("a", 1)]], ids=["dict", "namespace", "pairs"])
def test_settings_have_several_forms(given: Any) -> None:
    assert settings_of(given) == {"a": 1}


def test_a_yaml_file_of_wandb_has_descriptions(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("a:\n  desc: null\n  value: 1\n")

    assert settings_of(str(file)) == {"a": 1}


def test_a_file_without_settings_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="is not a YAML file with settings"):
        settings_of(tmp_path / "missing.yaml")


def test_another_value_is_an_error() -> None:
    with pytest.raises(RecordError, match=r"config must be a dict or a namespace, got 3 \(int\)"):
        settings_of(3)
