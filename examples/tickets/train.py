# /// script
# requires-python = ">=3.11,<3.14"
# dependencies = [
#     "numpy==2.3.5",
#     "onnx==1.19.1",
#     "scikit-learn==1.7.2",
#     "tokenizers==0.23.3",
# ]
# ///
"""Train a classifier of short messages; write tokenizer.json, model.onnx, labels.txt and check.json beside this file.

Run it with `uv run examples/tickets/train.py`. The messages are made up here, from phrases that people write to a shop;
every random choice is seeded: a second run on the same machine writes the same bytes.
"""

import itertools
import json
import random
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

FOLDER = Path(__file__).parent
SEED = 20261126
LEAST_ACCURACY = 0.95
MESSAGES = 240
"""Of each class."""
VOCABULARY = 400
# The served file must load in every ONNX Runtime since 1.16: no newer opset than the operators need.
OPSET = 17
IR_VERSION = 8
# Of different lengths, so that the server sees what tokens that only fill up do, and lets requests share a run.
SAMPLES = ("The parcel was left in the rain and the tracking page says nothing", "My card was refused")

OPENINGS = ("Hello,", "Hi there,", "Good morning,", "Please help,", "Once again:", "")
ENDINGS = ("Thank you.", "What can I do?", "Please answer soon.", "This is urgent!", "")
PHRASES = {
    "billing": (
        ("my card", "the invoice", "my account", "the last bill", "the payment"),
        ("was charged twice", "shows a wrong amount", "was refused", "lists a fee that nobody explained"),
        ("and I want my money back", "although I paid last week", "so the total is too high", ""),
    ),
    "delivery": (
        ("the parcel", "my order", "the courier", "the package", "the shipment"),
        ("has not arrived", "was left in the rain", "went to another address", "is late by nine days"),
        ("and the tracking page says nothing", "although somebody signed for it", "and nobody rang the bell", ""),
    ),
    "returns": (
        ("the shoes", "the lamp", "this jacket", "the second chair", "the kettle"),
        ("do not fit", "came broken", "has another colour than the picture", "is smaller than I thought"),
        ("and I would like to send it back", "so please exchange it", "where do I find the return label", ""),
    ),
    "technical": (
        ("the app", "the login page", "your website", "the search", "the password form"),
        ("crashes on my phone", "shows an error", "does not load", "logs me out"),
        ("since the update", "in every browser that I tried", "when I press the button", ""),
    ),
}


def main() -> None:
    """Train, judge on held-out messages, write the files; SystemExit if the accuracy is too low."""
    texts, classes = messages()
    train, test, train_classes, test_classes = train_test_split(
        texts, classes, test_size=0.25, random_state=SEED, stratify=classes
    )
    tokenizer = tokens(train)
    classifier = LogisticRegression(C=10.0, max_iter=1000)
    classifier.fit(counts(tokenizer, train), train_classes)
    accuracy = classifier.score(counts(tokenizer, test), test_classes)
    print(f"held-out accuracy {accuracy:.4f} ({len(test)} messages, {len(train)} trained on)")  # noqa: T201
    if accuracy < LEAST_ACCURACY:
        raise SystemExit(f"accuracy is below {LEAST_ACCURACY}: nothing written")
    model = to_onnx(classifier)
    onnx.checker.check_model(model, full_check=True)
    (FOLDER / "model.onnx").write_bytes(model.SerializeToString(deterministic=True))
    tokenizer.save(str(FOLDER / "tokenizer.json"))
    (FOLDER / "labels.txt").write_text("\n".join(PHRASES) + "\n")
    (FOLDER / "check.json").write_text(json.dumps({"text": SAMPLES}) + "\n")


def messages() -> tuple[list[str], list[int]]:
    """Return made-up messages, and the number of the class of each."""
    chance = random.Random(SEED)  # noqa: S311 - seeded, and no secret
    texts: list[str] = []
    classes: list[int] = []
    for number, parts in enumerate(PHRASES.values()):
        all_of_them = list(itertools.product(OPENINGS, *parts, ENDINGS))
        for chosen in chance.sample(all_of_them, MESSAGES):
            texts.append(" ".join(part for part in chosen if part))
            classes.append(number)
    return texts, classes


def tokens(texts: list[str]) -> Tokenizer:
    """Return a tokenizer of lower-case words and parts of words."""
    tokenizer = Tokenizer(models.BPE(unk_token="[UNK]"))  # noqa: S106 - no password
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=["[PAD]", "[UNK]"], show_progress=False, min_frequency=2
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def counts(tokenizer: Tokenizer, texts: list[str]) -> np.ndarray:
    """Return how often each token is in each text, [texts, VOCABULARY]."""
    rows = np.zeros((len(texts), VOCABULARY), np.float32)
    for row, encoding in zip(rows, tokenizer.encode_batch(texts), strict=True):
        np.add.at(row, encoding.ids, 1)
    return rows


def to_onnx(classifier: LogisticRegression) -> onnx.ModelProto:
    """Return the classifier as a bag of embeddings: tokens and their mask INT64 [N,L] -> `scores` FP32 [N,4]."""
    constants = [
        numpy_helper.from_array(classifier.coef_.T.astype(np.float32), "embeddings"),
        numpy_helper.from_array(classifier.intercept_.astype(np.float32), "bias"),
        numpy_helper.from_array(np.array([2], np.int64), "last"),
        numpy_helper.from_array(np.array([1], np.int64), "tokens"),
    ]
    nodes = [
        helper.make_node("Gather", ["embeddings", "input_ids"], ["words"]),
        helper.make_node("Cast", ["attention_mask"], ["shown"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["shown", "last"], ["weights"]),
        helper.make_node("Mul", ["words", "weights"], ["weighted"]),
        helper.make_node("ReduceSum", ["weighted", "tokens"], ["total"], keepdims=0),
        helper.make_node("Add", ["total", "bias"], ["scores"]),
    ]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
        for name in ("input_ids", "attention_mask")
    ]
    outputs = [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", len(PHRASES)])]
    graph = helper.make_graph(nodes, "tickets", inputs, outputs, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION)


if __name__ == "__main__":
    main()
