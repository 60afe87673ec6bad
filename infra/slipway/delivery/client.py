"""Connect to a model store as who writes there, and say in words of ours what its library raises."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from slipway.environments.planning.model_store import ModelStore
from slipway.sources.s3 import credentials_here

if TYPE_CHECKING:
    from obstore.store import S3Store

ACCESS_KEY = "SLIPWAY_MODEL_STORE_ACCESS_KEY_ID"
SECRET_KEY = "SLIPWAY_MODEL_STORE_SECRET_ACCESS_KEY"  # noqa: S105 - a name
_CONNECT = timedelta(seconds=10)
_SILENCE = timedelta(seconds=60)
_RETRY: Any = {"max_retries": 4, "retry_timeout": timedelta(minutes=3)}
"""Of one part."""
_RIGHTS = "s3:PutObject, and s3:GetObject with s3:ListBucket to see what is there,"


def connected(store: ModelStore) -> "S3Store":
    """Return the library's own store; nothing is asked of it yet."""
    from obstore.store import S3Store  # noqa: PLC0415 - only those who upload wait for it

    extra = _credentials(store)
    if store.endpoint is not None:
        extra |= {"endpoint": store.endpoint, "virtual_hosted_style_request": False}
    return S3Store(
        store.bucket,
        region=store.region,
        client_options={
            "allow_http": (store.endpoint or os.environ.get("AWS_ENDPOINT_URL", "")).startswith("http://"),
            "connect_timeout": _CONNECT,
            "read_timeout": _SILENCE,
            "timeout": timedelta(hours=1),
        },
        retry_config=_RETRY,
        **extra,
    )


def _credentials(store: ModelStore) -> dict[str, Any]:
    """Those for this store where they are given by their own variables, else what AWS's tools would take here."""
    access, secret = os.environ.get(ACCESS_KEY), os.environ.get(SECRET_KEY)
    if not (access and secret) or store.endpoint is None:
        return credentials_here()
    # As a provider: a session token of AWS in the environment is of other credentials.
    return {
        "credential_provider": lambda: {
            "access_key_id": access,
            "secret_access_key": secret,
            "token": None,
            "expires_at": None,
        }
    }


@contextmanager
def in_words(store: ModelStore, failed: Callable[[str, str], Exception]) -> Iterator[None]:
    """Raise what the library raises in words of ours: its own name the whole request.

    `failed` makes the error of what is wrong, as the end of a sentence, and of what to do.
    """
    from obstore.exceptions import BaseError, NotFoundError, PermissionDeniedError, UnauthenticatedError  # noqa: PLC0415

    own = f"{ACCESS_KEY} and {SECRET_KEY}, or " if store.endpoint else ""
    ask = f"give credentials that may do {_RIGHTS} there, by {own}as AWS's own tools take them"
    try:
        yield
    except (PermissionDeniedError, UnauthenticatedError):
        raise failed("it refuses the credentials of this machine", ask) from None
    except (NotFoundError, FileNotFoundError):
        todo = "correct model_store.bucket of the settings, or make the bucket"
        raise failed("there is no such bucket", todo) from None
    except BaseError as error:
        text = str(error)
        if "/latest/api/token" in text or "/latest/meta-data" in text:
            raise failed("it needs credentials, and there are none here", ask) from None
        code = re.search(r"<Code>([A-Za-z0-9.]{1,64})</Code>", text) or re.search(r"status code: (\d{3})", text)
        said = f"it answers {code[1]}" if code else "it does not answer, or broke off"
        todo = "check that this machine reaches the store, then run the command again"
        raise failed(said, todo) from None
