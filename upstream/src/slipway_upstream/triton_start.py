"""Start Triton out of its wheel, which has the server and its Python backend apart from each other."""

import sysconfig
from collections.abc import Iterable
from importlib.util import find_spec
from os import defpath
from pathlib import Path
from shutil import which
from tempfile import mkdtemp


def triton_command(arguments: list[str], variables: dict[str, str]) -> list[str]:
    """The words that start Triton; adds to `variables` where its libraries are.

    Raises:
        FileNotFoundError: the wheel has no Python backend for this version of Python.
    """
    found = find_spec("pytriton")
    if found is None or found.origin is None:
        raise FileNotFoundError("this image has no Triton: its wheel, nvidia-pytriton, is missing")
    package = Path(found.origin).parent
    server = package / "tritonserver"
    variables["LD_LIBRARY_PATH"] = str(package.parent / "nvidia_pytriton.libs")
    made = Path(mkdtemp(prefix="triton-"))
    backends, stubs = made / "backends", server / "python_backend_stubs" / sysconfig.get_python_version()
    _link(backends / "python", [*(server / "backends/python").iterdir(), *stubs.iterdir()])
    # The Python backend starts what runs a model by `bash -c "exec ..."`, which any shell understands.
    if which("bash", path=variables.get("PATH")) is None:
        (made / "bin").mkdir()
        (made / "bin/bash").symlink_to("/bin/sh")
        variables["PATH"] = f"{made / 'bin'}:{variables.get('PATH', defpath)}"
    return [str(server / "bin/tritonserver"), f"--backend-directory={backends}", *arguments]


def _link(folder: Path, files: Iterable[Path]) -> None:
    """Put a backend together: Triton looks for the library and for what runs models in one folder."""
    folder.mkdir(parents=True)
    for file in files:
        (folder / file.name).symlink_to(file)
