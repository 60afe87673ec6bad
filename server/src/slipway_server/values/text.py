"""Fit what other programs said into a message."""

_CUT = " [...] "


def shortened(text: str, limit: int) -> str:
    """Cut a text to `limit` characters in its middle: it begins with what it is about, and ends with why."""
    if len(text) <= limit:
        return text
    rest = limit - len(_CUT)
    return f"{text[: rest // 3]}{_CUT}{text[len(text) - (rest - rest // 3) :]}"
