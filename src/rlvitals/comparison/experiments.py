"""Grouping of runs into experiments: runs whose configurations are equal except for the seed."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from rlvitals.comparison.wording import UNKNOWN
from rlvitals.records.setting_names import IDENTIFYING_SETTINGS, TASK_SETTINGS, TRIAL_FACTS, TRIAL_PARAMETERS
from rlvitals.runs import Run
from rlvitals.runs.header import IMPORTED, Header
from rlvitals.sinks.flattening import flat_settings

By = str | Callable[[Run], Any]

_SEED = re.compile(r"(^|[._-])(seeds?|random_state)$", re.IGNORECASE)
VERSIONS = "packages."
"""Prefix of package versions among the facts."""
COMMIT = "git commit"
"""Name of the commit among the facts."""
ONE_GROUP = "all runs"
"""Name of the group if all recorded settings are equal."""
UNKNOWN_SETTINGS = "settings unknown"
"""Name of the group of runs that recorded no settings. Whether they repeat one experiment is unknown."""
_KNOWN_SETTINGS = "settings known"
_NO_VALUE = "None"
"""Text for a setting that was recorded as `None`. It is known, unlike a setting that was not recorded."""
_MOST_NAMED = 4
_SCALARS = (bool, int, float, str)


class Member(NamedTuple):
    """A run with its configuration and group.

    Attributes:
        run: The run.
        label: Name of the run.
        header: Header of the run, as read.
        group: Name of its group.
        task: Environment from the configuration. Empty if the configuration has none.
        seed: First seed in the configuration.
        seeds: All seeds in the configuration.
        settings: Flat configuration without the seed and without values that identify the run. A missing setting is
            unknown, so it is not equal to that of any other run.
        facts: Commit and package versions.
    """

    run: Run
    label: str
    header: Header
    group: str
    task: str
    seed: Any
    seeds: dict[str, Any]
    settings: dict[str, Any]
    facts: dict[str, Any]

    @property
    def is_known(self) -> bool:
        """Whether the run recorded any setting that describes its training.

        A seed counts, too, unless the run was imported: the seed and the algorithm can be all that its files record.
        """
        has_seed = any(seed is not None for seed in self.seeds.values())
        return not self.settings.keys() <= IDENTIFYING_SETTINGS or (has_seed and not self.is_imported)

    @property
    def is_imported(self) -> bool:
        """Whether the run was imported, so that settings can be missing which its training program did not record."""
        return IMPORTED in self.header.reproduction


def members_of(runs: Sequence[Run], given: Mapping[int, str], by: By | None) -> list[Member]:
    """Assign runs to groups.

    Args:
        runs: The runs.
        given: Group name of the runs that were passed as members of a group, by index.
        by: Name of a setting, an SQL expression over settings, or a function of the run. By default, all settings
            except the seed and the environment: runs of one configuration in several environments are one experiment on
            several tasks. Runs that recorded no settings form a separate group.

    Raises:
        ComparisonError: The expression is invalid.
    """
    from rlvitals.comparison.metric_queries import labels  # noqa: PLC0415 - a trainer needs no database

    found = []
    for place, (run, label) in enumerate(zip(runs, labels(runs), strict=True)):
        header = run.header
        every = dict(flat(header.configuration))
        settings = {
            name: _NO_VALUE if value is None else value
            for name, value in every.items()
            if not (_names_the_run(name, value, header.run_id) or _is_of_trial(name, every))
        }
        seeds = {name: value for name, value in every.items() if _SEED.search(name)}
        seed = next(iter(seeds.values()), None)
        task = next((str(every[name]) for name in TASK_SETTINGS if every.get(name) is not None), "")
        facts, group = dict(facts_of(header.reproduction)), given.get(place, "")
        found.append(Member(run, label, header, group, task, seed, seeds, settings, facts))
    if by is not None:
        names = [_said(by(member.run)) for member in found] if callable(by) else _asked(found, by)
        return [member._replace(group=name) for member, name in zip(found, names, strict=True)]
    if given:
        return found
    return _by_configuration(found)


def differing(members: Sequence[Member]) -> list[str]:
    """Return the settings, package versions and commit that are not the same in all runs."""
    return _not_the_same([member.settings | member.facts for member in members])


def flat(tree: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """Flatten nested settings to dotted names. Lists become text."""
    for name, value in flat_settings(tree):
        plain = value is None or isinstance(value, _SCALARS)
        yield name, value if plain else msgspec.json.encode(value, enc_hook=str).decode()


def _names_the_run(name: str, value: Any, run_id: str) -> bool:
    """Return whether a setting is a seed or contains the run's name, such as a log folder."""
    return bool(_SEED.search(name)) or (isinstance(value, str) and run_id in value)


def _is_of_trial(name: str, every: Mapping[str, Any]) -> bool:
    """Return whether a setting describes the trial of the training, or repeats another setting as its parameter."""
    parameter = name.removeprefix(f"{TRIAL_PARAMETERS}.")
    return name in TRIAL_FACTS or (parameter != name and every.get(parameter) == every[name])


def facts_of(reproduction: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """Yield the commit, the Python version and the package versions of a run, by name."""
    git = reproduction.get("git")
    if isinstance(git, Mapping) and git.get("commit"):
        yield COMMIT, f"{str(git['commit'])[:12]}{' with uncommitted changes' if git.get('dirty') else ''}"
    if reproduction.get("python"):
        yield "python", reproduction["python"]
    packages = reproduction.get("packages")
    if isinstance(packages, Mapping):
        yield from ((f"{VERSIONS}{name}", version) for name, version in packages.items())


def _by_configuration(members: list[Member]) -> list[Member]:
    known = [member for member in members if member.is_known]
    grouped = {member.label: member for member in _of_known(known)}
    one = _KNOWN_SETTINGS if len(known) < len(members) else ONE_GROUP
    return [
        grouped[member.label]._replace(group=grouped[member.label].group or one)
        if member.is_known
        else member._replace(group=UNKNOWN_SETTINGS)
        for member in members
    ]


def _of_known(members: list[Member]) -> list[Member]:
    """Group runs that recorded settings. The group has no name if all settings are equal."""
    keys = [
        msgspec.json.encode(
            {name: value for name, value in member.settings.items() if name not in TASK_SETTINGS}, order="sorted"
        )
        for member in members
    ]
    first = {key: members[at] for at, key in reversed(list(enumerate(keys)))}
    if len(first) == 1:
        return [member._replace(group="") for member in members]
    told = [
        {name: value for name, value in member.settings.items() if name not in TASK_SETTINGS}
        for member in first.values()
    ]
    names = _names(told, _not_the_same(told))
    # Too many settings differ for names that are unique. The name of a single run is one.
    alone = [member.label if keys.count(key) == 1 else "" for key, member in first.items()]
    called = {
        key: (label or f"{at}: {name}") if names.count(name) > 1 else name
        for at, (key, name, label) in enumerate(zip(first, names, alone, strict=True), start=1)
    }
    return [member._replace(group=called[key]) for member, key in zip(members, keys, strict=True)]


def _names(told: list[dict[str, Any]], differing_names: list[str]) -> list[str]:
    """Name groups by the settings in which they differ, first by those that all groups have."""
    shown = sorted(differing_names, key=lambda name: any(name not in one for one in told))[:_MOST_NAMED]
    return [
        ", ".join(f"{name}={_said(one[name])}" for name in shown if name in one) or f"{shown[0]}={UNKNOWN}"
        for one in told
    ]


def _not_the_same(told: Sequence[Mapping[str, Any]]) -> list[str]:
    names = dict.fromkeys(name for one in told for name in one)
    return [name for name in names if len({_said(one.get(name)) for one in told}) > 1]


def _asked(members: Sequence[Member], by: str) -> list[str]:
    """Evaluate an expression for each run, on a table whose columns are the settings."""
    rows = [
        dict(flat(member.header.configuration)) | member.facts | {"run": member.label, "task": member.task}
        for member in members
    ]
    if by == COMMIT or by in {name for row in rows for name in row}:
        return [_said(row.get(by)) for row in rows]
    from rlvitals.comparison.metric_queries import answers_of  # noqa: PLC0415 - a trainer needs no database

    return [_said(value) for value in answers_of(rows, by)]


def _said(value: Any) -> str:
    if isinstance(value, float) and not isinstance(value, bool):
        return f"{value:g}"
    return UNKNOWN if value is None else str(value)
