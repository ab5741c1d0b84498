//! What a syslog header says, under its ECS names.

use crate::model::Name;
use crate::model::Value;
use crate::model::ecs;
use crate::model::severity::facility_name;
use crate::parse::header::Header;
use crate::parse::header::structured_data;
use crate::parse::pack::read::draft::Draft;

/// Puts what a syslog header says into the event.
pub(super) fn put<'a>(draft: &mut Draft<'a>, header: &Header<'a>) {
    if let Some((facility, severity)) = header.pri {
        draft.set(
            Name::Known(ecs::LOG_SYSLOG_PRIORITY),
            Value::Int(i64::from(facility) * 8 + i64::from(severity.code())),
        );
        draft.set(Name::Known(ecs::LOG_SYSLOG_FACILITY_CODE), Value::Int(i64::from(facility)));
        if let Some(name) = facility_name(facility) {
            draft.set(Name::Known(ecs::LOG_SYSLOG_FACILITY_NAME), Value::from(name));
        }
        draft.set(Name::Known(ecs::LOG_SYSLOG_SEVERITY_CODE), Value::Int(i64::from(severity.code())));
        draft.set(Name::Known(ecs::LOG_SYSLOG_SEVERITY_NAME), Value::from(severity.as_str()));
    }
    if let Some(time) = header.timestamp {
        draft.set_timestamp(time, header.inferred);
    }
    if let Some(hostname) = header.hostname {
        draft.set(Name::Known(ecs::HOST_HOSTNAME), Value::from(hostname));
        draft.set(Name::Known(ecs::LOG_SYSLOG_HOSTNAME), Value::from(hostname));
    }
    if let Some(app_name) = header.app_name {
        draft.set(Name::Known(ecs::LOG_SYSLOG_APPNAME), Value::from(app_name));
        draft.set(Name::Known(ecs::PROCESS_NAME), Value::from(app_name));
    }
    if let Some(procid) = header.procid {
        draft.set(Name::Known(ecs::LOG_SYSLOG_PROCID), Value::from(procid));
        if let Ok(pid) = procid.parse() {
            draft.set(Name::Known(ecs::PROCESS_PID), Value::Int(pid));
        }
    }
    if let Some(msgid) = header.msgid {
        draft.set(Name::Known(ecs::LOG_SYSLOG_MSGID), Value::from(msgid));
    }
    if let Some(data) = header.structured_data {
        let read = structured_data::read(data, &mut |key, value| draft.set(Name::new(key), value));
        debug_assert!(read.is_ok(), "the header grammar has checked it");
    }
    if let Some(version) = header.version {
        draft.set(Name::Known(ecs::LOG_SYSLOG_VERSION), Value::Int(i64::from(version)));
    }
    if let Some(sequence) = header.sequence.and_then(|sequence| sequence.parse().ok()) {
        draft.set(Name::Known(ecs::EVENT_SEQUENCE), Value::Int(sequence));
    }
}

/// Returns the parameters of the structured data that [`put`] put into the event, without the element's id.
pub(super) fn parameters<'a>(draft: &Draft<'a>) -> Vec<(String, Value<'a>)> {
    let parameter = |(name, value): &(Name<'a>, Value<'a>)| {
        let path = name.as_str().strip_prefix("log.syslog.structured_data.")?;
        let (_, key) = path.rsplit_once('.')?;
        Some((key.to_owned(), value.clone()))
    };
    draft.event.fields.iter().filter_map(parameter).collect()
}
