"""Say what a project must require to get this very Slipway: where its installer says it came from (PEP 610)."""

import json
from dataclasses import dataclass
from importlib import metadata
from urllib.parse import unquote, urlsplit, urlunsplit

from slipway.installation import DISTRIBUTION


@dataclass(frozen=True)
class Requirement:
    """`text`: a requirement of PEP 508. `sources`: lines of pyproject.toml that it needs beside it, or empty."""

    text: str
    sources: str = ""


def own_requirement() -> Requirement:
    """The requirement of this installation."""
    installed = metadata.distribution(DISTRIBUTION)
    return requirement(installed.version, installed.read_text("direct_url.json"))


def requirement(version: str, direct_url: str | None) -> Requirement:
    """`direct_url`: the file direct_url.json of an installation that did not come from a package index."""
    if direct_url is None:
        return Requirement(f"{DISTRIBUTION}=={version}")
    origin = json.loads(direct_url)
    url = _without_credentials(origin["url"])
    if origin.get("dir_info", {}).get("editable"):
        path = json.dumps(unquote(urlsplit(url).path))
        sources = f"\n[tool.uv.sources]\n{DISTRIBUTION} = {{ path = {path}, editable = true }}\n"
        return Requirement(DISTRIBUTION, sources)
    if vcs := origin.get("vcs_info"):
        return Requirement(f"{DISTRIBUTION} @ {vcs['vcs']}+{url}@{vcs['commit_id']}")
    return Requirement(f"{DISTRIBUTION} @ {url}")


def _without_credentials(url: str) -> str:
    """Installers leave credentials out, but for variables; a file that is committed must not depend on that."""
    parts = urlsplit(url)
    user = parts.username if parts.scheme == "ssh" else None  # `git@`, which is no secret
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{user}@{host}" if user else host))
