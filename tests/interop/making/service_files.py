"""Makes the vector files of the messages that a service signs."""

import json

from making.jose import (
    ISSUER,
    Key,
    Kind,
    MAX_PROMPT,
    NOW,
    OTHER_ISSUER,
    b64,
    compact,
    fresh_id,
    jwk_of_point,
    jws_of,
    off_curve,
    unused_bits_set,
)
from making.world import World
from making.wrongs import audience_cases, common_cases, id_cases, issuer_cases, renewed, time_cases, usual_goods


def keys_file(world: World) -> dict:
    """Makes keys.json: the keys of the vectors, with their private keys."""
    return {
        name: {
            "jwk": key.jwk | {"d": b64(key.scalar)},
            "point": b64(key.point),
            "thumbprint": key.thumbprint,
        }
        for name, key in (
            ("service", world.service), ("service_next", world.service_next),
            ("device", world.device), ("sign_in", world.sign_in), ("stranger", world.attacker),
        )
    }


def prompt_file(world: World) -> dict:
    """Makes phone-prompt.json (section 7.1)."""
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
        kind.changed("second_factor by the sign-in key", "key", key="sign_in"),
        kind.changed("phone_sign_in by the device key", "key", kind="phone_sign_in"),
        kind.changed("register_device by the sign-in key", "key", kind="register_device", key="sign_in"),
        kind.changed("a key that nobody knows", "unknown", key="any"),
        kind.changed("a sign-in that lives 121 s", "life", exp=NOW - 5 + 121),
        kind.changed("unknown origin that lives 61 s", "life", kind="phone_sign_in", key="sign_in", origin="unknown",
                     exp=NOW - 5 + 61),
        kind.changed("unknown origin", "unknown", origin="anywhere"),
        kind.changed("unknown mode", "unknown", match={"mode": "guess", "digits": 2}),
        *text_cases(kind),
    ]
    return world.document(kind, "service", world.addressee, cases)


def prompt_goods(kind: Kind) -> list[dict]:
    """Returns prompts that must be shown."""
    context = kind.payload["context"]
    place = {"city": "Zürich", "region": "Zürich", "country": "Switzerland"}
    variants = {
        "choose": {"match": {"mode": "choose", "options": ["47", "12", "83"]}},
        "three digits": {"match": {"mode": "enter", "digits": 3}},
        "confirm_enrolment for 300 s": {"kind": "confirm_enrolment", "origin": "signed_in", "exp": NOW - 5 + 300},
        "remove_method": {"kind": "remove_method", "origin": "signed_in"},
        "known_browser": {"origin": "known_browser"},
        "phone_sign_in": {"kind": "phone_sign_in", "key": "sign_in", "origin": "known_browser"},
        "phone_sign_in of an unknown browser for 60 s": {
            "kind": "phone_sign_in", "key": "sign_in", "origin": "unknown", "exp": NOW - 5 + 60,
            "match": {"mode": "enter", "digits": 3},
        },
        "register_device": {"kind": "register_device", "exp": NOW - 5 + 300},
        **{f"{name} by the {key} key": {"kind": name, "key": key, "origin": "signed_in"}
           for name in ("add_method", "create_pass", "report_lost") for key in ("device", "sign_in")},
        "made 60 s ahead": {"iat": NOW + 60, "exp": NOW + 180},
        "in its last second": {"iat": NOW - 119, "exp": NOW + 1},
        "with a place": {"context": context | {"place": place, "near": False}},
        "of a network that nothing is said of": {"context": context | {"near": None}},
        "from an unlisted browser": {"context": context | {"browser": "NetSurf", "os": "Haiku"}},
        "text of 128 characters": {"context": context | {"application": "ü" * 128}},
    }
    return usual_goods(kind) + [
        kind.good(name, renewed(kind.payload) | changes) for name, changes in variants.items()
    ]


def match_cases(kind: Kind) -> list[dict]:
    """Returns prompts whose `match` has a form that is not allowed."""
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
    """Returns prompts whose context contains a text that is too long."""
    context = kind.payload["context"]
    place = {"city": "Bern", "region": "Bern", "country": "Switzerland"}
    long = "x" * 129
    contexts = {name: {name: long} for name in ("application", "browser", "os", "address")}
    contexts |= {name: {"place": place | {name: long}} for name in place}
    return [
        kind.changed(f"{name} of 129 characters", "text", context=context | change) for name, change in contexts.items()
    ]


def withdrawn_file(world: World) -> dict:
    """Makes prompt-withdrawn.json (section 7.2); the withdrawn prompt is not in phone-prompt.json."""
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


def push_test_file(world: World) -> dict:
    """Makes push-test.json (section 8)."""
    kind = world.from_service("push-test+jwt", {
        "iss": ISSUER, "aud": world.device_id, "iat": NOW - 2, "exp": NOW + 298, "test": fresh_id(),
    }, limit=MAX_PROMPT)
    cases = [
        *usual_goods(kind), *common_cases(kind), *audience_cases(kind, another_device=fresh_id(), the_issuer=ISSUER),
        *issuer_cases(kind), *time_cases(kind), *id_cases(kind, "test"),
    ]
    return world.document(kind, "service", world.addressee, cases)


def state_file(world: World, prompt: dict) -> dict:
    """Makes phone-state.json (section 5): signed states that respond to one request."""
    request, jti = fresh_id(), json.loads(prompt["payload"])["jti"]
    kind = world.from_service("phone-state+jwt", {
        "iss": ISSUER, "aud": world.device_id, "iat": NOW, "request": request, "status": "ok",
        "outcome": {"prompt": jti, "result": "approved"},
    })
    bare = {name: value for name, value in kind.payload.items() if name != "outcome"}
    results = ("denied", "reported", "wrong_number", "expired", "superseded", "cancelled", "already_answered", "refused_place")
    causes = (
        "not_my_phone", "wrong_digits", "cancelled", "expired", "abandoned", "removed_by_phone", "removed_by_person",
        "removed_by_operator", "lost",
    )
    policy = {"phone_sign_in": True, "key_guard": "biometric_or_credential", "accounts_on_phone": None}
    notices = [{"id": fresh_id(), "kind": name, "at": NOW - 60} for name in ("new_browser", "of_a_later_version")]
    cases = [
        *usual_goods(kind),
        kind.good("ok without prompts", bare | {"prompts": []}),
        kind.good("ok with a prompt", bare | {"prompts": [prompt["jws"]]}),
        kind.good("pending", bare | {"status": "pending"}),
        kind.good("clock_skew", bare | {"iat": NOW + 7_200, "status": "clock_skew"}),
        *(kind.good(f"removed, {cause}", bare | {"status": "removed", "cause": cause}) for cause in causes),
        kind.good("suspended", bare | {"status": "suspended"}),
        kind.good("limited", bare | {"status": "limited", "policy": policy | {"phone_sign_in": False}}),
        kind.good("with policy, sign-in key and notices",
                  bare | {"policy": policy, "sign_in_key": world.sign_in.thumbprint, "notices": notices}),
        kind.good("the address of its pushes has ended", bare | {"push_ended": True}),
        kind.good("there is a newer set of keys", bare | {"keys_seq": 2}),
        kind.good("a policy of one account, biometrics only",
                  bare | {"policy": policy | {"key_guard": "biometric_current_set", "accounts_on_phone": 1}}),
        *(kind.good(f"turn_on {result}", bare | {"turn_on": result})
          for result in ("done", "not_allowed", "expired", "refused")),
        *(kind.good(f"outcome {result}", bare | {"outcome": {"prompt": jti, "result": result}}) for result in results),
        *common_cases(kind),
        *audience_cases(kind, another_device=fresh_id(), the_issuer=ISSUER), *issuer_cases(kind),
        kind.changed("answers another request", "request", request=fresh_id()),
        kind.changed("unknown status", "unknown", status="asleep"),
        kind.changed("unknown result of turn_on", "unknown", turn_on="perhaps"),
        kind.changed("a word where push_ended belongs", "json", push_ended="yes"),
        kind.changed("a word where keys_seq belongs", "json", keys_seq="2"),
        kind.changed("unknown key guard", "unknown", policy=policy | {"key_guard": "none"}),
    ]
    return world.document(kind, "service", world.addressee | {"request": request}, cases)


def keys_document_file(world: World) -> dict:
    """Makes phone-keys.json (section 6): single key documents, and chains of key documents."""
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
    """Returns chains that a phone follows, and chains that it refuses."""
    def link(seq: int, keys: list[Key], signer: Key, iss: str = ISSUER, kid: str | None = None) -> str:
        header = {"alg": "ES256", "typ": "phone-keys+jwt", "kid": kid or signer.thumbprint}
        payload = {"iss": iss, "iat": NOW + seq, "seq": seq, "keys": [key.jwk for key in keys]}
        return jws_of(signer, compact(header), compact(payload))

    def held(seq: int, *keys: Key) -> dict:
        return {"seq": seq, "keys": [key.jwk for key in keys]}

    old, new, attacker = world.service, world.service_next, world.attacker
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
                [first, link(2, both, attacker, kid=old.thumbprint)]),
        refused("seq jumps to 3", [first, link(3, both, old)]),
        refused("seq stays at 1", [first, link(1, both, old)]),
        refused("another issuer", [first, link(2, both, old, iss=OTHER_ISSUER)]),
        refused("seq 3 signed by a key of seq 1 that seq 2 has dropped",
                [first, link(2, [new], old), link(3, both, old)]),
        refused("seq 3 wrong after a good seq 2", [first, second, link(3, [attacker], attacker)]),
        refused("another first document than the one held", [first, second], held(1, attacker)),
        refused("a chain of somebody else's, as long as the one held", [link(1, [attacker], attacker)]),
        refused("shorter than what is held", [first], two),
    ]
