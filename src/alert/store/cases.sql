-- Incidents as cases: what is to be done, what was seen, and which incident went into which.

ALTER TABLE incidents ADD COLUMN merged_into INTEGER;

CREATE TABLE incident_tasks (
    incident_id INTEGER NOT NULL,
    place INTEGER NOT NULL,
    text TEXT NOT NULL,
    added INTEGER NOT NULL,
    added_by TEXT NOT NULL,
    done INTEGER,
    done_by TEXT,
    PRIMARY KEY (incident_id, place)
) WITHOUT ROWID;

CREATE TABLE incident_observables (
    incident_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    note TEXT,
    added INTEGER NOT NULL,
    added_by TEXT NOT NULL,
    PRIMARY KEY (incident_id, kind, value)
) WITHOUT ROWID;

-- What the figures of a period are read by.
CREATE INDEX alerts_raised ON alerts (raised);
CREATE INDEX alert_history_at ON alert_history (at);

-- Handovers are kept as they were signed.
CREATE TABLE handovers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    since INTEGER NOT NULL,
    signed INTEGER NOT NULL,
    who TEXT NOT NULL,
    text TEXT NOT NULL,
    digest TEXT NOT NULL
);
CREATE TRIGGER handovers_kept BEFORE UPDATE ON handovers BEGIN
    SELECT RAISE(ABORT, 'a signed handover is never changed');
END;
CREATE TRIGGER handovers_stay BEFORE DELETE ON handovers BEGIN
    SELECT RAISE(ABORT, 'a signed handover is never removed');
END;
