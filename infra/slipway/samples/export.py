"""Read all samples about a subject."""

import base64
import binascii
import json
from collections.abc import Callable, Iterator
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from slipway_server.capture.sealing import Unreadable, opened, unwrapped

from slipway.samples.bucket import Bucket
from slipway.samples.found import contents, folder


def export(
    bucket: Bucket, samples: str, subject: str, private: X25519PrivateKey, tell: Callable[[str], None]
) -> Iterator[dict[str, Any]]:
    """Yield each sample about a subject, by its digest: when, of which model, and its tensors.

    What was encrypted for another key, as before the cluster was made anew, is told and passed over.

    Raises:
        SamplesUnread: the store refused, or broke off.
    """
    tell("looking for keys")
    there = folder(bucket, samples)
    secrets: dict[str, bytes] = {}
    for key in there.of(subject):
        data = None if key.version.deleted else bucket.read(key.version)
        try:
            secrets |= {} if data is None else {key.name: unwrapped(key.name, data, private)}
        except Unreadable:
            tell(f"key {key.name} was wrapped for another private key, and what it encrypted cannot be read")
    for _, lines in contents(bucket, there.batches if secrets else (), lambda done: tell(f"{done} batches read")):
        for line in lines:
            if line.key in secrets:
                try:
                    yield json.loads(opened(base64.b64decode(line.sealed), line.key, secrets[line.key]))
                except (Unreadable, binascii.Error):
                    tell(f"a sample of key {line.key} was changed by somebody, and cannot be read")
