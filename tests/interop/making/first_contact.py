"""Makes the vector files for a phone's first contact with a service: the first keys, and the clock."""

from making.jose import ISSUER, NOW, OTHER_ISSUER, Key, compact, jws_of, jwk_of_point, off_curve
from making.world import World

DAY = 24 * 60 * 60


def _document(signer: Key, payload: dict | str) -> str:
    header = compact({"alg": "ES256", "typ": "phone-keys+jwt", "kid": signer.thumbprint})
    return jws_of(signer, header, payload if isinstance(payload, str) else compact(payload))


def _claims(seq, keys: list[dict], iss: str = ISSUER) -> dict:
    return {"iss": iss, "iat": NOW, "seq": seq, "keys": keys}


def first_keys_file(world: World) -> dict:
    """Makes first-keys.json (section 6): key documents from an authenticated reply, and chains that begin with them."""
    old, new, attacker = world.service, world.service_next, world.attacker
    both = [old.jwk, new.jwk]
    # The names are frozen, like all texts of the vectors.
    good = {
        "seq 1, signed by its own key": (old, _claims(1, [old.jwk])),
        "seq 2, signed by a key of the one before": (old, _claims(2, both)),
        # The document does not list the key that signed it.
        "seq 3, signed by a key that it does not hold": (old, _claims(3, [new.jwk])),
        "seq 512": (new, _claims(512, [new.jwk])),
        # The signature is not verified, because the MAC over the whole reply covers the document.
        "signed by nobody known: the answer vouches for it": (attacker, _claims(2, both)),
    }
    twice = compact(_claims(2, both)).replace('"seq":2', '"seq":2,"seq":3')
    refused = {
        "another issuer": ("issuer", _claims(2, both, iss=OTHER_ISSUER)),
        "seq 0": ("json", _claims(0, both)),
        "seq as a text": ("json", _claims("2", both)),
        "no seq": ("json", {name: value for name, value in _claims(2, both).items() if name != "seq"}),
        "no keys": ("json", _claims(2, [])),
        "nine keys": ("json", _claims(2, [Key.make().jwk for _ in range(9)])),
        "a key that is not on the curve": ("point", _claims(2, [old.jwk, jwk_of_point(off_curve(new.point))])),
        "seq twice": ("duplicate", twice),
    }
    cases = [
        {"name": name, "verdict": "good", "jws": _document(signer, claims),
         "result": {"seq": claims["seq"], "keys": claims["keys"]}}
        for name, (signer, claims) in good.items()
    ] + [
        {"name": name, "verdict": verdict, "jws": _document(old, claims)}
        for name, (verdict, claims) in refused.items()
    ]
    return {"section": "6", "issuer": ISSUER, "cases": cases, "chains": _chains(world)}


def _chains(world: World) -> list[dict]:
    """Returns chains that a phone follows from its first keys, and chains that it refuses."""
    old, new, attacker = world.service, world.service_next, world.attacker
    one = _document(old, _claims(1, [old.jwk]))
    two = _document(old, _claims(2, [old.jwk, new.jwk]))
    three = _document(new, _claims(3, [new.jwk]))
    # A phone accepts this document as its first document, because the MAC over the reply covers it.
    elsewhere = _document(attacker, _claims(2, [attacker.jwk]))
    result = {"seq": 3, "keys": [new.jwk]}
    return [
        # The phone compares its first document with the document of the same seq, and follows the later documents.
        {"name": "from seq 2 on", "verdict": "good", "first": two, "chain": [one, two, three], "result": result},
        # The phone ignores the documents before its first seq. In this case the ignored document is empty.
        {"name": "the documents before it are not looked at", "verdict": "good", "first": two,
         "chain": ["", two, three], "result": result},
        {"name": "another seq 2 than the first document", "verdict": "chain", "first": elsewhere,
         "chain": [one, two, three]},
        {"name": "shorter than the first document", "verdict": "chain", "first": two, "chain": [one]},
        {"name": "seq 3 by a stranger", "verdict": "chain", "first": two,
         "chain": [one, two, _document(attacker, _claims(3, [attacker.jwk]))]},
    ]


def clock_file() -> dict:
    """Makes clock.json (section 5).

    Each case has the time of the phone's clock (`phone`), the time of the service (`service`), and the clock offset
    that the phone then uses.
    """
    def case(name: str, source: str, off: int, verdict: str = "good", offset: int | None = None, **more) -> dict:
        known = {"offset": off if offset is None else offset} if verdict == "good" else {}
        return {"name": name, "verdict": verdict, "source": source, "phone": NOW - off, "service": NOW} | more | known

    adding = [
        case(f"{name}, {source}", source, off, verdict)
        for source in ("look_up", "refused_proof", "token")
        for name, off, verdict in (
            ("a clock that is right", 0, "good"), ("an hour slow", 3_600, "good"), ("an hour fast", -3_600, "good"),
            ("a day slow", DAY, "good"), ("a day fast", -DAY, "good"),
            ("a day and a second slow", DAY + 1, "clock"), ("a day and a second fast", -DAY - 1, "clock"),
        )
    ]
    states = [
        case("an hour slow, state", "state", 3_600, held=0, round_trip=0),
        case("a state after 29 s", "state", 3_600, held=0, round_trip=29),
        case("a state after 30 s", "state", 3_600, held=-60, round_trip=30, offset=-60),
        case("a day fast, state", "state", -DAY, held=0, round_trip=1),
        case("a day and a second fast, state", "state", -DAY - 1, held=90, round_trip=1, offset=90),
        case("a clock that was put right", "state", 0, held=3_600, round_trip=1),
    ]
    return {"section": "5", "cases": adding + states}
