"""A stand-in for `aws ssm start-session` with its plugin: refuses what those refuse, and forwards one port.

FAKE_TARGET is the instance that is connected to Session Manager, FAKE_LEADS_TO the port of this machine that the remote
host stands for, FAKE_ENDS_AFTER the connections after which AWS ends the session.
"""

import argparse
import json
import os
import shutil
import socket
import sys
import threading

DOCUMENT = "AWS-StartPortForwardingSessionToRemoteHost"
_CALL = "when calling the StartSession operation"


def main() -> int:
    parser = argparse.ArgumentParser(prog="aws")
    commands = parser.add_subparsers(required=True).add_parser("ssm").add_subparsers(required=True)
    start = commands.add_parser("start-session")
    for name in ("--region", "--target", "--document-name", "--parameters"):
        start.add_argument(name, required=True)
    given = parser.parse_args()
    if shutil.which("session-manager-plugin") is None:
        return refuse(255, "SessionManagerPlugin is not found. Please refer to SessionManager Documentation")
    parameters = json.loads(given.parameters)
    if not all(isinstance(value, list) and all(isinstance(one, str) for one in value) for value in parameters.values()):
        return refuse(252, "Parameter validation failed: Invalid type for parameter Parameters, valid types: list, str")
    if given.document_name != DOCUMENT:
        return refuse(
            254, f"An error occurred (AccessDeniedException) {_CALL}: not authorized on {given.document_name}"
        )
    if set(parameters) != {"host", "portNumber", "localPortNumber"}:
        return refuse(254, f"An error occurred (InvalidParameters) {_CALL}: {sorted(parameters)}")
    if given.target != os.environ["FAKE_TARGET"]:
        return refuse(254, f"An error occurred (TargetNotConnected) {_CALL}: {given.target} is not connected.")
    forward(int(parameters["localPortNumber"][0]))
    return 0


def refuse(code: int, message: str) -> int:
    print(message, file=sys.stderr)
    return code


def forward(port: int) -> None:
    with socket.create_server(("127.0.0.1", port)) as server:
        print("\nStarting session with SessionId: me-0123456789abcdef0", flush=True)
        print(f"Port {port} opened for sessionId me-0123456789abcdef0.", flush=True)
        print("Waiting for connections...", flush=True)
        for _ in range(int(os.environ["FAKE_ENDS_AFTER"])):
            one, _address = server.accept()
            print("\nConnection accepted for session [me-0123456789abcdef0]", flush=True)
            other = socket.create_connection(("127.0.0.1", int(os.environ["FAKE_LEADS_TO"])))
            ways = [threading.Thread(target=pass_on, args=ends) for ends in ((one, other), (other, one))]
            for way in ways:
                way.start()
            for way in ways:
                way.join()


def pass_on(source: socket.socket, target: socket.socket) -> None:
    while data := source.recv(65536):
        target.sendall(data)
    target.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    sys.exit(main())
