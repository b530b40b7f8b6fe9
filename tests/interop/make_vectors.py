"""Makes all test vectors of the phone sign-in protocol, except the frozen ones.

Everything is made with stock libraries: PyJWT signs, jwcrypto makes thumbprints, http_ece encrypts
pushes, argon2-cffi and hashlib make keys and MACs. No code of this project is used, so that one mistake
can't be in both the vectors and their reader. `core/docs/protocol.md` defines the messages;
the section numbers in `making/` refer to that document.

Each run makes new signatures, so a new run never gives the same files. The output is committed.
A file that `FROZEN` lists is not changed: new vectors go into a new file. The files of the extensions use the keys and
ids of the frozen files; every other file gets new ones.

With names of files as arguments, makes only these files.
"""

import hashlib
import json
import sys

from making.device_files import (
    answer_file, dpop_file, enrollment_file, request_file, sign_in_answer_file, sign_in_key_file,
)
from making.extensions import administration_file, features_file
from making.first_contact import clock_file, first_keys_file
from making.jose import VECTORS
from making.proofs import proofs_file
from making.pushes import inbox_account_file, inbox_file, push_file
from making.service_files import keys_document_file, keys_file, prompt_file, push_test_file, state_file, withdrawn_file
from making.world import World


def make_all() -> dict[str, dict]:
    """Makes all files; returns their contents by file name."""
    world, frozen_world = World.make(), World.of_frozen_files()
    prompts, withdrawals, keys = prompt_file(world), withdrawn_file(world), keys_document_file(world)
    push_tests = push_test_file(world)
    prompt = prompts["cases"][0]
    answers = answer_file(world, prompt)
    return {
        "keys.json": keys_file(world),
        "phone-prompt.json": prompts,
        "prompt-withdrawn.json": withdrawals,
        "push-test.json": push_tests,
        "phone-state.json": state_file(world, prompt),
        "phone-keys.json": keys,
        "phone-enrollment.json": enrollment_file(world),
        "phone-request.json": request_file(world, prompt, answers["cases"][0]),
        "phone-answer.json": answers,
        "phone-sign-in-answer.json": sign_in_answer_file(world, prompt),
        "phone-sign-in-key.json": sign_in_key_file(world),
        "dpop.json": dpop_file(world),
        "proofs.json": proofs_file(world, prompt, keys["cases"][0]["jws"]),
        "push.json": push_file(world, prompts, withdrawals, push_tests),
        "inbox.json": inbox_file(world),
        "inbox-account.json": inbox_account_file(),
        "first-keys.json": first_keys_file(world),
        "clock.json": clock_file(),
        "phone-prompt-administration.json": administration_file(frozen_world),
        "features.json": features_file(frozen_world),
    }


def main(wanted: list[str]) -> None:
    """Writes the wanted files that are not frozen, and the SHA-256 checksums of all files."""
    VECTORS.mkdir(exist_ok=True)
    frozen = [line.split("  ")[1] for line in (VECTORS / "FROZEN").read_text().splitlines()]
    sums = []
    for name, content in sorted(make_all().items()):
        if name not in frozen and (not wanted or name in wanted):
            data = (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()
            (VECTORS / name).write_bytes(data)
        data = (VECTORS / name).read_bytes()
        sums.append(f"{hashlib.sha256(data).hexdigest()}  {name}\n")
    (VECTORS / "SHA256SUMS").write_text("".join(sums))


if __name__ == "__main__":
    main(sys.argv[1:])
