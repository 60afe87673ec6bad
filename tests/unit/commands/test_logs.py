"""Logs of a model's pods: for people or as JSON, by time, each line once; where there are none, why."""

import json
from typing import Any

import pytest

from slipway.cluster.logs import shown
from slipway.commands.inspecting import logs
from slipway.commands.inspecting.logs import Wanted, seconds, show_logs
from slipway.errors.base import UnknownName, WrongValue
from slipway.errors.failures import NoLog
from slipway.errors.reaching import ApiRefused
from tests.support.fake_cluster import FakeCluster

ALL = Wanted(None, previous=False, release=None)
READY = '{"time": 1790000000.25, "event": "ready", "model": "digits", "took": {"load": 0.5}}'


class Logging(FakeCluster):
    """Has pods whose containers logged these lines, each with its time; without lines they have not started."""

    def __init__(self) -> None:
        super().__init__()
        self.logged: dict[str, list[str]] = {}
        self.before: dict[str, list[str]] = {}
        self.asked: list[dict[str, str]] = []
        self._put({"kind": "Deployment", "metadata": {"name": "digits", "labels": {"slipway.dev/release": "b"}}})

    def pod(self, name: str, *lines: str, release: str = "b", of: str = "digits") -> None:
        labels = {"app.kubernetes.io/name": of, "app.kubernetes.io/instance": of, "slipway.dev/release": release}
        labels["app.kubernetes.io/managed-by"] = "slipway"
        self._put(
            {"kind": "Pod", "metadata": {"name": name, "labels": labels}, "spec": {"containers": [{"name": "server"}]}}
        )
        self.logged[name] = list(lines)

    def request(self, method: str, path: str, **options: Any) -> bytes:
        pod = path.split("/")[-2]
        self.asked.append(options["query"])
        lines = (self.before if "previous" in options["query"] else self.logged).get(pod)
        if not lines:
            raise ApiRefused(method, path, 400, f'container "server" in pod "{pod}" is waiting to start')
        return "\n".join(lines).encode()


class Context:
    """What `show_logs` asks of an environment."""

    name = "local"

    def __init__(self, cluster: FakeCluster) -> None:
        self.cluster = cluster
        self.plan = type("Planned", (), {"models": ()})


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Logging:
    monkeypatch.setattr(logs, "live_models", lambda _: {"digits": None})
    return Logging()


def show(cluster: Logging, wanted: Wanted = ALL, model: str = "digits", **options: bool) -> None:
    show_logs(Context(cluster), model, wanted, **{"follow": False, "as_json": False, **options})  # type: ignore[arg-type]


def test_lines_of_all_pods_are_shown_by_time(cluster: Logging, capsys: pytest.CaptureFixture[str]) -> None:
    cluster.pod("digits-0", "2026-11-27T01:00:00.1Z first", "2026-11-27T01:00:03.1Z third")
    cluster.pod("digits-1", "2026-11-27T01:00:02.1Z second")
    show(cluster)
    assert [line.split()[-1] for line in capsys.readouterr().out.splitlines()] == ["first", "second", "third"]


def test_the_servers_events_are_shown_for_people() -> None:
    at, text = shown(f"2026-11-27T01:00:00.1Z {READY}")
    assert (at, text) == ("2026-09-21T14:13:20.250Z", 'ready: model=digits took={"load": 0.5}')
    assert shown("T plain \x1b[31mwords")[1] == r"plain \x1b[31mwords"
    assert shown('T {"no": "event"}')[1] == '{"no": "event"}'


def test_as_json_a_line_is_what_it_says(cluster: Logging, capsys: pytest.CaptureFixture[str]) -> None:
    cluster.pod("digits-0", f"2026-11-27T01:00:00.1Z {READY}", "2026-11-27T01:00:01.1Z text")
    show(cluster, as_json=True)
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first == {
        "time": "2026-11-27T01:00:00.1Z",
        "pod": "digits-0",
        "container": "server",
        "log": json.loads(READY),
    }
    assert second["log"] == "text"


@pytest.mark.parametrize(("release", "word"), [("new", "fresh"), ("old", "stale")])
def test_one_release_is_shown_while_two_have_pods(
    cluster: Logging, capsys: pytest.CaptureFixture[str], release: Any, word: str
) -> None:
    cluster.pod("digits-0", "2026-11-27T01:00:00.1Z stale", release="a")
    cluster.pod("digits-1", "2026-11-27T01:00:00.2Z fresh", release="b")
    show(cluster, Wanted(None, previous=False, release=release))
    assert capsys.readouterr().out.split()[-1] == word


def test_a_release_that_is_judged_is_the_new_one(cluster: Logging, capsys: pytest.CaptureFixture[str]) -> None:
    cluster.pod("digits-0", "2026-11-27T01:00:00.1Z stale")
    cluster.pod("digits-candidate-0", "2026-11-27T01:00:00.2Z fresh", of="digits-candidate")
    show(cluster, Wanted(None, previous=False, release="new"))
    assert capsys.readouterr().out.split()[-1] == "fresh"


def test_what_was_before_a_restart_is_asked_for(cluster: Logging, capsys: pytest.CaptureFixture[str]) -> None:
    cluster.pod("digits-0", "2026-11-27T01:00:00.1Z now")
    cluster.before["digits-0"] = ["2026-11-27T00:59:00.1Z killed"]
    show(cluster, Wanted(90, previous=True, release=None))
    assert capsys.readouterr().out.split()[-1] == "killed"
    assert (cluster.asked[0]["previous"], cluster.asked[0]["sinceSeconds"]) == ("true", "90")


def test_what_comes_is_shown_once(
    cluster: Logging, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = iter([["2026-11-27T01:00:01.1Z two"], ["2026-11-27T01:00:02.1Z three"]])

    def wait(_: float) -> None:
        try:
            cluster.logged["digits-0"] += next(looks)
        except StopIteration:
            raise KeyboardInterrupt from None

    monkeypatch.setattr("slipway.commands.inspecting.logs.time.sleep", wait)
    cluster.pod("digits-0", "2026-11-27T01:00:00.1Z one")
    with pytest.raises(KeyboardInterrupt):
        show(cluster, follow=True)
    assert [line.split()[-1] for line in capsys.readouterr().out.splitlines()] == ["one", "two", "three"]


@pytest.mark.parametrize(
    ("wanted", "pod", "reason"),
    [
        (ALL, False, "it has no pods;"),
        (ALL, True, "logged nothing yet"),
        (Wanted(60, previous=False, release=None), True, "nothing in the last 1 min 0 s"),
        (Wanted(None, previous=True, release=None), True, "was restarted"),
        (Wanted(None, previous=False, release="old"), True, "no pods of its old release"),
    ],
)
def test_without_a_line_it_says_why(cluster: Logging, wanted: Wanted, pod: bool, reason: str) -> None:
    if pod:
        cluster.pod("digits-0")
    with pytest.raises(NoLog, match=reason):
        show(cluster, wanted)


def test_a_model_that_nobody_knows_is_refused(cluster: Logging) -> None:
    with pytest.raises(UnknownName, match="did you mean digits"):
        show(cluster, model="digit")


@pytest.mark.parametrize("text", ["1", "1y", "", "-1h", "48h"])
def test_a_time_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(WrongValue, match="--since"):
        seconds("--since", text)
