"""A server of one's own on a real cluster: built, judged in a pod of its release, given its secret, restored."""

import json
import os
import re
import textwrap
import urllib.request
from typing import Any

import pytest
import yaml

from slipway.loading.base_image import VARIABLE
from slipway.values.names import RELEASE_LABEL, selector
from tests.support.looking import until
from tests.support.workbench import Workbench

pytestmark = pytest.mark.integration

SERVER = textwrap.dedent(
    '''
    """Answers with the sum of what it is sent, times FACTOR, and with what it was given."""

    import json
    import os
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


    class Handler(BaseHTTPRequestHandler):
        def answer(self, value):
            data = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self):
            self.answer({"ready": True})

        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            total = sum(body["numbers"]) * float(os.environ["FACTOR"])
            with open(os.environ["MODEL_PATH"]) as weights:
                self.answer({"rows": [{"sum": total}], "weights": weights.read(), "user": os.getuid(),
                             "secret": len(os.environ["TOKEN"])})


    ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Handler).serve_forever()
    '''
)


def base_image(bench: Workbench) -> str:
    """The base image of the local environment by its digest: as the settings name it, or as `make up` says."""
    named = str(bench.settings["config"]["slipway:environment"]["base_image"])
    pinned = named if "@" in named else os.environ.get(VARIABLE, "")
    assert re.search("@sha256:[0-9a-f]{64}$", pinned), f"{VARIABLE} has no image by digest: {pinned!r}"
    return pinned


def write_server(bench: Workbench, factor: str, version: str, **changes: Any) -> None:
    folder = bench.folder / "models/reader"
    folder.mkdir(exist_ok=True)
    (folder / "server.py").write_text(SERVER)
    (folder / "Dockerfile").write_text(
        f'FROM {base_image(bench)}\nCOPY server.py /srv/\nENTRYPOINT ["python3", "/srv/server.py"]\n'
    )
    (bench.folder / "models/weights.txt").write_text("weights")
    (bench.folder / "models/reader.json").write_text(json.dumps({"numbers": [1, 2, 3]}))
    spec = {
        "apiVersion": "slipway/v1",
        "name": "reader",
        "version": version,
        "owner": "tests",
        "runtime": "custom",
        "custom": {"build": {"context": "models/reader"}, "port": 9000, "ready": "/health", "predict": "/sum"},
        "artifact": {"source": "models/weights.txt"},
        "env": {"FACTOR": factor, "TOKEN": {"secret": "reader-token", "key": "token"}},
        "resources": {"cpu": "200m", "memory": "128Mi"},
        "rollout": {"drain": "2s"},
        "check": {
            "request": "models/reader.json",
            "expect": {"/rows/0/sum": 12, "weights": "weights", "user": 65532, "secret": 6},
            "timeout": "5s",
        },
    } | changes
    (bench.folder / "models/reader.yaml").write_text(yaml.safe_dump(spec, sort_keys=False))


def make_secret(bench: Workbench) -> None:
    bench.cluster.create(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "reader-token", "namespace": bench.namespace},
            "stringData": {"token": "abcdef"},
        }
    )


def asked(bench: Workbench) -> Any:
    request = urllib.request.Request(f"http://127.0.0.1:{bench.port('reader')}/sum", b'{"numbers": [2, 3]}')
    with urllib.request.urlopen(request, timeout=20) as response:
        return json.load(response)


def releases(bench: Workbench) -> set[str]:
    labels = ",".join(f"{key}={value}" for key, value in selector("reader").items())
    return {pod["metadata"]["labels"][RELEASE_LABEL] for pod in bench.cluster.list("Pod", labels)}


def test_a_server_of_ones_own_is_built_judged_in_its_pod_and_restored_when_it_is_wrong(bench: Workbench) -> None:
    bench.write("sums", 2.0)
    first = bench.up()  # the namespace, into which the Secret is put
    assert first.returncode == 0, first.stderr

    write_server(bench, "2", "1.0.0")
    refused = bench.up()
    assert refused.returncode == 1
    assert 'env.TOKEN: "reader-token" is no Secret of namespace' in refused.stderr

    make_secret(bench)
    second = bench.up()
    assert second.returncode == 0, second.stderr
    assert asked(bench) == {"rows": [{"sum": 10.0}], "weights": "weights", "user": 65532, "secret": 6}
    right = releases(bench)

    again = bench.up()
    assert again.returncode == 0, again.stderr
    assert "building" not in again.stderr
    assert releases(bench) == right

    write_server(bench, "3", "1.0.0")
    wrong = bench.up()
    assert wrong.returncode == 2, wrong.stdout + wrong.stderr
    assert "output `/rows/0/sum` is 18" in wrong.stderr
    until("the former release answers", lambda: asked(bench)["rows"] == [{"sum": 10.0}], 120)

    said = bench.run("predict", bench.environment, "reader", "models/reader.json")
    assert json.loads(said.stdout)["rows"] == [{"sum": 12.0}]


def test_a_server_that_is_never_ready_is_told_by_what_it_said_last(bench: Workbench) -> None:
    bench.write("sums", 2.0)
    assert bench.up().returncode == 0
    make_secret(bench)
    write_server(
        bench, "2", "1.0.0", custom={"build": {"context": "models/reader"}, "command": ["python3", "/none.py"]}
    )
    result = bench.up()
    assert result.returncode == 2, result.stdout + result.stderr
    assert "No such file" in result.stderr
