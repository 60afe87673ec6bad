"""Say which of two releases a caller is kept with, while a new one is judged beside the old one.

The gateway leads by the header that is answered, which takes the place of one that the caller sent: nobody chooses.
"""

import hashlib
from collections.abc import Mapping

from slipway_keys.ledger.lines import Caller
from slipway_keys.values.route import StickySection

NEW, OLD, ANY = b"new", b"old", b"any"
_BUCKETS = 2**64


def variant(sticky: StickySection, caller: Caller, headers: Mapping[bytes, bytes]) -> bytes:
    """Return `new` or `old`, the same for a caller as long as the share does not fall; `any` where nothing tells it.

    A larger share keeps everybody who has the new release already. Another rollout draws anew, so that it is not always
    the same callers who try what is new.

    Args:
        sticky: by what, and how many.
        caller: whose call it is.
        headers: of the call, with names in lower case.
    """
    who = caller.key.encode() if sticky.header is None else headers.get(sticky.header.encode(), b"")
    if not who:
        return ANY
    drawn = hashlib.sha256(b"%b\0%b" % (sticky.rollout.encode(), who)).digest()[:8]
    return NEW if int.from_bytes(drawn) < sticky.share * _BUCKETS else OLD
