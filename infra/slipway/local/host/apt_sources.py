"""Read apt's sources, in both of their formats, to find this machine's mirror of a Debian release."""

import shlex
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path("/etc/apt")
DEBIAN_MIRROR = "http://deb.debian.org/debian"
DEBIAN_SECURITY = "http://deb.debian.org/debian-security"
DEBIAN_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


@dataclass(frozen=True)
class Source:
    """One package archive and suite, as `deb [signed-by=KEYRING] URI SUITE COMPONENTS` would name it."""

    uri: str
    suite: str
    components: tuple[str, ...]
    signed_by: str = ""


def read(folder: Path = FOLDER) -> list[Source]:
    """Every binary package source of the machine, in the order in which apt reads its files."""
    files = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]
    sources = []
    for file in files:
        if not file.is_file():
            continue
        if file.suffix == ".list":
            sources += parse_list(file.read_text(errors="replace"))
        elif file.suffix == ".sources":
            sources += parse_deb822(file.read_text(errors="replace"))
    return sources


def parse_list(text: str) -> list[Source]:
    """The one-line format of sources.list(5): `deb [option=value ...] uri suite component...`."""
    sources = []
    for line in text.splitlines():
        words = line.split("#", 1)[0].replace("[", " [ ").replace("]", " ] ").split()
        if not words or words[0] != "deb":
            continue
        words = words[1:]
        options: dict[str, str] = {}
        if words[:1] == ["["] and "]" in words:
            end = words.index("]")
            options = dict(word.split("=", 1) for word in words[1:end] if "=" in word)
            words = words[end + 1 :]
        if len(words) >= 2:
            sources.append(Source(words[0], words[1], tuple(words[2:]), options.get("signed-by", "")))
    return sources


def parse_deb822(text: str) -> list[Source]:
    """The stanza format of sources.list(5), one source for every pair of URI and suite."""
    sources = []
    for stanza in _stanzas(text):
        if "deb" not in stanza.get("types", "").split() or stanza.get("enabled", "yes").lower() == "no":
            continue
        components = tuple(stanza.get("components", "").split())
        keyring = stanza.get("signed-by", "")
        signed_by = keyring if keyring.startswith("/") else ""
        for uri in stanza.get("uris", "").split():
            sources += [Source(uri, suite, components, signed_by) for suite in stanza.get("suites", "").split()]
    return sources


def for_debian(release: str, sources: list[Source]) -> list[Source]:
    """Where to take packages of a Debian release (`bookworm`) and its security updates from.

    The machine's own mirror if it names that release; else Debian's, which any machine with Debian's keyring
    can check. A suite's alias (`stable`) is not followed: it would mean another release one day.
    """
    suites = {release: DEBIAN_MIRROR, f"{release}-security": DEBIAN_SECURITY}
    chosen = []
    for suite, default in suites.items():
        own = next((source for source in sources if source.suite == suite and "main" in source.components), None)
        uri, keyring = (own.uri, own.signed_by) if own else (default, "")
        chosen.append(Source(uri, suite, ("main",), keyring or DEBIAN_KEYRING))
    return chosen


def render(sources: list[Source]) -> str:
    """The sources in the one-line format."""
    return "".join(
        f"deb [signed-by={source.signed_by}] {source.uri} {source.suite} {shlex.join(source.components)}\n"
        for source in sources
    )


def _stanzas(text: str) -> list[dict[str, str]]:
    """Fields by lower-case name; a line that begins with a blank goes on with the field before it."""
    stanzas: list[dict[str, str]] = [{}]
    field = ""
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        if not line.strip():
            stanzas.append({})
        elif line[0] in " \t":
            stanzas[-1][field] = f"{stanzas[-1].get(field, '')} {line.strip()}".strip()
        elif ":" in line:
            field, value = line.split(":", 1)
            field = field.strip().lower()
            stanzas[-1][field] = value.strip()
    return [stanza for stanza in stanzas if stanza]
