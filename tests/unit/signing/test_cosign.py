"""The program is asked offline, without a password among its arguments, and what it says is passed on."""

import os
from pathlib import Path

import pytest

from slipway.signing.cosign import Cosign
from slipway.signing.errors import CosignFailed, CosignMissing

IMAGE = "127.0.0.1:5000/least@sha256:" + "1" * 64


def program(folder: Path, script: str) -> dict[str, str]:
    """Put a cosign that runs a script on PATH; it notes its arguments and variables beside itself."""
    file = folder / "cosign"
    noting = f'echo "$@" >> {folder}/arguments; env >> {folder}/variables'
    file.write_text(f"#!/bin/sh\n{noting}\n{script}\n")
    file.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}", "COSIGN_PASSWORD": "hush", "COSIGN_REPOSITORY": "elsewhere"}


def test_signing_asks_no_service_and_shows_no_password(tmp_path: Path) -> None:
    cosign = Cosign.found(program(tmp_path, "exit 0"))
    cosign.sign_image(IMAGE, "cosign.key", {"slipway.dev/model": "least"}, b"{}")
    asked = (tmp_path / "arguments").read_text().splitlines()
    signing = [line for line in asked if line.startswith(("attest", "sign "))]
    assert [line.split()[0] for line in signing] == ["attest", "sign"]
    assert all("--signing-config" in line and "--trusted-root" in line for line in signing)
    assert "-a slipway.dev/model=least" in signing[1]
    assert "hush" not in "".join(asked)
    told = (tmp_path / "variables").read_text()
    assert "COSIGN_PASSWORD=hush" in told
    assert "elsewhere" not in told


def test_a_file_that_was_not_signed_keeps_its_old_signature(tmp_path: Path) -> None:
    lock, signature = tmp_path / "a.lock.yaml", tmp_path / "a.lock.sig"
    lock.write_text("lock: 1")
    signature.write_text("old")
    failing = (
        "case $1 in sign-blob) echo half > ${6}; echo 'Error: decrypt: encrypted: decryption failed' >&2; exit 1;; esac"
    )
    cosign = Cosign.found(program(tmp_path, failing))
    with pytest.raises(CosignFailed, match="decryption failed"):
        cosign.sign_file(lock, "cosign.key", signature)
    assert signature.read_text() == "old"
    assert not (tmp_path / ".a.lock.sig.new").exists()


@pytest.mark.parametrize(
    ("said", "wrong"),
    [
        ("no signatures found", "is not signed"),
        ("no matching attestations: missing or incorrect annotation", "has no right signature"),
    ],
)
def test_a_wrong_signature_is_told_from_a_failure(tmp_path: Path, said: str, wrong: str) -> None:
    cosign = Cosign.found(program(tmp_path, f"case $1 in verify) echo 'Error: {said}' >&2; exit 1;; esac"))
    found = cosign.wrong_with_image(IMAGE, "cosign.pub", {})
    assert found is not None
    assert wrong in found


def test_a_registry_that_does_not_answer_is_a_failure_told_once(tmp_path: Path) -> None:
    said = "Looking...\nError: connection refused\nerror during command execution: connection refused"
    cosign = Cosign.found(program(tmp_path, f"case $1 in verify) printf '{said}' >&2; exit 1;; esac"))
    with pytest.raises(CosignFailed, match=f"verifying {IMAGE} failed: connection refused; nothing was deployed"):
        cosign.wrong_with_image(IMAGE, "cosign.pub", {})


def test_a_missing_cosign_says_where_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(CosignMissing, match=r"is not on PATH.*slipway local cosign"):
        Cosign.found({"PATH": str(tmp_path)})
    with pytest.raises(CosignMissing, match="SLIPWAY_COSIGN /nowhere/cosign: is no program"):
        Cosign.found({"PATH": os.environ["PATH"], "SLIPWAY_COSIGN": "/nowhere/cosign"})


def test_another_major_version_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CosignMissing, match="is of version 2"):
        Cosign.found(program(tmp_path, "echo 'GitVersion:    v2.6.5'"))
