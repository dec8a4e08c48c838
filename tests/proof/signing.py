"""Messages signed by dkimpy, and what their keys look like in DNS."""

import base64
import re
from datetime import UTC, datetime
from functools import cache

import dkim
import nacl.signing
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

DOMAIN = "mail.desk.example"
SELECTOR = "s1"
KEY_NAME = f"{SELECTOR}._domainkey.{DOMAIN}"
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MESSAGE = (
    b"Received: from app by mail.desk.example; Sun, 1 Mar 2026 11:59:59 +0000\r\n"
    b"From: Support <support@company.com>\r\n"
    b"To: anna@customer.example,\r\n\tBob <bob@customer.example>\r\n"
    b"Subject:  Your  question \r\n"
    b"Date: Sun, 1 Mar 2026 11:59:59 +0000\r\n"
    b"\r\n"
    b"Dear  Anna, \t\r\n\r\n.leading dot\r\nBye\r\n\r\n\r\n"
)


@cache
def rsa_key(bits: int) -> tuple[bytes, str]:
    """A private key in PEM, and p= of its record."""
    private = rsa.generate_private_key(65537, bits)
    encoding, formats = serialization.Encoding, serialization.PrivateFormat
    pem = private.private_bytes(encoding.PEM, formats.TraditionalOpenSSL, serialization.NoEncryption())
    public = private.public_key().public_bytes(encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return pem, base64.b64encode(public).decode()


@cache
def ed25519_key() -> tuple[bytes, str]:
    """A private key as dkimpy wants it, and p= of its record."""
    private = nacl.signing.SigningKey.generate()
    return base64.b64encode(bytes(private)), base64.b64encode(bytes(private.verify_key)).decode()


def record(bits: int = 2048) -> str:
    return f"v=DKIM1; k=rsa; p={rsa_key(bits)[1]}"


def ed25519_record() -> str:
    return f"v=DKIM1; k=ed25519; p={ed25519_key()[1]}"


def in_strings(text: str) -> list[str]:
    """One TXT record of strings that are short enough."""
    return [" ".join(f'"{part}"' for part in re.findall(r".{1,250}", text.replace(";", "\\;")))]


def signature_of(
    message: bytes = MESSAGE,
    *,
    domain: str = DOMAIN,
    selector: str = SELECTOR,
    algorithm: str = "rsa-sha256",
    form: tuple[str, str] = ("relaxed", "relaxed"),
    names: list[str] | None = None,
    bits: int = 2048,
    length: bool = False,
    identity: str | None = None,
) -> bytes:
    """The DKIM-Signature field that stands on top of ``message`` then."""
    key = ed25519_key()[0] if algorithm.startswith("ed25519") else rsa_key(bits)[0]
    signed = dkim.sign(
        message,
        selector.encode(),
        domain.encode(),
        key,
        signature_algorithm=algorithm.encode(),
        canonicalize=(form[0].encode(), form[1].encode()),
        include_headers=[name.encode() for name in names] if names is not None else None,
        length=length,
        identity=identity.encode() if identity is not None else None,
    )
    return bytes(signed)


def signed(message: bytes = MESSAGE, **keys: object) -> bytes:
    """``message`` below its signature."""
    return signature_of(message, **keys) + message  # type: ignore[arg-type]


def with_tags(message: bytes, **tags: str | None) -> bytes:
    """``message`` signed by a signature with tags set or (None) left out, which dkimpy would not do by itself."""
    field = signature_of(message)
    body = re.search(rb"bh=([^;]*);", field)
    assert body is not None
    kept = {
        "v": "1", "a": "rsa-sha256", "c": "relaxed/relaxed", "d": DOMAIN, "s": SELECTOR,
        "h": "from:to:subject:date", "bh": re.sub(rb"\s", b"", body[1]).decode(), **tags, "b": "",
    }  # fmt: skip
    text = "; ".join(f"{name}={value}" for name, value in kept.items() if value is not None)
    field = f"DKIM-Signature: {text}".encode()
    names = (kept["h"] or "").split(":")
    octets = b"".join(_relaxed(message, name) for name in names)
    octets += b"dkim-signature:" + field.partition(b": ")[2]
    key = serialization.load_pem_private_key(rsa_key(2048)[0], None)
    assert isinstance(key, rsa.RSAPrivateKey)
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import padding

    made = key.sign(octets, padding.PKCS1v15(), hashes.SHA256())
    return field + base64.b64encode(made) + b"\r\n" + message


def _relaxed(message: bytes, name: str) -> bytes:
    found = re.search(rb"(?im)^" + name.encode() + rb":((?:.*\r\n)(?:[ \t].*\r\n)*)", message)
    if found is None:
        return b""
    return name.lower().encode() + b":" + b" ".join(found[1].split()) + b"\r\n"
