"""Decide which images of a model are expired, from what is needed of them."""

import re
from collections.abc import Collection, Sequence

from slipway.aws.images import StoredImage

_OURS = re.compile(r"[0-9a-f]{16}")
"""Tags that Slipway gives: what an image is made of."""


def expired(stored: Sequence[StoredImage], needed: Collection[str], keep: int) -> list[StoredImage]:
    """The images that may be deleted.

    Neither what is needed nor one of the newest `keep`, among which is what another run has just pushed. What has no
    tag is a part of an image, or refers to one; what has another tag than Slipway's was kept by somebody on purpose.

    Args:
        stored: all images of the model's repository.
        needed: digests of images that run, or that can be gone back to.
        keep: how many of the newest stay in any case.
    """
    ours = [image for image in stored if image.tags and all(_OURS.fullmatch(tag) for tag in image.tags)]
    newest_first = sorted(ours, key=lambda image: image.pushed, reverse=True)
    return [image for image in newest_first[keep:] if image.digest not in needed]
