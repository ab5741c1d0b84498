//! Which alerts a window shows, turned into SQL with bound parameters: nothing a user wrote becomes part of a statement.

use rusqlite::types::Value;

use crate::alert::fold::fold;
use crate::alert::risk::least;
use crate::alert::state::AlertStatus;
use crate::model::AlertId;
use crate::model::RuleLevel;

/// Which status is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StatusFilter {
    /// Whatever is not closed.
    #[default]
    Open,
    All,
    Only(AlertStatus),
}

/// Which alerts a window shows; every member narrows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AlertFilter {
    pub status: StatusFilter,
    pub level_min: Option<RuleLevel>,
    /// Part of the title, rule id or entity, case and accents aside.
    pub text: Option<String>,
    pub owner: Option<String>,
    pub rule: Option<String>,
    /// The entity, whole.
    pub entity: Option<String>,
    /// Only alerts that came up no later than this one: what somebody has seen stays what it was when others come.
    pub up_to: Option<AlertId>,
    /// Rows to skip, in the order of the list: risk, then the newest.
    pub offset: u64,
    /// Rows wanted; [`ROWS_MAX`] at most.
    pub limit: u32,
    /// Event ids wanted with each row, the latest first.
    pub events: u32,
}

/// The most rows a window holds.
pub const ROWS_MAX: u32 = 2_000;

/// The part of a statement after `FROM alerts`, with its parameters.
#[derive(Debug)]
pub(crate) struct Clause {
    /// ` INDEXED BY … WHERE …`; empty when nothing narrows.
    pub(crate) sql: String,
    pub(crate) parameters: Vec<Value>,
}

/// How what a filter admits is found. Each finds the same; which is fast depends on how many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plan {
    /// Walk the list in its order and look at each row: for what only status and level narrow, and for a text in a short list.
    Walk,
    /// Ask the indices of rule, entity, owner and text, then sort what they give: for what admits few of many.
    Search,
    /// Walk the list in its order and keep what the text index knows: for a window on what admits many of many.
    WalkAndSearch,
}

impl Plan {
    #[cfg(test)]
    pub(crate) const ALL: [Plan; 3] = [Plan::Walk, Plan::Search, Plan::WalkAndSearch];
}

impl AlertFilter {
    /// Says whether only status and level narrow: then the kept counts answer how many there are.
    pub(crate) fn is_plain(&self) -> bool {
        let is_narrow = self.text.is_some() || self.owner.is_some() || self.rule.is_some() || self.entity.is_some();
        !is_narrow && self.up_to.is_none()
    }

    /// Says whether the filter looks for a text and nothing that has an index of its own.
    pub(crate) fn is_text_search(&self) -> bool {
        self.text.is_some() && self.entity.is_none()
    }

    /// Builds the clause that admits what the filter admits.
    pub(crate) fn clause(&self, plan: Plan) -> Clause {
        let mut conditions: Vec<&str> = Vec::new();
        let mut parameters = Vec::new();
        match self.status {
            // Written out, not bound: the partial index is used only for the very words of its definition.
            StatusFilter::Open => conditions.push("status < 3"),
            StatusFilter::All => {}
            StatusFilter::Only(status) => {
                conditions.push("status = ?");
                parameters.push(Value::Integer(status as i64));
            }
        }
        if let Some(level) = self.level_min.filter(|level| *level > RuleLevel::Informational) {
            // The second follows from the first, and keeps a walk out of the part of the list where nothing can be.
            conditions.push("level >= ? AND risk >= ?");
            parameters.push(Value::Integer(level as i64));
            parameters.push(Value::Integer(i64::from(least(level))));
        }
        for (value, condition) in
            [(&self.owner, "owner = ?"), (&self.rule, "rule_id = ?"), (&self.entity, "entity = ?")]
        {
            if let Some(value) = value {
                conditions.push(condition);
                parameters.push(Value::Text(value.clone()));
            }
        }
        if let Some(newest) = self.up_to {
            conditions.push("id <= ?");
            parameters.push(Value::Integer(i64::try_from(newest.0).unwrap_or(i64::MAX)));
        }
        if let Some(text) = self.text.as_deref().map(fold).filter(|text| !text.is_empty()) {
            // Of one entity there are few, sooner read than searched for.
            if plan != Plan::Walk && self.entity.is_none() && text.chars().count() >= TRIGRAM {
                conditions.push("id IN (SELECT rowid FROM alert_text WHERE alert_text MATCH ?)");
                parameters.push(Value::Text(phrase(&text)));
            } else {
                conditions.push("instr(folded, ?) > 0");
                parameters.push(Value::Text(text));
            }
        }
        let filter = if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
        Clause { sql: format!("{}{filter}", self.index(plan)), parameters }
    }

    fn index(&self, plan: Plan) -> &'static str {
        let is_free = self.text.is_none() && self.entity.is_none();
        match (plan, self.status) {
            (Plan::Search, _) if is_free && self.rule.is_some() => " INDEXED BY alerts_rule",
            (Plan::Search, _) if is_free && self.owner.is_some() => " INDEXED BY alerts_owner",
            (Plan::Search, _) => "",
            (_, StatusFilter::Open) => " INDEXED BY alerts_open",
            (_, StatusFilter::All) => " INDEXED BY alerts_all",
            (_, StatusFilter::Only(_)) => " INDEXED BY alerts_status",
        }
    }

    /// Says whether the kept counts of a status and level belong to what the filter admits.
    pub(crate) fn admits(&self, status: AlertStatus, level: RuleLevel) -> bool {
        let status_fits = match self.status {
            StatusFilter::Open => status != AlertStatus::Closed,
            StatusFilter::All => true,
            StatusFilter::Only(only) => status == only,
        };
        status_fits && self.level_min.is_none_or(|least| level >= least)
    }
}

/// The text index knows only pieces of three characters; shorter words are looked for row by row.
const TRIGRAM: usize = 3;

/// Quotes a text for the text index, where it then has no syntax left in it.
fn phrase(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\"").replace('\0', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_user_wrote_is_only_ever_bound() {
        let filter = AlertFilter {
            text: Some("x' OR 1=1 --\" NEAR(".to_owned()),
            owner: Some("'; DROP TABLE alerts".to_owned()),
            ..AlertFilter::default()
        };
        let clause = filter.clause(Plan::Search);
        assert_eq!(
            clause.sql,
            " WHERE status < 3 AND owner = ? AND id IN (SELECT rowid FROM alert_text WHERE alert_text MATCH ?)"
        );
        assert_eq!(clause.parameters.len(), 2);
        let of_entity = AlertFilter { entity: Some("\"'x".to_owned()), ..filter.clone() }.clause(Plan::Search);
        assert_eq!(of_entity.sql, " WHERE status < 3 AND owner = ? AND entity = ? AND instr(folded, ?) > 0");
        assert!(!filter.is_plain());
        assert_eq!(phrase("a\"b"), "\"a\"\"b\"");
    }

    #[test]
    fn plain_filters_walk_the_index_of_their_order() {
        let open = AlertFilter { level_min: Some(RuleLevel::High), ..AlertFilter::default() };
        let walked = open.clause(Plan::Walk);
        assert_eq!(walked.sql, " INDEXED BY alerts_open WHERE status < 3 AND level >= ? AND risk >= ?");
        let all = AlertFilter { status: StatusFilter::All, ..AlertFilter::default() };
        assert_eq!(all.clause(Plan::Walk).sql, " INDEXED BY alerts_all");
        assert!(open.is_plain() && all.is_plain());
        assert!(open.admits(AlertStatus::Taken, RuleLevel::Critical));
        assert!(!open.admits(AlertStatus::Closed, RuleLevel::Critical));
        assert!(!open.admits(AlertStatus::New, RuleLevel::Medium));
    }
}
