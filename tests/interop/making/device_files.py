"""Makes the vector files of the messages that a device signs."""

import json
from dataclasses import replace

from making.jose import (
    ENDPOINT,
    ISSUER,
    Kind,
    NOW,
    OTHER_ISSUER,
    altered,
    b64,
    fresh_id,
    hmac256,
    jwk_of_point,
    off_curve,
    sha256,
    unb64,
    unused_bits_set,
    wrong,
)
from making.proofs import bind_input
from making.world import World
from making.wrongs import audience_cases, common_cases, id_cases, renewed, time_cases, usual_goods


def device_expected(world: World, kid: str | None, **further) -> dict:
    """Returns the values with which the service compares a message of the device."""
    name = {} if kid is None else {"kid": kid}
    return {"issuer": ISSUER, "device_point": b64(world.device.point)} | name | further


def answer_file(world: World, prompt: dict) -> dict:
    """Makes phone-answer.json (section 7.4)."""
    jti, digest = json.loads(prompt["payload"])["jti"], b64(sha256(prompt["jws"]))
    kid = world.device.thumbprint
    kind = Kind("phone-answer+jwt", world.device, world.attacker, {
        "aud": ISSUER, "prompt": jti, "prompt_sha256": digest, "decision": "approve", "number": "47", "uv": "none",
    }, kid, world.attacker.thumbprint)
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


def sign_in_answer_file(world: World, prompt: dict) -> dict:
    """Makes phone-sign-in-answer.json (section 7.4): approvals by the sign-in key, which requires user verification."""
    jti, digest = json.loads(prompt["payload"])["jti"], b64(sha256(prompt["jws"]))
    kid = world.sign_in.thumbprint
    kind = Kind("phone-answer+jwt", world.sign_in, world.attacker, {
        "aud": ISSUER, "prompt": jti, "prompt_sha256": digest, "decision": "approve", "number": "47",
        "uv": "credential",
    }, kid, world.attacker.thumbprint)
    cases = [
        *usual_goods(kind),
        kind.good("uv biometric", kind.payload | {"uv": "biometric"}),
        kind.good("uv unspecified", kind.payload | {"uv": "unspecified"}),
        *common_cases(kind),
        kind.changed("uv none by a key that asks", "verification", uv="none"),
        kind.changed("unknown uv", "unknown", uv="palm"),
    ]
    expected = {"issuer": ISSUER, "kid": kid, "aud": ISSUER, "prompt": jti, "prompt_sha256": digest}
    return world.document(kind, "sign_in", expected, cases)


def sign_in_key_file(world: World) -> dict:
    """Makes phone-sign-in-key.json (section 10.1): the proof that a new sign-in key signs for its registration."""
    nonce = fresh_id()
    kind = Kind("phone-sign-in-key+jwt", world.sign_in, world.attacker, {
        "aud": ISSUER, "sub": world.account_id, "device": world.device_id, "device_key": world.device.thumbprint,
        "nonce": nonce, "purpose": "turn_on", "uv": "credential", "attestation": {"format": "none"},
    }, None, None)
    cases = [
        *usual_goods(kind),
        kind.good("uv biometric", kind.payload | {"uv": "biometric"}),
        kind.good("uv unspecified", kind.payload | {"uv": "unspecified"}),
        *common_cases(kind),
        *audience_cases(kind, another_issuer=OTHER_ISSUER, the_issuer_with_a_slash=ISSUER + "/"),
        kind.changed("sub of another account", "subject", sub=fresh_id()),
        kind.changed("of another device", "request", device=fresh_id()),
        kind.changed("beside another device key", "request", device_key=world.attacker.thumbprint),
        kind.changed("another nonce", "request", nonce=fresh_id()),
        kind.changed("another purpose", "unknown", purpose="turn_off"),
        kind.changed("nobody was asked", "verification", uv="none"),
        kind.changed("unknown uv", "unknown", uv="palm"),
        kind.changed("unknown attestation", "unknown", attestation={"format": "word-of-honour"}),
    ]
    expected = {"issuer": ISSUER, "account_id": world.account_id, "device": world.device_id,
                "device_key": world.device.thumbprint, "nonce": nonce}
    return world.document(kind, "sign_in", expected, cases)


def dpop_file(world: World) -> dict:
    """Makes dpop.json (section 10.1, RFC 9449): a DPoP proof that the device key signs for the token endpoint."""
    endpoint = ISSUER + "/token"
    kind = Kind("dpop+jwt", world.device, world.attacker, {
        "jti": fresh_id(), "htm": "POST", "htu": endpoint, "iat": NOW,
    }, None, None)
    cases = [
        *usual_goods(kind),
        kind.good("made 60 s ahead", renewed(kind.payload) | {"iat": NOW + 60}),
        kind.good("made 60 s ago", renewed(kind.payload) | {"iat": NOW - 60}),
        *common_cases(kind),
        kind.changed("made 61 s ahead", "future", iat=NOW + 61),
        kind.changed("made 61 s ago", "expired", iat=NOW - 61),
        kind.changed("for another method", "request", htm="GET"),
        kind.changed("for another endpoint", "audience", htu=ISSUER + "/par"),
        kind.changed("for another issuer", "audience", htu=OTHER_ISSUER + "/token"),
        *id_cases(kind, "jti"),
    ]
    return world.document(kind, "device", device_expected(world, None, htu=endpoint), cases)


def request_file(world: World, prompt: dict, answer: dict) -> dict:
    """Makes phone-request.json (section 4).

    A case that has its own `aud` is sent to that endpoint. Any other case is sent to the `aud` in `expected`.
    """
    jti = json.loads(prompt["payload"])["jti"]
    base = {"aud": ENDPOINT + "prompts", "iat": NOW, "exp": NOW + 60, "jti": fresh_id(), "message": "fetch"}
    fetch = {"reason": "opened", "wait": 0, "known": {"status": "ok", "prompts": []}}
    kind = Kind("phone-request+jwt", world.device, world.attacker, base | fetch, world.device_id, fresh_id())

    def request(endpoint: str, message: str, /, **further) -> dict:
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
        "turn_on": request("device", "turn_on", token=fresh_id(), proof="header.payload.signature"),
        "turn_off": request("device", "turn_off", sign_in_key=world.sign_in.thumbprint),
        "push_address": request("device", "push_address", endpoint="https://relay.example/push/bmV3"),
        "ack": request("device", "ack", notices=[fresh_id(), fresh_id()]),
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
    """Makes phone-enrollment.json (section 3.2). The MAC uses the enrollment key of the scanned code in proofs.json."""
    def bound(push_point: bytes) -> dict:
        mac = hmac256(world.enrollment_secret, bind_input(world, world.enrollment_id, push_point))
        push = {
            "endpoint": "https://relay.example/push/c2VhbGVk", "p256dh": b64(push_point), "auth": b64(world.push_auth),
        }
        return {"mac": b64(mac), "push": push}

    right = bound(world.push.point)
    kind = Kind("phone-enrollment+jwt", world.device, world.attacker, {
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
