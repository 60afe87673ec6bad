"""What all integration tests share: a folder with specs and an environment of its own, taken down at the end."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.workbench import Workbench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    workbench = Workbench(tmp_path / "repo", f"t{uuid.uuid4().hex[:8]}")
    yield workbench
    down = workbench.run("down", workbench.environment, "--yes")
    assert down.returncode == 0, down.stdout + down.stderr
    assert workbench.objects() == set()
