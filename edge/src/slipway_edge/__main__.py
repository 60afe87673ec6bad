"""`slipway-edge enrol`, `run`, `rotate` and `role`; if it must not run, why, in one line, and exit code 1."""

import argparse
import sys
from pathlib import Path

from slipway_edge.cluster.role import role
from slipway_edge.disk.files import real_files
from slipway_edge.startup.enrolment import enrol
from slipway_edge.startup.keys import begin
from slipway_edge.startup.run import run
from slipway_edge.startup.stands import Stand, named, on_docker, on_kubernetes
from slipway_edge.values.errors import Away, EdgeError

_HOME = Path("/var/lib/slipway-edge")
_LISTEN = "127.0.0.1"
_DOCKER = "unix:///var/run/docker.sock"
_NAMESPACE = "slipway-edge"


def main(argv: list[str] | None = None) -> int:
    """Return the exit code: 0, or 1 when something must be changed first, which is said in one line."""
    asked = _parser().parse_args(argv)
    try:
        if asked.command == "enrol":
            token = _token(asked.token_file)
            told = enrol(asked.home, asked.control, asked.authority, asked.device, token, real_files())
            print(f"enrolled {told.pinned.device} in fleet {told.pinned.fleet}")  # noqa: T201
        elif asked.command == "rotate":
            begin(asked.home, real_files())
            print("a new key is made; the agent gives it to the control side with its next question")  # noqa: T201
        elif asked.command == "role":
            print(role(named(asked.namespace)), end="")  # noqa: T201
        else:
            run(asked.home, _stand(asked), asked.listen or _LISTEN, asked.feeds)
    except (EdgeError, Away, OSError) as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("slipway-edge", description="The agent of a device of a fleet.")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("enrol", help="make this device one of a fleet's; the one-time token is read from stdin")
    one.add_argument("--control", required=True, metavar="URL", help="of the control side, https://...")
    one.add_argument("--device", required=True, metavar="NAME", help="as the fleet's settings name it")
    one.add_argument("--token-file", type=Path, metavar="FILE", help="read the token from this file, not from stdin")
    one.add_argument("--authority", type=Path, metavar="FILE", help="certificates that sign the control side's; PEM")
    two = commands.add_parser("run", help="pull what is desired, run it, report; until SIGTERM")
    two.add_argument("--docker", metavar="URL", help=f"of the Docker Engine; {_DOCKER}")
    two.add_argument("--listen", metavar="ADDRESS", help=f"of loopback, for local ports; {_LISTEN}")
    where = "below which models' sources and sinks may have folders; without it, nowhere"
    two.add_argument("--feeds", type=Path, metavar="FOLDER", help=where)
    two.add_argument("--kubeconfig", type=Path, metavar="FILE", help="of a cluster, where models run then; mode 600")
    two.add_argument("--namespace", metavar="NAME", help=f"of that cluster; {_NAMESPACE}")
    three = commands.add_parser("rotate", help="make a new key for the device; the agent uses it")
    four = commands.add_parser("role", help="print what gives an agent its namespace and its rights in a cluster")
    four.add_argument("--namespace", default=_NAMESPACE, metavar="NAME", help=_NAMESPACE)
    for each in (one, two, three):
        each.add_argument("--home", type=Path, default=_HOME, metavar="FOLDER", help=f"of key and record; {_HOME}")
    return parser


def _stand(asked: argparse.Namespace) -> Stand:
    """Where models run; the options of the other way are refused, since they would mean nothing."""
    if asked.kubeconfig is None:
        if asked.namespace is not None:
            raise EdgeError("--namespace is of a cluster; next: give --kubeconfig too, or leave it out")
        return on_docker(asked.docker or _DOCKER, asked.listen or _LISTEN)
    if (asked.docker, asked.listen, asked.feeds) != (None, None, None):
        raise EdgeError("--docker, --listen and --feeds are of a Docker Engine; next: leave them out, or --kubeconfig")
    return on_kubernetes(asked.kubeconfig, asked.namespace or _NAMESPACE)


def _token(file: Path | None) -> str:
    # Never an argument: those are seen by everybody on the machine.
    return (file.read_text() if file is not None else sys.stdin.readline()).strip()


if __name__ == "__main__":
    sys.exit(main())
