"""Define where a model's inputs come from on a device, and where its answers go. No secret is in it, only names."""

import re
from typing import Annotated, Any, Self
from urllib.parse import SplitResult, urlsplit

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from slipway.values.quantities import Bytes, format_bytes, line_of_text, refusal
from slipway.values.section import Section, amount, left_out, number

_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_SECRET_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_USER = re.compile(r"[!-~]{1,128}")
_VIDEO = re.compile(r"/dev/video[0-9]{1,3}")
_TOPIC_LIMIT = 500
_FOLDER_LIMIT = 500
_URL_LIMIT = 253


def _folder(value: object) -> str:
    text = line_of_text(_FOLDER_LIMIT, "/srv/slipway/digits")(value)
    allowed = "an absolute path on the device, without .. and //, below what its agent's --feeds allows"
    if not text.startswith("/"):
        raise refusal("is a relative path", allowed, f"write for example /srv/slipway/{text.lstrip('./') or 'digits'}")
    if any(part in ("", ".", "..") for part in text[1:].split("/")):
        raise refusal("is no plain path", allowed, "write for example /srv/slipway/digits")
    return text


def _secret_file(value: object) -> str:
    text = line_of_text(500, "broker.txt")(value)
    if not _SECRET_FILE.fullmatch(text):
        allowed = "the name of a file in the folder `secrets` of the device's agent; never the secret, never a path"
        raise refusal("is no name of a file", allowed, "write for example broker.txt", hidden=True)
    return text


def _user(value: object) -> str:
    text = line_of_text(128, "press-4")(value)
    if not _USER.fullmatch(text):
        raise refusal("is no user name", "1 to 128 characters of ASCII, without blanks", "write for example press-4")
    return text


def _split(text: str, allowed: str, example: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise refusal("has no port from 1 to 65535", allowed, f"write for example {example}") from None
    if port == 0:
        raise refusal("has port 0", allowed, f"write for example {example}")
    if parts.username is not None or parts.password is not None:
        todo = "write username, and password: the name of a file on the device"
        raise refusal("has a user or password in it", allowed, todo, hidden=True)
    return parts


def _url(plain: str, example: str) -> Any:
    """A URL of `plain` or, over TLS, of it with an `s`; without TLS it leads nowhere but to the device itself."""
    allowed = f"{plain}s://HOST[:PORT], or {plain}:// for a server on the device itself (127.0.0.1)"

    def checked(value: object) -> str:
        text = line_of_text(_URL_LIMIT, example)(value)
        parts = _split(text, allowed, example)
        if parts.scheme not in (plain, f"{plain}s") or not parts.hostname or parts.fragment:
            raise refusal("is no such address", allowed, f"write for example {example}")
        if plain == "mqtt" and (parts.path or parts.query):
            raise refusal("has a path", allowed, "leave the path out; the topic has a field of its own")
        if parts.scheme == plain and parts.hostname not in _LOOPBACK:
            todo = f"write {plain}s://{text.partition('://')[2]}"
            raise refusal("would carry answers and passwords in clear to another machine", allowed, todo)
        return text

    return BeforeValidator(checked), WithJsonSchema({"type": "string", "maxLength": _URL_LIMIT})


def _camera(value: object) -> str:
    allowed = "rtsp://HOST[:PORT]/PATH, rtsps://, or a device such as /dev/video0"
    text = line_of_text(_URL_LIMIT, "rtsp://camera-4/stream")(value)
    if _VIDEO.fullmatch(text):
        return text
    parts = _split(text, allowed, "rtsp://camera-4/stream")
    if parts.scheme not in ("rtsp", "rtsps") or not parts.hostname:
        raise refusal("is no camera", allowed, "write for example rtsp://camera-4/stream")
    return text


def _topic(value: object) -> str:
    text = line_of_text(_TOPIC_LIMIT, "plant/answers")(value)
    if "+" in text or "#" in text:
        todo = "name one topic, for example plant/answers"
        raise refusal("has a wildcard, and messages are published to one topic", "a topic without + and #", todo)
    return text


def _topic_filter(value: object) -> str:
    text = line_of_text(_TOPIC_LIMIT, "plant/+/pictures")(value)
    levels = text.split("/")
    for index, level in enumerate(levels):
        if ("+" in level and level != "+") or ("#" in level and (level != "#" or index != len(levels) - 1)):
            allowed = "a topic; + stands for one whole level, # for all that follow, as the last one"
            raise refusal("has a wildcard within a level", allowed, "write for example plant/+/pictures")
    return text


def _text(limit: int) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "minLength": 1, "maxLength": limit})


DeviceFolder = Annotated[str, BeforeValidator(_folder), _text(_FOLDER_LIMIT)]
SecretFile = Annotated[str, BeforeValidator(_secret_file), _text(63)]
User = Annotated[str, BeforeValidator(_user), _text(128)]
Topic = Annotated[str, BeforeValidator(_topic), _text(_TOPIC_LIMIT)]
TopicFilter = Annotated[str, BeforeValidator(_topic_filter), _text(_TOPIC_LIMIT)]
Camera = Annotated[str, BeforeValidator(_camera), _text(_URL_LIMIT)]
Keep = Annotated[int, *number(1, 100_000)]
_NAMED = "the name of a file in the folder `secrets` of the device's agent."


class _WithUser(Section):
    username: User | None = Field(
        default=None, description="Who asks; nobody in particular when left out.", exclude_if=left_out
    )
    password: SecretFile | None = Field(
        default=None, description=f"Where the password is: {_NAMED}", examples=["broker.txt"], exclude_if=left_out
    )

    @model_validator(mode="after")
    def _password_has_a_user(self) -> Self:
        if self.password is not None and self.username is None:
            raise refusal("has no username beside it", "both or neither", "write username", ("password",))
        return self


class _AtBroker(_WithUser):
    url: Annotated[str, *_url("mqtt", "mqtts://broker.example.com:8883")] = Field(
        description="The broker, MQTT 3.1.1, over TLS unless it is on the device.",
        examples=["mqtts://broker.example.com:8883"],
    )
    authority: SecretFile | None = Field(
        default=None,
        description=f"Certificates that sign the broker's, PEM: {_NAMED} Those of the system when left out.",
        examples=["plant-ca.pem"],
        exclude_if=left_out,
    )


class FolderSource(Section):
    """New files of a folder: JSON, or pictures."""

    path: DeviceFolder = Field(
        description="The folder on the device, below what its agent's `--feeds` allows.", examples=["/srv/slipway/in"]
    )
    keep: Keep = Field(
        default=100,
        description="How many files stay in `done`, where answered ones go, and in `refused`.",
        examples=[100],
    )


class FromBroker(_AtBroker):
    """Messages of an MQTT broker."""

    topic: TopicFilter = Field(description="What to subscribe to, with QoS 1.", examples=["plant/+/pictures"])


class CameraSource(_WithUser):
    """Frames of a camera, as JPEG."""

    url: Camera = Field(
        description="`rtsp://`, `rtsps://`, or a device such as `/dev/video0`.", examples=["rtsp://camera-4/stream"]
    )
    rate: Annotated[float, *amount(60, "1", 0.001)] = Field(
        default=1.0, description="Frames a second at most; those that come between are skipped.", examples=[1]
    )


class ModelSource(Section):
    """Where a model's inputs come from: one of these."""

    folder: FolderSource | None = Field(
        default=None, description="New files of a folder.", examples=[{"path": "/srv/slipway/in"}], exclude_if=left_out
    )
    mqtt: FromBroker | None = Field(default=None, description="Messages of a topic.", exclude_if=left_out)
    camera: CameraSource | None = Field(default=None, description="Frames of a camera.", exclude_if=left_out)

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        _must_be_one({"folder": self.folder, "mqtt": self.mqtt, "camera": self.camera})
        return self


class FolderSink(Section):
    """A file of JSON for each answer."""

    path: DeviceFolder = Field(
        description="The folder on the device, below what its agent's `--feeds` allows.", examples=["/srv/slipway/out"]
    )
    keep: Keep = Field(
        default=1000, description="How many files stay if nobody fetches them, the newest.", examples=[1000]
    )


class HttpSink(Section):
    """A POST for each answer."""

    url: Annotated[str, *_url("http", "https://plant.example.com/answers")] = Field(
        description="Where to, over TLS unless it is on the device.", examples=["https://plant.example.com/answers"]
    )
    token: SecretFile | None = Field(
        default=None, description=f"Where the bearer token is: {_NAMED}", examples=["plant.txt"], exclude_if=left_out
    )
    authority: SecretFile | None = Field(
        default=None,
        description=f"Certificates that sign the server's, PEM: {_NAMED} Those of the system when left out.",
        examples=["plant-ca.pem"],
        exclude_if=left_out,
    )


class ToBroker(_AtBroker):
    """A message for each answer."""

    topic: Topic = Field(description="Where to publish, with QoS 1.", examples=["plant/answers"])


class ModelSink(Section):
    """Where a model's answers go: one of `folder`, `http` and `mqtt`."""

    folder: FolderSink | None = Field(
        default=None, description="Files in a folder.", examples=[{"path": "/srv/slipway/out"}], exclude_if=left_out
    )
    http: HttpSink | None = Field(default=None, description="POST to a URL.", exclude_if=left_out)
    mqtt: ToBroker | None = Field(default=None, description="Messages to a topic.", exclude_if=left_out)
    waiting: Bytes = Field(
        default=64 * 2**20,
        description="Answers that wait on the device's disk while there is no link; beyond that the oldest are "
        "dropped, and counted.",
        examples=["64Mi"],
        json_schema_extra={"default": format_bytes(64 * 2**20)},
    )

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        _must_be_one({"folder": self.folder, "http": self.http, "mqtt": self.mqtt})
        if self.waiting < 2**20:
            raise refusal("holds hardly an answer", "1Mi or more", "write for example 64Mi", ("waiting",))
        return self


def _must_be_one(kinds: dict[str, object]) -> None:
    there = [name for name, kind in kinds.items() if kind is not None]
    if len(there) != 1:
        problem = f"has {' and '.join(there)}" if there else f"has none of {', '.join(kinds)}"
        raise refusal(problem, f"exactly one of {', '.join(kinds)}", "remove the others" if there else "write one", ())
