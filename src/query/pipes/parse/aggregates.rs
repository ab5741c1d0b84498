//! Reads `stats` and `timechart`: what is measured, by what.

use crate::diag;
use crate::query::error::QueryError;
use crate::query::pipes::expr::Expr;
use crate::query::pipes::parse::NAMES_MAX;
use crate::query::pipes::parse::expressions;
use crate::query::pipes::parse::reader::Reader;
use crate::query::pipes::stage::Aggregate;
use crate::query::pipes::stage::Measure;
use crate::query::pipes::stage::Stage;
use crate::query::pipes::stage::TOP_DEFAULT;

const SERIES_MAX: usize = 100;
const EXPECTED: &str = "count, dc, sum, avg, min, max, median, p95, percentile, first, last or values";

pub(super) fn stats(reader: &mut Reader<'_>) -> Result<Stage, QueryError> {
    let aggregates = aggregates(reader)?;
    let by = if reader.take_word("by") { reader.names(NAMES_MAX)? } else { Vec::new() };
    if let Some(both) = aggregates.iter().find(|aggregate| by.contains(&aggregate.name)) {
        let error = reader.error(format!("`{}` is a figure and a column counted by", both.name));
        return Err(error.hint("give the figure another name with `as`"));
    }
    Ok(Stage::Stats { aggregates, by })
}

pub(super) fn timechart(reader: &mut Reader<'_>) -> Result<Stage, QueryError> {
    let (mut span, mut limit) = (None, None);
    loop {
        if reader.take_option("span") {
            span = Some(reader.span()?);
        } else if reader.take_option("limit") {
            limit = reader.number(SERIES_MAX)?;
        } else {
            break;
        }
    }
    let aggregates = aggregates(reader)?;
    let by = if reader.take_word("by") { Some(reader.name()?) } else { None };
    Ok(Stage::Timechart { span, aggregates, by, limit: limit.unwrap_or(TOP_DEFAULT) })
}

/// Reads figures with commas or spaces between them; none is `count()`.
fn aggregates(reader: &mut Reader<'_>) -> Result<Vec<Aggregate>, QueryError> {
    let mut aggregates: Vec<Aggregate> = Vec::new();
    loop {
        reader.skip_space();
        let start = reader.place();
        let ends = reader.peek().is_none_or(|next| next == '|') || reader.take_word("by");
        reader.go_back(start);
        if ends {
            break;
        }
        let aggregate = aggregate(reader)?;
        if aggregates.iter().any(|have| have.name == aggregate.name) {
            let error = reader.error_at(start, format!("two figures are called `{}`", aggregate.name));
            return Err(error.hint("give one another name with `as`"));
        }
        aggregates.push(aggregate);
        if aggregates.len() > NAMES_MAX {
            return Err(reader.error(format!("more than {NAMES_MAX} figures")));
        }
        reader.take(',');
    }
    if aggregates.is_empty() {
        aggregates.push(Aggregate { measure: Measure::Count, of: None, name: "count".to_owned() });
    }
    Ok(aggregates)
}

fn aggregate(reader: &mut Reader<'_>) -> Result<Aggregate, QueryError> {
    let start = reader.place();
    let word = reader.word().to_lowercase();
    let known = Measure::NAMES.iter().find(|(name, _)| *name == word).map(|(_, measure)| *measure);
    let named = match word.as_str() {
        "mean" => Some(Measure::Average),
        "distinct" | "distinct_count" => Some(Measure::Distinct),
        "percentile" | "perc" => Some(Measure::Percentile(95.0)),
        _ => None,
    };
    let share = || word.strip_prefix('p')?.parse::<f64>().ok().filter(|share| (0.0..=100.0).contains(share));
    let Some(mut measure) = known.or(named).or_else(|| share().map(Measure::Percentile)) else {
        return Err(unknown(reader, start, &word));
    };
    let mut of = None;
    if reader.take('(') {
        reader.skip_space();
        if !matches!(reader.peek(), Some(')' | '*')) {
            of = Some(expressions::expr(reader)?);
        } else if reader.take('*') {
            of = None;
        }
        if matches!(measure, Measure::Percentile(_)) && reader.take(',') {
            measure = Measure::Percentile(percentage(reader)?);
        }
        if !reader.take(')') {
            return Err(reader.error(format!("this `{word}(` is never closed")).expected("`)`"));
        }
    }
    if of.is_none() && measure != Measure::Count {
        let error = reader.error_at(start, format!("`{word}` needs a field"));
        return Err(error.expected("a field in parentheses").hint(format!("{word}(source.ip)")));
    }
    let mut aggregate = Aggregate { measure, of, name: String::new() };
    aggregate.name = match (reader.take_word("as"), &aggregate.of) {
        (true, _) => reader.name()?,
        (false, None) => "count".to_owned(),
        (false, Some(Expr::Field(field))) => format!("{word}({field})"),
        // A name with backquotes could not be written again.
        (false, Some(_)) => aggregate.formula().replace('`', "'"),
    };
    Ok(aggregate)
}

fn percentage(reader: &mut Reader<'_>) -> Result<f64, QueryError> {
    reader.skip_space();
    let start = reader.place();
    let word = reader.word();
    word.parse::<f64>()
        .ok()
        .filter(|share| (0.0..=100.0).contains(share))
        .ok_or_else(|| reader.error_at(start, format!("`{word}` is no percentile")).expected("a number from 0 to 100"))
}

fn unknown(reader: &Reader<'_>, start: usize, word: &str) -> QueryError {
    if word.is_empty() {
        let found = reader.peek().unwrap_or_default();
        return reader.error_at(start, format!("`{found}` begins no figure")).expected(EXPECTED);
    }
    let error = reader.error_at(start, format!("no figure is called `{word}`")).expected(EXPECTED);
    match diag::closest(word, Measure::NAMES.iter().map(|(name, _)| *name)) {
        Some(close) => error.hint(format!("did you mean `{close}`?")),
        None => error.hint("`stats count() by field` counts by a field"),
    }
}
