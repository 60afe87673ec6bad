"""Read the facts about AWS that `slipway catalog update` wrote beside the settings: catalog/<account>-<region>.json."""

from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError

from slipway.catalog.aws import prefer
from slipway.catalog.facts import CatalogueFile
from slipway.errors.base import FileRefused

FOLDER = "catalog"
_LIMIT = 8 * 2**20
_TODO = "run `slipway catalog update ENV` again, or delete the file"


def catalogue_path(settings_dir: Path, account: str, region: str) -> Path:
    """Where the facts of an account about a region are."""
    return settings_dir / FOLDER / f"{account}-{region}.json"


def prefer_catalogues(settings_dir: Path) -> None:
    """Prefer the files beside the settings, the newest most; none is needed. Raises `FileRefused` for a bad one."""
    files = sorted((settings_dir / FOLDER).glob("*.json"))
    prefer(sorted(map(read_catalogue, files), key=lambda file: (file.date, file.account or "")))


def read_catalogue(path: Path) -> CatalogueFile:
    """Read one file; raises `FileRefused` that names the file and the value."""
    try:
        stat = path.stat()
        if stat.st_size > _LIMIT:
            raise FileRefused(str(path), f"has {stat.st_size} bytes", f"at most {_LIMIT} bytes", _TODO)
        return _read(path, stat.st_mtime_ns, stat.st_size)
    except OSError as error:
        raise FileRefused(str(path), f"cannot be read: {error.strerror}", "a file that can be read", _TODO) from None


@lru_cache(maxsize=64)
def _read(path: Path, _changed_ns: int, _size: int) -> CatalogueFile:
    try:
        file = CatalogueFile.model_validate_json(path.read_bytes())
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        at = ".".join(map(str, first["loc"])) or "the whole"
        shown = str(first.get("input"))[:60]
        problem = f"{at}: {shown!r}: {first['msg']}"
        raise FileRefused(str(path), problem, "what `slipway catalog update` writes", _TODO) from None
    if file.account is None:
        raise FileRefused(str(path), "account: is missing", "the account that was asked", _TODO)
    return file
