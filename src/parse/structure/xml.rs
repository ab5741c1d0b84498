//! Windows events as XML, flattened: `System.EventID`, `System.Channel`, `EventData.TargetUserName`, `RenderingInfo.Message`.
//!
//! A reader of just the XML these events are made of: elements, attributes, text, CDATA, the five entities and character
//! references. No DTD, no namespaces, no processing; depth and fields are bounded.

use std::borrow::Cow;

use crate::model::Value;
use crate::parse::structure::FIELDS_MAX;
use crate::parse::structure::Fields;
use crate::parse::structure::NotThis;
use crate::parse::structure::Out;
use crate::parse::structure::hand_out;

/// Elements nested deeper than this are refused.
const DEPTH_MAX: usize = 8;

/// Reads a body that is one `<Event>` element, possibly after an XML declaration.
///
/// # Errors
/// [`NotThis`] when it is not, or is not well-formed as far as this reader goes.
pub fn read<'a>(body: &'a str, out: &mut Out<'_, 'a>) -> Result<(), NotThis> {
    let mut left = body.trim_start().trim_start_matches('\u{feff}');
    if let Some(declaration) = left.strip_prefix("<?xml") {
        left = declaration.split_once("?>").ok_or(NotThis)?.1.trim_start();
    }
    let after = left.strip_prefix("<Event").ok_or(NotThis)?;
    if !after.starts_with(['>', ' ', '\t', '\r', '\n']) {
        return Err(NotThis);
    }
    let mut reader = Reader { left, fields: Fields::new(), path: Vec::new(), unnamed: 0 };
    reader.document().ok_or(NotThis)?;
    if reader.fields.is_empty() {
        return Err(NotThis);
    }
    hand_out(reader.fields, out);
    Ok(())
}

struct Reader<'a> {
    left: &'a str,
    fields: Fields<'a>,
    /// The open elements and, for `<Data Name="x">`, the name that stands for the element.
    path: Vec<Open<'a>>,
    /// How many `<Data>` without a name were read.
    unnamed: usize,
}

struct Open<'a> {
    element: &'a str,
    name: Option<Cow<'a, str>>,
    has_children: bool,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Option<()> {
        loop {
            let (text, tag) = self.left.split_once('<')?;
            if let Some(data) = tag.strip_prefix("![CDATA[") {
                let (data, rest) = data.split_once("]]>")?;
                self.text(Cow::Borrowed(data));
                self.left = rest;
                continue;
            }
            if let Some(comment) = tag.strip_prefix("!--") {
                self.left = comment.split_once("-->")?.1;
                continue;
            }
            let end = tag_end(tag)?;
            let (inside, rest) = (tag.get(..end)?, tag.get(end + 1..)?);
            self.left = rest;
            if let Some(name) = inside.strip_prefix('/') {
                self.text_before_close(text)?;
                let closed = self.path.pop()?;
                if closed.element != name.trim_end() {
                    return None;
                }
                if self.path.is_empty() {
                    return Some(());
                }
                continue;
            }
            self.open(inside)?;
            if self.path.is_empty() {
                return Some(());
            }
        }
    }

    fn open(&mut self, inside: &'a str) -> Option<()> {
        let (inside, is_empty) = inside.strip_suffix('/').map_or((inside, false), |inside| (inside, true));
        let end = inside.find([' ', '\t', '\r', '\n']).unwrap_or(inside.len());
        let element = inside.get(..end).filter(|name| is_name(name))?;
        let attributes = inside.get(end..)?;
        if self.path.len() >= DEPTH_MAX {
            return None;
        }
        if let Some(parent) = self.path.last_mut() {
            parent.has_children = true;
        }
        let mut open = Open { element, name: None, has_children: false };
        let mut kept: smallvec::SmallVec<[(&str, Cow<'a, str>); 4]> = smallvec::SmallVec::new();
        each_attribute(attributes, |key, value| match (element, key) {
            ("Data" | "ComplexData", "Name") => open.name = Some(value),
            _ if key == "xmlns" || key.starts_with("xmlns:") => {}
            _ => kept.push((key, value)),
        })?;
        self.path.push(open);
        for (key, value) in kept {
            let name = self.name(Some(key));
            self.push(name, value);
        }
        if is_empty {
            self.path.pop();
        }
        Some(())
    }

    /// Takes the text before a closing tag as the value of the element, unless the element has children.
    fn text_before_close(&mut self, text: &'a str) -> Option<()> {
        let open = self.path.last()?;
        if open.has_children && text.trim().is_empty() {
            return Some(());
        }
        let is_data = open.element == "Data";
        if !text.trim().is_empty() || (is_data && open.name.is_some()) {
            let text = if is_data { text } else { text.trim() };
            self.text(unescape(text));
        }
        Some(())
    }

    fn text(&mut self, text: Cow<'a, str>) {
        if self.path.last().is_some_and(|open| open.element == "Data" && open.name.is_none()) {
            self.unnamed += 1;
        }
        let name = self.name(None);
        self.push(name, text);
    }

    /// Joins the open elements but for the outermost; a named `<Data>` is its name, an unnamed one `param` and its number.
    fn name(&self, attribute: Option<&str>) -> String {
        let mut name = String::new();
        for open in self.path.iter().skip(1) {
            if !name.is_empty() {
                name.push('.');
            }
            match &open.name {
                Some(given) => name.push_str(given),
                None if open.element == "Data" => name.push_str(&format!("param{}", self.unnamed)),
                None => name.push_str(open.element),
            }
        }
        if let Some(attribute) = attribute {
            name.push('.');
            name.push_str(attribute);
        }
        name
    }

    fn push(&mut self, name: String, value: Cow<'a, str>) {
        if name.is_empty() || self.fields.len() >= FIELDS_MAX {
            return;
        }
        match self.fields.iter_mut().find(|(have, _)| *have == name) {
            Some((_, Value::List(items))) => items.push(Value::Text(value)),
            Some((_, single)) => {
                let first = std::mem::replace(single, Value::Null);
                *single = Value::List(vec![first, Value::Text(value)]);
            }
            None => self.fields.push((Cow::Owned(name), Value::Text(value))),
        }
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':'))
}

/// Returns where a tag ends: at a `>` outside quotes.
fn tag_end(tag: &str) -> Option<usize> {
    let mut quote = None;
    tag.bytes().position(|byte| match (quote, byte) {
        (None, b'>') => true,
        (None, b'"' | b'\'') => {
            quote = Some(byte);
            false
        }
        (Some(open), _) if open == byte => {
            quote = None;
            false
        }
        _ => false,
    })
}

/// Calls `visit` for each `name="value"`; `None` when the text is anything else.
fn each_attribute<'a>(text: &'a str, mut visit: impl FnMut(&'a str, Cow<'a, str>)) -> Option<()> {
    let mut left = text.trim();
    while !left.is_empty() {
        let (name, after) = left.split_once('=')?;
        let after = after.trim_start();
        let quote = after.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
        let (value, rest) = after.get(1..)?.split_once(quote)?;
        let name = name.trim();
        if !is_name(name) {
            return None;
        }
        visit(name, unescape(value));
        left = rest.trim_start();
    }
    Some(())
}

/// Replaces the five entities and character references; anything else after `&` stays as it is.
fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut left = text;
    while let Some((before, after)) = left.split_once('&') {
        plain.push_str(before);
        let reference = after.split_once(';').filter(|(name, _)| name.len() <= 8);
        match reference.and_then(|(name, rest)| Some((entity(name)?, rest))) {
            Some((character, rest)) => {
                plain.push(character);
                left = rest;
            }
            None => {
                plain.push('&');
                left = after;
            }
        }
    }
    plain.push_str(left);
    Cow::Owned(plain)
}

fn entity(name: &str) -> Option<char> {
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            char::from_u32(code.ok()?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(body: &str) -> Option<String> {
        let mut fields = Vec::new();
        read(body, &mut |key, value| fields.push(format!("{key}={}", value.to_text()))).ok()?;
        Some(fields.join("; "))
    }

    #[test]
    fn an_event_is_flattened() {
        let body = "<Event xmlns='http://x/'><System><Provider Name='P' Guid='{1}'/><EventID Qualifiers='0'>4625</EventID>\
                    <TimeCreated SystemTime='2026-03-14T02:26:53Z'/><Execution ProcessID='7' ThreadID='9'/><Security/></System>\n  \
                    <EventData><Data Name='TargetUserName'>an &lt;x&gt; &#x111;</Data><Data Name='Empty'></Data><Data Name='No'/>\
                    <Data>one</Data><Data>two</Data></EventData></Event>";
        let expected = "System.Provider.Name=P; System.Provider.Guid={1}; System.EventID.Qualifiers=0; System.EventID=4625; \
                        System.TimeCreated.SystemTime=2026-03-14T02:26:53Z; System.Execution.ProcessID=7; \
                        System.Execution.ThreadID=9; EventData.TargetUserName=an <x> đ; EventData.Empty=; \
                        EventData.param1=one; EventData.param2=two";
        assert_eq!(flat(body).as_deref(), Some(expected));
        assert!(flat(&format!("<?xml version=\"1.0\"?>\n{body}")).is_some());
    }

    #[test]
    fn broken_or_other_xml_is_refused() {
        for body in [
            "",
            "<Events><a>1</a></Events>",
            "<Event><a>1</b></Event>",
            "<Event><a>1",
            "<Event></Event>",
            "<Event><a b=1>x</a></Event>",
        ] {
            assert_eq!(flat(body), None, "{body}");
        }
        assert_eq!(flat(&format!("<Event>{}", "<a>".repeat(100_000))), None);
    }
}
