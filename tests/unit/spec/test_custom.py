"""What a spec says of a server of its own is taken whole or refused in words; nothing of a secret is shown."""

import ipaddress
from typing import Any

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from slipway.errors.base import Place, UserError
from slipway.reading.findings import dotted, validated
from slipway.render.own_server import own_egress
from slipway.spec.custom.clear import is_secret
from slipway.spec.custom.egress import CLOSED, EGRESS_MOST, Egress
from slipway.spec.custom.environment import VALUE_MOST, VARIABLES_MOST, SecretKey, Variables, is_ours, loads_code
from slipway.spec.model import ModelSpec

VARIABLES: TypeAdapter[dict[str, Any]] = TypeAdapter(Variables)
SPEC: dict[str, Any] = {
    "apiVersion": "slipway/v1",
    "name": "reader",
    "version": "1.0.0",
    "owner": "vision",
    "runtime": "custom",
    "custom": {"image": "registry.example.com/reader@sha256:" + "a" * 64},
    "resources": {"cpu": "100m", "memory": "128Mi"},
    "check": {"request": "check.json", "expect": {"label": 7}},
}


def refused(**changes: Any) -> list[UserError]:
    found: list[UserError] = []
    validated(ModelSpec, SPEC | changes, lambda path: (Place("spec.yaml"), dotted(path)), found)
    return found


def test_the_spec_of_these_tests_is_right() -> None:
    assert refused() == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.text(max_size=12), JSON, max_size=3))
def test_any_variables_are_taken_or_refused_with_what_is_allowed(value: dict[str, Any]) -> None:
    for error in refused(env=value):
        assert (error.field or "").startswith("env")
        assert error.allowed
        assert error.todo


@given(st.lists(JSON | st.fixed_dictionaries({}, optional={"host": JSON, "cidr": JSON, "port": JSON}), max_size=3))
def test_any_egress_is_taken_or_refused_with_what_is_allowed(value: list[Any]) -> None:
    for error in refused(egress=value):
        assert (error.field or "").startswith("egress")
        assert error.allowed
        assert error.todo


@given(
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("image", "build", "command", "port", "ready", "live", "user"), JSON)
    )
)
def test_any_section_custom_is_taken_or_refused_with_what_is_allowed(value: dict[str, Any]) -> None:
    for error in refused(custom=value):
        assert (error.field or "").startswith("custom")
        assert error.allowed
        assert error.todo


@given(st.integers())
def test_a_port_is_one_that_a_server_without_rights_can_have(port: int) -> None:
    found = refused(custom={**SPEC["custom"], "port": port})
    assert (found == []) == (1024 <= port <= 65535)


@given(st.ip_addresses(), st.integers(0, 128))
def test_no_block_of_addresses_opens_the_way_to_credentials_of_nodes(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, bits: int
) -> None:
    network = ipaddress.ip_network((address, min(bits, address.max_prefixlen)), strict=False)
    found = refused(egress=[{"cidr": str(network), "port": 80}])
    if found:
        assert any(network.version == one.version and network.overlaps(one) for one in (*CLOSED, *LOOPBACK))
        return
    rules = own_egress([Egress(cidr=str(network), port=80)])
    assert rules is not None
    block = rules[0]["to"][0]["ipBlock"]
    assert block["cidr"] == str(network)
    for one in CLOSED:
        if one.version == network.version and network.overlaps(one):
            assert str(one) in block["except"]


LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


def test_two_names_at_one_port_are_one_rule_and_names_are_looked_up() -> None:
    rules = own_egress([Egress(host="a.internal", port=5432), Egress(host="b.internal", port=5432)])
    assert rules is not None
    assert [rule["ports"][0]["port"] for rule in rules] == [53, 5432]
    assert own_egress([]) is None
    address = own_egress([Egress(host="10.0.0.1", port=5432)])
    assert address == [{"to": [{"ipBlock": {"cidr": "10.0.0.1/32"}}], "ports": [{"port": 5432, "protocol": "TCP"}]}]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_PASSWORD", "hunter2"),
        ("TOKEN", "abc123def456"),
        ("my_api_key", "q"),
        ("APIKEY", "xyz"),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI"),
        ("ANY", "AKIA" + "A" * 16),
        ("ANY", "ghp_" + "a" * 36),
        ("ANY", "-----BEGIN RSA PRIVATE KEY-----\nMII"),
        ("ANY", "eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl"),
        ("DATABASE_URL", "postgres://app:pw@db/app"),
    ],
)
def test_what_seems_to_be_a_secret_is_refused_and_never_shown(name: str, value: str) -> None:
    assert is_secret(name, value)
    (error,) = refused(env={name: value})
    assert value not in str(error)
    assert "kubectl create secret" in str(error)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LANG", "C.UTF-8"),
        ("TOKEN_FILE", "/var/run/token"),
        ("TOKENIZER", "bert"),
        ("TOKENIZERS_PARALLELISM", "false"),
        ("MAX_TOKENS", "512"),
        ("TOKEN_LIMIT", "512"),
        ("USE_TOKEN", "true"),
        ("DATABASE_URL", "postgres://db.internal:5432/app"),
        ("GREETING", "a key, a token and a password"),
        ("PASSWORD", ""),
    ],
)
def test_what_is_none_is_taken(name: str, value: str) -> None:
    assert not is_secret(name, value)
    assert refused(env={name: value}) == []


def test_there_is_an_end_to_variables_values_and_destinations() -> None:
    assert "65 variables" in str(refused(env={f"V{n}": "x" for n in range(VARIABLES_MOST + 1)})[0])
    assert "4097 characters" in str(refused(env={"V": "x" * (VALUE_MOST + 1)})[0])
    many = [{"host": "db", "port": 1 + n} for n in range(EGRESS_MOST + 1)]
    assert "17 destinations" in str(refused(egress=many)[0])
    assert "65 words" in str(refused(custom={**SPEC["custom"], "command": ["x"] * 65})[0])


@given(st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,20}", fullmatch=True))
def test_a_name_is_taken_unless_it_is_ours_or_loads_code(name: str) -> None:
    assume(not is_secret(name, "x"))
    try:
        VARIABLES.validate_python({name: "x"})
    except ValidationError:
        assert is_ours(name) or loads_code(name)
    else:
        assert not (is_ours(name) or loads_code(name))


def test_a_key_of_a_secret_is_the_variables_own_name_when_left_out() -> None:
    assert VARIABLES.validate_python({"A": {"secret": "s"}}) == {"A": SecretKey(secret="s", key=None)}


def test_yaml_that_is_no_text_is_told_to_be_quoted() -> None:
    (error,) = refused(env=yaml.safe_load("{DEBUG: yes}"))
    assert "in quotes" in str(error)
