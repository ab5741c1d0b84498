//! From lines of one shape to the draft of a pack that reads them: recognition, a pattern with typed captures, samples.
//!
//! Types are guessed from the lines; names are made up, for only a person knows what a number means.

use std::net::IpAddr;

use crate::model::Event;
use crate::model::Timestamp;
use crate::model::Value;
use crate::parse::Hint;
use crate::parse::Packs;
use crate::parse::timestamp;
use crate::parse::timestamp::Context;
use crate::pipeline::shapes::parts;

/// The samples of a pack are read as if received then; other lines might infer another year.
const SAMPLE_RECEIVED: &str = "2026-03-15T00:00:00Z";

/// A draft.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// The text of the pack's file.
    pub text: String,
    /// Of the examples, how many the pack reads.
    pub read: usize,
    /// Of the further lines, how many it reads.
    pub read_of_more: usize,
}

/// Different words at one place up to which they are taken as the choices of the device, not as values.
const CHOICES_MAX: usize = 5;
/// Lines it takes to say so.
const CHOICE_LINES_MIN: usize = 10;

/// One piece of the pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Capture { name: String, kind: String },
}

/// Makes the draft of a pack from lines of one shape: `lines` become its samples, `more` only helps to tell what differs.
/// `None` when there is nothing fixed to know them by.
pub fn draft(name: &str, lines: &[String], more: &[String]) -> Option<Draft> {
    let packs = Packs::builtin();
    let received: jiff::Timestamp = SAMPLE_RECEIVED.parse().ok()?;
    let received = Timestamp::from_seconds(received.as_second(), 0);
    let hint = Hint { received, format: None, zone_offset_seconds: 0 };
    let events: Vec<Event<'_>> = lines.iter().map(|line| packs.parse(line, &hint)).collect();
    let bodies: Vec<(Option<&str>, &str)> = events.iter().map(parts).collect();
    let (program, first) = *bodies.first()?;
    let further: Vec<Event<'_>> = more.iter().map(|line| packs.parse(line, &hint)).collect();
    let further = further.iter().map(parts);
    let others: Vec<&str> =
        bodies.iter().copied().chain(further).filter(|(other, _)| *other == program).map(|(_, body)| body).collect();
    let pieces = pieces_of(name, first, &others, received);
    let head = head(name, program, &pieces)?;
    let names: Vec<&str> = pieces
        .iter()
        .filter_map(|piece| match piece {
            Piece::Capture { name, .. } if name != "@timestamp" => Some(name.as_str()),
            _ => None,
        })
        .collect();
    samples(&head, name, &names, (lines, more), &hint)
}

/// Writes everything but the samples.
fn head(name: &str, program: Option<&str>, pieces: &[Piece]) -> Option<String> {
    let mut text = String::new();
    let mut put = |line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    put("# A draft: give the fields their ECS names, say what the line means, add samples, then");
    put("# `longan parsers check --parsers DIR` and `longan parsers test --parsers DIR`.");
    put(&format!("name = {}", quoted(name)));
    put(&format!("title = {}", quoted(&format!("Draft of {name}"))));
    put("");
    put("[[recognise]]");
    match program {
        Some(program) => put(&format!("app_name = {}", quoted(program))),
        None => {
            let letters: usize = pieces
                .iter()
                .map(|piece| match piece {
                    Piece::Literal(text) => text.chars().filter(|c| c.is_alphabetic()).count(),
                    Piece::Capture { .. } => 0,
                })
                .sum();
            let begins =
                pieces.first().is_none_or(|piece| matches!(piece, Piece::Capture { kind, .. } if kind == "text"));
            if letters < 6 || begins {
                return None;
            }
            put("by_pattern = true");
        }
    }
    put("");
    put("[fields]");
    put(&format!("\"event.module\" = {}", quoted(name)));
    put("");
    put("[[pattern]]");
    let mut pattern = String::new();
    for piece in pieces {
        match piece {
            Piece::Literal(text) => pattern.push_str(&text.replace('{', "{{").replace('}', "}}")),
            Piece::Capture { name, kind } => pattern.push_str(&format!("{{{name}:{kind}}}")),
        }
    }
    put(&format!("text = {}", quoted(pattern.trim_end())));
    put("# fields = { \"event.category\" = \"…\", \"event.action\" = \"…\", \"event.outcome\" = \"…\" }");
    Some(text)
}

/// Adds the lines that the pack reads as samples, with what it reads in them.
fn samples(
    head: &str,
    name: &str,
    names: &[&str],
    (lines, more): (&[String], &[String]),
    hint: &Hint<'_>,
) -> Option<Draft> {
    let folder = tempfile::tempdir().ok()?;
    std::fs::write(folder.path().join(format!("{name}.toml")), head).ok()?;
    let (packs, problems) = Packs::load(Some(folder.path()));
    if !problems.is_empty() {
        return None;
    }
    let is_read = |event: &Event<'_>| event.parser == Some(name) && event.failure.is_none();
    let read_of_more = more.iter().filter(|line| is_read(&packs.parse(line, hint))).count();
    let mut draft = Draft { text: head.to_owned(), read: 0, read_of_more };
    for line in lines {
        let event = packs.parse(line, hint);
        let values: Vec<(&str, &Value<'_>)> =
            names.iter().filter_map(|name| Some((*name, event.get_by_name(name)?))).collect();
        if !is_read(&event) || values.len() < names.len() {
            continue;
        }
        draft.read += 1;
        let expected: Vec<String> =
            values.iter().map(|(name, value)| format!("{} = {}", quoted(name), written(value))).collect();
        let (line, expected) = (quoted(line), expected.join(", "));
        draft.text.push_str(&format!("\n[[sample]]\nline = {line}\nexpect = {{ {expected} }}\n"));
    }
    (draft.read > 0).then_some(draft)
}

fn written(value: &Value<'_>) -> String {
    match value {
        Value::Int(number) => number.to_string(),
        other => quoted(&other.to_text()),
    }
}

/// Writes a text for TOML so that nothing in it can act on a terminal that shows it.
fn quoted(text: &str) -> String {
    let is_plain = text.chars().all(|c| (c.is_ascii() && !c.is_control()) || c.is_alphanumeric());
    if is_plain && !text.contains('\'') {
        return format!("'{text}'");
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if (c.is_ascii() && !c.is_control()) || c.is_alphanumeric() => out.push(c),
            c => out.push_str(&format!("\\U{:08X}", u32::from(c))),
        }
    }
    out.push('"');
    out
}

/// Cuts the first line into what all lines have and what differs.
fn pieces_of(pack: &str, first: &str, others: &[&str], received: Timestamp) -> Vec<Piece> {
    let columns: Vec<Vec<&str>> = others.iter().map(|body| body.split_whitespace().collect()).collect();
    let words: Vec<&str> = first.split_whitespace().collect();
    let alike: Vec<&Vec<&str>> = columns.iter().filter(|column| column.len() == words.len()).collect();
    let mut names = Names::new(pack);
    let mut pieces = Vec::new();
    let mut rest = first;
    let mut place = 0;
    let mut has_time = false;
    while let Some(word) = words.get(place) {
        let at = rest.find(word).unwrap_or(0);
        literal(&mut pieces, &rest[..at]);
        rest = &rest[at..];
        // A date and a time of day are one time.
        let pair = words.get(place + 1).map(|next| format!("{word} {next}"));
        let is_pair = pair.as_ref().is_some_and(|pair| rest.starts_with(pair.as_str()) && is_time(pair, received));
        if !has_time && (is_pair || is_time(word, received)) {
            has_time = true;
            pieces.push(Piece::Capture { name: "@timestamp".to_owned(), kind: "time".to_owned() });
            let length = if is_pair { pair.map_or(0, |pair| pair.len()) } else { word.len() };
            rest = &rest[length..];
            place += if is_pair { 2 } else { 1 };
            continue;
        }
        if let Some((length, phrases)) = choices(&alike, &words, place, rest) {
            let name = names.next("", "choice");
            pieces.push(Piece::Capture { name, kind: format!("({})", phrases.join("|")) });
            let taken = words[place..place + length].join(" ").len();
            rest = &rest[taken..];
            place += length;
            continue;
        }
        let values: Vec<&str> = alike.iter().filter_map(|column| column.get(place).copied()).collect();
        let is_fixed = super::is_fixed(word) && values.iter().all(|value| value == word);
        if is_fixed {
            literal(&mut pieces, word);
        } else {
            capture(&mut pieces, &mut names, word, &values);
        }
        rest = &rest[word.len()..];
        place += 1;
    }
    pieces
}

/// Says how many words from a place on are one of a few phrases, and which: `thành công`, `thất bại`.
fn choices(alike: &[&Vec<&str>], words: &[&str], place: usize, rest: &str) -> Option<(usize, Vec<String>)> {
    let phrases = |length: usize| -> Vec<String> {
        let mut phrases: Vec<String> =
            alike.iter().filter_map(|column| Some(column.get(place..place + length)?.join(" "))).collect();
        phrases.sort_unstable();
        phrases.dedup();
        phrases
    };
    let is_choice = |at: usize| {
        let mut found: Vec<&str> = alike.iter().filter_map(|column| column.get(at).copied()).collect();
        let is_word = found.iter().all(|word| word.chars().all(char::is_alphabetic));
        found.sort_unstable();
        found.dedup();
        is_word && (2..=CHOICES_MAX).contains(&found.len())
    };
    if alike.len() < CHOICE_LINES_MIN || !is_choice(place) {
        return None;
    }
    let mut length = 1;
    // Longer phrases as long as there are no more of them than there may be, and one blank stands between their words.
    while place + length < words.len()
        && is_choice(place + length)
        && phrases(length + 1).len() <= CHOICES_MAX
        && rest.starts_with(&words[place..=place + length].join(" "))
    {
        length += 1;
    }
    Some((length, phrases(length)))
}

fn literal(pieces: &mut Vec<Piece>, text: &str) {
    match pieces.last_mut() {
        _ if text.is_empty() => {}
        Some(Piece::Literal(before)) => before.push_str(text),
        _ => pieces.push(Piece::Literal(text.to_owned())),
    }
}

/// A word that differs: what is fixed at its ends stays literal.
fn capture(pieces: &mut Vec<Piece>, names: &mut Names, word: &str, values: &[&str]) {
    let before = word.rfind('=').map_or(0, |at| at + 1);
    let before =
        if before > 0 { before } else { word.len() - word.trim_start_matches(['(', '[', '<', '"', '\'', '{']).len() };
    let core = &word[before..];
    let core = core.trim_start_matches(['"', '\'', '[', '(']);
    let start = word.len() - core.len();
    let core = core.trim_end_matches([',', ';', '.', ')', ']', '>', '"', '\'', ':', '}']);
    let (head, tail) = (&word[..start], &word[start + core.len()..]);
    let cores: Option<Vec<&str>> = values.iter().map(|value| value.strip_prefix(head)?.strip_suffix(tail)).collect();
    let (head, tail, core, cores) = match cores {
        Some(cores) if !core.is_empty() => (head, tail, core, cores),
        // Not every line has the same ends: all of the word is taken.
        _ => ("", "", word, values.to_vec()),
    };
    literal(pieces, head);
    let key = head.trim_end_matches(['=', '"', '\'', '[', '(']);
    let all: Vec<&str> = cores.into_iter().chain([core]).collect();
    let kind = kind_of(&all);
    let name = names.next(key, kind);
    pieces.push(Piece::Capture { name, kind: kind.to_owned() });
    literal(pieces, tail);
}

fn kind_of(values: &[&str]) -> &'static str {
    let all = |is: fn(&str) -> bool| values.iter().all(|value| is(value));
    if all(|value| value.parse::<IpAddr>().is_ok()) {
        "ip"
    } else if all(|value| value.parse::<i64>().is_ok()) {
        "int"
    } else {
        "word"
    }
}

fn is_time(text: &str, received: Timestamp) -> bool {
    let looks =
        text.len() >= 8 && text.bytes().filter(u8::is_ascii_digit).count() >= 6 && text.contains([':', '-', '/']);
    let context = Context { received, zone_offset_seconds: 0 };
    looks && text.parse::<IpAddr>().is_err() && timestamp::detect_whole(text, context).is_some()
}

/// Names of captures, each once.
struct Names {
    pack: String,
    used: Vec<String>,
}

impl Names {
    fn new(pack: &str) -> Names {
        Names { pack: pack.to_owned(), used: Vec::new() }
    }

    fn next(&mut self, key: &str, kind: &str) -> String {
        let key: String = key.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        let is_good = key.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
        let stem = if is_good { key.to_lowercase() } else { kind.to_owned() };
        let mut name = format!("{}.{stem}", self.pack);
        let mut number = 1;
        while self.used.contains(&name) || (!is_good && number == 1) {
            name = format!("{}.{stem}_{number}", self.pack);
            number += 1;
            if !self.used.contains(&name) {
                break;
            }
        }
        self.used.push(name.clone());
        name
    }
}
