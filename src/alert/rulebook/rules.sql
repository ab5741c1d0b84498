-- Version 1: what people decided about rules. Beside the alerts, because rules outlive them.

CREATE TABLE exceptions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    rule_id TEXT NOT NULL,
    conditions TEXT NOT NULL,
    reason TEXT NOT NULL,
    author TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    revoked INTEGER,
    revoked_by TEXT,
    revoked_why TEXT,
    hidden INTEGER NOT NULL DEFAULT 0,
    last_hidden INTEGER
);

-- The latest detections each exception hid: none of them is lost from sight.
CREATE TABLE suppressed (
    exception_id INTEGER NOT NULL,
    event_id INTEGER NOT NULL,
    rule_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    entity TEXT NOT NULL,
    PRIMARY KEY (exception_id, event_id, rule_id)
) WITHOUT ROWID;

CREATE TABLE states (
    rule_id TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    who TEXT NOT NULL,
    why TEXT NOT NULL,
    at INTEGER NOT NULL
) WITHOUT ROWID;

-- Matches of rules that raise no alert, a day of UTC each.
CREATE TABLE shadow (
    rule_id TEXT NOT NULL,
    day INTEGER NOT NULL,
    matches INTEGER NOT NULL,
    PRIMARY KEY (rule_id, day)
) WITHOUT ROWID;

CREATE TABLE versions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    rule_id TEXT NOT NULL,
    hash TEXT NOT NULL,
    path TEXT NOT NULL,
    text TEXT NOT NULL,
    seen INTEGER NOT NULL
);
CREATE INDEX versions_rule ON versions (rule_id, id);

CREATE TABLE history (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    rule_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    text TEXT
);
CREATE INDEX history_rule ON history (rule_id, id);
CREATE TRIGGER history_kept BEFORE UPDATE ON history BEGIN
    SELECT RAISE(ABORT, 'history is only ever added to');
END;
CREATE TRIGGER history_stays BEFORE DELETE ON history BEGIN
    SELECT RAISE(ABORT, 'history is only ever added to');
END;
