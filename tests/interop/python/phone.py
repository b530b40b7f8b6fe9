"""A phone that was written only from `core/docs/protocol.md`, for tests with the real service.

Section numbers refer to that document. The phone keeps its keys and state only in memory.
"""

import hashlib
import hmac
import json
import os
import struct
import time
import urllib.parse
from dataclasses import dataclass

import jwt
from argon2.low_level import Type, hash_secret_raw
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwcrypto.jwk import JWK

from python.web import Client, Reply, World
from stock import b64, strict_json, unb64, verify_with_pyjwt

REDIRECT = "http://127.0.0.1:40000/phone-sign-in"
DIGITS_MODULUS = 1_000_000


def fresh_id() -> str:
    """Returns 128 random bits in base64url (section 1)."""
    return b64(os.urandom(16))


def lp(*fields: bytes | str) -> bytes:
    """Returns the input of a MAC: before each field, its length in two bytes (section 1)."""
    raw = [field.encode() if isinstance(field, str) else field for field in fields]
    return b"".join(struct.pack("!H", len(field)) + field for field in raw)


class Key:
    """A P-256 key."""

    def __init__(self):
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.point = self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        self.jwk = {"kty": "EC", "crv": "P-256", "x": b64(self.point[1:33]), "y": b64(self.point[33:])}
        self.thumbprint = JWK(**self.jwk).thumbprint()

    def sign(self, typ: str, payload: dict, **named) -> str:
        """Returns a compact JWS. Its header has exactly `alg`, `typ` and the member that names the key."""
        return jwt.encode(payload, self.private, algorithm="ES256", headers={"typ": typ} | named)


@dataclass
class Refused(Exception):
    """The service refused a request with this reply."""

    reply: Reply


class Phone:
    """One account on one phone."""

    def __init__(self, world: World, clock_error: int = 0):
        """Makes a phone. `clock_error` is the number of seconds by which its clock is wrong."""
        self._world, self._client = world, Client(world.authority)
        self._clock_error, self._offset = clock_error, 0
        self.device, self.push, self.sign_in = Key(), Key(), None
        self._push_secret, self._slot = os.urandom(16), os.urandom(16)

    # ---- section 2

    def discover(self, issuer: str) -> None:
        """Reads the service's metadata; checks that the metadata names this issuer."""
        self.metadata = self._client.ask(issuer + "/.well-known/openid-configuration").json()
        assert self.metadata["issuer"] == issuer
        self.issuer, self.endpoints = issuer, self.metadata["phone_sign_in"]
        assert 1 in self.endpoints["versions"]

    # ---- section 3

    def look_up(self, code: str, address: str) -> dict:
        """Looks up a typed code."""
        self.discover("https://" + address)
        canonical = code.upper().replace("-", "").translate(str.maketrans("OIL", "011"))
        self._enrollment, secret = canonical[:4], canonical[4:]
        self._key = hash_secret_raw(
            secret.encode(), lp(self.issuer, self._enrollment), time_cost=3, memory_cost=65_536, parallelism=1,
            hash_len=32, type=Type.ID, version=0x13,
        )
        nonce = os.urandom(16)
        body = {"v": 1, "id": self._enrollment, "nonce": b64(nonce),
                "mac": self._mac("look-up", self.issuer, self._enrollment, nonce)}
        reply = self._client.ask(
            self.endpoints["look_up_endpoint"], json.dumps(body).encode(), Content_Type="application/json")
        answer = self._authenticated(reply, "look-up-answer", nonce)
        assert answer["issuer"] == self.issuer
        # The phone accepts the first keys because the MAC over the reply covers them (section 6).
        self._service_keys = strict_json(unb64(answer["keys"].split(".")[1]))["keys"]
        self.account_id, self.user_name = answer["account_id"], answer["user_name"]
        self._offset = answer["time"] - self._own_clock()
        assert abs(self._offset) <= 24 * 60 * 60, "this phone's clock is wrong"
        return answer

    def bind(self) -> None:
        """Sends the bind; the service then waits until the person types the digits."""
        endpoint, jti = self.endpoints["enrollment_endpoint"], os.urandom(16)
        thumbprint = unb64(self.device.thumbprint)
        claims = self._timed(endpoint) | {
            "jti": b64(jti), "v": 1, "enrollment": self._enrollment,
            "mac": self._mac("bind", self.issuer, self._enrollment, thumbprint, self.push.point, self._push_secret),
            "device": {"name": "A phone in Python", "model": "Python", "os": "Python", "app_version": "1"},
            "push": {"endpoint": self._subscribe(), "p256dh": b64(self.push.point), "auth": b64(self._push_secret)},
            "attestation": {"format": "none"},
        }
        reply = self._post(endpoint, self.device.sign("phone-enrollment+jwt", claims, jwk=self.device.jwk))
        answer = self._authenticated(reply, "bind-answer", jti)
        assert answer["account_id"] == self.account_id
        assert answer["keys"] == [JWK(**key).thumbprint() for key in self._service_keys]
        self.device_id = answer["device_id"]

    def digits(self) -> str:
        """Returns the digits that the person types into the page."""
        mac = unb64(self._mac("digits", self.issuer, unb64(self.device.thumbprint), self.push.point))
        return f"{int.from_bytes(mac[:8], 'big') % DIGITS_MODULUS:06}"

    def _mac(self, *fields: bytes | str) -> str:
        return b64(hmac.new(self._key, lp(*fields), hashlib.sha256).digest())

    def _authenticated(self, reply: Reply, label: str, of: bytes) -> dict:
        if reply.status != 200:
            raise Refused(reply)
        expected = self._mac(label, of, hashlib.sha256(reply.body).digest())
        assert hmac.compare_digest(reply.headers["countersign-mac"], expected)
        return strict_json(reply.body)

    # ---- section 8

    def _subscribe(self) -> str:
        bearer = b64(os.urandom(32))
        body = json.dumps({"vapid_key": self.endpoints["vapid_key"], "slot": b64(self._slot)}).encode()
        reply = self._client.ask(
            self._world.relay + "/subscriptions", body, Content_Type="application/json",
            Authorization=f"Bearer {bearer}")
        assert reply.status == 201, reply
        return reply.json()["endpoint"]

    # ---- sections 4 and 5

    def _timed(self, audience: str) -> dict:
        now = self._now()
        return {"aud": audience, "iat": now, "exp": now + 120}

    def _own_clock(self) -> int:
        return int(time.time()) + self._clock_error

    def _now(self) -> int:
        """The service's time: this phone's clock plus the offset."""
        return self._own_clock() + self._offset

    def _post(self, endpoint: str, jws: str) -> Reply:
        return self._client.ask(endpoint, jws.encode(), Content_Type="application/jose")

    def request(self, name: str, message: str, **members) -> dict:
        """Sends a signed request; verifies and returns the signed state."""
        endpoint, jti = self.endpoints[f"{name}_endpoint"], fresh_id()
        claims = self._timed(endpoint) | {"jti": jti, "message": message} | members
        reply = self._post(endpoint, self.device.sign("phone-request+jwt", claims, kid=self.device_id))
        if reply.status != 200:
            raise Refused(reply)
        state = self._from_service("phone-state+jwt", reply.body.decode())
        assert (state["iss"], state["aud"], state["request"]) == (self.issuer, self.device_id, jti)
        return state

    def _from_service(self, typ: str, jws: str) -> dict:
        header = jwt.get_unverified_header(jws)
        assert sorted(header) == ["alg", "kid", "typ"] and header["typ"] == typ
        key = next(key for key in self._service_keys if JWK(**key).thumbprint() == header["kid"])
        return strict_json(verify_with_pyjwt(jws, key)[1])

    def fetch(self) -> dict:
        """Fetches the state with the waiting prompts."""
        return self.request(
            "prompts", "fetch", reason="opened", wait=0, known={"status": "ok", "prompts": []})

    # ---- section 7

    def prompt(self, kind: str) -> tuple[str, dict]:
        """Returns two values for the only waiting prompt of a kind: its JWS, and its claims."""
        waiting = [(jws, self._from_service("phone-prompt+jwt", jws)) for jws in self.fetch()["prompts"]]
        [(jws, claims)] = [(jws, claims) for jws, claims in waiting if claims["kind"] == kind]
        assert (claims["iss"], claims["aud"], claims["sub"]) == (self.issuer, self.device_id, self.account_id)
        assert claims["exp"] > self._now()
        return jws, claims

    def answer(self, prompt: tuple[str, dict], number: str | None) -> str:
        """Approves with a number, or denies; returns the outcome."""
        jws, claims = prompt
        by_person = number is not None and claims["key"] == "sign_in"
        key = self.sign_in if by_person else self.device
        inner = {
            "aud": self.issuer, "prompt": claims["jti"],
            "prompt_sha256": b64(hashlib.sha256(jws.encode()).digest()),
            "decision": "deny" if number is None else "approve",
        }
        if number is not None:
            inner["number"] = number
        inner["uv"] = "credential" if by_person else "none"
        signed = key.sign("phone-answer+jwt", inner, kid=key.thumbprint)
        state = self.request("answers", "answer", answer=signed, received_by="fetch")
        assert state["outcome"]["prompt"] == claims["jti"]
        return state["outcome"]["result"]

    # ---- section 10

    def _form(self, endpoint: str, **fields: str) -> Reply:
        proof = self.device.sign("dpop+jwt", {
            "jti": fresh_id(), "htm": "POST", "htu": endpoint, "iat": self._now(),
        }, jwk=self.device.jwk)
        return self._client.ask(
            endpoint, urllib.parse.urlencode(fields).encode(),
            Content_Type="application/x-www-form-urlencoded", DPoP=proof)

    def start_registration(self) -> str:
        """Sends the pushed authorization request; returns the URL that the browser must open."""
        self._state, self._verifier = fresh_id(), b64(os.urandom(32))
        reply = self._form(
            self.metadata["pushed_authorization_request_endpoint"], client_id=self.endpoints["client_id"],
            response_type="code", redirect_uri=REDIRECT, scope="device_registration", state=self._state,
            code_challenge=b64(hashlib.sha256(self._verifier.encode()).digest()), code_challenge_method="S256",
            dpop_jkt=self.device.thumbprint, prompt="login")
        if reply.status != 201:
            raise Refused(reply)
        query = {"client_id": self.endpoints["client_id"], "request_uri": reply.json()["request_uri"]}
        return f"{self.metadata['authorization_endpoint']}?{urllib.parse.urlencode(query)}"

    def turn_on(self, redirected_to: str) -> str:
        """Registers a sign-in key; `redirected_to` is the redirect URL of the browser. Returns the result."""
        address, query = redirected_to.split("?")
        given = urllib.parse.parse_qs(query, strict_parsing=True)
        assert address == REDIRECT and given["iss"] == [self.issuer] and given["state"] == [self._state]
        reply = self._form(
            self.metadata["token_endpoint"], grant_type="authorization_code", client_id=self.endpoints["client_id"],
            code=given["code"][0], redirect_uri=REDIRECT, code_verifier=self._verifier)
        if reply.status != 200:
            raise Refused(reply)
        token = reply.json()
        assert (token["token_type"], token["scope"]) == ("DPoP", "device_registration")
        assert token["sub"] == self.account_id
        key = Key()
        proof = key.sign("phone-sign-in-key+jwt", {
            "aud": self.issuer, "sub": self.account_id, "device": self.device_id,
            "device_key": self.device.thumbprint, "nonce": token["nonce"], "purpose": "turn_on", "uv": "credential",
            "attestation": {"format": "none"},
        }, jwk=key.jwk)
        state = self.request("device", "turn_on", token=token["access_token"], proof=proof)
        if state["turn_on"] == "done":
            assert state["sign_in_key"] == key.thumbprint
            self.sign_in = key
        return state["turn_on"]

    def turn_off(self) -> dict:
        """Deletes the sign-in key, then informs the service."""
        thumbprint, self.sign_in = self.sign_in.thumbprint, None
        return self.request("device", "turn_off", sign_in_key=thumbprint)
