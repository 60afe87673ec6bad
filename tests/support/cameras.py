"""A camera of this machine: an RTSP server that sends MJPEG over its one TCP connection, and asks for a password."""

import base64
import contextlib
import fractions
import socket
import socketserver
import threading
import time
from collections.abc import Iterator

import av
import numpy as np

USER, PASSWORD = "press", "of/this@test"
SIZE = 64
_SDP = """v=0
o=- 0 0 IN IP4 127.0.0.1
s=camera
c=IN IP4 127.0.0.1
t=0 0
m=video 0 RTP/AVP 26
a=control:video
"""


class CameraServer(socketserver.ThreadingTCPServer):
    """Sends grey frames, each a little lighter than the one before, `rate` a second; `stop` cuts all connections.

    `greys`: 0 to 255, of one frame after the other; the last one stays.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, rate: float, greys: range, port: int = 0) -> None:
        self.rate = rate
        self.greys = greys
        self.over = threading.Event()
        super().__init__(("127.0.0.1", port), _Connection)
        self.port: int = self.server_address[1]
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"rtsp://127.0.0.1:{self.port}/stream"

    def stop(self) -> None:
        self.over.set()
        self.shutdown()
        self.server_close()


class _Connection(socketserver.StreamRequestHandler):
    """RFC 2326, as much of it as one client needs: OPTIONS, DESCRIBE, SETUP interleaved, PLAY."""

    server: CameraServer

    def handle(self) -> None:
        while (line := self.rfile.readline().decode().strip()) and not self.server.over.is_set():
            method = line.split()[0]
            headers = dict(self._headers())
            wanted = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
            if headers.get("authorization") != f"Basic {wanted}":
                self._answer(headers, "401 Unauthorized", 'WWW-Authenticate: Basic realm="camera"')
            elif method == "DESCRIBE":
                self._answer(headers, "200 OK", "Content-Type: application/sdp", body=_SDP.replace("\n", "\r\n"))
            elif method == "SETUP":
                self._answer(headers, "200 OK", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1", "Session: 1")
            elif method == "PLAY":
                self._answer(headers, "200 OK", "Session: 1")
                with contextlib.suppress(OSError):
                    self._play()
                return
            else:
                self._answer(headers, "200 OK", "Public: OPTIONS, DESCRIBE, SETUP, PLAY")

    def _headers(self) -> Iterator[tuple[str, str]]:
        while line := self.rfile.readline().decode().strip():
            name, _, value = line.partition(":")
            yield name.lower(), value.strip()

    def _answer(self, asked: dict[str, str], status: str, *headers: str, body: str = "") -> None:
        lines = [f"RTSP/1.0 {status}", f"CSeq: {asked['cseq']}", *headers, f"Content-Length: {len(body)}", "", body]
        self.wfile.write("\r\n".join(lines).encode())

    def _play(self) -> None:
        """FFmpeg's own packets of RTP, as UDP on loopback, each put into the connection."""
        with socket.socket(type=socket.SOCK_DGRAM) as packets:
            packets.bind(("127.0.0.1", 0))
            packets.settimeout(5)
            port = packets.getsockname()[1]
            clock = fractions.Fraction(1, 90_000)
            with av.open(f"rtp://127.0.0.1:{port}?pkt_size=1400", "w", format="rtp") as made:
                stream = made.add_stream("mjpeg", rate=25, options={"huffman": "default"})
                stream.width = stream.height = SIZE
                stream.pix_fmt = "yuvj420p"
                # Packets of RTP have no restart markers, which several threads would write.
                stream.codec_context.thread_count = 1
                stream.codec_context.time_base = clock
                began = time.monotonic()
                for index in range(100_000):
                    if self.server.over.is_set():
                        return
                    grey = self.server.greys[min(index, len(self.server.greys) - 1)]
                    picture = np.full((SIZE, SIZE, 3), grey, np.uint8)
                    frame = av.VideoFrame.from_ndarray(picture, "rgb24").reformat(format="yuvj420p")
                    frame.pts = round((time.monotonic() - began) * 90_000)
                    frame.time_base = clock
                    for packet in stream.encode(frame):
                        made.mux(packet)
                        self._forward(packets)
                    time.sleep(1 / self.server.rate)

    def _forward(self, packets: socket.socket) -> None:
        """All packets of one frame: the last of them says so in its header."""
        while True:
            data = packets.recv(65_536)
            if 200 <= data[1] <= 204:
                continue  # RTCP
            self.wfile.write(b"$\0" + len(data).to_bytes(2, "big") + data)
            if data[1] & 0x80:
                return
