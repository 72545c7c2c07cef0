"""The findings as a section of a document: what is wrong, what to try, and what could not be judged."""

from collections.abc import Iterable, Iterator, Mapping

from rlvitals.diagnosis import Diagnosis, Finding
from rlvitals.diagnosis.missing_inputs import in_words
from rlvitals.documents.document import Block, FindingsBlock, Prose, Section, Table
from rlvitals.formatting import counted, dropped_text


def findings_section(diagnosis: Diagnosis, dropped: Mapping[str, int]) -> Section:
    """Write the section.

    Args:
        diagnosis: The diagnosis.
        dropped: Number of dropped records, by where they were dropped.
    """
    notes = (*dropped_blocks(diagnosis.findings, dropped), *_inapplicable(diagnosis))
    brief = (*_found(diagnosis, brief=True), *notes, *_skipped(diagnosis, "`rlvitals check` says what to log"))
    blocks = (*_found(diagnosis, brief=False), *notes, *_unjudged(diagnosis))
    return Section("findings", "Findings", "", blocks, brief)


def dropped_blocks(findings: Iterable[Finding], dropped: Mapping[str, int]) -> Iterator[Prose]:
    """Say how many records were dropped, unless one of the findings does."""
    text = dropped_text(dropped)
    if text and not any(key.startswith("records_dropped") for finding in findings for key in finding.evidence):
        yield Prose(f"{text}.", "bad")


def basis(diagnosis: Diagnosis) -> Iterator[Prose]:
    """Say what the learning was judged by, where that is not plain."""
    if diagnosis.reward_source:
        yield Prose(f"The reward is the {diagnosis.reward_source}.")
    elif diagnosis.updates and not diagnosis.rewards:
        yield Prose("No reward was recorded, so learning was not judged.")
    if diagnosis.is_judged and diagnosis.is_early:
        yield Prose(f"Other faults may not show yet: {diagnosis.evidence_text}.")


def enabling(diagnosis: Diagnosis) -> Iterator[Prose]:
    """Say what to log, so that the skipped rules can judge."""
    wanted = in_words(need for one in diagnosis.skipped_rules for need in one.missing)
    yield from _skipped(diagnosis, f"To enable them, log {wanted}")


def _found(diagnosis: Diagnosis, *, brief: bool) -> Iterator[Block]:
    if diagnosis.findings:
        yield FindingsBlock(diagnosis.findings, diagnosis.health.deductions, brief)
    elif not diagnosis.is_judged:
        yield Prose(f"Not judged yet: {diagnosis.evidence_text}.")
    else:
        yield Prose(f"{counted(len(diagnosis.judged), 'rule')} found nothing wrong.")


def _inapplicable(diagnosis: Diagnosis) -> Iterator[Block]:
    if diagnosis.inapplicable:
        rules = counted(len(diagnosis.inapplicable), "rule")
        yield Prose(f"{rules} skipped: they do not apply to {diagnosis.family}.", "quiet")


def _skipped(diagnosis: Diagnosis, more: str) -> Iterator[Prose]:
    if diagnosis.skipped_rules:
        yield Prose(f"{counted(len(diagnosis.skipped_rules), 'rule')} skipped: missing data. {more}.", "quiet")


def _unjudged(diagnosis: Diagnosis) -> Iterator[Block]:
    if diagnosis.skipped_rules:
        rows = tuple((one.code, in_words(one.missing)) for one in diagnosis.skipped_rules)
        caption = f"{counted(len(rows), 'rule')} skipped: missing data"
        yield Table(("rule", "log this to enable it"), rows, texts=(0, 1), caption=caption, folded=True)
