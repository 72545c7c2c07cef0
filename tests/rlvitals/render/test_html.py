"""Tests of the HTML report: well-formed, self-contained and without scripts."""

import base64
import hashlib
import re
from collections.abc import Callable
from typing import Any

import pytest

from rlvitals import RunReader
from rlvitals.formatting import count, number
from rlvitals.render.html import PAGE_STYLE

Made = Callable[[str], RunReader]
PageOf = Callable[[RunReader], Any]

_LOADS = {"src", "href", "xlink:href", "data", "action", "srcset", "poster"}


def test_a_report_of_any_run_is_well_formed(odd: RunReader, page_of: PageOf) -> None:
    """Every element is closed in order, also for empty and all-NaN runs."""
    page = page_of(odd)

    assert (page.open, page.faults) == ([], [])
    assert "Reward and episodes" in page.text


def test_nothing_is_loaded_and_nothing_runs(odd: RunReader, page_of: PageOf) -> None:
    """There are no scripts, handlers or style attributes, and addresses are anchors or embedded images."""
    page = page_of(odd)

    assert {tag for tag, _ in page.tags} & {"script", "iframe", "object", "embed", "link", "form", "base"} == set()
    for tag, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on") or name == "style"], (tag, attributes)
        loaded = [value or "" for name, value in attributes.items() if name in _LOADS]
        assert all(re.match(r"#|data:image/", value) for value in loaded), (tag, loaded)


def test_the_policy_allows_only_the_style_sheet_of_the_page(kept: Made, page_of: PageOf) -> None:
    """The policy has the digest of the style sheet and allows no script."""
    page = page_of(kept("well"))
    policies = [said["content"] for tag, said in page.tags if said.get("http-equiv") == "Content-Security-Policy"]

    digest = base64.b64encode(hashlib.sha256(PAGE_STYLE.encode()).digest()).decode()
    assert len(policies) == 1
    assert f"style-src 'sha256-{digest}'" in str(policies[0])
    assert "default-src 'none'" in str(policies[0])
    assert "script" not in str(policies[0])


def test_hostile_texts_are_shown_as_text(kept: Made, page_of: PageOf, hostile_text: str) -> None:
    """They create no element."""
    page = page_of(kept("hostile"))

    assert page.text.count(hostile_text) > 5
    assert [said for tag, said in page.tags if tag == "img" and not str(said["src"]).startswith("data:")] == []


def test_a_hostile_picture_is_embedded_as_an_image(kept: Made, page_of: PageOf) -> None:
    """Browsers run nothing in an SVG in an `img` element."""
    page = page_of(kept("hostile"))
    images = [said["src"] for tag, said in page.tags if tag == "img"]

    assert [str(source).partition(",")[0] for source in images] == ["data:image/svg+xml;base64"]
    assert b"alert(1)" in base64.b64decode(str(images[0]).partition(",")[2])


def test_the_numbers_are_those_of_the_summary(kept: Made, page_of: PageOf) -> None:
    """The report agrees with `rlvitals stats`."""
    run = kept("well")
    page, summary = page_of(run), run.summary()
    reward = summary.measures["reward"]

    for said in (
        reward.mean.estimate,
        reward.recent.estimate,
        reward.median,
        reward.max,
        reward.convergence.level.estimate,
    ):
        assert number(said) in page.text
    assert f"{count(summary.success.total)} of {count(summary.success.known)} episodes" in page.text
    assert f"{run.diagnosis().health_score} of 100" in page.text


@pytest.mark.parametrize(("kind", "said"), [("all NaN", "40 NaN of 40 values"), ("all infinite", "40 -Infinity of 40")])
def test_non_finite_values_are_counted(kept: Made, page_of: PageOf, kind: str, said: str) -> None:
    """NaN and infinities are counted next to the curve and in the tables."""
    page = page_of(kept(kind))

    assert said in page.text
    assert any("rv-bad" in str(attributes.get("class")) for _, attributes in page.tags)


def test_the_verdict_names_the_worst_finding(kept: Made, page_of: PageOf) -> None:
    """Its cause and advice are shown before the other sections."""
    run = kept("all NaN")
    page, worst = page_of(run), run.diagnosis().findings[0]

    assert page.text.index(worst.title) < page.text.index("Reward and episodes")
    assert worst.cause in page.text
    assert worst.advice.partition("`")[0] in page.text
