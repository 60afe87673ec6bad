"""Sign and verify the lock of a model: its signature is a file beside it."""

from pathlib import Path

from slipway.lockfile.files import is_lock
from slipway.signing.cosign import Cosign
from slipway.signing.errors import LockRefused


def locks(folder: Path, model: str | None = None) -> list[Path]:
    """The locks in the folder of specs: of all models, or of one, those of single environments among them."""
    found = sorted(path for path in folder.glob("*") if is_lock(path) and path.is_file())
    return [path for path in found if model in (None, model_of(path))]


def model_of(lock: Path) -> str:
    """The model whose lock it is: `digits` of digits.lock.yaml, and of digits.prod.lock.yaml, one environment's."""
    return lock.name.partition(".")[0]


def signature_of(lock: Path) -> Path:
    """Where the signature of a lock is."""
    return lock.with_suffix(".sig")


def sign_lock(cosign: Cosign, lock: Path, key: str) -> Path:
    """Sign a lock as it is; returns the file of the signature."""
    signature = signature_of(lock)
    cosign.sign_file(lock, key, signature)
    return signature


def verify_lock(cosign: Cosign, lock: Path, model: str, key: str) -> None:
    """Raise `LockRefused` unless a lock has a right signature."""
    signature = signature_of(lock)
    if not signature.is_file():
        raise LockRefused(lock, model, f"is not signed: there is no {signature.name} beside it")
    wrong = cosign.wrong_with_file(lock, key, signature)
    if wrong is not None:
        raise LockRefused(lock, model, f"was changed after it was signed, or signed with another key: {wrong}")
