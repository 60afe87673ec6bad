"""What goes wrong, by what is done about it."""


class EdgeError(Exception):
    """The command must not run, or cannot go on; the message says what, what is allowed and what to do."""


class Refused(Exception):
    """A document is not taken; what serves goes on serving."""


class Away(Exception):
    """The link, the registry or the engine does not answer now. It is tried again, and nothing is concluded."""


class Bad(Exception):
    """A version was judged and is bad: it is not tried again until its entry changes."""
