"""Ask a name server one question over UDP: the proof that the cluster's DNS answers."""

import secrets
import socket
import struct

_TIMEOUT_S = 0.3
_A, _IN, _RECURSION_DESIRED = 1, 1, 0x0100
_ANSWERED = 0x000F  # response code bits: 0 is "no error"


def resolves(server: str, name: str, address: str) -> bool:
    """Whether `server` (an IPv4 address, port 53) answers that `name` has `address`. OSError: no answer in 0.3 s."""
    number = secrets.randbelow(1 << 16)
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split("."))
    query = struct.pack(">6H", number, _RECURSION_DESIRED, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", _A, _IN)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        link.settimeout(_TIMEOUT_S)
        link.connect((server, 53))
        link.send(query)
        answer = link.recv(512)
    identifier, flags = struct.unpack(">2H", answer[:4])
    return identifier == number and not flags & _ANSWERED and answer.endswith(socket.inet_aton(address))
