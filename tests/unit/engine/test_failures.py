"""What the engine says of keys that are not to be had becomes one message."""

import sys
import threading
from pathlib import Path

import pytest

from slipway.engine.engine import Engine
from slipway.errors.base import DeployError
from slipway.errors.failures import SecretsLocked, StackFailed

BEFORE = "error: getting stack configuration: get stack secrets manager: "


def destroy(folder: Path, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Destroy a stack with a Pulumi CLI that says this and fails."""
    program = folder / "pulumi"
    program.write_text(f"#!{sys.executable}\nimport sys\nsys.exit({said!r})\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("PULUMI_BACKEND_URL", f"file://{folder}")
    (folder / "workspace").mkdir()
    Engine(folder / "workspace", {}, threading.Event()).destroy("prod.digits", lambda _: None)


@pytest.mark.parametrize(
    ("said", "todo"),
    [
        ("incorrect passphrase", "next: set PULUMI_CONFIG_PASSPHRASE or"),
        ("passphrase must be set with PULUMI_CONFIG_PASSPHRASE", "next: set PULUMI_CONFIG_PASSPHRASE or"),
        ("secrets (code=Unknown): NoCredentialProviders\n\tmore", "next: check that your credentials may use the key"),
    ],
)
def test_another_passphrase_or_key_is_one_line_with_what_to_do_and_no_failed_deployment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str, todo: str
) -> None:
    with pytest.raises(SecretsLocked) as refused:
        destroy(tmp_path, BEFORE + said, monkeypatch)
    text = str(refused.value)
    assert text.startswith("stack prod.digits: destroy: its state cannot be decrypted: ")
    assert todo in text
    assert "\n" not in text
    # A deployment that failed is restored, which would meet the same.
    assert not isinstance(refused.value, DeployError)


def test_other_errors_stay_what_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(StackFailed, match="something else"):
        destroy(tmp_path, "error: something else", monkeypatch)
