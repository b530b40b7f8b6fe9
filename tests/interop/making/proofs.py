"""Makes the vectors of enrollment keys, MACs, digits and thumbprints."""

import os
import secrets
from urllib.parse import quote

from argon2.low_level import Type, hash_secret_raw

from making.jose import (
    CROCKFORD,
    ISSUER,
    NOW,
    OTHER_ISSUER,
    altered,
    b64,
    compact,
    digits_input,
    digits_of,
    fresh_id,
    hmac256,
    lp,
    sha256,
    unb64,
)
from making.world import World


def bind_input(world: World, enrollment: str, push_point: bytes) -> bytes:
    """Returns the MAC input of a bind (section 3.2)."""
    return lp("bind", ISSUER, enrollment, unb64(world.device.thumbprint), push_point, world.push_auth)


def typed_code() -> str:
    """Returns twelve characters; their secret part contains a 0 and a 1, so that look-alikes can be tested."""
    while True:
        code = "".join(secrets.choice(CROCKFORD) for _ in range(12))
        if {"0", "1"} <= set(code[4:]):
            return code


def typed_enrollment() -> dict:
    """Returns a typed code and its enrollment key (section 3)."""
    canonical = typed_code()
    identifier, secret = canonical[:4], canonical[4:]
    salt = lp(ISSUER, identifier)
    key = hash_secret_raw(
        secret.encode(), salt, time_cost=3, memory_cost=65_536, parallelism=1, hash_len=32, type=Type.ID, version=0x13,
    )
    shown = "-".join(canonical[at:at + 4] for at in (0, 4, 8))
    lookalike = canonical.replace("0", "O").replace("1", "I")
    read_as = [canonical, shown, shown.lower(), shown.replace("-", " "), lookalike, lookalike.replace("I", "l").lower()]
    return {
        "name": "typed", "code": shown, "read_as": read_as, "canonical": canonical, "id": identifier, "secret": secret,
        "salt": b64(salt), "key": b64(key),
    }


def scanned_enrollment(world: World) -> dict:
    """Returns a scanned code and its enrollment key, which is the secret in the code (section 3)."""
    secret = b64(world.enrollment_secret)
    code = f"countersign://enroll?v=1&issuer={quote(ISSUER, safe='')}&id={world.enrollment_id}&secret={secret}"
    return {
        "name": "scanned", "code": code, "id": world.enrollment_id, "secret": secret, "key": secret,
    }


def proof(key: bytes, fields: dict, data: bytes) -> dict:
    """Returns one MAC: its fields, its input and its value."""
    return {"fields": fields, "input": b64(data), "mac": b64(hmac256(key, data))}


def proofs_of(world: World, enrollment: dict, keys_jws: str) -> dict:
    """Returns all the MACs of one enrollment (sections 3.1 to 3.3)."""
    key, identifier, thumbprint = unb64(enrollment["key"]), enrollment["id"], world.device.thumbprint
    nonce, jti = os.urandom(16), os.urandom(16)
    looked_up = compact({
        "issuer": ISSUER, "account_id": world.account_id, "user_name": "ada@example.org", "organization": "Exämple",
        "challenge": fresh_id(), "time": NOW, "keys": keys_jws,
    })
    bound = compact({
        "device_id": world.device_id, "account_id": world.account_id, "keys": [world.service.thumbprint],
        "expires_at": NOW + 600,
    })
    ids = {"issuer": ISSUER, "id": identifier}
    push = {"thumbprint": thumbprint, "push_point": b64(world.push.point)}
    digits = proof(key, {"issuer": ISSUER} | push, digits_input(world.device, world.push))
    return {
        "look_up": proof(key, ids | {"nonce": b64(nonce)}, lp("look-up", ISSUER, identifier, nonce)),
        "look_up_answer": proof(
            key, {"nonce": b64(nonce), "body": looked_up}, lp("look-up-answer", nonce, sha256(looked_up))),
        "bind": proof(
            key, ids | push | {"push_secret": b64(world.push_auth)}, bind_input(world, identifier, world.push.point)),
        "bind_answer": proof(key, {"jti": b64(jti), "body": bound}, lp("bind-answer", jti, sha256(bound))),
        "digits": digits | {"digits": digits_of(unb64(digits["mac"]))},
    }


def altered_field(name: str, value: str) -> str:
    """Returns another value of the same form."""
    if name == "issuer":
        return OTHER_ISSUER
    if name == "id":
        return ("1" if value[0] != "1" else "2") + value[1:]
    if name == "body":
        return value + " "
    return b64(altered(unb64(value), -1))


def wrong_proofs(enrollment: dict) -> list[dict]:
    """Returns wrong cases for each MAC: another field, another key, or another MAC."""
    cases = []
    for label in ("look_up", "look_up_answer", "bind", "bind_answer", "digits"):
        right = enrollment[label]
        base = {"verdict": "mac", "enrollment": enrollment["name"], "proof": label}
        whole = {"key": enrollment["key"], "fields": right["fields"], "mac": right["mac"]}

        def case(what: str, start: dict = base | whole, **changes) -> dict:
            return {"name": f"{enrollment['name']}, {start['proof']}: {what}"} | start | changes

        cases += [
            case(f"another {name}", fields=right["fields"] | {name: altered_field(name, value)})
            for name, value in right["fields"].items()
        ]
        cases += [
            case("another key", key=b64(altered(unb64(enrollment["key"]), 0))),
            case("mac altered", mac=b64(altered(unb64(right["mac"]), 31))),
            case("mac cut to 16 bytes", mac=b64(unb64(right["mac"])[:16])),
            case("no mac", mac=""),
            case("mac of another proof", mac=enrollment["bind" if label != "bind" else "look_up"]["mac"]),
        ]
    return cases


def proofs_file(world: World, prompt: dict, keys_jws: str) -> dict:
    """Makes proofs.json: known results of MACs, key derivation and digests."""
    enrollments = [
        enrollment | {"issuer": ISSUER} | proofs_of(world, enrollment, keys_jws)
        for enrollment in (scanned_enrollment(world), typed_enrollment())
    ]
    thumbprints = [
        {"name": name, "jwk": key.jwk, "point": b64(key.point),
         "canonical": compact(dict(sorted(key.jwk.items()))), "thumbprint": key.thumbprint}
        for name, key in (("service", world.service), ("device", world.device), ("push", world.push))
    ]
    return {
        "enrollments": enrollments,
        "thumbprints": thumbprints,
        "prompt_sha256": {"jws": prompt["jws"], "sha256": b64(sha256(prompt["jws"]))},
        "wrong": [case for enrollment in enrollments for case in wrong_proofs(enrollment)],
    }
