"""Decide which images of a model are expired, from what is needed of them."""

import re
from collections.abc import Collection, Sequence

from slipway.aws.images import StoredImage

_FALLBACK = re.compile(r"sha256-([0-9a-f]{64})")
"""The tag of a list of what refers to an image, where a registry keeps none itself."""
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


def dangling(stored: Sequence[StoredImage]) -> list[StoredImage]:
    """Signatures, bills of materials and lists of them whose image is not there any more, and what refers to those."""
    left = {image.digest for image in stored}
    found: list[StoredImage] = []
    while gone := [image for image in stored if image.digest in left and _refers_to_nothing(image, left)]:
        found += gone
        left -= {image.digest for image in gone}
    return found


def _refers_to_nothing(image: StoredImage, left: Collection[str]) -> bool:
    if image.subject is not None:
        return image.subject not in left
    listed = [_FALLBACK.fullmatch(tag) for tag in image.tags]
    return bool(listed) and all(tag is not None and f"sha256:{tag[1]}" not in left for tag in listed)
