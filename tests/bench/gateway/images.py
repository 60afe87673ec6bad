"""Make the images of the benchmark's pods: the stub that stands for a model, and Debian's nginx."""

import subprocess
import tempfile
from pathlib import Path, PurePosixPath

from slipway.local.build import golang
from slipway.local.cluster import facts
from slipway.local.cluster import images as oci
from slipway.local.docker import debian_rootfs, image_archive
from tests.support.behind_gateway import ENVOY_IMAGE

STUB = Path(__file__).with_name("stub")
_NGINX = debian_rootfs.Packages(
    "nginx image",
    with_dependencies=("libc6", "libcrypt1", "libpcre2-8-0", "libssl3", "zlib1g"),
    alone=("base-files", "nginx"),
)


def push() -> dict[str, str]:
    """Have all images in the registry; gives their references by the name of what they run."""
    return {"stub": _stub(), "nginx": _nginx(), "envoy": ENVOY_IMAGE}


def _stub() -> str:
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as folder:
        program = Path(folder) / "stub"
        go = golang.find([STUB], print)
        argv: list[str | Path] = [go.command, "build", "-trimpath", "-ldflags=-s -w", "-o", program, "."]
        subprocess.run(argv, cwd=STUB, env=golang.environment(), check=True, timeout=300)
        return oci.push(oci.build({PurePosixPath("/stub"): program}, ["/stub"]), facts.REGISTRY, "slipway/bench/stub")


def _nginx() -> str:
    with tempfile.TemporaryDirectory(prefix="slipway-bench-") as folder:
        root = debian_rootfs.unpack(_NGINX, Path(folder), lambda _: None)
        layer = Path(folder) / "layer.tar"
        image_archive.write_layer(layer, root, sticky=("tmp", "var/tmp"))
        image = oci.of_layer(layer.read_bytes(), {"Entrypoint": ["/usr/sbin/nginx"], "User": "65532:65532"})
        return oci.push(image, facts.REGISTRY, "slipway/bench/nginx")
