"""Tests that stock libraries can read messages that our code has just signed and encrypted.

The Rust tests write `target/interop/core.json` and `target/interop/service.json`; without these files the tests fail.
"""

import json
from pathlib import Path

import pytest
from jwcrypto.jwk import JWK

import stock
from stock import unb64

INTEROP = Path(__file__).resolve().parents[3] / "target" / "interop"
FROM_PHONE = {"phone-request+jwt", "phone-answer+jwt", "phone-enrollment+jwt", "phone-sign-in-key+jwt"}
FROM_SERVICE = {"phone-prompt+jwt", "prompt-withdrawn+jwt", "push-test+jwt", "phone-state+jwt", "phone-keys+jwt", "JWT"}
# Kinds of messages whose `kid` is the thumbprint of the signing key.
BY_THUMBPRINT = {"phone-answer+jwt", "phone-prompt+jwt", "prompt-withdrawn+jwt", "push-test+jwt", "phone-state+jwt", "phone-keys+jwt"}


def absent(file: str) -> str:
    """Returns the error text for a missing file."""
    return f"target/interop/{file} is absent: run `cargo xtask test`, whose Rust tests write it"


def load(file: str) -> dict | None:
    """Reads a file that the Rust tests have written; returns None when the file is missing."""
    path = INTEROP / file
    return json.loads(path.read_bytes()) if path.is_file() else None


def parameters(file: str, part: str) -> list:
    """Returns a test parameter for each item of a file; without items, one parameter that makes the test fail."""
    items = (load(file) or {}).get(part) or []
    if not items:
        return [pytest.param(None, id=f"no {part} in {file}")]
    return [pytest.param(item, id=f"{file}/{part}/{at} {item.get('typ', '')}".strip()) for at, item in enumerate(items)]


@pytest.mark.parametrize(("file", "kinds"), [("core.json", FROM_PHONE), ("service.json", FROM_SERVICE)])
def test_every_kind_of_message_is_present(file, kinds):
    content = load(file)
    if content is None:
        pytest.fail(absent(file), pytrace=False)
    assert {message["typ"] for message in content["messages"]} == kinds


@pytest.mark.parametrize("message", parameters("core.json", "messages"))
def test_message_of_the_phone_is_verified(message):
    check_message(message, "core.json")


@pytest.mark.parametrize("message", parameters("service.json", "messages"))
def test_message_of_the_service_is_verified(message):
    check_message(message, "service.json")


def check_message(message: dict | None, file: str) -> None:
    """Checks that both libraries verify the message, that its header is exact, and that its payload is as expected."""
    if message is None:
        pytest.fail(absent(file), pytrace=False)
    header, payload = stock.verify_with_both(message["jws"], message["jwk"])
    header_text, payload_text, _ = (unb64(part) for part in message["jws"].split("."))
    assert stock.strict_json(header_text) == header
    assert header == {"alg": "ES256", "typ": message["typ"]} | named_key(message)
    assert payload == payload_text
    assert len(message["jws"]) <= 8_192
    assert_contains(stock.strict_json(payload), message["payload"], "payload")
    if message["typ"] in BY_THUMBPRINT:
        assert message["kid"] == JWK(**message["jwk"]).thumbprint()


def named_key(message: dict) -> dict:
    """Returns the header member that must name the key."""
    if message["typ"] in {"phone-enrollment+jwt", "phone-sign-in-key+jwt"}:
        assert message["kid"] is None
        return {"jwk": message["jwk"]}
    return {"kid": message["kid"]}


def assert_contains(actual, expected, where: str) -> None:
    """Checks that every expected member is present, at any depth; more members are allowed."""
    if not isinstance(expected, dict):
        assert type(actual) is type(expected) and actual == expected, where
        return
    assert isinstance(actual, dict), where
    for name, value in expected.items():
        assert name in actual, f"{where}.{name}"
        assert_contains(actual[name], value, f"{where}.{name}")


@pytest.mark.parametrize("push", parameters("service.json", "pushes"))
def test_push_of_the_service_is_decrypted(push):
    if push is None:
        pytest.fail(absent("service.json"), pytrace=False)
    message = unb64(push["message"])
    content = stock.decrypt_push(message, unb64(push["private"]), unb64(push["auth"]))
    assert len(content) == stock.PUSH_LENGTH
    assert content == push["jws"].encode().ljust(stock.PUSH_LENGTH)
    assert len(message) <= 4_096
