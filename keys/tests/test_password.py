"""The password that AWS manages: asked for once for many connections, anew when it may have changed, never shown."""

import asyncio
import json

import pytest
from slipway_keys.database.password import ManagedPassword, PasswordUnknownError
from slipway_keys.values.config import ConfigError, load_config

ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:rds!db-1-abcdef"


class Secrets:
    """A Secrets Manager that counts how often it is asked."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.asked: list[str] = []

    def __call__(self, arn: str) -> str:
        self.asked.append(arn)
        return self.text


def test_many_connections_at_once_ask_once() -> None:
    secrets = Secrets(json.dumps({"username": "slipway", "password": "first"}))
    password = ManagedPassword(ARN, secrets)

    async def six() -> list[str]:
        return await asyncio.gather(*(password() for _ in range(6)))

    assert asyncio.run(six()) == ["first"] * 6
    assert secrets.asked == [ARN]


def test_a_password_that_aws_changed_is_known_half_a_minute_later() -> None:
    now = [0.0]
    secrets = Secrets(json.dumps({"password": "first"}))
    password = ManagedPassword(ARN, secrets, lambda: now[0])
    assert asyncio.run(password()) == "first"
    secrets.text = json.dumps({"password": "second"})
    now[0] = 29.0
    assert asyncio.run(password()) == "first"
    now[0] = 31.0
    assert asyncio.run(password()) == "second"


@pytest.mark.parametrize("text", ["", "{}", "[]", '"s3cret"', '{"password": ""}', '{"password": 7}', "s3cret"])
def test_a_secret_without_a_password_is_said_without_showing_it(text: str) -> None:
    with pytest.raises(PasswordUnknownError) as refused:
        asyncio.run(ManagedPassword(ARN, Secrets(text))())
    assert str(refused.value) == "the secret of the database has no password"


def test_an_answer_that_does_not_come_is_not_remembered() -> None:
    answers = iter([None, json.dumps({"password": "now"})])

    def ask(_: str) -> str:
        answer = next(answers)
        if answer is None:
            raise PasswordUnknownError("Secrets Manager: AccessDeniedException")
        return answer

    password = ManagedPassword(ARN, ask)
    with pytest.raises(PasswordUnknownError):
        asyncio.run(password())
    assert asyncio.run(password()) == "now"


def test_without_credentials_aws_is_not_asked_and_the_reason_is_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    with pytest.raises(PasswordUnknownError, match=r"^Secrets Manager: NoCredentialsError$"):
        asyncio.run(ManagedPassword(ARN)())


def test_only_the_arn_of_a_secret_is_taken() -> None:
    environ = {"SLIPWAY_KEYS_DATABASE_URL": "postgresql://slipway@db:5432/keys"}
    assert load_config(environ).database_secret is None
    assert load_config({**environ, "SLIPWAY_KEYS_DATABASE_SECRET": ARN}).database_secret == ARN
    with pytest.raises(ConfigError, match="SLIPWAY_KEYS_DATABASE_SECRET is 'keys'; allowed: the ARN"):
        load_config({**environ, "SLIPWAY_KEYS_DATABASE_SECRET": "keys"})
