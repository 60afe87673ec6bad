"""What the image build installs is what the lock says."""

import re
import subprocess
import tomllib
from pathlib import Path

import slipway_server
from uv import find_uv_bin

SERVER = Path(__file__).parents[1]
EXPORT = ["export", "--frozen", "--no-dev", "--no-emit-project", "--format", "requirements-txt", "--no-header"]


def project() -> dict[str, object]:
    return tomllib.loads((SERVER / "pyproject.toml").read_text())["project"]  # type: ignore[no-any-return]


def test_requirements_txt_is_what_the_lock_exports() -> None:
    exported = subprocess.run(
        [find_uv_bin(), *EXPORT], cwd=SERVER, capture_output=True, text=True, check=True, timeout=120
    ).stdout
    assert (SERVER / "requirements.txt").read_text() == exported, (
        f"server/requirements.txt is stale; run in server/: uv {' '.join(EXPORT)} -o requirements.txt"
    )


def test_every_requirement_is_pinned_with_hashes_and_names_no_host() -> None:
    text = (SERVER / "requirements.txt").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    assert lines
    for line in lines:
        assert re.match(r"^[a-z0-9._-]+==[^ ]+ .*--hash=sha256:[0-9a-f]{64}", line), line
        assert "://" not in line


def test_every_dependency_of_the_project_is_in_the_lock() -> None:
    locked = {line.split("==")[0] for line in (SERVER / "requirements.txt").read_text().splitlines() if "==" in line}
    wanted = {re.split(r"[\[<>=~!]", str(name))[0] for name in project()["dependencies"]}  # type: ignore[attr-defined]
    assert wanted <= locked


def test_the_version_in_the_code_is_the_package_s() -> None:
    assert slipway_server.__version__ == project()["version"]
