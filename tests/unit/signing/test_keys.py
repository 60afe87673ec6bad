"""A private key comes from outside of the project, and neither it nor its password is ever shown."""

from pathlib import Path

import pytest

from slipway.signing.errors import KeyRefused
from slipway.signing.keys import private_key

SECRET = "-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\nc2VjcmV0\n"


def test_no_key_is_no_error(tmp_path: Path) -> None:
    assert private_key(None, {}, tmp_path) is None


def test_the_command_line_comes_first(tmp_path: Path) -> None:
    variables = {"SLIPWAY_SIGNING_KEY": "awskms:///alias/theirs"}
    assert private_key("awskms:///alias/ours", variables, tmp_path) == "awskms:///alias/ours"
    assert private_key(None, variables, tmp_path) == "awskms:///alias/theirs"


def test_a_file_outside_of_the_project_is_taken(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    key = tmp_path / "cosign.key"
    key.write_text(SECRET)
    assert private_key(str(key), {"COSIGN_PASSWORD": ""}, tmp_path / "project") == str(key)


@pytest.mark.parametrize(
    ("key", "variables", "said"),
    [
        (SECRET, {"COSIGN_PASSWORD": "x"}, "holds a key itself"),
        ("nowhere.key", {"COSIGN_PASSWORD": "x"}, "is no file"),
        ("project/cosign.key", {"COSIGN_PASSWORD": "x"}, "lies in the project"),
        ("link.key", {"COSIGN_PASSWORD": "x"}, "lies in the project"),
        ("cosign.key", {}, "COSIGN_PASSWORD is not set"),
        ("env://MY_KEY", {"COSIGN_PASSWORD": "x"}, "names the variable MY_KEY, which is empty"),
        ("env://MY_KEY", {"MY_KEY": SECRET}, "COSIGN_PASSWORD is not set"),
        ("ftp://host/key", {"COSIGN_PASSWORD": "x"}, "has the scheme 'ftp'"),
        ("awskms://", {"COSIGN_PASSWORD": "x"}, "has the scheme 'awskms'"),
    ],
)
def test_a_key_that_will_not_do_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, variables: dict[str, str], said: str
) -> None:
    (tmp_path / "project").mkdir()
    for name in ("cosign.key", "project/cosign.key"):
        (tmp_path / name).write_text(SECRET)
    (tmp_path / "link.key").symlink_to(tmp_path / "project/cosign.key")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(KeyRefused) as refused:
        private_key(key, variables, tmp_path / "project")
    assert said in str(refused.value)
    assert "c2VjcmV0" not in str(refused.value)
