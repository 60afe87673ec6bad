"""Whatever a person writes, the answer is a plan or a UserError with a whole message: never a traceback."""

import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from slipway_server.values.errors import BadRequest

from slipway.artifacts.golden_request import read_golden
from slipway.artifacts.onnx import find_artifact, read_artifact
from slipway.errors.base import UserError, each
from slipway.loading.specs import LoadedSpec, load_settings, load_spec_file
from slipway.planner.environment import plan
from slipway.reading.files import BadFile
from slipway.render.environment import render_environment
from slipway.render.image import render_dockerfile
from slipway.render.model import placeholder_image, render_model
from slipway.render.yaml import to_yaml
from slipway.settings.aws import AwsSettings
from slipway.settings.base import AnySettings
from tests.support.planned import CODE, FIXTURES

SPEC = (FIXTURES / "spec/ok/all-fields.yaml").read_text()
SETTINGS = (FIXTURES / "settings/ok/Pulumi.cloud.yaml").read_text()
AWS_SETTINGS = (FIXTURES / "settings/ok/Pulumi.eks.yaml").read_text()
CLOUD = load_settings(FIXTURES / "settings/ok", "cloud")
WEIGHTS = {path.stem: path.read_bytes() for path in (FIXTURES / "repo/weights").glob("*.onnx")}
GATEWAY_SETTINGS = [path.read_text() for path in sorted((FIXTURES / "gateway/settings").glob("*.yaml"))]
ROUTES = [path.read_text() for path in sorted((FIXTURES / "gateway/spec").glob("*.yaml"))]
OWN = load_settings(FIXTURES / "gateway/settings", "own")
PUBLIC = load_spec_file(FIXTURES / "gateway/spec/least.yaml", FIXTURES / "repo")
SCALED = [path.read_text() for path in sorted((FIXTURES / "scaling/spec").glob("*.yaml"))]
MEASURED = load_settings(FIXTURES / "scaling/settings", "measured")
MEASURED_SETTINGS = [path.read_text() for path in sorted((FIXTURES / "scaling/settings").glob("*.yaml"))]
SLEEPER = load_spec_file(FIXTURES / "scaling/spec/all-of-it.yaml", FIXTURES / "repo")
AWS_SPECS = [path.read_text() for path in sorted((FIXTURES / "aws/spec").glob("*.yaml"))]
FLEET = load_settings(FIXTURES / "aws/settings", "fleet")
LEAST = load_spec_file(FIXTURES / "spec/ok/least.yaml", FIXTURES / "repo")
LINEAR = find_artifact(FIXTURES / "repo/weights/linear.onnx", FIXTURES / "repo")

WORDS = st.sampled_from(
    [
        *("", "~", "null", "true", "no", "0", "-1", "1e999", "1e9999999999", ".inf", "0x10", "1_0", "9" * 30, "512Mi"),
        *("1m", "30s", "2024-01-01", "12:30:45", "<<", "*a", "&a", "!!int", "? ", "- ", "{", "[", "|", ">", "---"),
        *("%YAML 1.1", "..", "...", "\t", "\x00", "\ufeff", "\u2028", "\u0660", "\u0663s", "a" * 100, "\ue000name"),
        *("weights", "."),
    ]
)
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | WORDS | st.dates() | st.binary()
)
VALUES = st.recursive(
    LEAVES, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=8) | WORDS, v), max_leaves=4
)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with TemporaryDirectory() as name:
        yield Path(name)


def try_spec(folder: Path, data: bytes) -> None:
    path = folder / "model.yaml"
    path.write_bytes(data)
    try:
        loaded = load_spec_file(path, FIXTURES / "repo", ["cloud", "local"])
        for environment in ("cloud", "local"):
            for model in plan(environment, CLOUD, [loaded], CODE).models:
                manifests = render_model(model, placeholder_image(model))
                assert list(yaml.safe_load_all(to_yaml(manifests))) == manifests
    except UserError as error:
        assert_whole(error, path)


def try_settings(folder: Path, data: bytes, spec: LoadedSpec = LEAST) -> None:
    path = folder / "Pulumi.cloud.yaml"
    path.write_bytes(data)
    try:
        settings: AnySettings = load_settings(folder, "cloud")
        planned = plan("cloud", settings, [spec], CODE)
        render_environment(planned)
        for model in planned.models:
            to_yaml(render_model(model, placeholder_image(model)))
            render_dockerfile("onnxruntime", settings.base_image)
    except UserError as error:
        assert_whole(error, path)


def assert_whole(error: UserError, path: Path) -> None:
    for finding in each(error):
        text = str(finding)
        assert text.isprintable(), "a message is one line that a terminal can show"
        assert len(text) < 2000
        assert finding.problem
        assert finding.allowed
        assert finding.todo
        assert finding.place.file in (str(path), LEAST.file, PUBLIC.file, SLEEPER.file)


@st.composite
def mutated_values(draw: st.DrawFn, text: str) -> bytes:
    """A good document in which some values or keys became others."""
    document = yaml.safe_load(text)
    for _ in range(draw(st.integers(1, 3))):
        place: Any = document
        while isinstance(place, dict | list) and place:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            key = draw(st.sampled_from(keys))
            if not isinstance(place[key], dict | list) or draw(st.integers(0, 3)) == 0:
                break
            place = place[key]
        if not isinstance(place, dict | list) or not place:
            continue
        match draw(st.integers(0, 3)):
            case 0 if isinstance(place, dict):
                del place[key]
            case 1 if isinstance(place, dict):
                place[draw(st.text(max_size=8) | WORDS)] = draw(VALUES)
            case _:
                place[key] = draw(VALUES)
    return yaml.safe_dump(document, allow_unicode=draw(st.booleans())).encode()


@st.composite
def mutated_text(draw: st.DrawFn, text: str) -> bytes:
    """A good document with some characters cut out or put in."""
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 12)))
        text = text[:start] + draw(st.text(max_size=6) | WORDS) + text[end:]
    return text.encode(errors="surrogatepass")


@given(data=st.binary() | st.text().map(lambda text: text.encode()))
@example(data=b"[" * 100_000)
@example(data=b"a: " * 50_000)
@example(data=b"? " * 50_000)
@example(data=b"- " * 50_000)
@example(data=b"!" * 10_000)
@example(data=b"&" + b"a" * 100_000 + b" x")
@example(data=b'"' + b"\\U0010ffff" * 10_000)
def test_any_bytes_are_a_spec_or_refused(folder: Path, data: bytes) -> None:
    try_spec(folder, data)


@given(value=VALUES)
def test_any_structure_is_a_spec_or_refused(folder: Path, value: Any) -> None:
    try_spec(folder, yaml.safe_dump(value).encode())


@given(data=mutated_values(SPEC))
def test_a_spec_with_other_values_is_planned_or_refused(folder: Path, data: bytes) -> None:
    try_spec(folder, data)


@given(data=st.sampled_from(AWS_SPECS).flatmap(mutated_values))
def test_a_spec_by_capability_with_other_values_is_planned_or_refused(folder: Path, data: bytes) -> None:
    path = folder / "model.yaml"
    path.write_bytes(data)
    try:
        loaded = load_spec_file(path, FIXTURES / "repo")
        for model in plan("fleet", FLEET, [loaded], CODE).models:
            to_yaml(render_model(model, placeholder_image(model)))
    except UserError as error:
        assert_whole(error, path)


@given(data=st.sampled_from(SCALED).flatmap(lambda text: mutated_values(text) | mutated_text(text)))
def test_scaling_with_other_values_or_characters_is_planned_or_refused(folder: Path, data: bytes) -> None:
    path = folder / "model.yaml"
    path.write_bytes(data)
    try:
        loaded = load_spec_file(path, FIXTURES / "repo")
        for model in plan("measured", MEASURED, [loaded], CODE).models:
            manifests = render_model(model, placeholder_image(model))
            assert list(yaml.safe_load_all(to_yaml(manifests))) == manifests
            json.dumps(model.to_json())
    except UserError as error:
        assert_whole(error, path)


@given(data=st.sampled_from(MEASURED_SETTINGS).flatmap(lambda text: mutated_values(text) | mutated_text(text)))
def test_monitoring_with_other_values_or_characters_is_planned_or_refused(folder: Path, data: bytes) -> None:
    try_settings(folder, data, SLEEPER)


@given(data=st.sampled_from(ROUTES).flatmap(lambda text: mutated_values(text) | mutated_text(text)))
def test_a_route_with_other_values_or_characters_is_planned_or_refused(folder: Path, data: bytes) -> None:
    path = folder / "model.yaml"
    path.write_bytes(data)
    try:
        loaded = load_spec_file(path, FIXTURES / "repo")
        for model in plan("own", OWN, [loaded], CODE).models:
            manifests = render_model(model, placeholder_image(model))
            assert list(yaml.safe_load_all(to_yaml(manifests))) == manifests
            json.dumps(model.to_json())
    except UserError as error:
        assert_whole(error, path)


@st.composite
def mutated_bytes(draw: st.DrawFn, data: bytes) -> bytes:
    """A good file in which some bytes became others."""
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 4)))
        data = data[:start] + draw(st.binary(max_size=4)) + data[end:]
    return data


@given(weights=st.sampled_from(["linear", "apart", "lists"]).flatmap(lambda name: mutated_bytes(WEIGHTS[name])))
def test_an_onnx_file_with_other_bytes_is_an_artifact_or_refused(folder: Path, weights: bytes) -> None:
    path = folder / f"{abs(hash(weights))}.onnx"  # another name each time, so that no cache answers
    path.write_bytes(weights)
    try:
        read_artifact(path, folder)
    except BadFile as error:
        assert error.problem
    finally:
        path.unlink()


@given(body=st.binary() | VALUES.map(lambda value: json.dumps(value, default=str).encode()))
@example(body=b"[" * 100_000)
@example(body=b"1" * 10_000)
@example(body=b'{"input": [[1e999, 0, 0, 0]]}')
@example(body=b'{"image": "AAAA"}')
def test_any_golden_request_fits_or_is_refused(folder: Path, body: bytes) -> None:
    path = folder / "request.json"
    path.write_bytes(body)
    try:
        read_golden(path, "request.json", LINEAR, folder)
    except (BadRequest, UserError) as error:
        assert str(error)


@given(data=mutated_text(SPEC))
def test_a_spec_with_other_characters_is_planned_or_refused(folder: Path, data: bytes) -> None:
    try_spec(folder, data)


@given(data=mutated_values(AWS_SETTINGS) | mutated_text(AWS_SETTINGS))
def test_settings_of_aws_with_other_values_or_characters_are_planned_with_or_refused(folder: Path, data: bytes) -> None:
    try_settings(folder, data)


@given(value=st.dictionaries(st.sampled_from(list(AwsSettings.model_fields)), VALUES))
def test_settings_of_aws_with_any_values_are_refused(folder: Path, value: Any) -> None:
    document = {"config": {"slipway:environment": {**value, "kind": "aws"}}}
    path = folder / "Pulumi.cloud.yaml"
    path.write_bytes(yaml.safe_dump(document).encode())
    with pytest.raises(UserError) as refused:
        load_settings(folder, "cloud")
    assert_whole(refused.value, path)


@given(data=mutated_values(SETTINGS) | mutated_text(SETTINGS))
def test_settings_with_other_values_or_characters_are_planned_with_or_refused(folder: Path, data: bytes) -> None:
    try_settings(folder, data)


@given(data=st.sampled_from(GATEWAY_SETTINGS).flatmap(lambda text: mutated_values(text) | mutated_text(text)))
def test_settings_of_a_gateway_with_other_values_or_characters_are_planned_with_or_refused(
    folder: Path, data: bytes
) -> None:
    try_settings(folder, data, PUBLIC)
