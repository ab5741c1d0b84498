//! The life of a rule: draft, shadow, live, retired; who changed it, and the versions there were.

use std::fmt;
use std::str::FromStr;

use hashbrown::HashMap;
use rusqlite::Connection;
use rusqlite::OptionalExtension as _;
use rusqlite::params;

use super::RuleBook;
use super::RuleBookError;
use super::checked_reason;
use super::lock;
use super::remember;
use crate::model::Timestamp;

/// The state a rule is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum RuleState {
    /// Being written: it runs nowhere.
    Draft,
    /// Its matches are counted; no alert is raised.
    Shadow,
    #[default]
    Live,
    /// Kept for the record: it runs nowhere.
    Retired,
}

impl RuleState {
    /// All of them, in the order of a rule's life.
    pub const ALL: [RuleState; 4] = [RuleState::Draft, RuleState::Shadow, RuleState::Live, RuleState::Retired];

    /// Returns the word for the state.
    pub fn as_str(self) -> &'static str {
        match self {
            RuleState::Draft => "draft",
            RuleState::Shadow => "shadow",
            RuleState::Live => "live",
            RuleState::Retired => "retired",
        }
    }
}

impl fmt::Display for RuleState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RuleState {
    type Err = String;

    fn from_str(text: &str) -> Result<RuleState, String> {
        let found = RuleState::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| format!("no state `{text}`; there are draft, shadow, live and retired"))
    }
}

/// The state somebody put a rule in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateChange {
    pub state: RuleState,
    pub who: String,
    pub why: String,
    pub at: Timestamp,
}

/// A line of a rule's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub at: Timestamp,
    pub who: String,
    pub action: String,
    pub text: Option<String>,
}

/// A version of a rule's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    pub hash: String,
    pub path: String,
    pub text: String,
    pub seen: Timestamp,
}

/// A rule as it was just loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionNote {
    pub rule: String,
    pub hash: String,
    pub path: String,
    pub text: String,
}

/// Who the history names for what the program noticed itself.
const OURSELVES: &str = "longan";

pub(super) fn states(connection: &Connection) -> Result<HashMap<String, RuleState>, RuleBookError> {
    let mut statement = connection.prepare_cached("SELECT rule_id, state FROM states")?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
    let mut found = HashMap::new();
    for read in rows {
        let (rule, state) = read?;
        found.extend(state.parse().ok().map(|state| (rule, state)));
    }
    Ok(found)
}

fn put(
    connection: &Connection,
    rule: &str,
    state: RuleState,
    who: &str,
    why: &str,
    now: Timestamp,
) -> Result<(), RuleBookError> {
    let sql = "INSERT INTO states VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET state = excluded.state, \
               who = excluded.who, why = excluded.why, at = excluded.at";
    connection.prepare_cached(sql)?.execute(params![rule, state.as_str(), who, why, now.0])?;
    remember(connection, rule, now, who, state.as_str(), Some(why))
}

impl RuleBook {
    /// Returns the state somebody put a rule in; `None` when nobody did.
    pub fn state(&self, rule: &str) -> Option<RuleState> {
        lock(&self.in_force).states.get(rule).copied()
    }

    /// Puts a rule into a state.
    ///
    /// # Errors
    /// When there is no reason, or the database fails.
    pub fn set_state(&self, rule: &str, state: RuleState, who: &str, why: &str) -> Result<(), RuleBookError> {
        self.set_states(&[rule.to_owned()], state, who, why)
    }

    /// Puts many rules into a state at once.
    ///
    /// # Errors
    /// As [`RuleBook::set_state`]; none is changed then.
    pub fn set_states(&self, rules: &[String], state: RuleState, who: &str, why: &str) -> Result<(), RuleBookError> {
        let why = checked_reason(why)?;
        let now = self.now();
        {
            let mut connection = lock(&self.connection);
            let transaction = connection.transaction()?;
            for rule in rules {
                put(&transaction, rule, state, who, &why, now)?;
            }
            transaction.commit()?;
        }
        self.refresh()
    }

    /// Remembers that somebody wrote a rule's text.
    ///
    /// # Errors
    /// When there is no reason, or the database fails.
    pub fn note_edit(&self, rule: &str, who: &str, why: &str) -> Result<(), RuleBookError> {
        let why = checked_reason(why)?;
        remember(&lock(&self.connection), rule, self.now(), who, "edited", Some(&why))
    }

    /// Returns who put a rule into its state, when and why.
    ///
    /// # Errors
    /// When the database fails.
    pub fn state_change(&self, rule: &str) -> Result<Option<StateChange>, RuleBookError> {
        let connection = lock(&self.connection);
        let mut statement = connection.prepare_cached("SELECT state, who, why, at FROM states WHERE rule_id = ?1")?;
        let found = statement.query_row([rule], |row| {
            let state: String = row.get(0)?;
            Ok(StateChange {
                state: state.parse().unwrap_or_default(),
                who: row.get(1)?,
                why: row.get(2)?,
                at: Timestamp(row.get(3)?),
            })
        });
        Ok(found.optional()?)
    }

    /// Returns how often each rule in shadow matched since a day of UTC.
    ///
    /// # Errors
    /// When the database fails.
    pub fn shadow_matches(&self, since: Timestamp) -> Result<HashMap<String, u64>, RuleBookError> {
        let connection = lock(&self.connection);
        let sql = "SELECT rule_id, sum(matches) FROM shadow WHERE day >= ?1 GROUP BY 1";
        let mut statement = connection.prepare_cached(sql)?;
        let rows = statement.query_map([since.utc_day()], |row| {
            Ok((row.get::<_, String>(0)?, u64::try_from(row.get::<_, i64>(1)?).unwrap_or(0)))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Keeps the texts of rules that are new or have changed; returns how many those were.
    ///
    /// # Errors
    /// When the database fails.
    pub fn note_versions(&self, notes: &[VersionNote]) -> Result<usize, RuleBookError> {
        let now = self.now();
        let mut connection = lock(&self.connection);
        let transaction = connection.transaction()?;
        let mut changed = 0;
        for note in notes {
            let last: Option<String> = transaction
                .prepare_cached("SELECT hash FROM versions WHERE rule_id = ?1 ORDER BY id DESC LIMIT 1")?
                .query_row([&note.rule], |row| row.get(0))
                .optional()?;
            if last.as_ref() == Some(&note.hash) {
                continue;
            }
            changed += 1;
            transaction
                .prepare_cached("INSERT INTO versions (rule_id, hash, path, text, seen) VALUES (?1, ?2, ?3, ?4, ?5)")?
                .execute(params![note.rule, note.hash, note.path, note.text, now.0])?;
            let action = if last.is_some() { "changed" } else { "loaded" };
            remember(&transaction, &note.rule, now, OURSELVES, action, Some(&note.hash))?;
        }
        transaction.commit()?;
        Ok(changed)
    }

    /// Returns the versions of a rule, newest first; 100 at most.
    ///
    /// # Errors
    /// When the database fails.
    pub fn versions(&self, rule: &str) -> Result<Vec<Version>, RuleBookError> {
        let connection = lock(&self.connection);
        let sql = "SELECT hash, path, text, seen FROM versions WHERE rule_id = ?1 ORDER BY id DESC LIMIT 100";
        let mut statement = connection.prepare_cached(sql)?;
        let rows = statement.query_map([rule], |row| {
            Ok(Version { hash: row.get(0)?, path: row.get(1)?, text: row.get(2)?, seen: Timestamp(row.get(3)?) })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Returns what was done to a rule, newest first; 1,000 at most.
    ///
    /// # Errors
    /// When the database fails.
    pub fn history(&self, rule: &str) -> Result<Vec<Change>, RuleBookError> {
        let connection = lock(&self.connection);
        let sql = "SELECT at, who, action, text FROM history WHERE rule_id = ?1 ORDER BY id DESC LIMIT 1000";
        let mut statement = connection.prepare_cached(sql)?;
        let rows = statement.query_map([rule], |row| {
            Ok(Change { at: Timestamp(row.get(0)?), who: row.get(1)?, action: row.get(2)?, text: row.get(3)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
