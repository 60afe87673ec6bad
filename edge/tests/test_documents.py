"""What is refused of what a device is sent: forged, for another, old, malformed."""

import base64
import json
import random
from typing import Any

import pytest
from devices_room import FOLDER, LosingDisk, Signer, document, entry, raw_entry
from hypothesis import given
from hypothesis import strategies as st
from slipway_edge.disk.files import Files
from slipway_edge.disk.record import Book
from slipway_edge.identity.envelope import opened
from slipway_edge.values.document import SIZE_LIMIT, canonical, parse
from slipway_edge.values.errors import Refused

SIGNER = Signer()


def test_a_signed_document_is_taken_whatever_its_date_says() -> None:
    found, payload = opened(SIGNER.document(17, entry()), SIGNER.pinned, 0, None)
    assert (found.serial, found.issued, found.models) == (17, "1999-01-01T00:00:00Z", [entry()])
    assert payload == document(17, entry())


@given(at=st.integers(0, len(document(17, entry())) - 1), bit=st.integers(0, 7))
def test_a_document_with_any_bit_changed_is_refused(at: int, bit: int) -> None:
    envelope = json.loads(SIGNER.document(17, entry()))
    payload = bytearray(base64.b64decode(envelope["payload"]))
    payload[at] ^= 1 << bit
    envelope["payload"] = base64.b64encode(payload).decode()
    with pytest.raises(Refused, match="does not fit"):
        opened(json.dumps(envelope).encode(), SIGNER.pinned, 0, None)


def test_a_document_by_a_key_that_was_not_pinned_is_refused() -> None:
    with pytest.raises(Refused, match="pinned at enrolment"):
        opened(Signer().document(17, entry()), SIGNER.pinned, 0, None)


@pytest.mark.parametrize("changed", [{"fleet": "edge-us"}, {"device": "pi-002"}])
def test_a_document_for_another_is_refused(changed: dict[str, str]) -> None:
    with pytest.raises(Refused, match=f"the document is for {next(iter(changed))} {next(iter(changed.values()))}"):
        opened(SIGNER.document(17, entry(), **changed), SIGNER.pinned, 0, None)


def test_an_old_document_is_refused_and_the_same_is_taken_again() -> None:
    force = document(17, entry())
    with pytest.raises(Refused, match="serial 16; in force is 17: an old one was sent again"):
        opened(SIGNER.document(16, entry()), SIGNER.pinned, 17, force)
    with pytest.raises(Refused, match="serial 17, as the one in force, and other content"):
        opened(SIGNER.document(17, entry("1.1.0")), SIGNER.pinned, 17, force)
    assert opened(SIGNER.document(17, entry()), SIGNER.pinned, 17, force)[0].serial == 17


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b"\xff", b'{"payload": "!", "key": "", "signature": ""}'])
def test_what_is_no_envelope_is_refused(raw: bytes) -> None:
    with pytest.raises(Refused, match="no envelope"):
        opened(raw, SIGNER.pinned, 0, None)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"schema": 2}, "schema"),
        ({"more": 1}, "more"),
        ({"serial": 0}, "serial"),
        ({"serial": True}, "serial"),
        ({"telemetry": ["pictures"]}, "telemetry"),
        ({"interval_s": 0}, "interval_s"),
    ],
)
def test_a_field_that_is_not_as_it_must_be_is_named(changed: dict[str, object], says: str) -> None:
    with pytest.raises(Refused, match=says):
        parse(document(**{"serial": 1, **changed}))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"image": "127.0.0.1:5000/digits:1.0.0"}, "image"),
        ({"port": 80}, "port"),
        ({"model": "../digits"}, "model"),
        ({"memory": 1}, "memory"),
        ({"cpus": 0.0}, "cpus"),
        ({"env": {"a b": "c"}}, "env"),
    ],
)
def test_a_models_field_that_is_not_as_it_must_be_is_named(changed: dict[str, object], says: str) -> None:
    with pytest.raises(Refused, match=f"models.0.{says}"):
        parse(document(1, models=[{**raw_entry("1.0.0", "1" * 16), **changed}]))


def test_a_model_or_a_port_twice_is_refused() -> None:
    with pytest.raises(Refused, match="model digits is there twice"):
        parse(document(1, entry(), entry("1.1.0", port=8081)))
    with pytest.raises(Refused, match="port 8080 is there twice"):
        parse(document(1, entry(), entry("1.1.0", model="speech")))


def test_a_document_that_is_too_long_is_refused() -> None:
    with pytest.raises(Refused, match="allowed: 4194304"):
        parse(b" " * (SIZE_LIMIT + 1))


def test_the_record_says_again_what_it_was_told() -> None:
    disk = LosingDisk(random.Random(0))
    book = Book(FOLDER, Files(disk))
    book.take(3, document(3, entry()))
    book.mark_good(entry())
    book.mark_bad(entry("1.1.0"), "wrong")
    again = Book(FOLDER, Files(disk))
    assert again.record == book.record
    assert (again.record.serial, again.of("digits").bad) == (3, {entry("1.1.0").digest: "wrong"})


def test_bad_versions_are_remembered_up_to_eight() -> None:
    book = Book(FOLDER, Files(LosingDisk(random.Random(0))))
    for number in range(12):
        book.mark_bad(entry(env={"N": str(number)}), str(number))
    assert list(book.of("digits").bad.values()) == [str(number) for number in range(4, 12)]


def test_canonical_json_does_not_depend_on_order() -> None:
    assert canonical({"b": 1, "a": "ü"}) == canonical({"a": "ü", "b": 1}) == '{"a":"ü","b":1}'.encode()


@pytest.mark.parametrize("name", ["../model.onnx", "/etc/passwd", "a//b", "a/./b", "a/..", "", "a\nb"])
def test_weights_that_would_leave_their_folder_are_refused(name: str) -> None:
    raw = json.loads(document(1, entry()))
    files = [{"name": name, "sha256": "0" * 64, "bytes": 1, "pieces": None}]
    raw["models"][0]["weights"] = {"folder": "/opt/slipway/model", "files": files}
    with pytest.raises(Refused, match=r"models\.0\.weights\.files\.0"):
        parse(canonical(raw))


@pytest.mark.parametrize(
    ("pull", "field"),
    [
        ({"hours": ["22-06"]}, r"pull\.hours\.0"),
        ({"hours": ["24:00-06:00"]}, r"pull\.hours\.0"),
        ({"bytes_per_s": 10}, r"pull\.bytes_per_s"),
        ({"zone": "../../etc/passwd"}, r"pull\.zone"),
        ({"rate": 1}, r"pull\.rate"),
    ],
    ids=["form", "hour", "rate", "zone", "unknown"],
)
def test_a_malformed_rule_of_pulls_is_refused_with_its_field(pull: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused, match=field):
        parse(document(1, entry(), pull=pull))
