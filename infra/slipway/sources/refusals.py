"""Say why a file cannot be had from where it is, and what to do next."""

from slipway.reading.files import BadFile

ALLOWED = "a file that can be read there with the credentials that this environment has"


class SourceBroke(Exception):
    """A transfer broke off, or was not begun, for a reason that may pass. `str()` is it, as the end of a sentence."""


class WrongDigest(BadFile):
    """The file is another than the one that the spec means."""

    def __init__(self, expected: str, found: str, size: int) -> None:
        super().__init__(
            f"is not the file at the source, which has the sha256 {found} and {size} bytes",
            f"the sha256 of the file: {expected} is written",
            "write the other digest if that file is the right one, else the address of the right file",
        )
        self.found = found


class NotCached(BadFile):
    """The file is not on this machine, and nothing may be fetched."""

    def __init__(self, folder: str) -> None:
        super().__init__(
            f"is not in the cache of this machine ({folder}), and --offline fetches nothing",
            "a file that was fetched before",
            "run slipway fetch while there is a network, or leave --offline out",
        )


def refused(status: int, host: str, todo: str) -> BadFile:
    """The refusal of a request that a server answered with a status of 400 and more."""
    if status in (401, 403):
        return BadFile(f"is refused by {host}, which answers {status}", ALLOWED, todo)
    if status in (404, 410):
        return BadFile(f"is not there: {host} answers {status}", ALLOWED, f"correct the address; {_SECRETIVE}")
    return BadFile(f"cannot be had: {host} answers {status}", ALLOWED, f"ask who runs {host}")


_SECRETIVE = "a store may also say so to those who may not read it"


def broke(reason: str, tries: int, received: int, total: int | None) -> BadFile:
    """The refusal of a transfer that was tried often enough."""
    of = f" of {total}" if total is not None else ""
    kept = f"; {received}{of} bytes are kept, and the next run continues from there" if received else ""
    return BadFile(
        f"could not be fetched in {tries} tries: {reason}{kept}",
        ALLOWED,
        "check that this machine reaches the source (a proxy is named by HTTPS_PROXY), then run the command again",
    )
