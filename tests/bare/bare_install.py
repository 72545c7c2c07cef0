"""Checks that importing, recording and reading work without extras. `make test` runs it in a bare environment.

It uses no test framework, because none is installed. A failure is an exception, and so a non-zero exit code.
"""

import importlib
import importlib.util
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import rlvitals
from rlvitals.errors import MissingExtraError
from rlvitals.formats.exporters import export_run, make_exporter
from rlvitals.formats.importers import import_run
from rlvitals.sinks import PrometheusSink

EXTRAS = (
    "torch",
    "stable_baselines3",
    "gymnasium",
    "vtracer",
    "PIL",
    "cv2",
    "resvg_py",
    "pandas",
    "polars",
    "pyarrow",
    "tensorboard",
    "wandb",
    "mlflow",
    "optuna",
    "transformers",
    "prometheus_client",
    "apprise",
    "mcp",
)


def check(claim: str, *, holds: bool) -> None:
    """Print a claim, and exit with an error if it does not hold."""
    if not holds:
        raise SystemExit(f"bare install: FAILED: {claim}")
    print(f"bare install: {claim}")


def check_missing(what: str, extra: str, use: Callable[[], object]) -> None:
    """Check that an action raises an error that names the missing extra."""
    try:
        use()
    except MissingExtraError as error:
        check(f"{what} names the missing extra", holds=f"rlvitals[{extra}]" in str(error))
    else:
        check(f"{what} names the missing extra", holds=False)


def check_pipeline() -> None:
    """Check that vtracer_gym, whose source alone is available, names the missing packages and the install command."""
    source = Path(__file__).parents[2] / "packages" / "vtracer_gym" / "src"
    for what, statement in {
        "vtracer_gym": "import vtracer_gym",
        "a module of vtracer_gym": "from vtracer_gym.tracing import trace",
        "the command vtracer-gym": "from vtracer_gym.cli import main; main()",
    }.items():
        script = f"import sys; sys.path.insert(0, {str(source)!r}); {statement}"
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        last = (done.stderr.splitlines() or [""])[-1]
        wanted = ("MissingPackageError", "cv2", "pip install ", " vtracer", " 'rlvitals[sb3]'")
        unwanted = ("numpy", "typer")  # installed
        says = all(word in last for word in wanted) and not any(word in last for word in unwanted)
        check(f"{what} names the missing package and the command that installs it", holds=done.returncode == 1 and says)


def _said(*words: str) -> str:
    command = [sys.executable, "-m", "rlvitals", *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def main() -> None:
    """Check each claim."""
    check("none of the extras is installed", holds=not any(importlib.util.find_spec(name) for name in EXTRAS))

    with tempfile.TemporaryDirectory() as folder:
        settings = rlvitals.RecorderSettings(seal_on_close=1)
        with rlvitals.TrainingMonitor(folder, session_name="bare", settings=settings) as monitor:
            for episode in range(100):
                monitor.log_episode(episode, reward=float(episode), length=10, env_step=10 * episode)
            monitor.log_training_step(1000, policy_loss=math.nan, value_loss=0.5, entropy=1.0)

        run = rlvitals.open_run(Path(folder) / "bare")
        check("a run is recorded and sealed", holds=bool(list((run.path / "episodes").glob("*.parquet"))))
        check(
            "every episode is read back",
            holds=[e.reward for e in run.records("episodes")] == [float(i) for i in range(100)],
        )
        check("NaN stays NaN", holds=math.isnan(next(run.records("updates")).policy_loss))
        check("the run is complete", holds=run.vitality().status == "completed")
        for target in ("bare.json", "bare.csv", "bare.duckdb", "bare.sqlite"):
            back = import_run(export_run(run, Path(folder) / target), Path(folder) / "back")
            check(f"export and import as {target}", holds=len(list(back.records("episodes"))) == 100)
        for extra in ("pandas", "arrow", "tensorboard", "wandb"):
            check_missing(f"the format {extra}", extra, partial(make_exporter, extra))
        check("the command line lists the run", holds=_said("ls", folder).startswith("run"))
        check("a column is read", holds=float(run.episodes["reward"].mean()) == 49.5)
        check("SQL is answered", holds=run.sql("select max(reward) from episodes").rows() == [(99.0,)])
        check("the run is summarised", holds="improving" in _said("stats", str(run.path)))
        check("the run is diagnosed", holds=run.diagnosis().findings[0].code == "non-finite")
        for extra in ("pandas", "polars", "arrow"):
            check_missing(f"a frame of {extra}", extra, getattr(run.episodes, extra))
        alerts = importlib.import_module("rlvitals.sinks.alerts")
        check("alerts need no extra", holds=alerts.SlackAlerts is not None)
        check_missing("the alerts of Apprise", "apprise", partial(alerts.AppriseAlerts, "json://127.0.0.1"))
        check_missing("the sink of Prometheus", "prometheus", PrometheusSink)

    for name, extra in {
        "sb3": "sb3",
        "actions": "sb3",
        "gymnasium": "gymnasium",
        "trl": "trl",
        "optuna": "optuna",
    }.items():
        module = f"rlvitals.adapters.{name}"
        check_missing(module, extra, partial(importlib.import_module, module))
    check_pipeline()


if __name__ == "__main__":
    main()
