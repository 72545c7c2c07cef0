"""The public interface has every name, parameter and key that docs/reference/api.md lists."""

import ast
import inspect
import json
import operator
import re
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
    open_run,
    validate_training_monitor_installation,
)
from rlvitals.errors import ClosedError

QUIET = RecorderSettings(system_interval_s=None)
PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "api.md").read_text(encoding="utf-8")

Keys = dict[str, Any]
"""Keys of a dictionary, each with its nested keys."""


def blocks(language: str) -> list[str]:
    """Return the fenced code blocks of the page in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def listed_keys(text: str) -> Keys:
    """Return the keys of a block such as `a{b, c{d}}`, with one entry per line."""
    levels: list[Keys] = [{}]
    name = ""
    for part in re.findall(r"[{}]|[\w<>]+", text):
        if part == "{":
            levels.append(levels[-1][name])
        elif part == "}":
            levels.pop()
        else:
            name = part
            levels[-1][name] = {}
    return levels[0]


def missing_keys(keys: Keys, found: Any, where: str = "") -> list[str]:
    """Return the listed keys that a result lacks. `<name>` matches at least one key."""
    missing = []
    for key, below in keys.items():
        pattern = re.sub(r"<\w+>", ".+", key)
        matching = [name for name in found if re.fullmatch(pattern, name)] if isinstance(found, dict) else []
        if not matching:
            missing.append(f"{where}{key}")
        else:
            # `<metric>_stats` matches `episode_stats` too, which has other keys: one match is enough.
            lacking = [missing_keys(below, found[name], f"{where}{name}.") for name in matching]
            fewest = min(lacking, key=len)
            missing += fewest
    return missing


SIGNATURES = ast.parse(blocks("pyi")[0])
KEYS = {
    name: listed_keys(text)
    for name, text in re.findall(r"^### (\w+)\n.*?```keys\n(.*?)```", PAGE, re.MULTILINE | re.DOTALL)
}


def functions() -> dict[str, ast.arguments]:
    """Return the parameters of each function and method on the page, by its name in `rlvitals`."""
    listed = {node.name: node.args for node in SIGNATURES.body if isinstance(node, ast.FunctionDef)}
    return listed | {
        f"{node.name}.{method.name}": method.args
        for node in SIGNATURES.body
        if isinstance(node, ast.ClassDef)
        for method in node.body
        if isinstance(method, ast.FunctionDef)
    }


def mismatches(listed: ast.arguments, function: Callable[..., Any]) -> list[str]:
    """Return the parameters on the page that a function lacks or has in another order or with another default."""
    found = inspect.signature(function).parameters
    positional = [*listed.posonlyargs, *listed.args]
    wrong = [a.arg for a in (*positional, *listed.kwonlyargs) if a.arg not in found]
    order = [p.name for p in found.values() if p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    wrong += [f"order: {order}"] * (order[: len(positional)] != [a.arg for a in positional])
    wrong += ["**"] * (listed.kwarg is not None and not any(p.kind is p.VAR_KEYWORD for p in found.values()))
    defaults = list(zip(positional[len(positional) - len(listed.defaults) :], listed.defaults, strict=True))
    defaults += [(a, d) for a, d in zip(listed.kwonlyargs, listed.kw_defaults, strict=True) if d is not None]
    for argument, default in defaults:
        value = ast.literal_eval(default)
        if value is not ... and argument.arg in found and found[argument.arg].default != value:
            wrong.append(f"{argument.arg}={found[argument.arg].default!r}")
    return wrong


@pytest.mark.parametrize("name", functions())
def test_every_documented_parameter_exists(name: str) -> None:
    """The parameters have the documented order and defaults."""
    assert mismatches(functions()[name], operator.attrgetter(name)(rlvitals)) == []


def test_every_documented_attribute_exists() -> None:
    """Every documented class and function can be imported from `rlvitals`."""
    listed = [
        (node.name, line.target.id)
        for node in SIGNATURES.body
        if isinstance(node, ast.ClassDef)
        for line in node.body
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name)
    ]
    assert listed
    assert [one for one in listed if not hasattr(getattr(rlvitals, one[0]), one[1])] == []
    assert {node.name for node in SIGNATURES.body if isinstance(node, ast.ClassDef | ast.FunctionDef)} <= {
        *rlvitals.__all__
    }


def test_differences_from_the_page_are_detected() -> None:
    """Differences are missing, reordered or differing parameters, and missing keys."""

    def made(first: int, second: int = 2) -> None: ...

    def wrong(signature: str) -> list[str]:
        (node,) = ast.parse(f"def f({signature}): ...").body
        assert isinstance(node, ast.FunctionDef)
        return mismatches(node.args, made)

    assert wrong("first, second=2") == wrong("first, second=...") == []
    assert wrong("first, *, third") == ["third"]
    assert wrong("second, first") == ["order: ['first', 'second']"]
    assert wrong("first, second=3") == ["second=2"]
    assert wrong("first, **more") == ["**"]
    keys = listed_keys("a{b, c{d}}\n<x>_s{m}")
    assert keys == {"a": {"b": {}, "c": {"d": {}}}, "<x>_s": {"m": {}}}
    assert missing_keys(keys, {"a": {"b": 1, "c": {}}, "q_s": {"m": 1}}) == ["a.c.d"]
    assert missing_keys(keys, {"a": {"b": 1, "c": {"d": 1}}}) == ["<x>_s"]


def test_the_installed_packages_are_reported() -> None:
    """The result has at least these packages, with plain booleans."""
    found = validate_training_monitor_installation()

    assert {"tensorboard", "wandb", "matplotlib", "pandas", "numpy", "psutil"} <= found.keys()
    assert all(isinstance(value, bool) for value in found.values())
    assert found["numpy"]
    assert "torch" not in found


def test_a_session_has_the_documented_attributes(tmp_path: Path) -> None:
    """They are correct during the session and after it."""
    with TrainingMonitor(tmp_path, session_name="run", configuration={"gamma": 0.9}, settings=QUIET) as monitor:
        monitor.log_episode(0, 1.0, 7, env_step=7)
        running = monitor.session
    assert (running.session_id, running.status, running.end_time) == (monitor.session_id, "running", None)
    assert (running.total_episodes, running.total_timesteps, running.configuration) == (1, 7, {"gamma": 0.9})
    assert running.start_time <= (monitor.session.end_time or 0.0)
    assert monitor.session.status == "completed"


def test_episode_metrics_can_be_created() -> None:
    """`EpisodeMetrics` has the given values."""
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


def test_a_script_for_the_original_monitor_runs(tmp_path: Path) -> None:
    """Only its import line differs. It also runs in a thread other than the main thread."""
    told: dict[str, Any] = {"folder": str(tmp_path)}
    failed: list[BaseException] = []

    def work() -> None:
        try:
            exec(SCRIPT, told)  # noqa: S102 - the script above
        except BaseException as error:  # noqa: BLE001 - checked below
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
    run = open_run(told["monitor"].path)
    for name in (name for name in KEYS if name != "calculate_statistics"):
        for reader in (told["monitor"], run):
            assert missing_keys(KEYS[name], getattr(reader, name)()) == [], name


def test_optimization_statistics_have_every_documented_key(tmp_path: Path) -> None:
    """The keys are those of `calculate_statistics` on the page."""
    with OptimizationLogger(tmp_path, settings=QUIET) as logger:
        for gain in (0.1, 0.2):
            metrics = {
                "default_metrics": {"ssim": 0.5},
                "optimized_metrics": {"ssim": 0.5 + gain},
                "improvements": {"ssim_improvement": gain},
            }
            logger.log_optimization("a.png", {"logo_type": "text"}, {"color_precision": 6}, metrics)
        assert missing_keys(KEYS["calculate_statistics"], logger.calculate_statistics()) == []


def test_a_write_after_close_is_refused(tmp_path: Path) -> None:
    """Reading still works."""
    with TrainingMonitor(tmp_path, session_name="run", settings=QUIET) as monitor:
        monitor.log_episode(0, 1.0, 1)
    with pytest.raises(ClosedError, match="run is closed"):
        monitor.log_episode(1, 1.0, 1)
    assert monitor.get_training_statistics()["session_info"]["total_episodes"] == 1
