"""Hosts, paths and origins are what every proxy reads the same way; anything else is refused."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from slipway.values.hosts import (
    is_below,
    parse_host,
    parse_http_address,
    parse_issuer,
    parse_origin,
    parse_url_path,
    path_contains,
)

SEGMENT = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,8}[A-Za-z0-9]", fullmatch=True)
PATHS = st.lists(SEGMENT, max_size=4).map(lambda parts: "/" + "/".join(parts))


@pytest.mark.parametrize("host", ["localhost", "models.example.com", "a-1.b", "x" * 63 + ".example"])
def test_a_host_name_is_accepted(host: str) -> None:
    assert parse_host(host) == host


@pytest.mark.parametrize(
    "host",
    ["Models.example.com", "-a.b", "a-.b", "a..b", "a.", "1.2.3.4", "[::1]", "a_b", "x" * 64, "é.b", "a b"],
)
def test_what_is_no_host_name_is_refused(host: str) -> None:
    with pytest.raises(PydanticCustomError):
        parse_host(host)


@given(st.text(max_size=40))
def test_an_accepted_path_has_nothing_that_a_proxy_could_read_twice(text: str) -> None:
    try:
        path = parse_url_path(text)
    except PydanticCustomError:
        return
    assert path.startswith("/")
    assert path.isascii()
    assert not re.search(r"//|/\.{1,2}(/|$)|[%\\?#;\s]", path)
    assert path == "/" or not path.endswith("/")


@given(PATHS, PATHS)
def test_two_paths_share_requests_exactly_when_one_is_the_beginning_of_the_other(one: str, other: str) -> None:
    assert parse_url_path(one) == one
    parts, theirs = one.strip("/").split("/"), other.strip("/").split("/")
    begins = one == "/" or parts == theirs[: len(parts)]
    assert path_contains(one, other) == begins


def test_a_domain_contains_itself_and_names_below_it_but_none_that_only_ends_like_it() -> None:
    assert is_below("example.com", "example.com")
    assert is_below("a.b.example.com", "example.com")
    assert not is_below("myexample.com", "example.com")
    assert not is_below("com", "example.com")


@pytest.mark.parametrize("origin", ["https://shop.example", "http://localhost:3000", "https://*.example.com:8443"])
def test_an_origin_is_accepted(origin: str) -> None:
    assert parse_origin(origin) == origin


@pytest.mark.parametrize("origin", ["*", "https://*", "https://shop.example/", "shop.example", "null", "file:///x", 7])
def test_what_is_no_origin_is_refused(origin: object) -> None:
    with pytest.raises(PydanticCustomError):
        parse_origin(origin)


@pytest.mark.parametrize("issuer", ["http://login.example", "https://", "https://a@b.example", "https://a.example/?x"])
def test_an_issuer_whose_keys_could_be_exchanged_on_the_way_is_refused(issuer: str) -> None:
    with pytest.raises(PydanticCustomError):
        parse_issuer(issuer)


@pytest.mark.parametrize(
    "address", ["http://prometheus-operated.monitoring:9090", "https://mimir.example.com/prometheus"]
)
def test_the_address_of_a_service_is_accepted(address: str) -> None:
    assert parse_http_address(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "prometheus:9090",
        "ftp://a",
        "http://a/",
        "http://a?b=c",
        "http://u:p@a",
        "http://",
        "http://a:0",
        "http://a b",
        1,
    ],
)
def test_what_is_no_address_of_a_service_is_refused(address: object) -> None:
    with pytest.raises(PydanticCustomError):
        parse_http_address(address)


def test_credentials_in_an_address_are_not_shown() -> None:
    with pytest.raises(PydanticCustomError) as refused:
        parse_http_address("https://reader:hunter2@prometheus.example.com")
    context = refused.value.context
    assert context is not None
    assert context["hidden"]
    assert "hunter2" not in f"{context}"
