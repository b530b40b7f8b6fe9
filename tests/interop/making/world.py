"""Makes the keys and ids of the vectors."""

import json
import os
from dataclasses import dataclass

from making.jose import (
    ISSUER, Key, Kind, MAX_JWS, NOW, VECTORS, digits_input, digits_of, fresh_id, hmac256, unb64,
)


@dataclass(frozen=True)
class World:
    """The keys and ids that all files share."""

    service: Key
    service_next: Key
    device: Key
    sign_in: Key
    attacker: Key
    push: Key
    push_auth: bytes
    slot: bytes
    device_id: str
    account_id: str
    enrollment_secret: bytes
    enrollment_id: str

    @classmethod
    def make(cls) -> "World":
        """Makes fresh keys. Chooses an enrollment secret for which the digits begin with a zero."""
        device, push = Key.make(), Key.make()
        secret = os.urandom(16)
        while not digits_of(hmac256(secret, digits_input(device, push))).startswith("0"):
            secret = os.urandom(16)
        return cls(
            service=Key.make(), service_next=Key.make(), device=device, sign_in=Key.make(), attacker=Key.make(), push=push,
            push_auth=os.urandom(16), slot=os.urandom(16), device_id=fresh_id(), account_id=fresh_id(),
            enrollment_secret=secret, enrollment_id=fresh_id(),
        )

    @classmethod
    def of_frozen_files(cls) -> "World":
        """Reads the keys and ids of the frozen files, so that one reader can use old and new files together."""
        def load(name: str) -> dict:
            return json.loads((VECTORS / name).read_bytes())

        keys = {name: Key.of(key["jwk"]["d"]) for name, key in load("keys.json").items()}
        push, expected = load("push.json"), load("phone-prompt.json")["expected"]
        scanned = load("proofs.json")["enrollments"][0]
        return cls(
            service=keys["service"], service_next=keys["service_next"], device=keys["device"], sign_in=keys["sign_in"],
            attacker=keys["stranger"], push=Key.of(push["push_key"]["private"]), push_auth=unb64(push["push_key"]["auth"]),
            slot=unb64(push["slot"]), device_id=expected["device_id"], account_id=expected["account_id"],
            enrollment_secret=unb64(scanned["key"]), enrollment_id=scanned["id"],
        )

    @property
    def service_keys(self) -> dict:
        """Returns the service keys that the phone has stored."""
        return {"seq": 1, "keys": [self.service.jwk]}

    def from_service(self, typ: str, payload: dict, limit: int = MAX_JWS) -> Kind:
        """Returns a kind of message that the service signs."""
        return Kind(typ, self.service, self.attacker, payload, self.service.thumbprint, self.attacker.thumbprint, limit)

    def document(self, kind: Kind, signed_by: str, expected: dict, cases: list[dict]) -> dict:
        """Returns the content of the vector file for one kind of message."""
        head = {"typ": kind.typ, "signed_by": signed_by, "now": NOW, "expected": expected}
        keys = {"service_keys": self.service_keys} if signed_by == "service" else {}
        return head | keys | {"cases": cases}

    @property
    def addressee(self) -> dict:
        """Returns the values with which the phone compares a message of the service."""
        return {"issuer": ISSUER, "device_id": self.device_id, "account_id": self.account_id}
