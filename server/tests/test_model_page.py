"""The page for people: the same for every model, with nothing from elsewhere and no way to run what a model says."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import onnx
import onnx_models
import processes
import pytest
import step_models
from openapi_spec_validator import OpenAPIV31SpecValidator
from processes import DIGITS, Server
from signatures import DIGITS as DIGITS_SIGNATURE
from signatures import EVERY, TABULAR
from slipway_server.page.chat import chat_openapi
from slipway_server.page.description import openapi, takes
from slipway_server.page.document import document, unchanged
from slipway_server.page.graph import MOST_NODES, GraphUnreadable, graph_of_file, graph_of_pipeline
from slipway_server.steps.assembled import Materials, Steps
from slipway_server.values.pipeline import PipelineSection
from slipway_server.values.signature import Signature, Tensor
from test_gate import KEY, pem, signed

HOSTILE = "</script><img src=x onerror=injected=true>&\"'`${injected}\u2028"
NAMES = Signature(
    (Tensor(HOSTILE, "FP32", (None, 2)), Tensor("__proto__", "INT64", ())), (Tensor(HOSTILE, "FP32", (None,)),), {}
)
PLAIN = Materials()
CHECK = json.loads((DIGITS / "check.json").read_text())


class Parsed(HTMLParser):
    """What a browser sees: elements with their attributes, and what is inside of scripts and styles."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, list[str]] = {"script": [], "style": []}
        self._open = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open = tag if tag in self.inside else self._open
        if tag in self.inside:
            self.inside[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._open:
            self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open:
            self.inside[self._open][-1] += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def parsed() -> Parsed:
    return Parsed(document().body.decode())


def steps_of(signature: Signature) -> Steps:
    return Steps(None, None, PLAIN, signature)


def described(signature: Signature, gated: bool = False) -> dict[str, Any]:
    return openapi("model", "1.2.3", signature, steps_of(signature), gated)


def body_schema(document: dict[str, Any], kind: str = "application/json") -> dict[str, Any]:
    schema = document["paths"]["/predict"]["post"]["requestBody"]["content"][kind]["schema"]
    return {**schema, "components": document["components"]}


def policy() -> dict[str, list[str]]:
    parts = (part.split() for part in document().headers["content-security-policy"].split("; "))
    return {name: values for name, *values in parts}


def test_the_policy_lets_these_scripts_and_this_style_run_and_nothing_else(parsed: Parsed) -> None:
    def digests(texts: list[str]) -> list[str]:
        made = (base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in texts)
        return [f"'sha256-{digest}'" for digest in made]

    assert policy()["default-src"] == ["'none'"]
    assert policy()["script-src"] == digests(parsed.inside["script"])
    assert policy()["style-src"] == digests(parsed.inside["style"])
    assert policy()["connect-src"] == ["'self'"]
    assert policy()["trusted-types"] == policy()["form-action"] == policy()["frame-ancestors"] == ["'none'"]
    assert "unsafe" not in document().headers["content-security-policy"]


def test_the_page_names_no_other_address_and_has_no_handlers_in_attributes(parsed: Parsed) -> None:
    for tag, attributes in parsed.elements:
        assert not [name for name in attributes if name.startswith("on") or name in ("style", "action", "srcset")], tag
        assert attributes.get("src") is None
        assert attributes.get("href") in (None, "data:,")
    addresses = re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]+", document().body.decode())
    assert set(addresses) == {"http://www.w3.org"}  # the name of SVG, which nothing is loaded from


def test_no_script_of_the_page_reads_text_as_html_or_keeps_anything(parsed: Parsed) -> None:
    text = "".join(parsed.inside["script"])
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function",
                 "localStorage", "sessionStorage", "document.cookie", "indexedDB"):  # fmt: skip
        assert word not in text


def test_each_field_has_a_label_and_each_label_a_field(parsed: Parsed) -> None:
    identifiers = [attributes["id"] for _, attributes in parsed.elements if "id" in attributes]
    assert len(identifiers) == len(set(identifiers))
    labels = {attributes["for"] for attributes in parsed.named("label")}
    fields = {attributes["id"] for tag in ("input", "textarea", "select") for attributes in parsed.named(tag)}
    assert labels == fields
    named = [attributes.get("aria-labelledby") for attributes in parsed.named("section")]
    assert set(named) <= set(identifiers)
    assert parsed.named("html") == [{"lang": "en"}]
    assert {"role": "status", "id": "status"} in parsed.named("p")
    viewports = [attributes["content"] for attributes in parsed.named("meta") if attributes.get("name") == "viewport"]
    assert viewports == ["width=device-width, initial-scale=1"]


def test_every_element_that_a_script_asks_for_is_there(parsed: Parsed) -> None:
    text = "".join(parsed.inside["script"])
    asked = set(re.findall(r'\bat\("([a-z-]+)"\)', text))
    made = set(re.findall(r'id: "([a-z-]+)"', text))
    assert asked - made <= {attributes.get("id") for _, attributes in parsed.elements}
    assert len(asked) > 20


def test_every_model_has_the_same_page_which_browsers_ask_for_again(digits: Server, tabular: Server) -> None:
    page, other = digits.ask("GET", "/"), tabular.ask("GET", "/")
    assert page.status == 200
    assert page.body == other.body == document().body
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"] == document().headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-cache"
    head = digits.ask("HEAD", "/")
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", str(len(page.body)))
    again = digits.ask("GET", "/", if_none_match=page.headers["etag"])
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", page.headers["etag"])
    assert digits.ask("GET", "/", if_none_match='"another"').status == 200
    compressed = digits.ask("GET", "/", accept_encoding="gzip")
    assert compressed.headers["content-encoding"] == "gzip"
    assert len(compressed.body) < len(page.body) / 2
    refused = digits.ask("POST", "/", b"{}")
    assert (refused.status, set(refused.headers["allow"].split(", "))) == (405, {"GET", "HEAD"})


@pytest.mark.parametrize(
    ("asked", "same"),
    [(None, False), ("*", True), ('"x"', False), ('"x", {}', True), ("W/{}", True), ("{}", True), ("", False)],
)
def test_a_page_that_did_not_change_is_told_by_its_tag(asked: str | None, same: bool) -> None:
    strong = document().tag.removeprefix("W/")
    assert unchanged(asked.format(strong) if asked is not None else None) is same


@pytest.mark.parametrize("signature", [*EVERY, NAMES], ids=lambda signature: str(signature.inputs[0].shape))
@pytest.mark.parametrize("gated", [False, True])
def test_every_document_is_right_by_openapi_s_own_schema(signature: Signature, gated: bool) -> None:
    found = json.loads(json.dumps(described(signature, gated)))
    assert list(OpenAPIV31SpecValidator(found).iter_errors()) == []
    assert ("security" in found) is gated


def test_the_golden_request_fits_the_document_and_others_do_not(digits: Server) -> None:
    reply = digits.ask("GET", "/openapi.json")
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    assert reply.headers["cache-control"] == "no-store"
    schema = body_schema(reply.json)
    jsonschema.validate(CHECK, schema)
    jsonschema.validate({"image": "aGk="}, schema)
    jsonschema.validate({"input": CHECK["inputs"]["image"]}, schema)
    for wrong in ({}, {"inputs": {}}, {"inputs": {"image": [[[[1]]]]}}, {"inputs": {"image": "x"}}, {"text": "x"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)
    answer = digits.post("/predict", CHECK).json
    content = reply.json["paths"]["/predict"]["post"]["responses"]["200"]["content"]["application/json"]
    jsonschema.validate(answer, content["schema"])
    assert reply.json["info"] == {"title": "digits", "version": "1.2.3"}


def test_what_a_model_takes_follows_from_its_signature_and_steps(folder: Path) -> None:
    assert takes(DIGITS_SIGNATURE, steps_of(DIGITS_SIGNATURE)) == ["picture", "tensors"]
    assert takes(TABULAR, steps_of(TABULAR)) == ["tensors"]
    text = {"text": {"tokenizer": str(step_models.tokenizer(folder))}}
    check = {"request": {"text": "good"}, "expect": {"scores": [[2, -2]]}}
    labels = {"labels": list(step_models.CLASSES)}
    config = processes.config_for(step_models.bag(folder), check, input=text, output=labels)
    with processes.running(config, folder) as server:
        found = server.ask("GET", "/openapi.json").json
        answer = server.post("/predict", {"text": ["good", "bad"]}).json
        single = server.post("/predict", {"text": "good"}).json
    content = found["paths"]["/predict"]["post"]["responses"]["200"]["content"]["application/json"]["schema"]
    for said in (answer, single):
        assert "predictions" in said
        jsonschema.validate(said, content)
    assert found["x-slipway"]["takes"] == ["text", "tensors"]
    jsonschema.validate({"text": ["good", "bad"]}, body_schema(found))
    assert list(OpenAPIV31SpecValidator(found).iter_errors()) == []


def test_hostile_names_are_json_and_nothing_else(folder: Path) -> None:
    nodes = [onnx.helper.make_node("Identity", [HOSTILE], ["</script>"], name=HOSTILE)]
    inputs = [onnx_models.value(HOSTILE, onnx_models.FLOAT, ["N", 2])]
    outputs = [onnx_models.value("</script>", onnx_models.FLOAT, ["N", 2])]
    model = onnx_models.save(folder / "hostile.onnx", nodes, inputs, outputs, checked=False)
    check = {"request": {"inputs": {HOSTILE: [[1, 2]]}}, "expect": {"</script>": [[1, 2]]}}
    config = processes.config_for(model, check)
    config["model"]["name"] = HOSTILE
    with processes.running(config, folder) as server:
        assert server.ask("GET", "/").body == document().body
        for path in ("/openapi.json", "/graph"):
            reply = server.ask("GET", path)
            assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
            assert reply.headers["x-content-type-options"] == "nosniff"
            assert HOSTILE in json.dumps(reply.json, ensure_ascii=False).replace('\\"', '"')


@pytest.mark.parametrize(
    "make",
    [onnx_models.tabular, onnx_models.labels, onnx_models.cache, step_models.outside, step_models.with_default,
     step_models.optional, step_models.zipmap],
)  # fmt: skip
def test_a_graph_is_what_onnx_s_own_library_reads(folder: Path, make: Any) -> None:
    path = make(folder)
    graph = onnx.load(path, load_external_data=False).graph
    found = graph_of_file(path)
    assert found["total"] == len(graph.node)
    weights = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    for node, read in zip(graph.node, found["nodes"], strict=True):
        prefix = "" if node.domain in ("", "ai.onnx") else f"{node.domain}."
        assert read["operator"] == prefix + node.op_type
        assert read["inputs"] == [name for name in node.input if name and name not in weights]
        assert read["outputs"] == list(node.output)
        assert read["weights"] == {name: weights[name] for name in node.input if name in weights}
    assert found["outputs"] == [value.name for value in graph.output]
    assert set(found["inputs"]) == {value.name for value in graph.input} - set(weights)


def test_the_graph_of_a_pipeline_is_its_models() -> None:
    x = {"name": "x", "dtype": "FP32", "shape": [None]}
    which = {"name": "which", "dtype": "INT64", "shape": [None]}
    section = PipelineSection.model_validate(
        {
            "services": "http://{model}:80",
            "inputs": [x, which],
            "outputs": [x | {"name": "z"}],
            "stages": [
                {"models": ["a", "b"], "inputs": [x | {"value": "x"}], "outputs": [x | {"value": "y"}]},
                {
                    "models": [],
                    "switch": "which",
                    "cases": {"1": "c", "2": "d", "3": "c"},
                    "default": "d",
                    "inputs": [x | {"value": "y"}],
                    "outputs": [x | {"value": "z"}],
                },
            ],
        }
    )
    found = graph_of_pipeline(section)
    assert [node["name"] for node in found["nodes"]] == ["a", "b", "c", "d"]
    assert [node["inputs"] for node in found["nodes"]] == [["x"], ["x"], ["y", "which"], ["y", "which"]]
    assert (found["inputs"], found["outputs"], found["total"]) == (["x", "which"], ["z"], 4)


def test_a_large_graph_is_cut_and_says_how_large_it_is(folder: Path) -> None:
    count = MOST_NODES + 50
    nodes = [onnx.helper.make_node("Relu", [f"v{i}"], [f"v{i + 1}"]) for i in range(count)]
    inputs, outputs = ([onnx_models.value(name, onnx_models.FLOAT, ["N"])] for name in ("v0", f"v{count}"))
    found = graph_of_file(onnx_models.save(folder / "deep.onnx", nodes, inputs, outputs))
    assert (len(found["nodes"]), found["total"]) == (MOST_NODES, count)


def test_a_damaged_file_has_no_graph_rather_than_half_of_one(tmp_path: Path) -> None:
    whole = (DIGITS / "model.onnx").read_bytes()
    path = tmp_path / "model.onnx"
    for size in (0, 1, 7, len(whole) // 2):
        path.write_bytes(whole[:size])
        with pytest.raises(GraphUnreadable, match="the graph cannot be read"):
            graph_of_file(path)
    with pytest.raises(GraphUnreadable, match="No such file"):
        graph_of_file(tmp_path / "missing.onnx")
    path.write_bytes(b"\xff" * 1000)
    with pytest.raises(GraphUnreadable):
        graph_of_file(path)


def test_a_server_shows_the_graph_of_its_model(digits: Server) -> None:
    reply = digits.ask("GET", "/graph")
    assert reply.status == 200
    assert [node["operator"] for node in reply.json["nodes"]][:2] == ["Flatten", "Gemm"]
    assert reply.json["nodes"][1]["weights"] == {"hidden_w": [64, 128], "hidden_b": [128]}


def test_behind_a_gateway_the_page_needs_a_pass_as_everything_does(folder: Path, tmp_path: Path) -> None:
    key = tmp_path / "public.pem"
    key.write_bytes(pem(KEY))
    with processes.running(processes.digits_config(gate={"public_key": str(key)}), folder) as server:
        for path in ("/", "/openapi.json", "/graph"):
            assert server.ask("GET", path).status == 403
            assert server.ask("GET", path, x_slipway_pass=signed()).status == 200
        found = server.ask("GET", "/openapi.json", x_slipway_pass=signed()).json
    assert found["security"] == [{"key": []}]


@pytest.mark.parametrize("gated", [True, False])
def test_the_document_of_a_language_model_says_what_openais_api_takes(gated: bool) -> None:
    described = chat_openapi("capitals", "1.0.0", ["capitals", "terse"], 128, gated)
    OpenAPIV31SpecValidator(described).validate()
    schema = {**body_schema_of(described, "/v1/chat/completions"), "components": described["components"]}
    jsonschema.validate({"messages": [{"role": "user", "content": "Hello"}], "model": "terse", "seed": 1}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"messages": [], "model": "terse"}, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"messages": [{"role": "user", "content": "Hello"}], "model": "other"}, schema)
    assert described["x-slipway"]["takes"] == ["chat"]
    assert ("security" in described) == gated
    assert "/graph" not in described["paths"]


def body_schema_of(document: dict[str, Any], path: str) -> dict[str, Any]:
    schema: dict[str, Any] = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    return schema
