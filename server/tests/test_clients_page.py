"""The examples of docs/how-to/clients.md and grpc.md give what stands below them."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import processes
import pytest
from processes import ROOT, Server

EXAMPLE = re.compile(r"```(python|sh)\n(.*?)```\n\n```text\n(.*?)```", re.DOTALL)
EXAMPLES = [
    example
    for page in ("clients", "grpc")
    for example in EXAMPLE.findall((ROOT / f"docs/how-to/{page}.md").read_text())
]
GRPC_PORT = processes.free_port()
COMMANDS = {"python": [sys.executable, "-"], "sh": ["sh", "-e"]}


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    config = processes.digits_config(grpc={"port": GRPC_PORT})
    with processes.running(config, tmp_path_factory.mktemp("page")) as server:
        yield server


def test_the_pages_have_examples() -> None:
    assert [kind for kind, _, _ in EXAMPLES] == ["sh", "sh", "sh", "python", "python", "python"]


@pytest.mark.parametrize(("kind", "code", "printed"), EXAMPLES)
def test_an_example_prints_what_the_page_says(serving: Server, kind: str, code: str, printed: str) -> None:
    run = subprocess.run(
        COMMANDS[kind],
        check=False,
        input=code,
        cwd=ROOT,
        env={**os.environ, "URL": f"http://127.0.0.1:{serving.port}", "TARGET": f"127.0.0.1:{GRPC_PORT}"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (run.stdout.rstrip(), run.returncode) == (printed.rstrip(), 0), run.stderr
