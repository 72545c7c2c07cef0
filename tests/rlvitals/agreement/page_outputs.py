"""Facts from reports, digests and the notebook card.

Each public function reads one kind of document, and only that function depends on its wording.
"""

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

from .stated import NOT_JUDGED, Stated, letters, not_finite, percent, rounded, share_of_reported, whole, window

_VOID = {"meta", "br", "img", "link", "input", "hr", "wbr"}

Table = list[dict[str, str]]
"""Rows of cells by column title."""


def report_page(markup: str) -> dict[str, Stated]:
    """Read the top and the tables of a report or a notebook card."""
    page = parsed(markup)
    verdict, score = _of_class(page, "verdict"), page.find(".//p[@class='score']/b")
    keys = {_text(one[0]): (_text(one[1]), _text(one[2])) for one in page.iterfind(".//dl[@class='keys']/div")}
    stated = report_top(
        status=_text(_of_class(page, "status")),
        title=_text(_of_class(verdict, "title")),
        text=" ".join(_text(one) for one in verdict.iter("p") if one.get("class") is None),
        advice=" ".join(_text(one) for one in verdict.iter("p") if one.get("class") == "next"),
        keys=keys,
        score=None if score is None else _text(score),
        words=_text(page),
    )
    tone = next(word for word in (verdict.get("class") or "").split() if word.startswith("verdict-"))
    stated["tone"] = tone.removeprefix("verdict-")
    tables = [_page_table(table) for table in page.iter("table")]
    return {"": stated, " tables": _report_tables(tables, int(stated["episodes"].value))}


def report_markdown(text: str) -> dict[str, Stated]:
    """Read a Markdown report, which shows no tone."""
    lines = text.splitlines()
    verdict = re.match(r"> \*\*(.+?)\.\*\* (.*?)(?: Health \*\*(.+?)\*\*\.)?$", lines[4])
    assert verdict, lines[4]
    tables = list(_markdown_tables(lines))
    keys = {name: (value, tables[0][1][name]) for name, value in tables[0][0].items()}
    stated = report_top(
        status=_plain(lines[2].rpartition(": ")[2]),
        title=_plain(verdict[1]),
        text=_plain(verdict[2]),
        advice=next((line.removeprefix("> ") for line in lines[5:8] if line.startswith("> Next: ")), ""),
        keys=keys,
        score=verdict[3],
        words=text,
    )
    return {"": stated, " tables": _report_tables(tables[1:], int(stated["episodes"].value))}


def report_top(
    *,
    status: str,
    title: str,
    text: str,
    advice: str,
    keys: Mapping[str, tuple[str, str]],
    score: str | None,
    words: str,
) -> Stated:
    """Read the top of a report in any format.

    Args:
        status: Status of the run.
        title: Title of the verdict.
        text: Text of the verdict.
        advice: Advice of the verdict, after "Next: ".
        keys: Value and note of each key fact.
        score: Health score, or `None` if none is shown.
        words: Text that can contain "not judged".
    """
    episodes = whole(keys["episodes"][0])
    stated: Stated = {"status": status, "title": title, "text": text, "episodes": episodes}
    stated["next"] = letters(advice.removeprefix("Next: "))
    if score is not None:
        stated["health"] = NOT_JUDGED if score == NOT_JUDGED else whole(score)
    elif "not judged" in words.lower():
        stated["health"] = NOT_JUDGED
    value, note = keys["steps"]
    stated["env_step"] = whole(value)
    updates = re.search(r"([\d,]+) updates?", note)
    if updates:
        stated["updates"] = whole(updates[1])
    if "%" in note:
        stated |= {"progress": percent(note), "goal": rounded(note.rpartition(" of ")[2])}
    if "speed" in keys:
        stated["speed"] = rounded(keys["speed"][0], 3)
    if "reward" in keys:
        value, note = keys["reward"]
        stated |= {"reward": rounded(value), "reward_window": window(note, 10**9), **not_finite(note)}
    for name in ("quality", "quality gained"):
        if name in keys:
            stated[name.replace(" ", "_")] = rounded(keys[name][0])  # type: ignore[literal-required]
    if "success" in keys:
        value, note = keys["success"]
        found = re.search(r"([\d,]+) reported", note)
        reported = whole(found[1]) if found else window(note, int(episodes.value))
        stated |= {"success": percent(value), "success_reported": reported}
    return stated


def _report_tables(tables: Sequence[Table], episodes: int) -> Stated:
    stated: Stated = {}
    for row in (row for table in tables for row in table if row.get("") == "Reward"):
        recent = next((title for title in row if title.startswith("mean of last ")), None)
        if recent is not None and "IQM" in row:
            stated |= {
                "reward": rounded(row[recent]),
                "reward_window": window(recent, episodes or 10**9),
                **not_finite(row[recent]),
            }
        if "trend" in row:
            stated |= {"trend": recent_trend(row), "course": row["convergence"]}
    return stated


def recent_trend(row: Mapping[str, str]) -> str:
    """Return the recent trend from a row of trends, whose column title names the window."""
    return next(cell for title, cell in row.items() if title.startswith("trend of last "))


def digest_page(markup: str) -> dict[str, Stated]:
    """Read a digest. Return the facts by run."""
    tables = [_page_table(table) for table in parsed(markup).iter("table")]
    return {row["run"]: _digest_row(row) for table in tables for row in table if "run" in row}


def digest_markdown(text: str) -> dict[str, Stated]:
    """Read a Markdown digest. Return the facts by run."""
    tables = _markdown_tables(text.splitlines())
    return {row["run"]: _digest_row(row) for table in tables for row in table if "run" in row}


def _digest_row(row: Mapping[str, str]) -> Stated:
    stated: Stated = {
        "status": row["status"],
        "env_step": whole(row["steps"]),
        "reward": rounded(row["reward"]),
        **not_finite(row["reward"]),
        "health": NOT_JUDGED if row["health"] == NOT_JUDGED else whole(row["health"]),
    }
    return stated if row["success"] == "-" else stated | share_of_reported(row["success"], 10**9)


class _Tree(HTMLParser):
    def __init__(self, markup: str) -> None:
        super().__init__()
        self.builder = ET.TreeBuilder()
        self.builder.start("page", {})
        self.feed(markup)
        self.close()
        self.builder.end("page")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.builder.start(tag, {name: value or "" for name, value in attrs})
        if tag in _VOID:
            self.builder.end(tag)

    def handle_endtag(self, tag: str) -> None:
        self.builder.end(tag)

    def handle_data(self, data: str) -> None:
        self.builder.data(data)


def parsed(markup: str) -> ET.Element:
    """Parse markup as a tree."""
    return _Tree(markup).builder.close()


def _of_class(page: ET.Element, name: str) -> ET.Element:
    return next(one for one in page.iter() if name in (one.get("class") or "").split())


def _text(element: ET.Element) -> str:
    return " ".join(" ".join(element.itertext()).split())


def _page_table(table: ET.Element) -> Table:
    titles = [_text(title) for title in table.iter("th")]
    return [
        dict(zip(titles, (_text(cell) for cell in row.iter("td")), strict=True)) for row in table.iterfind("./tbody/tr")
    ]


def _markdown_tables(lines: Sequence[str]) -> Iterator[Table]:
    rows: list[list[str]] = []
    for line in [*lines, ""]:
        if line.startswith("|"):
            rows.append([_plain(cell) for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
        elif rows:
            yield [dict(zip(rows[0], row, strict=True)) for row in rows[2:]]
            rows = []


def _plain(text: str) -> str:
    return html.unescape(re.sub(r"\\(.)", r"\1", text.replace("**", ""))).strip()
