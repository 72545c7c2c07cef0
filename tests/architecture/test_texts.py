"""Texts are plain English: no private phrases, short sentences, and descriptive names in examples."""

import ast
import re
import statistics

import pytest
import texts
from texts import ROOT, Text, all_texts, code_blocks, documents, per_thousand, phrases_in, prose

_LIMIT = 0.3
_MOST_WORDS = 45
_USUAL_WORDS = 20

DOCUMENTS = [str(path.relative_to(ROOT)) for path in documents()]


@pytest.mark.parametrize("kind", ["docstring", "comment", "claim", "document"])
def test_few_texts_have_phrases_to_decode(kind: str) -> None:
    """Texts have fewer than 0.3 phrases per 1,000 words. `python tests/fixtures/texts.py --list` lists the phrases."""

    assert per_thousand(all_texts()[kind]) < _LIMIT


@pytest.mark.parametrize("kind", ["message", "page"])
def test_no_message_has_a_phrase_to_decode(kind: str) -> None:
    """No error, log line, finding, label, help text or page text has a phrase from `texts.PHRASES`."""

    assert [(text.place, phrases_in(text.text)) for text in all_texts()[kind] if phrases_in(text.text)] == []


def test_phrases_are_found() -> None:
    """The patterns find their phrases, and the rate is per 1,000 words."""

    assert phrases_in("Nobody is told of it, for want of time.") == ["is told", "for want of"]
    assert per_thousand([Text("a.py:1", "held against it")]) == pytest.approx(1000 / 3)


def sentences(document: str) -> list[str]:
    """Return the sentences of paragraphs and lists, without tables, headings, link targets and code."""
    plain = re.sub(r"`[^`]*`", "x", re.sub(r"\]\([^)]*\)", "]", prose(ROOT / document)))
    lines = [line for line in plain.splitlines() if not re.match(r"\s*(\||#|!\[|:::|<)", line)]
    blocks = re.split(r"\n\s*\n|\n(?=\s*(?:[-*]|\d+\.) )", "\n".join(lines))
    return [one for block in blocks for one in re.split(r"(?<=[.!?:;])\s+", " ".join(block.split())) if one]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_sentences_are_short(document: str) -> None:
    """No sentence of a document has more than 45 words, and the median is at most 20."""
    every = sentences(document)
    lengths = [len(sentence.split()) for sentence in every]

    assert [sentence for sentence in every if len(sentence.split()) > _MOST_WORDS] == []
    assert statistics.median(lengths or [0]) <= _USUAL_WORDS


@pytest.mark.parametrize("document", DOCUMENTS)
def test_names_in_examples_are_words(document: str) -> None:
    """Variables and arguments in the examples have names of more than one letter."""
    trees = [ast.parse(block) for block in code_blocks(ROOT / document, "python")]
    stored = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Name | ast.arg)]
    names = [node.arg if isinstance(node, ast.arg) else node.id for node in stored]

    assert [name for name in names if len(name) == 1 and name != "_"] == []


def test_the_script_prints_the_rates(capsys: pytest.CaptureFixture[str]) -> None:
    """The script prints one line per kind of text."""
    texts.main([])

    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines()] == list(all_texts())
