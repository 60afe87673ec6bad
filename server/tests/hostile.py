"""Be many hostile clients at once: each from an address of its own, in its own way, and again when it is closed."""

import asyncio
import contextlib
import io
import itertools
import random
import threading
from collections.abc import Awaitable, Callable
from types import TracebackType

from PIL import Image

POST = b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
Attack = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def png(side: int) -> bytes:
    """A picture of one colour: some hundred kB for fifty million pixels."""
    buffer = io.BytesIO()
    Image.new("RGBA", (side, side)).save(buffer, "PNG")
    return buffer.getvalue()


def form(picture: bytes) -> tuple[bytes, str]:
    """A form with a picture, and its Content-Type."""
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    return head + picture + b"\r\n--b--\r\n", "multipart/form-data; boundary=b"


def duplicate_keys(size: int) -> bytes:
    """An object of `size` bytes whose very last key is there twice, and no other."""
    count = size // 10
    return b"{" + b"".join(b'"%x":1,' % n for n in range(count)) + b'"%x":2}' % (count - 1)


def nested(size: int) -> bytes:
    """Lists of lists of lists, of `size` bytes."""
    return b"[" + (b"[" * 500 + b"]" * 500 + b",") * (size // 1001) + b"0]"


def request(body: bytes, content_type: str = "application/json") -> bytes:
    """A whole request to /predict."""
    head = f"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _says(*pieces: bytes, again: bytes = b"") -> Attack:
    """Send pieces, then `again` once a second, and read whatever comes."""

    async def attack(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        answers = asyncio.ensure_future(reader.read(-1))
        try:
            while not answers.done():
                await asyncio.wait([answers], timeout=1)
                writer.write(again)
        finally:
            answers.cancel()

    return attack


async def _never_reads(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    while True:
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
        await writer.drain()
        await asyncio.sleep(0.5)


def attacks() -> list[Attack]:
    """One of each kind."""
    chunked = POST + b"Transfer-Encoding: chunked\r\n\r\n"
    announced = POST + b"Content-Length: 2000000\r\n\r\n"
    upgrade = b"Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 90\r\n\r\n"
    return [
        _says(),
        _says(b"GET / HTTP/1.1\r\nX: " + b"a" * 60_000, again=b"a"),
        _says(b"GET / HTTP/1.1\r\n" + b"a:b\r\n" * 95, again=b"a"),
        _says(chunked, b"0\r\n" + b"a:b\r\n" * 12_000, again=b"a:b\r\n" * 1000),
        _says(chunked, b"1\r\n1\r\n", again=b"1;" + b"x" * 1000 + b"\r\n1\r\n"),
        _says(announced, b" " * 1_999_000, again=b" "),
        _says(announced, b" " * 60_000, again=b" "),
        _says(POST + b"Content-Length: 9\r\n\r\n[", again=b" "),
        _says(request(duplicate_keys(200_000))),
        _says(request(nested(1_000_000))),
        _says(request(*form(png(7000)))),
        _says(request(*form(png(1000)))),
        _says(POST + upgrade + b"GET /v2 HTTP/1.1\r\nHost: x\r\n\r\n"),
        _says(b"\x00\xff" * 1000),
        _never_reads,
    ]


class Crowd(threading.Thread):
    """So many hostile clients of 127.1.0.0/16, in a thread of their own, from the start of a block to its end."""

    def __init__(self, port: int, size: int) -> None:
        super().__init__(daemon=True)
        self._port = port
        self._size = size
        self._loop = asyncio.new_event_loop()
        self._all: asyncio.Task[None] | None = None
        self.connected = 0

    def __enter__(self) -> "Crowd":
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(lambda: self._all and self._all.cancel())
        self.join(30)

    def run(self) -> None:
        """Attack until cancelled."""
        with contextlib.suppress(asyncio.CancelledError), asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._attack())

    async def _attack(self) -> None:
        self._all = asyncio.current_task()
        kinds = itertools.cycle(attacks())
        async with asyncio.TaskGroup() as group:
            for number, kind in zip(range(self._size), kinds, strict=False):
                group.create_task(self._client(f"127.1.{number // 250}.{number % 250 + 1}", kind))

    async def _client(self, address: str, kind: Attack) -> None:
        await asyncio.sleep(random.uniform(0, 2))
        while True:
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port, local_addr=(address, 0))
                self.connected += 1
                try:
                    await kind(reader, writer)
                finally:
                    writer.transport.abort()
            await asyncio.sleep(random.uniform(1, 3))
