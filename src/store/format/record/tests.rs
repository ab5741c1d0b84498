//! Events read back as they were, and damaged records refused.

use std::borrow::Cow;
use std::net::IpAddr;

use super::*;
use crate::model::LogSource;
use crate::model::Name;
use crate::model::Value;
use crate::model::ecs;

const COLUMNS: Columns = Columns { id: EventId(7), timestamp: Timestamp(1), ingested: Timestamp(2) };

fn sample(raw: &str) -> Event<'_> {
    let mut event = Event::new(raw, COLUMNS.timestamp);
    event.id = COLUMNS.id;
    event.ingested = COLUMNS.ingested;
    event.parser = Some("sshd");
    event.failure = Some(ParseFailure::Truncated);
    event.logsource = Cow::Owned(LogSource {
        product: Some("linux".to_owned()),
        service: vec!["sshd".to_owned()],
        category: Vec::new(),
    });
    event.push(ecs::USER_NAME, &raw[0..2]);
    event.push(ecs::EVENT_ACTION, "logon".to_owned());
    event.push(ecs::SOURCE_PORT, i64::MIN);
    event.push(ecs::SOURCE_IP, "::1".parse::<IpAddr>().expect("address"));
    event.push(ecs::SERVER_IP, "1.2.3.4".parse::<IpAddr>().expect("address"));
    event.push(Name::new("x y"), Value::List(vec![Value::Null, Value::List(vec![Value::Bool(true)])]));
    event.push(ecs::EVENT_RISK_SCORE, Value::Float(-1.5));
    event.push(ecs::EVENT_START, Value::Time(Timestamp(i64::MAX)));
    event
}

#[test]
fn an_event_reads_back_as_it_was() {
    let raw = String::from("an đăng nhập");
    let event = sample(&raw);
    let mut record = Vec::new();
    encode(&event, Some(b"\xff\0"), &mut record);
    let stored = decode(&record, COLUMNS).expect("well-formed");
    assert_eq!(stored.exact, Some(&b"\xff\0"[..]));
    assert_eq!(serde_json::to_string(&stored.event).expect("json"), serde_json::to_string(&event).expect("json"));
    assert_eq!(stored.event.logsource, event.logsource);
    assert_eq!(stored.event.fields, event.fields);
    assert_eq!(stored.event.failure, event.failure);
}

#[test]
fn damaged_bytes_are_refused_not_trusted() {
    let raw = String::from("an đăng nhập");
    let mut record = Vec::new();
    encode(&sample(&raw), None, &mut record);
    for length in 0..record.len() {
        assert!(decode(&record[..length], COLUMNS).is_none(), "cut to {length} bytes");
    }
    for index in 0..record.len() {
        for flip in [1, 0x80, 0xff] {
            let mut damaged = record.clone();
            damaged[index] ^= flip;
            // Any outcome but a panic: many a flipped bit is just another event.
            drop(decode(&damaged, COLUMNS));
        }
    }
}

#[test]
fn what_stands_in_the_line_is_not_kept_twice() {
    let raw = String::from("from 203.0.113.77 port 56755 to 203.0.113.77 user chi.le-of-the-long-name");
    let address: IpAddr = "203.0.113.77".parse().expect("address");
    let mut event = Event::new(&raw, COLUMNS.timestamp);
    event.push(ecs::SOURCE_IP, address);
    event.push(ecs::SOURCE_PORT, 56_755);
    event.push(ecs::SOURCE_ADDRESS, "203.0.113.77".to_owned());
    event.push(ecs::USER_NAME, &raw[50..]);
    event.push(ecs::RELATED_IP, Value::List(vec![Value::Ip(address), Value::from("203.0.113.77".to_owned())]));
    event.push(ecs::RELATED_USER, Value::List(vec![Value::from("chi.le-of-the-long-name".to_owned())]));
    event.push(ecs::EVENT_SEVERITY, 5_675);
    event.push(ecs::EVENT_RISK_SCORE, 99_999);
    let mut record = Vec::new();
    encode(&event, None, &mut record);
    let stored = decode(&record, COLUMNS).expect("well-formed");
    assert_eq!(stored.event.fields, event.fields);
    let names: usize = event.fields.iter().map(|(name, _)| name.as_str().len() + 2).sum();
    assert!(record.len() < raw.len() + names + 40, "{} bytes", record.len());
}

/// Encodes a process start whose values are written with escapes; returns the header, too.
fn process_start(person: &str, pid: i64) -> (Vec<u8>, Vec<u8>) {
    let raw = format!(
        r#"{{"image":"C:\\Users\\{person}\\a.exe","line":"\"a.exe\" /n","user":"TINH\\{person}","pid":"{pid}","text":"one\ntwo"}}"#
    );
    let image = format!(r"C:\Users\{person}\a.exe");
    let mut event = Event::new(&raw, COLUMNS.timestamp);
    event.push(ecs::PROCESS_EXECUTABLE, image.clone());
    event.push(ecs::PROCESS_COMMAND_LINE, r#""a.exe" /n"#.to_owned());
    event.push(ecs::USER_NAME, person.to_owned());
    event.push(ecs::PROCESS_PID, pid);
    event.push(ecs::PROCESS_NAME, "a.exe".to_owned());
    event.push(ecs::MESSAGE, "one\ntwo".to_owned());
    event.push(ecs::RELATED_USER, Value::List(vec![Value::from(person.to_owned())]));
    let mut record = Vec::new();
    encode(&event, None, &mut record);
    let mut sources = Vec::new();
    let stored = decode_with_sources(&record, COLUMNS, &mut sources).expect("well-formed");
    assert_eq!(stored.event.fields, event.fields);
    assert!(matches!(sources.first(), Some(Source::EscapedLine(_))), "{sources:?}");
    assert_eq!(sources.get(5), Some(&Source::Elsewhere), "breaks are not as the line has them");
    let (header, _, _) = split(&record).expect("a record");
    (header.to_vec(), record.clone())
}

#[test]
fn lines_that_differ_in_escaped_values_alone_share_their_shape() {
    let (one, _) = process_start("lan.dang", 6_651);
    let (other, _) = process_start("nguyen-thi-ha", 123_456);
    assert_eq!(String::from_utf8_lossy(&one), String::from_utf8_lossy(&other));
}
