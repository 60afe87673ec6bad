"""Open archives of numpy (.npz) as rows of a model's inputs: refused in one wording wherever they are read."""

import io
import zipfile
import zlib
from collections.abc import Mapping
from math import prod
from typing import BinaryIO, cast

import numpy as np
from numpy.lib import format as npy

from slipway_server.protocol.v2_inputs import check_names
from slipway_server.values.errors import BadRequest
from slipway_server.values.signature import Signature, Tensor
from slipway_server.values.tensors import Array, check_shape

NPY = ".npy"
"""What names of arrays end in within an archive."""


class Rows:
    """The rows of one array, read one after the other, so that no array is in the memory as a whole.

    Attributes:
        rows: how many there are.
        row_bytes: of one of them.
    """

    def __init__(self, file: BinaryIO, tensor: Tensor, field: str) -> None:
        """Read the head of an array; BadRequest if it is none that the input takes. `field`: for messages."""
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
        """Return the next rows; BadRequest where the archive ends before they do."""
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


def opened(archive: zipfile.ZipFile, signature: Signature) -> Mapping[str, Rows]:
    """Return the arrays of an archive by name, one for each input of the model, all with as many rows.

    Raises:
        BadRequest: an input lacks its array, or has one of another type or shape; or an array is no input's.
    """
    names = [name.removesuffix(NPY) for name in archive.namelist()]
    check_names(dict.fromkeys(names), signature)
    tensors = {tensor.name: tensor for tensor in signature.inputs}
    for name in names:
        if not tensors[name].shape:
            raise BadRequest(f"inputs.{name}", "is a single value for the model", "a model whose inputs have rows")
    found = {
        name: Rows(cast(BinaryIO, archive.open(f"{name}{NPY}")), tensors[name], f"inputs.{name}") for name in names
    }
    counts = {name: one.rows for name, one in found.items()}
    if len(set(counts.values())) > 1:
        raise BadRequest("inputs", f"have different numbers of rows: {counts}", "as many of each")
    return found
