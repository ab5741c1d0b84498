//! Words of closed vocabularies: outcomes, directions, transports, methods, levels. What is not known stays as it is.

use std::borrow::Cow;

use crate::model::Field;
use crate::model::Value;
use crate::model::ecs;
use crate::normalize::view::View;

const SUCCESS: [&str; 17] = [
    "success",
    "succeeded",
    "successful",
    "successfully",
    "ok",
    "pass",
    "passed",
    "true",
    "yes",
    "allow",
    "allowed",
    "accept",
    "accepted",
    "permit",
    "permitted",
    "granted",
    "1",
];
const FAILURE: [&str; 24] = [
    "failure",
    "failed",
    "fail",
    "failing",
    "error",
    "deny",
    "denied",
    "reject",
    "rejected",
    "block",
    "blocked",
    "drop",
    "dropped",
    "refused",
    "invalid",
    "false",
    "no",
    "unsuccessful",
    "timeout",
    "forbidden",
    "unauthorized",
    "failures",
    "bad",
    "0",
];
const INBOUND: [&str; 5] = ["inbound", "in", "incoming", "input", "received"];
const OUTBOUND: [&str; 5] = ["outbound", "out", "outgoing", "output", "sent"];
const INTERNAL: [&str; 3] = ["internal", "local", "lan"];

/// Transports by their IANA protocol number.
const TRANSPORTS: [(&str, &str); 14] = [
    ("0", "hopopt"),
    ("1", "icmp"),
    ("2", "igmp"),
    ("4", "ipip"),
    ("6", "tcp"),
    ("17", "udp"),
    ("41", "ipv6"),
    ("47", "gre"),
    ("50", "esp"),
    ("51", "ah"),
    ("58", "ipv6-icmp"),
    ("88", "eigrp"),
    ("89", "ospf"),
    ("132", "sctp"),
];

/// Brings the words of an event into the forms ECS gives them.
pub(super) fn apply(view: &mut View<'_, '_>) {
    replace(view, ecs::EVENT_OUTCOME, &[("success", &SUCCESS), ("failure", &FAILURE)]);
    replace(view, ecs::NETWORK_DIRECTION, &[("inbound", &INBOUND), ("outbound", &OUTBOUND), ("internal", &INTERNAL)]);
    transport(view);
    lower(view, ecs::NETWORK_PROTOCOL);
    lower(view, ecs::LOG_LEVEL);
    upper(view, ecs::HTTP_REQUEST_METHOD);
    view.fill(ecs::EVENT_KIND, Value::from("event"));
    level(view);
}

fn replace(view: &mut View<'_, '_>, field: Field, vocabulary: &[(&'static str, &[&str])]) {
    let known = match view.get(field) {
        // Most packs say it in the right words.
        Some(Value::Text(text)) if vocabulary.iter().any(|(word, _)| *word == text) => None,
        Some(Value::Text(text)) => {
            let of = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(text));
            vocabulary.iter().find(|(word, words)| of(words) && *word != text).map(|(word, _)| *word)
        }
        Some(Value::Bool(true)) if field == ecs::EVENT_OUTCOME => Some("success"),
        Some(Value::Bool(false)) if field == ecs::EVENT_OUTCOME => Some("failure"),
        _ => None,
    };
    if let Some(word) = known {
        view.set(field, Value::from(word));
    }
}

fn transport(view: &mut View<'_, '_>) {
    let number = match view.get(ecs::NETWORK_TRANSPORT) {
        Some(Value::Int(number)) => *number,
        Some(Value::Text(text)) => match text.parse() {
            Ok(number) => number,
            Err(_) => return lower(view, ecs::NETWORK_TRANSPORT),
        },
        None => match view.get(ecs::NETWORK_IANA_NUMBER).and_then(Value::as_int) {
            Some(number) => number,
            None => return,
        },
        _ => return,
    };
    let known = TRANSPORTS.iter().find(|(code, _)| code.parse() == Ok(number));
    if let Some((code, name)) = known {
        view.set(ecs::NETWORK_TRANSPORT, Value::from(*name));
        view.fill(ecs::NETWORK_IANA_NUMBER, Value::from(*code));
    }
}

fn lower(view: &mut View<'_, '_>, field: Field) {
    if let Some(text) = view.text(field).filter(|text| text.bytes().any(|byte| byte.is_ascii_uppercase())) {
        let lower = text.to_ascii_lowercase();
        view.set(field, Value::Text(Cow::Owned(lower)));
    }
}

fn upper(view: &mut View<'_, '_>, field: Field) {
    if let Some(text) = view.text(field).filter(|text| text.bytes().any(|byte| byte.is_ascii_lowercase())) {
        let upper = text.to_ascii_uppercase();
        view.set(field, Value::Text(Cow::Owned(upper)));
    }
}

/// The level of a line that names none itself is that of its syslog header.
fn level(view: &mut View<'_, '_>) {
    if view.has(ecs::LOG_LEVEL) {
        return;
    }
    let name = match view.get(ecs::LOG_SYSLOG_SEVERITY_CODE) {
        Some(Value::Int(0)) => "emergency",
        Some(Value::Int(1)) => "alert",
        Some(Value::Int(2)) => "critical",
        Some(Value::Int(3)) => "error",
        Some(Value::Int(4)) => "warning",
        Some(Value::Int(5)) => "notice",
        Some(Value::Int(6)) => "info",
        Some(Value::Int(7)) => "debug",
        _ => return,
    };
    view.set(ecs::LOG_LEVEL, Value::from(name));
}
