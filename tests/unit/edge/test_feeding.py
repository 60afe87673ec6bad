"""What the settings say of a model's feed is what its devices read: nothing passes here that an agent would refuse."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from slipway_edge.values.document import Entry

from slipway.edge.particular import particular_of
from slipway.settings.edge_models import FleetModel

SOURCE = {"folder": {"path": "/srv/slipway/in"}}
SINK = {"http": {"url": "https://plant.example.com/answers", "token": "plant.txt"}, "waiting": "2Mi"}

HOSTS = st.sampled_from(
    ["127.0.0.1", "localhost", "[::1]", "broker.example.com", "u:p@broker.example.com", "", "a b", "[::"]
)
PORTS = st.sampled_from(["", ":0", ":1", ":8883", ":65535", ":65536", ":x", ":-1"])
TAILS = st.sampled_from(["", "/", "/answers", "/answers?a=b", "#part", "?a"])
SCHEMES = st.sampled_from(["mqtt", "mqtts", "http", "https", "rtsp", "rtsps", "file", "MQTTS", ""])
URLS = st.builds("{}://{}{}{}".format, SCHEMES, HOSTS, PORTS, TAILS) | st.sampled_from(
    ["/dev/video0", "/dev/video", "/dev/sda", "/dev/video0/../sda", "/etc/shadow"]
)
PATHS = st.lists(st.sampled_from(["", ".", "..", "srv", "in put", "…", "\n", "\0", "~"]), max_size=5).map("/".join)
TOPICS = st.lists(st.sampled_from(["a", "+", "#", "a+", "", "\u0000", "ü", "$SYS"]), min_size=1, max_size=4).map(
    "/".join
)
NAMES = st.sampled_from(["broker.txt", "..", ".hidden", "a/b", "", "x" * 64, "hunter 2"])
KEEP = st.sampled_from([0, 1, 100_000, 100_001, "many", 1.5])


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


OF_BROKER = {"username": st.sampled_from(["press", "", "a b"]), "password": NAMES, "authority": NAMES}


def only(kind: str, needed: dict[str, Any], more: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({kind: st.fixed_dictionaries(needed, optional=more)})


BROKER = only("mqtt", {"url": URLS, "topic": TOPICS}, OF_BROKER)
FOLDER = only("folder", {"path": PATHS.map("/".__add__) | PATHS}, {"keep": KEEP})
CAMERA = only("camera", {"url": URLS}, {"rate": st.sampled_from([0, 0.001, 1, 60, 61, "fast"])})
HTTP = only("http", {"url": URLS}, {"token": NAMES, "authority": NAMES})
WAITING = some(waiting=st.sampled_from(["1", "1Ki", "1Mi", "1024Ti"]))
SOURCES = BROKER | FOLDER | CAMERA | st.builds(lambda one, other: one | other, BROKER, CAMERA)
SINKS = st.builds(lambda one, more: one | more, BROKER | FOLDER | HTTP, WAITING)
COUNTED = {"output": "label", "values": [7], "epsilon": 1.0, "per": "24h"}
COUNTS = st.fixed_dictionaries(
    {
        "output": st.sampled_from(["label", "", "two\nlines"]),
        "values": st.lists(st.sampled_from([7, "7", "cat", "other", "", True, 0.5]), max_size=4),
        "epsilon": st.sampled_from([0, 0.009, 0.01, 1, 10, 10.1, "1"]),
        "per": st.sampled_from(["1h", "24h", "30d", "31d", "30m", 3600]),
    }
)
# One thing at a time is bad, else next to nothing would be good.
MODELS = (
    st.fixed_dictionaries({"source": SOURCES, "sink": st.just(SINK)})
    | st.fixed_dictionaries({"source": st.just(SOURCE), "sink": SINKS})
    | some(source=st.just(SOURCE), sink=st.just(SINK), deadline=st.sampled_from(["1ms", "0ms", "24h", "25h", "200"]))
    | st.fixed_dictionaries({"source": st.just(SOURCE), "sink": st.just(SINK), "aggregates": COUNTS})
    | some(aggregates=st.just(COUNTED))
    | some(
        priority=st.sampled_from([-1, 0, 100, 101]),
        cpuset=st.sampled_from(["0", "0-1", "1-0", "0,2-3", "-1", "0-", "all", 0, ""]),
        realtime=st.booleans(),
        telemetry=st.lists(st.sampled_from(["latency", "errors", "feeds", "memory"]), max_size=3),
    )
)


def of_a_device(said: dict[str, Any]) -> Entry:
    """The entry as an agent parses it, out of JSON."""
    least: dict[str, Any] = {
        "model": "press",
        "version": "1.0.0",
        "release": "0" * 16,
        "image": "registry.example.com/press@sha256:" + "0" * 64,
        "weights": None,
        "port": 8080,
        "check": {"path": "/predict", "request": {}, "expect": {"label": 7}},
        "memory": 2**28,
        "cpus": 0.5,
        "health": {"p95_ms": None, "errors": 0.01, "settle_s": 10},
    }
    return Entry.model_validate(least | said)


def test_what_the_settings_leave_out_is_not_in_a_document_and_changes_no_digest() -> None:
    assert particular_of(FleetModel(name="press")) == {}
    assert of_a_device({}).model_dump(mode="json").keys().isdisjoint({"source", "sink", "telemetry", "cpuset"})


def test_a_feed_reaches_its_devices_with_units_that_they_read() -> None:
    wanted = {"source": SOURCE, "sink": SINK, "deadline": "200ms", "priority": 10, "cpuset": "0-1", "realtime": True}
    said = particular_of(FleetModel.model_validate({"name": "press", **wanted}))
    entry = of_a_device(said)
    assert entry.sink is not None
    assert (entry.deadline_ms, entry.sink.waiting, entry.priority, entry.cpuset) == (200, 2**21, 10, "0-1")
    assert entry.source is not None
    assert entry.source.folder is not None
    assert (entry.source.folder.path, entry.source.folder.keep) == ("/srv/slipway/in", 100)


@settings(max_examples=400, deadline=None)
@given(written=MODELS)
def test_settings_refuse_in_our_words_what_a_device_would_refuse(written: dict[str, Any]) -> None:
    try:
        model = FleetModel.model_validate({"name": "press", **written})
    except ValidationError as error:
        known = {"slipway", "missing", "extra_forbidden", "literal_error", "model_type", "too_short"}
        assert {one["type"] for one in error.errors()} <= known
        return
    of_a_device(particular_of(model))


@pytest.mark.parametrize(
    "source",
    [
        {"folder": {"path": "/srv/../etc", "keep": 1}},
        {"folder": {"path": "srv", "keep": 1}},
        {"mqtt": {"url": "mqtt://broker.example.com", "topic": "in"}},
        {"mqtt": {"url": "mqtts://broker.example.com", "topic": "in", "password": "../key.pem"}},
        {"camera": {"url": "file:///etc/shadow", "rate": 1.0}},
        {"camera": {"url": "/dev/sda", "rate": 1.0}},
        {"folder": {"path": "/srv", "keep": 1}, "mqtt": {"url": "mqtts://broker.example.com", "topic": "in"}},
    ],
    ids=["dotted", "relative", "in-clear", "secret-by-path", "file", "disk", "two-kinds"],
)
def test_a_device_refuses_by_itself_what_a_signer_must_not_say(source: dict[str, Any]) -> None:
    sink = {"folder": {"path": "/srv/out", "keep": 1}, "waiting": 2**20}
    with pytest.raises(ValidationError, match="source"):
        of_a_device({"source": source, "sink": sink})
