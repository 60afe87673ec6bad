"""Name the keys whose documents devices take: one, or two while one takes the place of the other."""

import base64
import json

from slipway.edge.store import Store

SIGNING_KEY = "signing_key"
"""Name of the value of the store that is the public key of documents, as base64."""
SIGNING_KEYS = "signing_keys"
"""Name of the value that lists all that devices are told to take, as JSON; absent where the key never changed."""


def as_text(public: bytes) -> str:
    """A public key as the store and answers have it."""
    return base64.b64encode(public).decode()


def told_keys(store: Store) -> list[str]:
    """What documents say about keys; empty where they say nothing."""
    text = store.meta(SIGNING_KEYS)
    return [] if text is None else [str(one) for one in json.loads(text)]


def set_told_keys(store: Store, keys: list[str]) -> None:
    """Replace what documents say about keys."""
    store.set_meta(SIGNING_KEYS, json.dumps(keys))
