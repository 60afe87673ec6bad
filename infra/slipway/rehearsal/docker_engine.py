"""A stand-in for the Docker Engine and the data plane of ECR: the few calls that Slipway makes, and no images.

Nothing is built and no layer is sent. The weights of a build's context are kept by the digest that a push gave the
image, for the server that answers for its pods. A push puts a manifest into moto's ECR, whose digest follows from the
build's context, so that tags, digests, immutability and repositories that do not exist are ECR's as moto knows it.
Images of other registries cannot be reached from a rehearsal; each is said to exist, under a digest made from its name.
"""

import argparse
import asyncio
import hashlib
import json
import re
import signal
import tarfile
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import IO, Any

import boto3
from aiohttp import web
from botocore.exceptions import ClientError

NOTICE = "the rehearsal's stand-in for Docker: no image is built"
_ECR = re.compile(r"(?P<account>[0-9]{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/(?P<repository>[^:@]+)")
_MEDIA_TYPE = "application/vnd.oci.image.manifest.v1+json"
WEIGHTS = "model/"
"""Folder of the weights in a build's context, and in the image."""
_VERSION = {"Version": "rehearsal", "ApiVersion": "1.47", "MinAPIVersion": "1.24", "Os": "linux", "Arch": "amd64"}


class Engine:
    """The images that were built, by reference, the way to moto, and the folder of weights."""

    def __init__(self, moto: str, images: Path) -> None:
        self._moto = moto
        self._images = images
        self._built: dict[str, str] = {}
        self._architectures: dict[str, str] = {}

    def application(self) -> web.Application:
        """The HTTP API."""
        application = web.Application()
        version = r"/v{version:[0-9.]+}"
        for prefix in ("", version):
            application.router.add_route("*", f"{prefix}/_ping", _said({}))
            application.router.add_get(f"{prefix}/version", _said(_VERSION))
            application.router.add_get(f"{prefix}/distribution/{{name:.+}}/json", self._inspect)
            application.router.add_post(f"{prefix}/build", self._build)
            application.router.add_post(f"{prefix}/images/{{name:.+}}/push", self._push)
        return application

    async def _inspect(self, request: web.Request) -> web.Response:
        """`docker manifest inspect`: the digest that a registry has for a reference."""
        reference = request.match_info["name"]
        digest = await asyncio.to_thread(self._digest, reference)
        if digest is None:
            return web.json_response({"message": f"manifest unknown: {reference}"}, status=404)
        descriptor = {"mediaType": _MEDIA_TYPE, "digest": digest, "size": 0}
        # Of images of others, which it did not build, nothing is known.
        built = self._architectures.get(reference)
        platforms = [] if built is None else [{"architecture": built, "os": "linux"}]
        return web.json_response({"Descriptor": descriptor, "Platforms": platforms})

    def _digest(self, reference: str) -> str | None:
        found = _ECR.match(reference)
        if not found:
            return "sha256:" + hashlib.sha256(reference.encode()).hexdigest()
        _, _, tag = reference.rpartition(":")
        try:
            images = self._ecr(found["region"]).describe_images(
                repositoryName=found["repository"], imageIds=[{"imageTag": tag}]
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in ("ImageNotFoundException", "RepositoryNotFoundException"):
                return None
            raise
        return str(images["imageDetails"][0]["imageDigest"])

    async def _build(self, request: web.Request) -> web.StreamResponse:
        """`docker build`: the context's digest and its weights are all that is kept of it."""
        context = hashlib.sha256()
        with tempfile.TemporaryFile() as spool:
            async for chunk in request.content.iter_chunked(1 << 20):
                context.update(chunk)
                spool.write(chunk)
            spool.seek(0)
            await asyncio.to_thread(_keep_weights, spool, self._images / context.hexdigest())
        self._built[request.query["t"]] = context.hexdigest()
        # Without a platform an Engine builds for its own machine.
        self._architectures[request.query["t"]] = request.query.get("platform", "linux/amd64").rpartition("/")[2]
        return await _lines(request, {"stream": f"{NOTICE}\n"})

    async def _push(self, request: web.Request) -> web.StreamResponse:
        """`docker push`, as ECR would answer it."""
        repository, tag = request.match_info["name"], request.query["tag"]
        context = self._built.get(f"{repository}:{tag}")
        if context is None:
            return await _lines(request, {"error": f"An image does not exist locally with the tag: {repository}:{tag}"})
        found = _ECR.fullmatch(repository)
        if not found:
            return await _lines(
                request, {"error": f"{repository} is no repository of ECR, the only registry that is rehearsed"}
            )
        try:
            digest = await asyncio.to_thread(self._put, found["region"], found["repository"], tag, context)
        except ClientError as error:
            return await _lines(
                request, {"error": f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"}
            )
        return await _lines(request, {"status": NOTICE}, {"aux": {"Tag": tag, "Digest": digest, "Size": 0}})

    def _put(self, region: str, repository: str, tag: str, context: str) -> str:
        manifest = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": _MEDIA_TYPE,
                "config": {"digest": f"sha256:{context}", "size": 0},
                "layers": [{"digest": f"sha256:{context}", "size": 0}],
            }
        )
        ecr = self._ecr(region)
        ecr.describe_repositories(repositoryNames=[repository])  # moto fails without words where there is none
        put = ecr.put_image(repositoryName=repository, imageManifest=manifest, imageTag=tag)
        digest = str(put["image"]["imageId"]["imageDigest"])
        image = self._images / digest.replace(":", "-")
        image.unlink(missing_ok=True)
        image.symlink_to(self._images / context)
        return digest

    def _ecr(self, region: str) -> Any:
        session = boto3.Session(aws_access_key_id="rehearsal", aws_secret_access_key="rehearsal", region_name=region)
        return session.client("ecr", endpoint_url=self._moto)


def _keep_weights(context: IO[bytes], folder: Path) -> None:
    """Unpack the folder of weights of a build's context, where it has one."""
    with tarfile.open(fileobj=context, mode="r|*") as tar:
        for member in tar:
            if member.isfile() and member.name.startswith(WEIGHTS):
                tar.extract(member, folder, filter="data")


def _said(value: object) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handler(_request: web.Request) -> web.Response:
        return web.json_response(value, headers={"API-Version": _VERSION["ApiVersion"]})

    return handler


async def _lines(request: web.Request, *values: object) -> web.StreamResponse:
    """Answer as Docker does while it works: JSON values in chunks. Its clients take anything else for a failure."""
    answer = web.StreamResponse(headers={"Content-Type": "application/json"})
    answer.enable_chunked_encoding()
    await answer.prepare(request)
    for value in values:
        await answer.write(json.dumps(value).encode() + b"\r\n")
    await answer.write_eof()
    return answer


async def _serve(moto: str, images: Path) -> None:
    runner = web.AppRunner(Engine(moto, images).application())
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    print(json.dumps({"port": runner.addresses[0][1]}), flush=True)
    await stop.wait()
    await runner.cleanup()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m slipway.rehearsal.docker_engine", description=__doc__)
    parser.add_argument("--moto", required=True, help="address of moto's server")
    parser.add_argument("--images", type=Path, required=True, help="folder for the weights of what is built")
    arguments = parser.parse_args()
    asyncio.run(_serve(arguments.moto, arguments.images))


if __name__ == "__main__":
    main()
