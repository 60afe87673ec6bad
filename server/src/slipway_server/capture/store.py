"""Put objects into the store of samples, with what credentials the pod has; it can do nothing else there."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from slipway_server.values.capture import StoreSection

_ACCESS, _SECRET = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"
_LIMIT = timedelta(seconds=20)
"""Of one request; with its tries no longer than a minute."""


class StoreFailed(Exception):
    """An object could not be stored, for a reason that may pass."""


class Store(Protocol):
    """Where samples go."""

    def put(self, key: str, data: bytes, /) -> None:
        """Store an object; raises `StoreFailed`."""
        ...


class S3Store:
    """A bucket of AWS, or of a store that speaks S3."""

    def __init__(self, section: StoreSection, folder: Path) -> None:
        """Ask nothing yet. `folder`: has the credentials as files, one each; else the library looks for a role."""
        import certifi  # noqa: PLC0415 - in images of models that keep samples only, as the next
        from obstore.store import S3Store as Bucket  # noqa: PLC0415

        # The base image has no certificates, and the library wants some even for a store without TLS.
        os.environ.setdefault("SSL_CERT_FILE", certifi.where())
        given: dict[str, Any] = {}
        if (folder / _ACCESS).exists():
            given = {"access_key_id": _word(folder / _ACCESS), "secret_access_key": _word(folder / _SECRET)}
        self._bucket = Bucket(
            section.bucket,
            region=section.region,
            endpoint=section.endpoint,
            virtual_hosted_style_request=section.endpoint is None,
            client_options={
                "allow_http": (section.endpoint or "").startswith("http://"),
                "connect_timeout": _LIMIT / 4,
                "timeout": _LIMIT,
            },
            retry_config={"max_retries": 2, "retry_timeout": 3 * _LIMIT},
            **given,
        )

    def put(self, key: str, data: bytes, /) -> None:
        """See `Store`."""
        import obstore  # noqa: PLC0415
        from obstore.exceptions import BaseError  # noqa: PLC0415

        try:
            obstore.put(self._bucket, key, data, use_multipart=False)
        except (BaseError, OSError) as error:
            raise StoreFailed(type(error).__name__) from None


def _word(file: Path) -> str:
    return file.read_text(encoding="utf-8").strip()
