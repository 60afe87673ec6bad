"""Keep results in a folder of this machine, each part whole or not there, and never those of two batches in one."""

import json
from pathlib import Path

from slipway.batches.errors import BatchRefused
from slipway.batches.given import Batch
from slipway.batches.rows import LINES
from slipway.batches.store import BatchStore
from slipway.console import Progress

ABOUT, DONE = "batch.json", "done.json"
_ALLOWED = "an empty folder, or that of the same batch"
_TODO = "name another folder"


def claim(batch: Batch, store: BatchStore) -> None:
    """Note of what the results are, where they go; raises `BatchRefused` for a place that has others."""
    said = (json.dumps(batch.about, indent=2) + "\n").encode()
    folder = batch.output.folder
    if folder is None:
        key = f"{batch.results}/{ABOUT}"
        if not store.put_new(key, said):
            _refuse_another(batch, store.get(key))
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        about = folder / ABOUT
        if about.is_file():
            _refuse_another(batch, about.read_bytes())
        elif any(folder.iterdir()):
            raise BatchRefused(batch.output.shown, "has other files", _ALLOWED, _TODO)
        else:
            about.write_bytes(said)
    except OSError as error:
        raise BatchRefused(batch.output.shown, f"cannot be written: {error.strerror}", _ALLOWED, _TODO) from None


def fetch(batch: Batch, store: BatchStore, progress: Progress) -> int:
    """Have all parts in the folder; return how many lines the model refused."""
    folder = batch.output.folder
    if folder is None:
        return 0
    done = store.get(batch.done_key)
    refused, parts = 0, int(json.loads(done)["parts"])
    for number in range(parts):
        path = folder / batch.part(number)
        if not path.is_file():
            store.download(f"{batch.results}/{path.name}", path)
            progress.report(batch.model, f"{(number + 1) * 10 // parts * 10} % of the parts are here")
        refused += _refused(path)
    (folder / DONE).write_bytes(done)
    return refused


def is_here(batch: Batch) -> bool:
    """Whether a folder of this machine has all results."""
    folder = batch.output.folder
    return folder is not None and (folder / DONE).is_file()


def _refused(path: Path) -> int:
    if path.suffix != LINES:
        return 0
    with path.open("rb") as file:
        return sum(line.startswith(b'{"error":') for line in file)


def _refuse_another(batch: Batch, found: bytes) -> None:
    try:
        there = json.loads(found)
    except ValueError:
        there = None
    wanted = dict(batch.about)
    if there == wanted:
        return
    differ = [name for name in wanted if not isinstance(there, dict) or there.get(name) != wanted[name]]
    problem = f"has the results of another batch: it differs in {', '.join(differ)}"
    raise BatchRefused(batch.output.shown, problem, _ALLOWED, _TODO)
