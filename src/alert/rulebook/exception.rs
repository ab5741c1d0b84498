//! Exceptions: detections of a rule that are deliberately not raised, for a reason and for a time.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::OptionalExtension as _;
use rusqlite::Row;
use rusqlite::params;
use serde::Deserialize;
use serde::Serialize;

use super::RuleBook;
use super::RuleBookError;
use super::checked_reason;
use super::lock;
use super::remember;
use crate::model::Timestamp;

/// How long an exception lasts unless told otherwise.
const LASTS: Duration = Duration::from_secs(7 * 86_400);
/// Nothing is excepted for longer without being looked at again.
const LASTS_MAX: Duration = Duration::from_secs(366 * 86_400);
const CONDITIONS_MAX: usize = 16;
const TEXT_BYTES_MAX: usize = 1_024;
/// Detections kept of each exception.
const KEPT: i64 = 1_000;

/// The id of an exception, shown as `EXC-<number>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExceptionId(pub u64);

impl fmt::Display for ExceptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EXC-{}", self.0)
    }
}

impl FromStr for ExceptionId {
    type Err = std::num::ParseIntError;

    /// Reads `EXC-3`, `exc-3` or `3`.
    fn from_str(text: &str) -> Result<ExceptionId, std::num::ParseIntError> {
        let digits = text.get(..4).filter(|prefix| prefix.eq_ignore_ascii_case("EXC-")).map_or(text, |_| &text[4..]);
        digits.parse().map(ExceptionId)
    }
}

/// How a value is compared; letter case never counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Comparison {
    Is,
    Contains,
    StartsWith,
    EndsWith,
    /// The address lies in the network.
    Cidr,
}

/// One condition; a field with several values fulfils it when one of them does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    pub field: String,
    pub comparison: Comparison,
    pub value: String,
}

impl Condition {
    fn holds(&self, has: &dyn Fn(&str) -> Vec<String>) -> bool {
        let wanted = self.value.to_lowercase();
        has(&self.field).iter().any(|value| {
            let value = value.to_lowercase();
            match self.comparison {
                Comparison::Is => value == wanted,
                Comparison::Contains => value.contains(&wanted),
                Comparison::StartsWith => value.starts_with(&wanted),
                Comparison::EndsWith => value.ends_with(&wanted),
                Comparison::Cidr => {
                    let network = crate::query::ast::Cidr::from_text(&wanted);
                    let address = value.parse::<IpAddr>().ok().map(|address| address.to_canonical());
                    network.zip(address).is_some_and(|(network, address)| network.contains(address))
                }
            }
        })
    }
}

/// An exception as asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewException {
    pub rule: String,
    /// All must hold.
    pub conditions: Vec<Condition>,
    pub reason: String,
    pub lasts: Option<Duration>,
}

impl NewException {
    /// Checks it without keeping it.
    ///
    /// # Errors
    /// When it says nothing, or too much.
    pub fn check(&self) -> Result<(), RuleBookError> {
        let refuse = |text: &str| Err(RuleBookError::Refused(text.to_owned()));
        if self.rule.trim().is_empty() {
            return refuse("an exception is for one rule");
        }
        if self.conditions.is_empty() {
            return refuse("an exception needs a condition: to silence the rule as a whole, put it into shadow");
        }
        if self.conditions.len() > CONDITIONS_MAX {
            return refuse("too many conditions");
        }
        for condition in &self.conditions {
            let is_empty = condition.field.trim().is_empty() || condition.value.trim().is_empty();
            if is_empty || condition.field.len() + condition.value.len() > TEXT_BYTES_MAX {
                return refuse("a condition needs a field and a value, of a thousand bytes at most");
            }
            let is_network = crate::query::ast::Cidr::from_text(&condition.value).is_some();
            if condition.comparison == Comparison::Cidr && !is_network {
                return Err(RuleBookError::Refused(format!("`{}` is no network", condition.value)));
            }
        }
        match self.lasts {
            Some(lasts) if lasts.is_zero() || lasts > LASTS_MAX => {
                refuse("an exception lasts between a moment and a year")
            }
            _ => Ok(()),
        }
    }

    /// Says whether it would hide a detection whose event has these values.
    pub fn would_hide(&self, has: &dyn Fn(&str) -> Vec<String>) -> bool {
        self.conditions.iter().all(|condition| condition.holds(has))
    }
}

/// An exception as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exception {
    pub id: ExceptionId,
    pub rule: String,
    pub conditions: Vec<Condition>,
    pub reason: String,
    pub author: String,
    pub created: Timestamp,
    pub expires: Timestamp,
    pub revoked: Option<Timestamp>,
    pub revoked_by: Option<String>,
    pub revoked_why: Option<String>,
    /// Detections it has hidden.
    pub hidden: u64,
    pub last_hidden: Option<Timestamp>,
}

impl Exception {
    /// Says whether it is in force.
    pub fn is_in_force(&self, now: Timestamp) -> bool {
        self.revoked.is_none() && now < self.expires
    }

    pub(super) fn hides(&self, rule: &str, now: Timestamp, has: &dyn Fn(&str) -> Vec<String>) -> bool {
        self.rule == rule && self.is_in_force(now) && self.conditions.iter().all(|condition| condition.holds(has))
    }
}

/// A detection that was hidden, on its way to be counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hidden {
    pub exception: ExceptionId,
    pub event: u64,
    pub rule: String,
    pub at: Timestamp,
    pub entity: String,
}

/// A detection that was hidden, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppressed {
    pub event: u64,
    pub rule: String,
    pub at: Timestamp,
    pub entity: String,
}

fn number(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

const COLUMNS: &str = "id, rule_id, conditions, reason, author, created, expires, revoked, revoked_by, revoked_why, \
                       hidden, last_hidden";

fn read(row: &Row<'_>) -> rusqlite::Result<Exception> {
    let conditions: String = row.get(2)?;
    Ok(Exception {
        id: ExceptionId(number(row.get(0)?)),
        rule: row.get(1)?,
        conditions: serde_json::from_str(&conditions).unwrap_or_default(),
        reason: row.get(3)?,
        author: row.get(4)?,
        created: Timestamp(row.get(5)?),
        expires: Timestamp(row.get(6)?),
        revoked: row.get::<_, Option<i64>>(7)?.map(Timestamp),
        revoked_by: row.get(8)?,
        revoked_why: row.get(9)?,
        hidden: number(row.get(10)?),
        last_hidden: row.get::<_, Option<i64>>(11)?.map(Timestamp),
    })
}

/// Lists exceptions, newest first; one whose conditions cannot be read is left out rather than hide everything.
pub(super) fn list(connection: &Connection, rule: Option<&str>) -> Result<Vec<Exception>, RuleBookError> {
    let sql = format!("SELECT {COLUMNS} FROM exceptions WHERE ?1 IS NULL OR rule_id = ?1 ORDER BY id DESC LIMIT 10000");
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params![rule], read)?;
    let mut found: Vec<Exception> = rows.collect::<Result<_, _>>()?;
    found.retain(|exception| !exception.conditions.is_empty());
    Ok(found)
}

/// Keeps a hidden detection; one that was counted before a crash is not counted again.
pub(super) fn keep(connection: &Connection, hidden: &Hidden) -> Result<(), RuleBookError> {
    let id = signed(hidden.exception.0);
    let is_new = connection
        .prepare_cached("INSERT OR IGNORE INTO suppressed VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![id, signed(hidden.event), hidden.rule, hidden.at.0, hidden.entity])?;
    if is_new == 0 {
        return Ok(());
    }
    connection
        .prepare_cached("UPDATE exceptions SET hidden = hidden + 1, last_hidden = ?2 WHERE id = ?1")?
        .execute(params![id, hidden.at.0])?;
    connection
        .prepare_cached(
            "DELETE FROM suppressed WHERE exception_id = ?1 AND event_id <= (SELECT event_id FROM suppressed \
             WHERE exception_id = ?1 ORDER BY event_id DESC LIMIT 1 OFFSET ?2)",
        )?
        .execute(params![id, KEPT])?;
    Ok(())
}

impl RuleBook {
    /// Lists exceptions, newest first: of one rule or of all, those that are over as well.
    ///
    /// # Errors
    /// When the database fails.
    pub fn exceptions(&self, rule: Option<&str>) -> Result<Vec<Exception>, RuleBookError> {
        list(&lock(&self.connection), rule)
    }

    /// Puts an exception in force.
    ///
    /// # Errors
    /// When it is refused, or the database fails.
    pub fn except(&self, new: &NewException, who: &str) -> Result<Exception, RuleBookError> {
        new.check()?;
        let reason = checked_reason(&new.reason)?;
        let now = self.now();
        let expires = now.plus(new.lasts.unwrap_or(LASTS));
        let conditions =
            serde_json::to_string(&new.conditions).map_err(|err| RuleBookError::Refused(err.to_string()))?;
        let id = {
            let mut connection = lock(&self.connection);
            let transaction = connection.transaction()?;
            transaction.execute(
                "INSERT INTO exceptions (rule_id, conditions, reason, author, created, expires) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![new.rule, conditions, reason, who, now.0, expires.0],
            )?;
            let id = ExceptionId(number(transaction.last_insert_rowid()));
            let text = format!("{id} until {expires}: {conditions}: {reason}");
            remember(&transaction, &new.rule, now, who, "excepted", Some(&text))?;
            transaction.commit()?;
            id
        };
        self.refresh()?;
        self.exception(id)
    }

    /// Returns one exception.
    ///
    /// # Errors
    /// When there is none, or the database fails.
    pub fn exception(&self, id: ExceptionId) -> Result<Exception, RuleBookError> {
        let connection = lock(&self.connection);
        let sql = format!("SELECT {COLUMNS} FROM exceptions WHERE id = ?1");
        let found = connection.prepare_cached(&sql)?.query_row([signed(id.0)], read).optional()?;
        found.ok_or(RuleBookError::NoSuchException(id))
    }

    /// Ends an exception before its time.
    ///
    /// # Errors
    /// When there is none, it is over already, there is no reason, or the database fails.
    pub fn revoke(&self, id: ExceptionId, who: &str, reason: &str) -> Result<Exception, RuleBookError> {
        let reason = checked_reason(reason)?;
        let exception = self.exception(id)?;
        let now = self.now();
        if !exception.is_in_force(now) {
            return Err(RuleBookError::Refused(format!("{id} is over already")));
        }
        {
            let mut connection = lock(&self.connection);
            let transaction = connection.transaction()?;
            transaction.execute(
                "UPDATE exceptions SET revoked = ?2, revoked_by = ?3, revoked_why = ?4 WHERE id = ?1 AND revoked IS NULL",
                params![signed(id.0), now.0, who, reason],
            )?;
            remember(&transaction, &exception.rule, now, who, "revoked", Some(&format!("{id}: {reason}")))?;
            transaction.commit()?;
        }
        self.refresh()?;
        self.exception(id)
    }

    /// Returns the latest detections an exception has hidden, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub fn suppressed(&self, id: ExceptionId) -> Result<Vec<Suppressed>, RuleBookError> {
        let connection = lock(&self.connection);
        let sql = "SELECT event_id, rule_id, at, entity FROM suppressed WHERE exception_id = ?1 ORDER BY event_id DESC";
        let mut statement = connection.prepare_cached(sql)?;
        let rows = statement.query_map([signed(id.0)], |row| {
            Ok(Suppressed {
                event: number(row.get(0)?),
                rule: row.get(1)?,
                at: Timestamp(row.get(2)?),
                entity: row.get(3)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
