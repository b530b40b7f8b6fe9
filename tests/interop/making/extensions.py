"""Makes the vector files of the extensions (section 12): the member `features`, and administrative acts.

They use the keys and ids of the frozen files.
"""

import json

from making.jose import (
    ENDPOINT, ISSUER, Kind, MAX_PROMPT, NOW, VECTORS, b64, compact, fresh_id, hmac256, lp, sha256, unb64, wrong,
)
from making.proofs import bind_input
from making.world import World
from making.wrongs import renewed, usual_goods

# The kinds whose `about` names a person, a group or a token.
ABOUT_SOMETHING = (
    "add_person", "delete_person", "suspend_person", "resume_person", "create_pass_for_person", "unblock_person",
    "change_groups", "make_administrator", "remove_administrator", "report_lost_for_person", "reset_person",
    "create_api_token",
)
GOOD_LISTS = {
    "no names": [],
    "the feature administration": ["administration"],
    "an unknown name": ["later_2", "administration"],
    "only unknown names": ["a", "0", "_"],
    "16 names": [f"feature_{at}" for at in range(16)],
    "a name of 32 characters": ["x" * 32],
}
BAD_LISTS = {
    "a text": "administration",
    "null": None,
    "an object": {"administration": True},
    "a number in the list": ["administration", 1],
    "null in the list": [None],
    "a list in the list": [["administration"]],
    "17 names": [f"feature_{at}" for at in range(17)],
    "the same name twice": ["administration", "administration"],
    "the same unknown name twice": ["later", "administration", "later"],
    "an empty name": [""],
    "a name of 33 characters": ["x" * 33],
    "a name in upper case": ["Administration"],
    "a name with a hyphen": ["add-person"],
    "a name with a space": ["administration "],
    "a name with a line feed": ["administration\n"],
    "a name with an umlaut": ["\u00e4"],
    "a name of Arabic-Indic digits": ["\u0661\u0662"],
}


def administration_file(world: World) -> dict:
    """Makes phone-prompt-administration.json: prompts that ask for administrative acts."""
    context = {
        "application": "Administration", "browser": "Chrome", "os": "Linux", "address": "127.0.0.1", "place": None,
        "near": True, "about": "alice",
    }
    kind = world.from_service("phone-prompt+jwt", {
        "iss": ISSUER, "aud": world.device_id, "sub": world.account_id, "jti": fresh_id(),
        "iat": NOW - 5, "exp": NOW + 115, "kind": "suspend_person", "key": "device", "origin": "signed_in",
        "match": {"mode": "enter", "digits": 2}, "context": context,
    }, limit=MAX_PROMPT)
    cases = [*usual_goods(kind), *act_goods(kind), *about_cases(kind), *act_cases(kind)]
    return world.document(kind, "service", world.addressee, cases)


def act_goods(kind: Kind) -> list[dict]:
    """Returns administrative acts that must be shown, and prompts of another kind with an unknown member `about`."""
    context = kind.payload["context"]
    sign_in = {"kind": "second_factor", "origin": "password_proved"}
    variants = {
        **{f"{name} by the {key} key": {"kind": name, "key": key}
           for name in ABOUT_SOMETHING for key in ("device", "sign_in")},
        **{f"change_policy by the {key} key": {"kind": "change_policy", "key": key, "context": context | {"about": ""}}
           for key in ("device", "sign_in")},
        "suspend_person for 300 s": {"exp": NOW - 5 + 300},
        "three digits": {"match": {"mode": "enter", "digits": 3}},
        "about with 128 characters": {"context": context | {"about": "ü" * 128}},
        "about in Arabic": {"context": context | {"about": "ليلى"}},
        "second_factor with about": sign_in,
        "second_factor with about of another type": sign_in | {"context": context | {"about": {"a": 1}}},
        "second_factor with about of 129 characters": sign_in | {"context": context | {"about": "x" * 129}},
        "second_factor with a control character in about": sign_in | {"context": context | {"about": "\u202e"}},
    }
    return [kind.good(name, renewed(kind.payload) | changes) for name, changes in variants.items()]


def about_cases(kind: Kind) -> list[dict]:
    """Returns administrative acts that do not say properly whom they concern."""
    context = kind.payload["context"]
    without = {name: value for name, value in context.items() if name != "about"}
    values = {
        "null": None, "a number": 7, "a list": ["alice"], "empty": "", "blank": " \u00a0", "with a line feed": "alice\n",
        "with a zero width space": "al\u200bice", "with a direction override": "\u202eecila", "with a tag": "alice\U000e0041",
    }
    return [
        kind.changed("without about", "about", context=without),
        *(kind.changed(f"about {what}", "about", context=context | {"about": value}) for what, value in values.items()),
        kind.changed("about of 129 characters", "text", context=context | {"about": "x" * 129}),
        kind.changed("about next to the context", "about", context=without, about="alice"),
        kind.changed("change_policy with about", "about", kind="change_policy"),
        kind.changed("change_policy without about", "about", kind="change_policy", context=without),
    ]


def act_cases(kind: Kind) -> list[dict]:
    """Returns administrative acts with another fault."""
    unknown = ("set_password_for_person", "administration", "suspend", "Suspend_Person", "suspend_person ")
    return [
        *(kind.changed(f"unknown kind {name!r}", "unknown", kind=name) for name in unknown),
        *(kind.changed(f"origin {origin}", "origin", origin=origin, exp=NOW - 5 + 60)
          for origin in ("known_browser", "password_proved", "unknown")),
        kind.changed("one of three numbers", "match", match={"mode": "choose", "options": ["47", "12", "83"]}),
        kind.changed("one digit", "match", match={"mode": "enter", "digits": 1}),
        kind.changed("lives 301 s", "life", exp=NOW - 5 + 301),
        kind.changed("a key that nobody knows", "unknown", key="any"),
        kind.changed("sub of another account", "subject", sub=fresh_id()),
    ]


def features_file(world: World) -> dict:
    """Makes features.json: each message that can have the member `features`, with valid and malformed lists."""
    token, nonce = fresh_id(), fresh_id()
    request = json.loads((VECTORS / "phone-state.json").read_bytes())["expected"]["request"]
    by_code, by_token = binds(world, token)
    fetch = Kind("phone-request+jwt", world.device, world.attacker, {
        "aud": ENDPOINT + "prompts", "iat": NOW, "exp": NOW + 60, "jti": fresh_id(), "message": "fetch",
        "reason": "poll", "wait": 0, "known": {"status": "ok", "prompts": []},
    }, world.device_id, fresh_id())
    state = world.from_service("phone-state+jwt", {
        "iss": ISSUER, "aud": world.device_id, "iat": NOW, "request": request, "keys_seq": 1, "status": "ok",
    })
    account = {"sub": world.account_id}
    registration = {
        "access_token": fresh_id(), "token_type": "DPoP", "expires_in": 600, "scope": "device_registration",
        "nonce": fresh_id(), "nonce_expires_in": 300,
    } | account
    facts = {"user_name": "ada@example.org", "organization": "Example"}
    looked_up = {"issuer": ISSUER, "account_id": world.account_id} | facts | {
        "challenge": fresh_id(), "time": NOW, "keys": key_document(world),
    }
    enrollment = {
        "access_token": token, "token_type": "DPoP", "expires_in": 600, "scope": "enrollment",
    } | account | facts | {"keys": key_document(world), "time": NOW}
    expected = world.addressee | {
        "device_point": b64(world.device.point), "enrollment": world.enrollment_id, "key": b64(world.enrollment_secret),
        "token": token, "request": request, "nonce": nonce,
    }
    return {
        "section": "12", "now": NOW, "expected": expected, "service_keys": world.service_keys,
        "bind": signed_cases(by_code), "bind_with_token": signed_cases(by_token), "fetch": signed_cases(fetch),
        "state": signed_cases(state),
        "look_up_answer": [case | {"mac": look_up_mac(world, nonce, case["body"])} for case in body_cases(looked_up)],
        "token_answer": body_cases(enrollment),
        "registration_token_answer": body_cases(registration),
    }


def key_document(world: World) -> str:
    """Returns a key document of the service."""
    return world.from_service("phone-keys+jwt", {"iss": ISSUER, "iat": NOW, "seq": 1, "keys": [world.service.jwk]}).jws()


def binds(world: World, token: str) -> tuple[Kind, Kind]:
    """Returns a bind by the scanned code of proofs.json, and a bind with a token."""
    mac = hmac256(world.enrollment_secret, bind_input(world, world.enrollment_id, world.push.point))
    head = {"aud": ENDPOINT + "enrollment", "iat": NOW, "exp": NOW + 60, "jti": fresh_id(), "v": 1}
    tail = {
        "device": {"name": "Ada's phone", "model": "Pixel 9", "os": "Android 16", "app_version": "1.0.0"},
        "push": {"endpoint": "https://relay.example/push/c2VhbGVk", "p256dh": b64(world.push.point),
                 "auth": b64(world.push_auth)},
        "attestation": {"format": "none"},
    }
    proofs = ({"enrollment": world.enrollment_id, "mac": b64(mac)}, {"token": token})
    return tuple(
        Kind("phone-enrollment+jwt", world.device, world.attacker, head | proof | tail, None, None) for proof in proofs
    )


def signed_cases(kind: Kind) -> list[dict]:
    """Returns signed messages with valid and malformed lists, each with the `typ` of the message."""
    good = [kind.good("without features", renewed(kind.payload), features=[])] + [
        kind.good(name, renewed(kind.payload) | {"features": names}, features=names)
        for name, names in GOOD_LISTS.items()
    ]
    refused = [kind.changed(name, "features", features=value) for name, value in BAD_LISTS.items()]
    twice = compact(kind.payload)[:-1] + ',"features":[],"features":["administration"]}'
    cases = good + refused + [wrong("features twice", "duplicate", kind.jws(twice))]
    return [case | {"typ": kind.typ} for case in cases]


def body_cases(body: dict) -> list[dict]:
    """Returns unsigned bodies with valid and malformed lists."""
    good = [{"name": "without features", "verdict": "good", "features": [], "body": compact(body)}] + [
        {"name": name, "verdict": "good", "features": names, "body": compact(body | {"features": names})}
        for name, names in GOOD_LISTS.items()
    ]
    refused = [
        {"name": name, "verdict": "features", "body": compact(body | {"features": value})}
        for name, value in BAD_LISTS.items()
    ]
    twice = compact(body)[:-1] + ',"features":[],"features":["administration"]}'
    return good + refused + [{"name": "features twice", "verdict": "duplicate", "body": twice}]


def look_up_mac(world: World, nonce: str, body: str) -> str:
    """Returns the MAC of a look-up response (section 3.1)."""
    return b64(hmac256(world.enrollment_secret, lp("look-up-answer", unb64(nonce), sha256(body))))
