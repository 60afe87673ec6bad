"""Show what an account says before money is spent."""

from collections import Counter

from slipway import console
from slipway.commands.context import EnvironmentContext
from slipway.doctor.finding import STATUSES, Finding


def show_findings(context: EnvironmentContext, *, as_json: bool) -> int:
    """Make all checks and print what they find, with what mends it.

    Returns the exit code: 1 when one is an error, and when nothing could be asked.
    """
    found: list[Finding] = []
    with console.Progress() as progress:
        for finding in context.running.diagnose():
            progress.report("account", f"asked about {finding.check}")
            found.append(finding)
    counts = Counter(finding.status for finding in found)
    if as_json:
        document = {"environment": context.name, "findings": [finding.to_json() for finding in found]}
        console.document(document | {"counts": {status: counts[status] for status in STATUSES}})
    else:
        columns = ("CHECK", "", "FOUND")
        console.table(columns, [[finding.check, finding.status, finding.what] for finding in found])
        for finding in found:
            if finding.status != "ok" and finding.mend:
                console.result(f"{finding.check}: {finding.what}; next: {finding.mend}")
        console.result(", ".join(f"{counts[status]} {status}" for status in STATUSES))
    return 1 if counts["error"] or counts["unknown"] == len(found) else 0
