"""Makes the test vectors of the phone sign-in protocol anew.

Everything here comes from stock libraries: PyJWT signs, jwcrypto makes thumbprints, http_ece encrypts
pushes, argon2-cffi and hashlib make keys and MACs. No code of this project is used, so that a mistake
of ours can't hide in both the vectors and their reader. What the bytes must be is said in
`core/docs/protocol.md`; the sections named below are of that document.

Keys and signatures are fresh each time, so the output is committed and never compared.
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
import struct
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

import http_ece
from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwcrypto.jwk import JWK
from jwt.algorithms import get_default_algorithms

VECTORS = Path(__file__).resolve().parent.parent / "vectors"
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


# ---- bytes and texts

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


# ---- keys

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


# ---- JWS

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


def doubled(object_text: str, name: str, escaped: bool = False) -> str:
    """The text of an object in which one member stands twice, with the same value."""
    value = compact(json.loads(object_text)[name])
    again = f"\\u{ord(name[0]):04x}{name[1:]}" if escaped else name
    return f'{{"{again}":{value},{object_text[1:]}'


def common_cases(kind: Kind) -> list[dict]:
    """What every reader of a JWS refuses (section 1), whatever the kind."""
    return [
        *type_cases(kind), *algorithm_cases(kind), *key_cases(kind), *signature_cases(kind), *header_cases(kind),
        *duplicate_cases(kind), *base64_cases(kind), *parts_cases(kind), *json_cases(kind), *size_cases(kind),
    ]


def type_cases(kind: Kind) -> list[dict]:
    """`typ` is compared with one value."""
    other = "phone-state+jwt" if kind.typ != "phone-state+jwt" else "phone-keys+jwt"
    types = {
        "typ of another kind": other,
        "typ JWT": "JWT",
        "typ without its suffix": kind.typ.removesuffix("+jwt"),
        "typ as a media type": "application/" + kind.typ,
        "typ in upper case": kind.typ.upper(),
    }
    return [wrong(name, "type", kind.jws(header=kind.header | {"typ": typ})) for name, typ in types.items()]


def algorithm_cases(kind: Kind) -> list[dict]:
    """`alg` is ES256 and nothing else."""
    def start(alg: str) -> str:
        return f"{b64(compact(kind.header | {'alg': alg}).encode())}.{b64(compact(kind.payload).encode())}"

    mac = b64(hmac256(kind.key.point, start("HS256").encode()))
    return [
        wrong("alg none without a signature", "algorithm", start("none") + "."),
        wrong("alg none with a signature", "algorithm", signed(kind.key, start("none"))),
        wrong("alg HS256 with the public point as key", "algorithm", f"{start('HS256')}.{mac}"),
        wrong("alg ES384 over an ES256 signature", "algorithm", signed(kind.key, start("ES384"))),
        wrong("alg in lower case", "algorithm", signed(kind.key, start("es256"))),
    ]


def key_cases(kind: Kind) -> list[dict]:
    """`kid` names a key that the reader knows."""
    if kind.stranger_kid is None:
        return []
    header = kind.header | {"kid": kind.stranger_kid}
    return [wrong("kid and signature of a stranger", "unknown_key", kind.jws(header=header, key=kind.stranger))]


def signature_cases(kind: Kind) -> list[dict]:
    """Signatures that are not of the key over the bytes."""
    start, signature = kind.jws().rsplit(".", 1)
    raw = unb64(signature)
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    header_part, payload_part = start.split(".")
    other_payload = b64(compact(kind.payload | {"more": 1}).encode())
    other_header = b64((compact(kind.header) + " ").encode())
    signatures = {
        "signed by a stranger": unb64(kind.jws(key=kind.stranger).rsplit(".", 1)[1]),
        "last byte of the signature altered": altered(raw, 63),
        "first byte of the signature altered": altered(raw, 0),
        "signature of zeros": bytes(64),
        "signature cut by a byte": raw[:63],
        "signature with a byte more": raw + b"\0",
        "signature as ASN.1": der,
        "no signature": b"",
    }
    return [wrong(name, "signature", f"{start}.{b64(value)}") for name, value in signatures.items()] + [
        wrong("payload altered after signing", "signature", f"{header_part}.{other_payload}.{signature}"),
        wrong("header altered after signing", "signature", f"{other_header}.{payload_part}.{signature}"),
    ]


def header_cases(kind: Kind) -> list[dict]:
    """The header has its three members and no other."""
    by_key = kind.kid is None
    extra = {
        "crit and b64": {"crit": ["b64"], "b64": True},
        "crit with an unknown name": {"crit": ["x"], "x": 1},
        "b64": {"b64": True},
        "jku": {"jku": OTHER_ISSUER + "/keys"},
        "x5u": {"x5u": OTHER_ISSUER + "/certificate"},
        "x5c": {"x5c": ["AAAA"]},
        "cty": {"cty": "JWT"},
        "an unknown member": {"x": 1},
    }
    extra |= {"kid beside jwk": {"kid": kind.key.thumbprint}} if by_key else {"jwk beside kid": {"jwk": kind.key.jwk}}
    added = [
        wrong(f"header with {name}", "header", kind.jws(header=kind.header | more)) for name, more in extra.items()
    ]
    missing = [
        wrong(f"header without {name}", "header",
              kind.jws(header={key: value for key, value in kind.header.items() if key != name}))
        for name in kind.header
    ]
    return added + missing


def duplicate_cases(kind: Kind) -> list[dict]:
    """A member name stands once, at any depth."""
    header, payload = compact(kind.header), compact(kind.payload)
    member = next(iter(kind.payload))
    headers = {
        **{f"{name} twice in the header": doubled(header, name) for name in kind.header},
        "alg twice in the header, once escaped": doubled(header, "alg", escaped=True),
    }
    payloads = {
        f"{member} twice in the payload": doubled(payload, member),
        f"{member} twice in the payload, once escaped": doubled(payload, member, escaped=True),
    }
    for outer, inner in nested_objects(kind.payload):
        text, name = compact(inner), next(iter(inner))
        twice, escaped = doubled(text, name), doubled(text, name, escaped=True)
        payloads[f"{name} twice in {outer}"] = payload.replace(text, twice, 1)
        payloads[f"{name} twice in {outer}, once escaped"] = payload.replace(text, escaped, 1)
    if kind.kid is None:
        jwk = compact(kind.key.jwk)
        headers["x twice in the header's jwk"] = header.replace(jwk, doubled(jwk, "x"), 1)
    return [wrong(name, "duplicate", jws_of(kind.key, text, payload)) for name, text in headers.items()] + [
        wrong(name, "duplicate", jws_of(kind.key, header, text)) for name, text in payloads.items()
    ]


def nested_objects(payload: dict) -> list[tuple[str, dict]]:
    """The objects inside a payload, alone or first in a list."""
    firsts = [(name, value[0] if isinstance(value, list) and value else value) for name, value in payload.items()]
    return [(name, value) for name, value in firsts if isinstance(value, dict)]


def base64_cases(kind: Kind) -> list[dict]:
    """base64url without padding, canonical. Signed as sent, so that nothing else is wrong."""
    header, payload = b64(compact(kind.header).encode()), b64(compact(kind.payload).encode())
    padding = "=" * (-len(payload) % 4 or 1)
    jws = kind.jws()
    start = f"{header}.{payload}"
    return [
        wrong("payload with padding", "base64", signed(kind.key, f"{header}.{payload}{padding}")),
        wrong("signature with padding", "base64", jws + "=="),
        wrong("unused bits of the signature set", "base64", unused_bits_set(jws)),
        wrong("signature with + for -", "base64", signed_in_other_alphabet(kind.key, start, "-", "+")),
        wrong("signature with / for _", "base64", signed_in_other_alphabet(kind.key, start, "_", "/")),
        wrong("payload with a line break in it", "base64", signed(kind.key, f"{header}.{payload[:8]}\n{payload[8:]}")),
        wrong("newline at the end", "base64", jws + "\n"),
        wrong("space in front", "base64", signed(kind.key, " " + start)),
    ]


def parts_cases(kind: Kind) -> list[dict]:
    """Three parts."""
    jws = kind.jws()
    return [
        wrong("one part", "parts", jws.split(".")[0]),
        wrong("two parts", "parts", jws.rsplit(".", 1)[0]),
        wrong("four parts", "parts", jws + ".AAAA"),
        wrong("four parts, the last empty", "parts", jws + "."),
        wrong("five parts", "parts", jws + ".AAAA.AAAA"),
        wrong("nothing", "parts", ""),
    ]


def json_cases(kind: Kind) -> list[dict]:
    """The payload is a JSON object with the members of its kind. Rightly signed."""
    text = compact(kind.payload)
    payloads = {
        "payload is a list": "[]",
        "payload is a text": '"text"',
        "payload is null": "null",
        "payload is empty": "",
        "payload with something after it": text + "{}",
        "payload with a comma too many": text[:-1] + ",}",
        "payload after a byte order mark": b"\xef\xbb\xbf" + text.encode(),
        "payload not in UTF-8": text.encode()[:-1] + b',"more":"\xff"}',
    }
    whole = [wrong(name, "json", kind.jws(payload)) for name, payload in payloads.items()]
    missing = [
        wrong(f"without {name}", "json", kind.jws({key: value for key, value in kind.payload.items() if key != name}))
        for name in needed(kind)
    ]
    times = [
        wrong(f"{name} as {what}", "json", kind.jws(kind.payload | {name: change(kind.payload[name])}))
        for name in ("iat", "exp") if name in needed(kind)
        for what, change in (("a text", str), ("a fraction", lambda time: time + 0.5))
    ]
    aud = []
    if "aud" in kind.payload:
        aud = [kind.changed("aud as a list with the right value", "json", aud=[kind.payload["aud"]])]
    return whole + missing + times + aud


def needed(kind: Kind) -> list[str]:
    """The members that a reader can't do without.

    Not among them: what a state holds only "as it applies" (section 5), and the two members that no rule
    of a reader names, `jti` of a withdrawal and `iat` of a keys document.
    """
    spared = {
        "phone-state+jwt": {"cause", "prompts", "outcome"},
        "prompt-withdrawn+jwt": {"jti"},
        "phone-keys+jwt": {"iat"},
    }
    return [name for name in kind.payload if name not in spared.get(kind.typ, ())]


def size_cases(kind: Kind) -> list[dict]:
    """Properly signed, but too large."""
    limits = {kind.limit, MAX_JWS} if kind.typ == "phone-prompt+jwt" else {MAX_JWS}
    return [
        wrong(f"over {limit:,} bytes", "too_large", kind.jws(kind.sized(limit, beyond=True)))
        for limit in sorted(limits)
    ]


def usual_goods(kind: Kind) -> list[dict]:
    """The good case itself, with something unknown in it, and as large as may be."""
    return [
        kind.good("good"),
        kind.good("with an unknown member", renewed(kind.payload) | {"more": {"a": [1, None, "ü"]}}),
        kind.good(f"the largest within {kind.limit:,} bytes", renewed(kind.sized(kind.limit, beyond=False))),
    ]


def renewed(payload: dict) -> dict:
    """The same under its own id, so that each good case counts by itself."""
    return payload | {"jti": fresh_id()} if "jti" in payload else payload


def id_cases(kind: Kind, member: str) -> list[dict]:
    """An id is 16 bytes in canonical base64url."""
    ids = {
        "15 bytes": b64(os.urandom(15)),
        "17 bytes": b64(os.urandom(17)),
        "unused bits set": unused_bits_set(kind.payload[member]),
        "padding": kind.payload[member] + "==",
    }
    return [kind.changed(f"{member} with {what}", "id", **{member: value}) for what, value in ids.items()]


def issuer_cases(kind: Kind) -> list[dict]:
    """`iss` is compared as an exact text."""
    issuers = {
        "another issuer": OTHER_ISSUER,
        "issuer with a trailing slash": ISSUER + "/",
        "issuer in upper case": ISSUER.upper(),
        "issuer with its port": ISSUER + ":443",
    }
    return [kind.changed(name, "issuer", iss=iss) for name, iss in issuers.items()]


def audience_cases(kind: Kind, **audiences: str) -> list[dict]:
    """`aud` is compared as an exact text."""
    return [kind.changed(f"aud is {name.replace('_', ' ')}", "audience", aud=aud) for name, aud in audiences.items()]


def time_cases(kind: Kind) -> list[dict]:
    """Past its end, or made in the future."""
    return [
        kind.changed("ends now", "expired", iat=NOW - 60, exp=NOW),
        kind.changed("ended a second ago", "expired", iat=NOW - 60, exp=NOW - 1),
        kind.changed("made 61 s ahead", "future", iat=NOW + 61, exp=NOW + 121),
    ]


# ---- who takes part

@dataclass(frozen=True)
class World:
    """The keys and ids that all the files share."""

    service: Key
    service_next: Key
    device: Key
    stranger: Key
    push: Key
    push_auth: bytes
    slot: bytes
    device_id: str
    account_id: str
    enrollment_secret: bytes
    enrollment_id: str

    @classmethod
    def make(cls) -> "World":
        """Fresh keys; the scanned secret is searched until its digits begin with a zero."""
        device, push = Key.make(), Key.make()
        secret = os.urandom(16)
        while not digits_of(hmac256(secret, digits_input(device, push))).startswith("0"):
            secret = os.urandom(16)
        return cls(
            service=Key.make(), service_next=Key.make(), device=device, stranger=Key.make(), push=push,
            push_auth=os.urandom(16), slot=os.urandom(16), device_id=fresh_id(), account_id=fresh_id(),
            enrollment_secret=secret, enrollment_id=fresh_id(),
        )

    @property
    def service_keys(self) -> dict:
        """What the phone holds of the service."""
        return {"seq": 1, "keys": [self.service.jwk]}

    def from_service(self, typ: str, payload: dict, limit: int = MAX_JWS) -> Kind:
        """A kind that the service signs."""
        return Kind(typ, self.service, self.stranger, payload, self.service.thumbprint, self.stranger.thumbprint, limit)

    def document(self, kind: Kind, signed_by: str, expected: dict, cases: list[dict]) -> dict:
        """The file of one kind."""
        head = {"typ": kind.typ, "signed_by": signed_by, "now": NOW, "expected": expected}
        keys = {"service_keys": self.service_keys} if signed_by == "service" else {}
        return head | keys | {"cases": cases}

    @property
    def addressee(self) -> dict:
        """What the phone compares a message of the service with."""
        return {"issuer": ISSUER, "device_id": self.device_id, "account_id": self.account_id}


def keys_file(world: World) -> dict:
    """keys.json: test keys, private halves included."""
    return {
        name: {
            "jwk": key.jwk | {"d": b64(key.scalar)},
            "point": b64(key.point),
            "thumbprint": key.thumbprint,
        }
        for name, key in (
            ("service", world.service), ("service_next", world.service_next),
            ("device", world.device), ("stranger", world.stranger),
        )
    }


# ---- service to phone

def prompt_file(world: World) -> dict:
    """phone-prompt.json (section 7)."""
    context = {
        "application": "Example Mail", "browser": "Chrome", "os": "Linux", "address": "127.0.0.1",
        "place": None, "near": True,
    }
    kind = world.from_service("phone-prompt+jwt", {
        "iss": ISSUER, "aud": world.device_id, "sub": world.account_id, "jti": fresh_id(),
        "iat": NOW - 5, "exp": NOW + 115, "kind": "second_factor", "key": "device", "origin": "password_proved",
        "match": {"mode": "enter", "digits": 2}, "context": context,
    }, limit=MAX_PROMPT)
    cases = [
        *prompt_goods(kind), *common_cases(kind),
        *audience_cases(kind, another_device=fresh_id(), the_account=world.account_id, the_issuer=ISSUER),
        *issuer_cases(kind),
        kind.changed("sub of another account", "subject", sub=fresh_id()),
        *time_cases(kind),
        kind.changed("lives 301 s", "life", kind="confirm_enrolment", exp=NOW - 5 + 301),
        *id_cases(kind, "jti"),
        *match_cases(kind),
        kind.changed("unknown kind", "unknown", kind="sign_in"),
        kind.changed("key of phone sign-in", "unknown", key="sign_in"),
        kind.changed("unknown origin", "unknown", origin="anywhere"),
        kind.changed("unknown mode", "unknown", match={"mode": "guess", "digits": 2}),
        *text_cases(kind),
    ]
    return world.document(kind, "service", world.addressee, cases)


def prompt_goods(kind: Kind) -> list[dict]:
    """Prompts to be shown."""
    context = kind.payload["context"]
    place = {"city": "Zürich", "region": "Zürich", "country": "Switzerland"}
    variants = {
        "choose": {"match": {"mode": "choose", "options": ["47", "12", "83"]}},
        "three digits": {"match": {"mode": "enter", "digits": 3}},
        "confirm_enrolment for 300 s": {"kind": "confirm_enrolment", "origin": "signed_in", "exp": NOW - 5 + 300},
        "remove_method": {"kind": "remove_method", "origin": "signed_in"},
        "known_browser": {"origin": "known_browser"},
        "made 60 s ahead": {"iat": NOW + 60, "exp": NOW + 180},
        "in its last second": {"iat": NOW - 119, "exp": NOW + 1},
        "with a place": {"context": context | {"place": place, "near": False}},
        "from an unlisted browser": {"context": context | {"browser": "NetSurf", "os": "Haiku"}},
        "text of 128 characters": {"context": context | {"application": "ü" * 128}},
    }
    return usual_goods(kind) + [
        kind.good(name, renewed(kind.payload) | changes) for name, changes in variants.items()
    ]


def match_cases(kind: Kind) -> list[dict]:
    """Numbers in a form that is not allowed."""
    matches = {
        "one digit": {"mode": "enter", "digits": 1},
        "four digits": {"mode": "enter", "digits": 4},
        "two equal options": {"mode": "choose", "options": ["47", "12", "47"]},
        "an option of one digit": {"mode": "choose", "options": ["47", "1", "83"]},
        "an option of three digits": {"mode": "choose", "options": ["47", "123", "83"]},
        "an option of letters": {"mode": "choose", "options": ["47", "ab", "83"]},
        "an option in Arabic-Indic digits": {"mode": "choose", "options": ["47", "\u0661\u0662", "83"]},
        "an option in fullwidth digits": {"mode": "choose", "options": ["47", "\uff11\uff12", "83"]},
    }
    counts = {"two options": ["47", "12"], "four options": ["47", "12", "83", "65"], "no options": []}
    return [kind.changed(name, "match", match=match) for name, match in matches.items()] + [
        kind.changed(name, "match", match={"mode": "choose", "options": options}) for name, options in counts.items()
    ]


def text_cases(kind: Kind) -> list[dict]:
    """Texts of the context that are too long."""
    context = kind.payload["context"]
    place = {"city": "Bern", "region": "Bern", "country": "Switzerland"}
    long = "x" * 129
    contexts = {name: {name: long} for name in ("application", "browser", "os", "address")}
    contexts |= {name: {"place": place | {name: long}} for name in place}
    return [
        kind.changed(f"{name} of 129 characters", "text", context=context | change) for name, change in contexts.items()
    ]


def withdrawn_file(world: World) -> dict:
    """prompt-withdrawn.json (section 7); withdraws another prompt than the good one."""
    kind = world.from_service("prompt-withdrawn+jwt", {
        "iss": ISSUER, "aud": world.device_id, "jti": fresh_id(), "iat": NOW - 2, "prompt": fresh_id(),
        "reason": "answered_elsewhere", "exp": NOW + 110,
    }, limit=MAX_PROMPT)
    reasons = [
        kind.good(reason, renewed(kind.payload) | {"prompt": fresh_id(), "reason": reason})
        for reason in ("cancelled", "superseded", "ended")
    ]
    cases = [
        *usual_goods(kind), *reasons, *common_cases(kind),
        *audience_cases(kind, another_device=fresh_id(), the_issuer=ISSUER), *issuer_cases(kind),
        *time_cases(kind), *id_cases(kind, "prompt"),
        kind.changed("unknown reason", "unknown", reason="bored"),
    ]
    return world.document(kind, "service", world.addressee, cases)


def state_file(world: World, prompt: dict) -> dict:
    """phone-state.json (section 5): answers to one request."""
    request, jti = fresh_id(), json.loads(prompt["payload"])["jti"]
    kind = world.from_service("phone-state+jwt", {
        "iss": ISSUER, "aud": world.device_id, "iat": NOW, "request": request, "status": "ok",
        "outcome": {"prompt": jti, "result": "approved"},
    })
    bare = {name: value for name, value in kind.payload.items() if name != "outcome"}
    results = ("denied", "reported", "wrong_number", "expired", "superseded", "cancelled", "already_answered")
    causes = (
        "not_my_phone", "wrong_digits", "cancelled", "expired", "abandoned", "removed_by_phone", "removed_by_person",
        "removed_by_operator",
    )
    cases = [
        *usual_goods(kind),
        kind.good("ok without prompts", bare | {"prompts": []}),
        kind.good("ok with a prompt", bare | {"prompts": [prompt["jws"]]}),
        kind.good("pending", bare | {"status": "pending"}),
        kind.good("clock_skew", bare | {"iat": NOW + 7_200, "status": "clock_skew"}),
        *(kind.good(f"removed, {cause}", bare | {"status": "removed", "cause": cause}) for cause in causes),
        *(kind.good(f"outcome {result}", bare | {"outcome": {"prompt": jti, "result": result}}) for result in results),
        *common_cases(kind),
        *audience_cases(kind, another_device=fresh_id(), the_issuer=ISSUER), *issuer_cases(kind),
        kind.changed("answers another request", "request", request=fresh_id()),
        kind.changed("unknown status", "unknown", status="asleep"),
    ]
    return world.document(kind, "service", world.addressee | {"request": request}, cases)


def keys_document_file(world: World) -> dict:
    """phone-keys.json (section 6): single documents and chains."""
    kind = world.from_service("phone-keys+jwt", {"iss": ISSUER, "iat": NOW, "seq": 1, "keys": [world.service.jwk]})
    own, following = world.service.jwk, world.service_next.jwk
    outside = jwk_of_point(off_curve(world.service_next.point))
    loose = following | {"x": unused_bits_set(following["x"])}

    def with_second(jwk: dict) -> dict:
        return {"keys": [own, jwk]}

    cases = [
        *usual_goods(kind),
        kind.good("two keys", kind.payload | with_second(following)),
        kind.good("eight keys", kind.payload | {"keys": [own, *(Key.make().jwk for _ in range(7))]}),
        *common_cases(kind), *issuer_cases(kind),
        kind.changed("no keys", "json", keys=[]),
        kind.changed("nine keys", "json", keys=[own, *(Key.make().jwk for _ in range(8))]),
        kind.changed("seq 0", "json", seq=0),
        kind.changed("seq as a text", "json", seq="1"),
        kind.changed("a key that is not on the curve", "point", **with_second(outside)),
        kind.changed("a key of another curve", "point", **with_second(following | {"crv": "P-384"})),
        kind.changed("a key of another type", "point", **with_second(following | {"kty": "OKP"})),
        kind.changed("a key with x of 31 bytes", "point", **with_second(following | {"x": b64(bytes(31))})),
        kind.changed("unused bits of x set", "base64", **with_second(loose)),
        kind.changed("a key without y", "json", **with_second({name: following[name] for name in ("kty", "crv", "x")})),
    ]
    expected = {"issuer": ISSUER, "seq": 1}
    return world.document(kind, "service", expected, cases) | {"chains": chains(world)}


def chains(world: World) -> list[dict]:
    """What a phone follows, and what not."""
    def link(seq: int, keys: list[Key], signer: Key, iss: str = ISSUER, kid: str | None = None) -> str:
        header = {"alg": "ES256", "typ": "phone-keys+jwt", "kid": kid or signer.thumbprint}
        payload = {"iss": iss, "iat": NOW + seq, "seq": seq, "keys": [key.jwk for key in keys]}
        return jws_of(signer, compact(header), compact(payload))

    def held(seq: int, *keys: Key) -> dict:
        return {"seq": seq, "keys": [key.jwk for key in keys]}

    old, new, stranger = world.service, world.service_next, world.stranger
    both = [old, new]
    first, second, third = link(1, [old], old), link(2, both, old), link(3, [new], new)
    one, two, three = held(1, old), held(2, *both), held(3, new)

    def good(name: str, chain: list[str], start: dict, result: dict) -> dict:
        return {"name": name, "verdict": "good", "chain": chain, "held": start, "result": result}

    def refused(name: str, chain: list[str], start: dict = one) -> dict:
        return {"name": name, "verdict": "chain", "chain": chain, "held": start}

    return [
        good("good", [first, second], one, two),
        good("two steps", [first, second, third], one, three),
        good("the last step", [first, second, third], two, three),
        good("nothing new", [first], one, one),
        refused("seq 2 signed by the new key only", [first, link(2, both, new)]),
        refused("seq 2 signed by a stranger in the old key's name",
                [first, link(2, both, stranger, kid=old.thumbprint)]),
        refused("seq jumps to 3", [first, link(3, both, old)]),
        refused("seq stays at 1", [first, link(1, both, old)]),
        refused("another issuer", [first, link(2, both, old, iss=OTHER_ISSUER)]),
        refused("seq 3 signed by a key of seq 1 that seq 2 has dropped",
                [first, link(2, [new], old), link(3, both, old)]),
        refused("seq 3 wrong after a good seq 2", [first, second, link(3, [stranger], stranger)]),
        refused("another first document than the one held", [first, second], held(1, stranger)),
    ]


# ---- phone to service

def device_expected(world: World, kid: str | None, **further) -> dict:
    """What the service knows of the device."""
    name = {} if kid is None else {"kid": kid}
    return {"issuer": ISSUER, "device_point": b64(world.device.point)} | name | further


def answer_file(world: World, prompt: dict) -> dict:
    """phone-answer.json (section 7)."""
    jti, digest = json.loads(prompt["payload"])["jti"], b64(sha256(prompt["jws"]))
    kid = world.device.thumbprint
    kind = Kind("phone-answer+jwt", world.device, world.stranger, {
        "aud": ISSUER, "prompt": jti, "prompt_sha256": digest, "decision": "approve", "number": "47", "uv": "none",
    }, kid, world.stranger.thumbprint)
    denial = {name: value for name, value in kind.payload.items() if name != "number"} | {"decision": "deny"}
    cases = [
        *usual_goods(kind),
        kind.good("deny", denial),
        *common_cases(kind),
        *audience_cases(kind, another_issuer=OTHER_ISSUER, the_answers_endpoint=ENDPOINT + "answers",
                        the_issuer_with_a_slash=ISSUER + "/"),
        kind.changed("answers another prompt", "request", prompt=fresh_id()),
        kind.changed("prompt_sha256 of other bytes", "request", prompt_sha256=b64(sha256(prompt["jws"] + " "))),
        kind.changed("unknown decision", "unknown", decision="maybe"),
        kind.changed("unknown uv", "unknown", uv="palm"),
        *(kind.changed(f"uv {uv} by a key that asks nobody", "verification", uv=uv)
          for uv in ("biometric", "credential", "unspecified")),
    ]
    expected = device_expected(world, kid, aud=ISSUER, prompt=jti, prompt_sha256=digest)
    return world.document(kind, "device", expected, cases)


def request_file(world: World, prompt: dict, answer: dict) -> dict:
    """phone-request.json (section 4); a case comes to the endpoint in its `aud`, else to the expected one."""
    jti = json.loads(prompt["payload"])["jti"]
    base = {"aud": ENDPOINT + "prompts", "iat": NOW, "exp": NOW + 60, "jti": fresh_id(), "message": "fetch"}
    fetch = {"reason": "opened", "wait": 0, "known": {"status": "ok", "prompts": []}}
    kind = Kind("phone-request+jwt", world.device, world.stranger, base | fetch, world.device_id, fresh_id())

    def request(endpoint: str, message: str, **further) -> dict:
        return renewed(base) | {"aud": ENDPOINT + endpoint, "message": message} | further

    waiting = {"status": "pending", "prompts": [jti, *(fresh_id() for _ in range(15))]}
    further = {
        "fetch, waiting with 16 known prompts":
            request("prompts", "fetch", reason="poll", wait=30, known=waiting),
        "fetch after a push": request("prompts", "fetch", **(fetch | {"reason": "push"})),
        "answer brought by push": request("answers", "answer", answer=answer["jws"], received_by="push"),
        "answer fetched": request("answers", "answer", answer=answer["jws"], received_by="fetch"),
        "report": request("answers", "report", prompt=jti),
        "unblock": request("device", "unblock"),
        "abandon": request("device", "abandon"),
        "unenroll": request("device", "unenroll"),
        "made 60 s ahead": renewed(kind.payload) | {"iat": NOW + 60, "exp": NOW + 120},
        "made 60 s ago, in its last second": renewed(kind.payload) | {"iat": NOW - 60, "exp": NOW + 1},
        "lives 120 s": renewed(kind.payload) | {"exp": NOW + 120},
    }
    report = replace(kind, payload=further["report"])
    bare_report, bare_answer = dict(further["report"]), dict(further["answer fetched"])
    del bare_report["prompt"], bare_answer["answer"]
    to_prompts = [
        *common_cases(kind),
        *audience_cases(kind, another_endpoint=ENDPOINT + "answers", the_issuer=ISSUER,
                        the_endpoint_of_another_issuer=OTHER_ISSUER + "/phone/prompts",
                        the_endpoint_with_a_slash=ENDPOINT + "prompts/"),
        *time_cases(kind),
        kind.changed("lives 121 s", "life", exp=NOW + 121),
        *id_cases(kind, "jti"),
        kind.changed("waits 31 s", "json", wait=31),
        kind.changed("17 known prompts", "json", known={"status": "ok", "prompts": [fresh_id() for _ in range(17)]}),
        kind.changed("unknown message", "unknown", message="forget"),
    ]
    to_answers = [
        wrong("report without prompt", "json", report.jws(bare_report)),
        wrong("answer without answer", "json", kind.jws(bare_answer)),
        *id_cases(report, "prompt"),
    ]
    cases = [
        *usual_goods(kind),
        *(kind.good(name, payload, aud=payload["aud"]) for name, payload in further.items()),
        *to_prompts,
        *(case | {"aud": ENDPOINT + "answers"} for case in to_answers),
    ]
    return world.document(kind, "device", device_expected(world, world.device_id, aud=base["aud"], prompt=jti), cases)


def enrollment_file(world: World) -> dict:
    """phone-enrollment.json (section 3.2); its MAC is made with the scanned key of proofs.json."""
    def bound(push_point: bytes) -> dict:
        mac = hmac256(world.enrollment_secret, bind_input(world, world.enrollment_id, push_point))
        push = {
            "endpoint": "https://relay.example/push/c2VhbGVk", "p256dh": b64(push_point), "auth": b64(world.push_auth),
        }
        return {"mac": b64(mac), "push": push}

    right = bound(world.push.point)
    kind = Kind("phone-enrollment+jwt", world.device, world.stranger, {
        "aud": ENDPOINT + "enrollment", "iat": NOW, "exp": NOW + 60, "jti": fresh_id(), "v": 1,
        "enrollment": world.enrollment_id, "mac": right["mac"],
        "device": {"name": "Ada's phone", "model": "Pixel 9", "os": "Android 16", "app_version": "1.0.0"},
        "push": right["push"], "attestation": {"format": "none"},
    }, None, None)
    jwk = world.device.jwk
    outside = jwk_of_point(off_curve(world.device.point))

    def with_jwk(name: str, verdict: str, key: dict) -> dict:
        return wrong(name, verdict, kind.jws(header=kind.header | {"jwk": key}))

    cases = [
        *usual_goods(kind), *common_cases(kind),
        *audience_cases(kind, another_endpoint=ENDPOINT + "prompts", the_issuer=ISSUER,
                        the_endpoint_of_another_issuer=OTHER_ISSUER + "/phone/enrollment"),
        *time_cases(kind), *id_cases(kind, "jti"),
        kind.changed("v 2", "unknown", v=2),
        with_jwk("jwk not on the curve", "point", outside),
        with_jwk("jwk of another curve", "point", jwk | {"crv": "P-384"}),
        with_jwk("jwk of another type", "point", jwk | {"kty": "OKP"}),
        with_jwk("jwk with x of 31 bytes", "point", jwk | {"x": b64(world.device.point[2:33])}),
        with_jwk("unused bits of x set", "base64", jwk | {"x": unused_bits_set(jwk["x"])}),
        kind.changed("push key not on the curve", "point", **bound(off_curve(world.push.point))),
        kind.changed("mac altered", "mac", mac=b64(altered(unb64(right["mac"]), 31))),
    ]
    expected = device_expected(
        world, None, aud=ENDPOINT + "enrollment", enrollment=world.enrollment_id, key=b64(world.enrollment_secret),
        thumbprint=world.device.thumbprint,
    )
    return world.document(kind, "device", expected, cases)


# ---- proofs

def digits_input(device: Key, push: Key) -> bytes:
    """What the digits are made of (section 3.3)."""
    return lp("digits", ISSUER, unb64(device.thumbprint), push.point)


def digits_of(mac: bytes) -> str:
    """Six digits."""
    return f"{int.from_bytes(mac[:8], 'big') % 1_000_000:06}"


def bind_input(world: World, enrollment: str, push_point: bytes) -> bytes:
    """What a phone proves as it binds (section 3.2)."""
    return lp("bind", ISSUER, enrollment, unb64(world.device.thumbprint), push_point, world.push_auth)


def typed_code() -> str:
    """Twelve characters, a 0 and a 1 among the secret ones, so that look-alikes can be tried."""
    while True:
        code = "".join(secrets.choice(CROCKFORD) for _ in range(12))
        if {"0", "1"} <= set(code[4:]):
            return code


def typed_enrollment() -> dict:
    """A typed code and its key (section 3)."""
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
    """A scanned code and its key, which is the secret itself (section 3)."""
    secret = b64(world.enrollment_secret)
    code = f"countersign://enroll?v=1&issuer={quote(ISSUER, safe='')}&id={world.enrollment_id}&secret={secret}"
    return {
        "name": "scanned", "code": code, "id": world.enrollment_id, "secret": secret, "key": secret,
    }


def proof(key: bytes, fields: dict, data: bytes) -> dict:
    """One MAC: what it is made of, its input and itself."""
    return {"fields": fields, "input": b64(data), "mac": b64(hmac256(key, data))}


def proofs_of(world: World, enrollment: dict, keys_jws: str) -> dict:
    """All the MACs of one enrolment (sections 3.1 to 3.3)."""
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
    """Another value of the same form."""
    if name == "issuer":
        return OTHER_ISSUER
    if name == "id":
        return ("1" if value[0] != "1" else "2") + value[1:]
    if name == "body":
        return value + " "
    return b64(altered(unb64(value), -1))


def wrong_proofs(enrollment: dict) -> list[dict]:
    """Each MAC beside one field, key or byte that is not its own."""
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
    """proofs.json: known answers of MACs, key derivation and digests."""
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


# ---- pushes

def padded(jws: str, filler: str = " ") -> bytes:
    """A JWS filled up to the one length of all pushes (section 8)."""
    return jws.ljust(MAX_PROMPT, filler).encode()


def push_to(receiver: bytes, auth: bytes, content: bytes, rs: int = MAX_PUSH) -> bytes:
    """Encrypts with http_ece (RFC 8291)."""
    return http_ece.encrypt(
        content, private_key=ec.generate_private_key(ec.SECP256R1()), dh=receiver, auth_secret=auth, rs=rs,
        version="aes128gcm",
    )


def push_record(world: World, record: bytes) -> bytes:
    """Encrypts one record as it is, delimiter and all; http_ece sets its own."""
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


def push_file(world: World, prompts: dict, withdrawals: dict) -> dict:
    """push.json: encrypted messages to one account."""
    by_name = {case["name"]: case["jws"] for case in prompts["cases"]}
    goods = {
        "prompt": by_name["good"],
        "choose": by_name["choose"],
        "the largest prompt": by_name[f"the largest within {MAX_PROMPT:,} bytes"],
        "withdrawal": withdrawals["cases"][0]["jws"],
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
    """A push to be dropped."""
    return {"name": name, "verdict": verdict, "message": b64(message)}


def push_decryption_cases(world: World, jws: str) -> list[dict]:
    """Well-formed, but not encrypted to this account, or altered."""
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
    """Not one whole `aes128gcm` record of a size that push services carry."""
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
    """Rightly encrypted, but nothing to be believed inside."""
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


# ---- the inbox

def inbox_file(world: World) -> dict:
    """inbox.json: the sealed snapshot that an app leaves for its notification extension."""
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


# ---- all together

def make_all() -> dict[str, dict]:
    """Every file by its name."""
    world = World.make()
    prompts, withdrawals, keys = prompt_file(world), withdrawn_file(world), keys_document_file(world)
    prompt = prompts["cases"][0]
    answers = answer_file(world, prompt)
    return {
        "keys.json": keys_file(world),
        "phone-prompt.json": prompts,
        "prompt-withdrawn.json": withdrawals,
        "phone-state.json": state_file(world, prompt),
        "phone-keys.json": keys,
        "phone-enrollment.json": enrollment_file(world),
        "phone-request.json": request_file(world, prompt, answers["cases"][0]),
        "phone-answer.json": answers,
        "proofs.json": proofs_file(world, prompt, keys["cases"][0]["jws"]),
        "push.json": push_file(world, prompts, withdrawals),
        "inbox.json": inbox_file(world),
    }


def main() -> None:
    """Writes the files and their sums."""
    VECTORS.mkdir(exist_ok=True)
    sums = []
    for name, content in sorted(make_all().items()):
        data = (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()
        (VECTORS / name).write_bytes(data)
        sums.append(f"{hashlib.sha256(data).hexdigest()}  {name}\n")
    (VECTORS / "SHA256SUMS").write_text("".join(sums))


if __name__ == "__main__":
    main()
