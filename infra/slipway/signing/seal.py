"""Sign the images of an environment's models, and verify them before they run."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from slipway.errors.base import SlipwayError, UserError, UserErrors
from slipway.errors.images import RegistryFailed
from slipway.loading.settings import SettingsFile
from slipway.plan.model import ModelPlan
from slipway.plan.release import digest_of
from slipway.reading.folders import find_root
from slipway.registry.copying import digest_there
from slipway.sbom.image import sbom_of
from slipway.settings.signing import Signing
from slipway.signing.cosign import Cosign
from slipway.signing.errors import VARIABLE, ImageRefused, LockRefused, NoPrivateKey
from slipway.signing.keys import private_key, public_key, refuse_other_half
from slipway.signing.locks import verify_lock
from slipway.values.aliases import Tell

MODEL, MADE_OF = "slipway.dev/model", "slipway.dev/made-of"
"""What a signature holds beside the image's digest, so that no other signed image passes for this one."""


def annotations(model: ModelPlan) -> dict[str, str]:
    """What the signature of a model's image says of it, the same in every environment that the image is promoted to."""
    files = [[file.image_path, dict(file.digests)] for file in model.image.files]
    if model.image.own is not None:
        return {MODEL: model.name, MADE_OF: digest_of([model.spec.runtime, model.image.own.made_of, files])}
    runtime = model.image.runtime
    base = runtime.base_image.partition("@")[2] or runtime.base_image
    wheels = None if model.image.wheels is None else model.image.wheels.digest
    parts = [model.spec.runtime, runtime.architecture, base, runtime.requirements_digest, wheels, files]
    parts += [model.image.traces.digest] if model.image.traces is not None else []
    return {MODEL: model.name, MADE_OF: digest_of(parts)}


def seal_of(file: SettingsFile, variables: Mapping[str, str]) -> "Seal | None":
    """What signs and verifies in an environment; None where its settings ask for neither."""
    signing = file.settings.signing
    return None if signing is None else Seal(file, signing, variables)


def prepare(file: SettingsFile, models: Sequence[ModelPlan], tell: Tell) -> None:
    """See `Seal.prepare`; nothing where an environment's settings ask for no signatures."""
    if (seal := seal_of(file, os.environ)) is not None:
        seal.prepare(models, tell)


@dataclass(frozen=True)
class Seal:
    """The signatures of one environment. Cosign and keys are looked for when they are needed first.

    Where a signature is not required, whatever is wrong with one is told, and nothing is refused.
    """

    file: SettingsFile
    signing: Signing
    variables: Mapping[str, str]
    find: Callable[[Mapping[str, str]], Cosign] = Cosign.found

    @cached_property
    def cosign(self) -> Cosign:
        """The program; raises `CosignMissing`."""
        return self.find(self.variables)

    @cached_property
    def public(self) -> str:
        """The public key; raises `WrongValue`."""
        return public_key(self.file, self.signing)

    @cached_property
    def private(self) -> str | None:
        """The private key, None where nobody brought one; raises `KeyRefused`, also for one of another pair."""
        key = private_key(None, self.variables, find_root(Path(self.file.document.file).parent))
        if key is not None:
            refuse_other_half(self.cosign, key, self.public, VARIABLE)
        return key

    def prepare(self, models: Sequence[ModelPlan], tell: Tell) -> None:
        """Refuse, before anything is changed, what is known to be refused later.

        Args:
            models: that are to be deployed.
            tell: is told what is wrong where signatures are not required.

        Raises:
            UserErrors: no cosign, a key that cannot be used, a lock without a right signature, or an image that has to
                be made, and nobody could sign.
        """
        found: list[UserError] = []
        for model in models:
            if model.locked is not None:
                try:
                    verify_lock(self.cosign, model.locked.file, model.name, self.public)
                except LockRefused as error:
                    found.append(error)
            if self.private is None and model.image.copied_from is None and not self._is_there(model):
                found.append(self._nobody_could_sign(model))
        if not self.signing.required:
            for finding in found:
                tell(f"warning: {finding}")
        elif found:
            raise UserErrors(found)

    def before_making(self, model: ModelPlan) -> None:
        """Raise `NoPrivateKey` where a model's image is to be made, and nobody could sign it."""
        if self.signing.required and self.private is None:
            raise self._nobody_could_sign(model)

    def sign(self, model: ModelPlan, image: str, tell: Tell) -> None:
        """Sign an image, by digest, as that of a model; nothing happens without a private key."""
        if self.private is None:
            return
        tell("signing")
        self.cosign.sign_image(image, self.private, annotations(model), sbom_of(model))

    def verify(self, model: ModelPlan, image: str, tell: Tell) -> None:
        """Raise `ImageRefused` unless an image, by digest, is signed as that of a model, with the environment's key."""
        self._verify(model.environment, model.name, image, annotations(model), tell)

    def verify_release(self, environment: str, model: str, image: str, tell: Tell) -> None:
        """The same of a former release's image, of which nobody knows any more what it was made of."""
        self._verify(environment, model, image, {MODEL: model}, tell)

    def _verify(self, environment: str, model: str, image: str, said: Mapping[str, str], tell: Tell) -> None:
        try:
            wrong = self.cosign.wrong_with_image(image, self.public, said)
        except SlipwayError as error:
            if self.signing.required:
                raise
            wrong = str(error)
        if wrong is None:
            tell(f"image {image} is signed")
        elif self.signing.required:
            raise ImageRefused(environment, model, image, wrong)
        else:
            tell(f"warning: image {image} {wrong}")

    def _is_there(self, model: ModelPlan) -> bool:
        """Whether a model's image need not be made. Where the registry does not say, it is asked again later."""
        try:
            return digest_there(model.image.reference) is not None
        except RegistryFailed:
            return True

    def _nobody_could_sign(self, model: ModelPlan) -> NoPrivateKey:
        return NoPrivateKey(*self.file.locate(("signing",)), model.name, model.image.reference)
