"""Recognise secrets that somebody wrote in clear, by the name of a variable or by the form of its value."""

import re

_NAMES = re.compile(
    r"(?:^|_)(?:PASSWORD|PASSWD|PASSPHRASE|PWD|SECRET|TOKEN|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|SIGNING_?KEY|CREDENTIALS?)"
    r"(?:$|_(?!FILE$|PATH$|DIR$|NAME$|URL$|TTL$|LIMIT$|LENGTH$|TYPE$|COUNT$|ID$|MAX))",
    re.IGNORECASE,
)
"""Of variables that hold secrets. `TOKEN_FILE` and `TOKEN_LIMIT` say something about one."""
_HARMLESS = re.compile(r"|[0-9.]{1,9}|true|false|yes|no|on|off|none|null|/[\w./-]*", re.IGNORECASE)
"""Switches, numbers and paths, which are nobody's secret."""
_FORMS = (
    re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY"),
    re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    re.compile(r"\b(?:gh[pousr]_|github_pat_|glpat-|hf_|sk-|xox[abpr]-|dckr_pat_|npm_|AIza)[0-9A-Za-z_-]{16,}"),
    re.compile(r"\beyJ[0-9A-Za-z_-]{8,}\.eyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{8,}"),
    re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/\s:@]*:[^/\s@]+@"),
)
"""Private keys, keys of AWS, tokens by their makers' prefixes, JSON Web Tokens, addresses with a password."""


def is_secret(name: str, value: str) -> bool:
    """Whether a variable seems to hold a secret in clear. Who means it otherwise renames the variable."""
    if any(form.search(value) for form in _FORMS):
        return True
    return _NAMES.search(name) is not None and _HARMLESS.fullmatch(value) is None
