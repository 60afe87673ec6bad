"""What weights cost a link that is cut: `python -m tests.bench.device_weights [MIB [CUTS]]`.

Prints what docs/how-to/edge-weights.md says. The real control side serves a file of random bytes over HTTP on loopback;
the agent's own parts fetch it onto a real disk through a forwarder that counts bytes and ends the connection at random
moments. In the last row the agent is started anew at every fifth cut, as after a power cut; the disk loses nothing.
"""

import hashlib
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from slipway_edge.control.client import Control, ControlSource
from slipway_edge.disk.files import RealDisk
from slipway_edge.fetching.store import WeightsStore
from slipway_edge.values.clock import RealClock
from slipway_edge.values.document import Pull, Weights
from slipway_edge.values.errors import Away

from slipway.artifacts.onnx import ArtifactFile
from slipway.delivery.ways import Stored
from slipway.edge.shelf import Shelf
from slipway.edge.shelving import shelved
from slipway.environments.planning.kinds import planning
from tests.support.counted_link import CountedLink
from tests.support.fleets import fleet_settings
from tests.support.served_weights import DEVICE, served

MIB, CUTS = 128, 100
_START_ANEW = 5
_SEED = 1


def fetched(folder: Path, size: int, cuts: int, anew: int) -> dict[str, float]:
    """Fetch a file of so many bytes over a link that is cut so often; bytes, seconds, and how often it was started.

    `anew`: after how many cuts the agent is started anew; 0: never.
    """
    data = random.Random(_SEED).randbytes(size)
    path = folder / "model.onnx"
    path.write_bytes(data)
    file = ArtifactFile("model.onnx", path, size, hashlib.sha256(data).hexdigest())
    store = planning(fleet_settings(1)).model_store("edge-eu", "digits")
    if store is None:
        raise LookupError("a fleet has no model store")
    stored = Stored(store, (file,), "/model")
    said = shelved(Shelf(folder / "fleet.weights"), stored, lambda _: None, lambda _: None)
    weights, at = Weights.model_validate(said), RealClock()
    home = folder / "weights"
    home.mkdir()

    def opened(port: int, control: "ControlSource | None" = None) -> WeightsStore:
        source = control or ControlSource(Control(f"http://127.0.0.1:{port}"), DEVICE, lambda: side.key, side.nonce)
        return WeightsStore(RealDisk(), home, source, at, lambda: 2**60)

    with served(folder, lambda _: said) as side, CountedLink(side.port, _moments(size, cuts)) as link:
        began, tries, starts = time.perf_counter(), 0, 1
        kept = opened(link.port)
        while not kept.has(weights):
            tries += 1
            if anew and tries % anew == 0:
                kept, starts = opened(link.port), starts + 1
            try:
                kept.bring(weights, Pull(), lambda: None)
            except Away:
                continue
        took = time.perf_counter() - began
    if hashlib.sha256((home / file.sha256).read_bytes()).hexdigest() != file.sha256:
        raise SystemExit("the file is not the one that was served")
    return {"down": link.down, "up": link.up, "cut": link.cut, "starts": starts, "took": took}


def _moments(size: int, cuts: int) -> Iterator[int]:
    """Bytes between two cuts, so that they are spread over the file at random."""
    chance = random.Random(_SEED)
    places = sorted(chance.randrange(1, size) for _ in range(cuts))
    return iter([max(1, place - before) for before, place in zip([0, *places], places, strict=False)])


def main() -> None:
    """Print a row without cuts, one with, and one with starts as well."""
    mib, cuts = (int(word) for word in [*sys.argv[1:], *map(str, (MIB, CUTS)[len(sys.argv) - 1 :])])
    size = mib * 2**20
    print("| MiB | cuts | starts | bytes to the device | of the file | bytes from it | s |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for count, anew in ((0, 0), (cuts, 0), (cuts, _START_ANEW)):
        with tempfile.TemporaryDirectory(prefix="slipway-weights-") as folder:
            row = fetched(Path(folder), size, count, anew)
        share = 100 * row["down"] / size
        print(
            f"| {mib} | {row['cut']:.0f} | {row['starts']:.0f} | {row['down']:,.0f} | {share:.2f} % | {row['up']:,.0f} "
            f"| {row['took']:.1f} |"
        )


if __name__ == "__main__":
    main()
