"""Read arrays of numpy's archives (.npz), an input of the model each, and run the model over their rows."""

import hashlib
import io
import zipfile
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

from slipway_server.batch.parts import BatchError
from slipway_server.http.service import Service
from slipway_server.memory.budget import Budget, set_current_lease
from slipway_server.protocol.archives import NPY, opened
from slipway_server.protocol.v2_inputs import check_sizes
from slipway_server.values.errors import BadRequest, Full
from slipway_server.values.tensors import Array


class Arrays:
    """An archive with one array for each input of the model, all with as many rows.

    Attributes:
        suffix: of the file and of its parts.
        rows: how many there are.
        digest: sha256 of the file, in hex.
        refused: always 0: one row that the model cannot compute ends the run.
    """

    suffix = ".npz"
    refused = 0

    def __init__(self, path: Path, service: Service, budget: Budget) -> None:
        """Open the archive; BatchError if it does not fit the model."""
        self._service, self._budget = service, budget
        with path.open("rb") as file:
            self.digest = hashlib.file_digest(file, "sha256").hexdigest()
        try:
            self._archive = zipfile.ZipFile(path)
        except zipfile.BadZipFile:
            raise BatchError(f"{path}: is no archive; allowed: what numpy.savez wrote") from None
        try:
            self._inputs = opened(self._archive, service.signature)
        except BadRequest as error:
            raise BatchError(f"{path}: {error}") from None
        self.rows = next(iter(self._inputs.values())).rows
        self._at = 0

    def close(self) -> None:
        """Close the archive."""
        self._archive.close()

    async def answer(self, rows: range) -> bytes:
        """Return an archive with the outputs of these rows; each call is for later ones than the one before.

        As many rows run together as the trials at the server's start found not to change each other; one at a time
        where they do.
        """
        for one in self._inputs.values():
            one.skip(rows.start - self._at)
        batching = self._service.batcher.batching
        together = batching.max_rows if batching.enabled else 1
        starts = range(rows.start, rows.stop, together)
        found = [await self._run(range(start, min(start + together, rows.stop))) for start in starts]
        self._at = rows.stop
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name in found[0]:
                with archive.open(f"{name}{NPY}", "w", force_zip64=True) as member:
                    npy.write_array(member, _plain(np.concatenate([one[name] for one in found])), allow_pickle=False)
        return buffer.getvalue()

    async def _run(self, rows: range) -> dict[str, Array]:
        lease = self._budget.lease()
        set_current_lease(lease)
        try:
            lease.charge(2 * sum(one.row_bytes * len(rows) for one in self._inputs.values()))
            inputs = {name: one.read(len(rows)) for name, one in self._inputs.items()}
            check_sizes(inputs, self._service.signature)
            outputs = dict(await self._service.shown((await self._service.batcher.infer(inputs)).outputs))
        except BadRequest as error:
            raise BatchError(f"rows {rows.start} to {rows.stop - 1}: {error}") from None
        except Full:
            problem = "take more memory than there is for them"
            raise BatchError(
                f"rows {rows.start} to {rows.stop - 1}: {problem}; allowed: smaller rows, or more memory"
            ) from None
        finally:
            lease.close()
        for name, array in outputs.items():
            if not isinstance(array, np.ndarray) or array.ndim == 0 or len(array) != len(rows):
                problem = f"output {name} has not one row for each row of the inputs"
                raise BatchError(f"rows {rows.start} to {rows.stop - 1}: {problem}; allowed: .jsonl, for such a model")
        return outputs


def _plain(array: Array) -> Array:
    """Return texts as numpy's own, which an archive holds without pickles."""
    return array.astype(np.str_) if array.dtype.kind == "O" else array
