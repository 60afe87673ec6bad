"""The example of a text classifier is valid, and the real server serves it with the configuration that is planned."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from slipway.loading.settings import load_settings
from slipway.loading.specs import LoadedSpec, load_spec_file
from slipway.plan.model import ModelPlan
from slipway.planner.environment import plan
from tests.support.planned import CODE, ROOT

LIMIT_S = 60


def planned(loaded: LoadedSpec) -> ModelPlan:
    return plan("local", load_settings(ROOT / "stacks", "local"), [loaded], CODE).models[0]


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.fixture(scope="module")
def loaded() -> LoadedSpec:
    return load_spec_file(ROOT / "examples/tickets.yaml", ROOT)


@pytest.fixture(scope="module")
def url(loaded: LoadedSpec, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    model = planned(loaded)
    # Nobody stands before it here.
    config = {key: value for key, value in model.server_config.items() if key != "gate"}
    text = json.dumps(config | {"release": "0", "port": free_port(), "host": "127.0.0.1"})
    for placed in model.image.files:
        text = text.replace(f'"{placed.image_path}"', json.dumps(str(placed.source)))
    file = tmp_path_factory.mktemp("tickets") / "server.json"
    file.write_text(text)
    process = subprocess.Popen(
        [sys.executable, "-m", "slipway_server"], env={**os.environ, "SLIPWAY_CONFIG": str(file)}
    )
    address = f"http://127.0.0.1:{json.loads(text)['port']}"
    try:
        end = time.monotonic() + LIMIT_S
        while process.poll() is None and time.monotonic() < end:
            with suppress(OSError), urllib.request.urlopen(f"{address}/v2/health/ready"):
                break
            time.sleep(0.1)
        yield address
    finally:
        process.kill()
        process.wait(LIMIT_S)


def ask(url: str, body: object) -> Any:
    request = urllib.request.Request(f"{url}/predict", json.dumps(body).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def test_the_image_has_its_tokenizer_and_labels_and_the_wheels_for_text(loaded: LoadedSpec) -> None:
    image = planned(loaded).image
    assert [file.image_path for file in image.files[1:3]] == [
        "/opt/slipway/steps/tokenizer.json",
        "/opt/slipway/steps/labels.txt",
    ]
    assert image.runtime.requirements.name == "requirements-text.txt"


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("You charged my card two times!", "billing"),
        ("where is my parcel", "delivery"),
        ("The lamp came broken, can I send it back?", "returns"),
        ("the website shows an error on my phone", "technical"),
    ],
)
def test_a_message_gets_its_label(url: str, text: str, label: str) -> None:
    best = ask(url, {"text": text})["predictions"]
    assert best[0]["label"] == label
    assert len(best) == 2
    assert 0.5 < best[0]["confidence"] <= 1
