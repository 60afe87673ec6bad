"""Messages of an MQTT broker as inputs, and answers as messages. MQTT 3.1.1, which every broker speaks."""

import hashlib
import threading
import uuid
from collections import deque
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from slipway_edge.feeds.allowed import Allowed
from slipway_edge.feeds.ports import INPUT_LIMIT, Input
from slipway_edge.values.clock import Clock
from slipway_edge.values.errors import Away
from slipway_edge.values.feeding import FromBroker, ToBroker

_PORTS = {"mqtt": 1883, "mqtts": 8883}
_ANSWER_S = 5.0
_KEEPALIVE_S = 30
_HELD = 256
"""Messages that wait in memory at most; the broker keeps the others that have QoS 1."""
_HELD_BYTES = 4 * INPUT_LIMIT
_SLOWEST_S = 30


class Messages:
    """Each message of a topic is an input. It is acknowledged when its answer is safe.

    The broker keeps messages of QoS 1 and 2 for this device while it is away, within the broker's own bounds.
    """

    def __init__(self, said: FromBroker, allowed: Allowed, clock: Clock, who: str) -> None:
        self._said = said
        self._allowed = allowed
        self._clock = clock
        # Another topic is another session, without what the old one subscribed to.
        self._id = _client_id(f"{who} {said.topic}")
        self._waiting: deque[tuple[Input, int, int]] = deque()
        self._bytes = 0
        self._taken: dict[str, tuple[int, int]] = {}
        self._done: deque[str] = deque(maxlen=_HELD)
        """Whose acknowledgement may not have arrived: they are not answered twice while this agent runs."""
        self._there = threading.Condition()
        self._client: paho.Client | None = None
        self._problem = ""
        self.skipped = 0

    def take(self, wait_s: float) -> Input | None:
        """The message that came first."""
        self._open()
        with self._there:
            if not self._waiting:
                self._there.wait(wait_s)
            if self._waiting:
                one, mid, qos = self._waiting.popleft()
                self._bytes -= len(one.body or b"")
                self._taken[one.id] = (mid, qos)
                return one
            problem = self._problem
        if problem:
            raise Away(problem)
        return None

    def done(self, one: Input, _: bool, /) -> None:
        """Acknowledge it."""
        with self._there:
            mid, qos = self._taken.pop(one.id, (0, 0))
            self._done.append(one.id)
        if qos and self._client is not None:
            self._client.ack(mid, qos)

    def end(self, *, for_good: bool) -> None:
        """Disconnect; `for_good`: and have the broker keep nothing more."""
        client, self._client = self._client, None
        if client is None:
            return
        if for_good and client.is_connected():
            client.unsubscribe(self._said.topic)
        client.disconnect()
        client.loop_stop()

    def _open(self) -> None:
        if self._client is not None:
            return
        client = _client(self._said, self._allowed, self._id, clean=False)
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_connect_fail = self._failed
        client.on_subscribe = self._subscribed
        client.on_message = self._came
        client.reconnect_delay_set(1, _SLOWEST_S)
        host, port = _address(self._said.url)
        client.connect_async(host, port, keepalive=_KEEPALIVE_S)
        client.loop_start()
        self._client = client

    def _connected(self, client: paho.Client, _data: Any, flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._says(f"{self._said.url}: {reason}")
            return
        with self._there:
            # Of QoS 1 nothing that waits was acknowledged: the broker sends it again in this new connection.
            self._waiting = deque(held for held in self._waiting if held[2] == 0)
            self._bytes = sum(len(one.body or b"") for one, _, _ in self._waiting)
        if flags.session_present:
            self._says("")
        else:  # only once: with each subscription comes what the topic retains
            client.subscribe(self._said.topic, qos=1)

    def _subscribed(self, _client: paho.Client, _data: Any, _mid: int, reasons: list[Any], _properties: Any) -> None:
        refused = [str(one) for one in reasons if one.is_failure]
        self._says(f"{self._said.url}: topic {self._said.topic}: {refused[0]}" if refused else "")

    def _disconnected(self, _client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self._says(f"{self._said.url}: disconnected: {reason}")

    def _failed(self, _client: paho.Client, _data: Any) -> None:
        self._says(f"{self._said.url}: no connection")

    def _says(self, problem: str) -> None:
        with self._there:
            self._problem = problem

    def _came(self, client: paho.Client, _data: Any, message: paho.MQTTMessage) -> None:
        said = f"{self._id}\n{message.mid}\n{message.topic}\n".encode() + message.payload
        # A message of QoS 0 has no number by which it could come again.
        id_ = hashlib.sha256(said).hexdigest()[:32] if message.qos else uuid.uuid4().hex
        body = bytes(message.payload) if len(message.payload) <= INPUT_LIMIT else None
        one = Input(id_, message.topic, body, self._clock.now())
        with self._there:
            if message.dup and id_ in self._taken:
                return
            if message.dup and id_ in self._done:
                client.ack(message.mid, message.qos)
                return
            self._waiting.append((one, message.mid, message.qos))
            self._bytes += len(one.body or b"")
            while len(self._waiting) > _HELD or self._bytes > _HELD_BYTES:
                old, mid, qos = self._waiting.popleft()
                self._bytes -= len(old.body or b"")
                self.skipped += 1
                if qos:
                    client.ack(mid, qos)
            self._there.notify()


class AnswersByMqtt:
    """A message of QoS 1 for each answer, which is handed over when the broker has acknowledged it."""

    dropped = 0

    def __init__(self, said: ToBroker, allowed: Allowed, who: str) -> None:
        self._said = said
        self._allowed = allowed
        self._id = _client_id(f"answers of {who}")
        self._client: paho.Client | None = None

    def send(self, _: str, answer: bytes, /) -> None:
        """Publish, and wait for the broker's acknowledgement."""
        try:
            told = self._opened().publish(self._said.topic, answer, qos=1)
            told.wait_for_publish(_ANSWER_S)
            if not told.is_published():
                raise Away(f"{self._said.url}: no acknowledgement within {_ANSWER_S:.0f} s")
        except (OSError, ValueError, RuntimeError) as error:
            self.end()
            raise Away(f"{self._said.url}: {error or type(error).__name__}") from None
        except Away:
            # A new connection, else the old one sends later what is sent again by then.
            self.end()
            raise

    def end(self) -> None:
        """Disconnect."""
        client, self._client = self._client, None
        if client is not None:
            client.disconnect()
            client.loop_stop()

    def _opened(self) -> paho.Client:
        if self._client is None or not self._client.is_connected():
            self.end()
            self._client = client = _client(self._said, self._allowed, self._id, clean=True)
            answered, refused = threading.Event(), []

            def connected(_client: paho.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
                refused.extend([str(reason)] if reason.is_failure else [])
                answered.set()

            client.on_connect = connected
            host, port = _address(self._said.url)
            client.connect(host, port, keepalive=_KEEPALIVE_S)
            client.loop_start()
            if not answered.wait(_ANSWER_S):
                raise Away(f"{self._said.url}: no answer within {_ANSWER_S:.0f} s")
            if refused:
                raise Away(f"{self._said.url}: {refused[0]}")
        return self._client


def _client(said: FromBroker | ToBroker, allowed: Allowed, id_: str, *, clean: bool) -> paho.Client:
    client = paho.Client(
        CallbackAPIVersion.VERSION2, client_id=id_, clean_session=clean, manual_ack=not clean, reconnect_on_failure=True
    )
    client.connect_timeout = _ANSWER_S
    if said.username is not None:
        client.username_pw_set(said.username, None if said.password is None else allowed.secret(said.password))
    if urlsplit(said.url).scheme == "mqtts":
        client.tls_set(ca_certs=None if said.authority is None else str(allowed.secret_path(said.authority)))
    return client


def _client_id(text: str) -> str:
    """At most 23 characters, which every broker takes."""
    return f"slipway-{hashlib.sha256(text.encode()).hexdigest()[:14]}"


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or _PORTS[parts.scheme]
