"""Upload weights to the model store: each digest once, in parts, read once and never held in memory."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from slipway.artifacts.onnx import ArtifactFile
from slipway.delivery.client import connected, in_words
from slipway.delivery.ways import Stored
from slipway.environments.planning.model_store import ModelStore
from slipway.errors.base import DeployError
from slipway.errors.full_disk import disk_errors
from slipway.errors.images import FileChanged
from slipway.reading.files import BadFile, open_regular
from slipway.sources.cache import Cache
from slipway.values.aliases import Tell

if TYPE_CHECKING:
    from obstore.store import S3Store

_PART = 8 * 2**20
_PARTS_MOST = 9_000
"""S3 takes 10,000 parts of one object (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html)."""
_AT_ONCE = 4
"""Parts in memory: 32 MiB."""
_LOCK_LIMIT_S = 3600.0


class UploadFailed(DeployError):
    """Weights did not reach the model store; nothing of them is visible there, and nothing was deployed."""

    def __init__(self, file: str, store: ModelStore, problem: str, todo: str) -> None:
        super().__init__(f"weights {file} were not uploaded to {store}: {problem}; nothing was deployed; next: {todo}")


def upload(stored: Stored, bring: Callable[[Tell], None], tell: Tell) -> None:
    """Have all files of some weights in their store.

    `bring` is called before files are read, and only then: locked weights may not be on this machine. `tell` is told
    how far that is.

    What is there under the digest with the right size is left alone: the pod that fetches it digests it anyway. An
    object is visible once it is whole, so that a run that was interrupted leaves nothing that could be taken for
    weights, and the next one begins anew.

    Raises:
        UploadFailed: the store refuses, or cannot be reached.
        FileChanged: a file has other bytes than were planned.
    """
    client = connected(stored.store)
    for file in stored.files:
        key = stored.store.key(file.sha256)
        with (
            _one_at_a_time(stored.store, key, file),
            in_words(stored.store, partial(UploadFailed, file.name, stored.store)),
        ):
            if _is_there(client, key, file.size):
                tell(f"{file.name}: in the model store already")
            else:
                bring(tell)
                _put(client, key, file, tell)


def _is_there(client: "S3Store", key: str, size: int) -> bool:
    import obstore  # noqa: PLC0415

    try:
        return obstore.head(client, key)["size"] == size
    except FileNotFoundError:
        return False


def _put(client: "S3Store", key: str, file: ArtifactFile, tell: Tell) -> None:
    import obstore  # noqa: PLC0415

    part = max(_PART, -(-file.size // (_PARTS_MOST * 2**20)) * 2**20)
    blocks = _digested(file, part, tell)
    if file.size <= part:
        obstore.put(client, key, b"".join(blocks), use_multipart=False)
    else:
        obstore.put(client, key, blocks, chunk_size=part, max_concurrency=_AT_ONCE)


def _digested(file: ArtifactFile, block_bytes: int, tell: Tell) -> Iterator[bytes]:
    """A file's bytes; what is not as planned is refused before the store is told that the object is whole."""
    digest, size = hashlib.sha256(), 0
    try:
        with open_regular(file.path, "the file that was planned") as stream:
            while block := stream.read(block_bytes):
                digest.update(block)
                size += len(block)
                if size >= file.size and digest.hexdigest() != file.sha256:
                    break
                tell(f"{file.name}: {_progress(size, file.size)} uploaded")
                yield block
    except BadFile as error:
        raise FileChanged(file.path, error.problem) from None
    if digest.hexdigest() != file.sha256:
        found = f"has the sha256 {digest.hexdigest()[:16]} now, and {file.sha256[:16]} was planned"
        raise FileChanged(file.path, found)


def _progress(size: int, total: int) -> str:
    """In steps that are worth a line in a log."""
    return f"{size * 10 // total * 10 if total else 100} % of {total / 2**20:.1f} MiB"


@contextmanager
def _one_at_a_time(store: ModelStore, key: str, file: ArtifactFile) -> Iterator[None]:
    """Hold the lock of an object among the processes of this user: the second finds it there, and uploads nothing.

    On two machines both upload, and the same bytes get the same name.
    """
    folder = Cache.of_user().folder / "uploads"
    name = hashlib.sha256(f"{store.endpoint} {store.bucket} {key}".encode()).hexdigest()
    with disk_errors("weights cannot be uploaded", f"{folder} (XDG_CACHE_HOME names another folder)"):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            held = FileLock(folder / f"{name}.lock", timeout=_LOCK_LIMIT_S, fallback_to_soft=False).acquire()
        except Timeout:
            waited = f"another process has been uploading the same for {_LOCK_LIMIT_S / 60:.0f} min"
            raise UploadFailed(file.name, store, waited, "wait for it, or end it") from None
    with held:
        yield
