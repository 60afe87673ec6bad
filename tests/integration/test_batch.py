"""A model is run over a file by a Job of its image: killed at any place it goes on, and what travelled is gone then."""

import json
import signal
from pathlib import Path
from typing import Any

import numpy as np
import obstore
import pytest

from slipway.local.model_store import server
from tests.support.large_weights import open_store
from tests.support.looking import until
from tests.support.pod_processes import kill
from tests.support.rounds import FULL
from tests.support.workbench import Workbench, computing

pytestmark = pytest.mark.integration

ROWS, PARTS = 400, 40
LIMIT_S = 60.0
JOBS = "batch.kubernetes.io/job-name"


@pytest.fixture
def served(bench: Workbench) -> Workbench:
    """An environment with a model store, and a model that takes its time."""
    bench.write_settings(
        model_store={
            "bucket": server.BUCKET,
            "endpoint": server.ENDPOINT,
            "prefix": bench.environment,
            "credentials": "model-store",
        }
    )
    bench.write("sums", 1.0, nodes=computing(1500))
    up = bench.up()
    assert up.returncode == 0, up.stderr
    return bench


def rows(folder: Path) -> Path:
    numbers = np.arange(3 * ROWS, dtype=np.float32).reshape(ROWS, 3)
    np.savez(folder / "rows.npz", a=numbers, b=numbers)
    return folder / "rows.npz"


def pods(bench: Workbench) -> list[dict[str, Any]]:
    return [one for one in bench.cluster.list("Pod", JOBS) if one["status"]["phase"] == "Running"]


def in_store(bench: Workbench) -> list[str]:
    return [one["path"] for some in obstore.list(open_store(), f"{bench.environment}/batch") for one in some]


@pytest.mark.skipif(not FULL, reason="takes minutes: with SLIPWAY_ROUNDS=full, as in `make soak`")
def test_a_batch_goes_on_where_its_command_its_pod_or_its_container_was_killed(served: Workbench) -> None:
    words = ("batch", served.environment, "sums", str(rows(served.folder)), "out", "--parts", str(PARTS))

    def made() -> int:
        return sum("part-" in name for name in in_store(served))

    first = served.start(*words)
    until("parts are there", lambda: made() >= 3, LIMIT_S)
    first.send_signal(signal.SIGKILL)
    first.wait(20)
    assert f"of at most {PARTS} parts are there; runs" in served.well(*words, "--status")
    (pod,) = pods(served)
    served.cluster.delete("Pod", pod["metadata"]["name"])
    was = pod["metadata"]["uid"]
    until("another pod runs", lambda: any(one["metadata"]["uid"] != was for one in pods(served)), LIMIT_S)
    another = made() + 3
    until("more parts are there", lambda: made() >= another, LIMIT_S)
    (pod,) = pods(served)
    kill(pod)
    there = made()
    done = served.run(*words)
    assert done.returncode == 0, done.stderr
    assert there < PARTS
    found = [np.load(one)["y"] for one in sorted((served.folder / "out").glob("part-*.npz"))]
    assert len(found) == PARTS
    np.testing.assert_array_equal(np.concatenate(found), 2 * np.arange(3 * ROWS, dtype=np.float32).reshape(ROWS, 3))
    assert json.loads((served.folder / "out" / "done.json").read_text()) == {"rows": ROWS, "parts": PARTS}
    assert in_store(served) == []
    until("all is gone", lambda: served.cluster.list("Job") == served.cluster.list("Pod", JOBS) == [], LIMIT_S)


def test_lines_of_the_store_become_parts_in_the_store_by_several_pods(served: Workbench) -> None:
    body = json.dumps({"inputs": {"a": [[1, 2, 3]], "b": [[1, 1, 1]]}})
    source, target = (f"{served.environment}/batch-of-mine/{name}" for name in ("rows.jsonl", "out"))
    obstore.put(open_store(), source, f"{body}\n".encode() * 3 + b"{}\n" * 2)
    words = ("batch", served.environment, "sums", f"s3://models/{source}", f"s3://models/{target}", "--parts", "5")
    assert "Job" in served.run(*words, "--parallel", "2", "--detach").stderr
    served.well(*words)
    lines = [json.loads(bytes(obstore.get(open_store(), f"{target}/part-{n:06d}.jsonl").bytes())) for n in range(5)]
    assert [one.get("outputs") for one in lines] == [{"y": [[2.0, 3.0, 4.0]]}] * 3 + [None] * 2
    assert all(one["error"] for one in lines[3:])
    assert json.loads(bytes(obstore.get(open_store(), f"{target}/done.json").bytes())) == {"rows": 5, "parts": 5}
    other = served.run(*words[:-1], "4")
    assert other.returncode == 1
    assert "has the results of another batch: it differs in parts" in other.stderr
    until("the Job is gone", lambda: served.cluster.list("Job") == [], LIMIT_S)

    np.savez(served.folder / "one.npz", a=np.ones((4, 3), np.float32))
    refused = served.run("batch", served.environment, "sums", "one.npz", "out")
    assert refused.returncode == 1
    assert "`inputs.b` is missing" in refused.stderr
    assert served.cluster.list("Job") == []
    assert not (served.folder / "out").exists()
