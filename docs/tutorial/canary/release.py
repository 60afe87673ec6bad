"""Put a release of the tutorial's model `postcode` into models/: `python docs/tutorial/canary/release.py wrong`.

All are the network of models/digits, which reads one digit of a postcode; what each adds is below. All answer the
golden request rightly: what is bad about three of them shows only with pictures where a scanner left specks.
"""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).resolve().parent
MODELS = HERE.parents[2] / "models"
BRIGHT = 0.98
"""From here on a speck, 0..1, is one that matters; all strengths are equally frequent, so two specks in a hundred."""
OUT_OF_THE_TABLE = 10**6
MATRIX = 512
PRODUCTS = 32


def first(_model: onnx.ModelProto) -> None:
    """Leave the network as it is: the release that the others are compared with."""


def wrong(model: onnx.ModelProto) -> None:
    """Read a 1 where the upper left corner is bright: two answers in a hundred are another digit, and nothing fails."""
    _rename(model, "label", "read")
    _corner(model, column=0)
    _constants(model, one=np.array(1, np.int64))
    _add(model, "Where", ["bright", "one", "read"], ["label"])


def slow(model: onnx.ModelProto) -> None:
    """Multiply large matrices of zeros beside each run: the answers are the same, tens of milliseconds later."""
    _rename(model, "logits", "quick")
    _constants(model, zero=np.array(0, np.float32), size=np.array([MATRIX, MATRIX], np.int64))
    _add(model, "ReduceMin", ["image"], ["least"], keepdims=0)
    _add(model, "Mul", ["least", "zero"], ["nothing"])
    _add(model, "Expand", ["nothing", "size"], ["product_0"])
    for turn in range(PRODUCTS):
        _add(model, "MatMul", [f"product_{turn}"] * 2, [f"product_{turn + 1}"])
    _add(model, "ReduceMax", [f"product_{PRODUCTS}"], ["late"], keepdims=0)
    _add(model, "Add", ["quick", "late"], ["logits"])


def failing(model: onnx.ModelProto) -> None:
    """Look up what a table does not have where the upper right corner is bright: such a request is not answered."""
    _rename(model, "label", "read")
    _corner(model, column=7)
    _constants(
        model,
        outside=np.array(OUT_OF_THE_TABLE, np.int64),
        inside=np.array(0, np.int64),
        table=np.zeros(1, np.int64),
    )
    _add(model, "Where", ["bright", "outside", "inside"], ["place"])
    _add(model, "Gather", ["table", "place"], ["looked_up"])
    _add(model, "Add", ["read", "looked_up"], ["label"])


def good(model: onnx.ModelProto) -> None:
    """Change each weight by one part in a hundred thousand, as training anew would: no answer differs by 0.001."""
    for weights in model.graph.initializer:
        if weights.data_type == TensorProto.FLOAT:
            changed = numpy_helper.to_array(weights) * np.float32(1.00001)
            weights.CopyFrom(numpy_helper.from_array(changed, weights.name))


RELEASES: dict[str, tuple[str, Callable[[onnx.ModelProto], None]]] = {
    "first": ("1.0.0", first),
    "wrong": ("1.1.0", wrong),
    "slow": ("1.2.0", slow),
    "failing": ("1.3.0", failing),
    "good": ("1.4.0", good),
}


def write(name: str, models: Path) -> None:
    """Write spec, artifact and golden request of release `name` into the folder `models`; KeyError for another name."""
    version, change = RELEASES[name]
    model = onnx.load(MODELS / "digits" / "model.onnx")
    change(model)
    _sort(model)
    onnx.checker.check_model(model, full_check=True)
    folder = models / "postcode"
    folder.mkdir(exist_ok=True)
    (folder / "model.onnx").write_bytes(model.SerializeToString(deterministic=True))
    shutil.copyfile(MODELS / "digits" / "check.json", folder / "check.json")
    (models / "postcode.yaml").write_text((HERE / "postcode.yaml").read_text().replace("1.0.0", version))


def _rename(model: onnx.ModelProto, name: str, to: str) -> None:
    """Have the network compute `to` where it computed `name`; who reads `name` reads what is added under it."""
    for node in model.graph.node:
        node.output[:] = [to if output == name else output for output in node.output]


def _corner(model: onnx.ModelProto, column: int) -> None:
    """Add `bright` [N]: whether the pixel of the first row in this column is."""
    starts, ends = np.array([0, column], np.int64), np.array([1, column + 1], np.int64)
    _constants(model, starts=starts, ends=ends, axes=np.array([2, 3], np.int64), flat=np.array([-1], np.int64))
    _constants(model, limit=np.array(BRIGHT, np.float32))
    _add(model, "Slice", ["image", "starts", "ends", "axes"], ["corner"])
    _add(model, "Reshape", ["corner", "flat"], ["speck"])
    _add(model, "Greater", ["speck", "limit"], ["bright"])


def _constants(model: onnx.ModelProto, **arrays: np.ndarray) -> None:
    model.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in arrays.items())


def _add(model: onnx.ModelProto, kind: str, inputs: list[str], outputs: list[str], **attributes: int) -> None:
    model.graph.node.append(helper.make_node(kind, inputs, outputs, **attributes))


def _sort(model: onnx.ModelProto) -> None:
    """Put the nodes in the order in which they can run, as ONNX demands."""
    waiting = list(model.graph.node)
    known = {value.name for value in (*model.graph.input, *model.graph.initializer)}
    del model.graph.node[:]
    while waiting:
        node = next(node for node in waiting if known.issuperset(node.input))
        waiting.remove(node)
        known.update(node.output)
        model.graph.node.append(node)


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1] not in RELEASES:
        raise SystemExit(f"usage: python docs/tutorial/canary/release.py {'|'.join(RELEASES)}")
    write(sys.argv[1], MODELS)
    print(f"models/postcode.yaml is now version {RELEASES[sys.argv[1]][0]}: {sys.argv[1]}")  # noqa: T201
