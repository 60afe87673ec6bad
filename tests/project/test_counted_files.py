"""What an addition costs: a field of a spec, an object of a model and a runtime each touch few files.

Each is added for real, to a copy of the source, and used by `slipway` as it runs from there. Not counted: what
`slipway schema` generates, tests and goldens.
"""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.source_copy import CHANGELOG, Edit, SourceCopy

FIELD = [
    Edit(
        "infra/slipway/spec/endpoint.py",
        """    @model_validator(mode="after")
    def _a_body_fits""",
        """    audience: Literal["team", "company"] | None = Field(
        default=None,
        description="Who may use the model; nobody says when left out.",
        examples=["team"],
        exclude_if=lambda value: value is None,
    )

    @model_validator(mode="after")
    def _a_body_fits""",
    ),
    Edit(
        "infra/slipway/render/model.py",
        '        "description": spec.description,\n',
        '        "description": spec.description,\n        "audience": spec.endpoint.audience,\n',
    ),
    Edit(
        "templates/kubernetes/model/service.yaml.j2",
        "    {% if service_exceptions is not none %}\n",
        "    {% if audience is not none %}\n"
        "    slipway.dev/audience: {{ audience | tojson }}\n"
        "    {% endif %}\n"
        "    {% if service_exceptions is not none %}\n",
    ),
    Edit("templates/docs/spec.md", "- **CPU**:", "- **endpoint.audience** stands on the Service.\n- **CPU**:"),
    CHANGELOG,
]

OBJECT = [
    Edit(
        "infra/slipway/render/objects.py",
        ')\n"""In the order in which they are rendered',
        '''    ObjectTemplate(
        kind="LimitRange",
        api_version="v1",
        plural="limitranges",
        template="limit_range",
        about="keeps others' pods small",
        phase=Phase.BEFORE_PODS,
    ),
)
"""In the order in which they are rendered''',
    ),
    Edit(
        "templates/kubernetes/model/limit_range.yaml.j2",
        "",
        """apiVersion: v1
kind: LimitRange
metadata:
  name: {{ name | tojson }}
  namespace: {{ namespace | tojson }}
  labels: {{ labels | tojson }}
spec:
  limits:
    - type: Pod
      max: {{ resources | tojson }}
""",
    ),
    CHANGELOG,
]

RUNTIME = [
    Edit(
        "infra/slipway/runtimes/echo.py",
        "",
        '''"""A runtime that answers what it is asked."""

import json
from pathlib import Path
from typing import Any

from slipway.artifacts import memory
from slipway.artifacts.around import Around
from slipway.artifacts.golden_request import read_golden
from slipway.artifacts.onnx import Fetched, Found, find_artifact
from slipway.runtimes.base import Answer, ImageRecipe, Served
from slipway.runtimes.defaults import Defaults


class Echo(Defaults):
    name = "echo"
    formats = ("onnx",)
    signature_in_lock = False
    accelerators = ("cpu", "gpu")
    image = ImageRecipe(
        requirements="server/requirements.txt",
        package="slipway_server",
        weights="/weights",
        command=("python3", "-m", "echo"),
    )
    image_bytes = 2**20
    server_start_s = 5.0
    port = 9000
    environment = ({"name": "ECHO_CONFIG", "value": "/etc/slipway/server.json"},)
    ready_path = "/ready"
    live_path = "/live"
    predict_path = "/echo"
    body_least = 2**20

    def find_weights(self, path: Path, root: Path, fetched: Fetched | None = None) -> Found:
        return find_artifact(path, root, fetched)

    def read_golden(self, path: Path, file: str, found: Found, root: Path, around: Around | None = None) -> Any:
        return read_golden(path, file, found, root, around)

    def needed_memory(self, weights: int, max_body: int = 0) -> int:
        return weights + max_body

    def carried_body(self, memory: int, weights: int) -> int:
        return memory - weights

    def default_max_body(self, memory: int, weights: int) -> int:
        return 2**20

    def configuration(self, served: Served) -> dict[str, Any]:
        return {
            "model": {"name": served.name, "version": served.version},
            "echo": served.weights,
            "check": served.check.section(),
        }

    def body(self, request: Any) -> bytes:
        return json.dumps(request).encode()

    def answer(self, data: bytes, names: object) -> Answer:
        return Answer("", json.loads(data))
'''.replace("from slipway.artifacts import memory\n", ""),
    ),
    Edit(
        "infra/slipway/runtimes/registry.py",
        "from slipway.runtimes.onnxruntime import OnnxRuntime\n",
        "from slipway.runtimes.echo import Echo\nfrom slipway.runtimes.onnxruntime import OnnxRuntime\n",
    ),
    Edit("infra/slipway/runtimes/registry.py", "    OnnxRuntime(),\n", "    OnnxRuntime(),\n    Echo(),\n"),
    CHANGELOG,
]


@pytest.fixture
def source(tmp_path: Path) -> SourceCopy:
    return SourceCopy(tmp_path)


def _spec(source: SourceCopy, old: str, new: str) -> None:
    source.apply([Edit("models/digits.yaml", old, new)])


def _objects(source: SourceCopy) -> dict[str, Any]:
    documents = yaml.safe_load_all(source.well("render", "local"))
    return {manifest["kind"]: manifest for manifest in documents if manifest["metadata"]["name"].startswith("digits")}


def test_a_field_of_a_spec_touches_seven_files_at_most(source: SourceCopy) -> None:
    before = source.plan()
    touched = source.apply(FIELD)
    assert len(touched) <= 7, touched
    assert source.generate() == {"docs/reference/spec.md", "docs/reference/schema/spec.json"}
    assert source.plan() == before, "who does not use the field has the same release"
    _spec(source, "timeout: 10s,", "timeout: 10s, audience: team,")
    source.well("validate")
    assert source.plan()["release"] != before["release"]
    assert _objects(source)["Service"]["metadata"]["annotations"]["slipway.dev/audience"] == "team"
    _spec(source, "audience: team", "audience: everybody")
    wrong = source.slipway("validate")
    assert wrong.returncode == 1
    assert "models/digits.yaml:10: endpoint.audience" in wrong.stderr
    assert "allowed: team, company" in wrong.stderr


def test_an_object_of_a_model_touches_three_files_at_most(source: SourceCopy) -> None:
    touched = source.apply(OBJECT)
    assert len(touched) <= 3, touched
    assert source.generate() == {"docs/reference/objects.md"}
    source.well("validate")
    assert source.plan()["name"] == "digits"
    assert _objects(source)["LimitRange"]["spec"]["limits"][0]["max"]["memory"] == "256Mi"
    derived = source.python(
        """
import json
from slipway.cluster.api import _PATHS
from slipway.deploy.down import KINDS
from slipway.render.model import model_shapes
from slipway.render.objects import object_of

shapes = [shape["kind"] for shape in model_shapes()]
row = object_of("LimitRange")
print(json.dumps([_PATHS["LimitRange"], "LimitRange" in KINDS, "LimitRange" in shapes, row.phase.name]))
"""
    )
    path = "api/v1/namespaces/{namespace}/limitranges"
    assert json.loads(derived.stdout) == [path, True, True, "BEFORE_PODS"], derived.stderr


def test_a_runtime_touches_three_files_at_most(source: SourceCopy) -> None:
    before = source.plan()
    touched = source.apply(RUNTIME)
    assert len(touched) <= 3, touched
    pages = {"docs/reference/runtimes.md", "docs/reference/spec.md"}
    assert source.generate() == pages | {"docs/reference/schema/spec.json"}
    assert source.plan() == before, "models of other runtimes have the same release"
    _spec(source, "runtime: onnxruntime", "runtime: echo")
    source.well("validate")
    plan = source.plan()
    assert plan["image"]["runtime"].startswith("127.0.0.1:5000/slipway/runtime-echo:")
    assert plan["image"]["files"][0] == "/weights/model.onnx"
    assert plan["server"]["echo"] == "/weights/model.onnx"
    container = _objects(source)["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    assert [variable["name"] for variable in container["env"]] == ["ECHO_CONFIG"]
    assert container["livenessProbe"]["httpGet"]["path"] == "/live"
    assert container["ports"][0]["containerPort"] == 9000
    source.well("render", "local", "-o", "out")
    dockerfile = (source.folder / "out/digits/Dockerfile").read_text()
    assert 'ENTRYPOINT ["python3", "-m", "echo"]' in dockerfile
    assert "COPY model/ /weights/" in dockerfile
    _spec(source, "runtime: echo", "runtime: ecko")
    wrong = source.slipway("validate")
    assert wrong.returncode == 1
    assert 'runtime: "ecko" is not accepted; allowed: onnxruntime, echo, ' in wrong.stderr
    assert "; next: write echo" in wrong.stderr
