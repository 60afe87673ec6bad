"""Put the page together: one document with its style and its scripts in it, the same bytes for every model.

It has nothing of a model in it, so there is nothing to escape, and a gateway may let it through to people who have not
shown a key yet. The script asks for everything else, and writes it as text only.
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

_STYLE = "page.css"
_SCRIPTS = ("reading.js", "judging.js", "drawing.js", "asking.js", "explaining.js", "chatting.js", "page.js")
"""In the order in which they build on each other."""


@dataclass(frozen=True)
class Document:
    """The page: its bytes, the headers that it is sent with, and the tag by which browsers ask whether it changed."""

    body: bytes
    headers: Mapping[str, str]
    tag: str


@lru_cache(maxsize=1)
def document() -> Document:
    """Return the page, read once.

    Its policy lets these very scripts and this style run, and the page ask its own server; nothing else is loaded, and
    no text can become a script, be it put into the page by a mistake of ours.
    """
    style = _file(_STYLE)
    scripts = [_file(name) for name in _SCRIPTS]
    html = _file("page.html")
    html = html.replace("<!-- style -->", f"<style>{style}</style>")
    html = html.replace("<!-- scripts -->", "\n".join(f"<script>{script}</script>" for script in scripts))
    policy = (
        "default-src 'none'",
        f"style-src {_source(style)}",
        f"script-src {' '.join(map(_source, scripts))}",
        "connect-src 'self'",
        "img-src data:",  # the empty icon, so that no browser asks the host for one
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
    body = html.encode()
    # Weak: the same page may come compressed.
    tag = f'W/"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": "; ".join(policy),
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        # Asked for each time, answered with 304 while it is the same.
        "cache-control": "no-cache",
        "etag": tag,
        "vary": "accept-encoding",
    }
    return Document(body, headers, tag)


def unchanged(asked: str | None) -> bool:
    """Whether an If-None-Match names this page: `*`, or one of its tags, weak or not."""
    if asked is None:
        return False
    own = document().tag.removeprefix("W/")
    return any(tag.strip().removeprefix("W/") in ("*", own) for tag in asked.split(","))


def _file(name: str) -> str:
    return (resources.files(__package__) / name).read_text(encoding="utf-8")


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
