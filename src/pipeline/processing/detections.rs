//! From a detection to what an alert keeps of it: the conversion between `detect` and `alert`, which do not know each other.

use crate::alert;
use crate::alert::Criticality;
use crate::alert::NewDetection;
use crate::alert::rulebook::RuleBook;
use crate::alert::rulebook::Verdict;
use crate::detect::Detection;
use crate::model::Event;
use crate::model::Field;
use crate::model::Value;
use crate::model::ecs;
use crate::pipeline::default_state;

/// Fields whose values are worth pivoting to, with their kind.
const ENTITY_FIELDS: [(Field, &str); 16] = [
    (ecs::SOURCE_IP, "ip"),
    (ecs::DESTINATION_IP, "ip"),
    (ecs::CLIENT_IP, "ip"),
    (ecs::USER_NAME, "user"),
    (ecs::SOURCE_USER_NAME, "user"),
    (ecs::USER_TARGET_NAME, "user"),
    (ecs::HOST_NAME, "host"),
    (ecs::OBSERVER_NAME, "host"),
    (ecs::URL_DOMAIN, "domain"),
    (ecs::DNS_QUESTION_NAME, "domain"),
    (ecs::FILE_HASH_SHA256, "hash"),
    (ecs::FILE_PATH, "file"),
    (ecs::PROCESS_EXECUTABLE, "file"),
    (ecs::LONGAN_PEER_IP, "ip"),
    (ecs::SERVER_IP, "ip"),
    (ecs::THREAT_FEED_NAME, "list"),
];

/// What enrichment knows of who is involved, in the order it is shown: the machine, threat lists, addresses.
const CONTEXT_FIELDS: [Field; 17] = [
    ecs::LONGAN_ASSET_UNIT,
    ecs::LONGAN_ASSET_UNIT_PARENT,
    ecs::LONGAN_ASSET_SYSTEM,
    ecs::LONGAN_ASSET_CRITICALITY,
    ecs::LONGAN_ASSET_OWNER,
    ecs::LONGAN_THREAT_LISTS,
    ecs::LONGAN_THREAT_FIELD,
    ecs::THREAT_INDICATOR_NAME,
    ecs::THREAT_INDICATOR_CONFIDENCE,
    ecs::THREAT_INDICATOR_DESCRIPTION,
    ecs::SOURCE_GEO_COUNTRY_NAME,
    ecs::SOURCE_GEO_CITY_NAME,
    ecs::SOURCE_AS_ORGANIZATION_NAME,
    ecs::DESTINATION_GEO_COUNTRY_NAME,
    ecs::DESTINATION_GEO_CITY_NAME,
    ecs::DESTINATION_AS_ORGANIZATION_NAME,
    ecs::NETWORK_DIRECTION,
];

/// Says whether a detection becomes (part of) an alert: the rule is live and no exception hides it.
pub(super) fn is_raised(rulebook: &RuleBook, detection: &Detection, event: &Event<'_>) -> bool {
    let entity = detection.entity.as_ref().map_or("", |entity| entity.value.as_str());
    let has = |field: &str| values_of(detection, event, field);
    let default = default_state(detection.rule.status);
    rulebook.judge(&detection.rule.id, default, event.id.0, entity, &has) == Verdict::Raise
}

/// Returns what an exception may ask of a detection: the fields of its event, and what it is about.
pub(in crate::pipeline) fn values_of(detection: &Detection, event: &Event<'_>, field: &str) -> Vec<String> {
    let mut values = Vec::new();
    for (_, value) in event.fields.iter().filter(|(name, _)| name.as_str() == field) {
        value.for_each_scalar(|scalar| values.push(scalar.to_text().into_owned()));
    }
    let about = detection.entity.iter().chain(&detection.group);
    values.extend(about.filter(|entity| entity.field == field).map(|entity| entity.value.clone()));
    values
}

/// Keeps of a detection, and of the event that set it off, what an analyst will read.
pub(super) fn for_alert(detection: Detection, event: &Event<'_>) -> NewDetection {
    let rule = detection.rule;
    let (entity_field, entity) = match detection.entity {
        Some(entity) => (entity.field, entity.value),
        // Grouped by the rule alone when the event names nobody.
        None => (String::new(), String::new()),
    };
    NewDetection {
        rule_id: rule.id.clone(),
        title: rule.title.clone(),
        title_vi: rule.title_vi.clone(),
        level: rule.level,
        tags: rule.tags.clone(),
        description: rule.description.clone(),
        description_vi: rule.description_vi.clone(),
        false_positives: rule.falsepositives.clone(),
        response: rule.response.clone(),
        response_vi: rule.response_vi.clone(),
        entity_field,
        entity,
        criticality: criticality_of(event),
        host: detection.host,
        event_ids: detection.events,
        event_time: detection.timestamp,
        raw: event.raw.to_owned(),
        parts: detection.parts.into_iter().map(part).collect(),
        entities: entities_of(event),
        context: context_of(event),
    }
}

fn part(part: crate::detect::MatchedPart) -> alert::MatchedPart {
    let raw_span =
        part.raw_span.and_then(|span| Some((u32::try_from(span.start).ok()?, u32::try_from(span.end).ok()?)));
    alert::MatchedPart { field: part.field, value: part.value, predicate: part.predicate, raw_span }
}

fn criticality_of(event: &Event<'_>) -> Criticality {
    match event.get(ecs::LONGAN_ASSET_CRITICALITY) {
        Some(Value::Text(text)) if text.eq_ignore_ascii_case("critical") => Criticality::Critical,
        Some(Value::Text(text)) if text.eq_ignore_ascii_case("high") => Criticality::High,
        Some(Value::Text(text)) if text.eq_ignore_ascii_case("low") => Criticality::Low,
        _ => Criticality::Normal,
    }
}

fn context_of(event: &Event<'_>) -> Vec<alert::Known> {
    let mut known = Vec::new();
    for field in CONTEXT_FIELDS {
        let Some(value) = event.get(field) else { continue };
        value.for_each_scalar(|scalar| {
            known.push(alert::Known { field: field.name().to_owned(), value: scalar.to_text().into_owned() });
        });
    }
    known
}

fn entities_of(event: &Event<'_>) -> Vec<alert::Entity> {
    let mut entities: Vec<alert::Entity> = Vec::new();
    for (field, kind) in ENTITY_FIELDS {
        let Some(value) = event.get(field).and_then(crate::query::keyword::value_text) else { continue };
        if !value.is_empty() && !entities.iter().any(|known| known.kind == kind && known.value == value) {
            entities.push(alert::Entity {
                kind: kind.to_owned(),
                field: field.name().to_owned(),
                value: value.into_owned(),
            });
        }
    }
    entities
}
