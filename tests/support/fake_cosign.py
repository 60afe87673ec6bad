"""Cosign without its program: signatures in memory, refused for what the real one refuses them for."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from slipway.signing.cosign import Cosign
from slipway.signing.errors import CosignFailed


@dataclass(frozen=True)
class FakeCosign(Cosign):
    """What was signed: of images by digest, whatever their repository, as a copy keeps its signatures."""

    program: Path = Path("cosign")
    environment: Mapping[str, str] = field(default_factory=dict)
    pairs: dict[str, str] = field(default_factory=dict)
    """Public keys, by what names the private ones."""
    signed: dict[str, list[tuple[str, dict[str, str], bytes]]] = field(default_factory=dict)

    def public_key(self, key: str) -> str:
        """As the real one; refused for a key that is not there."""
        if key not in self.pairs:
            raise CosignFailed("reading a key", f"open {key}: no such file or directory")
        return self.pairs[key]

    def sign_file(self, file: Path, key: str, signature: Path) -> None:
        """The signature holds the public key and the file's text."""
        signature.write_text(f"{self.public_key(key)}\n{file.read_text()}")

    def wrong_with_file(self, file: Path, key: str, signature: Path) -> str | None:
        """A changed file and another key are the same to a signature."""
        right = signature.read_text() == f"{Path(key).read_text()}\n{file.read_text()}"
        return None if right else "has no right signature (invalid signature)"

    def sign_image(self, image: str, key: str, annotations: Mapping[str, str], sbom: bytes) -> None:
        """Add a signature."""
        digest = image.partition("@")[2]
        self.signed.setdefault(digest, []).append((self.public_key(key), dict(annotations), sbom))

    def wrong_with_image(self, image: str, key: str, annotations: Mapping[str, str]) -> str | None:
        """One signature has to have the key and all annotations."""
        found = self.signed.get(image.partition("@")[2], [])
        if not found:
            return "is not signed"
        public = Path(key).read_text()
        if any(public == by and annotations.items() <= said.items() for by, said, _ in found):
            return None
        return "has no right signature (no matching attestations: missing or incorrect annotation)"
