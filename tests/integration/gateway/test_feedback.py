"""Answers of a model behind a gateway are joined to feedback on them, and measured, through Envoy itself."""

import http.client
import json
import ssl
import time
from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.behind_gateway import Way, ledger, way_in, with_gateway
from tests.support.workbench import Workbench

pytestmark = pytest.mark.integration

MODEL = "sums"
JOINED_S = 60.0
QUALITY = {"task": "classification", "output": "y", "positive": "1"}


@pytest.fixture
def heard(bench: Workbench) -> Workbench:
    """An environment with a gateway and a model whose answers are kept."""
    with_gateway(bench, 1)
    bench.write(MODEL, endpoint={"public": True}, quality=QUALITY)
    done = bench.up()
    assert done.returncode == 0, done.stdout + done.stderr
    return bench


def sent(way: Way, path: str, body: object, key: str | None = None) -> tuple[int, Any, Mapping[str, str]]:
    """The status, the document and the headers that a client gets."""
    context = ssl.create_default_context(cafile=str(way.authority))
    connection = http.client.HTTPSConnection("localhost", way.port, timeout=30, context=context)
    headers = {"content-type": "application/json", "authorization": f"Bearer {key or way.key}"}
    connection.request("POST", f"/models/{MODEL}{path}", json.dumps(body), headers)
    answer = connection.getresponse()
    document = json.loads(answer.read())
    connection.close()
    return answer.status, document, dict(answer.headers.items())


def test_feedback_on_answers_is_joined_and_measured_and_only_a_key_with_its_role_gives_it(heard: Workbench) -> None:
    way = way_in(heard, MODEL)
    made = heard.well(
        "keys", "create", heard.environment, "--name", "teacher", "--models", MODEL, "--roles", "feedback", "--json"
    )
    teacher = str(json.loads(made)["key"])
    ids = []
    for best in (0, 1, 1, 2):
        row = [3.0 if place == best else 0.0 for place in range(3)]
        status, answer, headers = sent(way, "/predict", {"inputs": {"a": [row], "b": [[0, 0, 0]]}})
        assert (status, answer["outputs"]["y"]) == (200, [[2 * value for value in row]])
        ids.append(headers["x-request-id"])
    path = f"/v2/models/{MODEL}/feedback"
    assert sent(way, path, {"id": ids[0], "label": 0})[:2] == (403, {"error": "the key lacks the role feedback"})
    assert sent(way, "/predict", {"inputs": {}}, teacher)[0] == 403

    labels = [{"id": one, "label": label} for one, label in zip(ids, (0, 1, 2, 2), strict=True)]
    status, answer, _ = sent(way, path, [*labels, {"id": "nobody", "label": 1}], teacher)
    assert status == 200, answer
    assert {one["state"] for one in answer["results"]} <= {"joined", "waiting"}
    until = time.monotonic() + JOINED_S
    while True:
        rows = ledger(heard, "SELECT * FROM quality WHERE answered_at IS NOT NULL AND label IS NOT NULL")
        if len(rows) == 4 or time.monotonic() > until:
            break
        time.sleep(0.5)
    assert {(row["predicted"], row["score"], row["label"]) for row in rows} == {
        ("0", 0.0, "0"), ("1", 6.0, "1"), ("1", 6.0, "2"), ("2", 0.0, "2")
    }  # fmt: skip
    again = sent(way, path, labels, teacher)[1]
    assert again["counts"] == {"twice": 4}
    found = json.loads(heard.well("quality", heard.environment, MODEL, "--json"))
    (version,) = found["versions"]
    assert (version["labels"], version["measures"]["accuracy"], version["measures"]["precision"]) == (4, 0.75, 0.5)
    assert version["measures"]["roc_auc"] == pytest.approx(2.5 / 3)
    mine = [row for row in ledger(heard) if row["model"] == MODEL]
    assert len(mine) == 4
