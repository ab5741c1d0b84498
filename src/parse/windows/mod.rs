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
use crate::model::Field;
use crate::model::Name;
use crate::model::Value;
use crate::model::ecs;
use crate::parse::keys::Key;
use crate::parse::seen::Filling;
use crate::parse::seen::Seen;
use crate::parse::structure::NotThis;
use crate::parse::structure::json;
use crate::parse::structure::xml;
use crate::parse::timestamp;
use crate::parse::timestamp::Context;

pub(in crate::parse) use keys::Part;

/// The name under which an event of this kind is known as read.
pub const PARSER: &str = "windows";

/// Reads a body that is a Windows event and fills the event; false, with the event untouched, when it is none.
///
/// Times without a zone are taken to be at `zone_offset_seconds` east of UTC.
pub fn read<'a>(body: &'a str, event: &mut Event<'a>, zone_offset_seconds: i32) -> bool {
    let mut pairs: Vec<(Key<'a>, Value<'a>)> = Vec::new();
    let mut collect = |key: Cow<'a, str>, value| pairs.push((Key::alone(&key), value));
    let read: Result<(), NotThis> = match body.trim_start().as_bytes().first() {
        Some(b'{') => json::read(body, &mut collect),
        Some(b'<') => xml::read(body, &mut collect),
        _ => return false,
    };
    let mut seen = Seen::of(event);
    read.is_ok() && from_pairs(&mut pairs, &mut Filling { event, seen: &mut seen }, zone_offset_seconds)
}

/// Fills the event from keys and values already read, and takes them.
///
/// False, with the event and the pairs untouched, when they are no Windows event.
pub(in crate::parse) fn from_pairs<'a>(
    pairs: &mut Vec<(Key<'a>, Value<'a>)>,
    filling: &mut Filling<'_, 'a>,
    zone_offset_seconds: i32,
) -> bool {
    let Some(identity) = Identity::find(pairs) else { return false };
    let context = Context { received: filling.event.ingested, zone_offset_seconds };
    // Members of the event's data stay in the list; the rest goes where it belongs.
    pairs.retain_mut(|(key, value)| {
        let kept = std::mem::replace(value, Value::Null);
        let is_others_provider = &**key == "ProviderName" && kept.as_str() != identity.provider.as_deref();
        match kept {
            Value::Null => false,
            kept if is_others_provider || matches!(key.facts().part(), Part::Data(_)) => {
                *value = kept;
                true
            }
            kept => {
                take(key, kept, filling, context);
                false
            }
        }
    });
    filling.event.logsource =
        Cow::Borrowed(logsource::of(identity.channel.as_deref(), identity.provider.as_deref(), identity.event_id));
    for field in [ecs::EVENT_CODE, ecs::WINLOG_EVENT_ID] {
        if !filling.seen.has(field) {
            filling.set(field, identity.event_id.to_string());
        }
    }
    filling.set_default(ecs::EVENT_MODULE, "windows");
    if let Some(provider) = identity.provider {
        filling.set_default(ecs::EVENT_PROVIDER, provider);
    }
    if let Some(computer) = filling.event.get(ecs::WINLOG_COMPUTER_NAME).cloned() {
        filling.set(ecs::HOST_NAME, computer.clone());
        filling.set(ecs::HOST_HOSTNAME, computer);
    }
    let is_sysmon = filling.event.logsource.service.iter().any(|service| service == "sysmon");
    fields::apply(filling, pairs, is_sysmon, identity.event_id);
    action::apply(filling, is_sysmon, identity.event_id);
    for (key, value) in pairs.drain(..) {
        filling.set(key.member_name().unwrap_or(Name::Other(Cow::Borrowed("winlog.event_data.ProviderName"))), value);
    }
    filling.event.parser = Some(PARSER);
    filling.event.failure = None;
    true
}

/// What makes a record a Windows event.
struct Identity<'a> {
    event_id: u32,
    channel: Option<Cow<'a, str>>,
    provider: Option<Cow<'a, str>>,
}

impl<'a> Identity<'a> {
    /// An event id, and a channel or a provider: other products have an `EventID` too.
    fn find(pairs: &[(Key<'a>, Value<'a>)]) -> Option<Identity<'a>> {
        let (mut event_id, mut channel, mut provider) = (None, None, None);
        let mut is_sure_provider = false;
        for (key, value) in pairs {
            let text = || match value {
                Value::Text(text) => Some(text.clone()),
                _ => None,
            };
            match system_field(key) {
                Some(ecs::WINLOG_EVENT_ID) => {
                    event_id = value.as_int().and_then(|id| u32::try_from(id).ok()).or(event_id);
                }
                Some(ecs::WINLOG_CHANNEL) => channel = channel.or_else(text),
                // `ProviderName` is also a member of some events' data: any other name for the provider is surer.
                Some(ecs::WINLOG_PROVIDER_NAME) if is_sure_provider || &**key == "ProviderName" => {
                    provider = provider.or_else(text);
                }
                Some(ecs::WINLOG_PROVIDER_NAME) => {
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

/// Returns the field of a part of `System`, or of a key that is a name of ECS.
fn system_field(key: &Key<'_>) -> Option<Field> {
    match key.facts().part() {
        Part::System(Name::Known(field)) => Some(*field),
        Part::Ecs => match key.name() {
            Name::Known(field) => Some(field),
            Name::Other(_) => None,
        },
        _ => None,
    }
}

/// Puts what is no member of the event's data where it belongs.
fn take<'a>(key: &Key<'a>, value: Value<'a>, filling: &mut Filling<'_, 'a>, context: Context) {
    match key.facts().part() {
        Part::System(Name::Known(ecs::WINLOG_EVENT_ID)) => {
            filling.set(ecs::WINLOG_EVENT_ID, value.to_text().into_owned());
        }
        Part::System(name) => filling.set(name.clone(), value),
        Part::Timestamp => {
            let reading = timestamp::detect_whole(&value.to_text(), context);
            if let Some(reading) = reading {
                filling.event.timestamp = reading.time;
            }
        }
        Part::Message => filling.set(ecs::MESSAGE, value),
        Part::Ecs => filling.set(key.name(), value),
        Part::Data(_) | Part::Ignored => {}
    }
}
