"""Commands that reach the control side over HTTP: what travels, who is refused, and what two at once do."""

import base64
import json
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import requests

from slipway.edge import remote
from slipway.edge.commands import CHANGES, CONTENT, SIGNATURE, TIME, signed_command
from slipway.edge.conduct import Conductor
from slipway.edge.keys import FleetKey, verified
from slipway.edge.remote import RemoteStore
from slipway.edge.signing import SIGNING_KEY, as_text
from slipway.edge.store import Store, StoreChanged, StoreRefused, opened
from tests.support.fleets import an_entry, fleet_settings, new_key
from tests.support.served_fleets import serving

FLEET = "edge-eu"
PUBLIC = b"k" * 32


class Side:
    """A served file, as the machine has it that serves it."""

    def __init__(self, path: Path, url: str, store: Store, key: FleetKey) -> None:
        self.path, self.url, self.store, self.key = path, url, store, key

    def reached(self, key: FleetKey | None = None, url: str | None = None) -> RemoteStore:
        return RemoteStore(url or self.url, FLEET, key or self.key, lambda _: None)

    def enrolled(self, *names: str) -> None:
        for name in names:
            with self.store.changing():
                assert self.store.enrol(self.store.invite(name), name, PUBLIC, 1.0)

    def say(self, device: str, state: str) -> None:
        """Report, as a device that runs what its document names."""
        with self.store.changing():
            document = self.store.document(device)
            assert document is not None
            payload = json.loads(base64.b64decode(json.loads(document[2])["payload"]))
            answers = [(one["model"], one["release"], state, "") for one in payload["models"]]
            self.store.reported(device, {"serial": document[0]}, answers)


@pytest.fixture
def side(tmp_path: Path) -> Iterator[Side]:
    path, key = tmp_path / "edge-eu.sqlite", new_key()
    with opened(path) as store:
        store.set_meta(SIGNING_KEY, as_text(key.public))
        with serving(path) as url:
            yield Side(path, url, store, key)


def test_a_release_reaches_the_whole_fleet_by_a_command_on_another_machine(side: Side) -> None:
    settings = fleet_settings(12)
    names = tuple(device.name for device in settings.devices)
    side.enrolled(*names)
    distant = side.reached()
    conductor = Conductor(FLEET, settings, distant, side.key, distant.clock)
    conductor.start(an_entry(), names)
    sizes = []
    for _ in range(12):
        having = [name for name in names if _models(side, name)]
        sizes.append(len(having))
        for name in having:
            side.say(name, "good")
        if conductor.look("digits").phase == "done":
            break
        time.sleep(0.002)
    assert sorted(set(sizes)) == [1, 2, 12]
    assert side.store.going()[0].rollout.phase == "done"


def _models(side: Side, device: str) -> list[Any]:
    """What the document of a device names, verified as the device does."""
    document = side.store.document(device)
    if document is None:
        return []
    envelope = json.loads(document[2])
    payload = base64.b64decode(envelope["payload"])
    assert verified(side.key.public, base64.b64decode(envelope["signature"]), payload)
    return list(json.loads(payload)["models"])


def test_a_device_that_a_command_invites_enrols_once_with_its_token(side: Side) -> None:
    distant = side.reached()
    with distant.changing():
        token = distant.invite("box-00000")
    with side.store.changing():
        assert side.store.enrol(token, "box-00000", PUBLIC, 1.0)
        assert not side.store.enrol(token, "box-00000", PUBLIC, 1.0)
    distant.refresh()
    assert [(one.name, one.state, one.public) for one in distant.devices()] == [("box-00000", "enrolled", PUBLIC)]
    with distant.changing():
        distant.set_state("box-00000", "revoked")
    assert side.store.devices()[0].state == "revoked"


def test_neither_digests_of_tokens_nor_documents_travel_to_commands(side: Side) -> None:
    with side.store.changing():
        token = side.store.invite("box-00000")
        side.store.set_document("box-00000", 1, "digest", b"signed")
    told = json.dumps(side.store.changes(-1))
    assert sha256(token.encode()).hexdigest() not in told
    assert base64.b64encode(b"signed").decode() not in told


def test_of_what_did_not_change_nothing_travels(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"box-{index:05}" for index in range(50)]
    side.enrolled(*names)
    answers: list[requests.Response] = []
    request = requests.Session.request

    def counted(*args: Any, **named: Any) -> requests.Response:
        answers.append(request(*args, **named))
        return answers[-1]

    monkeypatch.setattr(requests.Session, "request", counted)
    distant = side.reached()
    distant.refresh()
    with distant.changing():
        distant.devices()
    assert [answer.status_code for answer in answers] == [200, 204, 204]
    with side.store.changing():
        device = side.store.device(names[0])
        assert device is not None
        assert side.store.heard(device, 7, 2.0)
    distant.refresh()
    assert answers[-1].status_code == 204, "a device that only asked is no news"
    with side.store.changing():
        side.store.set_state(names[3], "retired")
    distant.refresh()
    assert len(answers[-1].content) < len(answers[0].content) / 10
    assert [one.name for one in distant.devices() if one.state == "retired"] == [names[3]]


def test_what_is_deleted_is_deleted_in_the_copy(side: Side) -> None:
    settings = fleet_settings(1)
    Conductor(FLEET, settings, side.store, side.key, time.time).start(an_entry(), ("box-00000",))
    distant = side.reached()
    assert [one.model for one in distant.going()] == ["digits"]
    with side.store.changing():
        side.store.forget("digits")
    distant.refresh()
    assert distant.going() == []


def test_a_command_that_was_overtaken_writes_nothing_and_says_so(side: Side) -> None:
    first, second = side.reached(), side.reached()
    with pytest.raises(StoreChanged, match="another command changed the fleet at the same time"), first.changing():
        first.set_release("a", {"of": "first"})
        with second.changing():
            second.set_release("a", {"of": "second"})
    assert side.store.releases() == {"a": {"of": "second"}}
    first.refresh()
    assert first.releases() == {"a": {"of": "second"}}


def test_a_command_that_was_overtaken_looks_again_and_adds_to_what_is_there(side: Side) -> None:
    first, second = side.reached(), side.reached()
    looks: list[str | None] = []

    def add() -> None:
        looks.append(first.meta("count"))
        if len(looks) == 1:
            with second.changing():
                second.set_meta("count", "1")
        first.set_meta("count", str(int(first.meta("count") or 0) + 1))

    first.changed(add)
    assert (looks, side.store.meta("count")) == ([None, "1"], "2")


def test_a_device_that_reports_meanwhile_overtakes_no_command(side: Side) -> None:
    settings = fleet_settings(2)
    side.enrolled("box-00000", "box-00001")
    Conductor(FLEET, settings, side.store, side.key, time.time).start(an_entry(), ("box-00000", "box-00001"))
    distant = side.reached()
    with distant.changing():
        side.say("box-00000", "good")
        distant.set_meta("done", "yes")
    assert side.store.meta("done") == "yes"
    distant.refresh()
    assert distant.answers("digits", str(an_entry()["release"])) == {"box-00000": "good"}


def test_another_key_than_the_fleets_is_refused(side: Side) -> None:
    with pytest.raises(StoreRefused, match="HTTP 401: the request is not signed by the fleet's key"):
        side.reached(new_key())


def test_nobody_commands_a_fleet_without_a_key(tmp_path: Path) -> None:
    with serving(tmp_path / "new.sqlite") as url, pytest.raises(StoreRefused, match="HTTP 403: the fleet has no key"):
        RemoteStore(url, FLEET, new_key(), lambda _: None)


def test_a_request_to_one_fleet_is_none_to_another(side: Side) -> None:
    with serving(side.path, fleet="edge-us") as url, pytest.raises(StoreRefused, match="HTTP 401"):
        side.reached(url=url)


def test_a_clock_that_is_wrong_by_a_year_is_told(side: Side) -> None:
    told = r"was signed 315360\d\d s before now: correct the clock of its machine"
    with (
        serving(side.path, clock=lambda: time.time() + 365 * 86_400) as url,
        pytest.raises(StoreRefused, match=told),
    ):
        side.reached(url=url)


def test_a_rollout_is_timed_by_the_clock_of_the_control_side(side: Side) -> None:
    with serving(side.path, clock=lambda: time.time() + 200) as url:
        assert side.reached(url=url).clock() - time.time() > 100


def _sent(side: Side, body: bytes, signed: bytes | None = None, key: FleetKey | None = None) -> requests.Response:
    at, content = str(int(time.time())), sha256(body if signed is None else signed).hexdigest()
    signature = (key or side.key).sign(signed_command(FLEET, "POST", CHANGES, at, content))
    headers = {TIME: at, CONTENT: content, SIGNATURE: as_text(signature)}
    return requests.post(side.url + CHANGES, data=body, headers=headers, timeout=30)


def test_another_body_than_the_one_that_was_signed_is_refused(side: Side) -> None:
    body = json.dumps({"known": 99, "rows": {"meta": {"rows": [["signing_key", "mine"]], "gone": []}}}).encode()
    assert _sent(side, body, signed=b"{}").status_code == 401
    assert side.store.meta(SIGNING_KEY) == as_text(side.key.public)


def test_a_change_that_is_sent_again_is_refused(side: Side) -> None:
    known = side.store.changes(-1)
    assert known is not None
    rows = {"meta": {"rows": [["name", "value"]], "gone": []}}
    body = json.dumps({"known": known["number"], "rows": rows}).encode()
    assert [_sent(side, body).status_code for _ in range(2)] == [200, 409]


@pytest.mark.parametrize(
    "rows",
    [
        pytest.param({"sqlite_master": {"rows": [], "gone": []}}, id="another table"),
        pytest.param({"meta": {"rows": [["one"]], "gone": []}}, id="too few values"),
        pytest.param({"meta": {"rows": [["name", {"base64": "!"}]], "gone": []}}, id="no base64"),
        pytest.param({"meta": {"rows": [["name", None]], "gone": []}}, id="no text"),
        pytest.param({"meta": {"rows": "all", "gone": []}}, id="no list"),
        pytest.param({"documents": {"rows": [["box-00000", "one", "digest", "x"]], "gone": []}}, id="no serial"),
        pytest.param({"answers": {"rows": [["box-00000", "digits"]], "gone": []}}, id="an answer of a device"),
        pytest.param({"devices": {"rows": [["box-00000", "enrolled", None]], "gone": []}}, id="an enrolment"),
        pytest.param({"devices": {"rows": [], "gone": [["box-00000"]]}}, id="a device less"),
        pytest.param(["meta"], id="no tables"),
    ],
)
def test_rows_that_no_command_sends_are_refused_and_nothing_of_them_is_written(side: Side, rows: Any) -> None:
    if isinstance(rows, dict):
        rows = {"releases": {"rows": [["good", "{}"]], "gone": []}} | rows
    known = side.store.changes(-1)
    assert known is not None
    answer = _sent(side, json.dumps({"known": known["number"], "rows": rows}).encode())
    assert (answer.status_code, side.store.releases()) == (400, {})
    assert answer.json()["error"].startswith("the change cannot be read: ")


def test_a_control_side_that_is_away_is_waited_for_and_named(side: Side) -> None:
    waited: list[float] = []
    with pytest.raises(StoreRefused, match=r"waited 60 s for the control side at http://127.0.0.1:9: .*goes on where"):
        RemoteStore("http://127.0.0.1:9", FLEET, side.key, waited.append)
    assert sum(waited) <= remote.AWAY_S


def test_a_control_side_that_comes_back_is_gone_on_with(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    distant = side.reached()
    request, failed = requests.Session.request, list[int]()

    def cut(*args: Any, **named: Any) -> requests.Response:
        answer = request(*args, **named)
        if args[1] == "POST" and not failed:
            failed.append(answer.status_code)
            raise requests.ConnectionError("the answer was lost")
        return answer

    monkeypatch.setattr(requests.Session, "request", cut)
    seen: list[str | None] = []

    def once() -> None:
        seen.append(distant.meta("count"))
        if distant.meta("count") is None:
            distant.set_meta("count", "1")

    distant.changed(once)
    assert (failed, seen, side.store.meta("count")) == ([200], [None, "1"], "1")


def test_what_answers_and_is_no_control_side_is_told(side: Side) -> None:
    with pytest.raises(StoreRefused, match="is no control side of a fleet; next: correct `control`"):
        side.reached(url=f"{side.url}/elsewhere")


def test_a_command_that_knows_of_more_than_there_is_looks_again(side: Side) -> None:
    """The control side's file was restored from a backup, perhaps."""
    rows = {"meta": {"rows": [["name", "value"]], "gone": []}}
    assert _sent(side, json.dumps({"known": 10**6, "rows": rows}).encode()).status_code == 409
    assert side.store.meta("name") is None


def test_a_look_sends_how_far_a_rollout_is_and_not_its_devices_again(
    side: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = fleet_settings(200, rings=[{"name": "fleet", "share": "100%"}])
    names = tuple(device.name for device in settings.devices)
    distant = side.reached()
    conductor = Conductor(FLEET, settings, distant, side.key, distant.clock)
    sent: list[int] = []
    request = requests.Session.request

    def counted(*args: Any, **named: Any) -> requests.Response:
        sent.append(len(named["data"] or b""))
        return request(*args, **named)

    monkeypatch.setattr(requests.Session, "request", counted)
    conductor.start(an_entry(), names)
    assert max(sent) > 64 * 2**10, "documents of a large fleet are taken at once"
    conductor.look("digits")
    sent.clear()
    side.say(names[0], "good")
    conductor.look("digits")
    assert 0 < max(sent) < 1000
    assert side.store.going()[0].rollout.reason == "ring fleet: 1 of 200 good, 199 not answered yet"
    assert side.store.going()[0].rollout.devices == names


def test_more_than_is_taken_at_once_is_refused_before_it_is_sent(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "SENT_MOST", 2**20)
    distant = side.reached()
    with pytest.raises(StoreRefused, match=r"2\.0 MiB were to be changed at once, more than 1\.0 MiB; next: put fewer"):
        distant.changed(lambda: distant.set_release("a", {"of": "x" * 2**21}))
    assert side.store.releases() == {}


def test_a_file_of_before_is_read_whole(side: Side) -> None:
    with side.store.changing():
        side.store.set_release("a", {"of": "before"})
        side.store._db.execute("DELETE FROM changes")
    assert side.reached().releases() == {"a": {"of": "before"}}
