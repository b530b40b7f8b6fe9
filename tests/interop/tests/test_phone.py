"""Tests the main journeys at the real service, with the phone that was written only from the protocol document."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from python.person import Person, typed_code
from python.phone import Phone
from python.web import World

pytestmark = pytest.mark.skipif(
    "COUNTERSIGN_WORLD" not in os.environ,
    reason="COUNTERSIGN_WORLD is not set: run `cargo xtask test`, which starts a service",
)


def added(clock_error: int = 0) -> tuple[Person, Phone]:
    """Adds an account (J2); returns the person and the confirmed phone."""
    world = World()
    person, phone = Person(world), Phone(world, clock_error)
    page = person.wizard()
    answer = phone.look_up(*typed_code(page))
    assert answer["user_name"] == person.user
    phone.bind()
    assert phone.request("prompts", "fetch", reason="poll", wait=0, known={"status": "pending", "prompts": []})[
        "status"] == "pending"
    page = person.press(person.open("/security-info/add/code"), "confirm", digits=phone.digits())
    assert phone.answer(phone.prompt("confirm_enrolment"), page.number) == "approved"
    assert person.press(person.open("/security-info/add/code"), "finish").name == "done"
    return person, phone


def turned_on() -> tuple[Person, Phone]:
    """Adds an account and turns phone sign-in on (J4); returns the person and the phone."""
    person, phone = added()
    page = person.enters_password(person.open(phone.start_registration()))
    assert page.name == "number"
    assert phone.answer(phone.prompt("register_device"), page.number) == "approved"
    page = person.press(person.open("/sign-in/number"), "finish")
    assert page.name == "register-phone"
    assert phone.turn_on(person.press(page, "register").address) == "done"
    return person, phone


def test_j2_account_is_added_and_confirmed():
    person, phone = added()
    state = phone.fetch()
    assert (state["status"], state["prompts"]) == ("ok", [])
    assert state["policy"]["phone_sign_in"] is True
    assert "sign_in_key" not in state
    assert person.open("/security-info").name == "security-info"


@pytest.mark.parametrize("clock_error", [-3_600, 3_600, 23 * 60 * 60])
def test_j2_phone_with_wrong_clock_is_added(clock_error):
    _, phone = added(clock_error)
    assert phone.fetch()["status"] == "ok"


def test_j4_and_j6_and_j8_phone_sign_in_works_until_turned_off():
    person, phone = turned_on()
    page = person.uses_phone()
    prompt = phone.prompt("phone_sign_in")
    assert (prompt[1]["key"], prompt[1]["origin"]) == ("sign_in", "known_browser")
    assert page.number in prompt[1]["match"]["options"]
    assert phone.answer(prompt, page.number) == "approved"
    assert person.press(person.open("/sign-in/number"), "finish").name == "security-info"

    elsewhere = person.another_browser()
    page = elsewhere.uses_phone()
    prompt = phone.prompt("phone_sign_in")
    assert (prompt[1]["origin"], prompt[1]["match"]) == ("unknown", {"mode": "enter", "digits": 3})
    assert prompt[1]["exp"] - prompt[1]["iat"] == 60
    assert phone.answer(prompt, page.number) == "approved"
    assert elsewhere.press(elsewhere.open("/sign-in/number"), "finish").name == "name-account"
    assert elsewhere.press(elsewhere.open("/sign-in/continue"), "continue").name == "security-info"

    state = phone.turn_off()
    assert (state["status"], "sign_in_key" in state) == ("ok", False)
    assert person.uses_phone().name == "not-started"


def test_j6_w1_w2_wrong_number_and_denial_return_their_outcomes():
    person, phone = turned_on()
    page = person.uses_phone()
    prompt = phone.prompt("phone_sign_in")
    wrong = next(option for option in prompt[1]["match"]["options"] if option != page.number)
    assert phone.answer(prompt, wrong) == "wrong_number"
    assert person.open("/sign-in/number").name == "outcome"
    person.uses_phone()
    assert phone.answer(phone.prompt("phone_sign_in"), None) == "denied"
