"""No key, credential or secret in clear: not in a log, a metric, an answer, a file, or the database."""

from uuid import uuid4

import jwt
from cryptography.hazmat.primitives import serialization
from ledger_reading import Books
from service import Home, record, until
from slipway_keys.values.keys import Budget, split

from tests.support.postgres import PASSWORD


def _everything_stored(books: Books) -> str:
    tables = [row[0] for row in books.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    return "\n".join(str(dict(row)) for table in tables for row in books.query(f'SELECT * FROM "{table}"'))


def test_nothing_that_is_secret_is_anywhere_in_clear(home: Home, books: Books) -> None:
    home.api.set("tokens", auth="oidc", oidc={"issuer": "http://127.0.0.1:9/", "audiences": ["a"]})
    _, text = books.key("*")
    _, limited = books.key("*", budget=Budget(5, None, "day"))
    replica = home.start()
    token = jwt.encode({"sub": "somebody", "aud": "a"}, "x" * 32, algorithm="HS256")
    wrong = text[:-3] + "abc"
    shown = [text, limited, wrong, token]
    answers = [replica.check(model, key, str(uuid4())) for model in ("digits", "tokens", "nobody") for key in shown]
    answers += [replica.check("digits", x_api_key=key) for key in shown]
    answers += [replica.check("digits", f"\x00{key}'; DROP TABLE keys; --{key}") for key in shown if "\n" not in key]
    request_id = str(uuid4())
    admitted = replica.check("digits", text, request_id)
    replica.settle(record(admitted, request_id), {**record(admitted, request_id), "flags": text, "tokens": text})
    until(lambda: books.lines().get(request_id, {}).get("state") == "settled")
    home.url_file.write_text("postgresql://slipway:wrong-" + PASSWORD + "@127.0.0.1:1/x")
    metrics = replica.get("/metrics")[1]
    journal = b"".join(path.read_bytes() for path in replica.journal.glob("*") if path.is_file()).decode()
    replica.stop()
    other = home.start("b", ready=False)
    other.check("digits", text)
    other.kill()
    said = "\n".join(path.read_text() for path in home.folder.glob("log-*"))
    told = "\n".join(str(answer.headers) + answer.body.decode() for answer in answers)
    everything = {"log": said, "metrics": metrics, "answers": told, "journal": journal}
    everything["database"] = _everything_stored(books)
    seed = home.private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    secrets = [part for key in (text, limited) for part in split(key)[1:]]  # type: ignore[index]
    secrets += [wrong.rpartition("_")[2], token, token.split(".")[2], PASSWORD, seed.decode().splitlines()[1]]
    for place, content in everything.items():
        assert len(content) > 100, place
        for secret in secrets:
            assert secret not in content, place
