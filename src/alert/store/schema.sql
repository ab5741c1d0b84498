-- Version 1: alerts, incidents, and how far the log has been worked through.

CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE snapshot (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    position INTEGER NOT NULL,
    bytes BLOB NOT NULL
);

CREATE TABLE alerts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    rule_id TEXT NOT NULL,
    title TEXT NOT NULL,
    title_vi TEXT,
    level INTEGER NOT NULL,
    criticality INTEGER NOT NULL,
    risk INTEGER NOT NULL,
    status INTEGER NOT NULL,
    owner TEXT,
    disposition INTEGER,
    closed INTEGER,
    closing_note TEXT,
    incident INTEGER,
    undoable TEXT,
    entity TEXT NOT NULL,
    entity_field TEXT NOT NULL,
    host TEXT,
    count INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    last_trigger INTEGER NOT NULL,
    raised INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    decided INTEGER NOT NULL,
    born INTEGER NOT NULL,
    tags TEXT NOT NULL,
    folded TEXT NOT NULL
);
-- The order of the list, with what the quick filters need, so that skipping rows never reads the table.
CREATE INDEX alerts_open ON alerts (risk DESC, last DESC, id DESC, level) WHERE status < 3;
CREATE INDEX alerts_all ON alerts (risk DESC, last DESC, id DESC, level);
CREATE INDEX alerts_status ON alerts (status, risk DESC, last DESC, id DESC, level);
CREATE INDEX alerts_rule ON alerts (rule_id, risk DESC, last DESC, id DESC, status, level);
CREATE INDEX alerts_group ON alerts (rule_id, entity, entity_field, id);
CREATE INDEX alerts_entity ON alerts (entity);
CREATE INDEX alerts_owner ON alerts (owner, risk DESC, last DESC, id DESC, status, level) WHERE owner IS NOT NULL;
CREATE INDEX alerts_incident ON alerts (incident) WHERE incident IS NOT NULL;
CREATE INDEX alerts_revision ON alerts (revision);

CREATE VIRTUAL TABLE alert_text USING fts5 (folded, content = '', contentless_delete = 1, tokenize = 'trigram');

-- How many alerts there are of each status and level: kept by the database itself, so that it cannot drift.
CREATE TABLE alert_counts (
    status INTEGER NOT NULL,
    level INTEGER NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (status, level)
) WITHOUT ROWID;
CREATE TRIGGER alerts_counted AFTER INSERT ON alerts BEGIN
    INSERT INTO alert_counts VALUES (NEW.status, NEW.level, 1)
        ON CONFLICT DO UPDATE SET count = count + 1;
END;
CREATE TRIGGER alerts_recounted AFTER UPDATE OF status, level ON alerts
WHEN OLD.status <> NEW.status OR OLD.level <> NEW.level BEGIN
    UPDATE alert_counts SET count = count - 1 WHERE status = OLD.status AND level = OLD.level;
    INSERT INTO alert_counts VALUES (NEW.status, NEW.level, 1)
        ON CONFLICT DO UPDATE SET count = count + 1;
END;

CREATE TABLE alert_details (
    alert_id INTEGER PRIMARY KEY,
    description TEXT NOT NULL,
    description_vi TEXT,
    false_positives TEXT NOT NULL,
    response TEXT NOT NULL,
    response_vi TEXT NOT NULL,
    entities TEXT NOT NULL
);

CREATE TABLE alert_events (
    alert_id INTEGER NOT NULL,
    event_id INTEGER NOT NULL,
    is_trigger INTEGER NOT NULL,
    PRIMARY KEY (alert_id, event_id)
) WITHOUT ROWID;

CREATE TABLE alert_evidence (
    alert_id INTEGER NOT NULL,
    event_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    raw TEXT NOT NULL,
    parts TEXT NOT NULL,
    PRIMARY KEY (alert_id, event_id)
) WITHOUT ROWID;

CREATE TABLE alert_history (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    alert_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    text TEXT
);
CREATE INDEX alert_history_alert ON alert_history (alert_id, id);
CREATE TRIGGER alert_history_kept BEFORE UPDATE ON alert_history BEGIN
    SELECT RAISE(ABORT, 'history is only ever added to');
END;
CREATE TRIGGER alert_history_stays BEFORE DELETE ON alert_history BEGIN
    SELECT RAISE(ABORT, 'history is only ever added to');
END;

CREATE TABLE incidents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    title TEXT NOT NULL,
    level INTEGER NOT NULL,
    phase INTEGER NOT NULL,
    owner TEXT,
    known INTEGER NOT NULL,
    declared INTEGER NOT NULL,
    closed INTEGER,
    revision INTEGER NOT NULL
);
CREATE INDEX incidents_revision ON incidents (revision);

CREATE TABLE incident_clocks (
    incident_id INTEGER NOT NULL,
    place INTEGER NOT NULL,
    name TEXT NOT NULL,
    due INTEGER NOT NULL,
    met INTEGER,
    met_by TEXT,
    PRIMARY KEY (incident_id, place)
) WITHOUT ROWID;

CREATE TABLE incident_history (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    incident_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    text TEXT
);
CREATE INDEX incident_history_incident ON incident_history (incident_id, id);
CREATE TRIGGER incident_history_kept BEFORE UPDATE ON incident_history BEGIN
    SELECT RAISE(ABORT, 'history is only ever added to');
END;
CREATE TRIGGER incident_history_stays BEFORE DELETE ON incident_history BEGIN
    SELECT RAISE(ABORT, 'history is only ever added to');
END;
