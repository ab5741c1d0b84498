//! What the operator knows beyond the line: threat lists, where addresses are, administrative units.
//!
//! With nothing configured an event costs three comparisons. With lists, each of its values costs one look into a sorted
//! table and no allocation until it is found.

mod geo;
mod indicator;
mod lists;
mod table;
mod threats;
mod units;

#[cfg(test)]
mod tests;

use std::path::Path;

pub use geo::Geo;
pub use geo::Whereabouts;
pub use indicator::Kind;
pub use indicator::NoIndicator;
pub use lists::ListError;
pub use lists::Summary;
pub use lists::files;
pub use threats::Hit;
pub use threats::Threats;
pub use units::Unit;
pub use units::UnitError;
pub use units::Units;
pub use units::load as load_units;

use crate::diag::Located;
use crate::model::Field;
use crate::model::Timestamp;
use crate::model::Value;
use crate::model::ecs;
use crate::normalize::address::Scope;
use crate::normalize::address::scope;
use crate::normalize::view::View;

/// Lists that are named in an event at most.
const LISTS_MAX: usize = 8;

const ADDRESSES: [Field; 7] = [
    ecs::DESTINATION_IP,
    ecs::SERVER_IP,
    ecs::SOURCE_IP,
    ecs::CLIENT_IP,
    ecs::DNS_RESOLVED_IP,
    ecs::DESTINATION_NAT_IP,
    ecs::SOURCE_NAT_IP,
];
const DOMAINS: [Field; 5] =
    [ecs::DNS_QUESTION_NAME, ecs::URL_DOMAIN, ecs::DESTINATION_DOMAIN, ecs::SERVER_DOMAIN, ecs::TLS_CLIENT_SERVER_NAME];
const URLS: [Field; 2] = [ecs::URL_FULL, ecs::URL_ORIGINAL];
const HASHES: [Field; 7] = [
    ecs::FILE_HASH_SHA256,
    ecs::PROCESS_HASH_SHA256,
    ecs::DLL_HASH_SHA256,
    ecs::FILE_HASH_SHA1,
    ecs::PROCESS_HASH_SHA1,
    ecs::FILE_HASH_MD5,
    ecs::PROCESS_HASH_MD5,
];

/// All of it, immutable; a change of a file makes a new one.
#[derive(Debug, Default)]
pub struct Enrichment {
    pub threats: Threats,
    pub geo: Geo,
    pub units: Units,
}

/// Loads every list of a folder. What is broken is told, the rest is in force.
pub fn load_threats(folder: &Path, now: Timestamp) -> (Threats, Vec<Summary>, Vec<Located<ListError>>) {
    load_lists(&files(folder), now)
}

/// The same for files that are named.
pub fn load_lists(files: &[std::path::PathBuf], now: Timestamp) -> (Threats, Vec<Summary>, Vec<Located<ListError>>) {
    let mut builder = threats::Builder::default();
    let (mut summaries, mut problems) = (Vec::new(), Vec::new());
    for path in files {
        let (summary, found) = lists::read(path, &mut builder, now.seconds());
        summaries.push(summary);
        problems.extend(found);
    }
    (builder.finish(), summaries, problems)
}

/// Adds what is known to an event.
pub(super) fn apply<'a>(view: &mut View<'_, 'a>, enrichment: &'a Enrichment) {
    if !enrichment.geo.is_empty() {
        geo::apply(view, &enrichment.geo);
    }
    if !enrichment.threats.is_empty() {
        threat(view, &enrichment.threats);
    }
}

/// What was found of one event: the strongest word, and how many lists speak.
struct Found<'a> {
    best: Hit<'a>,
    field: Field,
    value: Value<'a>,
    lists: Vec<&'a str>,
}

fn threat<'a>(view: &mut View<'_, 'a>, threats: &'a Threats) {
    let mut found: Option<Found<'a>> = None;
    let now = view.event.timestamp.seconds();
    for field in ADDRESSES {
        let Some(value) = view.get(field) else { continue };
        value.for_each_scalar(|item| match item {
            // No list may name our own addresses.
            Value::Ip(address) if scope(*address) == Scope::Public => {
                threats.of_address(*address, &mut |hit| note(&mut found, hit, field, item, now));
            }
            _ => {}
        });
    }
    let texts = [
        (&DOMAINS[..], Threats::each_of_domain as EachOf),
        (&URLS[..], Threats::each_of_url as EachOf),
        (&HASHES[..], Threats::each_of_file as EachOf),
    ];
    for (fields, each_of) in texts {
        for field in fields {
            let Some(value) = view.get(*field) else { continue };
            value.for_each_scalar(|item| {
                if let Value::Text(text) = item {
                    each_of(threats, text, &mut |hit| note(&mut found, hit, *field, item, now));
                }
            });
        }
    }
    if let Some(found) = found {
        put(view, found);
    }
}

type EachOf = for<'t> fn(&'t Threats, &str, &mut dyn FnMut(Hit<'t>));

impl Threats {
    fn each_of_domain<'t>(&'t self, text: &str, each: &mut dyn FnMut(Hit<'t>)) {
        self.of_domain(text, &mut |hit| each(hit));
    }

    fn each_of_url<'t>(&'t self, text: &str, each: &mut dyn FnMut(Hit<'t>)) {
        self.of_url(text, &mut |hit| each(hit));
    }

    fn each_of_file<'t>(&'t self, text: &str, each: &mut dyn FnMut(Hit<'t>)) {
        self.of_file(text, &mut |hit| each(hit));
    }
}

fn note<'a>(found: &mut Option<Found<'a>>, hit: Hit<'a>, field: Field, value: &Value<'a>, now: i64) {
    if hit.expires.is_some_and(|expires| expires <= now) {
        return;
    }
    match found {
        None => *found = Some(Found { best: hit, field, value: value.clone(), lists: vec![hit.list] }),
        Some(found) => {
            if hit.confidence > found.best.confidence {
                (found.best, found.field, found.value) = (hit, field, value.clone());
            }
            if found.lists.len() < LISTS_MAX && !found.lists.contains(&hit.list) {
                found.lists.push(hit.list);
            }
        }
    }
}

fn put<'a>(view: &mut View<'_, 'a>, found: Found<'a>) {
    let Found { best, field, value, lists } = found;
    let event = &mut *view.event;
    event.set_default(ecs::THREAT_INDICATOR_TYPE, best.kind.as_str());
    let named = match best.kind {
        Kind::V4 | Kind::V6 => Some(ecs::THREAT_INDICATOR_IP),
        Kind::Url => Some(ecs::THREAT_INDICATOR_URL_FULL),
        Kind::Domain => Some(ecs::THREAT_INDICATOR_URL_DOMAIN),
        Kind::File => None,
    };
    if let Some(named) = named {
        event.set_default(named, value.clone());
    }
    event.set_default(ecs::THREAT_INDICATOR_NAME, Value::from(value.to_text().into_owned()));
    if !best.note.is_empty() {
        event.set_default(ecs::THREAT_INDICATOR_DESCRIPTION, best.note);
    }
    if let Some(confidence) = best.confidence {
        // ECS has words where lists have figures; STIX 2.1 appendix A gives the bounds.
        let word = match confidence {
            0 => "None",
            1..=29 => "Low",
            30..=69 => "Medium",
            _ => "High",
        };
        event.set_default(ecs::THREAT_INDICATOR_CONFIDENCE, word);
        event.set_default(ecs::LONGAN_THREAT_CONFIDENCE, i64::from(confidence));
    }
    event.set_default(ecs::THREAT_FEED_NAME, best.list);
    event.set_default(ecs::LONGAN_THREAT_FIELD, field.name());
    let names = lists.into_iter().map(Value::from).collect();
    event.set_default(ecs::LONGAN_THREAT_LISTS, Value::List(names));
}
