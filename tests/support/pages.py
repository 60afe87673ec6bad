"""Take out of a page what a reader does by it: commands to run, and lines to write into files.

A block of commands begins with the name of a program; one whose first line is a comment with a file's name
(`# stacks/Pulumi.dev.yaml, pool cpu`) is for that file. All other blocks are examples.
"""

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

ACCOUNT_ONLY = "# account only"
"""Ends the line of a command that only a real account can show, for readers too."""
_PROGRAMS = ("aws", "curl", "docker", "export", "jq", "kubectl", "pulumi", "slipway", ".venv/bin/uv")
_BLOCK = re.compile(r"(?:^ {4,}.*\n|^\n(?= {4}))+", re.MULTILINE)
_FILE = re.compile(r"# (\S+\.yaml)(?:, pool (\S+))?")


@dataclass(frozen=True)
class Command:
    """A command as one line. `section`: the heading that it stands below; `code`: the exit code that the page says."""

    section: str
    text: str
    marked: bool
    code: int


@dataclass(frozen=True)
class Edit:
    """Lines for a file of YAML. `pool`: the node pool that they are for, None for the file's own fields."""

    section: str
    file: str
    pool: str | None
    text: str


def steps(page: str) -> Iterator[Command | Edit]:
    """All of a page's, in its order."""
    for part in re.split(r"^## ", page, flags=re.MULTILINE)[1:]:
        section, _, body = part.partition("\n")
        for found in _BLOCK.finditer(body):
            block = textwrap.dedent(found[0]).strip()
            first = block.splitlines()[0]
            if named := _FILE.fullmatch(first):
                yield Edit(section, named[1], named[2], block.partition("\n")[2])
            elif first.split()[0] in _PROGRAMS:
                yield from _commands(section, block)


def _commands(section: str, block: str) -> Iterator[Command]:
    for line in block.replace("\\\n", " ").splitlines():
        if not line.strip():
            continue
        text, _, comment = re.sub(r"  +", " ", line).partition(" # ")
        code = re.search(r"the exit code is (\d+)", comment)
        yield Command(section, text.strip(), line_is_marked(line), int(code[1]) if code else 0)


def line_is_marked(line: str) -> bool:
    """Whether a line says that only an account shows what it does."""
    return ACCOUNT_ONLY in line
