"""Write the page: Jinja2 escapes every text in it, and a policy lets nothing run or load that is not in it."""

import base64
import hashlib
from collections.abc import Sequence
from functools import lru_cache

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from slipway.dashboard.view import sections
from slipway.installation import templates
from slipway.values.aliases import Json

REFRESH_S = 5
"""Seconds from one answer to the next question of a page that is open."""


def page(overview: Sequence[Json], *, live: bool) -> str:
    """The page; `live`: its script asks the server that it came from for a newer one, every `REFRESH_S` seconds."""
    shown = sections(overview)
    script = _part("dashboard.js") if live else ""
    title = f"Slipway: {', '.join(section.name for section in shown)}"
    return _templates().get_template("dashboard.html.j2").render(
        title=title, sections=shown, style=_part("dashboard.css"), script=script, policy=policy(live=live), live=live,
        refresh_s=REFRESH_S,
    )  # fmt: skip


def policy(*, live: bool) -> str:
    """The page's Content-Security-Policy: its own style and script by digest, its own server, and nothing else."""
    parts = ["default-src 'none'", f"style-src {_digest(_part('dashboard.css'))}"]
    if live:
        parts += [f"script-src {_digest(_part('dashboard.js'))}", "connect-src 'self'"]
        parts += ["require-trusted-types-for 'script'", "trusted-types 'none'"]
    return "; ".join([*parts, "base-uri 'none'", "form-action 'none'"])


@lru_cache(maxsize=1)
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(templates() / "dashboard"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )


@lru_cache(maxsize=2)
def _part(name: str) -> str:
    """A style or script of our own, which is placed as it is."""
    return (templates() / "dashboard" / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
