//! Makes values of captured or named texts and puts them where their targets say.

use std::borrow::Cow;

use crate::model::Name;
use crate::model::Timestamp;
use crate::model::Value;
use crate::model::ecs;
use crate::parse::pack::pattern::Convert;
use crate::parse::pack::pattern::Target;
use crate::parse::pack::read::draft::Draft;
use crate::parse::pack::set::compiled::Pack;
use crate::parse::pack::set::compiled::lend_name;
use crate::parse::pack::set::compiled::lend_value;
use crate::parse::pack::tree::Scalar;
use crate::parse::timestamp;
use crate::parse::timestamp::Inferred;

/// Puts a text where its target says; a text that means "nothing" sets nothing.
pub(in crate::parse::pack) fn put_text<'a>(
    draft: &mut Draft<'a>,
    pack: &'a Pack,
    target: &'a Target,
    text: Cow<'a, str>,
    scalar: Scalar,
) {
    if target.names.is_empty() && target.convert != Convert::Request || pack.means_absent(&text) {
        return;
    }
    let scalar = match (&target.convert, scalar) {
        // A text that was not scanned as a time may still be one.
        (Convert::Time(_), Scalar::None) => {
            time_of(draft, &target.convert, &text).map_or(Scalar::None, |(time, inferred)| Scalar::Time(time, inferred))
        }
        (_, scalar) => scalar,
    };
    match (&target.convert, scalar) {
        (Convert::Time(_), Scalar::Time(time, inferred)) => {
            for name in &target.names {
                if *name == Name::Known(ecs::TIMESTAMP) {
                    draft.set_timestamp(time, inferred);
                } else {
                    draft.set(lend_name(name), Value::Time(time));
                }
            }
        }
        (Convert::Endpoint, _) => put_endpoint(draft, &target.names, text),
        (Convert::Request, _) => put_request(draft, text),
        (convert, scalar) => {
            let value = match scalar {
                Scalar::Int(number) if *convert == Convert::Int => Value::Int(number),
                Scalar::Ip(address) => Value::Ip(address),
                _ => value_of(draft, convert, text),
            };
            put_values(draft, pack, target, value);
        }
    }
}

/// Puts a value that is typed already, as JSON has them; texts are converted first.
pub(in crate::parse::pack) fn put<'a>(draft: &mut Draft<'a>, pack: &'a Pack, target: &'a Target, value: Value<'a>) {
    match value {
        Value::Text(text) => put_text(draft, pack, target, text, Scalar::None),
        Value::Null => {}
        Value::List(mut items) if items.len() == 1 => put(draft, pack, target, items.pop().unwrap_or(Value::Null)),
        Value::List(items) => {
            let convert = |item| match item {
                Value::Text(text) => value_of(draft, &target.convert, text),
                other => other,
            };
            let items: Vec<Value<'a>> = items.into_iter().map(convert).collect();
            if !items.is_empty() {
                put_values(draft, pack, target, Value::List(items));
            }
        }
        Value::Int(number) if matches!(target.convert, Convert::Time(_)) => {
            put_values(draft, pack, target, Value::Time(epoch(number)));
        }
        Value::Float(number) if matches!(target.convert, Convert::Time(_)) => {
            put_values(draft, pack, target, Value::Time(Timestamp((number * 1e9) as i64)));
        }
        other => put_values(draft, pack, target, other),
    }
}

fn put_values<'a>(draft: &mut Draft<'a>, pack: &'a Pack, target: &'a Target, value: Value<'a>) {
    let Some((last, others)) = target.names.split_last() else { return };
    for name in others {
        put_value(draft, pack, name, value.clone());
    }
    put_value(draft, pack, last, value);
}

/// Sets one field, in the words the pack's `[values]` have for it.
pub(in crate::parse::pack) fn put_value<'a>(
    draft: &mut Draft<'a>,
    pack: &'a Pack,
    name: &'a Name<'static>,
    value: Value<'a>,
) {
    let translated = if pack.values.is_empty() { None } else { pack.translate(name, &value.to_text()) };
    draft.set(lend_name(name), translated.map_or(value, lend_value));
}

/// Reads a text as a time in the format of a conversion.
pub(in crate::parse::pack) fn time_of(
    draft: &Draft<'_>,
    convert: &Convert,
    text: &str,
) -> Option<(Timestamp, Inferred)> {
    let reading = match convert {
        Convert::Time(Some(format)) => timestamp::read(text.trim(), format, draft.clock),
        _ => timestamp::detect_whole(text, draft.clock),
    };
    reading.map(|reading| (reading.time, reading.inferred))
}

/// Makes a value of a text; what does not read as the wanted type stays text.
fn value_of<'a>(draft: &Draft<'a>, convert: &Convert, text: Cow<'a, str>) -> Value<'a> {
    let made = match convert {
        Convert::Int => int(&text).map(Value::Int),
        Convert::Float => text.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Float),
        Convert::Bool => truth(&text).map(Value::Bool),
        Convert::Ip => text.trim_matches(['[', ']']).parse().ok().map(Value::Ip),
        Convert::Lower if text.bytes().any(|byte| byte.is_ascii_uppercase()) => Some(text.to_lowercase().into()),
        Convert::Upper if text.bytes().any(|byte| byte.is_ascii_lowercase()) => Some(text.to_uppercase().into()),
        Convert::Unhex => unhex(&text).map(Value::from),
        Convert::List(separator) => {
            let items = text.split(*separator).map(|item| Value::from(item.trim().to_owned()));
            Some(Value::List(items.collect()))
        }
        Convert::Time(_) => time_of(draft, convert, &text).map(|(time, _)| Value::Time(time)),
        _ => None,
    };
    made.unwrap_or(Value::Text(text))
}

fn int(text: &str) -> Option<i64> {
    match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

fn truth(text: &str) -> Option<bool> {
    const WORDS: [(&str, bool); 8] = [
        ("true", true),
        ("yes", true),
        ("1", true),
        ("on", true),
        ("false", false),
        ("no", false),
        ("0", false),
        ("off", false),
    ];
    WORDS.iter().find(|(word, _)| text.eq_ignore_ascii_case(word)).map(|(_, truth)| *truth)
}

/// Reads a count since 1970 by its size: seconds until the year 5138, then milliseconds, and so on.
fn epoch(number: i64) -> Timestamp {
    match number.unsigned_abs() {
        0..100_000_000_000 => Timestamp::from_seconds(number, 0),
        100_000_000_000..100_000_000_000_000 => Timestamp::from_millis(number),
        100_000_000_000_000..100_000_000_000_000_000 => Timestamp(number.saturating_mul(1_000)),
        _ => Timestamp(number),
    }
}

/// Decodes hexadecimal digits into text; NULs separate arguments and become blanks.
fn unhex(text: &str) -> Option<String> {
    if text.len() < 2 || !text.len().is_multiple_of(2) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).map_or(0, |digit| digit as u8);
    let bytes = text.as_bytes().chunks_exact(2).map(|pair| match pair {
        [high, low] => match digit(*high) * 16 + digit(*low) {
            0 => b' ',
            byte => byte,
        },
        _ => b' ',
    });
    let decoded = String::from_utf8(bytes.collect()).ok()?;
    decoded.chars().all(|c| !c.is_control()).then_some(decoded)
}

/// Takes an address and port apart: `10.0.0.1:80`, `[::1]:80`, `host:80`, `10.0.0.1/80`, `10.0.0.1#53`, `inside:10.0.0.1/80`.
fn put_endpoint<'a>(draft: &mut Draft<'a>, names: &'a [Name<'static>], text: Cow<'a, str>) {
    let (host, port) = split_endpoint(&text);
    let host_range = host.map(|host| host.as_ptr().addr() - text.as_ptr().addr()).zip(host.map(str::len));
    for parts in names.chunks_exact(3) {
        let [ip, domain, port_name] = parts else { continue };
        if let Some((start, length)) = host_range.filter(|(_, length)| *length > 0) {
            match text.get(start..start + length).and_then(|host| host.parse().ok()) {
                Some(address) => draft.set(lend_name(ip), Value::Ip(address)),
                None if is_host(&text, start, length) => {
                    draft.set(lend_name(domain), slice(&text, start, start + length));
                }
                None => continue,
            }
        }
        if let Some(port) = port {
            draft.set(lend_name(port_name), Value::Int(port));
        }
    }
}

fn is_host(text: &str, start: usize, length: usize) -> bool {
    let is_host_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_') || byte >= 0x80;
    text.get(start..start + length).is_some_and(|host| host.bytes().all(is_host_byte))
}

fn split_endpoint(text: &str) -> (Option<&str>, Option<i64>) {
    if text.parse::<std::net::IpAddr>().is_ok() {
        return (Some(text), None);
    }
    // `10.0.0.1.80` and `2001:db8::1.80`, as BSD tools write them.
    if let Some((host, port)) = text.rsplit_once('.').filter(|(host, _)| host.parse::<std::net::IpAddr>().is_ok()) {
        return (Some(host), port_number(port));
    }
    if let Some((host, rest)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (Some(host), rest.get(1..).and_then(port_number));
    }
    match text.rsplit_once([':', '/', '#', ',']) {
        Some((host, port)) => match port_number(port) {
            Some(port) => (
                Some(host.rsplit_once(':').filter(|(_, last)| last.contains('.')).map_or(host, |(_, last)| last)),
                Some(port),
            ),
            None => (Some(text), None),
        },
        None => (Some(text), None),
    }
}

fn port_number(text: &str) -> Option<i64> {
    text.parse::<u16>().ok().map(i64::from)
}

/// Cuts a part out of a text, borrowed when the text is.
fn slice<'a>(text: &Cow<'a, str>, start: usize, end: usize) -> Value<'a> {
    match text {
        Cow::Borrowed(text) => Value::from(text.get(start..end).unwrap_or_default()),
        Cow::Owned(text) => Value::from(text.get(start..end).unwrap_or_default().to_owned()),
    }
}

/// Takes a request line apart; what is none is kept whole as `url.original`.
fn put_request<'a>(draft: &mut Draft<'a>, text: Cow<'a, str>) {
    let method = text.bytes().take_while(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_')).count();
    let is_request = (3..=20).contains(&method) && text.as_bytes().get(method) == Some(&b' ');
    if !is_request {
        draft.set(Name::Known(ecs::URL_ORIGINAL), Value::Text(text));
        return;
    }
    let version = text.rfind(" HTTP/").filter(|at| *at >= method);
    let url_end = version.unwrap_or(text.len());
    draft.set(Name::Known(ecs::HTTP_REQUEST_METHOD), slice(&text, 0, method));
    if url_end > method + 1 {
        draft.set(Name::Known(ecs::URL_ORIGINAL), slice(&text, method + 1, url_end));
    }
    if let Some(at) = version {
        draft.set(Name::Known(ecs::HTTP_VERSION), slice(&text, at + 6, text.len()));
    }
}
