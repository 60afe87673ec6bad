"""Turn texts into the inputs of a language model, with the tokenizer that it was trained with."""

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from slipway_server.values.errors import BadRequest, show
from slipway_server.values.signature import Signature, Tensor
from slipway_server.values.steps import TextSection
from slipway_server.values.tensors import Array

MAX_TEXTS = 4096
# Bytes of memory that a byte of text takes while it is tokenized: a token for each at worst, with its own text, offsets
# and masks, in the library's structures and as Python's numbers. Measured, see server/tests/test_texts.py.
COST = 400
# Tokens that a tokenizer adds to a text of its own.
_SPECIAL = 16
_IDS, _MASK, _TYPES = "input_ids", "attention_mask", "token_type_ids"
_FILLED = (_IDS, _MASK, _TYPES)
_PADDINGS = ("[PAD]", "<pad>", "<|pad|>", "<|endoftext|>")
_ALLOWED = "a text, or a list of texts"


class Texts:
    """Fills `input_ids` and, where the model has them, `attention_mask` and `token_type_ids`."""

    def __init__(self, section: TextSection, tokenizer: Any, signature: Signature) -> None:
        """Hold a tokenizer against the model.

        Args:
            section: what the spec says; `section.tokenizer` is not looked at.
            tokenizer: as `read_tokenizer` gives it.
            signature: what the model takes.

        Raises:
            BadRequest: the tokenizer cannot pad, or the model does not take what it gives.
        """
        self._section = section
        self._tensors = _filled(signature)
        self._tokenizer = tokenizer
        self._set_lengths()

    def cost(self, texts: Sequence[str]) -> int:
        """Return how many bytes of memory `encode` takes at most."""
        sizes = [len(text.encode()) for text in texts]
        width = self._section.max_length
        if self._section.padding == "longest":
            width = min(width, max(sizes) + _SPECIAL)
        return COST * (sum(sizes) + width * len(texts))

    def encode(self, texts: Sequence[str]) -> dict[str, Array]:
        """Return the model's inputs, a row for each text.

        Raises:
            BadRequest: a text has too many tokens, and the spec says that none is cut.
        """
        encodings = self._tokenizer.encode_batch_fast(list(texts))
        most = self._section.max_length
        for number, encoding in enumerate(encodings):
            if sum(encoding.attention_mask) > most:  # which leaves out what it was filled up with
                raise BadRequest(f"text[{number}]", f"has more than {most} tokens", f"at most {most} tokens")
        columns = {
            _IDS: [encoding.ids for encoding in encodings],
            _MASK: [encoding.attention_mask for encoding in encodings],
            _TYPES: [encoding.type_ids for encoding in encodings],
        }
        return {tensor.name: np.array(columns[tensor.name], tensor.numpy_dtype) for tensor in self._tensors}

    def _set_lengths(self) -> None:
        section, fixed = self._section, self._tensors[0].shape[1]
        if fixed is not None and (section.padding != "max_length" or section.max_length != fixed):
            problem = f"is {section.padding} to {section.max_length} tokens, and the model takes {fixed} of them"
            allowed = f"padding: max_length and max_length: {fixed}"
            raise BadRequest("input.text.padding", problem, allowed)
        if section.truncation:
            self._tokenizer.enable_truncation(section.max_length)
        else:
            self._tokenizer.no_truncation()
        length = section.max_length if section.padding == "max_length" else None
        padding = self._padding()
        self._tokenizer.enable_padding(**padding, length=length)

    def _padding(self) -> dict[str, Any]:
        """Return the token that fills up short texts, as the tokenizer says, or as such tokens are named."""
        own = self._tokenizer.padding
        if own is not None:
            return {key: own[key] for key in ("direction", "pad_id", "pad_token", "pad_type_id")}
        for token in _PADDINGS:
            number = self._tokenizer.token_to_id(token)
            if number is not None:
                return {"pad_id": number, "pad_token": token}
        allowed = f"a tokenizer with `padding`, or with one of the tokens {', '.join(_PADDINGS)}"
        raise BadRequest("input.text.tokenizer", "has no token that fills up short texts", allowed)


def texts_of(body: object) -> tuple[list[str], bool] | None:
    """Return the texts in a body of POST /predict, and whether it has one alone; None: it has something else.

    Raises:
        BadRequest: it has texts and something else, none, or too many.
    """
    if isinstance(body, list) and body and isinstance(body[0], str):
        return _checked(body, "body"), False
    if not isinstance(body, dict) or body.keys() != {"text"}:
        return None
    value = body["text"]
    return (_checked([value], "text"), True) if isinstance(value, str) else (_checked(value, "text"), False)


def _checked(value: object, field: str) -> list[str]:
    if not isinstance(value, list) or not 0 < len(value) <= MAX_TEXTS:
        problem = f"has {len(value)} texts" if isinstance(value, list) else f"is {show(value)}"
        raise BadRequest(field, problem, f"{_ALLOWED}, 1 to {MAX_TEXTS}")
    for number, text in enumerate(value):
        at = f"{field}[{number}]"
        if not isinstance(text, str):
            raise BadRequest(at, f"is {show(text)}", _ALLOWED)
        if any("\ud800" <= sign <= "\udfff" for sign in text) if not text.isascii() else False:
            raise BadRequest(at, "has half of a surrogate pair", "UTF-8 text")
    return value


def _filled(signature: Signature) -> list[Tensor]:
    """Return the inputs that texts fill, `input_ids` first."""
    tensors = {tensor.name: tensor for tensor in signature.inputs}
    names = ", ".join(_FILLED)
    for tensor in signature.required:
        if tensor.name not in _FILLED:
            problem = f"does not fill the input `{tensor.name}`, which the model needs"
            raise BadRequest("input.text", problem, f"models with the inputs {names}; input.hook for others")
    if _IDS not in tensors:
        raise BadRequest("input.text", f"finds no input `{_IDS}` in the model", f"models with the inputs {names}")
    found = [tensors[name] for name in _FILLED if name in tensors]
    for tensor in found:
        rows = tensor.shape[0] if tensor.shape else 0
        if tensor.dtype not in ("INT64", "INT32") or len(tensor.shape) != 2 or rows not in (None, 1):
            problem = f"does not fit the input `{tensor.name}`, {tensor.dtype} of the shape {tensor.shape_text}"
            raise BadRequest("input.text", problem, "INT64 or INT32 of the shape [rows, tokens]")
    return found


def read_tokenizer(data: bytes) -> Any:
    """Return the tokenizer in a tokenizer.json; BadRequest if the library tokenizers cannot read it."""
    # One request at a time: threads of its own would take the CPU from the model's.
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        from tokenizers import Tokenizer  # noqa: PLC0415 - images of models without text do not have it
    except ImportError:
        problem = "needs the library tokenizers, which is not here"
        raise BadRequest("input.text", problem, "an image with server/requirements-text.txt") from None
    try:
        return Tokenizer.from_buffer(data)
    # The library's errors share no base class but Exception.
    except Exception as error:
        problem = f"is a file that the library tokenizers cannot read: {error}"
        raise BadRequest("input.text.tokenizer", problem, "a tokenizer.json, as `Tokenizer.save` writes it") from None
