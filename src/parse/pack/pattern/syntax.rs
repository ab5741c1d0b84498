//! Reads the text of a pattern and expands it into variants.

use crate::model::Name;
use crate::parse::pack::error::PackError;
use crate::parse::pack::pattern::CAPTURES_MAX;
use crate::parse::pack::pattern::Convert;
use crate::parse::pack::pattern::Kind;
use crate::parse::pack::pattern::Piece;
use crate::parse::pack::pattern::Scan;
use crate::parse::pack::pattern::Target;
use crate::parse::pack::pattern::VARIANTS_MAX;
use crate::parse::pack::pattern::Variant;

/// What is wrong with a pattern, and at which byte of its text.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::parse::pack) struct PatternProblem {
    pub(in crate::parse::pack) offset: usize,
    pub(in crate::parse::pack) error: PackError,
}

/// Optional parts and alternatives may stand in each other this deep.
const DEPTH_MAX: usize = 8;

/// Reads a pattern into its variants, most complete first.
pub(in crate::parse::pack) fn parse(text: &str) -> Result<Vec<Variant>, PatternProblem> {
    let mut parser = Parser { text, at: 0 };
    let mut variants = parser.sequence(End::Text, 0)?;
    for variant in &mut variants {
        *variant = merge_literals(std::mem::take(variant));
        check(variant).map_err(|error| PatternProblem { offset: 0, error })?;
    }
    let mut unique: Vec<Variant> = Vec::with_capacity(variants.len());
    for variant in variants {
        if !unique.contains(&variant) {
            unique.push(variant);
        }
    }
    Ok(unique)
}

/// Reads `field:type` or `field,field:type`: what stands in a capture, and on the right of a `[map]` entry.
pub(in crate::parse::pack) fn target(written: &str) -> Result<(Scan, Target), PackError> {
    let (names, kind) = match written.split_once(':') {
        Some((names, kind)) => (names, Some(kind)),
        None => (written, None),
    };
    let names: Vec<&str> = names.split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
    let is_bad = |letter: char| letter.is_whitespace() || letter.is_control() || "{}()|\"'".contains(letter);
    if let Some(bad) = names.iter().find(|name| name.contains(is_bad)) {
        return Err(PackError::BadFieldName { name: (*bad).to_owned() });
    }
    let kind = match (kind, names.first()) {
        (Some(kind), _) => Kind::from_text(kind.trim())?,
        (None, Some(first)) => Kind::of_field(first),
        (None, None) => Kind::from_text("text")?,
    };
    let names = match kind.convert {
        // Three names for each, made here so that none is made for every line.
        Convert::Endpoint => {
            let parts =
                names.into_iter().flat_map(|name| ["ip", "domain", "port"].map(|part| format!("{name}.{part}")));
            parts.map(Name::new).collect()
        }
        _ => names.into_iter().map(|name| Name::new(name.to_owned())).collect(),
    };
    let quoted = kind.scan == Scan::Quoted;
    Ok((kind.scan, Target { names, convert: kind.convert, quoted }))
}

/// What closes the sequence being read.
#[derive(Clone, Copy, PartialEq)]
enum End {
    Text,
    Optional,
    Alternative,
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn problem<T>(&self, offset: usize, error: PackError) -> Result<T, PatternProblem> {
        Err(PatternProblem { offset: offset.min(self.text.len()), error })
    }

    fn eat(&mut self, expected: &str) -> bool {
        let found = self.rest().starts_with(expected);
        if found {
            self.at += expected.len();
        }
        found
    }

    /// Says whether what comes next closes the sequence being read.
    fn closes(&self, end: End, next: char) -> bool {
        match end {
            End::Text => false,
            End::Optional => next == '}',
            End::Alternative => next == '|' || self.rest().starts_with(")}"),
        }
    }

    /// Reads up to the given end, which stays unread, and returns every way through what was read.
    fn sequence(&mut self, end: End, depth: usize) -> Result<Vec<Variant>, PatternProblem> {
        let opened = self.at;
        let mut variants: Vec<Variant> = vec![Vec::new()];
        while let Some(next) = self.rest().chars().next() {
            let here = self.at;
            let choices = if self.eat("{{") {
                vec![literal("{")]
            } else if self.eat("{|}") {
                vec![literal("|")]
            } else if next == '{' {
                self.braces(depth)?
            } else if self.rest().starts_with("}}") && end != End::Optional {
                self.at += 2;
                vec![literal("}")]
            } else if self.closes(end, next) {
                return Ok(variants);
            } else if next == '}' {
                return self.problem(here, PackError::Unopened { column: here + 1 });
            } else {
                self.at += next.len_utf8();
                vec![literal(next.encode_utf8(&mut [0; 4]))]
            };
            variants = combine(variants, &choices);
            if variants.len() > VARIANTS_MAX {
                return self.problem(here, PackError::TooManyVariants { max: VARIANTS_MAX });
            }
        }
        if end == End::Text { Ok(variants) } else { self.problem(opened, PackError::Unclosed { column: opened }) }
    }

    /// Reads one `{…}`.
    fn braces(&mut self, depth: usize) -> Result<Vec<Variant>, PatternProblem> {
        let opened = self.at;
        if depth > DEPTH_MAX {
            return self.problem(opened, PackError::TooManyVariants { max: VARIANTS_MAX });
        }
        if self.eat("{?") {
            let mut choices = self.sequence(End::Optional, depth + 1)?;
            self.at += 1;
            choices.push(Vec::new());
            return Ok(choices);
        }
        if self.eat("{(") {
            let mut choices = Vec::new();
            loop {
                choices.extend(self.sequence(End::Alternative, depth + 1)?);
                if self.eat(")}") {
                    return Ok(choices);
                }
                self.at += 1;
            }
        }
        let rest = self.rest();
        // The words of `{x:(a|b)}` may hold braces of neither kind, so the first closing one ends the capture.
        let Some(length) = rest.find('}') else {
            return self.problem(opened, PackError::Unclosed { column: opened + 1 });
        };
        let inner = rest.get(1..length).unwrap_or_default();
        let inner = if inner == "*" { "" } else { inner };
        let captured = target(inner);
        self.at += length + 1;
        match captured {
            Ok((scan, target)) => Ok(vec![vec![Piece::Capture { scan, target }]]),
            // Another opens before this one is closed: what is missing stands in between.
            Err(PackError::BadFieldName { name }) if name.contains('{') => {
                self.problem(opened, PackError::Unclosed { column: opened + 1 })
            }
            Err(error) => self.problem(opened + 1, error),
        }
    }
}

fn literal(text: &str) -> Variant {
    vec![Piece::Literal(text.to_owned())]
}

fn combine(variants: Vec<Variant>, choices: &[Variant]) -> Vec<Variant> {
    let mut combined = Vec::with_capacity(variants.len() * choices.len());
    for variant in variants {
        for choice in choices {
            combined.push(variant.iter().chain(choice).cloned().collect());
        }
    }
    combined
}

fn merge_literals(variant: Variant) -> Variant {
    let mut merged: Variant = Vec::with_capacity(variant.len());
    for piece in variant {
        match (merged.last_mut(), piece) {
            (Some(Piece::Literal(text)), Piece::Literal(more)) => text.push_str(&more),
            (_, piece) => merged.push(piece),
        }
    }
    merged
}

fn check(variant: &Variant) -> Result<(), PackError> {
    if variant.is_empty() {
        return Err(PackError::EmptyPattern);
    }
    if variant.iter().filter(|piece| matches!(piece, Piece::Capture { .. })).count() > CAPTURES_MAX {
        return Err(PackError::TooManyCaptures { max: CAPTURES_MAX });
    }
    for pair in variant.windows(2) {
        if let [Piece::Capture { scan, target }, Piece::Capture { scan: next, .. }] = pair
            && scan.is_open()
            && *next != Scan::Space
        {
            let kind = Kind { scan: scan.clone(), convert: target.convert.clone() };
            return Err(PackError::NoDelimiter { kind: kind.open_name() });
        }
    }
    Ok(())
}
