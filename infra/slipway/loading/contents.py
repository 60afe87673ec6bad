"""Say what a spec's version has in it, by its weights or by its lock."""

from slipway.compatibility import contents
from slipway.compatibility.contents import Contents
from slipway.loading.variant import Variant


def contents_of(served: Variant) -> Contents:
    """What the version of a spec has in it."""
    artifact = served.artifact
    metrics = served.locked.lock.served.metrics if served.locked is not None else None
    found = contents.contents_of(artifact.sha256, artifact.signature, artifact.architecture, metrics)
    source = served.spec.artifact
    address = source.address if source is not None else None
    return found if address is None else found.model_copy(update={"source": str(address)})
