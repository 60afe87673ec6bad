"""Sign and verify locks, and sign images that are in a registry already."""

import os
from collections.abc import Sequence
from pathlib import Path

from slipway import console
from slipway.commands.changing.session import Options, confirm
from slipway.commands.context import EnvironmentContext
from slipway.errors.base import FileRefused, Place, UserError, UserErrors
from slipway.reading.folders import Folders, find_root
from slipway.registry.copying import digest_there
from slipway.signing.cosign import Cosign
from slipway.signing.errors import VARIABLE, KeyRefused, LockRefused
from slipway.signing.keys import private_key
from slipway.signing.locks import locks, model_of, sign_lock, verify_lock
from slipway.signing.seal import seal_of

_NO_KEY = f"give --key, or set {VARIABLE}"


def sign_locks(names: Sequence[str], named: str | None, folders: Folders) -> None:
    """Sign the locks of models, of all that have one when none is named.

    Raises:
        UserErrors: a lock that is not there; nothing is signed then.
        UserError: no cosign, or a key that cannot be used.
    """
    found = _locks(names, folders)
    key = private_key(named, os.environ, find_root(folders.models))
    if key is None:
        raise KeyRefused("--key", "is not given", _NO_KEY)
    cosign = Cosign.found(os.environ)
    for lock in found:
        console.result(f"ok  {model_of(lock)}: {sign_lock(cosign, lock, key)}")


def check_locks(names: Sequence[str], key: str | None, folders: Folders) -> None:
    """Verify the locks of models, of all that have one when none is named, with the public key `key`.

    Raises:
        UserErrors: every lock that is not there, or has no right signature.
    """
    found = _locks(names, folders)
    if key is None or ("://" not in key and not Path(key).is_file()):
        problem = "is not given" if key is None else f"{key} is no file"
        raise KeyRefused("--key", problem, "name the public key, such as --key cosign.pub")
    cosign, bad = Cosign.found(os.environ), list[UserError]()
    for lock in found:
        try:
            verify_lock(cosign, lock, model_of(lock), key)
        except LockRefused as error:
            bad.append(error)
        else:
            console.result(f"ok  {model_of(lock)}: {lock} is signed")
    if bad:
        raise UserErrors(bad)


def sign_images(context: EnvironmentContext, names: Sequence[str], options: Options) -> None:
    """Sign the images that the plan names, as they are in the registry now: what is in them was not looked at.

    Raises:
        UserErrors: an image that is not there; nothing is signed then.
        UserError: the environment signs nothing, no cosign, or a key that cannot be used.
    """
    seal = seal_of(context.file, os.environ)
    if seal is None:
        place, field = context.file.locate(("signing",))
        todo = "add for example signing: {key: cosign.pub}"
        raise UserError(place, field, "is left out, so that nothing is signed", "a public key", todo)
    if seal.private is None:
        raise KeyRefused(VARIABLE, "is not set", f"set {VARIABLE}")
    found, missing = [], list[UserError]()
    for model in context.models(names):
        digest = digest_there(model.image.reference)
        if digest is None:
            place, problem = Place(f"environment {context.name}"), f"has no image {model.image.reference} yet"
            todo = f"slipway up {context.name} {model.name} builds and signs it"
            missing.append(UserError(place, f"model {model.name}", problem, "an image that was pushed", todo))
        else:
            found.append((model, f"{model.image.repository}@{digest}"))
    if missing:
        raise UserErrors(missing)
    for model, image in found:
        console.message(f"  {model.name} {model.version}: {image}, as somebody pushed it")
    confirm(f"sign {len(found)} images of {context.name}", options, changing=True)
    for model, image in found:
        seal.sign(model, image, lambda _: None)
        seal.verify(model, image, lambda _: None)
        console.result(f"ok  {model.name}: {image} is signed")


def _locks(names: Sequence[str], folders: Folders) -> list[Path]:
    """The locks of models; raises `UserErrors` for models that have none."""
    there = locks(folders.models)
    if not there and not names:
        allowed = "MODEL.lock.yaml, one for each model that has a lock"
        raise FileRefused(str(folders.models), "has no locks", allowed, "write one with: slipway lock MODEL")
    known = ", ".join(sorted({model_of(lock) for lock in there})) or "there is none yet"
    missing = [name for name in names if not locks(folders.models, name)]
    if missing:
        place, allowed = Place(str(folders.models)), f"models that have a lock: {known}"
        raise UserErrors(
            UserError(place, None, f"has no {name}.lock.yaml", allowed, f"write it: slipway lock {name}")
            for name in missing
        )
    return [lock for name in names for lock in locks(folders.models, name)] if names else there
