"""Ask AWS's Secrets Manager for the database's password, which AWS itself changes every few days."""

import asyncio
import json
import time
from collections.abc import Callable

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

_KEPT_S = 30.0
"""A database that is away is asked for twice a second: its password is not, and a changed one is known soon enough."""
_CALL = Config(connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 1})


class PasswordUnknownError(ValueError):
    """Secrets Manager did not give the password; the message says what it answered, never what a secret holds."""


class ManagedPassword:
    """The password in one secret, read as the pod's own role.

    Args:
        secret: ARN of the secret, JSON with the field `password`; its region is the client's.
        ask: gives the text of a secret by its ARN; may block. Secrets Manager when left out.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        secret: str,
        ask: Callable[[str], str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._secret = secret
        self._ask = ask or _from_aws
        self._clock = clock
        self._known: tuple[float, str] | None = None
        self._asking = asyncio.Lock()

    async def __call__(self) -> str:
        """Return the password as it is now, or was at most half a minute ago.

        Raises:
            PasswordUnknownError: AWS refused or did not answer in time, or the secret has no password.
        """
        async with self._asking:
            if self._known is None or self._clock() - self._known[0] > _KEPT_S:
                self._known = (self._clock(), _password(await asyncio.to_thread(self._ask, self._secret)))
            return self._known[1]


def _from_aws(secret: str) -> str:
    region = secret.split(":")[3]
    client = botocore.session.get_session().create_client("secretsmanager", region_name=region, config=_CALL)
    try:
        return str(client.get_secret_value(SecretId=secret)["SecretString"])
    except (BotoCoreError, ClientError) as error:
        # Of a refusal its code alone: the text quotes roles and requests.
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        raise PasswordUnknownError(f"Secrets Manager: {code}") from None


def _password(text: str) -> str:
    try:
        found = json.loads(text)["password"]
    except (ValueError, KeyError, TypeError):
        found = None
    if not isinstance(found, str) or not found:
        raise PasswordUnknownError("the secret of the database has no password")
    return found
