"""Contains what a spec says about the trained weights."""

import re
import shlex
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic.config import JsonDict

from slipway.sources.address import LIMIT, Address, is_address, parse_address
from slipway.spec.artifact.delivery import Way
from slipway.spec.artifact.values import FILES_MOST, TensorShape
from slipway.spec.exceptions import REASON_LEAST, Reason
from slipway.spec.texts import text
from slipway.values.quantities import line_of_text, refusal, repository_path
from slipway.values.section import Section, empty

_SINCE: JsonDict = {"since": "0.2"}
_SHA256 = "[0-9a-f]{64}"
_EXAMPLE = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def _source(value: object) -> str:
    """A file of the repository, or the address of one that is elsewhere."""
    if isinstance(value, str) and is_address(value):
        parse_address(value)
        return value
    return repository_path(value)


def _sha256(value: object) -> str:
    text = line_of_text(100, _EXAMPLE)(value).removeprefix("sha256:")
    if not re.fullmatch(_SHA256, text):
        todo = "write what `slipway fetch ADDRESS` or `sha256sum FILE` prints"
        raise refusal("is not a sha256", "64 hexadecimal digits, in lower case", todo)
    return text


def _name_beside(value: object) -> str:
    text = line_of_text(512, "weights.bin")(value)
    if any(part in ("", ".", "..") for part in text.split("/")) or "\\" in text or is_address(text):
        allowed = "a path below the ONNX file's folder, as the ONNX file has it"
        raise refusal("is no file below the ONNX file's folder", allowed, "write for example weights.bin")
    return text


Source = Annotated[
    str, BeforeValidator(_source), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": LIMIT})
]
Sha256 = Annotated[
    str, BeforeValidator(_sha256), WithJsonSchema({"type": "string", "pattern": f"^(sha256:)?{_SHA256}$"})
]
NameBeside = Annotated[str, BeforeValidator(_name_beside)]
Format = Literal[
    "onnx", "savedmodel", "keras", "h5", "torchscript", "torch-export", "tflite", "safetensors", "gguf", "skops",
    "xgboost", "lightgbm", "pickle", "joblib",
]  # fmt: skip
"""What files of weights Slipway knows."""
ONNX = "onnx"
PICKLES = ("pickle", "joblib")
"""Formats whose files are programs: whoever loads one runs it."""


class ArtifactSource(Section):
    """Where the trained weights are."""

    source: Source = Field(
        description=(
            "File of the weights: a path relative to the repository's root (the folder with Pulumi.yaml), or an "
            "address that begins with https, s3, oci, hf or mlflow (docs/how-to/weights-from-elsewhere.md)."
        ),
        examples=["models/digits/model.onnx"],
    )
    sha256: Sha256 | None = Field(
        default=None,
        description=(
            "Digest of the file; needed for a file elsewhere, which is refused with any other bytes. "
            "`slipway fetch ADDRESS` prints it."
        ),
        examples=[_EXAMPLE],
        exclude_if=empty,
        json_schema_extra=_SINCE,
    )
    external_data: dict[NameBeside, Sha256] = Field(
        default_factory=dict,
        description=(
            "Of a file elsewhere that keeps its weights in other files: their names, as the ONNX file has them, and "
            "the digest of each. They lie beside it."
        ),
        examples=[{"weights.bin": _EXAMPLE}],
        exclude_if=empty,
        json_schema_extra=_SINCE,
    )

    format: Format | None = Field(
        default=None,
        description=(
            "Format of the file; recognised by its content when left out. Which runtime loads it: "
            "docs/reference/runtimes.md; what none loads needs a step `convert`."
        ),
        examples=["keras"],
        exclude_if=empty,
        json_schema_extra=_SINCE,
    )
    inputs: dict[Annotated[str, *text(255, "image")], TensorShape] = Field(
        default_factory=dict,
        max_length=FILES_MOST,
        description=(
            "What the model takes, by the names that the inputs get, where its format does not say it and no step "
            "converts it: TorchScript."
        ),
        examples=[{"image": {"dtype": "FP32", "shape": [None, 1, 8, 8]}}],
        exclude_if=empty,
        json_schema_extra=_SINCE,
    )
    allow_pickle: Reason | None = Field(
        default=None,
        description=(
            f"Why a pickle may be loaded, which runs what is in it: {REASON_LEAST} characters or more. It is scanned "
            "before, and loaded without network and secrets, while the lock is made; never where it serves."
        ),
        examples=["Trained by our own pipeline, and stored where only it writes"],
        exclude_if=empty,
        json_schema_extra=_SINCE,
    )

    delivery: Way | None = Field(
        default=None,
        description=(
            "How the weights travel: `image`, a layer of the model's image; `store`, fetched by each pod from the "
            "environment's model store. Chosen by their size when left out (docs/how-to/large-weights.md)."
        ),
        examples=["store"],
        exclude_if=empty,
        json_schema_extra=_SINCE,
    )

    @property
    def address(self) -> Address | None:
        """Where the ONNX file is, if it is elsewhere; None for a file of the repository."""
        return parse_address(self.source) if is_address(self.source) else None

    @model_validator(mode="after")
    def _a_file_elsewhere_has_a_digest(self) -> Self:
        if is_address(self.source) and self.sha256 is None:
            raise refusal(
                "is missing, and the file is not in the repository",
                "the sha256 of the file, so that the same spec always means the same bytes",
                f"write what this prints: slipway fetch {shlex.quote(self.source)}",
                ("sha256",),
            )
        if self.external_data and not is_address(self.source):
            raise refusal(
                "is given for a file of the repository",
                "external_data only beside an address",
                "remove it: external data is found beside the ONNX file",
                ("external_data",),
            )
        return self

    @model_validator(mode="after")
    def _a_pickle_has_a_reason(self) -> Self:
        if self.format in PICKLES and self.allow_pickle is None:
            problem = f"is missing, though format is {self.format}, and loading one runs what is in it"
            todo = "add allow_pickle: with the reason, or save the model as skops, safetensors or onnx"
            raise refusal(problem, f"the reason, in {REASON_LEAST} characters or more", todo, ("allow_pickle",))
        if self.allow_pickle is not None and self.format not in (None, *PICKLES):
            problem = f"is given, though format is {self.format}"
            raise refusal(problem, f"allow_pickle beside {' or '.join(PICKLES)}", "remove it", ("allow_pickle",))
        return self
