"""Parse what an address on the web is made of: host names, paths, origins of web pages."""

import re
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

from slipway.values.quantities import line_of_text, refusal

HOST_LIMIT = 253
_PATH_LIMIT = 200
_PART = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"{_PART}(?:\.{_PART})*")
_ADDRESS = re.compile(r"[0-9.]+")
_SEGMENT = r"[A-Za-z0-9](?:[A-Za-z0-9._~-]*[A-Za-z0-9])?"
_PATH = re.compile(rf"/|(?:/{_SEGMENT})+")
_ORIGIN = re.compile(rf"(?:http|https)://(?:\*\.)?{_PART}(?:\.{_PART})*(?::[1-9][0-9]{{0,4}})?")
_HTTPS = re.compile(rf"https://{_PART}(?:\.{_PART})*(?::[1-9][0-9]{{0,4}})?(?:/[A-Za-z0-9._~/-]*)?")

_HTTP = re.compile(rf"https?://{_PART}(?:\.{_PART})*(?::[1-9][0-9]{{0,4}})?(?:/{_SEGMENT})*")

_HOST_ALLOWED = "a host name in lower case, without scheme, port and wildcard"


def parse_host(value: object) -> str:
    """A host name as certificates and routes have it: `models.example.com`, `localhost`; no address, no wildcard."""
    text = line_of_text(HOST_LIMIT, "models.example.com")(value)
    if _ADDRESS.fullmatch(text):
        raise refusal("is an address, not a name", _HOST_ALLOWED, "write for example models.example.com")
    if not _HOST.fullmatch(text):
        bare = re.sub(r"^[a-z]+://|[:/].*$", "", text.strip().lower()).removeprefix("*.").rstrip(".")
        better = bare if _HOST.fullmatch(bare) and not _ADDRESS.fullmatch(bare) else "models.example.com"
        raise refusal("is not a host name", _HOST_ALLOWED, f"write for example {better}")
    return text


def parse_url_path(value: object) -> str:
    """An absolute path that every proxy reads the same: no empty or dotted parts, no escapes, no `/` at its end."""
    allowed = "an absolute path of letters, digits, '.', '_', '~' and '-', without '/' at its end; or / alone"
    text = line_of_text(_PATH_LIMIT, "/models/digits")(value)
    if not _PATH.fullmatch(text):
        better = "/" + "/".join(part for part in text.split("/") if re.fullmatch(_SEGMENT, part))
        raise refusal("is not a clean absolute path", allowed, f"write for example {better}")
    return text


def parse_origin(value: object) -> str:
    """The origin of web pages, as browsers send it: scheme, host and port; `*.` in front stands for any host below."""
    allowed = "https://HOST[:PORT] in lower case, without path; '*.' in front of the host for all hosts below it"
    text = line_of_text(HOST_LIMIT, "https://shop.example")(value)
    if not _ORIGIN.fullmatch(text):
        raise refusal("is not the origin of a web page", allowed, "write for example https://shop.example")
    return text


def parse_issuer(value: object) -> str:
    """The address that an OpenID provider puts into its tokens; only https, since keys are fetched from below it."""
    allowed = "https://HOST[:PORT][/PATH] as the provider's tokens have it in `iss`"
    text = line_of_text(HOST_LIMIT, "https://login.example.com")(value)
    if not _HTTPS.fullmatch(text):
        raise refusal(
            "is not the address of an OpenID provider", allowed, "write for example https://login.example.com"
        )
    return text


def parse_http_address(value: object) -> str:
    """The address of a service of the cluster, without credentials: `http://prometheus-operated.monitoring:9090`."""
    allowed = "http://HOST[:PORT][/PATH] or https://..., without credentials, question mark and '/' at its end"
    example = "write for example http://prometheus-operated.monitoring:9090"
    if isinstance(value, str) and ("@" in value or "?" in value):
        problem = "has credentials or parameters (what was written is not shown: it may be a secret)"
        raise refusal(problem, allowed, example, hidden=True)
    text = line_of_text(HOST_LIMIT, "http://prometheus-operated.monitoring:9090")(value)
    if not _HTTP.fullmatch(text):
        raise refusal("is not the address of a service", allowed, example)
    return text


def is_below(host: str, domain: str) -> bool:
    """Whether a host is a domain or in it."""
    return host == domain or host.endswith(f".{domain}")


def path_contains(path: str, other: str) -> bool:
    """Whether requests to `other` are requests below `path` too, part by part: `/a` contains `/a/b`, not `/ab`."""
    return path in ("/", other) or other.startswith(f"{path}/")


def _text(form: re.Pattern[str], limit: int) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "maxLength": limit, "pattern": f"^(?:{form.pattern})$"})


Host = Annotated[str, BeforeValidator(parse_host), _text(_HOST, HOST_LIMIT)]
"""A host name, written `models.example.com`."""

UrlPath = Annotated[str, BeforeValidator(parse_url_path), _text(_PATH, _PATH_LIMIT)]
"""A clean absolute path, written `/models/digits`."""

Origin = Annotated[str, BeforeValidator(parse_origin), _text(_ORIGIN, HOST_LIMIT)]
"""The origin of web pages, written `https://shop.example`."""

HttpAddress = Annotated[str, BeforeValidator(parse_http_address), _text(_HTTP, HOST_LIMIT)]
"""The address of a service, written `http://prometheus-operated.monitoring:9090`."""

Issuer = Annotated[str, BeforeValidator(parse_issuer), _text(_HTTPS, HOST_LIMIT)]
"""The address of an OpenID provider, written `https://login.example.com`."""
