"""Accuracy of the diagnosis: faults detected and diagnosed, delay after onset, and false alarms on healthy runs.

The input is a corpus: a folder with `labels.json` and, for each training, `NAME/run.json` and `NAME/episodes.parquet`,
`updates.parquet`, `evaluations.parquet`. The script replays each training through a `TrainingMonitor`, record by record
with the original times. It diagnoses the live run at every twentieth of the budget and at the end. `--check-folder`
also compares the final diagnosis with that of the run folder.
`bench/faults.py` creates such a corpus.

    python bench/diagnosis.py CORPUS [--json] [--looks 20] [--only r0001,r0002] [--check-folder] [--rates]

A fault counts as found if any alarm (warning or critical) is raised at or after its onset. Its cause counts as
diagnosed if it is the first alarm at the end (or among the first three). Trainings with ambiguous labels and faults
that do not manifest are left out. No parameters are fitted to the corpus and no rule knows the environment, so the rows
by environment are a validation across environments.
"""

import argparse
import json
import math
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
import numpy as np

from rlvitals import TrainingMonitor
from rlvitals.diagnosis import (
    Context,
    Diagnosis,
    EvidenceBuilder,
    context_of,
    diagnose,
    evidence_of,
    hyperparameters_of,
)
from rlvitals.diagnosis.finding import CRITICAL, RANK, WARNING
from rlvitals.diagnosis.rules import RULES
from rlvitals.recording import RecorderSettings
from rlvitals.records import SystemSample

CODE_OF = {
    "action_saturation": "actions-saturated",
    "category_overfit": "category-neglected",
    "dead_network": "dead-policy",
    "ent_coef_too_high": "entropy-too-high",
    "entropy_collapse": "entropy-collapse",
    "env_never_resets": "episodes-of-length-one",
    "gae_bug": "advantage-estimation",
    "gamma_wrong": "discount",
    "grad_explosion": "gradient-explosion",
    "kl_blowup": "kl-too-large",
    "lr_decay_early": "learning-rate-zero",
    "lr_too_high": "learning-rate-too-high",
    "lr_too_low": "learning-rate-too-low",
    "memory_leak": "memory-leak",
    "midrun_collapse": "regression",
    "obs_frozen": "observations-frozen",
    "obs_nan": "non-finite",
    "pg_sign_flipped": "reward-sign",
    "plateau": "plateau",
    "reward_constant": "reward-constant",
    "reward_hacking": "reward-hacking",
    "reward_scale_huge": "reward-scale",
    "reward_scale_tiny": "reward-scale",
    "reward_sign_flipped": "reward-sign",
    "stale_data_reuse": "stale-data",
    "throughput_collapse": "throughput-drop",
    "trunc_as_terminal": "truncation-as-termination",
    "value_broken": "value-not-learning",
}
"""Rule code for each fault label of the corpus."""

_FIELD_OF = {
    "approx_kl": "kl_divergence",
    "grad_norm": "gradient_norm",
    "grad_norm_max": "gradient_norm_max",
    "action_bound_frac": "action_bound_fraction",
    "reward_mean_step": "reward_mean",
    "n_epochs": "epochs",
}
_STATUS = {"crashed": "failed"}
_DAY = 1_700_000_000.0
"""Wall times of the corpus start at 0. This offset converts them to seconds since 1970."""

Row = dict[str, Any]


class TrainingError(Exception):
    """Represents the exception that ended a training."""


def rows_of(connection: duckdb.DuckDBPyConnection, file: Path) -> list[Row]:
    """Return the rows of a Parquet file. Missing numbers in columns that have numbers are read as NaN."""
    if not file.is_file():
        return []
    answer = connection.execute("SELECT * FROM read_parquet(?)", [str(file)])
    names = [column[0] for column in answer.description or []]
    rows = answer.fetchall()
    kinds = {
        name: next((row[place] for row in rows if row[place] is not None), None) for place, name in enumerate(names)
    }
    numbers = {name for name, value in kinds.items() if isinstance(value, float)}
    return [
        {
            name: math.nan if value is None and name in numbers else value
            for name, value in zip(names, row, strict=True)
            if kinds[name] is not None
        }
        for row in rows
    ]


def ordered(streams: Mapping[str, Sequence[Row]]) -> Iterator[tuple[str, Row]]:
    """Yield the rows of all streams in the original order, with episodes before the update that uses them."""
    rank = {"episodes": 0, "updates": 1, "evaluations": 2}
    every = [
        (row["env_step"], rank[stream], place, stream, row)
        for stream, rows in streams.items()
        for place, row in enumerate(rows)
    ]
    every.sort(key=lambda entry: entry[:3])
    for _, _, _, stream, row in every:
        yield stream, row


def say(monitor: TrainingMonitor, stream: str, row: Row, said: Callable[[Any], None]) -> None:
    """Log one row as the adapters do."""
    values = dict(row)
    at, step = _DAY + values.pop("wall_time"), values.pop("env_step")
    if stream == "episodes":
        reward = values.pop("reward", math.nan)
        said(
            monitor.log_episode(
                values.pop("episode"),
                math.nan if reward is None else reward,
                values.pop("length"),
                values.pop("quality_improvement", None),
                termination_reason=values.pop("termination_reason", None),
                success=values.pop("success", None),
                category=values.pop("category", None),
                env_step=step,
                time=at,
            )
        )
    elif stream == "updates":
        memory = values.pop("memory_mb", None)
        fields = {_FIELD_OF.get(name, name): value for name, value in values.items() if value is not None}
        said(monitor.log_training_step(step, env_step=step, time=at, **fields))
        if memory is not None:
            said(SystemSample(time=at, env_step=step, memory=memory))
    else:
        said(
            monitor.log_evaluation(
                0,
                values.pop("mean_reward"),
                None,
                values.pop("success_rate", None),
                values.pop("n_episodes", 1) or 1,
                env_step=step,
                time=at,
                reward_std=values.pop("std_reward", None),
                length=values.pop("mean_length", None),
            )
        )


def replay(
    folder: Path, connection: duckdb.DuckDBPyConnection, looks: int, *, check_folder: bool
) -> tuple[list[tuple[float, Diagnosis]], float]:
    """Log a training through a monitor and diagnose it along the way.

    Returns:
        Share of the budget and diagnosis at each check, and the processor time of all diagnoses in seconds.
    """
    run: Row = json.loads((folder / "run.json").read_text())
    streams = {name: rows_of(connection, folder / f"{name}.parquet") for name in ("episodes", "updates", "evaluations")}
    total = run["total_timesteps"]
    configuration = {
        name: value for name, value in run.items() if name not in {"status", "error", "run_id", "wall_seconds"}
    }
    context = Context(settings=hyperparameters_of(configuration), total_timesteps=total)
    collector, found, took, due = EvidenceBuilder(), [], 0.0, 1
    with tempfile.TemporaryDirectory() as place:
        monitor = TrainingMonitor(
            place, session_name=folder.name, configuration=configuration, total_timesteps=total, buffer_size=10,
            settings=RecorderSettings(system_interval_s=None, heartbeat_s=600.0, fsync_interval_s=600.0,
            seal_on_close=10**9), announce=False,
        )  # fmt: skip
        for stream, row in ordered(streams):
            while due < looks and row["env_step"] > due / looks * total:
                began = time.process_time()
                found.append((due / looks, diagnose(collector.evidence(context))))
                took += time.process_time() - began
                due += 1
            say(monitor, stream, row, collector.add)
        error = run.get("error")
        ended = str(_STATUS.get(run["status"], run["status"]))
        last = Context(settings=context.settings, total_timesteps=total, status=ended, failure=error or "")
        began = time.process_time()
        final = diagnose(collector.evidence(last))
        took += time.process_time() - began
        if error:
            monitor.fail(TrainingError(error))
        else:
            monitor.close()
        if check_folder:
            after = diagnose(evidence_of(monitor.run, context=context_of(monitor.run)))
            same = [f.code for f in after.findings if f.code != "memory-leak"] == [
                f.code for f in final.findings if f.code != "memory-leak"
            ]
            if not same:
                codes = [[finding.code for finding in diagnosis.findings] for diagnosis in (final, after)]
                print(f"{folder.name}: live {codes[0]}, from run folder {codes[1]}")
        found.append((max(due / looks, min(1.0, run.get("timesteps_done", total) / total)), final))
    return found, took


def judged(name: str, label: Row, looks: list[tuple[float, Diagnosis]], total: float) -> Row:
    """Return the assessment of one training."""
    final = looks[-1][1]
    codes = [finding.code for finding in final.alarms]
    wanted = CODE_OF.get(label["fault"] or "")
    onset = (label.get("onset_step") or 0) / total
    alarms = [(share, diagnosis) for share, diagnosis in looks if diagnosis.alarms]
    behind = [share for share, _ in alarms if share >= onset - 1e-9]
    named = [share for share, diagnosis in looks if wanted in [finding.code for finding in diagnosis.alarms]]
    worst = max((RANK[finding.severity] for _, diagnosis in alarms for finding in diagnosis.alarms), default=0)
    return {
        "name": name,
        "environment": label["environment"],
        "library": label.get("library"),
        "fault": label["fault"],
        "variant": label.get("variant"),
        "wanted": wanted,
        "onset": onset,
        "found": bool(behind),
        "first": codes[:1] == [wanted],
        "third": wanted in codes[:3],
        "after": min(behind) - onset if behind else None,
        "named_after": min(named) - onset if named else None,
        "worst": {2: CRITICAL, 1: WARNING, 0: "healthy"}[worst],
        "said": sorted({finding.code for _, diagnosis in alarms for finding in diagnosis.alarms}),
        "final": [[f.code, f.severity, f.confidence, [s.code for s in f.symptoms]] for f in final.findings],
        "health_score": final.health_score,
        "skipped_rules": sorted({one.code for one in final.skipped_rules}),
    }  # fmt: skip


def share(some: Sequence[Row], every: Sequence[Row]) -> float | None:
    """Return the share of `some` in `every`, or `None` if `every` is empty."""
    return len(some) / len(every) if every else None


def counted(rows: Sequence[Row]) -> Row:
    """Return the rates over some trainings."""
    faults = [row for row in rows if row["fault"]]
    healthy = [row for row in rows if not row["fault"]]
    return {
        "healthy": len(healthy),
        "healthy_critical": share([row for row in healthy if row["worst"] == CRITICAL], healthy),
        "healthy_alarmed": share([row for row in healthy if row["worst"] != "healthy"], healthy),
        "faults": len(faults),
        "found": share([row for row in faults if row["found"]], faults),
        "named_first": share([row for row in faults if row["first"]], faults),
        "named_among_three": share([row for row in faults if row["third"]], faults),
        "median_after_onset": median(math.inf if row["after"] is None else row["after"] for row in faults)
        if faults
        else None,
    }


def by_rule(rows: Sequence[Row]) -> dict[str, Row]:
    """Return the detection rate of each rule for its fault, and its false alarm rate on healthy trainings."""
    healthy = [row for row in rows if not row["fault"]]
    table: dict[str, Row] = {}
    for rule in RULES:
        meant = [row for row in rows if row["wanted"] == rule.code]
        said = [row for row in meant if rule.code in row["said"]]
        false = [row for row in healthy if rule.code in row["said"]]
        could = [row for row in healthy if rule.code not in row["skipped_rules"]]
        table[rule.code] = {
            "faults": len(meant),
            "detected": len(said) / len(meant) if meant else None,
            "healthy_judged": len(could),
            "false_alarms": len(false) / len(could) if could else None,
        }
    return table


def print_rates(rows: Sequence[Row]) -> None:
    """Print the entries of `rlvitals.diagnosis.benchmark_rates`."""
    for code, rates in sorted(by_rule(rows).items()):
        detected = round((rates["detected"] or 0.0) * rates["faults"])
        false = round((rates["false_alarms"] or 0.0) * rates["healthy_judged"])
        print(f'    "{code}": Rates({rates["faults"]}, {detected}, {rates["healthy_judged"]}, {false}),')


def percent(share: float | None) -> str:
    """Format a share as a percentage."""
    return "-" if share is None else ("never" if math.isinf(share) else f"{100 * share:.0f} %")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table as Markdown."""
    print(f"| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    print()


def show(report: Row) -> None:
    """Print the tables."""
    groups = {"all": report["total"], **report["environments"], **report["libraries"]}
    print("## Rates\n")
    table(
        ["", "healthy", "critical", "any alarm", "faults", "found", "ranked first", "in top three", "median delay"],
        [
            [
                name, str(g["healthy"]), percent(g["healthy_critical"]), percent(g["healthy_alarmed"]),
                str(g["faults"]), percent(g["found"]), percent(g["named_first"]), percent(g["named_among_three"]),
                percent(g["median_after_onset"]),
            ]
            for name, g in groups.items()
        ],
    )  # fmt: skip
    print("## Faults\n")
    grouped = defaultdict(list)
    for row in report["trainings"]:
        if row["fault"]:
            grouped[row["fault"]].append(row)
    lines = []
    for fault, rows in sorted(grouped.items()):
        rates = counted(rows)
        misses = [
            f"{row['name']} ({row['environment']}, {row['variant']}): {', '.join(f[0] for f in row['final']) or '-'}"
            for row in rows
            if not row["first"]
        ]
        lines.append([
            fault, CODE_OF.get(fault, "?"), str(len(rows)), percent(rates["found"]), percent(rates["named_first"]),
            percent(rates["named_among_three"]), percent(rates["median_after_onset"]), "; ".join(misses),
        ])  # fmt: skip
    table(
        ["fault", "code", "runs", "found", "ranked first", "in top three", "median delay", "findings of misses"],
        lines,
    )
    print("## Healthy trainings with findings\n")
    told = [row for row in report["trainings"] if not row["fault"] and (row["said"] or row["final"])]
    table(
        ["training", "environment", "variant", "alarms during training", "findings at the end"],
        [
            [r["name"], r["environment"], str(r["variant"]), ", ".join(r["said"]), ", ".join(f[0] for f in r["final"])]
            for r in told
        ],
    )
    print("## Rules\n")
    table(
        ["rule", "faults", "detected", "healthy runs assessed", "false alarms"],
        [
            [code, str(r["faults"]), percent(r["detected"]), str(r["healthy_judged"]), percent(r["false_alarms"])]
            for code, r in report["rules"].items()
        ],
    )
    print(
        f"{report['diagnoses']} diagnoses of {report['milliseconds']:.1f} ms of CPU; {report['seconds']:.0f} s in total"
    )


def main() -> None:
    """Replay a corpus and print the assessment."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument(
        "--rates", action="store_true", help="print the rates in the format of `diagnosis/benchmark_rates.py`"
    )
    parser.add_argument("--looks", type=int, default=20, help="number of diagnoses per training")
    parser.add_argument("--only", default="", help="comma-separated names of trainings")
    parser.add_argument(
        "--check-folder", action="store_true", help="compare the diagnosis of the run folder with the live diagnosis"
    )
    options = parser.parse_args()
    labels: dict[str, Row] = json.loads((options.corpus / "labels.json").read_text())
    wanted = set(filter(None, options.only.split(",")))
    began, took, rows, diagnoses = time.monotonic(), 0.0, [], 0
    connection = duckdb.connect()
    for name, label in labels.items():
        if (
            (wanted and name not in wanted)
            or label.get("ambiguous")
            or (label["fault"] and not label.get("manifests", True))
        ):
            continue
        total = json.loads((options.corpus / name / "run.json").read_text())["total_timesteps"]
        looks, seconds = replay(options.corpus / name, connection, options.looks, check_folder=options.check_folder)
        rows.append(judged(name, label, looks, total))
        took += seconds
        diagnoses += len(looks)
    split = {key: sorted({str(row[key]).split()[0] for row in rows}) for key in ("environment", "library")}
    report = {
        "total": counted(rows),
        "environments": {e: counted([row for row in rows if row["environment"] == e]) for e in split["environment"]},
        "libraries": {
            e: counted([row for row in rows if str(row["library"]).split()[0] == e]) for e in split["library"]
        },
        "rules": by_rule(rows),
        "trainings": rows,
        "diagnoses": diagnoses,
        "milliseconds": 1000.0 * took / max(1, diagnoses),
        "seconds": time.monotonic() - began,
    }
    if options.rates:
        print_rates(rows)
    elif options.json:
        print(
            json.dumps(
                report, indent=1, default=lambda value: value.item() if isinstance(value, np.generic) else str(value)
            )
        )
    else:
        show(report)


if __name__ == "__main__":
    main()
