"""Read an object of S3, or of a store that speaks S3, with the credentials that AWS's own tools would take here."""

import importlib.util
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from slipway.reading.files import BadFile
from slipway.sources.address import S3Address
from slipway.sources.refusals import ALLOWED, SourceBroke
from slipway.sources.transfer import Limits, Opened
from slipway.sources.web import endpoint

if TYPE_CHECKING:
    from obstore import GetOptions
    from obstore.store import S3Store

_BLOCK = 2**20
_LONGEST = timedelta(days=1)
"""Of one request: the library's own limit of 30 s is too short for weights."""
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
_IN_ENVIRONMENT = (
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_SKIP_SIGNATURE",
)
"""Each tells the library where credentials are, or that none are needed."""
_LATER = ("InternalError", "OperationAborted", "RequestTimeout", "ServiceUnavailable", "SlowDown")
"""Codes of S3 that pass, https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html."""
_SIGNS = (
    ("response body error", "S3 broke off, or was silent for too long"),
    ("error sending request", "S3 does not answer"),
)
_TODO = (
    "check that the credentials are right and may do s3:GetObject there (`aws sts get-caller-identity`); "
    "AWS_SKIP_SIGNATURE=true reads a public bucket without any"
)


@dataclass(frozen=True, slots=True)
class S3File:
    """An object, as an `Origin`."""

    address: S3Address
    limits: Limits

    @contextmanager
    def open(self, offset: int, version: str | None) -> Iterator[Opened]:
        """See `Origin`."""
        import obstore  # noqa: PLC0415 - only those who read S3 wait for it
        from obstore.exceptions import PreconditionError  # noqa: PLC0415

        with self._words():
            store = self._store()
            try:
                options: GetOptions = {"range": {"offset": offset}} if offset else {}
                if offset and version is not None:
                    options["if_match"] = version
                found = obstore.get(store, self.address.key, options=options)
            except PreconditionError:  # another object is there now
                found = obstore.get(store, self.address.key)
            blocks = (bytes(block) for block in found.stream(min_chunk_size=_BLOCK))
            yield Opened(found.range[0], found.meta["size"], found.meta["e_tag"], blocks)

    def _store(self) -> "S3Store":
        from obstore.store import S3Store  # noqa: PLC0415

        named = next((name for name in _ENDPOINTS if os.environ.get(name)), None)
        unsigned = os.environ.get("AWS_SKIP_SIGNATURE", "").lower() in ("1", "true")
        url = endpoint(named, os.environ[named], credential=not unsigned) if named else ""
        return S3Store(
            self.address.bucket,
            client_options={
                "allow_http": url.startswith("http://"),
                "connect_timeout": timedelta(seconds=self.limits.connect_s),
                "read_timeout": timedelta(seconds=self.limits.silence_s),
                "timeout": _LONGEST,
            },
            # Tries are counted where bytes arrive.
            retry_config={"max_retries": 1, "retry_timeout": timedelta(seconds=self.limits.silence_s)},
            **credentials_here(),
        )

    @contextmanager
    def _words(self) -> Iterator[None]:
        """What the library raises, in words of ours."""
        from obstore.exceptions import (  # noqa: PLC0415
            BaseError,
            NotFoundError,
            PermissionDeniedError,
            UnauthenticatedError,
        )

        bucket = self.address.bucket
        try:
            yield
        except (PermissionDeniedError, UnauthenticatedError):
            raise BadFile(f"is refused by S3, bucket {bucket}", ALLOWED, _TODO) from None
        except (NotFoundError, FileNotFoundError):  # the library raises either
            todo = "correct the bucket or the key; AWS_ENDPOINT_URL_S3 names a store other than AWS"
            raise BadFile(
                f"is not there: bucket {bucket} has no such object, or there is no such bucket", ALLOWED, todo
            ) from None
        except BaseError as error:
            raise _failure(str(error), bucket) from None


def credentials_here() -> dict[str, Any]:
    """What a store of obstore's is told of credentials: nothing where the library finds them by itself."""
    if any(os.environ.get(name) for name in _IN_ENVIRONMENT) or (provider := _of_boto3()) is None:
        return {}
    return {"credential_provider": provider}


def _of_boto3() -> Any:
    """Credentials of a profile or of single sign-on, which boto3 reads where it is installed; None for none."""
    if importlib.util.find_spec("boto3") is None:
        return None
    import boto3  # noqa: PLC0415 - of the extra `aws`
    from obstore.auth.boto3 import Boto3CredentialProvider  # noqa: PLC0415 - needs boto3

    session = boto3.Session()
    return Boto3CredentialProvider(session) if session.get_credentials() is not None else None


def _failure(text: str, bucket: str) -> BadFile | SourceBroke:
    """What the library's words mean. They name the address of the request, which nobody should read, and much else."""
    if "/latest/api/token" in text or "/latest/meta-data" in text:
        return BadFile("needs credentials of S3, and there are none here", ALLOWED, _TODO)
    code = re.search(r"<Code>([A-Za-z0-9.]{1,64})</Code>", text)
    if code and code[1] not in _LATER:
        return BadFile(f"is refused by S3, bucket {bucket}: {code[1]}", ALLOWED, _TODO)
    answered = code or re.search(r"status code: (\d{3})", text)
    if answered:
        return SourceBroke(f"S3 answers {answered[1]}")
    return SourceBroke(next((said for sign, said in _SIGNS if sign in text), "S3 cannot be read"))
