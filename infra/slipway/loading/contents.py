"""Say what a spec's version has in it, by its weights or by its lock."""

from slipway.compatibility import contents
from slipway.compatibility.contents import Contents
from slipway.loading.variant import Variant


def contents_of(served: Variant) -> Contents:
    """What the version of a spec has in it."""
    found = contents.contents_of(served.artifact, served.metrics)
    source = served.spec.artifact
    address = source.address if source is not None else None
    return found if address is None else found.model_copy(update={"source": str(address)})
