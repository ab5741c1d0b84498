//! The structured data of RFC 5424 §6.3: `[id name="value" …][id …]`.

use std::borrow::Cow;

use nom::IResult;
use nom::Parser;
use nom::bytes::complete::take_while_m_n;
use nom::character::complete::char;
use nom::combinator::opt;
use nom::sequence::delimited;
use nom::sequence::preceded;

use crate::model::Value;
use crate::parse::structure::NotThis;

/// The field under which the parameters stand, as `log.syslog.structured_data.ID.NAME`.
const PREFIX: &str = "log.syslog.structured_data";
/// More elements than this are not looked at for duplicates; nobody sends as many.
const ELEMENTS_MAX: usize = 64;

/// Reads structured data as it stands in [`crate::parse::header::Header::structured_data`], one call of `out` a parameter.
///
/// # Errors
/// [`NotThis`] when the text is not structured data; nothing was handed out then.
pub fn read<'a>(text: &'a str, out: &mut dyn FnMut(Cow<'a, str>, Value<'a>)) -> Result<(), NotThis> {
    visit(text, &mut |id, name, value| out(Cow::Owned(format!("{PREFIX}.{id}.{name}")), Value::Text(value)))
}

/// Goes through the parameters as (SD-ID, PARAM-NAME, unescaped PARAM-VALUE).
///
/// # Errors
/// [`NotThis`] when the text is not structured data; nothing was handed out then.
pub fn visit<'a>(text: &'a str, out: &mut dyn FnMut(&'a str, &'a str, Cow<'a, str>)) -> Result<(), NotThis> {
    match elements(text) {
        Ok(("", ())) => {}
        _ => return Err(NotThis),
    }
    let mut left = text;
    while let Ok((rest, ())) = element(left, &mut |id, name, value| out(id, name, unescape(value))) {
        left = rest;
    }
    Ok(())
}

/// Reads one element or more, and refuses an id that occurs twice (§6.3.2).
pub(super) fn elements(text: &str) -> IResult<&str, ()> {
    let mut seen: smallvec::SmallVec<[&str; 8]> = smallvec::SmallVec::new();
    let mut left = text;
    loop {
        let (_, id) = preceded(char('['), sd_name).parse(left)?;
        let (rest, ()) = element(left, &mut |_, _, _| {})?;
        if seen.contains(&id) || seen.len() >= ELEMENTS_MAX {
            return Err(nom::Err::Error(nom::error::Error::new(left, nom::error::ErrorKind::Verify)));
        }
        seen.push(id);
        if !rest.starts_with('[') {
            return Ok((rest, ()));
        }
        left = rest;
    }
}

/// `SD-ELEMENT = "[" SD-ID *(SP SD-PARAM) "]"`; values are handed out as they stand.
fn element<'a>(text: &'a str, out: &mut dyn FnMut(&'a str, &'a str, &'a str)) -> IResult<&'a str, ()> {
    let (mut left, id) = preceded(char('['), sd_name).parse(text)?;
    loop {
        let (rest, parameter) = opt(preceded(char(' '), parameter)).parse(left)?;
        let Some((name, value)) = parameter else { break };
        out(id, name, value);
        left = rest;
    }
    let (rest, _) = char(']').parse(left)?;
    Ok((rest, ()))
}

/// `SD-NAME = 1*32PRINTUSASCII` but for `=`, space, `]` and `"`.
fn sd_name(text: &str) -> IResult<&str, &str> {
    take_while_m_n(1, 32, |c: char| ('!'..='~').contains(&c) && !matches!(c, '=' | ']' | '"')).parse(text)
}

fn parameter(text: &str) -> IResult<&str, (&str, &str)> {
    let (text, name) = sd_name(text)?;
    let (text, value) = preceded(char('='), delimited(char('"'), raw_value, char('"'))).parse(text)?;
    Ok((text, (name, value)))
}

/// Reads up to the closing quote; `]` must be escaped (§6.3.3), a backslash before anything else is a plain backslash.
fn raw_value(text: &str) -> IResult<&str, &str> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'"' | b']' | b'\\' if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => {
                let (value, rest) = text.split_at(at);
                return Ok((rest, value));
            }
            b']' => break,
            _ => escaped = false,
        }
    }
    Err(nom::Err::Error(nom::error::Error::new(text, nom::error::ErrorKind::Escaped)))
}

/// Tells whether in every value backslashes escape only what must be escaped: a sender that writes others breaks §6.3.3.
pub(super) fn escapes_are_valid(text: &str) -> bool {
    let mut valid = true;
    let mut left = text;
    while let Ok((rest, ())) = element(left, &mut |_, _, value| valid &= is_escaped_well(value)) {
        left = rest;
    }
    valid
}

fn is_escaped_well(value: &str) -> bool {
    let mut bytes = value.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'\\' && !matches!(bytes.next(), Some(b'"' | b'\\' | b']')) {
            return false;
        }
    }
    true
}

/// Takes away the backslashes that escape; borrows when there are none.
pub(super) fn unescape(value: &str) -> Cow<'_, str> {
    if !value.contains('\\') {
        return Cow::Borrowed(value);
    }
    let mut plain = String::with_capacity(value.len());
    let mut characters = value.chars().peekable();
    while let Some(character) = characters.next() {
        match (character, characters.peek()) {
            ('\\', Some(escaped @ ('"' | '\\' | ']'))) => {
                plain.push(*escaped);
                characters.next();
            }
            (other, _) => plain.push(other),
        }
    }
    Cow::Owned(plain)
}
