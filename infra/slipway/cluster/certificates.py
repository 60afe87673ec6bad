"""Make a certificate of an authority of its own, and say whether one that is there still serves."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CERTIFICATE = "tls.crt"
PRIVATE_KEY = "tls.key"
AUTHORITY = "ca.crt"
_VALID_DAYS = 825
"""Apple's systems trust no server for longer, whoever its authority is."""
_RENEWED_DAYS = 30
"""Before its end; whoever runs `up` once a month never sees it expire."""
_CLOCKS = datetime.timedelta(hours=1)
"""A client's clock may be slow."""


@dataclass(frozen=True, slots=True)
class SelfSigned:
    """A certificate for a host and all below it, as PEM: `certificate` and its `private_key`, and its `authority`."""

    certificate: bytes
    private_key: bytes
    authority: bytes

    @property
    def data(self) -> dict[str, bytes]:
        """As the data of a Secret of type kubernetes.io/tls."""
        return {CERTIFICATE: self.certificate, PRIVATE_KEY: self.private_key, AUTHORITY: self.authority}


def self_signed(domain: str, now: datetime.datetime) -> SelfSigned:
    """Make an authority and a certificate of it for `domain` and every host right below it.

    The authority's own key is thrown away: nobody, whatever he reads, can sign another host's certificate with it.
    """
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    subject = _named(f"Slipway, authority of {domain} only")
    usage = {"digital_signature", "key_cert_sign", "crl_sign"}
    authority = (
        _builder(subject, subject, authority_key.public_key(), authority_key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(usage), critical=True)
        .add_extension(x509.NameConstraints([x509.DNSName(domain)], None), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    certificate = (
        _builder(_named(domain), subject, key.public_key(), authority_key.public_key(), now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage({"digital_signature"}), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(domain), x509.DNSName(f"*.{domain}")]), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    return SelfSigned(
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
        authority.public_bytes(serialization.Encoding.PEM),
    )


def serves(data: Mapping[str, bytes], domain: str, now: datetime.datetime) -> bool:
    """Whether the data of a Secret has a certificate for `domain` that is not about to expire, with its key."""
    try:
        certificate = x509.load_pem_x509_certificate(data[CERTIFICATE])
        certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(data[AUTHORITY]))
        key = serialization.load_pem_private_key(data[PRIVATE_KEY], None)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (KeyError, ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound):
        return False
    lasts = now + datetime.timedelta(days=_RENEWED_DAYS) < certificate.not_valid_after_utc
    covers = domain in names.value.get_values_for_type(x509.DNSName)
    return lasts and covers and key.public_key() == certificate.public_key()


def _named(text: str) -> x509.Name:
    """A name of at most 64 characters, as X.509 has it; the host itself stands in the alternative names."""
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text[:64])])


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    authority_key: ec.EllipticCurvePublicKey,
    now: datetime.datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCKS)
        .not_valid_after(now - _CLOCKS + datetime.timedelta(days=_VALID_DAYS))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key), critical=False)
    )


def _usage(wanted: set[str]) -> x509.KeyUsage:
    known = (
        *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
        *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
    )
    return x509.KeyUsage(**{name: name in wanted for name in known})
