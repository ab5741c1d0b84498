-- Steps of the response that were done, what is known of who is involved, what has waited too long, and evidence of incidents.

ALTER TABLE alert_details ADD COLUMN context TEXT NOT NULL DEFAULT '[]';

CREATE TABLE alert_steps (
    alert_id INTEGER NOT NULL,
    step INTEGER NOT NULL,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    PRIMARY KEY (alert_id, step)
) WITHOUT ROWID;

CREATE INDEX alerts_untouched ON alerts (level, raised) WHERE status = 0;

-- A bundle is large: its row is not part of the index.
CREATE TABLE incident_evidence (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    incident_id INTEGER NOT NULL,
    place INTEGER NOT NULL,
    query TEXT NOT NULL,
    note TEXT,
    events INTEGER NOT NULL,
    digest TEXT NOT NULL,
    size INTEGER NOT NULL,
    added INTEGER NOT NULL,
    added_by TEXT NOT NULL,
    bundle BLOB NOT NULL
);
CREATE UNIQUE INDEX incident_evidence_place ON incident_evidence (incident_id, place);
