//! The tokens that stand at one place of many lines: written as what they have in common, read one by one.
//!
//! A column has a *head*, small and read by every search, and a *body*, read when the head says that it may matter.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::Ipv4Addr;

use hashbrown::HashMap;

use crate::store::archive::bytes::Input;
use crate::store::archive::bytes::put_planes;
use crate::store::format::varint;

/// Separates texts; no token holds it.
const TEXT_END: u8 = b'\n';
/// More different values are no dictionary.
const DICTIONARY_MAX: usize = 16_384;

mod kind {
    pub(super) const SAME: u8 = 0;
    pub(super) const LIKE: u8 = 1;
    pub(super) const DICTIONARY: u8 = 2;
    pub(super) const NUMBERS: u8 = 3;
    pub(super) const TEXTS: u8 = 4;
}

/// How a number was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// Decimal without zeros before it.
    Decimal,
    /// Decimal with zeros up to this width.
    Padded(u8),
    Address,
    /// Lower-case hexadecimal of this width.
    Hex(u8),
}

impl Format {
    /// Says whether numbers, written out, can hold a piece of text at all.
    pub(super) fn can_hold(self, piece: &str) -> bool {
        piece.bytes().all(|byte| match self {
            Format::Decimal | Format::Padded(_) => byte.is_ascii_digit(),
            Format::Address => byte.is_ascii_digit() || byte == b'.',
            Format::Hex(_) => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
        })
    }
}

/// What all rows have in common.
#[derive(Debug, Clone)]
pub(super) enum Head {
    /// Every row has this token.
    Same(String),
    /// Every row has the token of an earlier column.
    Like(usize),
    Dictionary(Texts),
    Numbers {
        format: Format,
        base: u64,
        are_steps: bool,
    },
    Texts,
}

/// What each row has.
#[derive(Debug, Clone)]
pub(super) enum Body {
    Nothing,
    Numbers(Vec<u64>),
    Texts(Texts),
}

/// Tokens one after the other, each with [`TEXT_END`] behind it: one search looks through all of them.
#[derive(Debug, Clone)]
pub(super) struct Texts {
    text: String,
    /// Where each one ends, with what ends it.
    ends: Vec<u32>,
}

impl Texts {
    fn of<'b>(count: usize, next: &mut dyn FnMut() -> Option<&'b [u8]>) -> Option<Texts> {
        let (mut bytes, mut ends) = (Vec::new(), Vec::with_capacity(count));
        for _ in 0..count {
            bytes.extend_from_slice(next()?);
            bytes.push(TEXT_END);
            ends.push(u32::try_from(bytes.len()).ok()?);
        }
        Some(Texts { text: String::from_utf8(bytes).ok()?, ends })
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(super) fn get(&self, index: usize) -> Option<&str> {
        let start = index.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).map(|end| *end as usize))?;
        self.text.get(start..(*self.ends.get(index)? as usize).checked_sub(1)?)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        let mut start = 0;
        self.ends.iter().map(move |end| {
            let end = *end as usize;
            let here = self.text.get(start..end.saturating_sub(1)).unwrap_or_default();
            start = end;
            here
        })
    }

    /// Says which tokens hold a piece of text without an end in it, and pass a test beside; with `ignores_case` the piece is
    /// lower-case ASCII, and every token that is not ASCII is left to the test.
    pub(super) fn holding(&self, piece: &str, ignores_case: bool, test: &dyn Fn(&str) -> bool) -> Vec<bool> {
        if piece.is_empty() || (ignores_case && !self.text.is_ascii()) {
            return self.iter().map(test).collect();
        }
        let folded = ignores_case.then(|| self.text.to_ascii_lowercase());
        let text = folded.as_deref().unwrap_or(&self.text).as_bytes();
        let mut flags = vec![false; self.ends.len()];
        let finder = memchr::memmem::Finder::new(piece.as_bytes());
        let (mut at, mut index) = (0, 0);
        while let Some(found) = text.get(at..).and_then(|rest| finder.find(rest)) {
            let place = at + found;
            index += self.ends.get(index..).map_or(0, |ends| ends.partition_point(|end| *end as usize <= place));
            let (Some(flag), Some(end)) = (flags.get_mut(index), self.ends.get(index)) else { break };
            *flag = self.get(index).is_some_and(test);
            at = *end as usize;
        }
        flags
    }
}

/// Writes a column of at least one row.
pub(super) fn encode(tokens: &[&str], earlier: &[Vec<&str>], head: &mut Vec<u8>, body: &mut Vec<u8>) {
    let Some(first) = tokens.first() else { return };
    if tokens.iter().all(|token| token == first) {
        head.push(kind::SAME);
        varint::put_bytes(head, first.as_bytes());
        return;
    }
    if let Some(like) = earlier.iter().position(|column| column == tokens) {
        head.push(kind::LIKE);
        varint::put(head, like as u64);
        return;
    }
    let mut values: HashMap<&str, u64> = HashMap::new();
    for token in tokens {
        values.insert(token, 0);
        if values.len() > DICTIONARY_MAX {
            break;
        }
    }
    let format = format_of(tokens);
    let is_dictionary = match format {
        // Numbers near each other take less than a dictionary of them.
        Some(Format::Decimal | Format::Padded(_)) => values.len() <= 64 && values.len() * 8 <= tokens.len(),
        Some(_) => values.len() * 16 <= tokens.len(),
        None => values.len() * 2 <= tokens.len(),
    };
    if is_dictionary && values.len() <= DICTIONARY_MAX {
        encode_dictionary(tokens, values, head, body);
    } else if let Some(format) = format {
        encode_numbers(tokens, format, head, body);
    } else {
        head.push(kind::TEXTS);
        tokens.iter().for_each(|token| {
            body.extend_from_slice(token.as_bytes());
            body.push(TEXT_END);
        });
    }
}

fn encode_dictionary<'t>(
    tokens: &[&'t str],
    mut values: HashMap<&'t str, u64>,
    head: &mut Vec<u8>,
    body: &mut Vec<u8>,
) {
    head.push(kind::DICTIONARY);
    varint::put(head, values.len() as u64);
    let mut sorted: Vec<&str> = values.keys().copied().collect();
    sorted.sort_unstable();
    for (code, value) in (0..).zip(sorted) {
        values.insert(value, code);
        varint::put_bytes(head, value.as_bytes());
    }
    let codes: Vec<u64> = tokens.iter().map(|token| values.get(token).copied().unwrap_or(0)).collect();
    put_planes(body, &codes);
}

fn encode_numbers(tokens: &[&str], format: Format, head: &mut Vec<u8>, body: &mut Vec<u8>) {
    let numbers: Vec<u64> = tokens.iter().map(|token| read(token, format).unwrap_or(0)).collect();
    let base = numbers.iter().copied().min().unwrap_or(0);
    let mut before = base;
    let steps: Vec<u64> = numbers
        .iter()
        .map(|number| {
            let step = number.wrapping_sub(std::mem::replace(&mut before, *number)) as i64;
            ((step << 1) ^ (step >> 63)) as u64
        })
        .collect();
    let offsets: Vec<u64> = numbers.iter().map(|number| number - base).collect();
    let bits = |numbers: &[u64]| numbers.iter().map(|number| u64::from(64 - number.leading_zeros())).sum::<u64>();
    let are_steps = bits(&steps) < bits(&offsets);
    head.push(kind::NUMBERS);
    let (code, width) = match format {
        Format::Decimal => (0, 0),
        Format::Padded(width) => (1, width),
        Format::Address => (2, 0),
        Format::Hex(width) => (3, width),
    };
    head.extend([code, width, u8::from(are_steps)]);
    varint::put(head, base);
    put_planes(body, if are_steps { &steps } else { &offsets });
}

/// Finds how all tokens are written, so that they come back exactly.
fn format_of(tokens: &[&str]) -> Option<Format> {
    let width = tokens.first()?.len();
    let fixed = u8::try_from(width).ok().filter(|_| tokens.iter().all(|token| token.len() == width));
    let formats = [Some(Format::Decimal), fixed.map(Format::Padded), Some(Format::Address), fixed.map(Format::Hex)];
    formats.into_iter().flatten().find(|format| tokens.iter().all(|token| read(token, *format).is_some()))
}

fn read(token: &str, format: Format) -> Option<u64> {
    let is_digits = |most: usize| token.len() <= most && token.bytes().all(|byte| byte.is_ascii_digit());
    match format {
        Format::Decimal => {
            (is_digits(18) && (token.len() == 1 || !token.starts_with('0'))).then(|| token.parse().ok()).flatten()
        }
        Format::Padded(_) => is_digits(18).then(|| token.parse().ok()).flatten(),
        Format::Address => {
            // The standard library takes no zeros before an octet, so that the address is written as it was.
            token.parse::<Ipv4Addr>().ok().map(|address| u64::from(u32::from(address)))
        }
        Format::Hex(_) => {
            let is_hex =
                token.len() <= 16 && token.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
            is_hex.then(|| u64::from_str_radix(token, 16).ok()).flatten()
        }
    }
}

/// Appends a number as it was written.
fn push_number(out: &mut String, number: u64, format: Format) {
    match format {
        Format::Decimal => push_decimal(out, number, 1),
        Format::Padded(width) => push_decimal(out, number, usize::from(width)),
        Format::Address => {
            let [a, b, c, d] = Ipv4Addr::from(number as u32).octets();
            push_decimal(out, u64::from(a), 1);
            for octet in [b, c, d] {
                out.push('.');
                push_decimal(out, u64::from(octet), 1);
            }
        }
        Format::Hex(width) => {
            let written = write!(out, "{number:0width$x}", width = usize::from(width));
            debug_assert!(written.is_ok(), "writing to a String cannot fail");
        }
    }
}

/// Appends a decimal number with zeros before it up to a width: many lines are put together from little else.
fn push_decimal(out: &mut String, mut number: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut count = 0;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
        count += 1;
        if number == 0 {
            break;
        }
    }
    out.extend(std::iter::repeat_n('0', width.saturating_sub(count)));
    let written = digits.get(digits.len() - count..).unwrap_or_default();
    out.push_str(std::str::from_utf8(written).unwrap_or_default());
}

impl Head {
    /// Reads a head; `columns` were read before.
    pub(super) fn decode(input: &mut Input<'_>, columns: usize) -> Option<Head> {
        Some(match input.byte()? {
            kind::SAME => Head::Same(input.text()?),
            kind::LIKE => Head::Like(input.size().filter(|like| *like < columns)?),
            kind::DICTIONARY => {
                let count = input.size().filter(|count| *count <= DICTIONARY_MAX)?;
                Head::Dictionary(Texts::of(count, &mut || input.bytes())?)
            }
            kind::NUMBERS => {
                let (code, width, are_steps) = (input.byte()?, input.byte()?, input.byte()? != 0);
                let format = match code {
                    0 => Format::Decimal,
                    1 => Format::Padded(width),
                    2 => Format::Address,
                    3 => Format::Hex(width),
                    _ => return None,
                };
                Head::Numbers { format, base: input.number()?, are_steps }
            }
            kind::TEXTS => Head::Texts,
            _ => return None,
        })
    }

    /// Steps over a head without making anything of it; says whether a body belongs to it.
    pub(super) fn skip(input: &mut Input<'_>) -> Option<bool> {
        let packed = input.rest();
        match input.byte()? {
            kind::SAME => drop(input.bytes()?),
            kind::LIKE => drop(input.number()?),
            kind::DICTIONARY => {
                for _ in 0..input.size().filter(|count| *count <= DICTIONARY_MAX)? {
                    input.bytes()?;
                }
            }
            kind::NUMBERS => {
                input.take(3)?;
                input.number()?;
            }
            kind::TEXTS => {}
            _ => return None,
        }
        Some(Head::has_body(packed))
    }

    /// Says whether a body belongs to a head, as it is written.
    pub(super) fn has_body(packed: &[u8]) -> bool {
        packed.first().is_some_and(|kind| !matches!(*kind, kind::SAME | kind::LIKE))
    }

    /// Says whether a head, as it is written, is that of a column like an earlier one.
    pub(super) fn is_like(packed: &[u8]) -> bool {
        packed.first() == Some(&kind::LIKE)
    }

    /// Looks at a head as it is written: `false` when no token of its rows can hold a piece of text; it says nothing of heads that
    /// are like an earlier one. With `ignores_case` the piece is in lower case.
    pub(super) fn may_hold(packed: &[u8], piece: &str, ignores_case: bool) -> bool {
        let Some((kind::SAME | kind::DICTIONARY, values)) = packed.split_first().map(|(kind, rest)| (*kind, rest))
        else {
            return true;
        };
        match ignores_case {
            false => memchr::memmem::find(values, piece.as_bytes()).is_some(),
            // Letters beyond ASCII may be the same as one within, case aside.
            true if !piece.is_ascii() || !values.is_ascii() => true,
            true => memchr::memmem::find(&values.to_ascii_lowercase(), piece.as_bytes()).is_some(),
        }
    }

    /// Reads the body that belongs to it.
    pub(super) fn decode_body(&self, input: &mut Input<'_>, rows: usize) -> Option<Body> {
        match self {
            Head::Same(_) | Head::Like(_) => Some(Body::Nothing),
            Head::Dictionary(values) => {
                let codes = input.planes(rows)?;
                codes.iter().all(|code| *code < values.len() as u64).then_some(Body::Numbers(codes))
            }
            Head::Numbers { base, are_steps, .. } => {
                let mut numbers = input.planes(rows)?;
                let mut before = *base;
                for number in &mut numbers {
                    *number = if *are_steps {
                        before.wrapping_add(((*number >> 1) as i64 ^ -((*number & 1) as i64)) as u64)
                    } else {
                        base.wrapping_add(*number)
                    };
                    before = *number;
                }
                Some(Body::Numbers(numbers))
            }
            Head::Texts => {
                let rest = input.rest();
                let ends = memchr::memchr_iter(TEXT_END, rest).take(rows).map(|at| u32::try_from(at + 1).ok());
                let ends = ends.collect::<Option<Vec<u32>>>().filter(|ends| ends.len() == rows)?;
                let length = ends.last().map_or(0, |end| *end as usize);
                let text = std::str::from_utf8(input.take(length)?).ok()?.to_owned();
                Some(Body::Texts(Texts { text, ends }))
            }
        }
    }

    /// Appends the token of a row; `None` when the body is not this head's.
    pub(super) fn push_token(&self, body: &Body, row: usize, out: &mut String) -> Option<()> {
        match (self, body) {
            (Head::Numbers { format, .. }, Body::Numbers(numbers)) => push_number(out, *numbers.get(row)?, *format),
            _ => out.push_str(&self.token(body, row)?),
        }
        Some(())
    }

    /// Returns the token of a row; `None` when the body is not this head's.
    pub(super) fn token<'c>(&'c self, body: &'c Body, row: usize) -> Option<Cow<'c, str>> {
        match (self, body) {
            (Head::Same(token), _) => Some(Cow::Borrowed(token)),
            (Head::Dictionary(values), Body::Numbers(codes)) => {
                values.get(usize::try_from(*codes.get(row)?).ok()?).map(Cow::Borrowed)
            }
            (Head::Numbers { format, .. }, Body::Numbers(numbers)) => {
                let mut text = String::new();
                push_number(&mut text, *numbers.get(row)?, *format);
                Some(Cow::Owned(text))
            }
            (Head::Texts, Body::Texts(texts)) => texts.get(row).map(Cow::Borrowed),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn back(tokens: &[&str]) -> Vec<String> {
        let (mut head, mut body) = (Vec::new(), Vec::new());
        encode(tokens, &[], &mut head, &mut body);
        let head = Head::decode(&mut Input::new(&head), 0).expect("a head");
        let body = head.decode_body(&mut Input::new(&body), tokens.len()).expect("a body");
        (0..tokens.len()).map(|row| head.token(&body, row).expect("a token").into_owned()).collect()
    }

    #[test]
    fn tokens_come_back_exactly() {
        let table: [&[&str]; 9] = [
            &["7"],
            &["10", "9", "100", "18446744073709551615"],
            &["00", "07", "59"],
            &["0", "01", "1"],
            &["10.0.0.1", "10.0.0.255", "1.2.3.4"],
            &["10.0.0.1", "010.0.0.1"],
            &["00ff", "abcd", "12ef"],
            &["ABCD", "abcd"],
            &["999999999999999999", "0", "999999999999999999", "1"],
        ];
        for tokens in table {
            assert_eq!(back(tokens), tokens);
        }
    }

    proptest! {
        #[test]
        fn any_tokens_come_back(tokens in prop::collection::vec("[0-9a-fA-F.đ+_-]{1,20}|[0-9]{1,4}", 1..80), again in 1..8_usize) {
            let tokens: Vec<&str> = std::iter::repeat_n(&tokens, again).flatten().map(String::as_str).collect();
            prop_assert_eq!(back(&tokens), tokens);
        }

        #[test]
        fn foreign_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..60), rows in 0..50_usize) {
            let mut input = Input::new(&bytes);
            if let Some(head) = Head::decode(&mut input, 1) {
                let body = head.decode_body(&mut input, rows).unwrap_or(Body::Nothing);
                (0..rows).for_each(|row| drop(head.token(&body, row)));
            }
        }
    }
}
