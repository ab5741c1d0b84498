//! Gives every field of the ECS table a value of its kind.
//!
//! What cannot be one is kept as text beside the field, under its name and `.text` (`source.port.text`), so that nothing
//! is lost and the typed field holds only what can be searched by range and network. A host name in `source.ip` goes to
//! `source.address` instead. A dash, `N/A` and empty text in a typed field are no value, and go.

use std::borrow::Cow;
use std::net::IpAddr;

use unicode_normalization::IsNormalized;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::is_nfc_quick;

use crate::model::Event;
use crate::model::Field;
use crate::model::Name;
use crate::model::Value;
use crate::model::ecs;
use crate::model::ecs::Kind;
use crate::parse::timestamp;
use crate::parse::timestamp::Context;

/// What becomes of a field.
enum Typed<'a> {
    /// It is right as it is.
    Same,
    Value(Value<'a>),
    /// An address and the port that stood after it.
    WithPort(IpAddr, i64),
    /// It is no value of its kind.
    Text,
    /// It is no value at all.
    Nothing,
}

/// Types all fields in place.
pub(super) fn apply(event: &mut Event<'_>, context: Context) {
    let mut place = 0;
    let ascii = if event.raw.is_ascii() { event.raw.as_bytes().as_ptr_range() } else { "".as_bytes().as_ptr_range() };
    while let Some((name, value)) = event.fields.get_mut(place) {
        if !matches!(value, Value::Text(Cow::Borrowed(text)) if ascii.contains(&text.as_ptr())) {
            compose(value);
        }
        place += 1;
        let Name::Known(field) = *name else { continue };
        match typed(field, value, context) {
            Typed::Same => {}
            Typed::Value(right) => *value = right,
            Typed::WithPort(address, port) => {
                *value = Value::Ip(address);
                if let Some(port_field) = port_beside(field) {
                    event.set_default(port_field, Value::Int(port));
                }
            }
            Typed::Text => {
                let beside = name_beside(event, field);
                if let Some((name, _)) = event.fields.get_mut(place - 1) {
                    *name = beside;
                }
            }
            Typed::Nothing => {
                place -= 1;
                event.fields.remove(place);
            }
        }
    }
}

/// Returns the name under which text is kept that is no value of its field's kind.
fn name_beside<'a>(event: &Event<'a>, field: Field) -> Name<'a> {
    match address_beside(field).filter(|address| event.get(*address).is_none()) {
        Some(address) => Name::Known(address),
        None => Name::Other(Cow::Owned(format!("{}.text", field.name()))),
    }
}

fn typed<'a>(field: Field, value: &Value<'a>, context: Context) -> Typed<'a> {
    match (field.kind(), value) {
        (Kind::Keyword | Kind::Text, _) | (_, Value::Null) => Typed::Same,
        (Kind::Ip, Value::Ip(address)) if address.to_canonical() == *address => Typed::Same,
        (Kind::Ip, Value::Ip(address)) => Typed::Value(Value::Ip(address.to_canonical())),
        (Kind::Long, Value::Int(_)) | (Kind::Float, Value::Float(_)) => Typed::Same,
        (Kind::Boolean, Value::Bool(_)) | (Kind::Date, Value::Time(_)) => Typed::Same,
        (kind, Value::List(items)) => list(kind, items, context),
        (kind, Value::Text(text)) => from_text(kind, text.trim(), context),
        (Kind::Long, Value::Float(number)) if number.fract() == 0.0 && number.abs() < 9.0e15 => {
            Typed::Value(Value::Int(*number as i64))
        }
        (Kind::Long, Value::Float(number)) if number.is_finite() => Typed::Value(Value::Int(number.round() as i64)),
        (Kind::Float, Value::Int(number)) => Typed::Value(Value::Float(*number as f64)),
        (Kind::Boolean, Value::Int(number @ (0 | 1))) => Typed::Value(Value::Bool(*number == 1)),
        (Kind::Date, Value::Int(number)) => from_text(Kind::Date, &number.to_string(), context),
        _ => Typed::Text,
    }
}

/// Types the items of a list; those that are no values of the kind go when others are.
fn list<'a>(kind: Kind, items: &[Value<'a>], context: Context) -> Typed<'a> {
    let is_right = |item: &Value<'_>| match kind {
        Kind::Ip => matches!(item, Value::Ip(_)),
        Kind::Long => matches!(item, Value::Int(_)),
        _ => false,
    };
    if items.iter().all(is_right) {
        return Typed::Same;
    }
    let mut right = Vec::with_capacity(items.len());
    for item in items {
        let typed = match item {
            Value::Text(text) => from_text(kind, text.trim(), context),
            item if is_right(item) => Typed::Value(item.clone()),
            _ => Typed::Text,
        };
        match typed {
            Typed::Value(Value::List(more)) => right.extend(more),
            Typed::Value(value) => right.push(value),
            Typed::WithPort(address, _) => right.push(Value::Ip(address)),
            _ => {}
        }
    }
    if right.is_empty() { Typed::Text } else { Typed::Value(Value::List(right)) }
}

fn from_text<'a>(kind: Kind, text: &str, context: Context) -> Typed<'a> {
    if matches!(text, "" | "-" | "N/A" | "n/a" | "None" | "none" | "null" | "(null)" | "?") {
        return Typed::Nothing;
    }
    match kind {
        Kind::Ip => address(text),
        Kind::Long => whole_number(text).map_or(Typed::Text, |number| Typed::Value(Value::Int(number))),
        Kind::Float => match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Typed::Value(Value::Float(number)),
            _ => Typed::Text,
        },
        Kind::Boolean => match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "1" | "on" => Typed::Value(Value::Bool(true)),
            "false" | "no" | "0" | "off" => Typed::Value(Value::Bool(false)),
            _ => Typed::Text,
        },
        Kind::Date => match timestamp::detect_whole(text, context) {
            Some(reading) => Typed::Value(Value::Time(reading.time)),
            None => Typed::Text,
        },
        Kind::Keyword | Kind::Text => Typed::Same,
    }
}

/// Reads an address as devices write it: plain, in brackets, with a zone, a port, or several with commas between.
fn address<'a>(text: &str) -> Typed<'a> {
    if let Some(address) = plain_address(text) {
        return Typed::Value(Value::Ip(address));
    }
    if text.contains(',') {
        let items: Vec<_> = text.split(',').filter_map(|item| plain_address(item.trim())).map(Value::Ip).collect();
        return if items.is_empty() { Typed::Text } else { Typed::Value(Value::List(items)) };
    }
    let with_port =
        text.rsplit_once(':').and_then(|(address, port)| Some((plain_address(address)?, port.parse::<u16>().ok()?)));
    match with_port {
        Some((address, port)) => Typed::WithPort(address, i64::from(port)),
        None => Typed::Text,
    }
}

/// An IPv4 address inside IPv6 is the IPv4 address: two spellings of one address would evade a rule.
pub(super) fn plain_address(text: &str) -> Option<IpAddr> {
    let first = *text.as_bytes().first()?;
    if !(first.is_ascii_hexdigit() || matches!(first, b':' | b'[')) {
        return None;
    }
    let bare = text.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(text);
    let bare = bare.split_once('%').map_or(bare, |(address, _)| address);
    bare.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

fn whole_number(text: &str) -> Option<i64> {
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    if let Some(hex) = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        return i64::from_str_radix(hex, 16).ok();
    }
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite() && number.abs() < 9.0e15)?;
    Some(number.round() as i64)
}

fn port_beside(field: Field) -> Option<Field> {
    Some(match field {
        ecs::SOURCE_IP => ecs::SOURCE_PORT,
        ecs::DESTINATION_IP => ecs::DESTINATION_PORT,
        ecs::CLIENT_IP => ecs::CLIENT_PORT,
        ecs::SERVER_IP => ecs::SERVER_PORT,
        ecs::SOURCE_NAT_IP => ecs::SOURCE_NAT_PORT,
        ecs::DESTINATION_NAT_IP => ecs::DESTINATION_NAT_PORT,
        _ => return None,
    })
}

fn address_beside(field: Field) -> Option<Field> {
    Some(match field {
        ecs::SOURCE_IP => ecs::SOURCE_ADDRESS,
        ecs::DESTINATION_IP => ecs::DESTINATION_ADDRESS,
        ecs::CLIENT_IP => ecs::CLIENT_ADDRESS,
        ecs::SERVER_IP => ecs::SERVER_ADDRESS,
        _ => return None,
    })
}

/// Composes text to NFC, so that one word has one spelling; ASCII is seen at once to need nothing.
fn compose(value: &mut Value<'_>) {
    match value {
        Value::Text(text) if !text.is_ascii() && is_nfc_quick(text.chars()) != IsNormalized::Yes => {
            *text = Cow::Owned(text.nfc().collect());
        }
        Value::List(items) => items.iter_mut().for_each(compose),
        _ => {}
    }
}
