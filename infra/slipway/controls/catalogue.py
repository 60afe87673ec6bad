"""List the controls: what each asks for, and which articles and criteria ask for it.

The mapping helps whoever writes an assessment to find evidence. It is no legal advice, and complying with all of it is
no compliance with a law: most of what these ask for is done by people.

Sources: Regulation (EU) 2016/679 (GDPR); California Civil Code, sections 1798.81.5 and 1798.100 to 1798.199.100 (CCPA);
AICPA, TSP section 100, 2017 Trust Services Criteria with points of focus of 2022 (SOC 2).
"""

from dataclasses import dataclass
from typing import Any

_SECURITY = ("1798.81.5(b)", "1798.100(e)")
_RETENTION = ("1798.100(a)(3)", "1798.100(c)")


@dataclass(frozen=True, slots=True)
class Control:
    """One control.

    Attributes:
        id: what reports call it; never changed.
        title: what holds where it does.
        group: what it is about.
        gdpr: articles.
        ccpa: sections of the California Civil Code.
        soc2: criteria.
        rules: rules of the policy whose findings contradict it; see `slipway.policy.rules`.
    """

    id: str
    title: str
    group: str
    gdpr: tuple[str, ...]
    ccpa: tuple[str, ...]
    soc2: tuple[str, ...]
    rules: tuple[str, ...] = ()

    @property
    def mapping(self) -> str:
        """For people: `GDPR Art. 32(1)(a); CCPA 1798.81.5(b); SOC 2 CC6.1`."""
        named = (("GDPR Art.", self.gdpr), ("CCPA", self.ccpa), ("SOC 2", self.soc2))
        return "; ".join(f"{law} {', '.join(parts)}" for law, parts in named if parts)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "id": self.id,
            "title": self.title,
            "group": self.group,
            "gdpr": list(self.gdpr),
            "ccpa": list(self.ccpa),
            "soc2": list(self.soc2),
            "rules": list(self.rules),
        }


CONTROLS = (
    Control(
        "encryption-client",
        "what clients send and get is encrypted on its way to the environment",
        "encryption",
        ("32(1)(a)",),
        (*_SECURITY, "1798.150(a)(1)"),
        ("CC6.7",),
        ("encryption-in-transit",),
    ),
    Control(
        "encryption-inside",
        "what pods of the environment send each other is encrypted",
        "encryption",
        ("32(1)(a)",),
        _SECURITY,
        ("CC6.7",),
    ),
    Control(
        "encryption-at-rest",
        "disks, buckets, images, logs and Secrets are encrypted where they are kept",
        "encryption",
        ("32(1)(a)",),
        (*_SECURITY, "1798.150(a)(1)"),
        ("CC6.1", "C1.1"),
        ("encryption-at-rest", "key-rotation"),
    ),
    Control(
        "encryption-states",
        "secrets in the states of the environment's stacks are encrypted",
        "encryption",
        ("32(1)(a)",),
        _SECURITY,
        ("CC6.1",),
    ),
    Control(
        "callers-known",
        "whoever calls a model from outside shows a key or a token",
        "access",
        ("32(1)(b)",),
        _SECURITY,
        ("CC6.1", "CC6.2"),
        ("public-auth", "public-endpoint-key"),
    ),
    Control(
        "least-privilege",
        "roles grant what is needed, by name, and models have no rights in the cluster",
        "access",
        ("25(2)", "32(1)(b)"),
        _SECURITY,
        ("CC6.3",),
        ("least-privilege",),
    ),
    Control(
        "administrators",
        "who may administer the environment is named",
        "access",
        ("32(4)",),
        _SECURITY,
        ("CC6.2", "CC6.3"),
    ),
    Control(
        "pods-restricted",
        "no pod is privileged or root: Pod Security Standard `restricted`",
        "access",
        ("32(1)(b)",),
        _SECURITY,
        ("CC6.1", "CC6.8"),
        ("restricted-pod", "instance-metadata-v2"),
    ),
    Control(
        "network-closed",
        "traffic is denied unless a policy allows it, and nothing is open to the world",
        "access",
        ("25(2)", "32(1)(b)"),
        _SECURITY,
        ("CC6.6",),
        (
            "default-deny",
            "model-network-policy",
            "no-open-security-group",
            "no-open-cluster-api",
            "no-public-bucket",
            "no-public-database",
        ),
    ),
    Control(
        "images-by-digest",
        "what runs is, byte for byte, the image that was deployed and judged",
        "integrity",
        ("32(1)(b)",),
        _SECURITY,
        ("CC6.8", "CC8.1"),
        ("image-by-digest", "no-latest-tag"),
    ),
    Control(
        "images-signed",
        "only images and locks that carry the environment's signature are deployed",
        "integrity",
        ("32(1)(b)",),
        _SECURITY,
        ("CC6.8", "CC8.1"),
    ),
    Control(
        "changes-verified",
        "each release that serves was judged by its answers, and nobody changed it since",
        "integrity",
        ("32(1)(d)",),
        _SECURITY,
        ("CC7.1", "CC8.1"),
    ),
    Control(
        "audit-trail",
        "who changed what is recorded, and no record was changed",
        "audit",
        ("5(2)", "32(1)(d)"),
        (),
        ("CC7.2", "CC8.1"),
    ),
    Control(
        "retention-logs",
        "logs of the environment are kept for a time that was chosen, and no longer",
        "retention",
        ("5(1)(e)",),
        _RETENTION,
        ("C1.2", "P4.2"),
    ),
    Control(
        "retention-predictions",
        "what is kept of answers goes after a time that the spec says",
        "retention",
        ("5(1)(e)",),
        _RETENTION,
        ("C1.2", "P4.2"),
    ),
    Control(
        "retention-ledger",
        "what is kept of who called goes after a time that was chosen",
        "retention",
        ("5(1)(e)",),
        _RETENTION,
        ("C1.2", "P4.2"),
    ),
    Control(
        "recovery",
        "keys and ledger, which cannot be made again, are backed up",
        "retention",
        ("32(1)(c)",),
        (),
        ("A1.2",),
        ("kept-database",),
    ),
    Control(
        "residency",
        "models whose data has to stay in a region run and are stored there",
        "residency",
        ("44",),
        (),
        ("C1.1",),
    ),
)
"""In the order in which they are shown. What is judged of each is in `slipway.controls.checks`."""
