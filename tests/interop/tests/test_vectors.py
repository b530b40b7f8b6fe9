"""Checks the vectors only with stock libraries. Uses no code of this project."""

import hashlib
import hmac
import json
import struct
from pathlib import Path

import http_ece
import jwcrypto.common
import jwcrypto.jws
import jwt
import pytest
from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from jwcrypto.jwk import JWK

import stock
from stock import b64, unb64

VECTORS = Path(__file__).resolve().parents[2] / "vectors"
KINDS = (
    "dpop", "phone-answer", "phone-enrollment", "phone-keys", "phone-prompt", "phone-prompt-administration",
    "phone-request", "phone-sign-in-answer", "phone-sign-in-key", "phone-state", "prompt-withdrawn", "push-test",
)
FILES = sorted([
    *(f"{kind}.json" for kind in KINDS),
    "clock.json", "features.json", "first-keys.json", "inbox-account.json", "inbox.json", "keys.json", "proofs.json",
    "push.json",
])
JWS_VERDICTS = {
    "good", "type", "algorithm", "unknown_key", "signature", "header", "duplicate", "base64", "parts", "json",
    "too_large", "audience", "issuer", "subject", "expired", "future", "life", "id", "match", "key", "unknown", "verification",
    "text",
    "request", "point", "mac", "about", "origin",
}
# Kinds whose header contains the whole public key.
INTRODUCING = {"phone-enrollment+jwt", "phone-sign-in-key+jwt", "dpop+jwt"}
# Verdicts of cases that must be refused although their signature is valid.
VALIDLY_SIGNED = JWS_VERDICTS - {"good", "algorithm", "unknown_key", "signature", "base64", "parts"}
REFUSED_BY_PYJWT = (jwt.PyJWTError, ValueError)
REFUSED_BY_JWCRYPTO = (jwcrypto.common.JWException, ValueError)
AUTHENTICATION = b"inbox\0snapshot\0v1"
ES256 = jwt.algorithms.get_default_algorithms()["ES256"]


def sums() -> dict[str, str]:
    """Returns the SHA-256 checksums of SHA256SUMS, by file name."""
    lines = (VECTORS / "SHA256SUMS").read_text().splitlines()
    return {name: digest for digest, name in (line.split("  ") for line in lines)}


def load(name: str) -> dict:
    """Reads a file and checks its checksum."""
    data = (VECTORS / name).read_bytes()
    if hashlib.sha256(data).hexdigest() != sums().get(name):
        pytest.fail(f"{name} does not match its checksum in SHA256SUMS", pytrace=False)
    return json.loads(data)


@pytest.fixture(name="vectors", scope="session")
def vectors_fixture() -> dict[str, dict]:
    """All files, checked against their checksums."""
    return {name: load(name) for name in FILES}


def names(file: str, *keys: str, verdicts=None) -> list:
    """Returns test parameters for the cases of a file, with the names of file and case.

    Does not check the checksum of the file. The fixture `vectors` does this.
    """
    content = json.loads((VECTORS / file).read_bytes())
    for key in keys:
        content = content[key]
    return [
        pytest.param(file, at, id=f"{file.removesuffix('.json')}/{case['name']}")
        for at, case in enumerate(content) if verdicts is None or case["verdict"] in verdicts
    ]


def jws_cases(*verdicts: str) -> list:
    """Returns test parameters for the cases with these verdicts, for all kinds of JWS."""
    return [case for kind in KINDS for case in names(f"{kind}.json", "cases", verdicts=set(verdicts))]


def lp(*fields: bytes | str) -> bytes:
    """Returns the input of a MAC: before each field, its length in two bytes."""
    raw = [field if isinstance(field, bytes) else field.encode() for field in fields]
    return b"".join(len(field).to_bytes(2, "big") + field for field in raw)


# ---- the files

def test_checksum_list_names_every_file():
    lines = (VECTORS / "SHA256SUMS").read_text().splitlines()
    assert [line.split("  ")[1] for line in lines] == FILES
    assert sorted(path.name for path in VECTORS.glob("*.json")) == FILES


@pytest.mark.parametrize("name", FILES)
def test_file_matches_its_checksum(name):
    assert load(name)


@pytest.mark.parametrize("file", [f"{kind}.json" for kind in KINDS])
def test_case_names_are_unique_and_verdicts_are_known(vectors, file):
    cases = vectors[file]["cases"]
    assert len({case["name"] for case in cases}) == len(cases)
    assert len({case["jws"] for case in cases}) == len(cases)
    assert {case["verdict"] for case in cases} <= JWS_VERDICTS
    assert cases[0]["name"] == cases[0]["verdict"] == "good"


@pytest.mark.parametrize("name", ["service", "service_next", "device", "sign_in", "stranger"])
def test_forms_of_each_key_agree(vectors, name):
    key = vectors["keys.json"][name]
    private = ec.derive_private_key(int.from_bytes(unb64(key["jwk"]["d"]), "big"), ec.SECP256R1())
    numbers = private.public_key().public_numbers()
    x, y = numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big")
    assert unb64(key["point"]) == b"\x04" + x + y
    assert list(key["jwk"]) == ["kty", "crv", "x", "y", "d"]
    assert (key["jwk"]["kty"], key["jwk"]["crv"]) == ("EC", "P-256")
    assert (unb64(key["jwk"]["x"]), unb64(key["jwk"]["y"])) == (x, y)
    assert JWK(**key["jwk"]).thumbprint() == key["thumbprint"]


# ---- JWS

@pytest.mark.parametrize(("file", "at"), jws_cases("good"))
def test_good_jws_is_verified(vectors, file, at):
    content = vectors[file]
    case, key = content["cases"][at], vectors["keys.json"][content["signed_by"]]
    header_text, payload_text = case["header"].encode(), case["payload"].encode()
    assert case["signing_input"] == f"{b64(header_text)}.{b64(payload_text)}"
    assert case["jws"].rsplit(".", 1)[0] == case["signing_input"]
    assert len(unb64(case["jws"].rsplit(".", 1)[1])) == 64
    assert len(case["jws"]) <= 8_192

    header, payload = stock.verify_with_both(case["jws"], key["jwk"])
    assert header == stock.strict_json(case["header"])
    assert payload == payload_text
    assert stock.strict_json(payload)

    if content["typ"] in INTRODUCING:
        assert list(header) == ["alg", "typ", "jwk"]
        assert header["jwk"] == stock.public_jwk(key["jwk"])
    else:
        assert list(header) == ["alg", "typ", "kid"]
        known = key["thumbprint"] if content["signed_by"] == "service" else content["expected"]["kid"]
        assert header["kid"] == known
    assert (header["alg"], header["typ"]) == ("ES256", content["typ"])


@pytest.mark.parametrize(("file", "at"), jws_cases("good"))
def test_good_jws_has_the_expected_claims(vectors, file, at):
    content = vectors[file]
    case, expected, now = content["cases"][at], content["expected"], content["now"]
    payload = json.loads(case["payload"])
    claims = {
        "issuer": payload.get("iss", expected["issuer"]),
        "account_id": payload.get("sub", expected.get("account_id")),
        "device_id": payload.get("aud", expected.get("device_id")) if "device_id" in expected else None,
        "aud": payload.get("aud"),
        "request": payload.get("request"),
        "htu": payload.get("htu"),
        "nonce": payload.get("nonce"),
        "device_key": payload.get("device_key"),
        "enrollment": payload.get("enrollment"),
    }
    for name, value in (expected | {"aud": case.get("aud", expected.get("aud"))}).items():
        if name in claims and value is not None:
            assert claims[name] == value, name
    if "exp" in payload:
        assert payload["exp"] > now
        assert payload["iat"] <= now + 60
        assert payload["exp"] - payload["iat"] <= 300


@pytest.mark.parametrize(("file", "at"), jws_cases("signature", "algorithm", "unknown_key"))
def test_wrong_signature_or_algorithm_is_refused(vectors, file, at):
    content = vectors[file]
    case, jwk = content["cases"][at], vectors["keys.json"][content["signed_by"]]["jwk"]
    with pytest.raises(REFUSED_BY_PYJWT):
        stock.verify_with_pyjwt(case["jws"], jwk)
    with pytest.raises(REFUSED_BY_JWCRYPTO):
        stock.verify_with_jwcrypto(case["jws"], jwk)


@pytest.mark.parametrize(("file", "at"), jws_cases(*VALIDLY_SIGNED))
def test_cases_with_other_faults_have_valid_signatures(vectors, file, at):
    content = vectors[file]
    case, jwk = content["cases"][at], vectors["keys.json"][content["signed_by"]]["jwk"]
    signing_input, signature = case["jws"].rsplit(".", 1)
    key = ES256.from_jwk(stock.public_jwk(jwk))
    assert ES256.verify(signing_input.encode(), key, unb64(signature))
    for part in signing_input.split("."):
        assert unb64(part) or case["name"] == "payload is empty"
    assert (len(case["jws"]) > 2_700) or case["verdict"] != "too_large"


@pytest.mark.parametrize(("file", "at"), jws_cases("base64"))
def test_base64_case_is_not_canonical(vectors, file, at):
    jws = vectors[file]["cases"][at]["jws"]
    parts = jws.split(".")
    assert len(parts) == 3
    inner = []
    try:
        header = json.loads(unb64(parts[0]))
        inner = [header["jwk"]] if "jwk" in header else json.loads(unb64(parts[1])).get("keys", [])
    except (AssertionError, ValueError):
        pass
    texts = [*parts, *(jwk[name] for jwk in inner for name in ("x", "y"))]
    assert not all(is_canonical(text) for text in texts)


def is_canonical(text: str) -> bool:
    """Whether a text is canonical base64url."""
    try:
        unb64(text)
    except (AssertionError, ValueError):
        return False
    return True


@pytest.mark.parametrize(("file", "at"), jws_cases("parts"))
def test_parts_case_does_not_have_three_parts(vectors, file, at):
    assert vectors[file]["cases"][at]["jws"].count(".") != 2


@pytest.mark.parametrize(("file", "at"), jws_cases("duplicate"))
def test_duplicate_case_has_a_duplicate_member_name(vectors, file, at):
    header, payload, _ = vectors[file]["cases"][at]["jws"].split(".")
    json.loads(unb64(header)), json.loads(unb64(payload))
    with pytest.raises(AssertionError, match="duplicate member name"):
        stock.strict_json(unb64(header)), stock.strict_json(unb64(payload))


def test_answer_belongs_to_the_good_prompt(vectors):
    prompt = vectors["phone-prompt.json"]["cases"][0]
    expected = vectors["phone-answer.json"]["expected"]
    assert expected["prompt"] == json.loads(prompt["payload"])["jti"]
    assert expected["prompt_sha256"] == b64(hashlib.sha256(prompt["jws"].encode()).digest())
    for case in vectors["phone-answer.json"]["cases"]:
        if case["verdict"] == "good":
            payload = json.loads(case["payload"])
            assert (payload["prompt"], payload["prompt_sha256"]) == (expected["prompt"], expected["prompt_sha256"])


def test_request_contains_the_good_answer(vectors):
    answer = vectors["phone-answer.json"]["cases"][0]["jws"]
    payloads = [json.loads(case["payload"]) for case in vectors["phone-request.json"]["cases"] if "payload" in case]
    assert {payload["answer"] for payload in payloads if payload["message"] == "answer"} == {answer}


@pytest.mark.parametrize(("file", "at"), names("phone-keys.json", "chains"))
def test_chain_gives_the_expected_keys(vectors, file, at):
    content = vectors[file]
    case, issuer = content["chains"][at], content["expected"]["issuer"]
    assert case["verdict"] in {"good", "chain"}
    followed = follow(case["chain"], case["held"], issuer)
    assert followed == case.get("result")
    assert (followed is None) == (case["verdict"] == "chain")


def follow(chain: list[str], held: dict, issuer: str) -> dict | None:
    """Returns the keys that a phone stores after it has followed a chain from the stored keys `held`.

    Returns None when the chain does not contain `held`, or when a later document is not valid.
    """
    if len(chain) < held["seq"]:
        return None
    known = stock.strict_json(unb64(chain[held["seq"] - 1].split(".")[1]))
    if {"seq": known["seq"], "keys": known["keys"]} != held:
        return None
    for jws in chain[held["seq"]:]:
        kid = jwt.get_unverified_header(jws)["kid"]
        signer = next((jwk for jwk in held["keys"] if JWK(**jwk).thumbprint() == kid), None)
        if signer is None:
            return None
        try:
            _, payload = stock.verify_with_both(jws, signer)
        except REFUSED_BY_PYJWT:
            return None
        claims = stock.strict_json(payload)
        if claims["iss"] != issuer or claims["seq"] != held["seq"] + 1:
            return None
        held = {"seq": claims["seq"], "keys": claims["keys"]}
    return held


# ---- first contact with a service

@pytest.mark.parametrize(("file", "at"), names("first-keys.json", "cases"))
def test_first_key_document_gives_the_expected_keys(vectors, file, at):
    case = vectors[file]["cases"][at]
    assert case["verdict"] in {"good", "issuer", "json", "point", "duplicate"}
    held = first_keys(case["jws"], vectors[file]["issuer"])
    assert held == case.get("result")
    assert (held is None) == (case["verdict"] != "good")


@pytest.mark.parametrize(("file", "at"), names("first-keys.json", "chains"))
def test_chain_from_first_keys_gives_the_expected_keys(vectors, file, at):
    case, issuer = vectors[file]["chains"][at], vectors[file]["issuer"]
    followed = follow(case["chain"], first_keys(case["first"], issuer), issuer)
    assert followed == case.get("result")
    assert (followed is None) == (case["verdict"] == "chain")


def first_keys(jws: str, issuer: str) -> dict | None:
    """Returns the keys that a phone accepts from its first document, whose signature is not verified."""
    try:
        claims = stock.strict_json(unb64(jws.split(".")[1]))
        keys = [JWK(**jwk).get_op_key("verify") for jwk in claims["keys"]]
    except (AssertionError, KeyError, ValueError, jwcrypto.common.JWException):
        return None
    if claims["iss"] != issuer or not isinstance(claims.get("seq"), int) or claims["seq"] < 1 or not 1 <= len(keys) <= 8:
        return None
    return {"seq": claims["seq"], "keys": claims["keys"]}


@pytest.mark.parametrize(("file", "at"), names("clock.json", "cases"))
def test_clock_case_has_the_expected_offset(vectors, file, at):
    case = vectors[file]["cases"][at]
    off, day = case["service"] - case["phone"], 24 * 60 * 60
    if case["source"] == "state":
        counts = abs(off) <= day and case["round_trip"] < 30
        assert (case["verdict"], case["offset"]) == ("good", off if counts else case["held"])
    else:
        assert case["source"] in {"look_up", "refused_proof", "token"}
        assert (case["verdict"], case.get("offset")) == (("good", off) if abs(off) <= day else ("clock", None))


# ---- proofs

PROOFS = ("look_up", "look_up_answer", "bind", "bind_answer", "digits")


def proof_input(proof: str, fields: dict) -> bytes:
    """Returns the MAC input of a proof, computed from its fields."""
    raw = {name: value if name in ("issuer", "id", "body") else unb64(value) for name, value in fields.items()}
    if "body" in raw:
        raw["body"] = hashlib.sha256(raw["body"].encode()).digest()
    order = {
        "look_up": ("issuer", "id", "nonce"),
        "look_up_answer": ("nonce", "body"),
        "bind": ("issuer", "id", "thumbprint", "push_point", "push_secret"),
        "bind_answer": ("jti", "body"),
        "digits": ("issuer", "thumbprint", "push_point"),
    }[proof]
    assert set(order) == set(raw)
    return lp(proof.replace("_", "-"), *(raw[name] for name in order))


def hmac256(key: str, data: bytes) -> str:
    """Computes HMAC-SHA-256, in base64url."""
    return b64(hmac.new(unb64(key), data, hashlib.sha256).digest())


@pytest.mark.parametrize("proof", PROOFS)
@pytest.mark.parametrize(("file", "at"), names("proofs.json", "enrollments"))
def test_proof_matches_its_fields(vectors, file, at, proof):
    enrollment = vectors[file]["enrollments"][at]
    right = enrollment[proof]
    data = proof_input(proof, right["fields"])
    assert unb64(right["input"]) == data
    assert right["mac"] == hmac256(enrollment["key"], data)
    for name in {"issuer", "id"} & set(right["fields"]):
        assert right["fields"][name] == enrollment[name]


@pytest.mark.parametrize(("file", "at"), names("proofs.json", "enrollments"))
def test_digits_match_their_mac(vectors, file, at):
    digits = vectors[file]["enrollments"][at]["digits"]
    (number,) = struct.unpack(">Q", unb64(digits["mac"])[:8])
    assert digits["digits"] == str(number % 1_000_000).zfill(6)


def test_some_digits_begin_with_a_zero(vectors):
    assert any(enrollment["digits"]["digits"][0] == "0" for enrollment in vectors["proofs.json"]["enrollments"])


def test_scanned_code_contains_its_key(vectors):
    scanned = vectors["proofs.json"]["enrollments"][0]
    assert scanned["name"] == "scanned"
    assert len(unb64(scanned["key"])) == len(unb64(scanned["id"])) == 16
    assert scanned["code"] == (
        f"countersign://enroll?v=1&issuer=https%3A%2F%2Flogin.example&id={scanned['id']}&secret={scanned['key']}"
    )


def test_typed_key_is_derived_from_its_code(vectors):
    typed = vectors["proofs.json"]["enrollments"][1]
    assert typed["name"] == "typed"
    assert (typed["id"], typed["secret"]) == (typed["canonical"][:4], typed["canonical"][4:])
    assert unb64(typed["salt"]) == lp(typed["issuer"], typed["id"])
    key = hash_secret_raw(
        typed["secret"].encode(), unb64(typed["salt"]), time_cost=3, memory_cost=64 * 1024, parallelism=1, hash_len=32,
        type=Type.ID, version=19,
    )
    assert typed["key"] == b64(key)
    lookalikes = str.maketrans("OIL", "011", " -")
    assert {text.upper().translate(lookalikes) for text in [typed["code"], *typed["read_as"]]} == {typed["canonical"]}


@pytest.mark.parametrize(("file", "at"), names("proofs.json", "wrong"))
def test_wrong_proof_does_not_match_its_fields(vectors, file, at):
    case = vectors[file]["wrong"][at]
    assert case["verdict"] == "mac"
    assert case["mac"] != hmac256(case["key"], proof_input(case["proof"], case["fields"]))


@pytest.mark.parametrize(("file", "at"), names("proofs.json", "thumbprints"))
def test_thumbprint_matches_its_key(vectors, file, at):
    case = vectors[file]["thumbprints"][at]
    assert json.loads(case["canonical"]) == case["jwk"]
    assert b64(hashlib.sha256(case["canonical"].encode()).digest()) == case["thumbprint"]
    assert JWK(**case["jwk"]).thumbprint() == case["thumbprint"]
    assert unb64(case["point"]) == b"\x04" + unb64(case["jwk"]["x"]) + unb64(case["jwk"]["y"])


def test_prompt_sha256_matches_the_good_prompt(vectors):
    case = vectors["proofs.json"]["prompt_sha256"]
    assert case["jws"] == vectors["phone-prompt.json"]["cases"][0]["jws"]
    assert case["sha256"] == b64(hashlib.sha256(case["jws"].encode()).digest())


def test_enrollment_mac_uses_the_scanned_key(vectors):
    expected = vectors["phone-enrollment.json"]["expected"]
    claims = json.loads(vectors["phone-enrollment.json"]["cases"][0]["payload"])
    fields = {
        "issuer": expected["issuer"], "id": claims["enrollment"], "thumbprint": expected["thumbprint"],
        "push_point": claims["push"]["p256dh"], "push_secret": claims["push"]["auth"],
    }
    assert expected["key"] == vectors["proofs.json"]["enrollments"][0]["key"]
    assert claims["mac"] == hmac256(expected["key"], proof_input("bind", fields))


# ---- pushes

def decrypt(vectors: dict, case: dict) -> bytes:
    """Decrypts the push of a case."""
    key = vectors["push.json"]["push_key"]
    return stock.decrypt_push(unb64(case["message"]), unb64(key["private"]), unb64(key["auth"]))


@pytest.mark.parametrize(("file", "at"), names("push.json", "cases", verdicts={"good"}))
def test_good_push_is_decrypted(vectors, file, at):
    case = vectors[file]["cases"][at]
    content = decrypt(vectors, case)
    assert len(content) == stock.PUSH_LENGTH
    assert content == case["jws"].encode() + b" " * (stock.PUSH_LENGTH - len(case["jws"]))
    assert len(unb64(case["message"])) <= 4_096
    good = [
        known["jws"] for kind in ("phone-prompt.json", "prompt-withdrawn.json", "push-test.json")
        for known in vectors[kind]["cases"] if known["verdict"] == "good"
    ]
    assert case["jws"] in good


@pytest.mark.parametrize(("file", "at"), names("push.json", "cases", verdicts={"decryption"}))
def test_undecryptable_push_fails_to_decrypt(vectors, file, at):
    case = vectors[file]["cases"][at]
    assert has_form(unb64(case["message"]))
    with pytest.raises(http_ece.ECEException):
        decrypt(vectors, case)


@pytest.mark.parametrize(("file", "at"), names("push.json", "cases", verdicts={"form"}))
def test_malformed_push_has_a_wrong_form_or_delimiter(vectors, file, at):
    case = vectors[file]["cases"][at]
    if has_form(unb64(case["message"])):
        with pytest.raises(http_ece.ECEException, match="delimiter|all zero"):
            decrypt(vectors, case)


def has_form(message: bytes) -> bool:
    """Returns True when a push is within the size limit, and has a header with a valid point and then one record."""
    if not 21 + 65 + 16 < len(message) <= 4_096:
        return False
    size, length = struct.unpack(">LB", message[16:21])
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), message[21:86])
    except ValueError:
        return False
    return length == 65 and len(message) - 86 <= size


@pytest.mark.parametrize(("file", "at"), names("push.json", "cases", verdicts={"refused"}))
def test_refused_push_contains_no_good_prompt(vectors, file, at):
    case = vectors[file]["cases"][at]
    content = decrypt(vectors, case)
    assert len(content) == stock.PUSH_LENGTH
    good = {known["jws"].encode() for known in vectors["phone-prompt.json"]["cases"] if known["verdict"] == "good"}
    assert content.rstrip(b" ") not in good
    _, colon, name = case["name"].partition("phone-prompt.json: ")
    if colon:
        (wrong,) = [known["jws"] for known in vectors["phone-prompt.json"]["cases"] if known["name"] == name]
        assert content == wrong.ljust(stock.PUSH_LENGTH).encode()


def test_each_wrong_prompt_that_fits_into_a_push_has_a_push_case(vectors):
    wrong = {
        f"phone-prompt.json: {case['name']}" for case in vectors["phone-prompt.json"]["cases"]
        if case["verdict"] != "good" and len(case["jws"]) <= stock.PUSH_LENGTH
    }
    assert wrong <= {case["name"] for case in vectors["push.json"]["cases"]}


# ---- the inbox

def open_snapshot(inbox: dict, text: str) -> dict:
    """Opens a snapshot file and returns its content."""
    envelope = stock.strict_json(text)
    if list(envelope) != ["v", "key", "sealed"] or envelope["v"] != 1 or envelope["key"] != inbox["wrapped"]:
        raise ValueError("another envelope")
    sealed = unb64(envelope["sealed"])
    plain = AESGCM(unb64(inbox["snapshot_key"])).decrypt(sealed[:12], sealed[12:], AUTHENTICATION)
    return stock.strict_json(plain)


def test_snapshot_opens(vectors):
    inbox = vectors["inbox.json"]
    assert (len(unb64(inbox["snapshot_key"])), len(unb64(inbox["wrapped"]))) == (32, 40)
    assert open_snapshot(inbox, inbox["file"]) == json.loads(inbox["plain"])


def test_snapshot_matches_pushes_and_prompts(vectors):
    (account,) = json.loads(vectors["inbox.json"]["plain"])["accounts"]
    push, prompts = vectors["push.json"], vectors["phone-prompt.json"]
    assert account["slot"] == push["slot"]
    assert unb64(account["push_keys"]) == unb64(push["push_key"]["private"]) + unb64(push["push_key"]["auth"])
    assert account["service_keys"] == prompts["service_keys"]
    assert {name: account[name] for name in prompts["expected"]} == prompts["expected"]


@pytest.mark.parametrize(("file", "at"), names("inbox.json", "wrong_files"))
def test_wrong_snapshot_does_not_open(vectors, file, at):
    inbox = vectors[file]
    with pytest.raises((InvalidTag, ValueError, AssertionError)):
        open_snapshot(inbox, inbox["wrong_files"][at]["file"])


def open_half(inbox: dict, sealed: bytes) -> tuple[int, bytes]:
    """Opens a half of an account's file. Returns its turn and its text; the turn is -1 when the half does not open."""
    place = f"inbox\0{inbox['name']}\0v1".encode()
    try:
        content = AESGCM(unb64(inbox["inbox_key"])).decrypt(sealed[:12], sealed[12:], place)
    except (InvalidTag, ValueError):
        return -1, b""
    return (int.from_bytes(content[:8], "big"), content[8:]) if len(content) >= 8 else (-1, b"")


def open_account(inbox: dict, sealed: bytes) -> dict:
    """Opens an account's file and returns the account that was written last."""
    middle = len(sealed) // 2
    _turn, text = max(open_half(inbox, sealed[:middle]), open_half(inbox, sealed[middle:]))
    account = stock.strict_json(text)
    if f"accounts/{b64(hashlib.sha256(unb64(account['slot'])).digest())}" != inbox["name"]:
        raise ValueError("another account")
    return account


def read_key_file(text: str) -> bytes:
    """Returns the wrapped key of a key file."""
    content = stock.strict_json(text)
    if list(content) != ["v", "key"] or content["v"] != 2:
        raise ValueError("another key file")
    return unb64(content["key"])


def test_account_of_the_inbox_opens(vectors):
    inbox, (account,) = vectors["inbox-account.json"], json.loads(vectors["inbox.json"]["plain"])["accounts"]
    assert read_key_file(inbox["key_file"]) == unb64(inbox["wrapped"])
    for case in inbox["files"]:
        assert open_account(inbox, unb64(case["file"])) == json.loads(inbox["plain"]) == account, case["name"]


@pytest.mark.parametrize(("file", "at"), names("inbox-account.json", "wrong_files"))
def test_wrong_account_of_the_inbox_does_not_open(vectors, file, at):
    inbox = vectors[file]
    with pytest.raises((InvalidTag, ValueError, AssertionError, TypeError)):
        open_account(inbox, unb64(inbox["wrong_files"][at]["file"]))


@pytest.mark.parametrize(("file", "at"), names("inbox-account.json", "wrong_key_files"))
def test_wrong_key_file_is_refused(vectors, file, at):
    with pytest.raises((ValueError, AssertionError)):
        read_key_file(vectors[file]["wrong_key_files"][at]["file"])
