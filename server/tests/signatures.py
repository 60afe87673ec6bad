"""Signatures of models that the parsing tests use."""

from slipway_server.values.signature import Signature, Tensor

DIGITS = Signature(
    (Tensor("image", "FP32", (None, 1, 8, 8)),),
    (Tensor("label", "INT64", (None,)), Tensor("probabilities", "FP32", (None, 10))),
    {"Image.BitmapPixelFormat": "Gray8", "Image.NominalPixelRange": "Normalized_0_1"},
)
TABULAR = Signature(
    (Tensor("features", "FP32", (None, 3)), Tensor("weight", "INT64", (None, 1))),
    (Tensor("score", "FP32", (None, 1)),),
    {},
)


def vector(dtype: str) -> Signature:
    """Return a model with one input `x` and one output `y`, any number of values of a datatype."""
    return Signature((Tensor("x", dtype, (None,)),), (Tensor("y", dtype, (None,)),), {})


SCALAR = Signature((Tensor("rate", "INT64", ()),), (Tensor("y", "FP32", ()),), {})
EVERY = (DIGITS, TABULAR, SCALAR, *(vector(dtype) for dtype in ("FP16", "FP64", "UINT8", "INT8", "BOOL", "BYTES")))
