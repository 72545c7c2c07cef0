"""The findings section of a document: findings, advice and skipped rules."""

from collections.abc import Iterable, Iterator, Mapping

from rlvitals.diagnosis import Diagnosis, Finding, SkippedRule
from rlvitals.diagnosis.missing_inputs import in_words
from rlvitals.documents.document import Block, FindingsBlock, Prose, Section, Table
from rlvitals.formatting import counted, dropped_text, listed


def findings_section(diagnosis: Diagnosis, dropped: Mapping[str, int]) -> Section:
    """Write the section.

    Args:
        diagnosis: Diagnosis of the run.
        dropped: Number of dropped records, by the place where they were dropped.
    """
    notes = (*dropped_blocks(diagnosis.findings, dropped), *_inapplicable(diagnosis), *_failed(diagnosis))
    advice = "Run `rlvitals check` to see how to enable them"
    brief = (*_found(diagnosis, brief=True), *notes, *_skipped(diagnosis, advice))
    blocks = (*_found(diagnosis, brief=False), *notes, *_unjudged(diagnosis))
    return Section("findings", "Findings", "", blocks, brief)


def dropped_blocks(findings: Iterable[Finding], dropped: Mapping[str, int]) -> Iterator[Prose]:
    """Report the number of dropped records, unless one of the findings reports it."""
    text = dropped_text(dropped)
    if text and not any(key.startswith("records_dropped") for finding in findings for key in finding.evidence):
        yield Prose(f"{text}.", "bad")


def basis(diagnosis: Diagnosis) -> Iterator[Prose]:
    """State which data the assessment of learning is based on, if it is not obvious."""
    if diagnosis.reward_source:
        yield Prose(f"The reward is the {diagnosis.reward_source}.")
    elif diagnosis.updates and not diagnosis.rewards:
        yield Prose("No reward was recorded, so learning was not assessed.")
    if diagnosis.is_judged and diagnosis.is_early:
        yield Prose(f"Other faults may not show yet: {diagnosis.evidence_text}.")


def enabling(diagnosis: Diagnosis) -> Iterator[Prose]:
    """State which inputs enable the skipped rules."""
    wanted = in_words(need for one in _lacking(diagnosis) for need in one.missing)
    yield from _skipped(diagnosis, f"To enable them, provide {wanted}")


def _found(diagnosis: Diagnosis, *, brief: bool) -> Iterator[Block]:
    if diagnosis.findings:
        yield FindingsBlock(diagnosis.findings, diagnosis.health.deductions, brief)
    elif not diagnosis.is_judged:
        yield Prose(f"Not judged yet: {diagnosis.evidence_text}.")
    else:
        yield Prose(f"{counted(len(diagnosis.judged), 'rule')} evaluated: no findings.")


def _inapplicable(diagnosis: Diagnosis) -> Iterator[Block]:
    if diagnosis.inapplicable:
        rules = counted(len(diagnosis.inapplicable), "rule")
        yield Prose(f"{rules} skipped: they do not apply to {diagnosis.family}.", "quiet")


def _failed(diagnosis: Diagnosis) -> Iterator[Prose]:
    failed = [f"{one.code} ({one.error})" for one in diagnosis.skipped_rules if one.error]
    if failed:
        yield Prose(f"{counted(len(failed), 'rule')} failed: {listed(failed)}.", "bad")


def _lacking(diagnosis: Diagnosis) -> list[SkippedRule]:
    """Return the rules that were skipped because their signals are missing."""
    return [one for one in diagnosis.skipped_rules if one.missing]


def _skipped(diagnosis: Diagnosis, more: str) -> Iterator[Prose]:
    lacking = _lacking(diagnosis)
    if lacking:
        yield Prose(f"{counted(len(lacking), 'rule')} skipped: missing data. {more}.", "quiet")


def _unjudged(diagnosis: Diagnosis) -> Iterator[Block]:
    rows = tuple((one.code, one.text) for one in _lacking(diagnosis))
    if rows:
        caption = f"{counted(len(rows), 'rule')} skipped: missing data"
        yield Table(("rule", "missing input"), rows, texts=(0, 1), caption=caption, folded=True)
