"""The public interface that is fixed: every name, parameter and key, and a script that was written for it."""

import inspect
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import rlvitals
from rlvitals import (
    EpisodeMetrics,
    OptimizationLogger,
    RecorderSettings,
    TrainingMonitor,
    create_training_monitor,
    validate_training_monitor_installation,
)

QUIET = RecorderSettings(system_interval_s=None)

PARAMETERS: dict[str, tuple[Callable[..., Any], str]] = {
    "create_training_monitor": (
        create_training_monitor,
        "log_dir='logs/ppo_training' session_name=None use_tensorboard use_wandb=False **options",
    ),
    "TrainingMonitor": (
        TrainingMonitor,
        (
            "log_dir use_tensorboard use_wandb=False project_name='' session_name=None "
            "buffer_size=1000 configuration=None resume='never' sinks update_frequency total_timesteps target log_level"
        ),
    ),
    "log_episode": (
        TrainingMonitor.log_episode,
        (
            "episode reward length quality_improvement quality_final quality_initial termination_reason=None "
            "success=None algorithm_metrics=None performance_metrics=None additional_info=None time env_step category"
        ),
    ),
    "log_training_step": (
        TrainingMonitor.log_training_step,
        "step policy_loss value_loss entropy kl_divergence=None learning_rate=None gradient_norm=None",
    ),
    "log_evaluation": (
        TrainingMonitor.log_evaluation,
        "episode eval_reward eval_quality eval_success_rate eval_episodes=1",
    ),
    "get_training_statistics": (TrainingMonitor.get_training_statistics, "window_size=None"),
    "get_convergence_analysis": (TrainingMonitor.get_convergence_analysis, ""),
    "validate_metrics": (TrainingMonitor.validate_metrics, ""),
    "create_dashboard_data": (TrainingMonitor.create_dashboard_data, ""),
    "export_metrics": (TrainingMonitor.export_metrics, "format='json' output_path=None include_raw_data=True"),
    "save_session": (TrainingMonitor.save_session, ""),
    "close": (TrainingMonitor.close, ""),
    "log_optimization": (
        OptimizationLogger.log_optimization,
        "image_path features params quality_metrics metadata=None",
    ),
    "calculate_statistics": (OptimizationLogger.calculate_statistics, "logo_type=None time_range=None"),
}


@pytest.mark.parametrize("name", PARAMETERS)
def test_every_parameter_is_there(name: str) -> None:
    """In its order, with its default, where one is fixed."""
    function, wanted = PARAMETERS[name]
    found = inspect.signature(function).parameters
    named = [word.partition("=") for word in wanted.split()]
    order = [parameter for parameter in found if parameter in {name for name, _, _ in named}]

    for parameter, equals, default in named:
        if parameter.startswith("**"):
            assert any(p.kind is inspect.Parameter.VAR_KEYWORD for p in found.values())
        else:
            assert parameter in found, f"{name} has no parameter {parameter}"
            assert not equals or repr(found[parameter].default) == default
    assert order == [parameter for parameter, _, _ in named if not parameter.startswith("**")]


def test_the_installation_is_told() -> None:
    """At least of these; with plain truth values."""
    found = validate_training_monitor_installation()

    assert {"tensorboard", "wandb", "matplotlib", "pandas", "numpy", "psutil"} <= found.keys()
    assert all(isinstance(value, bool) for value in found.values())
    assert found["numpy"]
    assert "torch" not in found


def test_a_session_is_told(tmp_path: Path) -> None:
    """Before, during and after."""
    with TrainingMonitor(tmp_path, session_name="run", configuration={"gamma": 0.9}, settings=QUIET) as monitor:
        monitor.log_episode(0, 1.0, 7, env_step=7)
        running = monitor.session
    assert (running.session_id, running.status, running.end_time) == (monitor.session_id, "running", None)
    assert (running.total_episodes, running.total_timesteps, running.configuration) == (1, 7, {"gamma": 0.9})
    assert running.start_time <= (monitor.session.end_time or 0.0)
    assert monitor.session.status == "completed"


def test_an_episode_is_a_value() -> None:
    """`EpisodeMetrics` holds one."""
    episode = EpisodeMetrics(time=1.0, episode=3, reward=0.5, length=7)

    assert (episode.episode, episode.reward, episode.length) == (3, 0.5, 7)


SCRIPT = """
from rlvitals import create_training_monitor

monitor = create_training_monitor(log_dir=folder, session_name="experiment", use_tensorboard=False, use_wandb=False)
assert "message" in monitor.get_training_statistics()
for episode in range(25):
    monitor.log_episode(
        episode=episode, reward=10 + episode, length=50, quality_improvement=0.01 * episode,
        quality_final=0.85, quality_initial=0.8, termination_reason="target_reached", success=episode > 10,
        algorithm_metrics={"policy_loss": 0.02, "value_loss": 0.3, "entropy": 1.2, "kl_divergence": 0.01,
                           "learning_rate": 3e-4, "gradient_norm": 0.5},
        performance_metrics={"episode_time": 1.5, "memory_usage": 512.0},
        additional_info={"logo_type": "text", "difficulty": "hard",
                         "parameters_explored": {"color_precision": 6, "corner_threshold": 60},
                         "nested": {"anything": [1, 2, {"else": None}]}})
    monitor.log_training_step(step=episode * 100, policy_loss=0.02, value_loss=0.3, entropy=1.2, kl_divergence=0.01,
                              learning_rate=3e-4, gradient_norm=0.5)
    if episode % 10 == 0:
        monitor.log_evaluation(episode=episode, eval_reward=12.0, eval_quality=0.9, eval_success_rate=0.8,
                               eval_episodes=5)
statistics = monitor.get_training_statistics(window_size=10)
analysis = monitor.get_convergence_analysis()
validation = monitor.validate_metrics()
dashboard = monitor.create_dashboard_data()
paths = [monitor.export_metrics(format=name) for name in ("json", "csv", "pandas")]
paths.append(monitor.export_metrics("json", output_path=f"{folder}/mine.json", include_raw_data=False))
paths.append(monitor.export_metrics("json", output_path=f"{folder}/mine.json"))
monitor.save_session()
monitor.close()
monitor.close()
after = monitor.get_training_statistics(), monitor.create_dashboard_data(), monitor.export_metrics()
"""


def test_a_script_that_was_written_for_it_runs(tmp_path: Path) -> None:
    """With nothing but its import line changed; also from a thread that is not the main one."""
    told: dict[str, Any] = {"folder": str(tmp_path)}
    failed: list[BaseException] = []

    def work() -> None:
        try:
            exec(SCRIPT, told)  # noqa: S102 - the script above
        except BaseException as error:  # noqa: BLE001 - told below
            failed.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(120)

    assert not thread.is_alive(), "a call does not return"
    assert failed == []
    assert told["statistics"]["session_info"]["window_episodes"] == 10
    assert told["statistics"]["logo_type_performance"]["text"]["count"] == 10
    assert told["analysis"]["convergence_status"]["reward_trend"] == "improving"
    assert told["validation"]["status"] in {"healthy", "warning", "critical"}
    assert told["dashboard"]["algorithm_metrics"]["entropy"] == {"latest": 1.2, "recent_avg": pytest.approx(1.2)}
    assert all(Path(path).exists() for path in told["paths"])
    assert json.loads(Path(told["paths"][-1]).read_text())
    assert told["after"][0]["session_info"]["total_episodes"] == 25


def test_writing_after_the_end_is_refused(tmp_path: Path) -> None:
    """With a clear error; reading works."""
    with TrainingMonitor(tmp_path, session_name="run", settings=QUIET) as monitor:
        monitor.log_episode(0, 1.0, 1)
    with pytest.raises(rlvitals.ClosedError, match="run is closed"):
        monitor.log_episode(1, 1.0, 1)
    assert monitor.get_training_statistics()["session_info"]["total_episodes"] == 1
