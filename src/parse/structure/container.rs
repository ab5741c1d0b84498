//! The envelopes containers put around a program's output: CRI (containerd, CRI-O) and Docker's json-file.
//!
//! GELF is plain JSON: [`crate::parse::structure::json`] reads it, `short_message`, `host`, `_field` and all.

use std::borrow::Cow;

use crate::model::Value;
use crate::parse::structure::NotThis;
use crate::parse::structure::Out;
use crate::parse::structure::json;

/// Reads `2026-03-14T02:26:53.1Z stdout F text` as `timestamp`, `stream`, `partial` and `message`.
///
/// # Errors
/// [`NotThis`] when the line is not of that form.
pub fn cri<'a>(body: &'a str, out: &mut Out<'_, 'a>) -> Result<(), NotThis> {
    let (timestamp, rest) = body.split_once(' ').ok_or(NotThis)?;
    let (stream, rest) = rest.split_once(' ').ok_or(NotThis)?;
    let (tag, message) = rest.split_once(' ').unwrap_or((rest, ""));
    let is_time = timestamp.len() >= 20 && timestamp.as_bytes().get(10) == Some(&b'T');
    if !is_time || !matches!(stream, "stdout" | "stderr") || !matches!(tag, "F" | "P") {
        return Err(NotThis);
    }
    out(Cow::Borrowed("timestamp"), Value::from(timestamp));
    out(Cow::Borrowed("stream"), Value::from(stream));
    out(Cow::Borrowed("partial"), Value::Bool(tag == "P"));
    out(Cow::Borrowed("message"), Value::from(message));
    Ok(())
}

/// Reads `{"log":"text\n","stream":"stdout","time":"…"}` as `timestamp`, `stream` and `message`; other members stay as they are.
///
/// # Errors
/// [`NotThis`] when the line is not such an object.
pub fn docker<'a>(body: &'a str, out: &mut Out<'_, 'a>) -> Result<(), NotThis> {
    if !body.starts_with('{') || !body.contains("\"log\"") || !body.contains("\"stream\"") || !body.contains("\"time\"")
    {
        return Err(NotThis);
    }
    json::read(body, &mut |key, value| match (&*key, value) {
        ("log", Value::Text(text)) => out(Cow::Borrowed("message"), Value::Text(without_newline(text))),
        ("time", value) => out(Cow::Borrowed("timestamp"), value),
        (_, value) => out(key, value),
    })
}

fn without_newline(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_end_matches(['\n', '\r'])),
        Cow::Owned(mut text) => {
            text.truncate(text.trim_end_matches(['\n', '\r']).len());
            Cow::Owned(text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collect<'a>(read: impl FnOnce(&mut Out<'_, 'a>) -> Result<(), NotThis>) -> Option<String> {
        let mut fields = Vec::new();
        read(&mut |key, value| fields.push(format!("{key}={}", value.to_text()))).ok()?;
        Some(fields.join("; "))
    }

    #[test]
    fn container_lines_are_unwrapped() {
        assert_eq!(
            collect(|out| cri("2026-03-14T02:26:53.1Z stderr F user an: failed", out)).as_deref(),
            Some("timestamp=2026-03-14T02:26:53.1Z; stream=stderr; partial=false; message=user an: failed")
        );
        let line = r#"{"log":"a \"b\"\n","stream":"stdout","time":"2026-03-14T02:26:53Z"}"#;
        assert_eq!(
            collect(|out| docker(line, out)).as_deref(),
            Some("message=a \"b\"; stream=stdout; timestamp=2026-03-14T02:26:53Z")
        );
        assert_eq!(collect(|out| cri("2026-03-14T02:26:53.1Z host F x", out)), None);
        assert_eq!(collect(|out| docker(r#"{"log":"x"}"#, out)), None);
    }
}
