"""Say what is wrong with a signature, a key or cosign itself, and what to do next."""

from pathlib import Path

from slipway.errors.base import DeployError, Place, SlipwayError, UserError

VARIABLE = "SLIPWAY_SIGNING_KEY"
"""The environment variable that names the private key."""


class CosignMissing(UserError):
    """Something is to be signed or verified, and there is no cosign that could."""

    def __init__(self, named: str, problem: str) -> None:
        todo = "install it (https://docs.sigstore.dev), or name it in SLIPWAY_COSIGN; `slipway local cosign` builds it"
        super().__init__(Place(named), None, problem, "cosign of version 3", todo)


class CosignFailed(SlipwayError):
    """Cosign could neither do what was asked nor say that a signature is wrong."""

    def __init__(self, what: str, said: str) -> None:
        super().__init__(f"cosign: {what} failed: {said}; nothing was deployed; next: correct that, then run it again")


class KeyRefused(UserError):
    """A private key cannot be used."""

    def __init__(self, named: str, problem: str, todo: str) -> None:
        allowed = "the path of a private key of cosign's outside of the project, env://VARIABLE, or a key of a KMS"
        super().__init__(Place(named), None, problem, allowed, todo)


class LockRefused(UserError):
    """A lock has no signature, or none that is right."""

    def __init__(self, lock: Path, model: str, problem: str) -> None:
        allowed = "a lock that was signed, as it is, with the key of `signing` in the settings"
        super().__init__(Place(str(lock)), None, problem, allowed, f"look at what changed, then: slipway sign {model}")


class NoPrivateKey(UserError):
    """An image would have to be made, and nobody could sign it."""

    def __init__(self, place: Place, field: str, model: str, image: str) -> None:
        problem = (
            f"wants signed images, and that of model {model}, {image}, has to be made, and there is no private key"
        )
        allowed = "a private key beside it, or an image that is signed already"
        todo = f"set {VARIABLE}, or promote a signed image (slipway promote)"
        super().__init__(place, field, problem, allowed, todo)


class ImageRefused(DeployError):
    """An image has no signature, or none that is right."""

    def __init__(self, environment: str, model: str, image: str, problem: str) -> None:
        super().__init__(
            f"image {image}: {problem}; allowed: an image that was signed for model {model} and for what it is made of "
            f"now, with the key of `signing` in the settings; nothing was applied; next: find out who pushed it; if it "
            f"is yours, slipway sign-image {environment} {model} signs it as it is"
        )
