//! Access logs in the Common Log Format and what grew around it: combined, a virtual host before, more fields after.
//!
//! Keys are ECS names: `source.address`, `user.name`, `http.request.method`, `url.original`, `http.version`,
//! `http.response.status_code`, `http.response.body.bytes`, `http.request.referrer`, `user_agent.original`, `url.domain`;
//! `timestamp` is the time as written, `rest` whatever follows.

use std::borrow::Cow;
use std::net::IpAddr;

use crate::model::Value;
use crate::parse::structure::Fields;
use crate::parse::structure::NotThis;
use crate::parse::structure::Out;
use crate::parse::structure::hand_out;

/// Reads an access log line.
///
/// # Errors
/// [`NotThis`] when client, time, request and status are not all there.
pub fn read<'a>(body: &'a str, out: &mut Out<'_, 'a>) -> Result<(), NotThis> {
    let mut fields = Fields::new();
    line(body, &mut fields).ok_or(NotThis)?;
    hand_out(fields, out);
    Ok(())
}

fn line<'a>(body: &'a str, fields: &mut Fields<'a>) -> Option<()> {
    let (before, time, left) = time_in_brackets(body)?;
    client(before, fields)?;
    put(fields, "timestamp", time);
    let (request, left) = quoted(left)?;
    request_line(request, fields);
    let (status, left) = word(left);
    let code = status.parse::<i64>().ok().filter(|code| (0..1000).contains(code));
    match code {
        Some(code) => fields.push((Cow::Borrowed("http.response.status_code"), Value::Int(code))),
        None if status == "-" => {}
        None => return None,
    }
    let (bytes, left) = word(left);
    if let Ok(bytes) = bytes.parse::<i64>() {
        fields.push((Cow::Borrowed("http.response.body.bytes"), Value::Int(bytes)));
    }
    let left = referrer_and_agent(left, fields);
    put(fields, "rest", left.trim());
    Some(())
}

/// What stands before `[14/Mar/2026:09:26:53 +0700] "`, the time, and the request with its quotation mark. A name may have
/// brackets of its own, so the first few are looked at.
fn time_in_brackets(body: &str) -> Option<(&str, &str, &str)> {
    let brackets = memchr::memchr_iter(b'[', body.as_bytes()).take(8).take_while(|at| *at < 1024).filter(|at| *at > 4);
    let mut found = brackets.filter_map(|at| {
        let (time, left) = body.get(at + 1..)?.split_once("] ")?;
        let bytes = time.as_bytes();
        let is_time = bytes.len() >= 20 && bytes.get(2) == Some(&b'/') && bytes.get(11) == Some(&b':');
        (is_time && left.starts_with('"')).then_some((body.get(..at)?, time, left))
    });
    found.next()
}

/// `client ident user`, or `vhost client ident user`; lists of forwarded addresses stay one text.
fn client<'a>(before: &'a str, fields: &mut Fields<'a>) -> Option<()> {
    let before = before.trim_end();
    // A name with blanks, which whoever tries a password may choose.
    if let Some((client, name)) = before.split_once(" - ")
        && name.contains(' ')
        && !name.ends_with(" -")
        && client.parse::<IpAddr>().is_ok()
    {
        put(fields, "source.address", client);
        put(fields, "user.name", name);
        return Some(());
    }
    let (front, user) = before.rsplit_once(' ')?;
    let (front, _ident) = front.rsplit_once(' ')?;
    // `vhost client - request-id -`: a dash before the last two is the place of the identity, too.
    let front = front.trim().trim_end_matches(" -");
    if front.is_empty() {
        return None;
    }
    match front.split_once(' ') {
        Some((host, client)) if !client.contains(' ') && !host.ends_with(',') => {
            let domain = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
            put(fields, "url.domain", domain.map_or(host, |(domain, _)| domain));
            put(fields, "source.address", client);
        }
        _ => put(fields, "source.address", front),
    }
    put(fields, "user.name", user);
    Some(())
}

/// Splits `GET /path HTTP/1.1`; what is no request (a TLS hello to a plain port) is the URL as it stands.
fn request_line<'a>(request: &'a str, fields: &mut Fields<'a>) {
    let Some((method, rest)) = request.split_once(' ') else { return put(fields, "url.original", request) };
    if !method.bytes().all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'_' | b'-')) {
        return put(fields, "url.original", request);
    }
    put(fields, "http.request.method", method);
    match rest.rsplit_once(" HTTP/") {
        Some((url, version)) => {
            put(fields, "url.original", url);
            put(fields, "http.version", version);
        }
        None => put(fields, "url.original", rest),
    }
}

fn referrer_and_agent<'a>(left: &'a str, fields: &mut Fields<'a>) -> &'a str {
    let Some((referrer, rest)) = quoted(left.trim_start()) else { return left };
    put(fields, "http.request.referrer", referrer);
    let Some((agent, rest)) = quoted(rest.trim_start()) else { return rest };
    put(fields, "user_agent.original", agent);
    rest
}

/// Adds a text unless it is empty or a dash.
fn put<'a>(fields: &mut Fields<'a>, key: &'static str, text: &'a str) {
    if !text.is_empty() && text != "-" {
        fields.push((Cow::Borrowed(key), Value::from(text)));
    }
}

/// Reads `"…"`; an escaped quote does not end it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('"')?;
    let mut escaped = false;
    let end = inner.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })?;
    Some((inner.get(..end)?, inner.get(end + 1..)?))
}

fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    text.split_once(' ').unwrap_or((text, ""))
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
    fn common_and_combined_lines_are_read() {
        for (body, expected) in [
            (
                r#"10.1.2.3 - an [14/Mar/2026:09:26:53 +0700] "GET /a?b=c HTTP/1.1" 200 512"#,
                "source.address=10.1.2.3; user.name=an; timestamp=14/Mar/2026:09:26:53 +0700; http.request.method=GET; \
                 url.original=/a?b=c; http.version=1.1; http.response.status_code=200; http.response.body.bytes=512",
            ),
            (
                r#"dvc.example.vn:443 2001:db8::7 - - [14/Mar/2026:09:26:53 +0700] "POST /x HTTP/2.0" 302 - "https://a/" "Agent \"x\"" 0.123 -"#,
                "url.domain=dvc.example.vn; source.address=2001:db8::7; timestamp=14/Mar/2026:09:26:53 +0700; \
                 http.request.method=POST; url.original=/x; http.version=2.0; http.response.status_code=302; \
                 http.request.referrer=https://a/; user_agent.original=Agent \\\"x\\\"; rest=0.123 -",
            ),
            (
                r#"10.1.2.3, 172.16.0.9 - - [14/Mar/2026:09:26:53 +0700] "\x16\x03\x01" 400 0"#,
                "source.address=10.1.2.3, 172.16.0.9; timestamp=14/Mar/2026:09:26:53 +0700; url.original=\\x16\\x03\\x01; \
                 http.response.status_code=400; http.response.body.bytes=0",
            ),
        ] {
            assert_eq!(flat(body).as_deref(), Some(expected), "{body}");
        }
    }

    #[test]
    fn a_name_may_hold_blanks_and_brackets() {
        for (name, expected) in
            [("an nguyen", "an nguyen"), ("x from 10.0.0.1", "x from 10.0.0.1"), ("(n) [m]", "(n) [m]")]
        {
            let line = format!(r#"203.0.113.9 - {name} [14/Mar/2026:09:26:53 +0700] "GET / HTTP/1.1" 401 5"#);
            let read = flat(&line).expect("an access log line");
            assert!(
                read.starts_with(&format!("source.address=203.0.113.9; user.name={expected}; timestamp=14/Mar")),
                "{read}"
            );
        }
    }

    #[test]
    fn other_lines_with_brackets_are_refused() {
        for body in [
            "",
            "[x]",
            "host prog[12]: text",
            "10.1.2.3 - - [14/Mar/2026:09:26:53 +0700]",
            r#"10.1.2.3 - - [14/Mar/2026:09:26:53 +0700] "GET / HTTP/1.1" abc"#,
            r#"10.1.2.3 - - [now] "GET / HTTP/1.1" 200 1"#,
        ] {
            assert_eq!(flat(body), None, "{body}");
        }
    }
}
