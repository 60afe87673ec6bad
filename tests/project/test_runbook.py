"""Messages that the runbook quotes are messages that Slipway prints: one that was reworded is found by nobody."""

import ast
import re

import pytest

from tests.support.planned import ROOT

PAGE = (ROOT / "docs" / "how-to" / "runbook.md").read_text()
QUOTED = re.compile(r"^\| `([^`]+)`", re.MULTILINE)
BETWEEN = re.compile(r"\.\.\.|\b[A-Z]+\b(?:/[A-Z]+)*|\d+|: ")
"""What stands for a value in a quotation: dots, words in capitals, numbers; a colon may join two messages."""


def printed() -> str:
    """Every string of the sources, values of formatted ones replaced by a mark."""
    found = []
    for path in [*(ROOT / "infra").rglob("*.py"), *(ROOT / "server" / "src").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = (part.value if isinstance(part, ast.Constant) else "\0" for part in node.values)
                found.append("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return "\n".join(found)


PRINTED = printed()


@pytest.mark.parametrize("quoted", QUOTED.findall(PAGE))
def test_a_quoted_message_is_printed(quoted: str) -> None:
    parts = [part.strip(" :,()") for part in BETWEEN.split(quoted)]
    parts = [part for part in parts if len(part) > 2]
    assert parts
    assert [part for part in parts if part not in PRINTED] == []


def test_a_message_that_nothing_prints_is_found() -> None:
    assert "was paused by somebody else" not in PRINTED
