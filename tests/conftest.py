"""What all tests share: the option that rewrites golden files, and how many examples hypothesis tries.

`pytest tests/unit/infra/test_fuzz.py --hypothesis-profile fuzz` tries more than 10,000 together.
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

_UNHURRIED = settings(deadline=None, suppress_health_check=list(HealthCheck))
settings.register_profile("quick", _UNHURRIED, max_examples=100)
settings.register_profile("fuzz", _UNHURRIED, max_examples=2500)
settings.load_profile("quick")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite golden files, for reading in review")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "lint_manifests: runs kube-score and checkov, which are brought when missing")


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
