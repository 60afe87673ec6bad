"""Hold what a conversion made against the original: the same answers to the same inputs, or it is refused."""

import numpy as np
import step

RELATIVE, ABSOLUTE = 1e-3, 1e-4
"""How far float32 answers may differ: what kernels of two frameworks differ by, and no changed operator stays below."""
ROWS = 8
"""How many rows take the place of a dimension that is free."""


def random_inputs(signature, seed, rows=ROWS):
    """Inputs of a signature, {name: (numpy dtype, shape)}, in which None is a free dimension."""
    generator = np.random.default_rng(seed)
    return {name: _array(generator, np.dtype(dtype), shape, rows) for name, (dtype, shape) in signature.items()}


def _array(generator, dtype, shape, rows):
    shape = [rows if size is None else size for size in shape]
    if dtype.kind == "f":
        return generator.random(shape).astype(dtype)
    if dtype.kind == "b":
        return generator.random(shape) < 0.5
    if dtype.kind in "iu":
        return generator.integers(0, 2, shape).astype(dtype)
    raise step.Refused(
        f"an input of type {dtype} cannot be tried with random values",
        "inputs of numbers",
        "convert it with a script of your own, which knows its inputs",
    )


def check(expected, answered, of):
    """Refuse answers that differ: `expected` and `answered` are arrays by output, in one order.

    Returns a line for the notes, with the largest difference that was found.
    """
    if len(expected) != len(answered):
        _refuse(of, f"it has {len(answered)} outputs, the original {len(expected)}")
    largest = 0.0
    for (name, wanted), (_, got) in zip(expected.items(), answered.items(), strict=True):
        wanted, got = np.asarray(wanted), np.asarray(got)  # noqa: PLW2901
        if wanted.size != got.size:
            _refuse(of, f"output {name} has the shape {list(got.shape)}, the original's {list(wanted.shape)}")
        largest = max(largest, _difference(of, name, wanted.ravel(), got.ravel()))
    return f"answers as {of} does on random inputs: largest difference {largest:.3g}"


def _difference(of, name, wanted, got):
    if wanted.dtype.kind not in "fiub" or got.dtype.kind not in "fiub":
        wrong = int(np.sum(wanted.astype(str) != got.astype(str)))
        if wrong:
            _refuse(of, f"output {name} differs in {wrong} of {wanted.size} values")
        return 0.0
    wanted, got = wanted.astype(np.float64), got.astype(np.float64)
    difference = np.abs(wanted - got)
    wrong = int(np.sum(~np.isclose(got, wanted, rtol=RELATIVE, atol=ABSOLUTE, equal_nan=True)))
    if wrong:
        _refuse(of, f"output {name} differs in {wrong} of {wanted.size} values, by {np.nanmax(difference):.3g} at most")
    return float(np.nanmax(difference)) if difference.size else 0.0


def _refuse(of, what):
    raise step.Refused(
        f"this step changes what the model answers: {what} ({of} and the result were asked the same)",
        f"the same answers within {RELATIVE:g} of each value, or {ABSOLUTE:g}",
        "name another opset, or convert it with a script of your own",
    )
