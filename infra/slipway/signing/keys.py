"""Find the keys: the public one that settings name, and the private one that a person or a pipeline brings."""

import re
from collections.abc import Mapping
from pathlib import Path

from slipway.errors.base import WrongValue
from slipway.loading.settings import SettingsFile
from slipway.reading.files import BadFile, open_inside
from slipway.reading.folders import find_root
from slipway.settings.signing import KMS, Signing
from slipway.signing.cosign import PASSWORD, Cosign
from slipway.signing.errors import VARIABLE, KeyRefused

_SIZE_MOST = 2**16
_PEM = "-----BEGIN"
_PUBLIC = "-----BEGIN PUBLIC KEY-----"
_KIND = "a public key as PEM, which begins with " + _PUBLIC
_VARIABLE = re.compile(r"env://[A-Za-z_][A-Za-z0-9_]{0,99}")


def public_key(file: SettingsFile, signing: Signing) -> str:
    """The public key of an environment as cosign takes it: the path of its file, or the key of a KMS as it is named.

    Raises:
        WrongValue: the file is not there, leads out of the project, or is no public key.
    """
    if "://" in signing.key:
        return signing.key
    root = find_root(Path(file.document.file).parent)
    path = root / signing.key
    place, field = file.locate(("signing", "key"))
    todo = "write one with: cosign generate-key-pair (and keep cosign.key out of the project)"
    try:
        with open_inside(path, root, _KIND) as stream:
            head = stream.read(_SIZE_MOST).decode(errors="replace").lstrip()
    except BadFile as error:
        raise WrongValue(place, field, signing.key, error.problem, error.allowed, todo) from None
    if not head.startswith(_PUBLIC):
        problem = "is a private key" if "PRIVATE KEY-----" in head else "is no public key"
        raise WrongValue(place, field, signing.key, problem, _KIND, todo)
    return str(path)


def private_key(named: str | None, variables: Mapping[str, str], root: Path) -> str | None:
    """The private key as cosign takes it: `named`, else what $SLIPWAY_SIGNING_KEY names; None where there is none.

    Args:
        named: what the command line names.
        variables: of the process. A key that has a password takes it from COSIGN_PASSWORD, and from nowhere else.
        root: of the project, in which a private key must not lie: it would be committed with it.

    Raises:
        KeyRefused: it cannot be used; a key itself is not shown.
    """
    where, key = ("--key", named) if named else (VARIABLE, variables.get(VARIABLE))
    if not key:
        return None
    if _PEM in key:
        todo = f"keep the key in a variable, and name that: {VARIABLE}=env://MY_KEY"
        raise KeyRefused(where, "holds a key itself (not shown)", todo)
    scheme, found, rest = key.partition("://")
    if found and scheme in KMS and rest:
        return key
    if _VARIABLE.fullmatch(key):
        name = key.removeprefix("env://")
        if not variables.get(name):
            raise KeyRefused(where, f"names the variable {name}, which is empty", f"put the key into {name}")
    elif found:
        raise KeyRefused(where, f"has the scheme {scheme[:40]!r}, which is not known", "name another key")
    else:
        _refuse_file(where, Path(key), root)
    if PASSWORD not in variables:
        todo = f"set {PASSWORD} from your secrets, to nothing for a key without a password"
        raise KeyRefused(where, f"names a key with a password, and {PASSWORD} is not set", todo)
    return key


def refuse_other_half(cosign: Cosign, private: str, public: str, where: str) -> None:
    """Raise `KeyRefused` unless a private key is the other half of a public one: what it signs would be refused."""
    if private == public:
        return
    wanted = Path(public).read_text() if "://" not in public else cosign.public_key(public)
    if cosign.public_key(private).split() != wanted.split():
        todo = "use the private key that belongs to it, or name its public key in the settings"
        raise KeyRefused(where, f"is not the private half of {public}", todo)


def _refuse_file(where: str, path: Path, root: Path) -> None:
    named = f"{where} {path}"
    if not path.is_file():
        raise KeyRefused(named, "is no file", "correct the path, or write a key with: cosign generate-key-pair")
    if path.resolve().is_relative_to(root.resolve()):
        raise KeyRefused(
            named, f"lies in the project {root.resolve()}, with which it would be committed", "move it out"
        )
