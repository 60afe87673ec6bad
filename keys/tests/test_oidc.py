"""Tokens of an issuer: verified here, whatever the gateway says."""

import http.server
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from ledger_reading import Books
from service import Home, until


class Issuer:
    """An issuer with one key, which it can change."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(65537, 2048)
        self.kid = "one"
        self.asked = 0
        self.padding = 0
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked += 1
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(issuer.document(self.path)).encode())

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def document(self, path: str) -> dict[str, Any]:
        """Return what it says at an address."""
        if path.startswith("/.well-known"):
            return {"issuer": self.url, "jwks_uri": f"{self.url}/keys", "padding": "x" * self.padding}
        public = json.loads(RSAAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [{**public, "kid": self.kid, "use": "sig", "alg": "RS256"}]}

    def token(self, **changes: Any) -> str:
        """Return a good token, changed as asked; None leaves a claim out."""
        claims = {"iss": self.url, "aud": "models", "sub": "auth0|some body", "exp": time.time() + 60, **changes}
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": self.kid})


@pytest.fixture
def issuer(home: Home) -> Iterator[Issuer]:
    made = Issuer()
    home.api.set("digits", auth="oidc", oidc={"issuer": made.url, "audiences": ["models"]})
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_a_good_token_passes_and_is_counted_for_its_subject(home: Home, books: Books, issuer: Issuer) -> None:
    replica = home.start()
    assert replica.check("digits", issuer.token()).status == 200
    until(lambda: [line["key"] for line in books.lines().values()] == ["oidc:auth0%7Csome%20body"])


def test_tokens_that_are_not_good_are_401(home: Home, issuer: Issuer) -> None:
    replica = home.start()
    stranger = rsa.generate_private_key(65537, 2048)
    good = {"iss": issuer.url, "aud": "models", "sub": "x", "exp": time.time() + 60}
    bad = {
        "expired": issuer.token(exp=time.time() - 60),
        "without an end": issuer.token(exp=None),
        "another audience": issuer.token(aud="others"),
        "another issuer": issuer.token(iss="https://else.where"),
        "without a subject": issuer.token(sub=None),
        "signed by a stranger": jwt.encode(good, stranger, algorithm="RS256", headers={"kid": issuer.kid}),
        "of an unknown key": jwt.encode(good, stranger, algorithm="RS256", headers={"kid": "two"}),
        "not signed": jwt.encode(good, None, algorithm="none", headers={"kid": issuer.kid}),
        "signed with an HMAC": jwt.encode(good, "public" * 8, algorithm="HS256", headers={"kid": issuer.kid}),
        "no token": "nonsense",
        "nothing": "",
    }
    assert {name: replica.check("digits", token).status for name, token in bad.items()} == dict.fromkeys(bad, 401)
    assert replica.check("digits", issuer.token()).status == 200


def test_unknown_keys_do_not_make_a_storm_at_the_issuer(home: Home, issuer: Issuer) -> None:
    replica = home.start()
    assert replica.check("digits", issuer.token()).status == 200
    before = issuer.asked
    issuer.kid = "guessed"
    for _ in range(30):
        replica.check("digits", issuer.token())
    assert issuer.asked - before <= 4


def test_an_issuer_that_is_away_closes_and_one_that_was_seen_does_not(home: Home, issuer: Issuer) -> None:
    home.api.set("other", auth="oidc", oidc={"issuer": "http://127.0.0.1:9", "audiences": ["models"]})
    replica = home.start()
    assert replica.check("other", issuer.token()).status == 503
    assert replica.check("digits", issuer.token()).status == 200
    issuer.server.shutdown()
    issuer.server.server_close()
    assert replica.check("digits", issuer.token()).status == 200


def test_an_answer_without_end_is_not_read(home: Home, issuer: Issuer) -> None:
    issuer.padding = 2**20
    assert home.start().check("digits", issuer.token()).status == 503
