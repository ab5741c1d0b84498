//! Reads what follows the filter: `| stage | stage …`.

mod aggregates;
mod expressions;
mod reader;

use crate::diag;
use crate::query::error::QueryError;
use crate::query::pipes::parse::reader::Reader;
use crate::query::pipes::stage::SortKey;
use crate::query::pipes::stage::Stage;
use crate::query::pipes::stage::TOP_DEFAULT;

const STAGES_MAX: usize = 32;
const NAMES_MAX: usize = 64;
/// The most rows `head` and `top` can be asked for.
const ROWS_MAX: usize = 1_000_000;

/// The words a stage begins with.
const STAGES: [&str; 12] =
    ["where", "eval", "stats", "top", "rare", "timechart", "sort", "head", "fields", "rename", "dedup", "fieldsummary"];
const EXPECTED: &str =
    "one of where, eval, stats, top, rare, timechart, sort, head, fields, rename, dedup, fieldsummary";

/// Reads the stages that begin with the `|` at a place of the query.
pub(in crate::query) fn parse(letters: &[char], at: usize) -> Result<Vec<Stage>, QueryError> {
    let mut reader = Reader::new(letters, at);
    let mut stages = Vec::new();
    while reader.take('|') {
        if stages.len() == STAGES_MAX {
            return Err(reader.error(format!("more than {STAGES_MAX} stages")));
        }
        stages.push(stage(&mut reader)?);
        reader.skip_space();
    }
    match reader.peek() {
        None => Ok(stages),
        Some(found) => Err(reader.error(format!("`{found}` is not expected here")).expected("`|` or the end")),
    }
}

fn stage(reader: &mut Reader<'_>) -> Result<Stage, QueryError> {
    reader.skip_space();
    let start = reader.place();
    let word = reader.word();
    match word.as_str() {
        "where" => Ok(Stage::Where(expressions::expr(reader)?)),
        "eval" => Ok(Stage::Eval(assignments(reader)?)),
        "stats" => aggregates::stats(reader),
        "top" => top(reader, false),
        "rare" => top(reader, true),
        "timechart" => aggregates::timechart(reader),
        "sort" => sort(reader),
        "head" => Ok(Stage::Head(reader.number(ROWS_MAX)?.unwrap_or(TOP_DEFAULT))),
        "fields" => {
            let is_without = reader.take('-');
            if !is_without {
                reader.take('+');
            }
            let names = reader.names(NAMES_MAX)?;
            Ok(if is_without { Stage::FieldsWithout(names) } else { Stage::Fields(names) })
        }
        "rename" => Ok(Stage::Rename(renames(reader)?)),
        "dedup" => Ok(Stage::Dedup(reader.names(NAMES_MAX)?)),
        "fieldsummary" => Ok(Stage::FieldSummary),
        "" => Err(reader.error_at(start, "a stage is missing after `|`").expected(EXPECTED)),
        other => Err(unknown_stage(reader, start, other)),
    }
}

fn unknown_stage(reader: &Reader<'_>, start: usize, word: &str) -> QueryError {
    let error = reader.error_at(start, format!("no stage is called `{word}`")).expected(EXPECTED);
    match word {
        "search" | "filter" => error.hint("write the filter before the first `|`, or use `where`"),
        "table" | "project" | "keep" => error.hint("`fields a, b` keeps columns"),
        "count" | "summarize" | "groupby" => error.hint("`stats count() by field` counts"),
        "limit" | "tail" | "take" => error.hint("`head 10` keeps the first ten; `sort` turns the order"),
        "order" => error.hint("`sort -n` puts the largest first"),
        _ => match diag::closest(word, STAGES) {
            Some(close) => error.hint(format!("did you mean `{close}`?")),
            None => error,
        },
    }
}

/// Reads `name = expression, …`.
fn assignments(reader: &mut Reader<'_>) -> Result<Vec<(String, crate::query::pipes::expr::Expr)>, QueryError> {
    let mut columns = Vec::new();
    // `eval(n = 1)` is written by those who think of it as a function.
    loop {
        let name = reader.name()?;
        if !reader.take('=') {
            return Err(reader
                .error("`eval` needs `=` after the name")
                .expected("`=`")
                .hint("eval ratio = failed / total"));
        }
        columns.push((name, expressions::expr(reader)?));
        if columns.len() > NAMES_MAX {
            return Err(reader.error(format!("more than {NAMES_MAX} columns")));
        }
        if !reader.take(',') {
            return Ok(columns);
        }
    }
}

fn renames(reader: &mut Reader<'_>) -> Result<Vec<(String, String)>, QueryError> {
    let mut pairs = Vec::new();
    loop {
        let from = reader.name()?;
        if !reader.take_word("as") {
            return Err(reader
                .error("`rename` needs `as` and a new name")
                .expected("`as`")
                .hint("rename source.ip as client"));
        }
        pairs.push((from, reader.name()?));
        if pairs.len() > NAMES_MAX {
            return Err(reader.error(format!("more than {NAMES_MAX} columns")));
        }
        if !reader.take(',') {
            return Ok(pairs);
        }
    }
}

/// `top 5 user.name, source.ip`, also `limit=5` and `by` before the fields.
fn top(reader: &mut Reader<'_>, is_rare: bool) -> Result<Stage, QueryError> {
    let mut limit = reader.number(ROWS_MAX)?;
    if reader.take_option("limit") {
        limit = reader.number(ROWS_MAX)?;
    }
    reader.take_word("by");
    let mut fields = reader.names(NAMES_MAX)?;
    if reader.take_word("by") {
        // `top user.name by host.name`: the most frequent combinations.
        fields.extend(reader.names(NAMES_MAX)?);
    }
    Ok(Stage::Top { fields, limit: limit.unwrap_or(TOP_DEFAULT), is_rare })
}

/// `sort -n, user.name`, `sort n desc`, `sort by n`.
fn sort(reader: &mut Reader<'_>) -> Result<Stage, QueryError> {
    reader.take_word("by");
    let mut keys = Vec::new();
    loop {
        let mut is_descending = reader.take('-');
        if !is_descending {
            reader.take('+');
        }
        let name = reader.name()?;
        if reader.take_word("desc") {
            is_descending = true;
        } else {
            reader.take_word("asc");
        }
        keys.push(SortKey { name, is_descending });
        if keys.len() > NAMES_MAX {
            return Err(reader.error(format!("more than {NAMES_MAX} columns")));
        }
        let has_comma = reader.take(',');
        reader.skip_space();
        let goes_on = reader.peek().is_some_and(|next| next != '|');
        if !has_comma && !goes_on {
            return Ok(Stage::Sort(keys));
        }
    }
}
