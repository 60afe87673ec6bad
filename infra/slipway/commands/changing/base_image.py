"""Renew an environment's base image: ask the registry which digest its tag has now, and write it into the settings."""

from slipway import console
from slipway.components.image.build import ImageBuilder
from slipway.errors.base import WrongValue
from slipway.errors.images import RegistryFailed
from slipway.loading.base_image import written
from slipway.reading.folders import Folders


def renew_base_image(environment: str, folders: Folders, *, check: bool) -> None:
    """Show the digest in the settings and that of the registry, and write the registry's; with `check`, only tell.

    The Docker Engine asks the registry, with the credentials that it would build with. Raises `WrongValue` when `check`
    finds another digest than the registry has.
    """
    here = written(folders.settings, environment)
    digest = ImageBuilder().pushed(here.tagged)
    if digest is None:
        raise RegistryFailed(here.tagged, "there is no such image")
    if digest == here.digest:
        console.result(f"{here.place}: {here.tagged} is what the registry has, {digest}")
        return
    console.result(f"{here.place}: {here.tagged}")
    console.result(f"  settings  {here.digest or 'no digest'}")
    console.result(f"  registry  {digest}")
    if check:
        todo = f"run slipway base-image {environment}, then slipway plan {environment}"
        raise WrongValue(here.place, here.field, here.digest, "is not what the registry has", digest, todo)
    here.write(digest)
    console.result(
        f"written; every model of {environment} is a new release now: slipway plan {environment}, then slipway up "
        f"{environment}. Comments in the file were kept: correct any that says where the digest is from"
    )
