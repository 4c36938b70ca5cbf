"""Certificates: one that signs itself, and those of an authority."""

import datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def make(directory: Path, *names: str) -> dict[str, str]:
    """Write a certificate for ``names`` and its key; return TANDEM["EDGE"]["TLS"]."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    signed = _unsigned(subject, subject, key).add_extension(
        x509.SubjectAlternativeName(map(x509.DNSName, names)), critical=False
    )
    chain, secret = directory / "chain.pem", directory / "key.pem"
    _write(chain, signed.sign(key, hashes.SHA256()))
    secret.write_bytes(_private(key))
    return {"CERTIFICATE": str(chain), "KEY": str(secret)}


class Authority:
    """A CA, whose files are in ``directory``."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
        own = _unsigned(self._subject, self._subject, self._key).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        self._file = directory / "ca.pem"
        _write(self._file, own.sign(self._key, hashes.SHA256()))

    def issue(self, name: str) -> dict[str, str]:
        """Write a certificate for ``name`` and its key; return TANDEM["PEERS"]["TLS"]."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        signed = _unsigned(subject, self._subject, key).add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False
        )
        certificate, secret = (self._directory / f"{name}.{end}" for end in ("pem", "key"))
        _write(certificate, signed.sign(self._key, hashes.SHA256()))
        secret.write_bytes(_private(key))
        return {"CERTIFICATE": str(certificate), "KEY": str(secret), "CA": str(self._file)}


def _unsigned(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
    )


def _write(file: Path, certificate: x509.Certificate) -> None:
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
