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
    cause         TEXT,                       -- JSON: why the service removed it
    key_alias     TEXT NOT NULL,
    device_key    BLOB NOT NULL,              -- the public point, 65 bytes
    slot          BLOB NOT NULL UNIQUE,
    push_keys     BLOB NOT NULL,              -- sealed
    endpoints     TEXT NOT NULL,              -- JSON
    service_keys  TEXT NOT NULL,              -- JSON
    keys_asked_at INTEGER NOT NULL DEFAULT 0,
    clock_offset  INTEGER NOT NULL,           -- the service's clock minus this phone's, in seconds
    added_at      INTEGER NOT NULL,
    push_fetch_at INTEGER NOT NULL DEFAULT 0, -- the last fetch that an unreadable push caused
    push_renew_at INTEGER NOT NULL,           -- when the push address is renewed
    push_came_at  INTEGER,                    -- the last verified push, by this phone's clock
    sign_in_alias TEXT,                       -- present while phone sign-in is on
    sign_in_key   BLOB,                       -- the public point
    sign_in_guard TEXT,
    policy        TEXT,                       -- JSON, from the last signed state
    trouble       TEXT,
    memory        TEXT,                       -- JSON: recent unapproved alerts, end of the mute
    UNIQUE (issuer, device_id)
) STRICT;

CREATE TABLE enrollments (
    ticket    TEXT PRIMARY KEY,
    account   TEXT NOT NULL UNIQUE,           -- the account that it will be; in accounts from stage "bound" on
    stage     TEXT NOT NULL,                  -- JSON
    facts     TEXT NOT NULL,                  -- JSON, nothing secret
    key       BLOB NOT NULL,                  -- sealed: the enrollment key K
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
    account     TEXT NOT NULL,                -- no reference: a removal is sent after the account is gone
    prompt      TEXT,                         -- the jti of the prompt that it answers or reports
    speaker     TEXT NOT NULL,                -- JSON: the sender, with its key and service
    endpoint    TEXT NOT NULL,
    body        TEXT NOT NULL,                -- JSON: the message
    attempts    INTEGER NOT NULL DEFAULT 0,
    unsent      INTEGER NOT NULL DEFAULT 0,   -- attempts that certainly did not leave this phone
    next_at     INTEGER NOT NULL,
    give_up_at  INTEGER NOT NULL,
    lease_until INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE registrations (
    account TEXT PRIMARY KEY REFERENCES accounts (id) ON DELETE CASCADE,
    stage   BLOB NOT NULL                     -- sealed: contains verifier, state and token
) STRICT;

CREATE TABLE sign_in_enrollments (
    account TEXT PRIMARY KEY,                 -- the account that it will be
    record  BLOB NOT NULL                     -- sealed: contains push keys, verifier, state and token
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
    alias   TEXT PRIMARY KEY,                 -- to be deleted from the key store
    account TEXT NOT NULL
) STRICT;
