"""Reads messages only with stock libraries, which are libraries of other projects. Uses no code of this project."""

import base64
import json

import http_ece
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS

PUSH_LENGTH = 2_700


def unb64(text: str) -> bytes:
    """Returns the bytes of unpadded base64url; accepts only the canonical text."""
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    assert b64(data) == text, "not canonical base64url"
    return data


def b64(data: bytes) -> str:
    """Encodes bytes as base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def strict_json(data: bytes | str) -> dict:
    """Reads a JSON object; refuses duplicate member names."""
    def once(members: list) -> dict:
        assert len({name for name, _ in members}) == len(members), "duplicate member name"
        return dict(members)

    value = json.loads(data, object_pairs_hook=once)
    assert isinstance(value, dict), "not an object"
    return value


def public_jwk(jwk: dict) -> dict:
    """Returns a JWK without its private key."""
    return {name: value for name, value in jwk.items() if name != "d"}


def verify_with_pyjwt(jws: str, jwk: dict) -> tuple[dict, bytes]:
    """Verifies with PyJWT; returns the header and the payload bytes, or raises PyJWT's error."""
    key = jwt.PyJWK.from_dict(public_jwk(jwk), algorithm="ES256")
    complete = jwt.PyJWS().decode_complete(jws, key, algorithms=["ES256"])
    return complete["header"], complete["payload"]


def verify_with_jwcrypto(jws: str, jwk: dict) -> tuple[dict, bytes]:
    """Verifies with jwcrypto; returns the header and the payload bytes, or raises jwcrypto's error."""
    message = JWS()
    message.allowed_algs = ["ES256"]
    message.deserialize(jws, JWK(**public_jwk(jwk)))
    return message.jose_header, message.payload


def verify_with_both(jws: str, jwk: dict) -> tuple[dict, bytes]:
    """Verifies with both libraries, which must return the same header and payload."""
    header, payload = verify_with_pyjwt(jws, jwk)
    assert verify_with_jwcrypto(jws, jwk) == (header, payload)
    return header, payload


def decrypt_push(message: bytes, scalar: bytes, auth: bytes) -> bytes:
    """Decrypts a push (RFC 8291) with http_ece."""
    private = ec.derive_private_key(int.from_bytes(scalar, "big"), ec.SECP256R1())
    return http_ece.decrypt(message, private_key=private, auth_secret=auth, version="aes128gcm")
