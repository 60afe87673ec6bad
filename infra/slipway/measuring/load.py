"""Ask one HTTP server the same request over and over, over raw sockets, and keep what became of each.

A loop over epoll that does nothing else takes some microseconds for a request, where a client library takes hundreds:
on the machine that the server runs on as well, those would be taken from what is measured.
"""

import collections
import select
import socket
import time
from dataclasses import dataclass, field

import numpy as np

_PIECE = 1 << 16
_CONNECT_S = 5.0
CONNECTIONS_MOST = 512
"""Of an open loop; what finds none free waits, and its waiting counts."""
_LATE_S = 2.0
"""An open loop that is so far behind has shown that the rate is too high; it ends early."""


@dataclass(frozen=True, slots=True)
class Load:
    """What became of one piece of load.

    Attributes:
        asked: requests a second that were meant to be sent; None for a closed loop, which sends as answers come.
        answered: answers with status 200 a second.
        latencies_s: of those answers, from the moment when the request was due.
        lost: requests without such an answer.
        seconds: that it took.
        client_cores: CPU seconds a second that the asking took.
        early: whether it was ended early, since the server fell behind.
    """

    asked: float | None
    answered: float
    latencies_s: "np.ndarray[tuple[int], np.dtype[np.float64]]"
    lost: int
    seconds: float
    client_cores: float
    early: bool = False

    def percentile_ms(self, share: float) -> float:
        """The latency in milliseconds that this share (0..1) of the answers did not exceed; NaN without answers."""
        return float(np.quantile(self.latencies_s, share)) * 1000 if self.latencies_s.size else float("nan")

    @property
    def mean_ms(self) -> float:
        """The mean latency in milliseconds; NaN without answers."""
        return float(self.latencies_s.mean()) * 1000 if self.latencies_s.size else float("nan")


@dataclass
class _Connection:
    sock: socket.socket
    due: float = 0.0
    waiting: bool = False
    received: bytearray = field(default_factory=bytearray)


class _Pool:
    """Connections to one port on loopback, and what came back on them."""

    def __init__(self, port: int, request: bytes) -> None:
        self._port, self._request = port, request
        self._poll = select.epoll()
        self.all: dict[int, _Connection] = {}
        self.free: list[_Connection] = []
        self.latencies: list[float] = []
        self.lost = 0

    def connect(self) -> _Connection:
        sock = socket.create_connection(("127.0.0.1", self._port), _CONNECT_S)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = _Connection(sock)
        self.all[sock.fileno()] = connection
        self._poll.register(sock, select.EPOLLIN)
        return connection

    def send(self, connection: _Connection, due: float) -> None:
        connection.due, connection.waiting = due, True
        try:
            connection.sock.sendall(self._request)
        except OSError:
            self._drop(connection)

    def turn(self, until: float) -> list[_Connection]:
        """Wait for answers, until a moment at most; returns the connections that have got theirs and are still good."""
        done = []
        for number, _ in self._poll.poll(max(0.0, until - time.perf_counter())):
            connection = self.all.get(number)
            if connection is not None and self._read(connection):
                done.append(connection)
        return done

    def _read(self, connection: _Connection) -> bool:
        try:
            piece = connection.sock.recv(_PIECE)
        except OSError:
            piece = b""
        if not piece:
            self._drop(connection)
            return False
        connection.received += piece
        status = complete(connection.received)
        if status is None:
            return False
        connection.received.clear()
        connection.waiting = False
        if status == 200:
            self.latencies.append(time.perf_counter() - connection.due)
        else:
            self.lost += 1
        return True

    def _drop(self, connection: _Connection) -> None:
        """Forget a connection that the server closed; a request on it has no answer any more."""
        self.lost += connection.waiting
        del self.all[connection.sock.fileno()]
        connection.sock.close()

    def close(self) -> None:
        self._poll.close()
        for connection in self.all.values():
            connection.sock.close()


def http_request(port: int, path: str, body: bytes) -> bytes:
    """Return the bytes of a POST with a JSON body."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def complete(received: bytes | bytearray) -> int | None:
    """Return the status of an answer once all of it is there; None before. Without a length it ends at its head."""
    end = received.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = bytes(received[:end]).lower()
    _, _, rest = head.partition(b"content-length:")
    length = int(rest.split(b"\r\n", 1)[0] or 0) if rest else 0
    if len(received) < end + 4 + length:
        return None
    words = head.split(None, 2)
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0


def closed_loop(port: int, request: bytes, connections: int, seconds: float) -> Load:
    """Keep `connections` requests under way for `seconds`, each sent when the one before it was answered.

    Raises:
        OSError: no connection can be had.
    """
    pool = _Pool(port, request)
    try:
        until = time.perf_counter() + _CONNECT_S
        while len(pool.all) < connections and time.perf_counter() < until:
            pool.connect()
        cpu, begin = time.process_time(), time.perf_counter()
        end = begin + seconds
        for connection in list(pool.all.values()):
            pool.send(connection, time.perf_counter())
        while pool.all and (now := time.perf_counter()) < end:
            for connection in pool.turn(end):
                now = time.perf_counter()
                if now < end:
                    pool.send(connection, now)
        took = time.perf_counter() - begin
        cpu = time.process_time() - cpu
    finally:
        pool.close()
    return Load(None, len(pool.latencies) / took, np.array(pool.latencies), pool.lost, took, cpu / took)


def open_loop(port: int, request: bytes, rate: float, seconds: float, timeout_s: float, seed: int = 1) -> Load:
    """Send requests at `rate` a second for `seconds`, whether there are answers or not, at moments left to chance.

    Latencies count from the moment when a request was due, also where it had to wait for a connection: a server that
    stands still for a second is charged with all who came in that second. What has no answer `timeout_s` after the end
    is lost.

    Raises:
        OSError: no connection can be had.
    """
    gaps = np.random.default_rng(seed).exponential(1 / rate, int(rate * seconds * 1.5) + 10)
    moments = np.cumsum(gaps)
    moments = moments[moments < seconds]
    pool = _Pool(port, request)
    late: collections.deque[float] = collections.deque()
    early = False
    try:
        pool.free.append(pool.connect())
        cpu, begin = time.process_time(), time.perf_counter()
        end = begin + seconds
        index, total = 0, moments.size
        while True:
            now = time.perf_counter()
            while index < total and begin + moments[index] <= now:
                late.append(begin + float(moments[index]))
                index += 1
            while late and (pool.free or len(pool.all) < CONNECTIONS_MOST):
                # A server that accepts slowly makes who connects wait, too.
                if (now := time.perf_counter()) - late[0] > _LATE_S:
                    break
                connection = pool.free.pop() if pool.free else pool.connect()
                pool.send(connection, late.popleft())
            if late and now - late[0] > _LATE_S:
                early = True
                break
            if index == total and not late and not any(one.waiting for one in pool.all.values()):
                break
            if now > end + timeout_s:
                break
            pool.free += pool.turn(begin + float(moments[index]) if index < total else end + timeout_s)
        elapsed = time.perf_counter() - begin
        took = elapsed if early else max(seconds, elapsed)
        cpu = time.process_time() - cpu
    finally:
        pool.close()
    lost = pool.lost + len(late) + sum(one.waiting for one in pool.all.values())
    return Load(rate, len(pool.latencies) / took, np.array(pool.latencies), lost, took, cpu / took, early)
