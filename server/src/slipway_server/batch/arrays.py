"""Read arrays of numpy's archives (.npz), an input of the model each, and run the model over their rows."""

import hashlib
import io
import zipfile
import zlib
from math import prod
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from numpy.lib import format as npy

from slipway_server.batch.parts import BatchError
from slipway_server.http.service import Service
from slipway_server.memory.budget import Budget, set_current_lease
from slipway_server.protocol.v2_inputs import check_names, check_sizes
from slipway_server.values.errors import BadRequest, Full
from slipway_server.values.signature import Tensor
from slipway_server.values.tensors import Array, check_shape

_NPY = ".npy"


class _Rows:
    """The rows of one array, read one after the other, so that no array is in the memory as a whole."""

    def __init__(self, file: BinaryIO, tensor: Tensor, field: str) -> None:
        self._file, self._tensor, self._field = file, tensor, field
        try:
            version = npy.read_magic(file)
            read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            self._shape, by_column, self._dtype = read(file)
        except ValueError as error:
            raise BadRequest(field, f"is no array of numpy ({error})", "what numpy.savez wrote") from None
        if by_column or not self._shape:
            problem = "is in the order of columns" if by_column else "is a single value"
            raise BadRequest(field, problem, "an array of rows, by numpy.ascontiguousarray")
        kinds = "U" if tensor.dtype == "BYTES" else tensor.numpy_dtype.kind
        fits = self._dtype.kind == kinds and self._dtype.itemsize > 0
        if not fits or (kinds != "U" and self._dtype != tensor.numpy_dtype):
            wanted = "texts (numpy's str)" if kinds == "U" else str(tensor.numpy_dtype)
            raise BadRequest(field, f"has the type {self._dtype}", f"{wanted}, for {tensor.dtype}")
        check_shape((tensor.shape[0] or self._shape[0], *self._shape[1:]), tensor, field)
        self.rows: int = self._shape[0]
        self.row_bytes = self._dtype.itemsize * prod(self._shape[1:])

    def read(self, count: int) -> Array:
        """Return the next rows."""
        try:
            data = self._file.read(count * self.row_bytes)
        except (zipfile.BadZipFile, zlib.error, EOFError):
            data = b""
        if len(data) != count * self.row_bytes:
            raise BadRequest(self._field, "ends too early, or is damaged", "the whole archive")
        array: Array = np.frombuffer(data, self._dtype).reshape((count, *self._shape[1:]))
        return array.astype(np.object_) if self._tensor.dtype == "BYTES" else array

    def skip(self, count: int) -> None:
        """Pass rows over."""
        self._file.seek(count * self.row_bytes, io.SEEK_CUR)


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
            self._inputs = self._opened()
        except BadRequest as error:
            raise BatchError(f"{path}: {error}") from None
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
                with archive.open(f"{name}{_NPY}", "w", force_zip64=True) as member:
                    npy.write_array(member, _plain(np.concatenate([one[name] for one in found])), allow_pickle=False)
        return buffer.getvalue()

    def _opened(self) -> dict[str, _Rows]:
        names = [name.removesuffix(_NPY) for name in self._archive.namelist()]
        signature = self._service.signature
        check_names(dict.fromkeys(names), signature)
        tensors = {tensor.name: tensor for tensor in signature.inputs}
        for name in names:
            if not tensors[name].shape:
                raise BadRequest(f"inputs.{name}", "is a single value for the model", "a model whose inputs have rows")
        opened = {
            name: _Rows(cast(BinaryIO, self._archive.open(f"{name}{_NPY}")), tensors[name], f"inputs.{name}")
            for name in names
        }
        counts = {name: one.rows for name, one in opened.items()}
        if len(set(counts.values())) > 1:
            raise BadRequest("inputs", f"have different numbers of rows: {counts}", "as many of each")
        self.rows = next(iter(counts.values()))
        return opened

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
