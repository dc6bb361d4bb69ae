-- People who are kept out, people whom an OpenID Connect provider knows, and docks that people named.

ALTER TABLE users ADD COLUMN disabled INTEGER NOT NULL DEFAULT 0;

-- Who logs in through a provider: issuer and subject name somebody for ever, an e-mail address does not.
CREATE TABLE user_identities (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,
    user_id BLOB NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (issuer, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX user_identities_of_user ON user_identities (user_id);

-- 1: a person gave the callsign, and the dock no longer changes it. Of older docks, those that had one before they bound.
ALTER TABLE docks ADD COLUMN callsign_chosen INTEGER NOT NULL DEFAULT 0;
UPDATE docks SET callsign_chosen = 1 WHERE callsign IS NOT NULL AND bound_at IS NULL;
