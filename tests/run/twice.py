"""Run pytest; what failed is tried once more, alone and in fresh fixtures, and told apart from what passed at once.

    python -m tests.run.twice FOLDER NAME ARGUMENT...

The reports are FOLDER/NAME.xml and, of a second try, FOLDER/NAME-second.xml. More than a few failures are no bad luck:
then, or when pytest itself failed, there is no second try.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.run.reports import SECOND, failed_at_first

MOST = 3
"""Failures that are tried again; tests whose shared fixture failed are one."""
_TESTS_FAILED = 1


def main(folder: Path, name: str, arguments: Sequence[str]) -> int:
    """Return pytest's own exit status: of the second try where there was one."""
    # A cache of its own: another part's failures are none of this one's.
    pytest = [sys.executable, "-u", "-m", "pytest", *arguments, "-o", f"cache_dir={folder / name}-cache"]
    status = _run([*pytest, f"--junitxml={folder / name}.xml"])
    if status != _TESTS_FAILED:
        return status
    failures = failed_at_first(folder / f"{name}.xml")
    places = {one.name.partition("::")[0] if one.at_setup else one.name for one in failures}
    if len(places) > MOST:
        print(f"{len(failures)} tests failed in {len(places)} places: too many for a second try", flush=True)
        return status
    print(f"second try of what failed: {', '.join(one.name for one in failures)}", flush=True)
    return _run([*pytest, f"--junitxml={folder / name}{SECOND}.xml", "--last-failed", "--last-failed-no-failures=none"])


def _run(argv: Sequence[str]) -> int:
    process = subprocess.Popen(argv)
    try:
        return process.wait()
    except KeyboardInterrupt:
        # It has heard Ctrl-C as well, and takes its time to clear away.
        process.wait()
        raise


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:]))
