"""The reference of findings as pages: ``python -m rlvitals.diagnosis.rule_reference docs/reference/findings``."""
# ruff: noqa: E501 -- a row of a table is one line

import sys
from collections.abc import Iterable
from pathlib import Path

from rlvitals.diagnosis import evidence, learning, signals
from rlvitals.diagnosis.benchmark_rates import MEASURED
from rlvitals.diagnosis.causes import EXPLAINS
from rlvitals.diagnosis.families import FAMILIES, UNKNOWN, Family
from rlvitals.diagnosis.health import CHECKS
from rlvitals.diagnosis.rules import RULES, Rule
from rlvitals.diagnosis.thresholds import Threshold, thresholds_in, thresholds_of
from rlvitals.records.setting_names import ALGORITHM_KEYS

_SHARED = thresholds_in(learning) | thresholds_in(evidence)
_SHARED |= thresholds_of(signals.recent) | thresholds_of(signals.early) | thresholds_of(signals.explained)
_BY_CODE = sorted(RULES, key=lambda one: one.code)

_OPENING = """\
# Findings

Each rule of the [diagnosis](../../concepts/diagnosis.md) produces one kind of finding. Open its page for the cause, the advice, the
data that it needs, its measured rates and its thresholds.
"""

_FIRST = "If `rlvitals check` lists this finding below another one, correct the other one first."

_ALGORITHMS = f"""\
## Algorithms

The rules were written for PPO, and their accuracy was measured on it. For each family of algorithms, `diagnosis/families.py`
lists the metrics and settings with the meaning that the rules assume. All other inputs are hidden from the rules, and a rule that
requires a hidden input does not apply. The configuration determines the family: by the name of the algorithm
({", ".join(f"`{key}`" for key in ALGORITHM_KEYS)}), otherwise by settings that only one family has.
"""

_AREAS = """\
## Areas

Each finding lowers the [health score](../../concepts/diagnosis.md#the-health-score) in one area:
"""

_THRESHOLDS = """\
## Shared thresholds

Each page lists the thresholds of its rule: the constants that its code reads. "Budget" is the share of the environment steps
of the whole training. "Standard deviations" are those of single returns within a window of episodes, unless stated otherwise.
All rules share these thresholds:
"""


def pages() -> dict[str, str]:
    """Return the pages as Markdown, by file name: `index.md`, and one page per rule."""
    return {"index.md": _index()} | {f"{rule.code}.md": _page(rule) for rule in _BY_CODE}


def _index() -> str:
    lines = [_OPENING, "| finding | fault | what to do |", "|---|---|---|"]
    lines += [f"| {_link(rule.code)} | {rule.title} | {rule.advice} |" for rule in _BY_CODE]
    lines += ["", _AREAS]
    lines += [f"- `{check}`: {_links(codes)}" for check, codes in CHECKS.items()]
    lines += [f"- `external_logging`: {_link('data-missing')}, if records were dropped on the way to a sink", ""]
    lines += [_ALGORITHMS, "| family | members | differs from PPO | rules that do not apply |", "|---|---|---|---|"]
    lines += map(_family, (*FAMILIES, UNKNOWN))
    return "\n".join([*lines, "", _THRESHOLDS, *_table(_SHARED)]) + "\n"


def _page(rule: Rule) -> str:
    facts = {"Needs": ", ".join(f"`{need.replace('|', '` or `')}`" for need in rule.needs)}
    foreign = [family.title for family in FAMILIES if not rule.applies_to(family)]
    facts["Algorithms"] = f"all except {', '.join(foreign)}" if foreign else "all"
    facts["Explains"] = _links(EXPLAINS.get(rule.code, ()))
    facts["Can be a symptom of"] = _links(code for code, symptoms in EXPLAINS.items() if rule.code in symptoms)
    facts["Measured"] = f"{_rates(rule.code)} ([conditions](../../validation/diagnosis.md#the-corpus))"
    facts["Source"] = rule.source
    lines = [f"# {rule.title}", "", f"Code: `{rule.code}`", "", f"**Probable cause.** {rule.cause}", ""]
    lines += [f"**What to do.** {rule.advice} {_FIRST}", "", f"**How it is detected.** {rule.meaning}", ""]
    lines += [f"- {name}: {text}" for name, text in facts.items() if text]
    thresholds = {name: value for name, value in thresholds_of(rule.judge).items() if name not in _SHARED}
    if thresholds:
        lines += ["", "## Thresholds", "", *_table(thresholds)]
    return "\n".join(lines) + "\n"


def _rates(code: str) -> str:
    rates = MEASURED[code]
    found = f"fired in {rates.detected} of {rates.faults} runs with its fault" if rates.faults else ""
    false = f"false alarm in {rates.false_alarms} of {rates.healthy} healthy runs" if rates.healthy else ""
    return "; ".join(filter(None, (found, false))) or "not in the corpus"


def _family(family: Family) -> str:
    foreign = _links(rule.code for rule in RULES if not rule.applies_to(family))
    return f"| {family.title} | {', '.join(family.algorithms)} | {family.traits} | {foreign} |"


def _links(codes: Iterable[str]) -> str:
    return ", ".join(map(_link, sorted(codes)))


def _link(code: str) -> str:
    return f"[`{code}`]({code}.md)"


def _table(thresholds: dict[str, Threshold]) -> list[str]:
    rows = [f"| `{name}` | {value} | {value.meaning} |" for name, value in thresholds.items()]
    return ["| threshold | value | meaning |", "|---|---|---|", *rows]


if __name__ == "__main__":
    for _name, _text in pages().items():
        Path(sys.argv[1], _name).write_text(_text, encoding="utf-8")
