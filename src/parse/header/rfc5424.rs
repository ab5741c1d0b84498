//! RFC 5424, strictly: a line is of this format wholly or not at all.

use nom::IResult;
use nom::Parser;
use nom::branch::alt;
use nom::bytes::complete::tag;
use nom::bytes::complete::take_while_m_n;
use nom::character::complete::char;
use nom::combinator::map_opt;
use nom::combinator::opt;
use nom::combinator::recognize;
use nom::combinator::rest;
use nom::combinator::value;
use nom::combinator::verify;
use nom::sequence::preceded;
use nom::sequence::terminated;

use crate::model::SyslogSeverity;
use crate::model::Timestamp;
use crate::model::time::Civil;
use crate::parse::header::Header;
use crate::parse::header::HeaderFormat;
use crate::parse::header::structured_data;
use crate::parse::timestamp::Inferred;

/// Reads a whole RFC 5424 message; `None` when it deviates from the standard anywhere before MSG.
pub(super) fn read(text: &str) -> Option<Header<'_>> {
    let (_, header) = message(text).ok()?;
    Some(header)
}

/// `SYSLOG-MSG = HEADER SP STRUCTURED-DATA [SP MSG]`, RFC 5424 §6.
fn message(text: &str) -> IResult<&str, Header<'_>> {
    let (text, pri) = pri(text)?;
    let (text, version) = terminated(version, char(' ')).parse(text)?;
    let (text, timestamp) = terminated(timestamp, char(' ')).parse(text)?;
    let (text, hostname) = name::<255>(text)?;
    let (text, app_name) = name::<48>(text)?;
    let (text, procid) = name::<128>(text)?;
    let (text, msgid) = name::<32>(text)?;
    let (text, structured_data) = alt((
        value(None, nil),
        verify(recognize(structured_data::elements), structured_data::escapes_are_valid).map(Some),
    ))
    .parse(text)?;
    let (text, body) = alt((nom::combinator::eof, preceded(char(' '), rest))).parse(text)?;
    // A BOM promises UTF-8 (§6.4); where bytes had to be replaced, the promise was broken.
    if body.starts_with('\u{feff}') && body.contains(char::REPLACEMENT_CHARACTER) {
        return Err(nom::Err::Error(nom::error::Error::new(text, nom::error::ErrorKind::Verify)));
    }
    let header = Header {
        pri: Some((pri >> 3, SyslogSeverity::from_pri(pri))),
        version: Some(version),
        timestamp,
        inferred: Inferred::default(),
        hostname,
        app_name,
        procid,
        msgid,
        structured_data,
        sequence: None,
        format: HeaderFormat::Rfc5424,
        // The BOM says that MSG is UTF-8 (§6.4); it is no part of the text.
        body: body.strip_prefix('\u{feff}').unwrap_or(body),
    };
    Ok((text, header))
}

fn digits<const MIN: usize, const MAX: usize>(text: &str) -> IResult<&str, &str> {
    take_while_m_n(MIN, MAX, |c: char| c.is_ascii_digit()).parse(text)
}

/// `PRI = "<" PRIVAL ">"`, 0 to 191 without leading zeros (§6.2.1).
pub(super) fn pri(text: &str) -> IResult<&str, u8> {
    let number = verify(digits::<1, 3>, |digits: &str| digits == "0" || !digits.starts_with('0'));
    let number = map_opt(number, |digits: &str| digits.parse::<u8>().ok().filter(|pri| *pri <= 191));
    terminated(preceded(char('<'), number), char('>')).parse(text)
}

/// `VERSION = NONZERO-DIGIT 0*2DIGIT`.
fn version(text: &str) -> IResult<&str, u16> {
    let number = verify(digits::<1, 3>, |digits: &str| !digits.starts_with('0'));
    map_opt(number, |digits: &str| digits.parse().ok()).parse(text)
}

/// `-`, but only as a whole field.
fn nil(text: &str) -> IResult<&str, &str> {
    let (after, dash) = tag("-").parse(text)?;
    match after.as_bytes().first() {
        None | Some(b' ') => Ok((after, dash)),
        Some(_) => Err(nom::Err::Error(nom::error::Error::new(text, nom::error::ErrorKind::Tag))),
    }
}

/// `NILVALUE / 1*MAX PRINTUSASCII`, and the space after it.
fn name<const MAX: usize>(text: &str) -> IResult<&str, Option<&str>> {
    let printable = take_while_m_n(1, MAX, |c: char| ('!'..='~').contains(&c));
    terminated(printable, char(' ')).map(|name: &str| (name != "-").then_some(name)).parse(text)
}

/// `NILVALUE / FULL-DATE "T" FULL-TIME` (§6.2.3): upper-case letters, at most six fraction digits, no leap second.
fn timestamp(text: &str) -> IResult<&str, Option<Timestamp>> {
    alt((value(None, nil), map_opt(full_timestamp, |(civil, offset)| civil.to_timestamp(offset)).map(Some))).parse(text)
}

fn number<const DIGITS: usize>(text: &str) -> IResult<&str, u32> {
    map_opt(digits::<DIGITS, DIGITS>, |digits: &str| digits.parse().ok()).parse(text)
}

fn below_sixty(text: &str) -> IResult<&str, u8> {
    map_opt(number::<2>, |number| u8::try_from(number).ok().filter(|number| *number < 60)).parse(text)
}

fn full_timestamp(text: &str) -> IResult<&str, (Civil, i32)> {
    let (text, (year, _, month, _, day, _)) =
        (number::<4>, char('-'), number::<2>, char('-'), number::<2>, char('T')).parse(text)?;
    let (text, (hour, _, minute, _, second)) =
        (number::<2>, char(':'), below_sixty, char(':'), below_sixty).parse(text)?;
    let (text, fraction) = opt(preceded(char('.'), digits::<1, 6>)).parse(text)?;
    let (text, offset) = alt((value(0, char('Z')), offset)).parse(text)?;
    let civil = Civil {
        year: year as i32,
        month: month as u8,
        day: day as u8,
        hour: hour as u8,
        minute,
        second,
        nanos: fraction.map_or(0, nanos),
    };
    Ok((text, (civil, offset)))
}

/// Turns one to six fraction digits into nanoseconds.
fn nanos(fraction: &str) -> u32 {
    fraction.bytes().chain(std::iter::repeat(b'0')).take(9).fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'))
}

/// `TIME-NUMOFFSET = ("+" / "-") TIME-HOUR ":" TIME-MINUTE`.
fn offset(text: &str) -> IResult<&str, i32> {
    let (text, sign) = alt((value(1, char('+')), value(-1, char('-')))).parse(text)?;
    let (text, (hours, _, minutes)) = (verify(number::<2>, |hours| *hours < 24), char(':'), below_sixty).parse(text)?;
    Ok((text, sign * (hours as i32 * 3600 + i32::from(minutes) * 60)))
}
