"""What the parts of the gateway that call AWS may do there: the keys service, and what keeps the names."""

import pulumi

from slipway.components.aws.iam.policies import Statement, statement


def read_password(secret: pulumi.Input[str], region: str, key: pulumi.Input[str]) -> tuple[Statement, ...]:
    """What the keys service needs: read the secret of its database, and decrypt that one secret with its key."""
    through_secrets = {
        "kms:ViaService": f"secretsmanager.{region}.amazonaws.com",
        "kms:EncryptionContext:SecretARN": secret,
    }
    return (
        statement("ReadPassword", ["secretsmanager:GetSecretValue"], secret),
        statement("DecryptPassword", ["kms:Decrypt"], key, conditions={"StringEquals": through_secrets}),
    )


def keep_names(zone: str, domain: str) -> tuple[Statement, ...]:
    """What ExternalDNS needs: find its zone, and change the records of the domain and below it, none beside.

    Facts: github.com/kubernetes-sigs/external-dns, docs/tutorials/aws.md.
    """
    arn = f"arn:aws:route53:::hostedzone/{zone}"
    own = {"route53:ChangeResourceRecordSetsNormalizedRecordNames": [domain, f"*.{domain}"]}
    return (
        statement("FindZones", ["route53:ListHostedZones"], "*"),
        statement("ReadNames", ["route53:ListResourceRecordSets", "route53:ListTagsForResources"], arn),
        statement(
            "KeepNames",
            ["route53:ChangeResourceRecordSets"],
            arn,
            conditions={"ForAllValues:StringLike": own},
        ),
    )
