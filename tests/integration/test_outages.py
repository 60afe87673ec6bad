"""`slipway up` while the API server goes away, and with releases that do not come up: what served serves on."""

import json
import os
import signal
import time
from collections.abc import Iterator

import pytest

from slipway.local import cluster
from slipway.local.build import golang
from slipway.local.cluster import node_tools
from slipway.local.host import processes
from tests.support import rounds
from tests.support.workbench import Load, Nodes, Workbench, endless, fresh, hungry

pytestmark = pytest.mark.integration

_API_SERVER = "kube-apiserver"
_MOMENTS = ("sums: updating its stack", "image: building", "loading the model")


class ApiServer:
    """The local cluster's API server, to be killed and brought back."""

    def __init__(self) -> None:
        self._tools = node_tools.bring(golang.find([node_tools.MODULE], print), print)

    def kill(self) -> None:
        pid = processes.pid(_API_SERVER)
        assert pid is not None, "no API server runs"
        os.kill(pid, signal.SIGKILL)

    def start(self) -> None:
        cluster.start(self._tools, print)


@pytest.fixture
def api_server() -> Iterator[ApiServer]:
    server = ApiServer()
    yield server
    server.start()


def served(bench: Workbench) -> tuple[str, bool]:
    """Which version serves, and whether it answers rightly."""
    (row,) = json.loads(bench.well("verify", bench.environment, "--json"))["models"]
    return row["version"], row["right"]


@pytest.mark.serial
@pytest.mark.parametrize("moment", _MOMENTS if rounds.FULL else _MOMENTS[:2])
def test_an_up_goes_on_when_the_api_server_is_killed_and_comes_back(
    bench: Workbench, api_server: ApiServer, moment: str
) -> None:
    # kube-proxy asks a server that was away for some seconds again after up to twice as long; it sends requests to the
    # old pod until then, which answers as long as they come.
    bench.write("sums")
    assert bench.up().returncode == 0
    bench.write("sums", 3.0, nodes=fresh(3.0), version="1.1.0")
    with Load(bench.port("sums")) as load:
        with bench.up_until(moment) as up:
            api_server.kill()
            time.sleep(3)
            api_server.start()
        assert "Traceback" not in up.stderr
        assert up.returncode in (0, 2, 3), up.stderr
        if up.returncode:
            assert "next:" in up.stderr or "run the command again" in up.stderr, up.stderr
        assert bench.up().returncode == 0
        load.until_answered(3.0)
    assert load.lost == []
    assert set(load.answers) == {2.0, 3.0}
    assert served(bench) == ("1.1.0", True)
    assert bench.objects() == bench.wanted()


@pytest.mark.serial
def test_an_up_whose_api_server_stays_away_says_so_and_the_next_one_converges(
    bench: Workbench, api_server: ApiServer
) -> None:
    bench.write("sums")
    assert bench.up().returncode == 0
    bench.write("sums", 3.0, nodes=fresh(3.0), version="1.1.0")
    with Load(bench.port("sums")) as load:
        with bench.up_until("image: building") as up:
            api_server.kill()
        assert up.returncode in (2, 3), up.stderr
        assert "API server https://" in up.stderr
        assert "did not answer" in up.stderr
        assert "Traceback" not in up.stderr
        assert "bug" not in up.stderr
        assert set(load.answers) == {2.0}
        api_server.start()
        again = bench.up()
        assert again.returncode == 0, again.stderr
        load.until_answered(3.0)
    assert load.lost == []
    assert served(bench) == ("1.1.0", True)
    assert bench.objects() == bench.wanted()


@pytest.mark.parametrize(
    ("nodes", "reason"),
    [
        (hungry(), "make the model compute more than fits into its memory"),
        (endless(), "golden request: no answer within 5.0 s"),
    ],
    ids=["a pod that crashes", "a probe that never passes"],
)
def test_a_release_that_does_not_come_up_is_taken_back_and_no_request_is_lost(
    bench: Workbench, nodes: Nodes, reason: str
) -> None:
    bench.write("sums")
    assert bench.up().returncode == 0
    with Load(bench.port("sums")) as load:
        bench.write("sums", nodes=nodes, version="2.0.0", endpoint={"timeout": "5s"})
        result = bench.up()
        time.sleep(1)
    assert result.returncode == 2
    assert reason in result.stderr, result.stderr
    assert "1.0.0 serves again" in result.stderr
    assert load.lost == []
    assert set(load.answers) == {2.0}
    assert served(bench) == ("1.0.0", True)
