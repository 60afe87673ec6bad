"""What all integration tests share: a folder with specs and an environment of its own, gone at the end."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.workbench import Workbench


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    workbench = Workbench(tmp_path / "repo", f"t{uuid.uuid4().hex[:8]}")
    yield workbench
    workbench.discard()
