"""Fetch weights that are not in the repository while a command reads specs, and show how far that is."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from slipway.console import Progress
from slipway.reading.folders import Folders
from slipway.sources.store import Store


@contextmanager
def fetching(folders: Folders) -> Iterator[Store]:
    """The store of this user's cache. Progress is shown on standard error, from the first byte that is fetched on."""
    with ExitStack() as stack:
        shown: list[Progress] = []

        def tell(address: str, text: str) -> None:
            if not shown:
                shown.append(stack.enter_context(Progress()))
            shown[0].report(address, text)

        yield Store(tell=tell, offline=folders.offline)
