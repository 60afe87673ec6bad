"""A key that a KMS keeps signs and verifies, by moto's KMS on loopback, which says nothing about AWS's own limits."""

from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from moto.kms.utils import ECDSAPrivateKey

from slipway.signing.cosign import Cosign
from slipway.signing.errors import CosignFailed, KeyRefused
from slipway.signing.keys import private_key, refuse_other_half
from tests.integration.signing.conftest import Keys
from tests.support.moto_server import moto_server

pytestmark = pytest.mark.integration

OURS, OTHER = "awskms:///alias/ours", "awskms:///alias/other"
_OF_A_DIGEST = ec.ECDSA(Prehashed(SHA256()))


def _sign(self: ECDSAPrivateKey, message: bytes, _: str) -> bytes:
    return self.private_key.sign(message, _OF_A_DIGEST)


def _verify(self: ECDSAPrivateKey, message: bytes, signature: bytes, _: str) -> bool:
    try:
        self.private_key.public_key().verify(signature, message, _OF_A_DIGEST)
    except InvalidSignature:
        return False
    return True


@pytest.fixture(scope="module")
def program(variables: dict[str, str]) -> Iterator[Cosign]:
    """Cosign whose AWS is moto, with two keys. moto takes what is to be signed for a text; cosign sends digests."""
    patched = pytest.MonkeyPatch()
    patched.setattr(ECDSAPrivateKey, "sign", _sign)
    patched.setattr(ECDSAPrivateKey, "verify", _verify)
    access = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "eu-central-1"}
    with moto_server() as url:
        access["AWS_ENDPOINT_URL"] = url
        kms = boto3.client(
            "kms",
            endpoint_url=url,
            region_name="eu-central-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        for alias in ("alias/ours", "alias/other"):
            key = kms.create_key(KeyUsage="SIGN_VERIFY", KeySpec="ECC_NIST_P256")["KeyMetadata"]["KeyId"]
            kms.create_alias(AliasName=alias, TargetKeyId=key)
        yield Cosign.found({**variables, **access})
    patched.undo()


def test_a_key_that_nobody_holds_signs_and_verifies(program: Cosign, ours: Keys, tmp_path: Path) -> None:
    assert private_key(OURS, {}, tmp_path) == OURS
    lock, signature = tmp_path / "digits.lock.yaml", tmp_path / "digits.lock.sig"
    lock.write_text("lock: 1\n")
    program.sign_file(lock, OURS, signature)
    assert program.wrong_with_file(lock, OURS, signature) is None
    public = tmp_path / "kms.pub"
    public.write_text(program.public_key(OURS))
    assert program.wrong_with_file(lock, str(public), signature) is None
    for other in (OTHER, str(ours.public)):
        assert "invalid signature" in str(program.wrong_with_file(lock, other, signature))
    refuse_other_half(program, OURS, str(public), "--key")
    with pytest.raises(KeyRefused, match="is not the private half"):
        refuse_other_half(program, OTHER, str(public), "--key")


def test_a_key_that_is_not_there_is_named(program: Cosign) -> None:
    with pytest.raises(CosignFailed, match="NotFoundException"):
        program.public_key("awskms:///alias/nowhere")
