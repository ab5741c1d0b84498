//! Windows events as JSON or XML, whatever shipped them, into ECS and `winlog.*`, with the Sigma log source.
//!
//! `winlog.event_data.NAME` keeps every member of the event's data as it came; what has an ECS name stands there as well.

mod action;
mod fields;
mod keys;
pub mod logsource;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use crate::model::Event;
use crate::model::Name;
use crate::model::Value;
use crate::model::ecs;
use crate::parse::structure::NotThis;
use crate::parse::structure::json;
use crate::parse::structure::xml;
use crate::parse::timestamp;
use crate::parse::timestamp::Context;
use crate::parse::windows::keys::Key;

/// The keys and values of a record, in order.
type Pairs<'a> = Vec<(Cow<'a, str>, Value<'a>)>;

/// The name under which an event of this kind is known as read.
pub const PARSER: &str = "windows";

/// Reads a body that is a Windows event and fills the event; false, with the event untouched, when it is none.
///
/// Times without a zone are taken to be at `zone_offset_seconds` east of UTC.
pub fn read<'a>(body: &'a str, event: &mut Event<'a>, zone_offset_seconds: i32) -> bool {
    let mut pairs: Pairs<'a> = Vec::new();
    let mut collect = |key, value| pairs.push((key, value));
    let read: Result<(), NotThis> = match body.trim_start().as_bytes().first() {
        Some(b'{') => json::read(body, &mut collect),
        Some(b'<') => xml::read(body, &mut collect),
        _ => return false,
    };
    read.is_ok() && from_pairs(pairs, event, zone_offset_seconds).is_ok()
}

/// Fills the event from keys and values already read.
///
/// # Errors
/// The keys and values, with the event untouched, when they are no Windows event.
pub fn from_pairs<'a>(
    pairs: Vec<(Cow<'a, str>, Value<'a>)>,
    event: &mut Event<'a>,
    zone_offset_seconds: i32,
) -> Result<(), Vec<(Cow<'a, str>, Value<'a>)>> {
    let Some(identity) = Identity::find(&pairs) else { return Err(pairs) };
    let context = Context { received: event.ingested, zone_offset_seconds };
    let mut data: Vec<(Cow<'a, str>, Value<'a>)> = Vec::new();
    for (key, value) in pairs {
        if matches!(value, Value::Null) {
            continue;
        }
        if &*key == "ProviderName" && value.as_str() != identity.provider.as_deref() {
            data.push((key, value));
            continue;
        }
        take(key, value, event, &mut data, context);
    }
    event.logsource =
        Cow::Borrowed(logsource::of(identity.channel.as_deref(), identity.provider.as_deref(), identity.event_id));
    event.set_default(ecs::EVENT_CODE, identity.event_id.to_string());
    event.set_default(ecs::WINLOG_EVENT_ID, identity.event_id.to_string());
    event.set_default(ecs::EVENT_MODULE, "windows");
    if let Some(provider) = identity.provider {
        event.set_default(ecs::EVENT_PROVIDER, provider);
    }
    if let Some(computer) = event.get(ecs::WINLOG_COMPUTER_NAME).cloned() {
        event.set(ecs::HOST_NAME, computer.clone());
        event.set(ecs::HOST_HOSTNAME, computer);
    }
    let is_sysmon = event.logsource.service.iter().any(|service| service == "sysmon");
    fields::apply(event, &data, is_sysmon, identity.event_id);
    action::apply(event, is_sysmon, identity.event_id);
    for (key, value) in data {
        event.set(Name::new(["winlog.event_data.", &key].concat()), value);
    }
    event.parser = Some(PARSER);
    event.failure = None;
    Ok(())
}

/// What makes a record a Windows event.
struct Identity<'a> {
    event_id: u32,
    channel: Option<Cow<'a, str>>,
    provider: Option<Cow<'a, str>>,
}

impl<'a> Identity<'a> {
    /// An event id, and a channel or a provider: other products have an `EventID` too.
    fn find(pairs: &[(Cow<'a, str>, Value<'a>)]) -> Option<Identity<'a>> {
        let (mut event_id, mut channel, mut provider) = (None, None, None);
        let mut is_sure_provider = false;
        for (key, value) in pairs {
            let name = match keys::classify(key) {
                Key::System(name) => name,
                Key::Ecs => key,
                _ => continue,
            };
            let text = || match value {
                Value::Text(text) => Some(text.clone()),
                _ => None,
            };
            match name {
                "winlog.event_id" => event_id = value.as_int().and_then(|id| u32::try_from(id).ok()).or(event_id),
                "winlog.channel" => channel = channel.or_else(text),
                // `ProviderName` is also a member of some events' data: any other name for the provider is surer.
                "winlog.provider_name" if is_sure_provider || &**key == "ProviderName" => {
                    provider = provider.or_else(text);
                }
                "winlog.provider_name" => {
                    is_sure_provider = true;
                    provider = text();
                }
                _ => {}
            }
        }
        let event_id = event_id?;
        (channel.is_some() || provider.is_some()).then_some(Identity { event_id, channel, provider })
    }
}

/// Puts one pair where it belongs; members of the event's data are collected.
fn take<'a>(key: Cow<'a, str>, value: Value<'a>, event: &mut Event<'a>, data: &mut Pairs<'a>, context: Context) {
    match keys::classify(&key) {
        Key::System("winlog.event_id") => event.set(ecs::WINLOG_EVENT_ID, value.to_text().into_owned()),
        Key::System(name) => event.set(Name::new(name), value),
        Key::Data(name) => {
            let lent = match &key {
                Cow::Borrowed(text) => text.find(name).and_then(|at| text.get(at..at + name.len())),
                Cow::Owned(_) => None,
            };
            data.push((lent.map_or_else(|| Cow::Owned(name.to_owned()), Cow::Borrowed), value));
        }
        Key::Timestamp => {
            let reading = timestamp::detect_whole(&value.to_text(), context);
            if let Some(reading) = reading {
                event.timestamp = reading.time;
            }
        }
        Key::Message => event.set(ecs::MESSAGE, value),
        Key::Ecs => match key.strip_prefix("winlog.event_data.") {
            Some(name) => data.push((Cow::Owned(name.to_owned()), value)),
            None if &*key == "event.original" => {}
            None => event.set(Name::new(key), value),
        },
        Key::Ignored => {}
    }
}
