//! The W3C extended log format of IIS and others: `#Fields:` names the columns of the lines after it.
//!
//! A [`Layout`] is the state a reader of a file keeps; without one, lines of the usual IIS layouts are recognised by
//! their number of columns. Keys are the names of the `#Fields` line (`cs-uri-stem`, `c-ip`, …); date and time come as one
//! `timestamp`. A dash is no value; `+` in `cs(User-Agent)` stands for a space and is kept as written.

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::model::Value;
use crate::parse::structure::Fields;
use crate::parse::structure::NotThis;
use crate::parse::structure::Out;
use crate::parse::structure::hand_out;

/// The columns IIS 7 and later writes unless told otherwise: 15 of them.
const IIS_DEFAULT: &str = "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) \
                           cs(Referer) sc-status sc-substatus sc-win32-status time-taken";
/// IIS 6 and 7 without the referer: 14 columns.
const IIS_WITHOUT_REFERER: &str = "date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip \
                                   cs(User-Agent) sc-status sc-substatus sc-win32-status time-taken";
/// IIS with every column chosen: 22.
const IIS_ALL: &str = "date time s-sitename s-computername s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip \
                       cs-version cs(User-Agent) cs(Cookie) cs(Referer) cs-host sc-status sc-substatus sc-win32-status \
                       sc-bytes cs-bytes time-taken";
/// More columns than this are not read.
const COLUMNS_MAX: usize = 64;

/// The columns a `#Fields` line names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout(Box<[Box<str>]>);

impl Layout {
    /// Reads a `#Fields:` line; `None` for every other line.
    pub fn from_directive(line: &str) -> Option<Layout> {
        let names = line.strip_prefix("#Fields:")?;
        let columns: Box<[Box<str>]> = names.split_ascii_whitespace().take(COLUMNS_MAX).map(Box::from).collect();
        (!columns.is_empty()).then_some(Layout(columns))
    }

    /// Reads a line of this layout.
    ///
    /// # Errors
    /// [`NotThis`] when the line has another number of columns, or is a directive.
    pub fn read<'a>(&'a self, body: &'a str, out: &mut Out<'_, 'a>) -> Result<(), NotThis> {
        columns(body, self.0.iter().map(|name| &**name), out)
    }
}

/// Reads a line of one of the usual IIS layouts, told apart by the number of columns.
///
/// # Errors
/// [`NotThis`] when the line begins with no date and time, or its columns are not those of IIS.
pub fn read<'a>(body: &'a str, out: &mut Out<'_, 'a>) -> Result<(), NotThis> {
    let bytes = body.as_bytes();
    let starts_with_time =
        bytes.len() > 20 && bytes.get(4) == Some(&b'-') && bytes.get(10) == Some(&b' ') && bytes.get(13) == Some(&b':');
    if !starts_with_time {
        return Err(NotThis);
    }
    let layout = match body.trim_end().split(' ').count() {
        15 => IIS_DEFAULT,
        14 => IIS_WITHOUT_REFERER,
        22 => IIS_ALL,
        _ => return Err(NotThis),
    };
    let method = layout.split_ascii_whitespace().position(|name| name == "cs-method").unwrap_or(3);
    let is_method = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-');
    if !body.split(' ').nth(method).is_some_and(is_method) {
        return Err(NotThis);
    }
    columns(body, layout.split_ascii_whitespace(), out)
}

fn columns<'a>(body: &'a str, names: impl Iterator<Item = &'a str>, out: &mut Out<'_, 'a>) -> Result<(), NotThis> {
    let body = body.trim_end();
    if body.starts_with('#') {
        return Err(NotThis);
    }
    let separator = if body.contains('\t') { '\t' } else { ' ' };
    let values: SmallVec<[&str; 32]> = body.split(separator).collect();
    let names: SmallVec<[&str; 32]> = names.collect();
    if names.len() != values.len() {
        return Err(NotThis);
    }
    let mut fields = Fields::new();
    let mut pairs = names.into_iter().zip(values).peekable();
    while let Some((name, value)) = pairs.next() {
        let joined = match (name, pairs.peek()) {
            ("date", Some(("time", _))) => pairs.next().map(|(_, time)| value.len() + 1 + time.len()),
            _ => None,
        };
        // Date and time stand side by side, so their text does not have to be put together.
        match joined.and_then(|length| body.get(..length)).filter(|text| text.starts_with(value)) {
            Some(timestamp) => fields.push((Cow::Borrowed("timestamp"), Value::from(timestamp))),
            None if value == "-" || value.is_empty() => {}
            None => fields.push((Cow::Borrowed(name), Value::from(value))),
        }
    }
    hand_out(fields, out);
    Ok(())
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
    fn a_fields_line_names_the_columns() {
        let layout = Layout::from_directive("#Fields: date time c-ip cs-uri-stem sc-status").expect("a directive");
        let line = "2026-03-14 02:26:53 10.1.2.3 /a - ".trim_end();
        assert_eq!(
            collect(|out| layout.read(line, out)).as_deref(),
            Some("timestamp=2026-03-14 02:26:53; c-ip=10.1.2.3; cs-uri-stem=/a")
        );
        assert_eq!(collect(|out| layout.read("2026-03-14 02:26:53 10.1.2.3", out)), None);
        assert_eq!(collect(|out| layout.read("#Date: x y z w", out)), None);
        assert_eq!(Layout::from_directive("#Version: 1.0"), None);
    }

    #[test]
    fn the_usual_iis_layout_needs_no_fields_line() {
        let line =
            "2026-03-14 02:26:53 10.9.0.2 POST /login.aspx - 443 - 10.1.2.3 Mozilla/5.0+(X11) https://a/ 401 0 0 15";
        let read = collect(|out| read(line, out)).expect("IIS");
        assert!(read.starts_with("timestamp=2026-03-14 02:26:53; s-ip=10.9.0.2; cs-method=POST; "), "{read}");
        assert!(read.ends_with("sc-status=401; sc-substatus=0; sc-win32-status=0; time-taken=15"), "{read}");
        let text = "2026-03-14 02:26:53 this is just a line with exactly fifteen words in it now ok";
        assert_eq!(collect(|out| super::read(text, out)), None);
    }
}
