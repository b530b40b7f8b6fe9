"""Makes the bytes, keys and signatures of valid and invalid JWS."""

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
    """Encodes bytes as base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """Decodes unpadded base64url."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def fresh_id() -> str:
    """Returns 128 random bits in base64url."""
    return b64(os.urandom(16))


def compact(value) -> str:
    """Returns JSON without spaces, with the members in the given order."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def lp(*fields: bytes | str) -> bytes:
    """Returns the input of a MAC: before each field, its length in two bytes (section 1)."""
    raw = [field.encode() if isinstance(field, str) else field for field in fields]
    return b"".join(struct.pack("!H", len(field)) + field for field in raw)


def hmac256(key: bytes, data: bytes) -> bytes:
    """Computes HMAC-SHA-256."""
    return hmac.new(key, data, hashlib.sha256).digest()


def sha256(text: str) -> bytes:
    """Computes SHA-256 of a text's bytes."""
    return hashlib.sha256(text.encode()).digest()


def altered(data: bytes, index: int) -> bytes:
    """Returns the bytes with one bit of one byte changed."""
    changed = bytearray(data)
    changed[index] ^= 1
    return bytes(changed)


def unused_bits_set(text: str) -> str:
    """Returns a non-canonical base64url text of the same bytes."""
    return text[:-1] + ALPHABET[ALPHABET.index(text[-1]) | 1]


@dataclass(frozen=True)
class Key:
    """A P-256 key in all the forms of the protocol."""

    private: ec.EllipticCurvePrivateKey

    @classmethod
    def make(cls) -> "Key":
        """Makes a fresh key."""
        return cls(ec.generate_private_key(ec.SECP256R1()))

    @classmethod
    def of(cls, scalar: str) -> "Key":
        """Returns the key with this private number, in base64url."""
        return cls(ec.derive_private_key(int.from_bytes(unb64(scalar), "big"), ec.SECP256R1()))

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
        """The thumbprint (RFC 7638), computed by jwcrypto."""
        return JWK(**self.jwk).thumbprint()

    def sign(self, data: bytes) -> bytes:
        """Signs with ES256; returns r and s, 64 bytes."""
        return ES256.sign(data, self.private)


def jwk_of_point(point: bytes) -> dict:
    """Returns the JWK of an uncompressed point, which may be off the curve."""
    return {"kty": "EC", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:])}


def off_curve(point: bytes) -> bytes:
    """Returns the point with one bit changed, so that the point is not on the curve."""
    outside = altered(point, 64)
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), outside)
    except ValueError:
        return outside
    raise AssertionError("the altered point is on the curve")


def jws_of(key: Key, header: str, payload: str | bytes) -> str:
    """Signs header and payload exactly as given; returns a compact JWS."""
    raw = payload if isinstance(payload, bytes) else payload.encode()
    return signed(key, f"{b64(header.encode())}.{b64(raw)}")


def signed(key: Key, signing_input: str) -> str:
    """Returns a signing input with its signature."""
    return f"{signing_input}.{b64(key.sign(signing_input.encode()))}"


def signed_in_other_alphabet(key: Key, signing_input: str, character: str, instead: str) -> str:
    """Signs until the signature in base64url contains `character`, and replaces this character by `instead`."""
    while True:
        signature = b64(key.sign(signing_input.encode()))
        if character in signature:
            return f"{signing_input}.{signature.replace(character, instead)}"


@dataclass(frozen=True)
class Kind:
    """One kind of JWS: its signing key, and its valid header and payload."""

    typ: str
    key: Key
    attacker: Key
    payload: dict
    kid: str | None
    attacker_kid: str | None
    limit: int = MAX_JWS

    @cached_property
    def header(self) -> dict:
        """The valid header: with `kid`, or with `jwk` where the message introduces its key."""
        name = {"jwk": self.key.jwk} if self.kid is None else {"kid": self.kid}
        return {"alg": "ES256", "typ": self.typ} | name

    def jws(self, payload=None, header: dict | None = None, key: Key | None = None) -> str:
        """Signs a payload. Without arguments, signs the valid payload and header with the valid key."""
        text = payload if isinstance(payload, (str, bytes)) else compact(payload or self.payload)
        return jws_of(key or self.key, compact(header or self.header), text)

    def good(self, name: str, payload: dict | None = None, **further) -> dict:
        """Returns a case that must be accepted."""
        header, text = compact(self.header), compact(payload or self.payload)
        jws = jws_of(self.key, header, text)
        return {
            "name": name, "verdict": "good", **further, "jws": jws,
            "header": header, "payload": text, "signing_input": jws.rsplit(".", 1)[0],
        }

    def changed(self, name: str, verdict: str, **changes) -> dict:
        """Returns a correctly signed case whose payload differs from the valid payload in the given members."""
        return wrong(name, verdict, self.jws(self.payload | changes))

    def sized(self, limit: int, beyond: bool) -> dict:
        """Returns the payload, padded so that the JWS has the maximum size `limit`, or is too large if `beyond`."""
        room = limit - len(b64(compact(self.header).encode())) - 2 - 86
        text = len(compact(self.payload | {"pad": ""}).encode())
        return self.payload | {"pad": "x" * (room * 3 // 4 - text + beyond)}


def wrong(name: str, verdict: str, jws: str, **further) -> dict:
    """Returns a case that must be refused."""
    return {"name": name, "verdict": verdict, **further, "jws": jws}


def digits_input(device: Key, push: Key) -> bytes:
    """Returns the MAC input of the digits (section 3.3)."""
    return lp("digits", ISSUER, unb64(device.thumbprint), push.point)


def digits_of(mac: bytes) -> str:
    """Returns the six digits of a MAC (section 3.3)."""
    return f"{int.from_bytes(mac[:8], 'big') % 1_000_000:06}"
