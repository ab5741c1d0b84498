//! The field modifiers: what stands after `|` in a field name, applied in order to the values of the field.

use super::cidr::Cidr;
use super::encode;
use super::encode::Utf16;
use super::predicate::CompareOp;
use super::predicate::FieldPart;
use super::predicate::Number;
use super::predicate::RegexSpec;
use super::predicate::Test;
use super::predicate::TimePart;
use super::text::Part;
use super::text::Pattern;
use crate::detect::sigma::error::RuleError;
use crate::detect::sigma::yaml::Kind;
use crate::detect::sigma::yaml::Node;
use crate::diag::closest;

/// A modifier of Sigma specification 2.1 (appendix "Modifiers").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Modifier {
    Contains,
    StartsWith,
    EndsWith,
    All,
    Base64,
    Base64Offset,
    Utf16(Encoding),
    WinDash,
    Regex,
    IgnoreCase,
    MultiLine,
    DotAll,
    Cidr,
    Cased,
    Exists,
    Expand,
    FieldRef,
    Compare(CompareOp),
    NotEqual,
    Time(TimePart),
}

/// The layout of a UTF-16 modifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    LittleEndian,
    BigEndian,
    Marked,
}

const NAMES: [(&str, Modifier); 30] = [
    ("contains", Modifier::Contains),
    ("startswith", Modifier::StartsWith),
    ("endswith", Modifier::EndsWith),
    ("all", Modifier::All),
    ("base64", Modifier::Base64),
    ("base64offset", Modifier::Base64Offset),
    ("wide", Modifier::Utf16(Encoding::LittleEndian)),
    ("utf16le", Modifier::Utf16(Encoding::LittleEndian)),
    ("utf16be", Modifier::Utf16(Encoding::BigEndian)),
    ("utf16", Modifier::Utf16(Encoding::Marked)),
    ("windash", Modifier::WinDash),
    ("re", Modifier::Regex),
    ("i", Modifier::IgnoreCase),
    ("m", Modifier::MultiLine),
    ("s", Modifier::DotAll),
    ("cidr", Modifier::Cidr),
    ("cased", Modifier::Cased),
    ("exists", Modifier::Exists),
    ("expand", Modifier::Expand),
    ("fieldref", Modifier::FieldRef),
    ("lt", Modifier::Compare(CompareOp::Less)),
    ("lte", Modifier::Compare(CompareOp::LessOrEqual)),
    ("gt", Modifier::Compare(CompareOp::Greater)),
    ("gte", Modifier::Compare(CompareOp::GreaterOrEqual)),
    ("neq", Modifier::NotEqual),
    ("minute", Modifier::Time(TimePart::Minute)),
    ("hour", Modifier::Time(TimePart::Hour)),
    ("day", Modifier::Time(TimePart::Day)),
    ("week", Modifier::Time(TimePart::Week)),
    ("month", Modifier::Time(TimePart::Month)),
];

impl Modifier {
    /// Finds a modifier by its name.
    ///
    /// # Errors
    /// With the nearest name as a hint, or all there are.
    pub fn from_name(name: &str) -> Result<Modifier, (RuleError, Option<String>)> {
        if name == "year" {
            return Ok(Modifier::Time(TimePart::Year));
        }
        let found = NAMES.iter().find(|(have, _)| *have == name).map(|(_, modifier)| *modifier);
        found.ok_or_else(|| {
            let hint = closest(name, NAMES.iter().map(|(have, _)| *have).chain(["year"]));
            let all = || NAMES.iter().map(|(have, _)| *have).chain(["year"]).collect::<Vec<_>>().join(", ");
            let hint = hint.map_or_else(|| format!("one of {}", all()), |hint| format!("did you mean `{hint}`?"));
            (RuleError::UnknownModifier(name.to_owned()), Some(hint))
        })
    }

    fn name(self) -> &'static str {
        NAMES.iter().find(|(_, modifier)| *modifier == self).map_or("year", |(name, _)| name)
    }
}

/// The tests a field's values came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Values {
    /// One group per value as written; the tests of a group are alternatives of that value.
    pub groups: Vec<Vec<Test>>,
    /// Every group must hold, not just one (`|all`).
    pub all: bool,
    /// The whole is negated (`|neq`).
    pub negated: bool,
    /// `exists: false`: the field must not be there.
    pub absent: bool,
}

/// Where placeholders (`%name%`) are looked up.
pub(in crate::detect) type Lists<'l> = &'l dyn Fn(&str) -> Option<Vec<String>>;

/// A value on its way through the modifiers.
#[derive(Debug, Clone)]
enum Stage {
    Text(Pattern),
    /// Bytes that are not text any more (UTF-16 before Base64).
    Bytes(Vec<u8>),
    Number(f64),
    Bool(bool),
    Null,
    Regex(RegexSpec),
    Field {
        other: String,
        part: FieldPart,
    },
    Done(Test),
    Time {
        part: TimePart,
        op: CompareOp,
        number: i64,
    },
}

impl Stage {
    fn describe(&self) -> String {
        match self {
            Stage::Text(pattern) => format!("text `{pattern}`"),
            Stage::Bytes(_) => "encoded bytes".to_owned(),
            Stage::Number(number) => format!("number `{number}`"),
            Stage::Bool(truth) => format!("truth value `{truth}`"),
            Stage::Null => "`null`".to_owned(),
            Stage::Regex(spec) => format!("regular expression `{}`", spec.pattern),
            Stage::Field { other, .. } => format!("field reference `{other}`"),
            Stage::Done(test) => format!("what {test}"),
            Stage::Time { .. } => "a part of a time".to_owned(),
        }
    }
}

/// Applies the modifiers to the values, as the specification orders them: from left to right.
///
/// # Errors
/// The first thing wrong, with the index of the value it is about.
pub(in crate::detect) fn apply(
    modifiers: &[Modifier],
    nodes: &[Node],
    lists: Lists<'_>,
) -> Result<Values, (usize, RuleError)> {
    check_order(modifiers).map_err(|error| (0, error))?;
    let mut values = Values {
        groups: Vec::with_capacity(nodes.len()),
        all: modifiers.contains(&Modifier::All),
        negated: modifiers.contains(&Modifier::NotEqual),
        absent: false,
    };
    for (index, node) in nodes.iter().enumerate() {
        let group = group_of(modifiers, node, lists).map_err(|error| (index, error))?;
        if modifiers.contains(&Modifier::Exists) && group.is_empty() {
            values.absent = true;
        } else {
            values.groups.push(group);
        }
    }
    Ok(values)
}

fn check_order(modifiers: &[Modifier]) -> Result<(), RuleError> {
    for (index, modifier) in modifiers.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|previous| modifiers.get(previous)).copied();
        let wrong = match modifier {
            Modifier::Regex | Modifier::Cidr | Modifier::Exists => {
                before.filter(|before| !matches!(before, Modifier::All | Modifier::NotEqual | Modifier::Expand))
            }
            Modifier::IgnoreCase | Modifier::MultiLine | Modifier::DotAll => {
                (!modifiers[..index].contains(&Modifier::Regex)).then_some(before.unwrap_or(*modifier))
            }
            _ => None,
        };
        if let Some(after) = wrong {
            return Err(RuleError::ModifierOrder { modifier: modifier.name().into(), after: after.name().into() });
        }
    }
    Ok(())
}

/// Placeholders one value may expand to.
const EXPANSIONS_MAX: usize = 10_000;

fn group_of(modifiers: &[Modifier], node: &Node, lists: Lists<'_>) -> Result<Vec<Test>, RuleError> {
    let is_regex = modifiers.contains(&Modifier::Regex);
    let mut stages = vec![match &node.kind {
        Kind::Null => Stage::Null,
        Kind::Bool(truth) => Stage::Bool(*truth),
        Kind::Int(number) => Stage::Number(*number as f64),
        Kind::Float(number) => Stage::Number(*number),
        Kind::Text(text) if is_regex => Stage::Text(Pattern::literal(text.as_str())),
        Kind::Text(text) => Stage::Text(Pattern::parse(text)),
        Kind::List(_) | Kind::Map(_) => {
            return Err(RuleError::WrongType {
                key: "value".to_owned(),
                expected: "text, a number, a truth value or null",
                found: node.kind_name(),
            });
        }
    }];
    if let (Kind::Int(number), [Stage::Number(_)]) = (&node.kind, stages.as_slice())
        && modifiers.iter().all(|modifier| matches!(modifier, Modifier::All | Modifier::NotEqual))
    {
        // Beyond 2^53 a float would lose digits that the text still has.
        return Ok(vec![Test::Text { pattern: Pattern::literal(number.to_string()), cased: false }]);
    }
    for modifier in modifiers {
        let mut next = Vec::with_capacity(stages.len());
        for stage in stages {
            next.extend(step(*modifier, stage, lists)?);
        }
        if next.len() > EXPANSIONS_MAX {
            return Err(RuleError::TooManyValues(modifier.name().to_owned(), EXPANSIONS_MAX));
        }
        stages = next;
    }
    let cased = modifiers.contains(&Modifier::Cased);
    let mut tests = Vec::with_capacity(stages.len());
    for stage in stages {
        tests.extend(finish(stage, cased)?);
    }
    Ok(tests)
}

fn step(modifier: Modifier, stage: Stage, lists: Lists<'_>) -> Result<Vec<Stage>, RuleError> {
    // A number under a text modifier means its digits.
    let stage = match (modifier, stage) {
        (
            Modifier::Contains | Modifier::StartsWith | Modifier::EndsWith | Modifier::Regex | Modifier::Base64Offset,
            Stage::Number(number),
        ) => Stage::Text(Pattern::literal(number.to_string())),
        (_, stage) => stage,
    };
    let one = |stage| Ok(vec![stage]);
    match (modifier, stage) {
        (Modifier::All | Modifier::NotEqual | Modifier::Cased, stage) => one(stage),
        (Modifier::Contains | Modifier::StartsWith | Modifier::EndsWith, Stage::Text(mut pattern)) => {
            if modifier != Modifier::StartsWith {
                pattern.open_start();
            }
            if modifier != Modifier::EndsWith {
                pattern.open_end();
            }
            one(Stage::Text(pattern))
        }
        // A regular expression is searched for anywhere unless it is anchored, so `contains` changes nothing.
        (Modifier::Contains, stage @ Stage::Regex(_)) => one(stage),
        (Modifier::StartsWith, Stage::Regex(spec)) => {
            one(Stage::Regex(RegexSpec { pattern: format!("^(?:{})", spec.pattern), ..spec }))
        }
        (Modifier::EndsWith, Stage::Regex(spec)) => {
            one(Stage::Regex(RegexSpec { pattern: format!("(?:{})$", spec.pattern), ..spec }))
        }
        (Modifier::Contains, Stage::Field { other, .. }) => one(Stage::Field { other, part: FieldPart::Anywhere }),
        (Modifier::StartsWith, Stage::Field { other, .. }) => one(Stage::Field { other, part: FieldPart::Start }),
        (Modifier::EndsWith, Stage::Field { other, .. }) => one(Stage::Field { other, part: FieldPart::End }),
        (Modifier::Utf16(encoding), Stage::Text(pattern)) => one(Stage::Bytes(encoding.encode(literal(&pattern)?))),
        (Modifier::Base64, stage @ (Stage::Text(_) | Stage::Bytes(_))) => {
            one(Stage::Text(Pattern::literal(encode::base64(&bytes(&stage)?))))
        }
        (Modifier::Base64Offset, stage @ (Stage::Text(_) | Stage::Bytes(_))) => {
            let variants = encode::base64_offsets(&bytes(&stage)?);
            Ok(variants.into_iter().map(|variant| Stage::Text(Pattern::literal(variant))).collect())
        }
        (Modifier::WinDash, Stage::Text(pattern)) => match encode::windash(&pattern) {
            Some(variants) => Ok(variants.into_iter().map(Stage::Text).collect()),
            None => Err(RuleError::TooManyValues("windash".to_owned(), 125)),
        },
        (Modifier::Regex, Stage::Text(pattern)) => one(Stage::Regex(RegexSpec {
            pattern: literal(&pattern)?.to_owned(),
            ignore_case: false,
            multi_line: false,
            dot_all: false,
        })),
        (Modifier::IgnoreCase, Stage::Regex(spec)) => one(Stage::Regex(RegexSpec { ignore_case: true, ..spec })),
        (Modifier::MultiLine, Stage::Regex(spec)) => one(Stage::Regex(RegexSpec { multi_line: true, ..spec })),
        (Modifier::DotAll, Stage::Regex(spec)) => one(Stage::Regex(RegexSpec { dot_all: true, ..spec })),
        (Modifier::Cidr, Stage::Text(pattern)) => {
            let text = pattern.to_string();
            let network: Cidr = text.parse().map_err(|_| RuleError::BadCidr(text))?;
            one(Stage::Done(Test::Cidr(network)))
        }
        (Modifier::Exists, Stage::Bool(true)) => one(Stage::Done(Test::Exists)),
        (Modifier::Exists, Stage::Bool(false)) => Ok(Vec::new()),
        (Modifier::Expand, Stage::Text(pattern)) => Ok(expand(&pattern, lists)),
        (Modifier::FieldRef, Stage::Text(pattern)) => {
            one(Stage::Field { other: literal(&pattern)?.to_owned(), part: FieldPart::Whole })
        }
        (Modifier::Compare(op), stage @ (Stage::Number(_) | Stage::Text(_))) => match number(&stage) {
            Some(number) => one(Stage::Done(Test::Compare { op, number })),
            None => Err(refuse(modifier, &stage)),
        },
        (Modifier::Compare(op), Stage::Time { part, number, .. }) => one(Stage::Time { part, op, number }),
        (Modifier::Time(part), Stage::Number(number)) if number.fract() == 0.0 => {
            one(Stage::Time { part, op: CompareOp::Equal, number: number as i64 })
        }
        (Modifier::Time(part), Stage::Done(Test::Compare { op, number })) => {
            one(Stage::Time { part, op, number: number.get() as i64 })
        }
        (_, stage) => Err(refuse(modifier, &stage)),
    }
}

fn refuse(modifier: Modifier, stage: &Stage) -> RuleError {
    RuleError::ModifierValue { modifier: modifier.name().to_owned(), found: stage.describe() }
}

fn number(stage: &Stage) -> Option<Number> {
    match stage {
        Stage::Number(number) => Number::new(*number),
        Stage::Text(pattern) => Number::new(pattern.as_literal()?.parse().ok()?),
        _ => None,
    }
}

/// Returns the text of a pattern that may not have wildcards.
fn literal(pattern: &Pattern) -> Result<&str, RuleError> {
    pattern.as_literal().ok_or_else(|| RuleError::ModifierValue {
        modifier: "encoding".to_owned(),
        found: format!("`{pattern}`, which has wildcards"),
    })
}

fn bytes(stage: &Stage) -> Result<Vec<u8>, RuleError> {
    match stage {
        Stage::Bytes(bytes) => Ok(bytes.clone()),
        Stage::Text(pattern) => Ok(literal(pattern)?.as_bytes().to_vec()),
        other => Err(refuse(Modifier::Base64, other)),
    }
}

impl Encoding {
    fn encode(self, text: &str) -> Vec<u8> {
        let layout = match self {
            Encoding::LittleEndian => Utf16::LittleEndian,
            Encoding::BigEndian => Utf16::BigEndian,
            Encoding::Marked => Utf16::Marked,
        };
        encode::utf16(text, layout)
    }
}

/// Replaces a placeholder by each entry of its list; one that is the whole value and has no list cannot be met.
fn expand(pattern: &Pattern, lists: Lists<'_>) -> Vec<Stage> {
    for (index, part) in pattern.parts().iter().enumerate() {
        let Part::Literal(text) = part else { continue };
        let Some((before, rest)) = text.split_once('%') else { continue };
        let Some((name, after)) = rest.split_once('%') else { continue };
        let Some(entries) = lists(name) else { return vec![Stage::Done(Test::Never)] };
        let with_entry = |entry: String| {
            let mut replaced = Pattern::default();
            for (at, part) in pattern.parts().iter().enumerate() {
                if at == index {
                    replaced.push(Part::Literal(before.to_owned()));
                    Pattern::parse(&entry).parts().iter().for_each(|part| replaced.push(part.clone()));
                    replaced.push(Part::Literal(after.to_owned()));
                } else {
                    replaced.push(part.clone());
                }
            }
            Stage::Text(replaced)
        };
        return entries.into_iter().take(EXPANSIONS_MAX + 1).map(with_entry).collect();
    }
    vec![Stage::Text(pattern.clone())]
}

fn finish(stage: Stage, cased: bool) -> Result<Vec<Test>, RuleError> {
    Ok(match stage {
        Stage::Text(pattern) => vec![Test::Text { pattern, cased }],
        Stage::Bytes(bytes) => {
            let text = String::from_utf8(bytes).map_err(|_| RuleError::ModifierValue {
                modifier: "utf16".to_owned(),
                found: "text that is not text any more once encoded; add `base64offset`".to_owned(),
            })?;
            vec![Test::Text { pattern: Pattern::literal(text), cased }]
        }
        Stage::Number(number) => vec![Test::Text { pattern: Pattern::literal(number.to_string()), cased }],
        Stage::Bool(truth) => vec![Test::Text { pattern: Pattern::literal(truth.to_string()), cased }],
        Stage::Null => vec![Test::Null],
        Stage::Regex(spec) => {
            spec.compile().map_err(|err| RuleError::BadRegex {
                pattern: spec.pattern.clone(),
                reason: err.to_string().lines().last().unwrap_or_default().trim().to_owned(),
            })?;
            vec![Test::Regex(spec)]
        }
        Stage::Field { other, part } => vec![Test::Field { other: other.into(), part, cased }],
        Stage::Time { part, op, number } => vec![Test::Time { part, op, number }],
        Stage::Done(test) => vec![test],
    })
}
