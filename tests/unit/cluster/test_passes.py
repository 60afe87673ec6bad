"""Passes are signed with the key of the namespace, where there is one and it may be read."""

import base64
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from slipway_server.http.passes import Passes as ServerPasses
from slipway_server.http.passes import PassRefused

from slipway.cluster.passes import ADMIN_AUDIENCE, SigningKeyUnusable, passes_to, signed_pass, signing_key
from slipway.errors.reaching import ApiRefused, ClusterUnreachable
from tests.support.fake_cluster import FakeCluster

KEY = Ed25519PrivateKey.generate()


def pem(key: Any) -> bytes:
    return bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def cluster_with(content: bytes | None, name: str = "private.pem") -> FakeCluster:
    cluster = FakeCluster()
    data = {} if content is None else {name: base64.b64encode(content).decode()}
    cluster.create({"kind": "Secret", "metadata": {"name": "keys-signing"}, "data": data})
    return cluster


@pytest.fixture
def server(tmp_path: Any) -> ServerPasses:
    public = tmp_path / "public.pem"
    public.write_bytes(KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return ServerPasses(public, "digits")


def test_a_model_s_server_takes_the_pass_and_no_other_model_s(server: ServerPasses) -> None:
    cluster = cluster_with(pem(KEY))
    server.check(passes_to(cluster, "digits").headers()["x-slipway-pass"].encode())
    with pytest.raises(PassRefused, match="is not for model/digits"):
        server.check(passes_to(cluster, "speech").headers()["x-slipway-pass"].encode())


def test_a_pass_says_for_whom_and_how_long_it_is() -> None:
    public = KEY.public_key()
    claims = jwt.decode(signed_pass(KEY, ADMIN_AUDIENCE, 20), public, ["EdDSA"], audience="keys-admin")
    assert claims["exp"] - claims["iat"] == 20
    assert set(claims) == {"aud", "iat", "exp"}


def test_where_there_is_no_key_no_pass_is_sent() -> None:
    passes = passes_to(FakeCluster(), "digits")
    assert (passes.headers(), signing_key(FakeCluster())) == ({}, None)
    refused = ApiRefused("POST", "/", 403, "no")
    assert passes.explained(refused) == "no"


def test_who_may_not_read_the_key_goes_without_and_is_told_what_to_ask_for_when_that_was_needed() -> None:
    cluster = cluster_with(pem(KEY))
    cluster.forbidden = {"Secret"}
    passes = passes_to(cluster, "digits")
    assert passes.headers() == {}
    needed = passes.explained(ApiRefused("POST", "/", 403, "`x-slipway-pass` is missing"))
    assert needed.startswith("`x-slipway-pass` is missing; next: ask for the right to get Secret keys-signing")
    assert passes.explained(ApiRefused("POST", "/", 500, "broken")) == "broken"
    with pytest.raises(ApiRefused):
        signing_key(cluster)


@pytest.mark.parametrize(
    ("content", "name", "problem"),
    [
        (None, "", "has no key private.pem"),
        (pem(KEY), "public.pem", "has no key private.pem"),
        (b"", "private.pem", "has no key private.pem"),
        (b"SECRET WORDS", "private.pem", "has no private key in PEM in private.pem"),
        (b"-----BEGIN PRIVATE KEY-----\nMC4CAQAw\n", "private.pem", "has no private key in PEM in private.pem"),
        (pem(generate_private_key(SECP256R1())), "private.pem", "has a key of type "),
    ],
)
def test_a_secret_that_has_no_such_key_is_named_and_not_quoted(content: bytes | None, name: str, problem: str) -> None:
    with pytest.raises(SigningKeyUnusable) as error:
        passes_to(cluster_with(content, name), "digits")
    assert f"Secret slipway/keys-signing {problem}" in str(error.value)
    assert "delete it and ConfigMap slipway/gateway-trust" in str(error.value)
    assert "WORDS" not in str(error.value)


def test_an_api_server_that_is_away_is_no_missing_key() -> None:
    cluster = cluster_with(pem(KEY))
    cluster.down = True
    with pytest.raises(ClusterUnreachable):
        passes_to(cluster, "digits")
