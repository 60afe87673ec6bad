"""Make random small models: some of operators that work row by row, some with operators that mix rows."""

from pathlib import Path

import numpy as np
import row_models
from onnx_models import FLOAT, INT64

# `A` and `B` stand for earlier results of the shape [N, 3], `T` for a name of this step's own.
ROW_WISE = (
    "T = IsNaN(A); R = Where(T, B, A)",
    "R = Neg(A)",
    "R = Relu(A)",
    "R = Tanh(A)",
    "R = Sigmoid(A)",
    "R = Sin(A)",
    "R = Mul(A, thousandth)",
    "R = Add(A, five)",
    "R = MatMul(A, weights)",
    "R = Softmax(A) axis=1",
    "T = ReduceMean(A) axes=[1]; R = Sub(A, T)",
    "T = ReduceMax(A) axes=[1]; R = Add(A, T)",
    "R = Add(A, B)",
    "R = Mul(A, B)",
    "R = Max(A, B)",
    "T = Less(A, B); R = Where(T, A, B)",
    "T = Sub(A, five); U = Relu(T); R = Add(B, U)",
    "T = MatMul(A, wide); U = Relu(T); R = MatMul(U, deep)",
)
MIXING = (
    "T = IsNaN(A); U = Where(T, zero, A); V = ReduceMean(U) axes=[0]; R = Where(T, V, A)",
    "R = CumSum(A, scalar_axis0)",
    "T = CumSum(A, scalar_axis0); R = Mul(T, tiny)",
    "R = Softmax(A) axis=0",
    "T = ReduceMean(A) axes=[0]; R = Sub(A, T)",
    "T = ReduceMax(A) axes=[0]; R = Add(A, T)",
    "T = ReduceMin(A) axes=[0]; U = Sub(A, T); R = Add(B, U)",
    "T = ReduceMean(A) axes=[0]; U = Sub(T, five); V = Relu(U); R = Add(A, V)",
    "T = ReduceMean(A) axes=[0]; U = Sub(minus_five, T); V = Relu(U); R = Add(A, V)",
    "T = ReduceMax(A) axes=[0]; U = Sub(T, million); V = Relu(U); R = Add(A, V)",
    "R = Slice(A, minus_one, far, axis0, minus_one)",
    "T = Shape(A); U = Slice(T, axis0, one); R, V = TopK(A, U) axis=0",
    "T = Shape(A); U = Gather(T, index0); V = Cast(U) to=1; R = Div(A, V)",
    "T = Transpose(A) perm=[1,0]; U = MatMul(A, T); V = Softmax(U) axis=1; R = MatMul(V, A)",
    "T, U, V = DynamicQuantizeLinear(A); R = DequantizeLinear(T, U, V)",
)


def steps(random: np.random.Generator, mixing: bool) -> tuple[str, int]:
    """Return the steps of a model from `x`, `z` and `ids` to `y` (and `w`), and how many outputs it has."""
    count = int(random.integers(1, 6))
    mixes = set(random.choice(count, int(random.integers(1, count + 1)), replace=False).tolist()) if mixing else set()
    outputs = int(random.integers(1, 3))
    results = ["x", "z", "e"]
    made = ["g = Gather(table, ids); e = ReduceSum(g, axis1) keepdims=0"]
    for i in range(count):
        template = str(random.choice(MIXING if i in mixes else ROW_WISE))
        # The newest result is taken most often, so that most steps reach an output.
        chosen = {
            "A": str(random.choice(results[:3])) if not i else results[-1],
            "B": str(random.choice(results)),
            "R": f"r{i}",
        }
        chosen |= {letter: f"{letter.lower()}{i}" for letter in "TUV"}
        made.append("".join(chosen.get(letter, letter) if _alone(template, at) else letter
                            for at, letter in enumerate(template)))  # fmt: skip
        results.append(f"r{i}")
    made.append(f"y = Add({results[-1]}, {results[int(random.integers(len(results)))]})")
    if outputs == 2:
        made.append(f"w = Mul({results[int(random.integers(len(results)))]}, five)")
    return "; ".join(made), outputs


def _alone(text: str, at: int) -> bool:
    return not any(text[i].isalnum() or text[i] == "_" for i in (at - 1, at + 1) if 0 <= i < len(text))


INPUTS: dict[str, tuple[int, list[int | str]]] = {
    "x": (FLOAT, ["N", row_models.WIDTH]),
    "z": (FLOAT, ["N", row_models.WIDTH]),
    "ids": (INT64, ["N", 2]),
}


def pruned(text: str, wanted: set[str]) -> tuple[str, list[str]]:
    """Return the steps that these results are made of, and the model's inputs among what they take."""
    kept: list[str] = []
    for step in reversed(text.split(";")):
        results, _, call = step.partition("=")
        if wanted & {result.strip() for result in results.split(",")}:
            wanted = wanted | {part.strip() for part in call.partition("(")[2].partition(")")[0].split(",")}
            kept.insert(0, step)
    return ";".join(kept), [name for name in INPUTS if name in wanted]


def make(folder: Path, seed: int, mixing: bool) -> Path:
    """Make the model of a seed; `mixing`: at least one of its operators mixes rows (but may not reach an output)."""
    text, outputs = steps(np.random.default_rng(seed), mixing)
    tensor = (FLOAT, ["N", row_models.WIDTH])
    named = dict(list({"y": tensor, "w": tensor}.items())[:outputs])
    text, names = pruned(text, set(named))
    inputs = {name: INPUTS[name] for name in names}
    return row_models.make(folder, f"random-{seed}-{mixing}", text, inputs, named)
