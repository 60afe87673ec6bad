"""Run cosign, which signs and verifies; its formats are its own, and nothing of them is made or read here.

Without a transparency log, a time stamp or any other service: what is signed with a key of one's own is verified with
its public half, on a machine that reaches nothing but the registry.
"""

import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from slipway.registry.credentials import docker_configuration
from slipway.registry.repository import Repository
from slipway.signing.errors import CosignFailed, CosignMissing

VARIABLE = "SLIPWAY_COSIGN"
PASSWORD = "COSIGN_PASSWORD"  # noqa: S105 - the name of a variable
_MAJOR = 3
_LIMIT_S = 180.0
_LINES = 3
_SIGNED_WRONGLY = re.compile(
    r"no matching (?:signatures|attestations)|failed to verify signature|invalid signature|no signatures found"
)
_NONE_FOUND = "no signatures found"
_NOT_OURS = re.compile(r"WARNING|Flag --|error during command execution")
_ELSEWHERE = ("COSIGN_", "SIGSTORE_", "TUF_", "REKOR_", "FULCIO_")
"""Variables by which cosign would ask or write to other places than it is told here."""


@dataclass(frozen=True)
class Cosign:
    """The program. Every method raises `CosignFailed` when it could not do what was asked."""

    program: Path
    environment: Mapping[str, str] = field(repr=False)

    @classmethod
    def found(cls, variables: Mapping[str, str]) -> "Cosign":
        """The one that $SLIPWAY_COSIGN names, else the one on PATH; raises `CosignMissing`."""
        named = variables.get(VARIABLE)
        path = shutil.which(named or "cosign", path=variables.get("PATH"))
        if path is None:
            where = f"{VARIABLE} {named}" if named else "cosign"
            raise CosignMissing(where, "is no program" if named else "is not on PATH")
        kept = {name: value for name, value in variables.items() if name == PASSWORD or not name.startswith(_ELSEWHERE)}
        cosign = cls(Path(path), kept)
        cosign._check_version()
        return cosign

    def public_key(self, key: str) -> str:
        """The public half of a private key, or the key of a KMS, as PEM."""
        return self._said("reading a key", ["public-key", "--key", key]).strip()

    def sign_file(self, file: Path, key: str, signature: Path) -> None:
        """Sign a file's bytes; the signature appears whole, or not at all."""
        new = signature.with_name(f".{signature.name}.new")
        try:
            with self._services() as services:
                self._said(f"signing {file}", ["sign-blob", *services, "--key", key, "--bundle", str(new), str(file)])
            new.replace(signature)
        finally:
            new.unlink(missing_ok=True)

    def wrong_with_file(self, file: Path, key: str, signature: Path) -> str | None:
        """What is wrong with a file's signature, in cosign's words; None when it is right.

        With a key in a file nothing else can fail than the signature, which may be no signature at all.
        """
        arguments = ["verify-blob", "--key", key, "--insecure-ignore-tlog=true", "--bundle", str(signature), str(file)]
        return self._wrong(f"verifying {file}", arguments, anything="://" not in key)

    def sign_image(self, image: str, key: str, annotations: Mapping[str, str], sbom: bytes) -> None:
        """Attach a software bill of materials to an image by digest, then a signature that holds the annotations.

        The signature comes last: an image that has one has both.
        """
        with self._services() as services, _credentials() as variables:
            with tempfile.NamedTemporaryFile(prefix="slipway-sbom-", suffix=".json") as predicate:
                predicate.write(sbom)
                predicate.flush()
                what = ["--type", "cyclonedx", "--predicate", predicate.name]
                attest = ["attest", *_plain(image), *services, "--key", key, *what, image]
                self._said(f"attaching the SBOM to {image}", attest, variables)
            sign = ["sign", *_plain(image), *services, "--key", key, *_annotated(annotations), image]
            self._said(f"signing {image}", sign, variables)

    def wrong_with_image(self, image: str, key: str, annotations: Mapping[str, str]) -> str | None:
        """What is wrong with an image's signatures, in cosign's words; None when one is right."""
        arguments = ["verify", *_plain(image), "--key", key, "--insecure-ignore-tlog=true"]
        with _credentials() as variables:
            return self._wrong(f"verifying {image}", [*arguments, *_annotated(annotations), image], variables)

    def _check_version(self) -> None:
        """Refuse another major version: its flags are others. One that Go installed by itself says no number."""
        said = self._run("asking for its version", ["version"]).stdout
        number = re.search(r"GitVersion:\s+v(\d+)\.", said)
        if number is not None and int(number[1]) != _MAJOR:
            raise CosignMissing(str(self.program), f"is of version {number[1]}")

    @contextmanager
    def _services(self) -> Iterator[list[str]]:
        """Flags by which signing asks no service: files in which none is named, as cosign itself writes them."""
        with tempfile.TemporaryDirectory(prefix="slipway-cosign-") as folder:
            flags = ["--yes"]
            for flag, command in (("--signing-config", "signing-config"), ("--trusted-root", "trusted-root")):
                file = f"{folder}/{command}.json"
                self._said(f"writing a {command}", [command, "create", "--out", file])
                flags += [flag, file]
            yield flags

    def _wrong(
        self, what: str, arguments: Sequence[str], variables: Mapping[str, str] | None = None, *, anything: bool = False
    ) -> str | None:
        done = self._run(what, arguments, variables)
        if done.returncode == 0:
            return None
        said = _last_lines(done.stderr)
        if _NONE_FOUND in said:
            return "is not signed"
        if anything or _SIGNED_WRONGLY.search(said):
            return f"has no right signature ({said})"
        raise CosignFailed(what, said)

    def _said(self, what: str, arguments: Sequence[str], variables: Mapping[str, str] | None = None) -> str:
        done = self._run(what, arguments, variables)
        if done.returncode != 0:
            raise CosignFailed(what, _last_lines(done.stderr))
        return done.stdout

    def _run(
        self, what: str, arguments: Sequence[str], variables: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        try:
            return subprocess.run(
                [self.program, *arguments],
                env={**self.environment, **(variables or {})},
                stdin=subprocess.DEVNULL,  # it would ask for a password
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_LIMIT_S,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise CosignFailed(what, f"no end after {_LIMIT_S:.0f} s") from error
        except OSError as error:
            raise CosignMissing(str(self.program), f"does not run: {error.strerror}") from error


@contextmanager
def _credentials() -> Iterator[dict[str, str]]:
    """Variables by which cosign shows registries the credentials that Docker would."""
    with docker_configuration() as folder:
        yield {} if folder is None else {"DOCKER_CONFIG": str(folder)}


def _plain(image: str) -> list[str]:
    return ["--allow-http-registry=true"] if Repository.of(image.partition("@")[0]).plain else []


def _annotated(annotations: Mapping[str, str]) -> list[str]:
    return [part for name, value in sorted(annotations.items()) for part in ("-a", f"{name}={value}")]


def _last_lines(text: str) -> str:
    """What it says went wrong, once: of that the last different lines, without warnings and progress."""
    lines = (line.strip() for line in f"\n{text}".rpartition("\nError: ")[2].splitlines())
    told = dict.fromkeys(line for line in lines if line and not _NOT_OURS.match(line))
    return "; ".join(list(told)[-_LINES:])[:1000] or "it said nothing"
