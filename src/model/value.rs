//! The value of one field of an event. Text borrows from the raw line wherever it can.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use serde::Serialize;
use serde::Serializer;
use serde::ser::SerializeSeq;

use crate::model::Timestamp;

/// A typed field value. Objects do not occur: they are flattened into dotted names before an event is built.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// Present, but explicitly empty (JSON `null`).
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Ip(IpAddr),
    Time(Timestamp),
    Text(Cow<'a, str>),
    List(Vec<Value<'a>>),
}

impl<'a> Value<'a> {
    /// Returns the text of a textual value, without converting anything.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns a whole number, also from text that is nothing but one.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(number) => Some(*number),
            Value::Float(number) if number.fract() == 0.0 && number.abs() < 9.0e15 => Some(*number as i64),
            Value::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// Returns an address, also from text that is nothing but one.
    pub fn as_ip(&self) -> Option<IpAddr> {
        match self {
            Value::Ip(address) => Some(*address),
            Value::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// Returns the value as the text a person would write; lists are joined by a space.
    pub fn to_text(&self) -> Cow<'_, str> {
        match self {
            Value::Text(text) => Cow::Borrowed(text),
            other => Cow::Owned(other.to_string()),
        }
    }

    /// Copies whatever is borrowed, so that the value outlives its raw line.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Value::Null => Value::Null,
            Value::Bool(truth) => Value::Bool(truth),
            Value::Int(number) => Value::Int(number),
            Value::Float(number) => Value::Float(number),
            Value::Ip(address) => Value::Ip(address),
            Value::Time(time) => Value::Time(time),
            Value::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Value::List(items) => Value::List(items.into_iter().map(Value::into_owned).collect()),
        }
    }

    /// Calls `visit` with the value itself, or with each item of a list.
    pub fn for_each_scalar<'s>(&'s self, mut visit: impl FnMut(&'s Value<'a>)) {
        match self {
            Value::List(items) => items.iter().for_each(visit),
            scalar => visit(scalar),
        }
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Value<'a> {
        Value::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Value::Text(Cow::Owned(text))
    }
}

impl<'a> From<Cow<'a, str>> for Value<'a> {
    fn from(text: Cow<'a, str>) -> Value<'a> {
        Value::Text(text)
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Value::Int(number)
    }
}

impl From<IpAddr> for Value<'_> {
    fn from(address: IpAddr) -> Self {
        Value::Ip(address)
    }
}

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => Ok(()),
            Value::Bool(truth) => write!(f, "{truth}"),
            Value::Int(number) => write!(f, "{number}"),
            Value::Float(number) => write!(f, "{number}"),
            Value::Ip(address) => write!(f, "{address}"),
            Value::Time(time) => write!(f, "{time}"),
            Value::Text(text) => f.write_str(text),
            Value::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    let separator = if index == 0 { "" } else { " " };
                    write!(f, "{separator}{item}")?;
                }
                Ok(())
            }
        }
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(truth) => serializer.serialize_bool(*truth),
            Value::Int(number) => serializer.serialize_i64(*number),
            Value::Float(number) => serializer.serialize_f64(*number),
            Value::Ip(_) | Value::Time(_) => serializer.collect_str(self),
            Value::Text(text) => serializer.serialize_str(text),
            Value::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_converts_only_when_it_is_nothing_else() {
        assert_eq!(Value::from("22").as_int(), Some(22));
        assert_eq!(Value::from("22 ").as_int(), None);
        assert_eq!(Value::from("::1").as_ip(), "::1".parse().ok());
        assert_eq!(Value::from("host").as_ip(), None);
    }

    #[test]
    fn a_value_serializes_as_plain_json() {
        let list = Value::List(vec![Value::from("a"), Value::Int(2), Value::Bool(true), Value::Null]);
        assert_eq!(serde_json::to_string(&list).expect("serializes"), r#"["a",2,true,null]"#);
        assert_eq!(list.to_text(), "a 2 true ");
    }
}
