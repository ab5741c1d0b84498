//! Records of one event of the Linux audit daemon, joined: what each of them says becomes one event.
//!
//! `SYSCALL` says who did it with which program and whether it worked, `EXECVE` with which arguments, `CWD` where, each `PATH`
//! on which file, `PROCTITLE` what the process calls itself. Each record is read by its pack; here they are put together.

use std::borrow::Cow;

use crate::model::Event;
use crate::model::LogSource;
use crate::model::Name;
use crate::model::Value;
use crate::model::ecs;
use crate::parse::pack::read::draft::Draft;

/// How far into a record its number stands.
const FRONT_BYTES: usize = 512;
/// Arguments of one process at most.
const ARGUMENTS_MAX: usize = 500;
const KIND: &str = "auditd.type";
const PATH_KIND: &str = "auditd.nametype";

/// Returns time and serial number of a record, `1773480413.587:2998`.
pub(super) fn event_of(line: &str) -> Option<&str> {
    let front = line.as_bytes().get(..line.len().min(FRONT_BYTES))?;
    let open = memchr::memmem::find(front, b"audit(")? + b"audit(".len();
    let number = line.get(open..)?;
    let number = number.get(..number.bytes().take(48).position(|byte| byte == b')')?)?;
    let is_number =
        number.contains(':') && number.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b':'));
    is_number.then_some(number)
}

/// Says which of the records is the one that the others belong to.
pub(super) fn leader(records: &[Event<'_>]) -> usize {
    records.iter().position(|record| matches!(&*kind_of(record), "SYSCALL" | "1300")).unwrap_or(0)
}

fn kind_of<'e>(record: &'e Event<'_>) -> Cow<'e, str> {
    record.get_by_name(KIND).map_or(Cow::Borrowed(""), Value::to_text)
}

/// Puts all records into the draft, the leader first. Who reads a record says what its fields are; where two say different
/// things of the event's own, the leader is right, and what is the audit daemon's, or a file's, is kept of all.
pub(super) fn put<'a>(draft: &mut Draft<'a>, records: Vec<Event<'a>>) {
    let leader = leader(&records);
    let arguments: Vec<String> = records.iter().flat_map(|record| arguments(record.raw)).take(ARGUMENTS_MAX).collect();
    let file_action = records.iter().find_map(file_action);
    let has_path = records.iter().any(|record| record.get_by_name(PATH_KIND).is_some());
    let mut others = Vec::with_capacity(records.len());
    let mut folders = Vec::new();
    for (place, record) in records.into_iter().enumerate() {
        if place == leader {
            draft.event.logsource = record.logsource;
            for (name, value) in record.fields {
                draft.set(name, value);
            }
        } else if record.get_by_name(PATH_KIND).is_some_and(|kind| kind.to_text() == "PARENT") {
            folders.push(record);
        } else {
            others.push(record);
        }
    }
    others.into_iter().for_each(|record| add(draft, record, false));
    folders.into_iter().for_each(|record| add(draft, record, true));
    let raw = draft.event.raw;
    draft.set(Name::Known(ecs::MESSAGE), Value::from(raw));
    if !arguments.is_empty() {
        put_execution(draft, arguments);
    } else if has_path {
        draft.set(Name::Known(ecs::EVENT_CATEGORY), Value::from("file"));
        draft.set(Name::Known(ecs::EVENT_TYPE), Value::from(file_action.unwrap_or("access")));
    }
    put_absolute_paths(draft);
}

/// Adds what a record says beyond the leader; of a folder only what is the daemon's own.
fn add<'a>(draft: &mut Draft<'a>, record: Event<'a>, is_folder: bool) {
    for (name, value) in record.fields {
        let is_kept_of_all = match &name {
            Name::Known(ecs::FILE_PATH | ecs::FILE_INODE | ecs::FILE_MODE) if is_folder => continue,
            Name::Known(ecs::FILE_PATH | ecs::FILE_INODE | ecs::FILE_MODE) => true,
            Name::Known(_) => false,
            Name::Other(other) => other.starts_with("auditd."),
        };
        let Some((_, have)) = draft.event.fields.iter_mut().find(|(have, _)| *have == name) else {
            draft.set(name, value);
            continue;
        };
        if is_kept_of_all {
            append(have, value);
        }
    }
}

fn append<'a>(have: &mut Value<'a>, value: Value<'a>) {
    match have {
        Value::List(items) if !items.contains(&value) && items.len() < ARGUMENTS_MAX => items.push(value),
        Value::List(_) => {}
        one if *one != value => {
            let first = std::mem::replace(one, Value::from(0));
            *one = Value::List(vec![first, value]);
        }
        _ => {}
    }
}

/// What was done with a file, by what its path was to the call.
fn file_action(record: &Event<'_>) -> Option<&'static str> {
    match &*record.get_by_name(PATH_KIND)?.to_text() {
        "CREATE" => Some("creation"),
        "DELETE" => Some("deletion"),
        _ => None,
    }
}

/// A program was started: its arguments in full, where the process's own title is cut after 128 bytes.
fn put_execution(draft: &mut Draft<'_>, arguments: Vec<String>) {
    draft.set(Name::Known(ecs::EVENT_CATEGORY), Value::from("process"));
    draft.set(Name::Known(ecs::EVENT_TYPE), Value::from("start"));
    draft.set(Name::Known(ecs::EVENT_ACTION), Value::from("executed"));
    draft.set(Name::Known(ecs::PROCESS_COMMAND_LINE), Value::from(arguments.join(" ")));
    draft.set(Name::Known(ecs::PROCESS_ARGS_COUNT), Value::from(arguments.len() as i64));
    draft.set(Name::Known(ecs::PROCESS_ARGS), Value::List(arguments.into_iter().map(Value::from).collect()));
    let mut logsource: LogSource = draft.event.logsource.clone().into_owned();
    if !logsource.category.iter().any(|category| category == "process_creation") {
        logsource.category.push("process_creation".to_owned());
    }
    draft.event.logsource = Cow::Owned(logsource);
}

/// Names that are relative to the working folder are completed, so that one rule finds a file however it was named.
fn put_absolute_paths(draft: &mut Draft<'_>) {
    let text = |value: &Value<'_>| value.as_str().map(str::to_owned);
    let folder = draft.event.get(ecs::PROCESS_WORKING_DIRECTORY).and_then(text);
    let Some(folder) = folder.filter(|folder| folder.starts_with('/')) else { return };
    let Some((_, paths)) = draft.event.fields.iter_mut().find(|(name, _)| *name == Name::Known(ecs::FILE_PATH)) else {
        return;
    };
    let complete = |path: &mut Value<'_>| {
        let name = path.as_str().filter(|name| !name.is_empty() && !name.starts_with('/'));
        let Some(name) = name.map(|name| name.strip_prefix("./").unwrap_or(name)) else { return };
        *path = Value::from(format!("{}/{name}", folder.trim_end_matches('/')));
    };
    match paths {
        Value::List(items) => items.iter_mut().for_each(complete),
        one => complete(one),
    }
}

/// The arguments an `EXECVE` record has, `a0="ls" a1=2D6C a2[0]=…`: text in quotation marks, anything else as hexadecimal digits.
fn arguments(record: &str) -> Vec<String> {
    let Some(at) = record.find("type=EXECVE ").or_else(|| record.find("type=1309 ")) else { return Vec::new() };
    let mut rest = record.get(at..).unwrap_or_default();
    let mut found: Vec<(usize, String)> = Vec::new();
    while let Some(blank) = rest.find(' ') {
        rest = rest.get(blank + 1..).unwrap_or_default();
        let Some((key, after)) = rest.split_once('=') else { break };
        let Some(number) = argument_number(key) else { continue };
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => match quoted.split_once('"') {
                Some((value, after)) => (value.to_owned(), after),
                None => (quoted.to_owned(), ""),
            },
            None => {
                let end = after.find([' ', '\u{1d}']).unwrap_or(after.len());
                let (value, after) = after.split_at(end);
                (decoded(value), after)
            }
        };
        rest = after;
        // A long argument comes in pieces.
        let goes_on = key.contains('[') && found.last().is_some_and(|(last, _)| *last == number);
        if let Some((_, text)) = found.last_mut().filter(|_| goes_on) {
            text.push_str(&value);
        } else if found.len() < ARGUMENTS_MAX {
            found.push((number, value));
        } else {
            break;
        }
    }
    found.into_iter().map(|(_, value)| value).collect()
}

/// `a12` or `a12[3]`, not `argc` nor `a2_len`.
fn argument_number(key: &str) -> Option<usize> {
    let number = key.strip_prefix('a')?;
    let number = number.split_once('[').map_or(number, |(number, _)| number);
    (!number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())).then(|| number.parse().ok()).flatten()
}

/// Text from hexadecimal digits; what is none stays as it is. Control characters are kept: they must not hide an argument.
fn decoded(digits: &str) -> String {
    let is_hex =
        !digits.is_empty() && digits.len().is_multiple_of(2) && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_hex {
        return digits.to_owned();
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).map_or(0, |digit| digit as u8);
    let bytes: Vec<u8> = digits
        .as_bytes()
        .chunks_exact(2)
        .map(|pair| pair.iter().fold(0, |byte: u8, half| byte << 4 | digit(*half)))
        .collect();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read_however_they_are_written() {
        for (record, expected) in [
            (
                r#"type=EXECVE msg=audit(1.5:7): argc=3 a0="cat" a1=2F746D702F6120620A63 a2="/etc/shadow""#,
                &["cat", "/tmp/a b\nc", "/etc/shadow"][..],
            ),
            ("type=EXECVE msg=audit(1.5:7): argc=2 a0=\"sh\" a1_len=8 a1[0]=6162 a1[1]=6364", &["sh", "abcd"]),
            (r#"type=EXECVE msg=audit(1.5:7): argc=1 a0="a a1=x" "#, &["a a1=x"]),
            (r#"type=EXECVE msg=audit(1.5:7): argc=1 a0="open"#, &["open"]),
            ("type=EXECVE msg=audit(1.5:7): argc=1 a0=xyz", &["xyz"]),
            ("type=SYSCALL msg=audit(1.5:7): a0=1 a1=2", &[]),
        ] {
            assert_eq!(arguments(record), expected, "{record}");
        }
    }
}
