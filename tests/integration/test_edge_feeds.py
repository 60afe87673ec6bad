"""Feeds at a real MQTT broker, which is killed and comes back: within bounds nothing is lost, in or out."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from slipway_edge.disk.files import real_files
from slipway_edge.feeds.allowed import Allowed
from slipway_edge.feeds.feeds import Feeds
from slipway_edge.values.clock import RealClock
from slipway_edge.values.document import Entry

from tests.support.brokers import PASSWORD, USER, Broker, until
from tests.support.fed_models import Model

pytestmark = pytest.mark.integration


class Device:
    """The feeds of a device, whose process may be ended and begun again."""

    def __init__(self, root: Path) -> None:
        (root / "home/secrets").mkdir(parents=True)
        (root / "feeds/in").mkdir(parents=True)
        secret = root / "home/secrets/broker"
        secret.write_text(f"{PASSWORD}\n")
        secret.chmod(0o600)
        self.root = root
        self.boot()

    def boot(self) -> None:
        allowed = Allowed(self.root / "feeds", self.root / "home/secrets")
        folder = self.root / "home/feeds"
        self.feeds = Feeds(folder, "127.0.0.1", "fleet/pi-001", allowed, real_files(), RealClock(), lambda *_: None)

    def count(self, of: str) -> object:
        return self.feeds.said()["digits"][of]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = Broker(tmp_path / "broker")
    yield made
    made.kill()


@pytest.fixture
def model() -> Iterator[Model]:
    made = Model()
    yield made
    made.stop()


@pytest.fixture
def device(tmp_path: Path) -> Iterator[Device]:
    made = Device(tmp_path / "device")
    yield made
    made.feeds.end()


def entry(port: int, source: dict[str, Any], sink: dict[str, Any]) -> Entry:
    return Entry.model_validate(
        {
            "model": "digits",
            "version": "1.0.0",
            "release": "0" * 16,
            "image": "registry.example.com/digits@sha256:" + "0" * 64,
            "weights": None,
            "port": port,
            "check": {"path": "/predict", "request": {}, "expect": {"label": 7}},
            "memory": 2**28,
            "cpus": 0.5,
            "health": {"p95_ms": None, "errors": 0.01, "settle_s": 10},
            "source": source,
            "sink": {"waiting": 2**24, **sink},
        }
    )


def at(broker: Broker, topic: str) -> dict[str, Any]:
    return {"mqtt": {"url": broker.url, "topic": topic, "username": USER, "password": "broker"}}


def test_what_comes_while_broker_or_device_are_away_is_answered_when_they_are_back(
    broker: Broker, model: Model, device: Device
) -> None:
    answers: dict[str, bytes] = {}
    listener = broker.client("listener")
    listener.on_message = lambda _, __, message: answers.update({json.loads(message.payload)["id"]: message.payload})
    listener.subscribe("plant/answers", qos=1)
    wanted = entry(model.port, at(broker, "plant/+/in"), at(broker, "plant/answers"))
    device.feeds.apply([wanted])
    sender = broker.client("sender")

    def send(first: int, last: int) -> None:
        told = [sender.publish(f"plant/{index}/in", b'{"image": [%d]}' % index, qos=1) for index in range(first, last)]
        until("the broker has them", lambda: all(one.is_published() for one in told))

    until("both have subscribed", lambda: all(map(broker.has_kept, (b"plant/+/in", b"plant/answers"))))
    send(0, 10)
    until("10 answers", lambda: len(answers) == 10)

    # The device is off: its session at the broker keeps what comes.
    device.feeds.end()
    send(10, 20)
    device.boot()
    device.feeds.apply([wanted])
    until("20 answers", lambda: len(answers) == 20)

    # The model stops in the middle, the broker is killed with inputs that nobody has acknowledged, both come back.
    model.busy = True
    send(20, 30)
    until("one is in hand", lambda: model.asked.count(b'{"image": [20]}') >= 1)
    until("the broker has them on its disk", lambda: broker.has_kept(b'{"image": [29]}'))
    broker.kill()
    model.busy = False
    until("what was in hand waits on the disk", lambda: device.count("waiting") != 0)
    broker.start()
    until("30 answers", lambda: len(answers) == 30)
    assert sorted(json.loads(one)["input"] for one in answers.values()) == sorted(f"plant/{i}/in" for i in range(30))
    assert (device.count("dropped"), device.count("skipped"), device.count("late")) == (0, 0, 0)
    for client in (sender, listener):
        client.disconnect()
        client.loop_stop()


def test_a_broker_that_refuses_the_password_is_said_and_waited_for(
    broker: Broker, model: Model, device: Device
) -> None:
    secret = device.root / "home/secrets/broker"
    secret.write_text("another")
    (device.root / "feeds/in/7.json").write_bytes(b'{"image": [7]}')
    source = {"folder": {"path": str(device.root / "feeds/in"), "keep": 10}}
    device.feeds.apply([entry(model.port, source, at(broker, "plant/answers"))])
    until("refused", lambda: "ot authorized" in str(device.count("problem")))
    until("it waits on the disk", lambda: device.count("waiting") == 1)
    secret.write_text(PASSWORD)
    until("sent", lambda: device.count("sent") == 1)
    assert device.count("waiting") == 0


def test_a_broker_whose_certificate_nobody_signed_is_told_nothing(broker: Broker, model: Model, device: Device) -> None:
    sink = at(broker, "plant/answers")
    sink["mqtt"]["url"] = f"mqtts://127.0.0.1:{broker.tls_port}"
    (device.root / "feeds/in/7.json").write_bytes(b'{"image": [7]}')
    source = {"folder": {"path": str(device.root / "feeds/in"), "keep": 10}}
    device.feeds.apply([entry(model.port, source, sink)])
    until("it waits", lambda: "CERTIFICATE_VERIFY_FAILED" in str(device.count("problem")))
    authority = device.root / "home/secrets/plant.pem"
    authority.touch(0o600)
    authority.write_bytes(broker.certificate.read_bytes())
    sink["mqtt"]["authority"] = "plant.pem"
    # Another sink of the same model: what waits goes there.
    device.feeds.apply([entry(model.port, source, sink)])
    until("sent", lambda: device.count("sent") == 1)
    assert device.count("waiting") == 0


def test_what_waits_of_a_model_that_is_taken_off_goes_with_it(broker: Broker, model: Model, device: Device) -> None:
    broker.kill()
    (device.root / "feeds/in/7.json").write_bytes(b'{"image": [7]}')
    source = {"folder": {"path": str(device.root / "feeds/in"), "keep": 10}}
    device.feeds.apply([entry(model.port, source, at(broker, "plant/answers"))])
    until("it waits", lambda: device.count("waiting") == 1)
    device.feeds.apply([])
    assert list((device.root / "home/feeds").iterdir()) == []
