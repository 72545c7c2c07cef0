from __future__ import annotations

import io
import math

import numpy as np
import pytest
from rich.console import Console

from vtracer_gym.baselines import COMPACT_NAME, FIXED, PIPELINE_NAME
from vtracer_gym.cli.tables import against_defaults, categories_table, headline, methods_table, show
from vtracer_gym.logo_outcomes import EQUAL, FIRST_TRY, SURROGATE, TUNED, LogoEvaluation, Outcome, best_of

METHODS = (
    FIRST_TRY,
    best_of("agent", 4),
    *(TUNED, EQUAL, SURROGATE),
    *FIXED,
    *(best_of("random", tries) for tries in (1, 4, 40)),
)
GAIN = 0.1


def outcome(reward: float = 0.0, difference: float = 0.0, ratio: float = 1.0, sharp: float = 0.8) -> Outcome:
    return Outcome(reward, 0.8 + difference, difference, 0.8, sharp, 0.1, 2.0, math.log(ratio), 1000.0 * ratio)


def evaluations(gains: list[float], sharp: float = 0.8, lost: int = 0) -> list[LogoEvaluation]:
    """Return evaluations in which the agent has a fifth of the bytes, and these gains over every other method."""
    rows = []
    for index, gain in enumerate(gains):
        outcomes = {name: outcome(sharp=sharp) for name in METHODS}
        outcomes[COMPACT_NAME] = outcome(ratio=0.25, sharp=sharp)
        outcomes[FIRST_TRY] = outcome(gain, -0.01 if index < lost else 0.072, 0.2, sharp)
        rows.append(LogoEvaluation(f"logo-{index}", ("simple", "text")[index % 2], outcomes, np.zeros(40)))
    return rows


def printed(*shown: object, width: int = 100) -> str:
    console = Console(width=width, file=io.StringIO())
    for one in shown:
        console.print(one)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_headline_in_full() -> None:
    """The sentence has bytes as written and compactly, similarity, worse logos, and the gain with its interval."""
    said = headline(evaluations([0.08, 0.09, 0.1, 0.11, 0.12, 0.1]))

    assert said.startswith(
        "80 % fewer bytes than VTracer's defaults (20 % fewer than the same drawing written compactly) at +0.072 SSIM; "
        "worse than the defaults on 0 of 6 logos; better than one fixed setting by +0.10 reward (+0.09 to +0.11)"
    )


@pytest.mark.parametrize(
    ("gains", "claim"),
    [
        ([0.5, 0.6, 0.7, 0.6], "better than one fixed setting by +0.60 reward"),
        ([5.0, -1.0, -1.0, -1.0], "not better than one fixed setting: +0.50 reward"),
        ([-0.5, -0.6, -0.7, -0.6], "worse than one fixed setting: -0.60 reward"),
        ([9.0], "+9.00 reward compared with one fixed setting, on a single logo"),
    ],
)
def test_the_interval_decides(gains: list[float], claim: str) -> None:
    """A mean gain is a claim only if its interval is above 0; one logo proves nothing."""
    assert claim in headline(evaluations(gains))


def test_the_strongest_fixed_setting_is_the_opponent() -> None:
    """A gain over a weak fixed setting is not claimed if another one is better."""
    rows = evaluations([0.1] * 6)
    for row in rows:
        row.outcomes[EQUAL] = outcome(0.2)

    assert "worse than one fixed setting: -0.10 reward" in headline(rows)


def test_worse_logos_are_counted() -> None:
    """The number of logos with a lower similarity than the defaults is in the sentence."""
    assert "worse than the defaults on 2 of 4 logos" in headline(evaluations([GAIN] * 4, lost=2))


def test_more_bytes_are_called_more() -> None:
    """A method with more bytes than the compact defaults says so."""
    rows = evaluations([GAIN] * 4)
    for row in rows:
        row.outcomes[COMPACT_NAME] = outcome(ratio=0.1)

    assert "(100 % more than the same drawing written compactly)" in against_defaults(rows)


def test_table_has_every_method_and_fits() -> None:
    """All methods fit into 100 columns, with the start as the reference of the rewards."""
    shown = printed(methods_table(evaluations([0.1, 0.2, 0.3, 0.4]), 4, 128), width=200)

    assert max(len(line.rstrip()) for line in shown.splitlines()) <= 100
    assert all(name.split(",")[0] in shown for name in METHODS)
    assert f"reward: difference to {TUNED}" in " ".join(shown.split())
    assert "+0.25" in shown


@pytest.mark.parametrize("width", [80, 90, 100])
def test_a_narrow_terminal_gets_fewer_columns(width: int) -> None:
    """Every line fits, names of one line stay on one line, and bytes, similarity and reward are always shown."""
    console = Console(width=width, file=io.StringIO())
    show(console, evaluations([0.1, 0.2, 0.3, 0.4]), 4, 128)
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()

    assert max(len(line.rstrip()) for line in lines) <= width
    assert any(line.strip().startswith("agent, best of 4") for line in lines)
    (heading,) = [line for line in lines if "reward" in line.split() and "SSIM" in line.split()]
    assert {"SSIM", "difference", "bytes", "reward"} <= set(heading.split())
    assert ("x4" in heading.split()) == (width == 100)


def test_rewards_without_a_tuned_start() -> None:
    """Without a tuned start, rewards are compared with the pipeline's default setting."""
    rows = evaluations([GAIN] * 4)
    for row in rows:
        del row.outcomes[TUNED]

    assert f"reward: difference to {PIPELINE_NAME}" in " ".join(printed(methods_table(rows, 4, 128)).split())


@pytest.mark.parametrize(("sharp", "is_shown"), [(0.8, True), (math.nan, False)])
def test_sharpness_is_shown_if_known(sharp: float, is_shown: bool) -> None:
    """The column of four times the size is left out if it is unknown for a logo."""
    rows = evaluations([GAIN] * 4, sharp)

    for table in (methods_table(rows, 4, 128), categories_table(rows)):
        assert ("x4" in [column.header for column in table.columns]) is is_shown


def test_one_logo_has_no_interval() -> None:
    """A type with a single logo shows its values without an interval."""
    assert "nan" not in printed(categories_table(evaluations([GAIN])))


def test_types_are_separate_rows() -> None:
    """Each logo type has a row with its number of logos."""
    table = categories_table(evaluations([GAIN] * 5))

    assert [list(column.cells) for column in table.columns[:2]] == [["simple", "text"], ["3", "2"]]


def test_sentence_comes_first() -> None:
    """The first line of the output is the sentence, before any table."""
    console = Console(width=400, file=io.StringIO())
    rows = evaluations([GAIN] * 4)
    show(console, rows, 4, 256)
    assert isinstance(console.file, io.StringIO)
    first, *rest = console.file.getvalue().splitlines()

    assert first.strip() == f"First try at 256 px: {headline(rows)}"
    assert rest[-1].startswith("Random search needs")
