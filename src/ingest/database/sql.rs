//! Builds the statements: pages in order, and the window behind the position. Pure text, nothing is sent from here.
//!
//! Values in them come from the database itself, as text, and are written as quoted literals; names are quoted as well. With a table the
//! conditions go on the table directly, so that its index serves them.

use std::fmt::Write as _;

use crate::ingest::database::Config;
use crate::ingest::database::DatabaseError;
use crate::ingest::database::Kind;
use crate::ingest::database::Order;
use crate::ingest::database::Source;
use crate::ingest::database::position::Position;

/// How a column is written into the JSON object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Whole,
    Number,
    /// A point in time, with a zone or meant in that of the input.
    Time,
    Date,
    Text,
    Binary,
    Json,
    Other,
}

/// One column as the database described it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    /// The database's word for the type.
    pub(super) type_name: String,
    pub(super) class: Class,
}

/// Everything that is needed to ask for rows.
#[derive(Debug)]
pub(super) struct Plan {
    kind: Kind,
    source: Source,
    pub(super) columns: Vec<Column>,
    /// The column the order goes by; the id itself when there is no time.
    order: Column,
    id: Column,
    is_by_time: bool,
    /// How far behind the position late rows are looked for: ids, or microseconds.
    pub(super) window: u64,
    page_rows: usize,
    row_bytes_max: usize,
}

/// Rows whose time is further ahead than this wait until it has come: one wrong clock must not carry the position away.
const AHEAD_HOURS: u32 = 1;

/// Names the columns with a statement that gives no row.
pub(super) fn describe(config: &Config) -> String {
    let select = select_columns(config.kind, &config.source, &[]);
    let from = from(config.kind, &config.source);
    format!("SELECT {select} FROM {from} WHERE 1 = 0")
}

impl Plan {
    /// Fits the configuration to the columns there are.
    ///
    /// # Errors
    /// When the order cannot go by the columns that were named.
    pub(super) fn new(config: &Config, columns: Vec<Column>) -> Result<Plan, DatabaseError> {
        let find = |wanted: &str| {
            let found = columns.iter().find(|column| column.name == wanted).cloned();
            found.ok_or_else(|| DatabaseError::NoColumn {
                column: wanted.to_owned(),
                known: columns.iter().map(|column| column.name.clone()).collect(),
            })
        };
        let wrong = |column: &Column, wanted| DatabaseError::WrongType {
            column: column.name.clone(),
            found: column.type_name.clone(),
            wanted,
        };
        let (order, id, is_by_time, window) = match &config.order {
            Order::Id { column, overlap } => (find(column)?, find(column)?, false, *overlap),
            Order::Time { column, id, lateness } => {
                let micros = u64::try_from(lateness.as_micros()).unwrap_or(u64::MAX);
                (find(column)?, find(id)?, true, micros)
            }
        };
        if is_by_time && !matches!(order.class, Class::Time | Class::Date) {
            return Err(wrong(&order, "a date or time"));
        }
        if !is_by_time && order.class != Class::Whole {
            return Err(wrong(&order, "a whole number"));
        }
        let (kind, source) = (config.kind, config.source.clone());
        let (page_rows, row_bytes_max) = (config.page_rows.get(), config.row_bytes_max.get());
        Ok(Plan { kind, source, columns, order, id, is_by_time, window, page_rows, row_bytes_max })
    }

    pub(super) fn page_rows(&self) -> usize {
        self.page_rows
    }

    /// Asks for the rows after the position.
    pub(super) fn new_rows(&self, position: &Position) -> String {
        let mut conditions = self.bounds();
        if let Some(at) = &position.at {
            let order = self.literal(&self.order, &at.text);
            let column = self.column(&self.order);
            if self.is_by_time {
                let id = self.literal(&self.id, &at.id);
                let after = format!("({column} > {order} OR {} > {id})", self.column(&self.id));
                conditions.extend([format!("{column} >= {order}"), after]);
            } else {
                conditions.push(format!("{column} > {order}"));
            }
        }
        self.page(&conditions, "ASC", self.page_rows)
    }

    /// Asks for the rows of the window that were not sent; none when there can be none.
    pub(super) fn late_rows(&self, position: &Position) -> Option<String> {
        let (at, start) = position.at.as_ref().zip(position.window_start())?;
        if !self.is_by_time && position.is_dense() {
            return None;
        }
        let (column, order) = (self.column(&self.order), self.literal(&self.order, &at.text));
        let start = if self.is_by_time { self.moment(start) } else { start.to_string() };
        let mut conditions = vec![format!("{column} > {start}"), format!("{column} <= {order}")];
        if self.is_by_time {
            let id = self.literal(&self.id, &at.id);
            conditions.push(format!("({column} < {order} OR {} <= {id})", self.column(&self.id)));
        }
        if !position.known.is_empty() {
            let known: Vec<String> = position.known.keys().map(|id| self.literal(&self.id, id)).collect();
            conditions.push(format!("{} NOT IN ({})", self.column(&self.id), known.join(", ")));
        }
        Some(self.page(&conditions, "ASC", self.page_rows))
    }

    /// Asks for the newest row, to begin behind it.
    pub(super) fn newest(&self) -> String {
        self.page(&self.bounds(), "DESC", 1)
    }

    /// Asks how far the newest row is ahead of the position: in ids, or in seconds.
    pub(super) fn behind(&self, position: &Position) -> Option<String> {
        let order = self.literal(&self.order, &position.at.as_ref()?.text);
        let column = self.column(&self.order);
        let distance = match (self.is_by_time, self.kind) {
            (false, Kind::Postgresql) => format!("(max({column}) - {order}::bigint)::bigint::text"),
            (false, Kind::Mysql) => format!("CAST(MAX({column}) - {order} AS CHAR)"),
            (true, Kind::Postgresql) => {
                let kind = &self.order.type_name;
                format!("(EXTRACT(EPOCH FROM max({column})) - EXTRACT(EPOCH FROM {order}::{kind}))::bigint::text")
            }
            (true, Kind::Mysql) => format!("CAST(TIMESTAMPDIFF(SECOND, {order}, MAX({column})) AS CHAR)"),
        };
        let conditions = self.bounds();
        let filter = if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
        Some(format!("SELECT {distance} FROM {}{filter}", from(self.kind, &self.source)))
    }

    /// What holds for every row that is read.
    fn bounds(&self) -> Vec<String> {
        let column = self.column(&self.order);
        match (self.is_by_time, self.kind) {
            (false, _) => Vec::new(),
            (true, Kind::Postgresql) => {
                vec![format!("isfinite({column})"), format!("{column} <= now() + interval '{AHEAD_HOURS} hour'")]
            }
            (true, Kind::Mysql) => vec![format!("{column} <= NOW(6) + INTERVAL {AHEAD_HOURS} HOUR")],
        }
    }

    /// Microseconds since 1970 as the database writes a time in the session's zone.
    fn moment(&self, micros: i64) -> String {
        match self.kind {
            Kind::Postgresql => {
                // A time without zone counts as if the session's zone were UTC, here as in `page`.
                let kind = &self.order.type_name;
                let base = if kind == "timestamptz" { "1970-01-01 00:00:00+00" } else { "1970-01-01 00:00:00" };
                let base_kind = if kind == "timestamptz" { "timestamptz" } else { "timestamp" };
                format!("({base_kind} '{base}' + interval '1 microsecond' * {micros}::bigint)")
            }
            Kind::Mysql => {
                format!("(CAST('1970-01-01 00:00:00' AS DATETIME(6)) + INTERVAL {micros} MICROSECOND)")
            }
        }
    }

    fn column(&self, column: &Column) -> String {
        format!("s.{}", quote(self.kind, &column.name))
    }

    fn literal(&self, column: &Column, text: &str) -> String {
        // MySQL would compare a number with text as floating point.
        let is_number = column.class == Class::Whole && text.parse::<i128>().is_ok();
        if is_number { text.to_owned() } else { format!("'{}'", text.replace('\'', "''")) }
    }

    /// One page. Its first columns are the id, the order as text and as a number; what follows is the row.
    fn page(&self, conditions: &[String], direction: &str, limit: usize) -> String {
        let kind = self.kind;
        let select = select_columns(kind, &self.source, &[&self.order, &self.id]);
        let (order, id) = (self.column(&self.order), self.column(&self.id));
        let filter = if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
        let sort = if self.is_by_time {
            format!("{order} {direction}, {id} {direction}")
        } else {
            format!("{id} {direction}")
        };
        let from = from(kind, &self.source);
        let rows = format!("SELECT {select} FROM {from}{filter} ORDER BY {sort} LIMIT {limit}");
        let sort = sort.replace("s.", "p.");
        let (order, id) = (format!("p.{}", quote(kind, &self.order.name)), format!("p.{}", quote(kind, &self.id.name)));
        match kind {
            Kind::Postgresql => {
                let number = if self.is_by_time {
                    format!("(EXTRACT(EPOCH FROM {order}) * 1000000)::bigint::text")
                } else {
                    format!("{order}::text")
                };
                format!(
                    "SELECT {id}::text, {order}::text, {number}, left(d.doc, {max}), (length(d.doc) > {max}{cut}) \
                     FROM ({rows}) p CROSS JOIN LATERAL (SELECT row_to_json(j)::text AS doc FROM (SELECT {document}) j) d \
                     ORDER BY {sort}",
                    max = self.row_bytes_max,
                    cut = self.cut_conditions(),
                    document = self.document(),
                )
            }
            Kind::Mysql => {
                let number = if self.is_by_time {
                    format!("CAST(TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', {order}) AS CHAR)")
                } else {
                    format!("CAST({order} AS CHAR)")
                };
                format!(
                    "SELECT CAST({id} AS CHAR), CAST({order} AS CHAR), {number}, (0{cut}), {document} FROM ({rows}) p ORDER BY {sort}",
                    cut = self.cut_conditions(),
                    document = self.document(),
                )
            }
        }
    }

    /// The longest text or binary value of a column: two fit into a row, so that one too long leaves the object whole.
    fn value_max(&self, column: &Column) -> Option<usize> {
        match column.class {
            Class::Text => Some(self.row_bytes_max / 2),
            Class::Binary => Some(self.row_bytes_max / 4),
            _ => None,
        }
    }

    fn cut_conditions(&self) -> String {
        let mut conditions = String::new();
        for column in &self.columns {
            if let Some(max) = self.value_max(column) {
                let name = quote(self.kind, &column.name);
                let written = write!(conditions, " OR coalesce(length(p.{name}) > {max}, false)");
                debug_assert!(written.is_ok(), "writing to a String cannot fail");
            }
        }
        conditions
    }

    fn document(&self) -> String {
        let one = |column: &Column| {
            let name = quote(self.kind, &column.name);
            let value = match (self.kind, column.class, self.value_max(column)) {
                (Kind::Postgresql, Class::Time, _) => format!("p.{name}::timestamptz"),
                (Kind::Postgresql, Class::Binary, Some(max)) => {
                    format!("encode(substring(p.{name} from 1 for {max}), 'hex')")
                }
                (_, _, Some(max)) => format!("left(p.{name}, {max})"),
                _ => format!("p.{name}"),
            };
            format!("{value} AS {name}")
        };
        self.columns.iter().map(one).collect::<Vec<_>>().join(", ")
    }
}

fn select_columns(kind: Kind, source: &Source, needed: &[&Column]) -> String {
    match source {
        Source::Table { columns, .. } if !columns.is_empty() => {
            let mut names: Vec<&str> = columns.iter().map(String::as_str).collect();
            for column in needed {
                if !names.contains(&column.name.as_str()) {
                    names.push(&column.name);
                }
            }
            names.iter().map(|name| format!("s.{}", quote(kind, name))).collect::<Vec<_>>().join(", ")
        }
        _ => "s.*".to_owned(),
    }
}

fn from(kind: Kind, source: &Source) -> String {
    match source {
        Source::Table { name, .. } => {
            let parts: Vec<String> = name.split('.').map(|part| quote(kind, part)).collect();
            format!("{} s", parts.join("."))
        }
        Source::Select(text) => format!("(\n{}\n) s", text.trim().trim_end_matches(';')),
    }
}

fn quote(kind: Kind, name: &str) -> String {
    match kind {
        Kind::Postgresql => format!("\"{}\"", name.replace('"', "\"\"")),
        Kind::Mysql => format!("`{}`", name.replace('`', "``")),
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;
    use std::path::PathBuf;
    use std::time::Duration;

    use super::*;
    use crate::ingest::database::Password;
    use crate::ingest::database::Tls;
    use crate::ingest::database::position::Mark;
    use crate::ingest::ledger::Progress as _;

    fn config(kind: Kind, order: Order) -> Config {
        Config {
            name: "database:x".to_owned(),
            kind,
            host: "127.0.0.1".to_owned(),
            port: 1,
            database: "d".to_owned(),
            user: "u".to_owned(),
            password: Password::default(),
            tls: Tls::Off,
            source: Source::Table { name: "audit.log".to_owned(), columns: vec!["actor".to_owned()] },
            order,
            is_from_beginning: true,
            poll: Duration::from_secs(1),
            page_rows: NonZeroUsize::new(100).expect("not zero"),
            row_bytes_max: NonZeroUsize::new(1_000).expect("not zero"),
            statement_timeout: Duration::from_secs(1),
            zone_offset_seconds: 0,
            folder: PathBuf::new(),
        }
    }

    fn columns() -> Vec<Column> {
        let column = |name: &str, type_name: &str, class| Column {
            name: name.to_owned(),
            type_name: type_name.to_owned(),
            class,
        };
        vec![
            column("id", "int8", Class::Whole),
            column("at", "timestamptz", Class::Time),
            column("actor", "text", Class::Text),
        ]
    }

    fn mark(order: i64, text: &str, id: &str) -> Mark {
        Mark { order, text: text.to_owned(), id: id.to_owned(), window: 10, is_late: false }
    }

    #[test]
    fn a_page_asks_the_table_in_order() {
        let plan = Plan::new(&config(Kind::Mysql, Order::Id { column: "id".to_owned(), overlap: 10 }), columns())
            .expect("fits");
        let mut position = Position::default();
        assert!(
            plan.new_rows(&position)
                .contains("(SELECT s.`actor`, s.`id` FROM `audit`.`log` s ORDER BY s.`id` ASC LIMIT 100) p")
        );
        assert_eq!(plan.late_rows(&position), None);
        [5, 7].iter().for_each(|id: &i64| position.advance(&mark(*id, &id.to_string(), &id.to_string())));
        assert!(plan.new_rows(&position).contains("WHERE s.`id` > 7 ORDER BY"));
        let late = plan.late_rows(&position).expect("6 may come");
        assert!(late.contains("s.`id` > -3 AND s.`id` <= 7 AND s.`id` NOT IN (5, 7)"), "{late}");
    }

    #[test]
    fn rows_of_the_same_time_go_by_their_id() {
        let order = Order::Time { column: "at".to_owned(), id: "id".to_owned(), lateness: Duration::from_micros(10) };
        let plan = Plan::new(&config(Kind::Postgresql, order), columns()).expect("fits");
        let mut position = Position::default();
        position.advance(&mark(1_000, "1970-01-01 00:00:00.001+00", "7"));
        let new = plan.new_rows(&position);
        let at = "'1970-01-01 00:00:00.001+00'";
        assert!(
            new.contains(&format!(
                "s.\"at\" >= {at} AND (s.\"at\" > {at} OR s.\"id\" > 7) ORDER BY s.\"at\" ASC, s.\"id\" ASC"
            )),
            "{new}"
        );
        let late = plan.late_rows(&position).expect("always looked for");
        assert!(late.contains("interval '1 microsecond' * 990::bigint"), "{late}");
        assert!(late.contains("NOT IN (7)"), "{late}");
    }

    #[test]
    fn foreign_text_stays_text() {
        let plan = Plan::new(&config(Kind::Postgresql, Order::Id { column: "id".to_owned(), overlap: 0 }), columns())
            .expect("fits");
        assert_eq!(plan.literal(&columns()[2], "a'); DROP"), "'a''); DROP'");
        assert_eq!(plan.literal(&columns()[0], "1 OR 1=1"), "'1 OR 1=1'");
        assert_eq!(quote(Kind::Postgresql, "a\"b"), "\"a\"\"b\"");
        assert_eq!(quote(Kind::Mysql, "a`b"), "`a``b`");
    }

    #[test]
    fn an_order_that_cannot_be_is_told() {
        let by_id = |column: &str| {
            Plan::new(&config(Kind::Mysql, Order::Id { column: column.to_owned(), overlap: 0 }), columns())
        };
        assert_eq!(by_id("idd").expect_err("none").to_string(), "there is no column `idd`");
        assert_eq!(
            by_id("actor").expect_err("text").to_string(),
            "column `actor` is of type `text`, not a whole number"
        );
    }
}
