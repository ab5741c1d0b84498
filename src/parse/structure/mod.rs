//! A stand-in for the structured grammars until they are merged.

use std::borrow::Cow;
use crate::model::Value;

/// Not this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotThis;

macro_rules! none {
    ($($name:ident),+) => { $(
        /// x
        pub mod $name {
            use super::*;
            /// # Errors
            /// always
            pub fn read<'a>(_body: &'a str, _out: &mut dyn FnMut(Cow<'a, str>, Value<'a>)) -> Result<(), NotThis> { Err(NotThis) }
        } )+ };
}
none!(logfmt, cef, leef, xml);

/// json
pub mod json {
    use super::*;
    /// # Errors
    /// not json
    pub fn read<'a>(body: &'a str, out: &mut dyn FnMut(Cow<'a, str>, Value<'a>)) -> Result<(), NotThis> {
        let value: serde_json::Value = serde_json::from_str(body).map_err(|_| NotThis)?;
        if !value.is_object() { return Err(NotThis); }
        flat(String::new(), value, out);
        Ok(())
    }
    fn flat<'a>(path: String, value: serde_json::Value, out: &mut dyn FnMut(Cow<'a, str>, Value<'a>)) {
        match value {
            serde_json::Value::Object(map) => for (key, value) in map {
                flat(if path.is_empty() { key } else { format!("{path}.{key}") }, value, out);
            },
            serde_json::Value::String(s) => out(path.into(), s.into()),
            serde_json::Value::Number(n) => out(path.into(), n.as_i64().map(Value::Int).unwrap_or(Value::Float(n.as_f64().unwrap_or(0.0)))),
            serde_json::Value::Bool(b) => out(path.into(), Value::Bool(b)),
            serde_json::Value::Null => out(path.into(), Value::Null),
            serde_json::Value::Array(a) => out(path.into(), Value::List(a.into_iter().map(|v| match v { serde_json::Value::String(s) => Value::from(s), o => Value::from(o.to_string()) }).collect())),
        }
    }
}

/// kv
pub mod kv {
    use super::*;
    /// # Errors
    /// not kv
    pub fn read<'a>(body: &'a str, out: &mut dyn FnMut(Cow<'a, str>, Value<'a>)) -> Result<(), NotThis> {
        let mut rest = body.trim_start();
        let mut n = 0;
        while let Some((key, after)) = rest.split_once('=') {
            let key = key.rsplit(' ').next().unwrap_or(key);
            let (value, next) = match after.strip_prefix('"') {
                Some(q) => q.split_once('"').unwrap_or((q, "")),
                None => after.split_once(' ').unwrap_or((after, "")),
            };
            if n == 0 && body.find('=') != Some(key.len()) { return Err(NotThis); }
            out(key.into(), value.into());
            n += 1;
            rest = next;
        }
        if n == 0 { Err(NotThis) } else { Ok(()) }
    }
}
