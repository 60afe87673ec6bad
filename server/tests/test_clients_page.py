"""The examples of docs/how-to/clients.md give what stands below them."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import processes
import pytest
from processes import ROOT, Server

PAGE = (ROOT / "docs" / "how-to" / "clients.md").read_text()
EXAMPLES = re.findall(r"```(python|sh)\n(.*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = {"python": [sys.executable, "-"], "sh": ["sh", "-e"]}


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with processes.running(processes.digits_config(), tmp_path_factory.mktemp("page")) as server:
        yield server


def test_the_page_has_examples() -> None:
    assert [kind for kind, _, _ in EXAMPLES] == ["sh", "sh", "sh", "python", "python"]


@pytest.mark.parametrize(("kind", "code", "printed"), EXAMPLES)
def test_an_example_prints_what_the_page_says(serving: Server, kind: str, code: str, printed: str) -> None:
    run = subprocess.run(
        COMMANDS[kind],
        check=False,
        input=code,
        cwd=ROOT,
        env={**os.environ, "URL": f"http://127.0.0.1:{serving.port}"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (run.stdout.rstrip(), run.returncode) == (printed.rstrip(), 0), run.stderr
