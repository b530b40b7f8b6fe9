CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT;

CREATE TABLE accounts (
    id            TEXT PRIMARY KEY,
    issuer        TEXT NOT NULL,
    account_id    TEXT NOT NULL,
    user_name     TEXT NOT NULL,
    organization  TEXT NOT NULL,
    device_id     TEXT NOT NULL,
    state         TEXT NOT NULL,              -- pending, active, removed
    cause         TEXT,                       -- why it was removed
    key_alias     TEXT NOT NULL,
    device_key    BLOB NOT NULL,              -- the public point
    slot          BLOB NOT NULL UNIQUE,
    push_keys     BLOB NOT NULL,              -- sealed
    endpoints     TEXT NOT NULL,              -- JSON
    service_keys  TEXT NOT NULL,              -- JSON
    keys_asked_at INTEGER NOT NULL DEFAULT 0,
    clock_offset  INTEGER NOT NULL,           -- service's clock minus this phone's, seconds
    added_at      INTEGER NOT NULL,
    push_fetch_at INTEGER NOT NULL DEFAULT 0, -- last fetch that an unreadable push caused
    push_renew_at INTEGER NOT NULL,           -- when the push address is asked for anew
    push_came_at  INTEGER,                    -- the last genuine push, by this phone's clock
    sign_in_alias TEXT,                       -- while phone sign-in is on
    sign_in_key   BLOB,                       -- the public point
    sign_in_guard TEXT,
    policy        TEXT,                       -- JSON, of the last signed state
    trouble       TEXT,
    memory        TEXT,                       -- JSON: what alerted in vain, muted until when
    UNIQUE (issuer, device_id)
) STRICT;

CREATE TABLE enrollments (
    ticket    TEXT PRIMARY KEY,
    account   TEXT NOT NULL UNIQUE,           -- the account it will be; a row there from "bound" on
    stage     TEXT NOT NULL,                  -- JSON
    facts     TEXT NOT NULL,                  -- JSON, nothing secret
    key       BLOB NOT NULL,                  -- sealed: the enrolment key K
    push_keys BLOB NOT NULL                   -- sealed
) STRICT;

CREATE TABLE prompts (
    account     TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    jti         TEXT NOT NULL,
    jws         TEXT NOT NULL,                -- verified before it was stored
    received_by TEXT NOT NULL,                -- push, fetch
    received_at INTEGER NOT NULL,
    quiet       TEXT,                         -- JSON: why it came without an alert
    expires_at  INTEGER NOT NULL,
    state       TEXT NOT NULL,                -- open, answering, done
    outcome     TEXT,
    done_at     INTEGER,
    PRIMARY KEY (account, jti)
) STRICT;

CREATE TABLE withdrawn (
    account    TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    jti        TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (account, jti)
) STRICT;

CREATE TABLE outbox (
    id          TEXT PRIMARY KEY,
    account     TEXT NOT NULL,                -- outlives the account: an unenrol must still be told
    prompt      TEXT,                         -- the jti it answers or reports
    speaker     TEXT NOT NULL,                -- JSON: who speaks to whom, with which key
    endpoint    TEXT NOT NULL,
    body        TEXT NOT NULL,                -- JSON: the message
    attempts    INTEGER NOT NULL DEFAULT 0,
    unsent      INTEGER NOT NULL DEFAULT 0,   -- attempts that have certainly not left this phone
    next_at     INTEGER NOT NULL,
    give_up_at  INTEGER NOT NULL,
    lease_until INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE registrations (
    account TEXT PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    stage   BLOB NOT NULL                     -- sealed: it holds what only this phone may know
) STRICT;

CREATE TABLE sign_in_enrollments (
    account TEXT PRIMARY KEY,                 -- the account it will be
    record  BLOB NOT NULL                     -- sealed: it holds what only this phone may know
) STRICT;

CREATE TABLE notices (
    account   TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    id        TEXT NOT NULL,
    kind      TEXT NOT NULL,
    at        INTEGER NOT NULL,               -- by this phone's clock
    dismissed INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (account, id)
) STRICT;

CREATE TABLE retired_keys (
    alias   TEXT PRIMARY KEY,                 -- to be destroyed in the key store, whatever happens in between
    account TEXT NOT NULL
) STRICT;
