"""Read whom the request under way is about, where its caller says so."""

MOST_BYTES = 256


def subject_of(said: bytes | None) -> str | None:
    """Return the subject, or None where none was said; ValueError for what is no name of one."""
    if said is None:
        return None
    text = said.decode("utf-8").strip()
    if not text or len(said) > MOST_BYTES or not text.isprintable():
        raise ValueError("no subject")
    return text
