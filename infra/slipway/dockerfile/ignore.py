"""Tell which files of a build context a .dockerignore leaves out, as Docker reads it.

https://docs.docker.com/build/concepts/context/#dockerignore-files: patterns of Go's filepath.Match, `**` for any
folders, `!` takes one back, the last that matches decides; one that matches a folder matches all in it.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

LINES_MOST = 1000
_PART_MOST = 255


class BadPattern(ValueError):
    """A line that Docker would refuse; `str()` is the reason, as the end of a sentence. `line`: its number."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line


@dataclass(frozen=True)
class Ignored:
    """The patterns of a .dockerignore, each with whether it takes files back."""

    patterns: tuple[tuple[tuple[str, ...], bool], ...] = ()

    def __contains__(self, name: str) -> bool:
        """Whether a file is left out; `name`: its path below the context, with `/`."""
        parts = tuple(name.split("/"))
        left_out = False
        for pattern, back in self.patterns:
            if left_out is back and _matches(pattern, parts):
                left_out = not back
        return left_out

    @property
    def takes_back(self) -> bool:
        """Whether something in a folder that is left out may be taken back."""
        return any(back for _, back in self.patterns)


def parse_ignore(text: str) -> Ignored:
    """The patterns in the text of a .dockerignore; raises `BadPattern`."""
    patterns = []
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        written = line if number > 1 else line.lstrip("\ufeff")
        if written.startswith("#") or not written.strip():
            continue
        if number > LINES_MOST:
            raise BadPattern(number, f"has more than {LINES_MOST} lines")
        pattern, back = written.strip(), False
        if pattern.startswith("!"):
            pattern, back = pattern[1:].strip(), True
        parts = _cleaned(pattern)
        if not parts:
            if pattern in ("", "/", "."):
                if back and not pattern:
                    raise BadPattern(number, "has an exclamation mark alone")
                continue
            raise BadPattern(number, f"has {pattern!r}, which leads out of the context")
        for part in parts:
            _part(part, number)
        patterns.append((parts, back))
    return Ignored(tuple(patterns))


def _cleaned(pattern: str) -> tuple[str, ...]:
    """The parts of a pattern as Go's filepath.Clean leaves them; empty for one that leads out, or is the whole."""
    parts: list[str] = []
    for part in pattern.split("/"):
        if part in ("", "."):
            continue
        if part == "..":
            if not parts:
                return ()
            parts.pop()
        else:
            parts.append(part)
    return tuple(parts)


@lru_cache(maxsize=LINES_MOST)
def _part(part: str, number: int = 0) -> re.Pattern[str]:
    """One part of a pattern, without `/`, as a regular expression; raises `BadPattern`."""
    made, index = "", 0
    while index < len(part):
        sign = part[index]
        index += 1
        if sign == "*":
            made += "" if made.endswith("[^/]*") else "[^/]*"
        elif sign == "?":
            made += "[^/]"
        elif sign == "[":
            end = part.find("]", index + 1)
            inner = part[index:end] if end > 0 else ""
            if not inner or "\\" in inner:
                raise BadPattern(number, f"has {part!r}, whose brackets are not closed, or hold nothing or a backslash")
            negated = inner.startswith("^")
            inner = inner[1:] if negated else inner
            try:
                group = f"[{'^/' if negated else ''}{re.escape(inner).replace(chr(92) + '-', '-')}]"
                re.compile(group)
            except re.error:
                raise BadPattern(number, f"has {part!r}, whose brackets hold no characters") from None
            made, index = made + group, end + 1
        elif sign == "\\":
            if index == len(part):
                raise BadPattern(number, f"has {part!r}, which ends in a backslash")
            made, index = made + re.escape(part[index]), index + 1
        else:
            made += re.escape(sign)
    return re.compile(made, re.DOTALL)


def _matches(pattern: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    """Whether a pattern matches a path or a folder on its way.

    By what remains of both, from the back: it takes as many steps as pattern and path have parts, multiplied.
    """
    ends = [True] * (len(parts) + 1)  # an empty rest of the pattern matches at every place: what is in a folder, too
    for index in range(len(pattern) - 1, -1, -1):
        part = pattern[index]
        here = [False] * (len(parts) + 1)
        for at in range(len(parts), -1, -1):
            if part == "**" and index == len(pattern) - 1:
                here[at] = at < len(parts)  # what is in a folder, not the folder itself
            elif part == "**":
                here[at] = ends[at] or (at < len(parts) and here[at + 1])
            elif at < len(parts):
                here[at] = ends[at + 1] and _part(part).fullmatch(parts[at]) is not None
        ends = here
    return ends[0]
