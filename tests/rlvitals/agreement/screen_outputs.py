"""Facts from the screens of commands and the live line of a monitor.

Each public function reads one kind of screen, and only that function depends on its wording.
"""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence

from .page_outputs import recent_trend, report_top
from .stated import NOT_JUDGED, Quantity, Stated, not_finite, percent, rounded, share_of_reported, whole, window

_COLUMNS = re.compile(r"\s{2,}")
_COUNT = r"([\d,]+|-)"
_LEVELS: Mapping[str, str] = {"Quality": "quality", "Quality gain": "quality_gained", "Episode length": "length"}

Table = list[dict[str, str]]
"""Rows of cells by column title."""


def list_screen(text: str) -> dict[str, Stated]:
    """Read `ls`, which prints one line per run."""
    lines = [_COLUMNS.split(line.strip()) for line in text.splitlines()]
    titles = lines[0]
    return {
        row["run"]: _list_row(row)
        for row in (dict(zip(titles, cells, strict=True)) for cells in lines[1:] if len(cells) == len(titles))
    }


def _list_row(row: Mapping[str, str]) -> Stated:
    episodes = whole(row["episodes"])
    stated: Stated = {
        "status": row["status"],
        "episodes": episodes,
        "env_step": whole(row["step"]),
        "reward": rounded(row["reward"]),
        **not_finite(row["reward"]),
    }
    return stated if row["success"] == "-" else stated | share_of_reported(row["success"], int(episodes.value))


def report_screen(text: str) -> dict[str, Stated]:
    """Read `show`, full or short: the top of a report and its tables."""
    first, _, headline, *rest = text.splitlines()
    title, health = _COLUMNS.split(headline.removeprefix("● "))
    words = list(itertools.takewhile(str.strip, rest))
    below = itertools.takewhile(str.strip, rest[len(words) + 1 :])
    keys = {name: (value, note) for name, value, note, *_ in ((*_COLUMNS.split(line.strip()), "") for line in below)}
    said, _, advice = " ".join(line.strip() for line in words).partition("Next: ")
    stated = report_top(
        status=_COLUMNS.split(first)[1],
        title=title,
        text=said.strip(),
        advice=f"Next: {advice}" if advice else "",
        keys=keys,
        score=None if NOT_JUDGED in health else health,
        words=health,
    )
    return {"": stated, " tables": _report_tables(_cells(text), int(stated["episodes"].value))}


def _report_tables(cells: Sequence[Sequence[str]], episodes: int) -> Stated:
    stated: Stated = {}
    for table in _screen_tables(cells, ("mean", "std")):
        recent = next(title for title in table[0] if title.startswith("mean of last "))
        for row in table:
            if row[""] == "Reward":
                values = window(recent, episodes or 10**9)
                stated |= {"reward": rounded(row[recent]), "reward_window": values, **not_finite(row[recent])}
            elif row[""] in _LEVELS:
                stated[_LEVELS[row[""]]] = rounded(row[recent])  # type: ignore[literal-required]
        break  # the next table is about updates
    for table in _screen_tables(cells, ("trend", "change")):
        for row in table:
            if row[""] == "Reward":
                stated |= {"trend": recent_trend(row), "course": row["convergence"]}
        break
    return stated


def diagnosis_screen(text: str) -> Stated:
    """Read the first line of `check`."""
    first = text.splitlines()[0]
    condition = _COLUMNS.split(first)[1]
    return {"condition": condition, "health": _health(first) if "health" in first else NOT_JUDGED}


def vital_screen(text: str) -> Stated:
    """Read `watch --once`: a line of status and health, a line of counts, a table of recent levels."""
    first, cells = text.splitlines()[0], _cells(text)
    counts = next(line for line in text.splitlines() if " episode" in line and " · " in line)
    episodes = _found(rf"{_COUNT} episodes?", counts)
    stated: Stated = {
        "status": _COLUMNS.split(first)[1],
        "health": NOT_JUDGED if NOT_JUDGED in first else _health(first),
        "episodes": episodes,
        "updates": _found(rf"{_COUNT} updates?", counts),
        **(_steps(counts, rf"{_COUNT} steps?") if " step" in counts else {"env_step": whole("-")}),
    }
    if "steps/s" in counts and "recently" not in counts:
        stated["speed"] = _found(r"([\d.,e+]+) steps/s", counts, digits=3)
    for table in _screen_tables(cells, ("now", "over the run")):
        recent = next(iter(table[0]))
        for row in table if recent != "last update" else []:
            name, now = row[recent], row["now"]
            if name == "Reward":
                values = window(recent, int(episodes.value) or 10**9)
                stated |= {"reward": rounded(now), "reward_window": values, **not_finite(now)}
            elif name == "Success rate":
                stated |= share_of_reported(now, int(episodes.value))
            elif name in _LEVELS:
                stated[_LEVELS[name]] = rounded(now)  # type: ignore[literal-required]
    return stated


def terminal_line(text: str) -> Stated:
    """Read the last state of a monitor's live line."""
    parts = dict(part.split(" ", 1) for part in text.splitlines()[-1].split(" | ") if " " in part)
    episodes = whole(parts["episodes"])
    stated: Stated = {"episodes": episodes}
    if parts["step"] != "0":
        stated["env_step"] = whole(parts["step"])
    if "/" in parts["step"]:
        stated |= {"goal": whole(parts["step"].partition("/")[2]), "progress": percent(parts["step"].partition("(")[2])}
    if "reward" in parts:
        stated |= {"reward": rounded(parts["reward"], 3), **not_finite(parts["reward"])}
    return stated | share_of_reported(parts["success"], int(episodes.value)) if "success" in parts else stated


def _cells(text: str) -> list[list[str]]:
    return [_COLUMNS.split(line.strip()) for line in text.splitlines() if line.strip()]


def _screen_tables(cells: Sequence[Sequence[str]], titles: tuple[str, ...]) -> Iterator[Table]:
    """Yield the tables with these column titles. The title of the first column can be empty."""
    for at, header in enumerate(cells):
        if set(titles) <= set(header):
            rows: Table = []
            for row in cells[at + 1 :]:
                if len(row) - len(header) not in {0, 1}:
                    break
                rows.append(dict(zip(header if len(row) == len(header) else ["", *header], row, strict=True)))
            if rows:
                yield rows


def _steps(text: str, pattern: str) -> Stated:
    """Read steps alone, or "175,000 of 175,000 (100 %)"."""
    found = re.search(r"([\d,]+|-) of ([\d.,e+]+)(?: steps)? \((\d+|-) ?%?\)", text)
    if found is None:
        return {"env_step": _found(pattern, text)}
    return {"env_step": whole(found[1]), "goal": rounded(found[2]), "progress": percent(found[3])}


def _health(text: str) -> Quantity:
    return _found(r"health (\d+) of 100", text)


def _found(pattern: str, text: str, digits: int | None = None) -> Quantity:
    found = re.search(pattern, text)
    assert found, f"{pattern} is not in {text!r}"
    return whole(found[1]) if digits is None else rounded(found[1], digits)
