"""Names of settings in configurations."""

from rlvitals.records.setting_names import algorithm_in, environment_in, settings_by_name


def test_nested_settings_are_found_by_name() -> None:
    """Names are in lower case with underscores, from up to four levels."""
    found = settings_by_name({"a": {"Batch-Size": 64, "b": {"c": {"deep": 1, "d": {"deeper": 2}}}}, "lr": 0.1})

    assert found == {"batch_size": 64, "deep": 1, "lr": 0.1}


def test_the_outer_of_two_settings_with_the_same_name_wins() -> None:
    """The order of the settings does not matter."""
    assert settings_by_name({"lr": 1, "a": {"lr": 2}}) == settings_by_name({"a": {"lr": 2}, "lr": 1}) == {"lr": 1}


def test_the_most_reliable_name_of_an_environment_wins() -> None:
    """Values that are not text are ignored, and without a name the result is empty."""
    assert environment_in({"env": "x", "env_id": "CartPole-v1"}) == "CartPole-v1"
    assert environment_in({"env_id": 3, "task": "walk"}) == "walk"
    assert algorithm_in({"algo": "", "alg": "PPO"}) == "PPO"
    assert algorithm_in({}) == environment_in({}) == ""
