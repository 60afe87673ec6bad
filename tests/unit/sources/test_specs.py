"""A spec names weights elsewhere, and what is planned from it is what the same bytes in the repository give."""

import hashlib
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
from click.testing import CliRunner
from onnx import TensorProto, helper
from onnx.external_data_helper import convert_model_to_external_data

from slipway.cli.group import cli
from slipway.components.image.build_context import planned_context
from slipway.errors.base import UserError, UserErrors, each
from slipway.errors.images import FileChanged
from slipway.loading.specs import LoadedSpec, load_settings, load_spec_file
from slipway.planner.environment import ModelPlan, plan
from slipway.sources.address import parse_address
from slipway.sources.cache import Cache
from slipway.sources.store import Store
from tests.support.planned import CODE, FIXTURES
from tests.support.weights_server import Server
from tests.unit.sources.conftest import QUICK

LEAST = (FIXTURES / "spec/ok/least.yaml").read_text()
WRITTEN = "artifact: {source: weights/linear.onnx}\n"
LINEAR = (FIXTURES / "repo/weights/linear.onnx").read_bytes()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose repository has the golden request, and the weights as models/model.onnx."""
    folder = tmp_path / "project"
    shutil.copytree(FIXTURES / "repo/checks", folder / "checks")
    (folder / "models").mkdir()
    (folder / "models/model.onnx").write_bytes(LINEAR)
    (folder / "Pulumi.yaml").write_text("name: test\nruntime: python\n")
    return folder


def spec(project: Path, artifact: str, more: str = "") -> Path:
    assert WRITTEN in LEAST
    path = project / "models/least.yaml"
    path.write_text(LEAST.replace(WRITTEN, f"artifact: {artifact}\n") + more)
    return path


def load(project: Path, artifact: str, store: Store, more: str = "") -> LoadedSpec:
    return load_spec_file(spec(project, artifact, more), project, ["cloud", "local"], store)


def planned(loaded: LoadedSpec) -> ModelPlan:
    settings = load_settings(FIXTURES / "settings/ok", "local")
    return plan("local", settings, [loaded], CODE).models[0]


def refused(project: Path, artifact: str, store: Store) -> UserError:
    with pytest.raises(UserErrors) as found:
        load(project, artifact, store)
    (one,) = each(found.value)
    assert one.place.line == 5
    assert one.exit_code == 1
    return one


def test_the_same_bytes_from_elsewhere_are_the_same_release(project: Path, server: Server, store: Store) -> None:
    server.answers["/digits-v3.onnx"] = lambda it: it.send(LINEAR)
    here = planned(load(project, "{source: models/model.onnx}", store))
    there = planned(load(project, f"{{source: {server.url}/digits-v3.onnx, sha256: {sha256(LINEAR)}}}", store))
    assert there.release_digest == here.release_digest
    assert there.image.inputs_digest == here.image.inputs_digest
    assert there.origin == replace(here.origin, spec=there.origin.spec)
    assert there.origin.spec != here.origin.spec


def test_what_goes_into_the_image_is_verified_again(project: Path, server: Server, store: Store) -> None:
    server.answers["/model.onnx"] = lambda it: it.send(LINEAR)
    found = planned(load(project, f"{{source: {server.url}/model.onnx, sha256: {sha256(LINEAR)}}}", store))
    weights = [file for file in found.image.files if file.context_path == "model/model.onnx"]
    assert planned_context(weights, lambda: "FROM scratch").read()
    weights[0].source.chmod(0o644)
    weights[0].source.write_bytes(b"changed")
    with pytest.raises(FileChanged):
        planned_context(weights, lambda: "FROM scratch")


def test_another_digest_names_both_in_the_line_of_the_spec(project: Path, server: Server, store: Store) -> None:
    server.answers["/model.onnx"] = lambda it: it.send(LINEAR)
    one = refused(project, f"{{source: {server.url}/model.onnx, sha256: {'0' * 64}}}", store)
    assert one.field == "artifact.sha256"
    assert "0" * 64 in str(one)
    assert sha256(LINEAR) in str(one)


def test_what_cannot_be_had_or_is_no_onnx_is_refused_in_the_line_of_the_spec(
    project: Path, server: Server, store: Store
) -> None:
    server.answers["/403"] = lambda it: it.status(403)
    server.answers["/text"] = lambda it: it.send(b"no onnx")
    one = refused(project, f"{{source: {server.url}/403, sha256: {'0' * 64}}}", store)
    assert one.field == "artifact.source"
    assert "answers 403" in one.problem
    assert "netrc" in one.todo
    two = refused(project, f"{{source: {server.url}/text, sha256: {sha256(b'no onnx')}}}", store)
    assert "is not ONNX" in two.problem


def with_external_data(folder: Path) -> tuple[bytes, bytes]:
    """The bytes of an ONNX file and of its external data, weights.bin."""
    weights = helper.make_tensor("w", TensorProto.FLOAT, [4, 2], bytes(32), raw=True)
    node = helper.make_node("MatMul", ["x", "w"], ["label"])
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])
    y = helper.make_tensor_value_info("label", TensorProto.FLOAT, ["n", 2])
    graph = helper.make_graph([node], "g", [x], [y], [weights])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    convert_model_to_external_data(model, location="weights.bin", size_threshold=0)
    folder.mkdir()
    onnx.save(model, str(folder / "any.onnx"))
    return (folder / "any.onnx").read_bytes(), (folder / "weights.bin").read_bytes()


def test_external_data_is_fetched_by_name_and_digest(
    project: Path, server: Server, store: Store, tmp_path: Path
) -> None:
    graph, weights = with_external_data(tmp_path / "external")
    server.answers["/a/digits.onnx"] = lambda it: it.send(graph)
    server.answers["/a/weights.bin"] = lambda it: it.send(weights)
    (project / "checks/two.json").write_text('{"inputs": {"x": [[1, 2, 3, 4]]}}')
    source = f"source: {server.url}/a/digits.onnx, sha256: {sha256(graph)}"
    assert "add it to artifact.external_data: {weights.bin: SHA256}" in refused(project, f"{{{source}}}", store).todo
    both = f"weights.bin: {sha256(weights)}, other.bin: {sha256(weights)}"
    server.answers["/a/other.bin"] = server.answers["/a/weights.bin"]
    other = refused(project, f"{{{source}, external_data: {{{both}}}}}", store)
    assert "is no external data of the ONNX file" in other.problem
    path = spec(project, f"{{{source}, external_data: {{weights.bin: {sha256(weights)}}}}}")
    path.write_text(path.read_text().replace("linear.json, expect: {label: 1}", "two.json, expect: {label: [[0, 0]]}"))
    files = load_spec_file(path, project, None, store).base.artifact.files
    assert [(file.name, file.sha256) for file in files] == [
        ("model.onnx", sha256(graph)),
        ("weights.bin", sha256(weights)),
    ]


def test_an_environment_may_have_other_weights(project: Path, server: Server, store: Store) -> None:
    server.answers["/model.onnx"] = lambda it: it.send(LINEAR)
    address = f"{server.url}/model.onnx"
    more = f"environments: {{local: {{artifact: {{source: '{address}', sha256: {sha256(LINEAR)}}}}}}}\n"
    loaded = load(project, "{source: models/model.onnx}", store, more)
    base, local, cloud = (one.spec.artifact for one in (loaded.base, loaded.variant("local"), loaded.variant("cloud")))
    assert base is not None
    assert base.address is None
    assert local is not None
    assert local.source == address
    assert cloud == base


@pytest.fixture
def folders(project: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    settings = project / "stacks"
    settings.mkdir()
    monkeypatch.chdir(project)
    return ["--models", str(project / "models"), "--settings", str(settings)]


def test_fetch_fills_the_cache_and_validate_then_needs_no_network(
    project: Path, server: Server, folders: list[str]
) -> None:
    server.answers["/model.onnx"] = lambda it: it.send(LINEAR)
    path = spec(project, f"{{source: {server.url}/model.onnx, sha256: {sha256(LINEAR)}}}")
    validate = ["validate", str(path), *folders]
    early = CliRunner().invoke(cli, [*validate, "--offline"])
    assert isinstance(early.exception, UserErrors)
    assert "--offline fetches nothing" in str(early.exception)
    fetched = CliRunner().invoke(cli, ["fetch", *folders])
    assert fetched.stdout == f"ok  least: {server.url}/model.onnx\n"
    assert CliRunner().invoke(cli, [*validate, "--offline"]).exit_code == 0
    assert len(server.asked) == 1


def test_fetch_prints_what_a_spec_says_of_an_address(server: Server, folders: list[str]) -> None:
    server.answers["/model.onnx"] = lambda it: it.send(LINEAR)
    found = CliRunner().invoke(cli, ["fetch", f"{server.url}/model.onnx", *folders])
    assert found.stdout == f"artifact:\n  source: {server.url}/model.onnx\n  sha256: {sha256(LINEAR)}\n"
    bad = CliRunner().invoke(cli, ["fetch", "https://anna:hunter2@example.com/x", *folders])
    assert "before the host" in str(bad.exception)
    assert "hunter2" not in bad.output + str(bad.exception)


def test_fetch_needs_only_what_it_is_asked_for(project: Path, server: Server, folders: list[str]) -> None:
    server.answers["/model.onnx"] = lambda it: it.send(LINEAR)
    spec(project, f"{{source: {server.url}/model.onnx, sha256: {sha256(LINEAR)}}}")
    (project / "models/half-written.yaml").write_text("name: half\nartifact:\n")
    assert CliRunner().invoke(cli, ["fetch", "least", *folders]).exit_code == 0
    unknown = CliRunner().invoke(cli, ["fetch", "lest", *folders])
    assert "did you mean least?" in str(unknown.exception)
    everything = CliRunner().invoke(cli, ["fetch", *folders])
    assert isinstance(everything.exception, UserError)
    assert "half-written.yaml" in str(everything.exception)


def test_two_runs_at_once_fetch_a_file_once(server: Server, cache: Cache) -> None:
    server.answers["/model.onnx"] = lambda it: it.send(LINEAR)
    address = parse_address(f"{server.url}/model.onnx")
    with ThreadPoolExecutor(4) as runs:
        found = list(runs.map(lambda _: Store(cache, limits=QUICK).bring(address, sha256(LINEAR)), range(4)))
    assert len(set(found)) == 1
    assert len(server.asked) == 1
