//! One test of one field: whether it holds, what the event has there, and why it does not.

use std::ops::Range;

use regex::Regex;
use serde::Serialize;

use super::tree::Ctx;
use crate::detect::sigma::value::Pattern;
use crate::detect::sigma::value::Predicate;
use crate::detect::sigma::value::Shape;
use crate::detect::sigma::value::Test;
use crate::detect::sigma::value::folded;
use crate::detect::sigma::value::value_text;
use crate::diag::closest;
use crate::model::Event;
use crate::model::Field;
use crate::model::Value;
use crate::model::ecs;

/// Characters of a value that are told.
const EXCERPT_CHARS: usize = 200;
/// Values of a list that are told.
const VALUES_MAX: usize = 8;

/// A test and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TestReport {
    /// The field as the rule names it; `None` for a keyword.
    pub field: Option<String>,
    /// The fields of the event it stands for, where they are called otherwise.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mapped_to: Vec<String>,
    /// The test in words, such as `contains 'x'`.
    pub wants: String,
    pub holds: bool,
    /// What the event has there; the value that passed comes first.
    pub seen: Vec<Seen>,
    /// Why it does not hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// A value that was looked at.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Seen {
    pub field: String,
    pub value: String,
    /// What matched, in bytes of the value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span: Option<Range<usize>>,
    /// What matched, in bytes of the raw line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_span: Option<Range<usize>>,
}

/// Returns the scalars an event has under a name; for a keyword the raw line, or every value where there is none.
pub(super) fn values<'e>(event: &'e Event<'e>, field: Option<&str>) -> Vec<Value<'e>> {
    let mut found = Vec::new();
    let mut add = |value: &Value<'e>| value.for_each_scalar(|scalar| found.push(scalar.clone()));
    match field {
        None if !event.raw.is_empty() => found.push(Value::from(event.raw)),
        None => event.fields.iter().for_each(|(_, value)| add(value)),
        Some(name) => match Field::from_name(name).and_then(|field| beside(event, field)) {
            Some(value) => found.push(value),
            None => event.fields.iter().filter(|(have, _)| have.as_str() == name).for_each(|(_, value)| add(value)),
        },
    }
    found
}

/// What an event keeps outside its list of fields.
fn beside<'e>(event: &'e Event<'e>, field: Field) -> Option<Value<'e>> {
    match field {
        ecs::TIMESTAMP => Some(Value::Time(event.timestamp)),
        ecs::EVENT_INGESTED => Some(Value::Time(event.ingested)),
        ecs::EVENT_ORIGINAL if !event.raw.is_empty() => Some(Value::from(event.raw)),
        ecs::LONGAN_PARSER => event.parser.map(Value::from),
        ecs::LONGAN_PARSE_ERROR => event.failure.map(|failure| Value::from(failure.as_str())),
        _ => None,
    }
}

fn is_there(event: &Event<'_>, name: &str) -> bool {
    Field::from_name(name).is_some_and(|field| beside(event, field).is_some())
        || event.fields.iter().any(|(have, _)| have.as_str() == name)
}

pub(super) fn of_keyword(ctx: Ctx<'_>, predicate: &Predicate) -> TestReport {
    let regex = compiled(&predicate.test);
    let values = values(ctx.event, None);
    let hit = values.iter().find(|value| passes(ctx, &predicate.test, value, regex.as_ref()));
    let seen = hit.map(|value| seen(ctx, "", value, &predicate.test, regex.as_ref()));
    TestReport {
        field: None,
        mapped_to: Vec::new(),
        wants: predicate.test.to_string(),
        holds: hit.is_some(),
        seen: seen.into_iter().collect(),
        why: hit.is_none().then(|| "nowhere in the event".to_owned()),
    }
}

pub(super) fn of_field(ctx: Ctx<'_>, field: &str, predicate: &Predicate) -> TestReport {
    let targets = ctx.mapping.targets(ctx.logsource, field);
    let test = with_mapped_reference(ctx, &predicate.test);
    let regex = compiled(&test);
    let mut report = TestReport {
        field: Some(field.to_owned()),
        mapped_to: if targets.len() == 1 && targets.iter().all(|target| target == field) {
            Vec::new()
        } else {
            targets.clone()
        },
        wants: test.to_string(),
        holds: false,
        seen: Vec::new(),
        why: None,
    };
    let there: Vec<&String> = targets.iter().filter(|target| is_there(ctx.event, target)).collect();
    let mut missed = Vec::new();
    for target in &there {
        for value in values(ctx.event, Some(target)) {
            if passes(ctx, &test, &value, regex.as_ref()) {
                report.seen.push(seen(ctx, target, &value, &test, regex.as_ref()));
            } else {
                missed.push((target, value));
            }
        }
    }
    report.holds = match &test {
        // Absent means absent under every name.
        Test::Null => targets.iter().all(|target| is_null(ctx.event, target)),
        Test::Exists => !there.is_empty(),
        _ => !report.seen.is_empty(),
    };
    if !report.holds {
        report.why = Some(why_not(ctx, field, &targets, &there, &test, &missed));
    }
    report.seen.extend(missed.iter().map(|(target, value)| Seen {
        field: (**target).clone(),
        value: excerpt(&value.to_text()),
        span: None,
        raw_span: None,
    }));
    report.seen.truncate(VALUES_MAX);
    report
}

fn is_null(event: &Event<'_>, target: &str) -> bool {
    !is_there(event, target) || values(event, Some(target)).contains(&Value::Null)
}

fn with_mapped_reference(ctx: Ctx<'_>, test: &Test) -> Test {
    let mut test = test.clone();
    if let Test::Field { other, .. } = &mut test
        && let Some(target) = ctx.mapping.targets(ctx.logsource, other).into_iter().next()
    {
        *other = target.into();
    }
    test
}

fn compiled(test: &Test) -> Option<Regex> {
    match test {
        Test::Regex(spec) => spec.compile().ok(),
        _ => None,
    }
}

fn passes(ctx: Ctx<'_>, test: &Test, value: &Value<'_>, regex: Option<&Regex>) -> bool {
    match test {
        Test::Null => *value == Value::Null,
        Test::Exists => true,
        Test::Field { other, part, cased } => {
            let with_case = |text: &str| if *cased { text.to_owned() } else { folded(text) };
            let Some(text) = value_text(value).map(|text| with_case(&text)) else { return false };
            let others = values(ctx.event, Some(other));
            others.iter().filter_map(value_text).any(|other| part.holds(&text, &with_case(&other)))
        }
        test => test.passes(value, regex, ctx.utc_offset_seconds),
    }
}

/// Says why a test does not hold, and what would.
fn why_not(
    ctx: Ctx<'_>,
    field: &str,
    targets: &[String],
    there: &[&String],
    test: &Test,
    missed: &[(&&String, Value<'_>)],
) -> String {
    if there.is_empty() && !matches!(test, Test::Null) {
        let names = ctx.event.fields.iter().map(|(name, _)| name.as_str());
        let near = closest(field, names).filter(|near| *near != field);
        let hint = near.map(|near| format!("; it has `{near}`")).unwrap_or_default();
        return format!("the event has no `{}`{hint}", targets.join("`, `"));
    }
    let texts = || missed.iter().filter_map(|(_, value)| value_text(value));
    match test {
        Test::Null => "the field is there".to_owned(),
        Test::Never => "the placeholder has no list".to_owned(),
        Test::Field { other, .. } if !is_there(ctx.event, other) => format!("the event has no `{other}`"),
        Test::Text { pattern, cased: true } if texts().any(|text| pattern.folded().matches(&folded(&text))) => {
            "only the letter case differs".to_owned()
        }
        Test::Text { pattern, .. } => match pattern.as_literal().map(folded) {
            Some(literal) if !literal.is_empty() && texts().any(|text| folded(&text).contains(&literal)) => {
                "the value has it within: `|contains` would match".to_owned()
            }
            Some(literal) if texts().any(|text| folded(text.trim()) == literal.trim()) => {
                "only blanks at an end differ".to_owned()
            }
            _ => "the value is another".to_owned(),
        },
        Test::Regex(spec) if !spec.ignore_case => {
            let mut relaxed = spec.clone();
            relaxed.ignore_case = true;
            let found = relaxed.compile().is_ok_and(|regex| texts().any(|text| regex.is_match(&text)));
            let text =
                if found { "only the letter case differs: `|re|i` would match" } else { "not found in the value" };
            text.to_owned()
        }
        Test::Regex(_) => "not found in the value".to_owned(),
        Test::Cidr(_) if missed.iter().all(|(_, value)| value.as_ip().is_none()) => "no address".to_owned(),
        Test::Cidr(_) => "the address is outside".to_owned(),
        Test::Compare { .. } if texts().all(|text| text.trim().parse::<f64>().is_err()) => "no number".to_owned(),
        _ => "the value is another".to_owned(),
    }
}

fn seen(ctx: Ctx<'_>, target: &str, value: &Value<'_>, test: &Test, regex: Option<&Regex>) -> Seen {
    let text = value.to_text();
    let span = match test {
        Test::Text { pattern, .. } => span_of(pattern, &text),
        Test::Regex(_) => regex.and_then(|regex| regex.find(&text)).map(|found| found.range()),
        _ => None,
    };
    let whole = match value {
        Value::Text(text) => ctx.event.span_in_raw(text),
        _ => None,
    };
    let raw_span = whole.map(|whole| match &span {
        Some(span) => whole.start + span.start..whole.start + span.end,
        None => whole,
    });
    let (value, span) = if target.is_empty() { (around(&text, span.as_ref()), None) } else { (excerpt(&text), span) };
    let length = value.len();
    Seen { field: target.to_owned(), value, span: span.filter(|span| span.end <= length), raw_span }
}

/// Finds what a pattern matched, without its open ends; only where setting case aside keeps the places of bytes.
fn span_of(pattern: &Pattern, text: &str) -> Option<Range<usize>> {
    let lower = folded(text);
    if lower.len() != text.len() {
        return None;
    }
    let pattern = pattern.folded();
    match pattern.shape() {
        Shape::Exact(_) | Shape::Glob => Some(0..text.len()),
        Shape::Prefix(want) => Some(0..want.len()),
        Shape::Suffix(want) => Some(text.len().checked_sub(want.len())?..text.len()),
        Shape::Contains(want) => lower.find(want).map(|at| at..at + want.len()),
    }
}

fn excerpt(text: &str) -> String {
    let mut cut: String = text.chars().take(EXCERPT_CHARS).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}

/// What matched in a line, and a little around it.
fn around(text: &str, span: Option<&Range<usize>>) -> String {
    let Some(span) = span else { return excerpt(text) };
    let mut start = span.start.saturating_sub(30);
    let mut end = span.end.saturating_add(30).min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    while !text.is_char_boundary(end) {
        end += 1;
    }
    excerpt(text.get(start..end).unwrap_or(text))
}
