"""The model store: read an object from some byte on, in small blocks, with the credentials that the pod was given."""

import os
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Protocol

from slipway_weights.wanted import Wanted

_BLOCK = 2**20
_CONNECT = timedelta(seconds=10)
_SILENCE = timedelta(seconds=60)
_TODO = "next: `slipway up` with --refresh, which uploads what is not there"
_LONGEST = timedelta(days=1)
"""Of one request: the library's own limit of 30 s is too short for weights."""


class StoreBroke(Exception):
    """The store did not answer, or broke off, for a reason that may pass. `str()` is it, as the end of a sentence."""


class StoreRefused(Exception):
    """The store will not give the object, however often it is asked. `str()` says why, and what to do."""


class ModelStore(Protocol):
    """Where weights come from."""

    def read(self, key: str, offset: int, size: int, /) -> Iterator[bytes]:
        """Yield an object's bytes from `offset` on, in blocks.

        Raises:
            StoreBroke: see there.
            StoreRefused: it cannot be had, or has another number of bytes than `size`.
        """
        ...


class S3ModelStore:
    """A bucket of AWS, or of a store that speaks S3; see `ModelStore`.

    The library looks for credentials by itself: in variables, and where EKS gives the pod a role.
    """

    def __init__(self, wanted: Wanted) -> None:
        import certifi  # noqa: PLC0415 - not where only the variable is read
        from obstore.store import S3Store  # noqa: PLC0415

        # The base image has no certificates, and the library wants some even for a store without TLS.
        os.environ.setdefault("SSL_CERT_FILE", certifi.where())
        self._bucket = wanted.bucket
        self._where = f"bucket {wanted.bucket}" + (f" at {wanted.endpoint}" if wanted.endpoint else " of AWS")
        self._store = S3Store(
            wanted.bucket,
            region=wanted.region,
            endpoint=wanted.endpoint,
            virtual_hosted_style_request=wanted.endpoint is None,
            client_options={
                "allow_http": (wanted.endpoint or "").startswith("http://"),
                "connect_timeout": _CONNECT,
                "read_timeout": _SILENCE,
                "timeout": _LONGEST,
            },
            # Tries are counted where bytes arrive.
            retry_config={"max_retries": 1, "retry_timeout": _SILENCE},
        )

    def read(self, key: str, offset: int, size: int, /) -> Iterator[bytes]:
        """See `ModelStore`."""
        import obstore  # noqa: PLC0415
        from obstore.exceptions import (  # noqa: PLC0415
            BaseError,
            NotFoundError,
            PermissionDeniedError,
            UnauthenticatedError,
        )

        try:
            found = obstore.get(self._store, key, options={"range": {"offset": offset}} if offset else {})
            there = found.meta["size"]
            if there != size:
                raise StoreRefused(f"{self._where} has {there} bytes at {key}, and the release wants {size}; {_TODO}")
            yield from (bytes(block) for block in found.stream(min_chunk_size=_BLOCK))
        except (PermissionDeniedError, UnauthenticatedError):
            raise StoreRefused(f"{self._where} refuses {key}: the pod's credentials may not do s3:GetObject") from None
        except (NotFoundError, FileNotFoundError):
            raise StoreRefused(f"{self._where} has no {key}: it was deleted, or never uploaded; {_TODO}") from None
        except BaseError as error:
            raise _failure(str(error), self._where) from None


def _failure(text: str, where: str) -> StoreBroke | StoreRefused:
    """What the library's words mean: they name the whole request, which nobody should have to read."""
    if "/latest/api/token" in text or "/latest/meta-data" in text:
        return StoreRefused(f"{where} asks for credentials, and the pod has none")
    code = re.search(r"<Code>([A-Za-z0-9.]{1,64})</Code>", text)
    answered = code or re.search(r"status code: (\d{3})", text)
    if answered:
        return StoreBroke(f"{where} answers {answered[1]}")
    if "response body error" in text:
        return StoreBroke(f"{where} broke off, or was silent for {_SILENCE.seconds} s")
    return StoreBroke(f"{where} does not answer")
