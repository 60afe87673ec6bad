"""The wheel, built, installed into a bare environment and used in a folder that knows nothing of this repository.

Packages come from uv's cache, and from the index where the cache lacks one.
"""

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from uv import find_uv_bin

from tests.support.planned import ROOT

MINIMAL = {name: os.environ[name] for name in ("PATH", "HOME", "SSL_CERT_FILE") if name in os.environ}
LIMIT_S = 120


def ran(command: list[str], folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """A command that ended well, in an environment that names nothing of the one that runs the tests."""
    run = subprocess.run(
        command, cwd=folder, env=MINIMAL | variables, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )
    assert run.returncode == 0, f"{command}: {run.stdout[-2000:]}{run.stderr[-2000:]}"
    return run


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, by way of the source distribution, as a release makes it."""
    folder = tmp_path_factory.mktemp("dist")
    ran([find_uv_bin(), "build", "--quiet", "--out-dir", str(folder), str(ROOT)], folder, UV_SYSTEM_CERTS="true")
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment in which the wheel and what it requires are, by the versions of uv.lock."""
    folder = tmp_path_factory.mktemp("bare")
    export = ["export", "--frozen", "--no-dev", "--no-emit-project", "--no-hashes", "--quiet", "--project", str(ROOT)]
    locked = folder / "locked.txt"
    locked.write_text(ran([find_uv_bin(), *export], folder).stdout)
    ran([find_uv_bin(), "venv", "--quiet", "--python", sys.executable, str(folder / "venv")], folder)
    interpreter = folder / "venv/bin/python"
    install = [find_uv_bin(), "pip", "install", "--quiet", "--python", str(interpreter), "--constraint", str(locked)]
    ran([*install, str(wheel)], folder, UV_SYSTEM_CERTS="true")
    return interpreter


@pytest.fixture(scope="module")
def project(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that `slipway init` wrote, beside a package `infra` of the person's own."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "infra").mkdir()
    (folder / "infra/__init__.py").write_text("raise ImportError('this is not Slipway')\n")
    slipway(python, folder, "init", "--name", "mine")
    return folder


def slipway(python: Path, folder: Path, *arguments: str) -> str:
    return ran([str(python.parent / "slipway"), *arguments], folder).stdout


def test_nothing_but_our_packages_is_at_the_top(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert wheel.name.startswith("slipway_ml-")
    top = {name.split("/")[0] for name in names}
    ours = {f"slipway{name}" for name in ("", "_edge", "_judge", "_keys", "_server", "_upstream", "_weights")}
    assert top == {*ours, f"slipway_ml-{wheel.name.split('-')[1]}.dist-info"}
    assert not [name for name in names if "/.venv/" in name or name.endswith(".pyc") or "Pulumi.prod" in name]


def test_every_file_that_git_knows_of_the_packages_and_their_resources_is_in_the_wheel(wheel: Path) -> None:
    """Of what is read beside the modules nothing is left out, whatever kind of file is added."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no checkout of git")
    there = set(zipfile.ZipFile(wheel).namelist())
    known = ran(["git", "ls-files", "infra/slipway", "server/src", "templates", "policy"], ROOT).stdout.splitlines()
    moved = {"infra/slipway/": "slipway/", "server/src/": "", "": "slipway/resources/"}
    for path in known:
        old, new = next((old, new) for old, new in moved.items() if path.startswith(old))
        assert new + path.removeprefix(old) in there, path


def test_a_project_requires_the_wheel_that_wrote_it(project: Path, wheel: Path) -> None:
    written = tomllib.loads((project / "pyproject.toml").read_text())
    assert written["project"]["name"] == "mine"
    assert written["project"]["dependencies"] == [f"slipway-ml @ file://{wheel}"]


def test_specs_are_checked_and_rendered_without_the_repository(python: Path, project: Path) -> None:
    assert "ok  local: model digits" in slipway(python, project, "validate")
    assert "kind: Deployment" in slipway(python, project, "render", "local")
    schema = json.loads(slipway(python, project, "schema", "spec"))
    assert {"artifact", "runtime", "resources"} <= set(schema["properties"])
    assert not (project / "docs").exists()


def test_releases_are_those_of_a_checkout(python: Path, project: Path) -> None:
    ours = ran([str(Path(sys.executable).parent / "slipway"), "plan", "local", "--json"], project).stdout
    assert json.loads(slipway(python, project, "plan", "local", "--json")) == json.loads(ours)
    assert len(json.loads(ours)["models"]) == 1


def test_a_file_that_was_removed_is_said_and_nothing_is_planned(python: Path, project: Path) -> None:
    server = Path(ran([str(python), "-c", "import slipway_server as s; print(s.__file__)"], project).stdout.strip())
    removed = server.parent / "http/heavy.py"
    content = removed.read_bytes()
    removed.unlink()
    try:
        command = [str(python.parent / "slipway"), "plan", "local"]
        run = subprocess.run(command, cwd=project, env=MINIMAL, capture_output=True, text=True, timeout=60, check=False)
    finally:
        removed.write_bytes(content)
    assert run.returncode == 3
    assert f"{removed} is missing" in run.stderr
    assert not run.stdout


def test_the_program_is_found_though_the_project_has_a_package_infra(python: Path, project: Path) -> None:
    """As the Python host runs it: the project's folder is first on the path."""
    code = "import runpy, sys; sys.path.insert(0, '.'); import slipway.by_hand as by_hand; "
    code += "by_hand.run = lambda: print('ran'); runpy.run_path('.', run_name='__main__')"
    assert ran([str(python), "-c", code], project).stdout == "ran\n"


def test_the_policy_pack_finds_the_rules_of_an_installed_slipway(python: Path, project: Path) -> None:
    """The pack runs in an environment of its own, whose pulumi-policy is not here: its place is taken."""
    code = """
import runpy, sys, types
pack = types.ModuleType("pulumi_policy")
proxy = types.ModuleType("pulumi_policy.proxy")
pack.EnforcementLevel = types.SimpleNamespace(MANDATORY=1)
pack.ResourceValidationPolicy = pack.StackValidationPolicy = lambda name, *_: name
pack.PolicyPack = lambda name, policies, level: print(name, len(policies))
proxy.UnknownValueError = KeyError
sys.modules |= {"pulumi_policy": pack, "pulumi_policy.proxy": proxy}
runpy.run_path(sys.argv[1], run_name="__main__")
"""
    folder = ran(
        [str(python), "-c", "from slipway.installation import resource as r; print(r('policy'))"], project
    ).stdout
    name, count = ran([sys.executable, "-I", "-S", "-c", code, folder.strip()], project).stdout.split()
    assert name == "slipway"
    assert int(count) > 10
