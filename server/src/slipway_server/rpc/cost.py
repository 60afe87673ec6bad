"""Say how much memory reading a message takes, by what it is made of, before it is read.

Two bytes of a message can stand for a text, a tensor or a parameter, each an object of a hundred bytes and more;
tensors as bytes (`raw_input_contents`) are only copied. Who wants to can send megabytes of the former.
"""

from collections.abc import Iterator

# Of bytes that are copied: into the message, and out of it.
_COPIES = 3
# Of packed numbers: one byte of a message may be eight in it and eight in an array, and lists double while they grow.
_NUMBERS = 32
# Four or eight bytes each, as they are.
_FLOATS = 6
# Of everything else: an empty message of two bytes takes a hundred.
_OBJECTS = 64
# Fields that are looked at; with more of them, all of the message is taken for objects.
_MOST_FIELDS = 4096
_AROUND_FIELD = 128
_RAW, _INPUTS, _CONTENTS = 7, 5, 5
_PACKED, _FLOATING = range(1, 6), range(6, 8)
_LONGEST_VARINT = 10


class _Unread(Exception):
    """It is no message, or has too many fields to look at."""


def read_cost(raw: bytes) -> int:
    """Return how many bytes of memory reading this ModelInferRequest takes at most."""
    try:
        return _Walk().of_request(memoryview(raw))
    except _Unread:
        return _OBJECTS * len(raw)


class _Walk:
    def __init__(self) -> None:
        self._left = _MOST_FIELDS

    def of_request(self, request: memoryview) -> int:
        cost = 0
        for number, value in self._fields(request):
            if number == _RAW:
                cost += _AROUND_FIELD + _COPIES * len(value)
            else:
                cost += self._of_input(value) if number == _INPUTS else _OBJECTS * len(value)
        return cost

    def _of_input(self, tensor: memoryview) -> int:
        cost = 2 * _AROUND_FIELD
        for number, value in self._fields(tensor):
            cost += self._of_contents(value) if number == _CONTENTS else _OBJECTS * len(value)
        return cost

    def _of_contents(self, contents: memoryview) -> int:
        cost = _AROUND_FIELD
        for number, value in self._fields(contents):
            cost += len(value) * (_NUMBERS if number in _PACKED else _FLOATS if number in _FLOATING else _OBJECTS)
        return cost

    def _fields(self, view: memoryview) -> Iterator[tuple[int, memoryview]]:
        """Yield the number of each field of a message, and its bytes: what is in it, or all of it where it is short."""
        at = 0
        while at < len(view):
            self._left -= 1
            if not self._left:
                raise _Unread
            start = at
            tag, at = _varint(view, at)
            match tag & 7:
                case 0:  # a number of any length
                    _, at = _varint(view, at)
                case 1:  # eight bytes
                    at += 8
                case 2:  # its length, and so many bytes
                    length, start = _varint(view, at)
                    at = start + length
                case 5:  # four bytes
                    at += 4
                case _:
                    raise _Unread
            if at > len(view):
                raise _Unread
            yield tag >> 3, view[start:at]


def _varint(view: memoryview, at: int) -> tuple[int, int]:
    """Return the number that begins there, seven bits a byte and the lowest first, and where it ends."""
    number = 0
    for place, byte in enumerate(view[at : at + _LONGEST_VARINT]):
        number |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return number, at + place + 1
    raise _Unread
