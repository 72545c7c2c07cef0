"""Facts from the machine-readable outputs: `--json`, the dashboard payloads and the Python interface.

Each function below reads one kind of document, and only that function depends on its keys.
"""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from rlvitals import RunReader, TrainingMonitor
from rlvitals.dashboard.run_header import run_header
from rlvitals.dashboard.run_registry import RunRegistry
from rlvitals.dashboard.watched_run import WatchedRun
from rlvitals.records.json_encoding import strict_json
from rlvitals.summary.overview import assess

from .stated import NOT_JUDGED, RECENT, Stated, exact, letters

Document = Mapping[str, Any]

_FEWEST = 10
"""Minimum number of episodes for a result of `get_convergence_analysis`."""


def overview(document: Document) -> Stated:
    """Read an overview, which several documents contain."""
    state = document.get("state", document)  # flat in a list of runs
    stated: Stated = {
        "status": state["status"],
        "episodes": exact(document["episodes"]),
        "env_step": exact(document["env_step"]),
        "goal": exact(document["goal"]),
        "progress": exact(document["progress"]),
    }
    if document["updates"] is not None:
        stated["updates"] = exact(document["updates"])
    if document["verdict"] is not None:  # a list of runs does not read whole runs
        verdict = document["verdict"]
        stated |= {"title": verdict["title"], "text": verdict["text"], "tone": verdict["tone"]}
        stated["next"] = letters(verdict["next"])
    if document["health"] is not None:
        health = document["health"]
        stated |= {
            "speed": exact(document["steps_per_second"]),
            "health": _health(health["score"]),
            "condition": health["status"],
        }
    if document["course"] is not None:
        stated |= {"trend": document["course"]["recent"]["verdict"], "course": document["course"]["status"]}
    return stated | _levels(document["levels"])


def summary_details(document: Document) -> Stated:
    """Read the details of `show --json` and `summary()` that repeat facts of the overview."""
    measures, success = document["measures"], document["success"]
    stated: Stated = {
        "episodes": exact(document["episodes"]),
        "updates": exact(document["updates"]),
        "speed": exact(document["speed"]["steps_per_second"]),
    }
    if "reward" in measures:
        reward = measures["reward"]
        stated |= {
            "reward": exact(reward["recent"]["estimate"]),
            "reward_not_finite": exact(reward["recent_not_finite"]),
            "trend": reward["recent_trend"]["verdict"],
            "course": reward["convergence"]["status"],
        }
    if "length" in measures:
        stated["length"] = exact(measures["length"]["recent"]["estimate"])
    if "quality_final" in measures:
        stated["quality"] = exact(measures["quality_final"]["recent"]["estimate"])
    if "quality_improvement" in measures:
        stated["quality_gained"] = exact(measures["quality_improvement"]["recent"]["estimate"])
    if success["recent"] is not None:
        stated |= {
            "success": exact(success["recent"]["estimate"]),
            "success_reported": exact(success["recent_known"]),
        }
    if success["target"] is not None:
        held = "reached" if success["target"]["held"] else "reached, but not held"
        stated["target"] = held if success["target"]["status"] == "reached" else success["target"]["status"]
    return stated


def diagnosis(document: Document) -> Stated:
    """Read `check --json`."""
    return {
        "env_step": exact(document["env_step"]),
        "health": _health(document["health_score"]),
        "condition": document["status"],
    }


def statistics(document: Document) -> Stated:
    """Read `get_training_statistics` of the recent episodes."""
    stated: Stated = {"episodes": exact(document["session_info"]["total_episodes"])}
    if "reward_stats" not in document:
        return stated
    rewards, episodes = document["reward_stats"], document["episode_stats"]
    stated |= {
        "reward": exact(rewards["mean"]),
        "reward_window": exact(document["session_info"]["window_episodes"]),
        "length": exact(episodes["mean_length"]),
    }
    if "not_finite" in rewards:
        stated["reward_not_finite"] = exact(rewards["not_finite"])
    if not math.isnan(document["quality_stats"]["mean"]):  # NaN if no quality was reported
        stated["quality_gained"] = exact(document["quality_stats"]["mean"])
    if episodes["success_rate"]:  # also 0 if no episode reported success
        stated["success"] = exact(episodes["success_rate"])
    return stated


def convergence(document: Document) -> Stated:
    """Read `get_convergence_analysis`."""
    if "convergence_status" not in document and " 0 episodes" in document["message"]:
        return {}  # it covers only episodes
    if "convergence_status" not in document:
        return {"trend": "not enough data", "course": "not enough data"}
    return {"trend": document["convergence_status"]["reward_trend"], "course": document["convergence"]["status"]}


def validation(document: Document) -> Stated:
    """Read `validate_metrics`. Its score is a share of one and always a number, valid only if `judged` is true."""
    if not document["judged"]:
        return {"health": NOT_JUDGED, "condition": NOT_JUDGED}
    checks = document["checks"]
    return {
        "health": exact(100 * document["health_score"]),
        "condition": document["status"],
        "trend": checks["training_progress"]["trend"],
        "course": checks["training_stability"]["convergence"],
    }


def dashboard_data(document: Document) -> Stated:
    """Read `create_dashboard_data`. Its means cover the live window, which is the recent window only in a short run."""
    episodes = document["summary"]["total_episodes"]
    stated: Stated = {"status": document["session"]["status"], "episodes": exact(episodes)}
    if 0 < episodes <= RECENT:
        stated["reward"] = exact(document["summary"]["avg_reward"])
    if episodes >= _FEWEST:
        stated |= convergence(document["convergence"])
    return stated | validation(document["validation"])


def _levels(levels: Document) -> Stated:
    stated: Stated = {}
    if "reward" in levels:
        reward = levels["reward"]
        stated |= {
            "reward": exact(reward["mean"]),
            "reward_window": exact(reward["window"]),
            "reward_not_finite": exact(reward["not_finite"]),
        }
    if "length" in levels:
        stated["length"] = exact(levels["length"]["mean"])
    if "quality_final" in levels:
        stated["quality"] = exact(levels["quality_final"]["mean"])
    if "quality_improvement" in levels:
        stated["quality_gained"] = exact(levels["quality_improvement"]["mean"])
    if "success" in levels:
        stated |= {
            "success": exact(levels["success"]["mean"]),
            "success_reported": exact(levels["success"]["reported"]),
        }
    return stated


def _health(score: float | None) -> Any:
    return NOT_JUDGED if score is None else exact(score)


def dashboard_rows(folder: Path) -> dict[str, Stated]:
    """Return the facts in the dashboard's list of runs, by run, after all records have been read."""
    shelf = RunRegistry(folder)
    shelf.scan()
    shelf.fill(math.inf)
    while shelf.worker.assess_next() is not None:
        continue
    shelf.fill(math.inf)
    rows, refused = shelf.rows()
    assert refused == []
    overviews = [row["overview"] for row in json.loads(strict_json(rows))]
    return {one["state"]["run_id"]: overview(one) | {"speed": exact(one["steps_per_second"])} for one in overviews}


def dashboard_page(run: Path) -> Any:
    """Return the payload of a run's page after its assessment."""
    watched = WatchedRun(run.name, run)
    watched.refresh()
    return json.loads(strict_json(run_header(watched, assess(watched.reader, clock=watched.clock)[1])))


def interface(reader: TrainingMonitor | RunReader) -> dict[str, Stated]:
    """Return the facts from the reading methods of the Python interface, by method."""
    return {
        ".get_training_statistics": statistics(reader.get_training_statistics(RECENT)),
        ".get_convergence_analysis": convergence(reader.get_convergence_analysis()),
        ".validate_metrics": validation(reader.validate_metrics()),
        ".create_dashboard_data": dashboard_data(reader.create_dashboard_data()),
        ".overview": overview(msgspec.to_builtins(reader.overview())),
        ".summary": overview((full := msgspec.to_builtins(reader.summary()))["overview"]),
        ".summary details": summary_details(full),
    }
