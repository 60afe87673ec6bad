"""Read the address of a file of weights: which store it is in, and what it is called there.

An address never holds a credential: it stands in the spec, in plans and in messages.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import NoReturn
from urllib.parse import parse_qsl, quote, urlsplit

from slipway.values.quantities import refusal

LIMIT = 2048
"""Characters of an address."""
ALLOWED = (
    "an address of one file: https://HOST/PATH, s3://BUCKET/KEY, oci://HOST/REPOSITORY:TAG, "
    "hf://ORG/NAME@REVISION/FILE, mlflow://NAME/VERSION or mlflow://NAME@ALIAS"
)
_SECRET = re.compile(r"auth|credential|key|pass|secret|sig|token", re.IGNORECASE)
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_HOST = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*(?::[0-9]{1,5})?"
)
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_WORD = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?")


@dataclass(frozen=True, slots=True)
class HttpsAddress:
    """A file that a web server has. `url`: the whole address."""

    url: str

    @property
    def host(self) -> str:
        """The server, with its port where one is written."""
        return urlsplit(self.url).netloc

    def beside(self, name: str) -> "HttpsAddress":
        """The address of a file in the same folder."""
        parts = urlsplit(self.url)
        folder = parts.path.rpartition("/")[0]
        return HttpsAddress(parts._replace(path=f"{folder}/{quote(name)}").geturl())

    def __str__(self) -> str:
        return self.url


@dataclass(frozen=True, slots=True)
class S3Address:
    """An object of S3, or of a store that speaks S3."""

    bucket: str
    key: str

    def beside(self, name: str) -> "S3Address":
        """The address of an object with the same prefix."""
        return replace(self, key=_in_folder(self.key, name))

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True, slots=True)
class OciAddress:
    """A layer of an artifact in a registry.

    Attributes:
        host: the registry, with its port where one is written.
        repository: the artifact's repository.
        reference: a tag, or a digest that begins with `sha256:`.
        file: the layer's title; None for the only layer.
    """

    host: str
    repository: str
    reference: str
    file: str | None = None

    def beside(self, name: str) -> "OciAddress":
        """The address of another layer of the artifact."""
        return replace(self, file=_in_folder(self.file or "", name))

    def __str__(self) -> str:
        mark = "@" if ":" in self.reference else ":"
        return f"oci://{self.host}/{self.repository}{mark}{self.reference}" + (f"#{self.file}" if self.file else "")


@dataclass(frozen=True, slots=True)
class HubAddress:
    """A file of a model on the Hugging Face hub, or on a mirror of it. `revision`: a branch, a tag or a commit."""

    organisation: str
    name: str
    revision: str
    file: str

    def beside(self, name: str) -> "HubAddress":
        """The address of a file in the same folder of the model."""
        return replace(self, file=_in_folder(self.file, name))

    def __str__(self) -> str:
        return f"hf://{self.organisation}/{self.name}@{self.revision}/{self.file}"


@dataclass(frozen=True, slots=True)
class MlflowAddress:
    """A file of a version of a registered model.

    Attributes:
        name: the registered model.
        version: its version, None where an alias is written.
        alias: the alias, None where a version is written.
        file: path in the version's artifacts; `model.onnx` is what `mlflow.onnx.log_model` writes.
    """

    name: str
    version: str | None
    alias: str | None
    file: str = "model.onnx"

    def beside(self, name: str) -> "MlflowAddress":
        """The address of a file in the same folder of the version's artifacts."""
        return replace(self, file=_in_folder(self.file, name))

    def __str__(self) -> str:
        which = f"/{self.version}" if self.version is not None else f"@{self.alias}"
        return f"mlflow://{self.name}{which}" + (f"#{self.file}" if self.file != "model.onnx" else "")


Address = HttpsAddress | S3Address | OciAddress | HubAddress | MlflowAddress


def is_address(text: str) -> bool:
    """Whether a text is meant as an address, rather than as the path of a file."""
    return "://" in text


def parse_address(text: str) -> Address:
    """The address that a text is; raises the refusal of a value (`slipway.values.quantities.refusal`) for any other.

    A value that may contain a credential is not shown by the refusal's message.
    """
    scheme, _, rest = text.partition("://")
    if len(text) > LIMIT:
        raise refusal(f"has {len(text)} characters", f"at most {LIMIT}", "shorten it", hidden=True)
    if not (text.isascii() and text.isprintable()) or " " in text or "\\" in text:
        todo = "write them percent-encoded, such as %20 for a space"
        raise refusal("has characters that no address has", ALLOWED, todo, hidden="@" in rest or "?" in rest)
    if scheme not in _KINDS:
        raise refusal(*_unknown(scheme), hidden="@" in rest)
    if "@" in rest.partition("/")[0] and scheme != "mlflow":
        raise refusal(
            "has a user or a password before the host",
            "an address without credentials",
            "remove what is before the @, and give it by the environment (docs/how-to/weights-from-elsewhere.md)",
            hidden=True,
        )
    return _KINDS[scheme](rest)


def _https(rest: str) -> Address:
    text = f"https://{rest}"
    try:
        parts = urlsplit(text)
        host = bool(_HOST.fullmatch(parts.netloc)) and (parts.port is None or parts.port > 0)
    except ValueError:
        host = False
    if not host:
        raise refusal("names no host", ALLOWED, "write for example https://example.com/model.onnx", hidden=True)
    secret = next((name for name, _ in parse_qsl(parts.query, keep_blank_values=True) if _SECRET.search(name)), None)
    if secret is not None:
        raise refusal(
            f"has a credential in its query, {secret[:40]}",
            "an address without credentials",
            "remove it; an address that is signed is valid for a while only, and readable by all who read the spec",
            hidden=True,
        )
    if parts.fragment or "#" in text:
        _refuse("has a part after #", "remove it")
    if not parts.path.rpartition("/")[2] or ".." in parts.path.split("/"):
        _refuse("names no file", "write for example https://example.com/model.onnx")
    return HttpsAddress(text)


def _s3(rest: str) -> Address:
    bucket, _, key = rest.partition("/")
    if not _BUCKET.fullmatch(bucket) or ".." in bucket:
        _refuse("names no bucket", "write for example s3://models/digits/model.onnx")
    _refuse_folder(key, "s3://models/digits/model.onnx")
    return S3Address(bucket, key)


def _oci(rest: str) -> Address:
    example = "oci://registry.example.com/models/digits:1.0.0"
    named, mark, file = rest.partition("#")
    host, _, path = named.partition("/")
    repository, digested, reference = path.partition("@")
    if not digested:
        repository, _, reference = path.partition(":")
    right = _DIGEST.fullmatch(reference) if digested else _TAG.fullmatch(reference)
    if not _HOST.fullmatch(host) or not _REPOSITORY.fullmatch(repository):
        _refuse("names no registry and repository", f"write for example {example}")
    if not right:
        _refuse("names no tag and no digest", f"write for example {example}")
    if mark:
        _refuse_folder(file, f"{example}#model.onnx")
    return OciAddress(host, repository, reference, file or None)


def _hub(rest: str) -> Address:
    example = "hf://org/name@main/onnx/model.onnx"
    organisation, _, more = rest.partition("/")
    named, _, file = more.partition("/")
    name, _, revision = named.partition("@")
    if not all(_WORD.fullmatch(part) for part in (organisation, name)):
        _refuse("names no model of an organisation", f"write for example {example}")
    if not _WORD.fullmatch(revision):
        _refuse("names no revision", f"write a branch, a tag or best a commit, for example {example}")
    _refuse_folder(file, example)
    return HubAddress(organisation, name, revision, file)


def _mlflow(rest: str) -> Address:
    example = "mlflow://digits/3 or mlflow://digits@champion"
    named, mark, file = rest.partition("#")
    name, by_version, version = named.partition("/")
    alias = None
    if not by_version:
        name, _, alias = named.partition("@")
    if not _WORD.fullmatch(name):
        todo = f"write for example {example}; the server is named by MLFLOW_TRACKING_URI"
        raise refusal("names no registered model", ALLOWED, todo, hidden="@" in named)
    if by_version and not (version.isdecimal() and len(version) < 10 and not version.startswith("0")):
        _refuse("names no version", f"write for example {example}")
    if alias is not None and not _WORD.fullmatch(alias):
        _refuse("names neither a version nor an alias", f"write for example {example}")
    if mark:
        _refuse_folder(file, "mlflow://digits/3#model.onnx")
    return MlflowAddress(name, version if by_version else None, alias, file or "model.onnx")


_KINDS: dict[str, Callable[[str], Address]] = {
    "https": _https, "s3": _s3, "oci": _oci, "hf": _hub, "mlflow": _mlflow,
}  # fmt: skip


def _unknown(scheme: str) -> tuple[str, str, str]:
    if scheme == "http":
        return "is not encrypted on its way", ALLOWED, "write https://"
    if scheme == "file":
        return "is a file of one machine", f"a file of the repository, or {ALLOWED}", "copy it into the repository"
    return f"has the scheme {scheme[:20]}, which Slipway does not read", ALLOWED, "copy the file to one of those"


def _refuse(problem: str, todo: str) -> NoReturn:
    raise refusal(problem, ALLOWED, todo)


def _refuse_folder(path: str, example: str) -> None:
    """Raise the refusal of a path in a store that names no file, or leads somewhere else."""
    parts = path.split("/")
    if not path or "" in parts[-1:] or path.startswith("/") or ".." in parts or "." in parts:
        _refuse("names no file", f"write for example {example}")


def _in_folder(path: str, name: str) -> str:
    folder, slash, _ = path.rpartition("/")
    return f"{folder}{slash}{name}"
