"""Contains what a spec says about an image that brings its own server: which one, and how it is asked."""

import re
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from slipway.catalog.pod_contract import SERVER_PORT, SERVER_USER
from slipway.spec.custom.clear import is_secret
from slipway.spec.custom.environment import Arguments
from slipway.values.quantities import Truth, line_of_text, refusal, repository_path
from slipway.values.section import Section, number

PORT_LEAST, PORT_MOST = 1024, 65535
"""Below 1024 only root listens, and no pod of a model runs as root."""
USER_MOST = 2**31 - 1
_COMMAND_MOST = 64
_NAME = re.compile(
    r"(?P<host>[A-Za-z0-9.-]+(?::[0-9]{1,5})?)(?P<path>(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)+)"
    r"(?P<tag>:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?P<digest>@sha256:[0-9a-f]{64})?"
)
IMAGE_PATTERN = _NAME.pattern
SERVER_PATH = re.compile(r"/|(?:/[A-Za-z0-9_~:@-][A-Za-z0-9._~:@-]*)+")
_PATH_LIMIT = 200
_EXAMPLE = "registry.example.com/vision/reader@sha256:" + "9f86d081884c7d65" * 4


def image_by_digest(value: object) -> str:
    """An image by its digest, with its registry; raises `PydanticCustomError` for anything else."""
    allowed = "HOST[:PORT]/NAME[:TAG]@sha256:DIGEST"
    text = line_of_text(500, "registry.example.com/vision/reader@sha256:...")(value)
    found = _NAME.fullmatch(text)
    host = found["host"] if found else ""
    if not found or not (host == "localhost" or "." in host or ":" in host):
        todo = "write for example docker.io/library/python@sha256:..., with the registry's host"
        raise refusal("is not an image with its registry", allowed, todo)
    if found["digest"] is None:
        name = text if found["tag"] else f"{text}:TAG"
        problem = "names a tag only, which can move to another image without a new release"
        todo = f"write what `docker buildx imagetools inspect {name}` shows as Digest, behind an @"
        raise refusal(problem, allowed, todo)
    return text


def _path(value: object) -> str:
    text = line_of_text(_PATH_LIMIT, "/health")(value)
    if not SERVER_PATH.fullmatch(text):
        allowed = "an absolute path of letters, digits, '.', '_', '~', ':', '@' and '-', without query"
        raise refusal("is not a clean absolute path", allowed, "write for example /health")
    return text


def _folder(value: object) -> str:
    text = line_of_text(512, "models/reader")(value)
    if text.startswith(("/", "~")) or "://" in text or "\\" in text or ".." in text.split("/"):
        allowed = "the path of a folder in the repository, relative to its root"
        raise refusal("leads out of the repository", allowed, "write for example models/reader")
    return text.rstrip("/")


_as_path = (
    BeforeValidator(_path),
    WithJsonSchema({"type": "string", "maxLength": _PATH_LIMIT, "pattern": f"^(?:{SERVER_PATH.pattern})$"}),
)
_as_file = (BeforeValidator(repository_path), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 512}))
Path = Annotated[str, *_as_path]
"""A path that a server of its own answers at."""
Word = Annotated[
    str, BeforeValidator(line_of_text(1000, "server.py")), WithJsonSchema({"type": "string", "maxLength": 1000})
]

ImageByDigest = Annotated[
    str,
    BeforeValidator(image_by_digest),
    WithJsonSchema({"type": "string", "maxLength": 500, "pattern": f"^{IMAGE_PATTERN}$"}),
]
"""An image in any registry, by the digest of its bytes."""


class Build(Section):
    """An image that Slipway builds and pushes."""

    context: Annotated[
        str, BeforeValidator(_folder), WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 512})
    ] = Field(
        description="Folder that the image is built from, relative to the repository's root.",
        examples=["models/reader"],
    )
    dockerfile: Annotated[str, *_as_file] = Field(
        default="Dockerfile", description="Its Dockerfile, relative to the context.", examples=["Dockerfile"]
    )
    args: Arguments = Field(
        default_factory=dict,
        description="Build arguments (ARG). They can be read in the image: no secrets.",
        examples=[{"EXTRAS": "fast"}],
    )
    network: Truth = Field(
        default=False,
        description=(
            "Whether what the Dockerfile runs may use the network. What it fetches is not covered by the release: the "
            "same files may build another image on another day."
        ),
        examples=[True],
    )


class Custom(Section):
    """An image that brings its own server."""

    image: ImageByDigest | None = Field(
        default=None,
        description="The image by its digest, in any registry; it is copied into the environment's own.",
        examples=[_EXAMPLE],
    )
    build: Build | None = Field(
        default=None, description="Instead of an image: what it is built from.", examples=[{"context": "models/reader"}]
    )
    command: tuple[Word, ...] | None = Field(
        default=None,
        min_length=1,
        description="What the container runs, in place of the image's own ENTRYPOINT and CMD.",
        examples=[["python3", "/app/server.py"]],
        json_schema_extra={"maxItems": _COMMAND_MOST},
    )
    port: Annotated[int, *number(PORT_LEAST, PORT_MOST)] = Field(
        default=SERVER_PORT,
        description="Port that the server listens on, by HTTP; it is in $PORT, too.",
        examples=[9000],
    )
    ready: Path = Field(
        default="/health",
        description="Path that answers 2xx once the server can take requests. Nothing else tells that it is ready.",
        examples=["/v2/health/ready"],
    )
    live: Path | None = Field(
        default=None,
        description="Path that answers 2xx as long as it should not be restarted; that of `ready` when left out.",
        examples=["/v2/health/live"],
    )
    predict: Path = Field(
        default="/predict",
        description="Path that the golden request is posted to.",
        examples=["/v1/models/reader:predict"],
    )
    user: Annotated[int, *number(1, USER_MOST)] = Field(
        default=SERVER_USER,
        description="Number of the user and group that the server runs as; never root.",
        examples=[1000],
        exclude_if=lambda value: value == SERVER_USER,
    )

    @property
    def live_path(self) -> str:
        """Path of the liveness probe."""
        return self.live or self.ready

    @model_validator(mode="after")
    def _is_a_command_that_people_read(self) -> Self:
        if self.command is None:
            return self
        if len(self.command) > _COMMAND_MOST:
            problem = f"has {len(self.command)} words"
            raise refusal(problem, f"{_COMMAND_MOST} at most", "put them into a script of the image", ("command",))
        if any(is_secret("", word) for word in self.command):
            allowed = "commands without secrets: env gives them by reference"
            todo = "write env: {NAME: {secret: NAME, key: KEY}}, and let the program read it"
            raise refusal("seems to have a secret in clear (it is not shown)", allowed, todo, ("command",), hidden=True)
        return self

    @model_validator(mode="after")
    def _is_one_of_two(self) -> Self:
        if (self.image is None) == (self.build is None):
            problem = "has image and build" if self.image is not None else "says no image"
            todo = "write for example build: {context: models/reader}"
            raise refusal(problem, "exactly one of image, build", todo)
        return self
