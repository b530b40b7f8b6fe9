"""Checks the vectors of the extensions (section 12) only with stock libraries. Uses no code of this project."""

import hashlib
import hmac
import json
import re

import pytest

import stock
from stock import unb64
from test_vectors import load, lp

# The messages of features.json: those that phone or service signs, and bodies without a signature.
SIGNED_WITH_FEATURES = {"bind": "device", "bind_with_token": "device", "fetch": "device", "state": "service"}
BODIES_WITH_FEATURES = ("look_up_answer", "token_answer", "registration_token_answer")


def features_of(message: dict) -> list[str] | None:
    """Returns the names in the member `features` (section 12), or None if the member is malformed."""
    names = message.get("features", [])
    if not isinstance(names, list) or len(names) > 16:
        return None
    if not all(isinstance(name, str) and re.fullmatch("[a-z0-9_]{1,32}", name, re.ASCII) for name in names):
        return None
    return names if len(set(names)) == len(names) else None


@pytest.mark.parametrize("message", [*SIGNED_WITH_FEATURES, *BODIES_WITH_FEATURES])
def test_features_are_read_or_refused(message):
    content = load("features.json")
    assert len({case["name"] for case in content[message]}) == len(content[message])
    for case in content[message]:
        text = unb64(case["jws"].split(".")[1]) if "jws" in case else case["body"]
        if case["verdict"] == "duplicate":
            with pytest.raises(AssertionError, match="duplicate member name"):
                stock.strict_json(text)
            continue
        assert features_of(stock.strict_json(text)) == case.get("features"), case["name"]
        assert ("features" in case) == (case["verdict"] == "good"), case["name"]
        if "jws" in case:
            jwk = load("keys.json")[SIGNED_WITH_FEATURES[message]]["jwk"]
            header, _ = stock.verify_with_both(case["jws"], jwk)
            assert header["typ"] == case["typ"]


def test_look_up_answers_with_features_have_their_macs():
    content = load("features.json")
    key, nonce = unb64(content["expected"]["key"]), unb64(content["expected"]["nonce"])
    for case in content["look_up_answer"]:
        data = lp("look-up-answer", nonce, hashlib.sha256(case["body"].encode()).digest())
        assert hmac.digest(key, data, "sha256") == unb64(case["mac"]), case["name"]


def test_administrative_acts_say_whom_they_concern():
    for case in load("phone-prompt-administration.json")["cases"]:
        if case["verdict"] != "good":
            continue
        payload = json.loads(case["payload"])
        if payload["kind"] == "second_factor":
            continue
        about = payload["context"]["about"]
        assert (payload["origin"], payload["match"]["mode"]) == ("signed_in", "enter"), case["name"]
        assert len(about) <= 128 and (about == "") == (payload["kind"] == "change_policy"), case["name"]
