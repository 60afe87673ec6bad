"""What a document says of a model's feed: where its inputs come from, and where its answers go.

The settings refuse the same and say more about it; a device checks again, since a signature says who, not what.
Passwords and tokens are never in a document: it names files of the device's own folder of secrets.
"""

import re
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_VIDEO = re.compile(r"/dev/video[0-9]{1,3}")


class FeedSection(BaseModel):
    """A part of a feed: frozen, and without keys that this agent does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _folder(text: str) -> str:
    if not text.startswith("/") or any(part in ("", ".", "..") for part in text[1:].split("/")):
        raise ValueError("an absolute path without .., . and //")
    return text


def _address(*, of: dict[str, str]) -> AfterValidator:
    """A URL whose scheme is a key of `of`; the value is its encrypted one, which all but loopback needs."""

    def checked(text: str) -> str:
        parts = urlsplit(text)
        if parts.scheme not in of or not parts.hostname or parts.username is not None or parts.fragment:
            raise ValueError(f"a URL of {', '.join(of)}, without a password in it")
        if parts.port == 0:
            raise ValueError("a port from 1 to 65535")
        if parts.scheme != of[parts.scheme] and parts.hostname not in _LOOPBACK:
            raise ValueError(f"{of[parts.scheme]}:// for another machine")
        return text

    return AfterValidator(checked)


def _camera(text: str) -> str:
    parts = urlsplit(text)
    if _VIDEO.fullmatch(text) or (
        parts.scheme in ("rtsp", "rtsps") and parts.hostname and parts.username is None and parts.port != 0
    ):
        return text
    raise ValueError("rtsp://, rtsps:// without a password in it, or /dev/videoN")


def _published(text: str) -> str:
    if "+" in text or "#" in text:
        raise ValueError("a topic without + and #")
    return text


def _filter(text: str) -> str:
    levels = text.split("/")
    for index, level in enumerate(levels):
        if ("+" in level and level != "+") or ("#" in level and (level != "#" or index != len(levels) - 1)):
            raise ValueError("+ for one whole level, # for the last one")
    return text


Folder = Annotated[str, Field(max_length=500), AfterValidator(_folder)]
SecretFile = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]
"""The name of a file in the folder of secrets."""
Broker = Annotated[str, Field(max_length=253), _address(of={"mqtt": "mqtts", "mqtts": "mqtts"})]
Http = Annotated[str, Field(max_length=500), _address(of={"http": "https", "https": "https"})]
Camera = Annotated[str, Field(max_length=500), AfterValidator(_camera)]
_TOPIC = r"^[^\x00-\x1f\x7f]{1,500}$"
Topic = Annotated[str, Field(pattern=_TOPIC), AfterValidator(_published)]
TopicFilter = Annotated[str, Field(pattern=_TOPIC), AfterValidator(_filter)]
User = Annotated[str, Field(pattern=r"^[!-~]{1,128}$")]
Kept = Annotated[int, Field(ge=1, le=100_000)]


class FolderSource(FeedSection):
    """New files of a folder; answered ones go into its `done`, where the newest `keep` stay."""

    path: Folder
    keep: Kept


class FromBroker(FeedSection):
    """Messages of a topic; `password`, `authority`: files of secrets."""

    url: Broker
    topic: TopicFilter
    username: User | None = None
    password: SecretFile | None = None
    authority: SecretFile | None = None


class CameraSource(FeedSection):
    """Frames as JPEG, `rate` a second at most."""

    url: Camera
    rate: Annotated[float, Field(gt=0, le=60, allow_inf_nan=False)]
    username: User | None = None
    password: SecretFile | None = None


class Source(FeedSection):
    """Where inputs come from: one of these."""

    folder: FolderSource | None = None
    mqtt: FromBroker | None = None
    camera: CameraSource | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        _must_be_one(self.folder, self.mqtt, self.camera)
        return self


class FolderSink(FeedSection):
    """A file for each answer; the newest `keep` stay."""

    path: Folder
    keep: Kept


class HttpSink(FeedSection):
    """A POST for each answer; `token`: a file of secrets, sent as bearer."""

    url: Http
    token: SecretFile | None = None
    authority: SecretFile | None = None


class ToBroker(FeedSection):
    """A message of QoS 1 for each answer."""

    url: Broker
    topic: Topic
    username: User | None = None
    password: SecretFile | None = None
    authority: SecretFile | None = None


class Sink(FeedSection):
    """Where answers go: one of these. `waiting`: bytes of answers that wait on the disk at most."""

    folder: FolderSink | None = None
    http: HttpSink | None = None
    mqtt: ToBroker | None = None
    waiting: Annotated[int, Field(ge=2**20, le=2**50)]

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        _must_be_one(self.folder, self.http, self.mqtt)
        return self


def _must_be_one(*kinds: object) -> None:
    if sum(kind is not None for kind in kinds) != 1:
        raise ValueError("exactly one kind")
