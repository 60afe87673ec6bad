"""The language host: which Python runs a program, which plugins it needs, how the executor is called."""

import json
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from google.protobuf import struct_pb2
from pulumi.runtime.proto import language_pb2

from slipway.local.plugins.python_host.interpreter import (
    InterpreterError,
    Plugin,
    environment_of,
    plugins,
    python_of,
    served_elsewhere,
    site_packages,
)
from slipway.local.plugins.python_host.language import LanguageHost, executor_arguments


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in (".venv", "other"):
        (tmp_path / name / "bin").mkdir(parents=True)
        (tmp_path / name / "bin" / "python").touch()
        (tmp_path / name / "pyvenv.cfg").touch()
    return tmp_path


def test_the_named_virtual_environment_wins_over_the_toolchains(project: Path) -> None:
    options = {"toolchain": "uv", "virtualenv": "other"}
    assert python_of(project, options) == project / "other" / "bin" / "python"


def test_the_uv_toolchain_means_the_projects_venv(project: Path) -> None:
    assert python_of(project, {"toolchain": "uv"}) == project / ".venv" / "bin" / "python"


def test_a_missing_virtual_environment_is_named_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(InterpreterError, match=r"Pulumi\.yaml: .*no virtual environment at .*/nope;.*uv sync"):
        python_of(tmp_path, {"virtualenv": "nope"})


def test_without_options_the_first_python_on_path_is_taken(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = project / "path"
    first.mkdir()
    (first / "python3").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(first))
    assert python_of(project, {}) == first / "python3"


def test_a_program_runs_as_if_its_virtual_environment_were_active(project: Path) -> None:
    python = project / ".venv" / "bin" / "python"
    env = environment_of(python, {"PATH": "/bin", "PYTHONHOME": "/wrong", "KEPT": "1"})
    assert env == {"PATH": f"{python.parent}:/bin", "VIRTUAL_ENV": str(project / ".venv"), "KEPT": "1"}


def test_plugins_come_from_the_packages_that_name_a_resource_provider(project: Path) -> None:
    packages = project / ".venv" / "lib" / "python3.11" / "site-packages"
    for name, content in {
        "pulumi_kubernetes": {"resource": True, "name": "kubernetes", "version": "4.34.2"},
        "pulumi_nameless": {"resource": True, "server": "https://plugins.example"},
        "pulumi_policy": {"resource": False, "name": "policy"},
    }.items():
        (packages / name).mkdir(parents=True)
        (packages / name / "pulumi-plugin.json").write_text(json.dumps(content))
    found = list(plugins(site_packages(project / ".venv" / "bin" / "python")))
    assert found == [Plugin("kubernetes", "4.34.2", ""), Plugin("nameless", "", "https://plugins.example")]


@pytest.mark.parametrize(
    ("value", "names"),
    [("", set()), ("kubernetes:123", {"kubernetes"}), ("a:1, b:2", {"a", "b"}), ("nonsense", set())],
)
def test_providers_that_run_already_are_read_from_the_engines_variable(value: str, names: set[str]) -> None:
    assert served_elsewhere(value) == names


def test_the_executor_gets_what_is_known_and_the_project_folder_as_program() -> None:
    request = language_pb2.RunRequest(
        project="slipway",
        stack="local",
        pwd="/p",
        monitor_address="127.0.0.1:1",
        parallel=16,
        dryRun=True,
        args=["one"],
        info=language_pb2.ProgramInfo(root_directory="/p", options=struct_pb2.Struct()),
    )
    line = " ".join(executor_arguments(request, "127.0.0.1:2"))
    assert line == (
        "--monitor 127.0.0.1:1 --engine 127.0.0.1:2 --project slipway --root_directory /p --stack local --pwd /p "
        "--dry_run true --parallel 16 . one"
    )


def test_an_update_is_not_called_a_dry_run() -> None:
    assert "--dry_run" not in executor_arguments(language_pb2.RunRequest(parallel=1), "e")


class Call:
    """What a servicer needs of a gRPC call."""

    def add_callback(self, callback: Callable[[], object]) -> bool:
        return True

    def abort(self, code: grpc.StatusCode, details: str) -> None:
        raise RuntimeError(f"{code.name}: {details}")


def plugin(project: Path, kind: str, script: str = "") -> list[language_pb2.RunPluginResponse]:
    """Run a plugin of the project, whose interpreter is a script."""
    python = project / ".venv" / "bin" / "python"
    python.write_text(f"#!/bin/sh\n{script}\n")
    python.chmod(0o755)
    options = struct_pb2.Struct()
    options.update({"toolchain": "uv"})
    info = language_pb2.ProgramInfo(root_directory=str(project), program_directory=str(project), options=options)
    request = language_pb2.RunPluginRequest(
        pwd=str(project), args=["--flag", "engine:1"], env=["PATH=/bin", "GIVEN=a=b"], info=info, kind=kind
    )
    return list(LanguageHost("engine:1", Path("executor")).RunPlugin(request, Call()))


def test_a_policy_pack_runs_under_its_own_python_and_its_lines_are_passed_on(project: Path) -> None:
    said = plugin(project, "analyzer", 'echo "$*"; echo "$GIVEN" >&2; exit 3')
    assert said[-1].exitcode == 3
    lines = {(one.WhichOneof("output"), one.stdout or one.stderr) for one in said[:-1]}
    command = f"-u -m pulumi.policy --flag engine:1 {project}\n"
    assert lines == {("stdout", command.encode()), ("stderr", b"a=b\n")}


def test_other_plugins_are_refused(project: Path) -> None:
    with pytest.raises(RuntimeError, match="UNIMPLEMENTED: plugins of kind resource do not run here"):
        plugin(project, "resource")
