//! The stages of a pipeline, as read, and how they are written.

use std::fmt;
use std::time::Duration;

use crate::query::pipes::expr::Expr;
use crate::query::pipes::expr::write_name;

/// Rows that `top` and `rare` give unless told otherwise; also the series of a `timechart` beside `other`.
pub const TOP_DEFAULT: usize = 10;

/// One stage.
#[derive(Debug, Clone, PartialEq)]
pub enum Stage {
    /// Keeps the rows of which the expression is true.
    Where(Expr),
    /// Sets columns, in order.
    Eval(Vec<(String, Expr)>),
    Stats {
        aggregates: Vec<Aggregate>,
        by: Vec<String>,
    },
    /// The most frequent combinations of values, or the rarest.
    Top {
        fields: Vec<String>,
        limit: usize,
        is_rare: bool,
    },
    Timechart {
        /// The width of a row; chosen by the time searched when absent.
        span: Option<Duration>,
        aggregates: Vec<Aggregate>,
        by: Option<String>,
        /// Series shown on their own; the others are folded into one.
        limit: usize,
    },
    Sort(Vec<SortKey>),
    Head(usize),
    /// Keeps the columns, in this order.
    Fields(Vec<String>),
    /// Leaves the columns out.
    FieldsWithout(Vec<String>),
    Rename(Vec<(String, String)>),
    /// Keeps the first row of each combination of values; rows without any of them are left out.
    Dedup(Vec<String>),
    /// Which fields there are, in how many rows, with their most frequent values.
    FieldSummary,
}

/// A column to sort by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SortKey {
    pub name: String,
    pub is_descending: bool,
}

/// A figure over the rows of a group, and the column it goes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    pub measure: Measure,
    /// What is measured; `None` only for a count of rows.
    pub of: Option<Expr>,
    pub name: String,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measure {
    Count,
    Distinct,
    Sum,
    Average,
    Min,
    Max,
    /// 0 to 100.
    Percentile(f64),
    /// By time, or by row when there is no time.
    First,
    Last,
    Values,
}

impl Measure {
    /// The names a measure is written with; percentiles are `p95(…)` or `percentile(…, 95)`.
    pub const NAMES: &'static [(&'static str, Measure)] = &[
        ("count", Measure::Count),
        ("dc", Measure::Distinct),
        ("sum", Measure::Sum),
        ("avg", Measure::Average),
        ("min", Measure::Min),
        ("max", Measure::Max),
        ("median", Measure::Percentile(50.0)),
        ("first", Measure::First),
        ("last", Measure::Last),
        ("values", Measure::Values),
    ];
}

impl Aggregate {
    /// Returns the aggregate without its name, as it is written.
    pub fn formula(&self) -> String {
        let of = self.of.as_ref().map(Expr::to_string).unwrap_or_default();
        match self.measure {
            Measure::Percentile(50.0) => format!("median({of})"),
            Measure::Percentile(share) => format!("percentile({of}, {share})"),
            measure => {
                let name = Measure::NAMES.iter().find(|(_, known)| *known == measure).map_or("", |(name, _)| name);
                format!("{name}({of})")
            }
        }
    }
}

impl Stage {
    /// Says whether rows go through one by one, so that the order of events is kept and the first ones can be shown at once.
    pub fn is_streaming(&self) -> bool {
        matches!(
            self,
            Stage::Where(_)
                | Stage::Eval(_)
                | Stage::Head(_)
                | Stage::Fields(_)
                | Stage::FieldsWithout(_)
                | Stage::Rename(_)
                | Stage::Dedup(_)
        )
    }

    /// Says whether it matters which row comes first.
    pub fn needs_order(&self) -> bool {
        matches!(self, Stage::Head(_) | Stage::Dedup(_))
    }
}

struct Names<'n>(&'n [String]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { ", " })?;
            write_name(f, name)?;
        }
        Ok(())
    }
}

fn write_aggregates(f: &mut fmt::Formatter<'_>, aggregates: &[Aggregate]) -> fmt::Result {
    for (index, aggregate) in aggregates.iter().enumerate() {
        write!(f, "{}{} as ", if index == 0 { " " } else { ", " }, aggregate.formula())?;
        write_name(f, &aggregate.name)?;
    }
    Ok(())
}

/// Writes the stage as it is read.
impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stage::Where(expr) => write!(f, "where {expr}"),
            Stage::Eval(columns) => {
                f.write_str("eval ")?;
                for (index, (name, expr)) in columns.iter().enumerate() {
                    f.write_str(if index == 0 { "" } else { ", " })?;
                    write_name(f, name)?;
                    write!(f, " = {expr}")?;
                }
                Ok(())
            }
            Stage::Stats { aggregates, by } => {
                f.write_str("stats")?;
                write_aggregates(f, aggregates)?;
                if by.is_empty() { Ok(()) } else { write!(f, " by {}", Names(by)) }
            }
            Stage::Top { fields, limit, is_rare } => {
                write!(f, "{} {limit} {}", if *is_rare { "rare" } else { "top" }, Names(fields))
            }
            Stage::Timechart { span, aggregates, by, limit } => {
                f.write_str("timechart")?;
                if let Some(span) = span {
                    write!(f, " span={}ms", span.as_millis())?;
                }
                write!(f, " limit={limit}")?;
                write_aggregates(f, aggregates)?;
                match by {
                    Some(by) => write!(f, " by {}", Names(std::slice::from_ref(by))),
                    None => Ok(()),
                }
            }
            Stage::Sort(keys) => {
                f.write_str("sort ")?;
                for (index, key) in keys.iter().enumerate() {
                    f.write_str(if index == 0 { "" } else { ", " })?;
                    write_name(f, &key.name)?;
                    f.write_str(if key.is_descending { " desc" } else { " asc" })?;
                }
                Ok(())
            }
            Stage::Head(count) => write!(f, "head {count}"),
            Stage::Fields(names) => write!(f, "fields {}", Names(names)),
            Stage::FieldsWithout(names) => write!(f, "fields - {}", Names(names)),
            Stage::Rename(pairs) => {
                f.write_str("rename ")?;
                for (index, (from, to)) in pairs.iter().enumerate() {
                    f.write_str(if index == 0 { "" } else { ", " })?;
                    write_name(f, from)?;
                    f.write_str(" as ")?;
                    write_name(f, to)?;
                }
                Ok(())
            }
            Stage::Dedup(names) => write!(f, "dedup {}", Names(names)),
            Stage::FieldSummary => f.write_str("fieldsummary"),
        }
    }
}
