"""Makes encrypted pushes, and the files of a notification extension, which contain the keys for the pushes."""

import hashlib
import json
import os
import struct

import http_ece
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from making.jose import ISSUER, Key, MAX_PROMPT, MAX_PUSH, NOW, VECTORS, altered, b64, compact, off_curve, unb64
from making.world import World
from making.wrongs import doubled


def padded(jws: str, filler: str = " ") -> bytes:
    """Returns a JWS padded to the length that all pushes have (section 8)."""
    return jws.ljust(MAX_PROMPT, filler).encode()


def push_to(receiver: bytes, auth: bytes, content: bytes, rs: int = MAX_PUSH) -> bytes:
    """Encrypts a push with http_ece (RFC 8291)."""
    return http_ece.encrypt(
        content, private_key=ec.generate_private_key(ec.SECP256R1()), dh=receiver, auth_secret=auth, rs=rs,
        version="aes128gcm",
    )


def push_record(world: World, record: bytes) -> bytes:
    """Encrypts one record exactly as given. http_ece would add a delimiter."""
    sender, salt = Key.make(), os.urandom(16)
    public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), world.push.point)
    shared = sender.private.exchange(ec.ECDH(), public)

    def derive(length: int, salt_bytes: bytes, info: bytes, material: bytes) -> bytes:
        return HKDF(algorithm=hashes.SHA256(), length=length, salt=salt_bytes, info=info).derive(material)

    material = derive(32, world.push_auth, b"WebPush: info\0" + world.push.point + sender.point, shared)
    key = derive(16, salt, b"Content-Encoding: aes128gcm\0", material)
    nonce = derive(12, salt, b"Content-Encoding: nonce\0", material)
    header = salt + struct.pack("!LB", MAX_PUSH, len(sender.point)) + sender.point
    return header + AESGCM(key).encrypt(nonce, record, None)


def push_file(world: World, prompts: dict, withdrawals: dict, push_tests: dict) -> dict:
    """Makes push.json: encrypted messages to one account."""
    by_name = {case["name"]: case["jws"] for case in prompts["cases"]}
    goods = {
        "prompt": by_name["good"],
        "choose": by_name["choose"],
        "the largest prompt": by_name[f"the largest within {MAX_PROMPT:,} bytes"],
        "withdrawal": withdrawals["cases"][0]["jws"],
        "test": push_tests["cases"][0]["jws"],
    }
    good = [
        {"name": name, "verdict": "good", "message": b64(push_to(world.push.point, world.push_auth, padded(jws))),
         "jws": jws}
        for name, jws in goods.items()
    ]
    cases = [*good, *push_decryption_cases(world, goods["prompt"]), *push_form_cases(world, goods["prompt"]),
             *push_refused_cases(world, goods["prompt"], prompts)]
    key = {"private": b64(world.push.scalar), "point": b64(world.push.point), "auth": b64(world.push_auth)}
    return {"push_key": key, "slot": b64(world.slot), "now": NOW, "cases": cases}


def push_case(name: str, verdict: str, message: bytes) -> dict:
    """Returns a push that must be dropped."""
    return {"name": name, "verdict": verdict, "message": b64(message)}


def push_decryption_cases(world: World, jws: str) -> list[dict]:
    """Returns well-formed pushes that are altered, or that are not encrypted for this account."""
    content = padded(jws)
    right = push_to(world.push.point, world.push_auth, content)
    other_sender = right[:21] + Key.make().point + right[86:]
    messages = {
        "to another key": push_to(Key.make().point, world.push_auth, content),
        "with another auth secret": push_to(world.push.point, os.urandom(16), content),
        "a byte of the ciphertext altered": altered(right, 500),
        "a byte of the tag altered": altered(right, len(right) - 1),
        "salt altered": altered(right, 0),
        "another sender point": other_sender,
        "cut by a byte": right[:-1],
        "a byte more": right + b"\0",
    }
    return [push_case(name, "decryption", message) for name, message in messages.items()]


def push_form_cases(world: World, jws: str) -> list[dict]:
    """Returns pushes that are too large, or whose `aes128gcm` header or record is malformed."""
    content = padded(jws)
    right = push_to(world.push.point, world.push_auth, content)
    salt, sender, ciphertext = right[:16], right[21:86], right[86:]

    def framed(rs: int, keyid: bytes) -> bytes:
        return salt + struct.pack("!LB", rs, len(keyid)) + keyid + ciphertext

    huge = push_to(world.push.point, world.push_auth, content.ljust(MAX_PUSH), rs=2 * MAX_PUSH)
    messages = {
        "nothing": b"",
        "cut within the header": right[:20],
        "cut within the sender point": right[:80],
        "without a ciphertext": right[:86],
        "two records": push_to(world.push.point, world.push_auth, content, rs=2_000),
        "record size too small for what follows": framed(2_700, sender),
        "record size zero": framed(0, sender),
        "sender point off the curve": framed(MAX_PUSH, off_curve(sender)),
        "sender point of 64 bytes": framed(MAX_PUSH, sender[:64]),
        "no sender point": framed(MAX_PUSH, b""),
        "over 4,096 bytes": huge,
        "delimiter 1": push_record(world, content + b"\x01"),
        "no delimiter": push_record(world, bytes(len(content))),
    }
    return [push_case(name, "form", message) for name, message in messages.items()]


def push_refused_cases(world: World, jws: str, prompts: dict) -> list[dict]:
    """Returns correctly encrypted pushes whose content must be refused."""
    contents = {
        "padded with tabs": padded(jws, "\t"),
        "a tab before the spaces": padded(jws + "\t"),
        "padded with zeros and a space": padded(jws, "\0")[:-1] + b" ",
        "a space before the JWS": padded(" " + jws),
        "only spaces": padded(""),
        "not a JWS": padded("Hello."),
        "not text": os.urandom(MAX_PROMPT - 1) + b"\xff",
        "two JWS": padded(f"{jws} {jws}"),
    }
    contents |= {
        f"phone-prompt.json: {case['name']}": padded(case["jws"])
        for case in prompts["cases"] if case["verdict"] != "good" and len(case["jws"]) <= MAX_PROMPT
    }
    return [
        push_case(name, "refused", push_to(world.push.point, world.push_auth, content))
        for name, content in contents.items()
    ]


def inbox_file(world: World) -> dict:
    """Makes inbox.json: the sealed snapshot that an app writes for its notification extension."""
    key, wrapped = AESGCM.generate_key(bit_length=256), os.urandom(40)
    plain = compact({"accounts": [{
        "id": "account-1", "slot": b64(world.slot), "push_keys": b64(world.push.scalar + world.push_auth),
        "issuer": ISSUER, "device_id": world.device_id, "account_id": world.account_id,
        "user_name": "ada@example.org", "service_keys": world.service_keys, "clock_offset": 0,
    }]})

    def sealed(text: str = plain, place: bytes = b"inbox\0snapshot\0v1") -> bytes:
        nonce = os.urandom(12)
        return nonce + AESGCM(key).encrypt(nonce, text.encode(), place)

    def file(body: bytes, version: int = 1) -> str:
        return compact({"v": version, "key": b64(wrapped), "sealed": b64(body)})

    body = sealed()
    good = file(body)
    files = {
        "a byte of the ciphertext altered": file(altered(body, 20)),
        "nonce altered": file(altered(body, 0)),
        "tag altered": file(altered(body, len(body) - 1)),
        "other associated data": file(sealed(place=b"inbox\0snapshot\0v2")),
        "no associated data": file(sealed(place=b"")),
        "sealed value cut by a byte": file(body[:-1]),
        "sealed value shorter than a nonce": file(body[:11]),
        "nothing sealed": file(b""),
        "v 2": file(body, 2),
        "v as a text": good.replace('"v":1', '"v":"1"'),
        "v twice": doubled(good, "v"),
        "sealed twice, once escaped": doubled(good, "sealed", escaped=True),
        "a member twice inside": file(sealed(doubled(plain, "accounts"))),
        "not an object inside": file(sealed("[]")),
        "sealed value with padding": good[:-2] + '="}',
        "without key": compact({"v": 1, "sealed": b64(body)}),
        "not JSON": "snapshot",
        "cut short": good[:-1],
        "something after it": good + "{}",
        "nothing": "",
    }
    return {
        "snapshot_key": b64(key), "wrapped": b64(wrapped), "file": good, "plain": plain,
        "wrong_files": [{"name": name, "file": text} for name, text in files.items()],
    }


def inbox_account_file() -> dict:
    """Makes inbox-account.json: the files of the account of inbox.json that an app writes for its extension."""
    key, wrapped = AESGCM.generate_key(bit_length=256), os.urandom(40)
    frozen = json.loads((VECTORS / "inbox.json").read_text())
    (account,) = json.loads(frozen["plain"])["accounts"]
    plain = compact(account)
    name = f"accounts/{b64(hashlib.sha256(unb64(account['slot'])).digest())}"

    def sealed(content: bytes, place: str = f"inbox\0{name}\0v1") -> bytes:
        nonce = os.urandom(12)
        return nonce + AESGCM(key).encrypt(nonce, content, place.encode())

    def half_of(turn: int, text: str = plain) -> bytes:
        return turn.to_bytes(8, "big") + text.encode().ljust(1_000)

    def half(turn: int, text: str = plain) -> bytes:
        return sealed(half_of(turn, text))

    # The older half is for another slot, so a reader of the wrong half does not find the account.
    older, newer = half(7, compact({**account, "slot": b64(bytes(16))})), half(8)
    empty = bytes(len(newer))
    good = {
        "the second half is newer": older + newer,
        "the first half is newer": newer + older,
        "the second half is empty": newer + empty,
        "the first half is empty": empty + newer,
        "the half that was being written does not open": newer + altered(half(9), 20),
    }
    files = {
        "only the older half opens": older + altered(newer, 20),
        "a byte of each ciphertext altered": altered(older, 20) + altered(newer, 20),
        "the nonces altered": altered(older, 0) + altered(newer, 0),
        "the tags altered": altered(older, len(older) - 1) + altered(newer, len(newer) - 1),
        "the file of another account": sealed(half_of(8), f"inbox\0accounts/{b64(bytes(32))}\0v1") + empty,
        "another slot inside": half(8, compact({**account, "slot": b64(bytes(16))})) + empty,
        "cut by a byte": (older + newer)[:-1],
        "one half": newer,
        "three halves": newer + empty + empty,
        "shorter than two nonces": newer[:22],
        "nothing": b"",
        "a member twice inside": half(8, doubled(plain, "slot")) + empty,
        "not an object inside": half(8, "[]") + empty,
        "no turn inside": sealed(bytes(7)) + sealed(bytes(7)),
    }
    key_file = compact({"v": 2, "key": b64(wrapped)})
    key_files = {
        "v 1": compact({"v": 1, "key": b64(wrapped)}),
        "v 3": compact({"v": 3, "key": b64(wrapped)}),
        "v twice": doubled(key_file, "v"),
        "key with padding": compact({"v": 2, "key": b64(wrapped) + "="}),
        "without key": compact({"v": 2}),
        "cut short": key_file[:-1],
        "something after it": key_file + "{}",
        "nothing": "",
    }
    return {
        "inbox_key": b64(key), "wrapped": b64(wrapped), "key_file": key_file, "name": name, "plain": plain,
        "files": [{"name": name, "file": b64(data)} for name, data in good.items()],
        "wrong_key_files": [{"name": name, "file": text} for name, text in key_files.items()],
        "wrong_files": [{"name": name, "file": b64(data)} for name, data in files.items()],
    }
