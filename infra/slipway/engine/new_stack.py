"""Make an empty stack in a backend that is a folder: the file that `pulumi stack init` leaves, without its process.

Starting the CLI and deriving the encryption key costs 0.4 s of CPU per stack, half of what its first update takes.
Any other backend, or a folder in another layout than the one known here, is left to the CLI.
"""

import json
import os
from pathlib import Path
from urllib.parse import urlsplit

_LAYOUT = 1
"""Of the folder, as its `.pulumi/meta.yaml` says: stacks/<project>/<stack>.json."""
_CHECKPOINT = 3
"""Version of the state's format."""


def made(backend: str, project: str, stack: str) -> bool | None:
    """Make the stack; False when it was there, None when `backend` (PULUMI_BACKEND_URL) is no folder of the CLI's.

    A stack that exists is never touched: its file appears whole or not at all, and only if there was none.
    """
    parts = urlsplit(backend)
    folder = Path(parts.path) / ".pulumi"
    target = folder / "stacks" / project / f"{stack}.json"
    if parts.scheme != "file" or parts.netloc or parts.query or not _known(folder) or not target.parent.is_dir():
        return None
    if any(target.with_name(target.name + compressed).exists() for compressed in ("", ".gz", ".zst")):
        return False
    new = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        new.write_text(json.dumps({"version": _CHECKPOINT, "checkpoint": {"stack": f"organization/{project}/{stack}"}}))
    except OSError:
        new.unlink(missing_ok=True)
        raise
    try:
        os.link(new, target)
    except FileExistsError:  # another run was first, which is as good
        return False
    except OSError:
        return None  # a file system without hard links
    finally:
        new.unlink()
    return True


def _known(folder: Path) -> bool:
    """Whether the folder is one of the CLI's, in the layout that this module writes."""
    try:
        first = (folder / "meta.yaml").read_text().splitlines()[0]
    except (OSError, IndexError):
        return False
    return first == f"version: {_LAYOUT}"
