"""Keep the results of a run in a store of objects, where a part is one upload: all of it is there, or nothing."""

from collections.abc import Iterator

from slipway_server.batch.addresses import Addresses
from slipway_server.batch.parts import About
from slipway_server.batch.work import Work


class StoredParts:
    """The results of one run, of which several workers may make a share each.

    Attributes:
        about: what they are of.
        mine: numbers of the parts that this worker makes.
    """

    def __init__(self, addresses: Addresses, work: Work, about: About, worker: int) -> None:
        """Go on behind the parts that are there. `worker`: from 0."""
        self._addresses, self._work = addresses, work
        self.about = about
        self.mine = range(about.parts * worker // work.workers, about.parts * (worker + 1) // work.workers)

    def missing(self) -> Iterator[int]:
        """Yield the numbers of this worker's parts that are not there."""
        return self._missing(self.mine)

    def write(self, number: int, data: bytes) -> None:
        """Keep a part."""
        self._addresses.put(self._work.parts[number].put, data)

    def finish(self) -> None:
        """Say that all parts are there, unless another worker still makes some: whoever is last finds them all."""
        if next(self._missing(range(self.about.parts)), None) is None:
            self._addresses.put(self._work.done.put, self.about.done())

    def _missing(self, numbers: range) -> Iterator[int]:
        return (number for number in numbers if not self._addresses.is_there(self._work.parts[number].head))
