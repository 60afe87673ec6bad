"""What all tests share: the option that rewrites golden files, and what is left out without AWS's packages."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.needs_aws import NOT_HERE, REASON

_NEEDS_AWS = re.compile(
    r"^(?:from|import) (?:boto3|botocore|moto|pulumi_aws|slipway\.components\.aws|slipway\.rehearsal"
    r"|slipway\.local\.plugins\.aws|tests\.support\.(?:sdk|aws_runs|made_in_aws|karpenter_room))\b",
    re.MULTILINE,
)
_left_out: list[Path] = []


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out what stands on AWS's packages where `make up` alone was run, which does not bring them."""
    file = collection_path / "conftest.py" if collection_path.is_dir() else collection_path
    if not NOT_HERE or file.suffix != ".py" or not file.is_file() or not _NEEDS_AWS.search(file.read_text()):
        return None
    _left_out.append(collection_path)
    return True


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was left out: a run that passed without it has not passed everything."""
    if _left_out:
        names = " ".join(str(path.relative_to(Path(__file__).parent)) for path in _left_out)
        terminalreporter.section("left out")
        terminalreporter.line(f"{REASON}; not run: {names}")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite golden files, for reading in review")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Compare a text with a golden file byte for byte, or write the file with --update-golden."""

    def check(path: Path, text: str) -> None:
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        assert path.is_file(), f"{path} is missing; write it with: pytest --update-golden"
        assert text == path.read_text(), f"{path} is stale; if the change is meant: pytest --update-golden"

    return check
