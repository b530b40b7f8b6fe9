"""Bytes, keys and signatures: what a JWS is made of, right or wrong."""

import base64
import hashlib
import hmac
import json
import os
import struct
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwcrypto.jwk import JWK
from jwt.algorithms import get_default_algorithms


VECTORS = Path(__file__).resolve().parents[2] / "vectors"
ES256 = get_default_algorithms()["ES256"]
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

NOW = 1_790_000_000
ISSUER = "https://login.example"
OTHER_ISSUER = "https://other.example"
ENDPOINT = ISSUER + "/phone/"
MAX_JWS = 8_192
MAX_PROMPT = 2_700
MAX_PUSH = 4_096


def b64(data: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """The bytes of unpadded base64url."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def fresh_id() -> str:
    """128 random bits."""
    return b64(os.urandom(16))


def compact(value) -> str:
    """JSON without spaces, members in the order given."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def lp(*fields: bytes | str) -> bytes:
    """The input of a MAC: each field after its length (section 1)."""
    raw = [field.encode() if isinstance(field, str) else field for field in fields]
    return b"".join(struct.pack("!H", len(field)) + field for field in raw)


def hmac256(key: bytes, data: bytes) -> bytes:
    """HMAC-SHA-256."""
    return hmac.new(key, data, hashlib.sha256).digest()


def sha256(text: str) -> bytes:
    """SHA-256 of a text's bytes."""
    return hashlib.sha256(text.encode()).digest()


def altered(data: bytes, index: int) -> bytes:
    """The same bytes but for one bit of one byte."""
    changed = bytearray(data)
    changed[index] ^= 1
    return bytes(changed)


def unused_bits_set(text: str) -> str:
    """The same bytes in base64url that is not canonical."""
    return text[:-1] + ALPHABET[ALPHABET.index(text[-1]) | 1]


@dataclass(frozen=True)
class Key:
    """A P-256 key in all the forms that the protocol knows."""

    private: ec.EllipticCurvePrivateKey

    @classmethod
    def make(cls) -> "Key":
        """A fresh key."""
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @cached_property
    def point(self) -> bytes:
        """The uncompressed point."""
        return self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    @cached_property
    def scalar(self) -> bytes:
        """The private number."""
        return self.private.private_numbers().private_value.to_bytes(32, "big")

    @cached_property
    def jwk(self) -> dict:
        """The public JWK."""
        return jwk_of_point(self.point)

    @cached_property
    def thumbprint(self) -> str:
        """RFC 7638, by jwcrypto."""
        return JWK(**self.jwk).thumbprint()

    def sign(self, data: bytes) -> bytes:
        """ES256: r and s, 64 bytes."""
        return ES256.sign(data, self.private)


def jwk_of_point(point: bytes) -> dict:
    """The JWK of an uncompressed point, on the curve or not."""
    return {"kty": "EC", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:])}


def off_curve(point: bytes) -> bytes:
    """A neighbour of a point that does not lie on the curve."""
    outside = altered(point, 64)
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), outside)
    except ValueError:
        return outside
    raise AssertionError("the neighbour lies on the curve")


def jws_of(key: Key, header: str, payload: str | bytes) -> str:
    """Signs exact texts as a compact JWS."""
    raw = payload if isinstance(payload, bytes) else payload.encode()
    return signed(key, f"{b64(header.encode())}.{b64(raw)}")


def signed(key: Key, signing_input: str) -> str:
    """A signing input with its signature."""
    return f"{signing_input}.{b64(key.sign(signing_input.encode()))}"


def signed_in_other_alphabet(key: Key, signing_input: str, character: str, instead: str) -> str:
    """Signs until the signature part holds a character, and writes another in its place."""
    while True:
        signature = b64(key.sign(signing_input.encode()))
        if character in signature:
            return f"{signing_input}.{signature.replace(character, instead)}"


@dataclass(frozen=True)
class Kind:
    """One kind of JWS: who signs it, and its good header and payload."""

    typ: str
    key: Key
    stranger: Key
    payload: dict
    kid: str | None
    stranger_kid: str | None
    limit: int = MAX_JWS

    @cached_property
    def header(self) -> dict:
        """The good header: by `kid`, or by `jwk` where the message introduces its key."""
        name = {"jwk": self.key.jwk} if self.kid is None else {"kid": self.kid}
        return {"alg": "ES256", "typ": self.typ} | name

    def jws(self, payload=None, header: dict | None = None, key: Key | None = None) -> str:
        """Signs; what is not given is the good one."""
        text = payload if isinstance(payload, (str, bytes)) else compact(payload or self.payload)
        return jws_of(key or self.key, compact(header or self.header), text)

    def good(self, name: str, payload: dict | None = None, **further) -> dict:
        """A case to be accepted."""
        header, text = compact(self.header), compact(payload or self.payload)
        jws = jws_of(self.key, header, text)
        return {
            "name": name, "verdict": "good", **further, "jws": jws,
            "header": header, "payload": text, "signing_input": jws.rsplit(".", 1)[0],
        }

    def changed(self, name: str, verdict: str, **changes) -> dict:
        """A case whose payload differs from the good one in the members given; rightly signed."""
        return wrong(name, verdict, self.jws(self.payload | changes))

    def sized(self, limit: int, beyond: bool) -> dict:
        """The payload with an unknown member that makes the JWS just fit a limit, or just not."""
        room = limit - len(b64(compact(self.header).encode())) - 2 - 86
        text = len(compact(self.payload | {"pad": ""}).encode())
        return self.payload | {"pad": "x" * (room * 3 // 4 - text + beyond)}


def wrong(name: str, verdict: str, jws: str, **further) -> dict:
    """A case to be refused."""
    return {"name": name, "verdict": verdict, **further, "jws": jws}


def digits_input(device: Key, push: Key) -> bytes:
    """What the digits are made of (section 3.3)."""
    return lp("digits", ISSUER, unb64(device.thumbprint), push.point)


def digits_of(mac: bytes) -> str:
    """Six digits."""
    return f"{int.from_bytes(mac[:8], 'big') % 1_000_000:06}"
