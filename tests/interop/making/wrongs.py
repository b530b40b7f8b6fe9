"""Makes wrong cases for messages of any kind: each case is a valid message with one change."""

import json
import os

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from making.jose import (
    ISSUER,
    Kind,
    MAX_JWS,
    NOW,
    OTHER_ISSUER,
    altered,
    b64,
    compact,
    fresh_id,
    hmac256,
    jws_of,
    signed,
    signed_in_other_alphabet,
    unb64,
    unused_bits_set,
    wrong,
)


def doubled(object_text: str, name: str, escaped: bool = False) -> str:
    """Returns the text of an object that contains one member twice, with the same value."""
    value = compact(json.loads(object_text)[name])
    again = f"\\u{ord(name[0]):04x}{name[1:]}" if escaped else name
    return f'{{"{again}":{value},{object_text[1:]}'


def common_cases(kind: Kind) -> list[dict]:
    """Returns the wrong cases that every kind of message has. Every reader of a JWS must refuse them (section 1)."""
    return [
        *type_cases(kind), *algorithm_cases(kind), *key_cases(kind), *signature_cases(kind), *header_cases(kind),
        *duplicate_cases(kind), *base64_cases(kind), *parts_cases(kind), *json_cases(kind), *size_cases(kind),
    ]


def type_cases(kind: Kind) -> list[dict]:
    """`typ` must be exactly the value of the kind."""
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
    """`alg` must be ES256."""
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
    """`kid` must name a key that the reader knows."""
    if kind.attacker_kid is None:
        return []
    header = kind.header | {"kid": kind.attacker_kid}
    return [wrong("kid and signature of a stranger", "unknown_key", kind.jws(header=header, key=kind.attacker))]


def signature_cases(kind: Kind) -> list[dict]:
    """Returns cases whose signature does not match the key and the signed bytes."""
    start, signature = kind.jws().rsplit(".", 1)
    raw = unb64(signature)
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    header_part, payload_part = start.split(".")
    other_payload = b64(compact(kind.payload | {"more": 1}).encode())
    other_header = b64((compact(kind.header) + " ").encode())
    signatures = {
        "signed by a stranger": unb64(kind.jws(key=kind.attacker).rsplit(".", 1)[1]),
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
    """The header must have exactly its three members."""
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
    """A member name must be unique in its object, at any depth."""
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
    """Returns the objects inside a payload that are a member, or the first item of a list."""
    firsts = [(name, value[0] if isinstance(value, list) and value else value) for name, value in payload.items()]
    return [(name, value) for name, value in firsts if isinstance(value, dict)]


def base64_cases(kind: Kind) -> list[dict]:
    """base64url must be canonical and unpadded. The signature covers the sent text; there is no other fault."""
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
    """A JWS must have three parts."""
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
    """The payload must be a JSON object with the members of its kind. All cases are correctly signed."""
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
    """Returns the members that a reader requires.

    These members are not required: the members that a state has only "as it applies" (section 5); and `jti` of a
    withdrawal and `iat` of a key document, which no reader uses.
    """
    spared = {
        "phone-state+jwt": {"cause", "prompts", "outcome"},
        "prompt-withdrawn+jwt": {"jti"},
        "phone-keys+jwt": {"iat"},
    }
    return [name for name in kind.payload if name not in spared.get(kind.typ, ())]


def size_cases(kind: Kind) -> list[dict]:
    """Returns correctly signed messages that are too large."""
    limits = {kind.limit, MAX_JWS} if kind.typ == "phone-prompt+jwt" else {MAX_JWS}
    return [
        wrong(f"over {limit:,} bytes", "too_large", kind.jws(kind.sized(limit, beyond=True)))
        for limit in sorted(limits)
    ]


def usual_goods(kind: Kind) -> list[dict]:
    """Valid cases: the plain message, one with an unknown member, and one of the maximum size."""
    return [
        kind.good("good"),
        kind.good("with an unknown member", renewed(kind.payload) | {"more": {"a": [1, None, "ü"]}}),
        kind.good(f"the largest within {kind.limit:,} bytes", renewed(kind.sized(kind.limit, beyond=False))),
    ]


def renewed(payload: dict) -> dict:
    """Returns the payload with a new `jti`, because a reader accepts each `jti` only once."""
    return payload | {"jti": fresh_id()} if "jti" in payload else payload


def id_cases(kind: Kind, member: str) -> list[dict]:
    """An id must be 16 bytes in canonical base64url."""
    ids = {
        "15 bytes": b64(os.urandom(15)),
        "17 bytes": b64(os.urandom(17)),
        "unused bits set": unused_bits_set(kind.payload[member]),
        "padding": kind.payload[member] + "==",
    }
    return [kind.changed(f"{member} with {what}", "id", **{member: value}) for what, value in ids.items()]


def issuer_cases(kind: Kind) -> list[dict]:
    """`iss` must match exactly."""
    issuers = {
        "another issuer": OTHER_ISSUER,
        "issuer with a trailing slash": ISSUER + "/",
        "issuer in upper case": ISSUER.upper(),
        "issuer with its port": ISSUER + ":443",
    }
    return [kind.changed(name, "issuer", iss=iss) for name, iss in issuers.items()]


def audience_cases(kind: Kind, **audiences: str) -> list[dict]:
    """`aud` must match exactly."""
    return [kind.changed(f"aud is {name.replace('_', ' ')}", "audience", aud=aud) for name, aud in audiences.items()]


def time_cases(kind: Kind) -> list[dict]:
    """Returns messages that have expired, and a message that was made in the future."""
    return [
        kind.changed("ends now", "expired", iat=NOW - 60, exp=NOW),
        kind.changed("ended a second ago", "expired", iat=NOW - 60, exp=NOW - 1),
        kind.changed("made 61 s ahead", "future", iat=NOW + 61, exp=NOW + 121),
    ]
