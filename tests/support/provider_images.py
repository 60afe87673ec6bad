"""An image for test pods that needs no internet: one static Go program, pushed to the local registry as one layer.

What the program does is said by its arguments, so that one image serves every test: see _PROGRAM.
"""

import gzip
import hashlib
import http.client
import io
import json
import os
import shutil
import subprocess
import tarfile
import urllib.parse
from pathlib import Path

REGISTRY = "127.0.0.1:5000"
_REPOSITORY = "slipway-test/actor"
_PROGRAM = r"""package main

import (
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

// actor serve            answers 200 on :8080
// actor unready          answers 503 on :8080
// actor exit CODE LINE   writes LINE to its log and ends
// actor explain LINE     writes LINE as its termination message and ends with 3
// actor once FILE        ends with 1 the first time (FILE is not there yet), then serves
func main() {
	args := os.Args[1:]
	switch args[0] {
	case "exit":
		fmt.Println(args[2])
		code, _ := strconv.Atoi(args[1])
		os.Exit(code)
	case "explain":
		os.WriteFile("/dev/termination-log", []byte(args[1]), 0o644)
		os.Exit(3)
	case "once":
		if _, err := os.Stat(args[1]); err != nil {
			os.WriteFile(args[1], nil, 0o644)
			os.Exit(1)
		}
	}
	code := 200
	if args[0] == "unready" {
		code = 503
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go func() { <-stop; time.Sleep(100 * time.Millisecond); os.Exit(0) }()
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code); fmt.Fprintln(w, args[0]) })
	http.ListenAndServe(":8080", nil)
}
"""


def push(folder: Path) -> str:
    """Build the program in `folder`, push its image, give its reference by digest. Needs Go on PATH."""
    (folder / "main.go").write_text(_PROGRAM)
    (folder / "go.mod").write_text("module actor\n\ngo 1.23\n")
    go = shutil.which("go")
    assert go is not None, "the test image is built with Go; put go on PATH"
    subprocess.run(
        [go, "build", "-trimpath", "-ldflags=-s -w", "-o", "actor", "."],
        cwd=folder,
        check=True,
        env=os.environ | {"CGO_ENABLED": "0", "GOFLAGS": "-buildvcs=false", "GOTOOLCHAIN": "local"},
    )
    layer = _layer((folder / "actor").read_bytes())
    compressed = gzip.compress(layer, 1, mtime=0)
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Entrypoint": ["/actor"]},
            "rootfs": {"type": "layers", "diff_ids": [_digest(layer)]},
        }
    ).encode()
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": _descriptor("application/vnd.oci.image.config.v1+json", config),
            "layers": [_descriptor("application/vnd.oci.image.layer.v1.tar+gzip", compressed)],
        }
    ).encode()
    connection = http.client.HTTPConnection(REGISTRY, timeout=20)
    for blob in (config, compressed):
        _push_blob(connection, blob)
    headers = {"Content-Type": "application/vnd.oci.image.manifest.v1+json"}
    _call(connection, "PUT", f"/v2/{_REPOSITORY}/manifests/test", manifest, headers, {201})
    return f"{REGISTRY}/{_REPOSITORY}@{_digest(manifest)}"


def _layer(program: bytes) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        entry = tarfile.TarInfo("actor")
        entry.size, entry.mode = len(program), 0o755
        archive.addfile(entry, io.BytesIO(program))
    return raw.getvalue()


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _descriptor(media_type: str, content: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "digest": _digest(content), "size": len(content)}


def _push_blob(connection: http.client.HTTPConnection, blob: bytes) -> None:
    path = f"/v2/{_REPOSITORY}/blobs"
    if _call(connection, "HEAD", f"{path}/{_digest(blob)}", b"", {}, {200, 404}).status == 200:
        return
    upload = _call(connection, "POST", f"{path}/uploads/", b"", {}, {202}).headers["Location"]
    place = urllib.parse.urlsplit(upload)
    query = f"{place.query}&" if place.query else ""
    target = f"{place.path}?{query}digest={urllib.parse.quote(_digest(blob))}"
    _call(connection, "PUT", target, blob, {"Content-Type": "application/octet-stream"}, {201})


def _call(
    connection: http.client.HTTPConnection, method: str, path: str, body: bytes, headers: dict[str, str], good: set[int]
) -> http.client.HTTPResponse:
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    text = response.read()
    assert response.status in good, f"{method} {path}: {response.status} {text[:300]!r}"
    return response
