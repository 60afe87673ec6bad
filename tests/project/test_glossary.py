"""Messages and help do not use the words that the glossary gives up for others."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from slipway.cli import cli
from tests.support.planned import ROOT

GLOSSARY = (ROOT / "docs" / "glossary.md").read_text()
LIBRARY = ROOT / "infra" / "slipway"
ELSEWHERE = {"local", "rehearsal"}
"""Programs beside the command; the rehearsal's words are those of its stand-ins."""

FORBIDDEN = sorted({word for line in GLOSSARY.splitlines() for word in re.findall(r"\*\*([a-z ]+)\*\*", line)})


def texts(source: str) -> Iterator[str]:
    """The sentences that a module may print: its strings of several words, docstrings left out.

    Of a formatted string, the values are left out.
    """
    tree = ast.parse(source)
    alone = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " in node.value.strip():
            if id(node) in alone:
                continue
            yield node.value


def used(text: str) -> list[str]:
    """The forbidden words in a text; those in names (`budget-at-rest`) and code (`a_lack`) do not count."""
    return [word for word in FORBIDDEN if re.search(rf"(?<![\w`-]){word}(?![\w`-])", text, re.IGNORECASE)]


def modules() -> list[Path]:
    return [path for path in sorted(LIBRARY.rglob("*.py")) if path.relative_to(LIBRARY).parts[0] not in ELSEWHERE]


def test_the_glossary_gives_words_up() -> None:
    assert {"room", "settle", "excepted", "taken away"} <= set(FORBIDDEN)


def test_a_forbidden_word_is_found() -> None:
    source = 'def f():\n    """Make room."""\n    raise ValueError(f"no room for {model} in budget-at-rest")\n'
    assert [used(text) for text in texts(source)] == [["room"], []]


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(LIBRARY)))
def test_no_message_uses_a_forbidden_word(path: Path) -> None:
    assert {text: found for text in texts(path.read_text()) if (found := used(text))} == {}


@pytest.mark.parametrize("name", sorted(cli.commands))
def test_no_help_uses_a_forbidden_word(name: str) -> None:
    command = cli.commands[name]
    helps = [option.help or "" for option in command.params if isinstance(option, click.Option)]
    assert used(" ".join([command.help or "", *helps])) == []
