"""A language model answers through the gateway, token by token, with a key, and is counted like any other model."""

import json
import shutil
import ssl
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.behind_gateway import Way, way_in, with_gateway
from tests.support.workbench import Workbench

pytestmark = pytest.mark.integration

MODEL = "capitals"
ROOT = Path(__file__).parents[3]
CHAT = f"/models/{MODEL}/v1/chat/completions"
ASKED = {"messages": [{"role": "user", "content": "What is the capital of Norway?"}], "temperature": 0}


@pytest.fixture
def way(bench: Workbench) -> Way:
    """The way in to an environment whose one model is the small language model."""
    with_gateway(bench, 1)
    (bench.folder / "models" / MODEL).mkdir(parents=True, exist_ok=True)
    for file in (ROOT / "models" / MODEL).iterdir():
        shutil.copy(file, bench.folder / "models" / MODEL)
    spec = yaml.safe_load((ROOT / "models" / f"{MODEL}.yaml").read_text())
    del spec["environments"]  # of which this one is none
    (bench.folder / "models" / f"{MODEL}.yaml").write_text(yaml.safe_dump(spec))
    done = bench.up()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The capital of France is Paris." in done.stdout + done.stderr
    return way_in(bench, MODEL)


def asked(way: Way, body: dict[str, Any], key: str) -> tuple[int, dict[str, str], bytes]:
    context = ssl.create_default_context(cafile=str(way.authority))
    connection = HTTPSConnection("localhost", way.port, timeout=30, context=context)
    try:
        headers = {"content-type": "application/json", "authorization": f"Bearer {key}"}
        connection.request("POST", CHAT, json.dumps(body), headers)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def test_a_chat_is_streamed_through_the_gateway_and_says_its_release(way: Way) -> None:
    status, headers, data = asked(way, {**ASKED, "stream": True, "stream_options": {"include_usage": True}}, way.key)
    assert (status, "content-length" in headers) == (200, False)
    assert headers["content-type"].startswith("text/event-stream")
    parts = data.decode().split("\n\n")
    assert parts[-2:] == ["data: [DONE]", ""]
    pieces = [json.loads(part.removeprefix("data: ")) for part in parts[:-2]]
    texts = [choice["delta"].get("content") or "" for piece in pieces for choice in piece["choices"]]
    assert "".join(texts) == "The capital of Norway is Oslo."
    assert len([text for text in texts if text]) > 5
    assert pieces[-1]["usage"]["completion_tokens"] > 5
    whole = json.loads(asked(way, ASKED, way.key)[2])
    assert whole["choices"][0]["message"]["content"] == "".join(texts)
    assert whole["system_fingerprint"] == headers["x-slipway-release"] == pieces[0]["system_fingerprint"]
    assert asked(way, ASKED, "nobody")[0] == 401
