//! Committing detections: grouped in memory, written in one transaction with the position in the log.

use hashbrown::HashMap;
use hashbrown::HashSet;
use rusqlite::Connection;
use rusqlite::OptionalExtension as _;
use rusqlite::params;

use crate::alert::AlertStatus;
use crate::alert::AlertStore;
use crate::alert::Criticality;
use crate::alert::Entity;
use crate::alert::Known;
use crate::alert::MatchedPart;
use crate::alert::NewDetection;
use crate::alert::Policy;
use crate::alert::StoreError;
use crate::alert::detection::CONTEXT_MAX;
use crate::alert::detection::ENTITIES_MAX;
use crate::alert::detection::EVENTS_MAX;
use crate::alert::detection::EVIDENCE_MAX;
use crate::alert::detection::NAME_BYTES_MAX;
use crate::alert::detection::PARTS_MAX;
use crate::alert::detection::RAW_BYTES_MAX;
use crate::alert::detection::VALUE_BYTES_MAX;
use crate::alert::detection::cut;
use crate::alert::fold::fold;
use crate::alert::place::Place;
use crate::alert::place::place;
use crate::alert::risk::score;
use crate::alert::state::Alert;
use crate::alert::state::Record;
use crate::alert::state::State;
use crate::alert::store::Change;
use crate::alert::store::from_sql;
use crate::alert::store::row;
use crate::alert::store::to_sql;
use crate::model::AlertId;
use crate::model::EventId;
use crate::model::RuleLevel;
use crate::model::Timestamp;

/// Who the history names for what the program did itself.
const OURSELVES: &str = "longan";

/// The latest alerts of a rule and entity that are looked through for a repeated event.
const GROUPS_MAX: i64 = 20;

/// What the store knows of a group while detections are being added.
struct Group {
    id: AlertId,
    level: RuleLevel,
    criticality: Criticality,
    state: State,
    count: u64,
    first: Timestamp,
    last: Timestamp,
    last_trigger: EventId,
}

/// Detections of one rule on one entity, in the order they came.
type Bundle<'d> = Vec<&'d NewDetection>;

impl AlertStore {
    /// Commits a batch: its alerts, the position up to which the log is worked through and, when given, the snapshot
    /// of the correlation state at that position. Returns the alerts that changed.
    ///
    /// A detection that was committed before (same rule, entity and triggering event, among the last 1,000 events of
    /// each of the last 20 alerts of that rule and entity) changes nothing, so that a replay never counts twice.
    ///
    /// # Errors
    /// When the database fails; then nothing of the batch is committed.
    pub fn commit(
        &self,
        batch: &[NewDetection],
        position: EventId,
        snapshot: Option<&[u8]>,
    ) -> Result<Vec<AlertId>, StoreError> {
        let bundles = bundle(batch);
        let policy = self.policy;
        self.change(|change| {
            let mut changed = Vec::new();
            for bundle in &bundles {
                add_bundle(change, bundle, policy, &mut changed)?;
            }
            let known = row::meta(&change.transaction, "position")?;
            row::set_meta(&change.transaction, "position", to_sql(position.0).max(known))?;
            if let Some(bytes) = snapshot {
                change
                    .transaction
                    .prepare_cached("INSERT OR REPLACE INTO snapshot (only, position, bytes) VALUES (1, ?1, ?2)")?
                    .execute(params![to_sql(position.0), bytes])?;
            }
            Ok(changed)
        })
    }
}

/// Puts detections of the same rule and entity together, keeping the order in which groups first appear.
fn bundle(batch: &[NewDetection]) -> Vec<Bundle<'_>> {
    let mut places: HashMap<(&str, &str, &str), usize> = HashMap::new();
    let mut bundles: Vec<Bundle<'_>> = Vec::new();
    for detection in batch {
        let key = (name(&detection.rule_id), name(&detection.entity), name(&detection.entity_field));
        let index = *places.entry(key).or_insert_with(|| {
            bundles.push(Vec::new());
            bundles.len() - 1
        });
        if let Some(bundle) = bundles.get_mut(index) {
            bundle.push(detection);
        }
    }
    bundles
}

/// Adds the detections of one rule on one entity: at most one new alert, for after the first the group is open.
fn add_bundle(
    change: &mut Change<'_>,
    bundle: &Bundle<'_>,
    policy: Policy,
    changed: &mut Vec<AlertId>,
) -> Result<(), StoreError> {
    let Some(first) = bundle.first() else { return Ok(()) };
    let newest = newest_group(&change.transaction, first)?;
    let fresh = without_repeats(&change.transaction, newest.as_ref(), bundle)?;
    let Some(first) = fresh.first() else { return Ok(()) };
    let highest = fresh.iter().map(|detection| detection.level).max().unwrap_or(first.level);
    let known = newest.as_ref().map(|group| (&group.state, group.level));
    match (place(known, highest, change.now, policy), newest) {
        (Place::Join, Some(group)) => {
            let id = group.id;
            join(change, group, &fresh, false)?;
            changed.push(id);
        }
        (Place::Reopen, Some(group)) => {
            let id = group.id;
            join(change, group, &fresh, true)?;
            changed.push(id);
        }
        _ => changed.push(raise(change, &fresh, highest)?),
    }
    Ok(())
}

/// Returns the newest alert of the detection's rule and entity.
fn newest_group(connection: &Connection, of: &NewDetection) -> Result<Option<Group>, StoreError> {
    let sql = format!(
        "SELECT {}, id, level, criticality, count, first, last, last_trigger FROM alerts INDEXED BY alerts_group \
         WHERE rule_id = ?1 AND entity = ?2 AND entity_field = ?3 ORDER BY id DESC LIMIT 1",
        row::STATE_COLUMNS
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let found = statement.query_row(params![name(&of.rule_id), name(&of.entity), name(&of.entity_field)], |row| {
        Ok(Group {
            state: row::state(row, 0)?,
            id: AlertId(from_sql(row.get(6)?)),
            level: row::level(row.get(7)?),
            criticality: row::criticality(row.get(8)?),
            count: from_sql(row.get(9)?),
            first: Timestamp(row.get(10)?),
            last: Timestamp(row.get(11)?),
            last_trigger: EventId(from_sql(row.get(12)?)),
        })
    });
    Ok(found.optional()?)
}

/// Leaves out the detections that the group, or the bundle itself, has already.
fn without_repeats<'d>(
    connection: &Connection,
    group: Option<&Group>,
    bundle: &Bundle<'d>,
) -> Result<Bundle<'d>, StoreError> {
    let mut seen = HashSet::with_capacity(bundle.len());
    let mut fresh = Vec::with_capacity(bundle.len());
    // The event may stand in an earlier alert of the same rule and entity, closed since.
    let mut statement = connection.prepare_cached(
        "SELECT 1 FROM alert_events WHERE event_id = ?4 AND is_trigger = 1 AND alert_id IN \
         (SELECT id FROM alerts INDEXED BY alerts_group WHERE rule_id = ?1 AND entity = ?2 AND entity_field = ?3 \
          ORDER BY id DESC LIMIT ?5)",
    )?;
    for detection in bundle {
        let trigger = detection.trigger();
        // Events come in order, so that only a replay looks into the table.
        let is_repeat = match group {
            Some(known) if trigger <= known.last_trigger => {
                let (rule, entity, field) = (&detection.rule_id, &detection.entity, &detection.entity_field);
                statement.exists(params![name(rule), name(entity), name(field), to_sql(trigger.0), GROUPS_MAX])?
            }
            _ => false,
        };
        if !is_repeat && seen.insert(trigger) {
            fresh.push(*detection);
        }
    }
    Ok(fresh)
}

/// Raises a new alert.
fn raise(change: &mut Change<'_>, bundle: &Bundle<'_>, level: RuleLevel) -> Result<AlertId, StoreError> {
    // The latest wording of the rule is the one to keep; `bundle` is never empty.
    let Some(latest) = bundle.last() else { return Err(StoreError::Damaged { what: "an empty bundle".to_owned() }) };
    let criticality = bundle.iter().map(|detection| detection.criticality).max().unwrap_or_default();
    let times = || bundle.iter().map(|detection| detection.event_time);
    let (first, last) = (times().min().unwrap_or_default(), times().max().unwrap_or_default());
    let count = bundle.len() as u64;
    let revision = to_sql(change.next_revision());
    let folded = fold(&searched(latest));
    change
        .transaction
        .prepare_cached(
            "INSERT INTO alerts (rule_id, title, title_vi, level, criticality, risk, status, entity, entity_field, \
             host, count, first, last, last_trigger, raised, revision, decided, born, tags, folded) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?15, ?15, ?16, ?17)",
        )?
        .execute(params![
            name(&latest.rule_id),
            name(&latest.title),
            latest.title_vi.as_deref().map(name),
            level as i64,
            criticality as i64,
            score(level, criticality, count),
            name(&latest.entity),
            name(&latest.entity_field),
            latest.host.as_deref().map(name),
            to_sql(count),
            first.0,
            last.0,
            to_sql(last_trigger(bundle).0),
            change.now.0,
            revision,
            row::to_json_text(&latest.tags)?,
            folded,
        ])?;
    let id = change.transaction.last_insert_rowid();
    change
        .transaction
        .prepare_cached("INSERT INTO alert_text (rowid, folded) VALUES (?1, ?2)")?
        .execute(params![id, folded])?;
    let id = AlertId(from_sql(id));
    describe(&change.transaction, id, bundle)?;
    keep_events(&change.transaction, id, bundle, count)?;
    keep_evidence(&change.transaction, id, bundle)?;
    let record = Record { action: "raised", text: Some(level.as_str().to_owned()) };
    row::remember(&change.transaction, id, change.now, OURSELVES, &record)?;
    Ok(id)
}

/// Adds detections to a group that exists.
fn join(change: &mut Change<'_>, group: Group, bundle: &Bundle<'_>, is_reopened: bool) -> Result<(), StoreError> {
    let times = || bundle.iter().map(|detection| detection.event_time);
    let level = bundle.iter().map(|detection| detection.level).max().unwrap_or(group.level).max(group.level);
    let criticality = bundle.iter().map(|detection| detection.criticality).max().unwrap_or_default();
    let criticality = criticality.max(group.criticality);
    let count = group.count.saturating_add(bundle.len() as u64);
    let revision = change.next_revision();
    let is_raised = level > group.level;
    change
        .transaction
        .prepare_cached(
            "UPDATE alerts SET level = ?2, criticality = ?3, risk = ?4, count = ?5, first = ?6, last = ?7, \
             last_trigger = ?8, host = coalesce(?9, host), revision = ?10, \
             decided = CASE WHEN ?11 THEN ?10 ELSE decided END WHERE id = ?1",
        )?
        .execute(params![
            to_sql(group.id.0),
            level as i64,
            criticality as i64,
            score(level, criticality, count),
            to_sql(count),
            times().min().unwrap_or(group.first).min(group.first).0,
            times().max().unwrap_or(group.last).max(group.last).0,
            to_sql(last_trigger(bundle).max(group.last_trigger).0),
            bundle.iter().rev().find_map(|detection| detection.host.as_deref()).map(name),
            to_sql(revision),
            is_raised,
        ])?;
    if is_raised {
        let text = format!("{} -> {level}", group.level);
        let record = Record { action: "level_raised", text: Some(text) };
        row::remember(&change.transaction, group.id, change.now, OURSELVES, &record)?;
    }
    if is_reopened {
        debug_assert_eq!(group.state.status, AlertStatus::Closed, "only what is closed is opened again");
        let mut state = group.state.reopened();
        row::leave_closed_incident(&change.transaction, &mut state)?;
        let after = Alert { level, state, undoable: None };
        row::set_machine(&change.transaction, group.id, &after, revision, revision)?;
        let record = Record { action: "reopened", text: Some(level.as_str().to_owned()) };
        row::remember(&change.transaction, group.id, change.now, OURSELVES, &record)?;
    }
    add_entities(&change.transaction, group.id, bundle)?;
    keep_events(&change.transaction, group.id, bundle, count)?;
    keep_evidence(&change.transaction, group.id, bundle)
}

fn last_trigger(bundle: &Bundle<'_>) -> EventId {
    bundle.iter().map(|detection| detection.trigger()).max().unwrap_or(EventId::ZERO)
}

/// Cuts what names a thing to the length it is kept with.
fn name(text: &str) -> &str {
    cut(text, NAME_BYTES_MAX)
}

/// The text a list is searched in: both titles, the rule, the entity.
fn searched(detection: &NewDetection) -> String {
    let title_vi = detection.title_vi.as_deref().unwrap_or_default();
    [&detection.title, title_vi, &detection.rule_id, &detection.entity].map(name).join("\n")
}

fn describe(connection: &Connection, id: AlertId, bundle: &Bundle<'_>) -> Result<(), StoreError> {
    let Some(latest) = bundle.last() else { return Ok(()) };
    connection.prepare_cached("INSERT INTO alert_details (alert_id, description, description_vi, false_positives, response, response_vi, entities, context) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?.execute(params![
        to_sql(id.0),
        latest.description,
        latest.description_vi,
        row::to_json_text(&latest.false_positives)?,
        row::to_json_text(&latest.response)?,
        row::to_json_text(&latest.response_vi)?,
        row::to_json_text(&merged(Vec::new(), bundle))?,
        row::to_json_text(&context_of(latest))?,
    ])?;
    Ok(())
}

/// What enrichment knew of the latest event, each value cut to its length.
fn context_of(latest: &NewDetection) -> Vec<Known> {
    let known = latest.context.iter().take(CONTEXT_MAX);
    known.map(|known| Known { value: cut(&known.value, VALUE_BYTES_MAX).to_owned(), ..known.clone() }).collect()
}

fn add_entities(connection: &Connection, id: AlertId, bundle: &Bundle<'_>) -> Result<(), StoreError> {
    let mut statement = connection.prepare_cached("SELECT entities FROM alert_details WHERE alert_id = ?1")?;
    let text: String = statement.query_row([to_sql(id.0)], |row| row.get(0))?;
    let known: Vec<Entity> = row::from_json_text(&text);
    let known_count = known.len();
    let entities = merged(known, bundle);
    if entities.len() > known_count {
        connection
            .prepare_cached("UPDATE alert_details SET entities = ?2 WHERE alert_id = ?1")?
            .execute(params![to_sql(id.0), row::to_json_text(&entities)?])?;
    }
    Ok(())
}

/// Adds the entities of detections to those known, each once, up to the limit.
fn merged(mut known: Vec<Entity>, bundle: &Bundle<'_>) -> Vec<Entity> {
    for entity in bundle.iter().flat_map(|detection| &detection.entities) {
        if known.len() >= ENTITIES_MAX {
            break;
        }
        if !known.contains(entity) {
            known.push(Entity { value: cut(&entity.value, VALUE_BYTES_MAX).to_owned(), ..entity.clone() });
        }
    }
    known
}

/// Keeps the ids of the latest events.
fn keep_events(connection: &Connection, id: AlertId, bundle: &Bundle<'_>, count: u64) -> Result<(), StoreError> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO alert_events VALUES (?1, ?2, ?3) \
         ON CONFLICT DO UPDATE SET is_trigger = max(is_trigger, excluded.is_trigger)",
    )?;
    let mut kept = 0;
    // From the newest backwards: of a flood in one batch only what will stay is written.
    'bundle: for detection in bundle.iter().rev() {
        let trigger = detection.trigger();
        for event in detection.event_ids.iter().rev() {
            if kept == EVENTS_MAX {
                break 'bundle;
            }
            insert.execute(params![to_sql(id.0), to_sql(event.0), *event == trigger])?;
            kept += 1;
        }
    }
    let may_be_over = count > EVENTS_MAX as u64 || bundle.iter().any(|detection| detection.event_ids.len() > 1);
    if may_be_over {
        trim(connection, "alert_events", id, EVENTS_MAX)?;
    }
    Ok(())
}

/// Keeps the latest detections with their raw line and what matched.
fn keep_evidence(connection: &Connection, id: AlertId, bundle: &Bundle<'_>) -> Result<(), StoreError> {
    let mut insert = connection.prepare_cached("INSERT OR REPLACE INTO alert_evidence VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for detection in bundle.iter().rev().take(EVIDENCE_MAX) {
        let parts: Vec<MatchedPart> = detection.parts.iter().take(PARTS_MAX).map(shortened).collect();
        insert.execute(params![
            to_sql(id.0),
            to_sql(detection.trigger().0),
            detection.event_time.0,
            cut(&detection.raw, RAW_BYTES_MAX),
            row::to_json_text(&parts)?,
        ])?;
    }
    trim(connection, "alert_evidence", id, EVIDENCE_MAX)
}

fn shortened(part: &MatchedPart) -> MatchedPart {
    let raw_span = part.raw_span.filter(|(_, end)| *end as usize <= RAW_BYTES_MAX);
    MatchedPart {
        field: name(&part.field).to_owned(),
        value: cut(&part.value, VALUE_BYTES_MAX).to_owned(),
        predicate: cut(&part.predicate, VALUE_BYTES_MAX).to_owned(),
        raw_span,
    }
}

/// Removes all but the `kept` highest event ids of an alert from one of our own tables.
fn trim(connection: &Connection, table: &'static str, id: AlertId, kept: usize) -> Result<(), StoreError> {
    let sql = format!(
        "DELETE FROM {table} WHERE alert_id = ?1 AND event_id <= \
         (SELECT event_id FROM {table} WHERE alert_id = ?1 ORDER BY event_id DESC LIMIT 1 OFFSET ?2)"
    );
    connection.prepare_cached(&sql)?.execute(params![to_sql(id.0), kept as i64])?;
    Ok(())
}
