"""What a smaller model really saves: bytes that are stored, and bytes that are sent, in the words of a note."""

import zlib

CHUNK = 2**20


def words(before, after, zeros):
    """Compare the files of two models, as they are stored and as layers of images are sent: gzip.

    `zeros`: whether the step only writes zeros, which take as many bytes as other numbers.
    """
    stored, stored_now = sum(map(_size, before)), sum(map(_size, after))
    sent, sent_now = sum(map(_compressed, before)), sum(map(_compressed, after))
    kept = "saves nothing in storage" + (": zeros take as many bytes" if zeros else "")
    storage = f"storage shrinks {_by(stored, stored_now)}" if stored_now < 0.99 * stored else kept
    transfer = f"transfer shrinks {_by(sent, sent_now)}" if sent_now < sent else f"transfer takes {sent_now} bytes"
    return f"{storage}; {transfer} (gzip)"


def _by(before, after):
    return f"by {1 - after / before:.0%}, from {before} to {after} bytes"


def _size(path):
    return path.stat().st_size


def _compressed(path):
    """The size after gzip's algorithm, file by file and a chunk at a time."""
    pack = zlib.compressobj(6)
    size = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            size += len(pack.compress(chunk))
    return size + len(pack.flush())
