"""An empty stack made without the CLI: only in a folder that the CLI has used, never over one that is there."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from slipway.engine.new_stack import made


@pytest.fixture
def backend(tmp_path: Path) -> Path:
    (tmp_path / ".pulumi/stacks/slipway").mkdir(parents=True)
    (tmp_path / ".pulumi/meta.yaml").write_text("version: 1\nencryptionsalt: v1:abc\n")
    return tmp_path


def stack_file(backend: Path, name: str = "local.digits") -> Path:
    return backend / ".pulumi/stacks/slipway" / f"{name}.json"


def test_the_stack_is_empty_and_says_its_full_name(backend: Path) -> None:
    assert made(f"file://{backend}", "slipway", "local.digits") is True
    empty = json.loads(stack_file(backend).read_text())
    assert empty == {"version": 3, "checkpoint": {"stack": "organization/slipway/local.digits"}}
    assert [file.name for file in stack_file(backend).parent.iterdir()] == ["local.digits.json"]


@pytest.mark.parametrize("ending", ["", ".gz", ".zst"])
def test_a_stack_that_is_there_stays_as_it_is(backend: Path, ending: str) -> None:
    there = stack_file(backend).with_name(f"local.digits.json{ending}")
    there.write_text("resources")
    assert made(f"file://{backend}", "slipway", "local.digits") is False
    assert {file.name: file.read_text() for file in there.parent.iterdir()} == {there.name: "resources"}


def test_many_at_once_make_one_stack_each(backend: Path) -> None:
    names = [f"local.m{number}" for number in range(20)]
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda name: made(f"file://{backend}", "slipway", name), names))
    assert sorted(file.stem for file in stack_file(backend).parent.iterdir()) == sorted(names)


@pytest.mark.parametrize("address", ["", "s3://bucket", "file://{}?no_tmp_dir=true", "file://~", "https://{}", "{}"])
def test_other_backends_are_left_to_the_cli(backend: Path, address: str) -> None:
    assert made(address.format(backend), "slipway", "local.digits") is None
    assert not stack_file(backend).exists()


@pytest.mark.parametrize("meta", [None, "", "version: 0\n", "version: 10\n", "garbage"])
def test_a_folder_in_another_layout_is_left_to_the_cli(backend: Path, meta: str | None) -> None:
    (backend / ".pulumi/meta.yaml").unlink()
    if meta is not None:
        (backend / ".pulumi/meta.yaml").write_text(meta)
    assert made(f"file://{backend}", "slipway", "local.digits") is None
    assert not stack_file(backend).exists()


def test_the_first_stack_of_a_project_is_left_to_the_cli(backend: Path) -> None:
    assert made(f"file://{backend}", "other", "local") is None
