//! Events in, detections out: the matcher and the correlator together, with everything an alert needs to say.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::Digest as _;
use sha2::Sha256;

use crate::detect::correlate::Correlator;
use crate::detect::correlate::Counts;
use crate::detect::correlate::Fire;
use crate::detect::correlate::RestoreError;
use crate::detect::engine::Engine;
use crate::detect::engine::MatchedPart;
use crate::detect::engine::first_text;
use crate::detect::limits::Limits;
use crate::detect::limits::Meter;
use crate::detect::limits::Storms;
use crate::detect::limits::Strain;
use crate::detect::ruleset::RuleSet;
use crate::detect::sigma::rule::RuleMeta;
use crate::model::Event;
use crate::model::EventId;
use crate::model::Timestamp;

/// What an alert is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entity {
    pub field: String,
    pub value: String,
}

/// A rule matched an event, or a correlation's condition was met.
#[derive(Debug, Clone, PartialEq)]
pub struct Detection {
    /// The same rule and the same events always give the same id.
    pub id: String,
    pub rule: Arc<RuleMeta>,
    pub entity: Option<Entity>,
    pub host: Option<String>,
    /// The event that set it off.
    pub event_id: EventId,
    pub timestamp: Timestamp,
    /// Why: what matched in the event that set it off.
    pub parts: Vec<MatchedPart>,
    /// Every event involved, oldest first; 100 at most.
    pub events: Vec<EventId>,
    /// Events involved, also those not named.
    pub count: u64,
    pub first: Timestamp,
    pub last: Timestamp,
    /// For correlations: the group-by fields and values.
    pub group: Vec<Entity>,
}

/// Fields an alert is grouped by when neither the rule nor the correlation names one; the first that is present counts.
const ENTITY_FIELDS: [&str; 12] = [
    "source.ip",
    "user.name",
    "host.name",
    "host.hostname",
    "observer.name",
    "client.ip",
    "destination.ip",
    "process.name",
    "log.syslog.hostname",
    "longan.peer.ip",
    "url.domain",
    "event.dataset",
];
const HOST_FIELDS: [&str; 5] = ["host.name", "host.hostname", "observer.name", "observer.hostname", "longan.peer.ip"];

/// Runs all rules over events; one per thread.
#[derive(Debug)]
pub struct Detector {
    engine: Engine,
    correlator: Correlator,
    fires: Vec<Fire>,
    matched: Vec<usize>,
    /// Without it, every rule may raise what it likes.
    storms: Option<Storms>,
    /// By rule: what was left out since the start, of rules that are in force or were.
    strains: BTreeMap<String, Strain>,
}

impl Detector {
    /// Starts a detector without any history.
    pub fn new(ruleset: Arc<RuleSet>) -> Detector {
        let correlator = Correlator::new(&ruleset);
        Detector {
            engine: Engine::new(ruleset),
            correlator,
            fires: Vec::new(),
            matched: Vec::new(),
            storms: None,
            strains: BTreeMap::new(),
        }
    }

    /// Starts a detector that keeps single rules within limits.
    pub fn limited(ruleset: Arc<RuleSet>, limits: Limits) -> Detector {
        let mut detector = Detector::new(ruleset);
        detector.storms = Some(Storms::new(limits.detections_a_minute));
        detector.engine.meter(Meter::new(limits.time_an_event));
        detector
    }

    /// Returns the rules that met a limit since the start, and what was left out of each.
    pub fn strains(&self) -> Vec<Strain> {
        let mut strains = self.strains.clone();
        let ruleset = self.engine.ruleset();
        for (place, skipped, one_in) in self.engine.slowed() {
            let Some(meta) = ruleset.rule(place) else { continue };
            let strain = strains.entry(meta.id.clone()).or_insert_with(|| unstrained(&meta.id));
            strain.skipped += skipped;
            strain.one_in = one_in.max(1);
        }
        if let Some(storms) = &self.storms {
            let rules = (0..ruleset.len()).filter_map(|place| Some((false, place, ruleset.rule(place)?.id.as_str())));
            let correlations =
                (0..).zip(ruleset.correlations()).map(|(place, compiled)| (true, place, compiled.meta.id.as_str()));
            for (is_correlation, place, id) in rules.chain(correlations) {
                if storms.is_over(is_correlation, place)
                    && let Some(strain) = strains.get_mut(id)
                {
                    strain.is_noisy = true;
                }
            }
        }
        strains.into_values().collect()
    }

    /// Says whether a rule may raise one detection more, and counts it where it may not.
    fn admits(&mut self, is_correlation: bool, place: usize, id: &str, arrived: Timestamp) -> bool {
        let Some(storms) = &mut self.storms else { return true };
        if storms.admit(is_correlation, place, arrived) {
            return true;
        }
        match self.strains.get_mut(id) {
            Some(strain) => strain.suppressed += 1,
            None => drop(self.strains.insert(id.to_owned(), Strain { suppressed: 1, ..unstrained(id) })),
        }
        false
    }

    /// Returns the rules in force.
    pub fn ruleset(&self) -> &Arc<RuleSet> {
        self.engine.ruleset()
    }

    /// Puts other rules in force. Correlations that did not change keep their state.
    pub fn swap(&mut self, ruleset: Arc<RuleSet>) {
        let snapshot = self.correlator.snapshot(self.engine.ruleset());
        let mut correlator = Correlator::new(&ruleset);
        let restored = correlator.restore(&ruleset, &snapshot);
        debug_assert!(restored.is_ok(), "a snapshot just taken is well-formed");
        self.correlator = correlator;
        // Places mean other rules from now on; what was left out stays told.
        let left_out = self.strains().into_iter().map(|strain| Strain { is_noisy: false, one_in: 1, ..strain });
        self.strains = left_out.map(|strain| (strain.rule.clone(), strain)).collect();
        if let Some(storms) = &mut self.storms {
            storms.restart();
        }
        self.engine.swap(ruleset);
    }

    /// Runs one event through every rule that applies and adds what it sets off to `out`, in the order of the rules.
    pub fn process(&mut self, event: &Event<'_>, out: &mut Vec<Detection>) {
        let matches = self.engine.matches(event);
        if matches.is_empty() {
            return;
        }
        self.matched.clear();
        self.matched.extend(matches.iter().map(|matched| matched.rule));
        let ruleset = Arc::clone(self.engine.ruleset());
        for at in 0..self.matched.len() {
            let Some(rule) = self.matched.get(at).copied() else { continue };
            let Some(meta) = ruleset.rule(rule) else { continue };
            if !meta.silent && self.admits(false, rule, &meta.id, event.ingested) {
                out.push(of_match(&ruleset, rule, meta, event));
            }
            self.fires.clear();
            self.correlator.observe(&ruleset, rule, event, &mut self.fires);
            let fires = std::mem::take(&mut self.fires);
            for fire in &fires {
                let Some(compiled) = ruleset.correlations().get(fire.correlation) else { continue };
                if !compiled.meta.silent && self.admits(true, fire.correlation, &compiled.meta.id, event.ingested) {
                    out.push(of_fire(&compiled.meta, fire, event, ruleset.explain(rule, event)));
                }
            }
            self.fires = fires;
        }
    }

    /// Writes the correlations' state down, to be kept with the position in the log.
    pub fn snapshot(&self) -> Vec<u8> {
        self.correlator.snapshot(self.engine.ruleset())
    }

    /// Takes over the state written down at a position in the log; returns how many groups that were.
    ///
    /// # Errors
    /// When the bytes are damaged or of another version; the detector is then as before.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<usize, RestoreError> {
        let ruleset = Arc::clone(self.engine.ruleset());
        self.correlator.restore(&ruleset, bytes)
    }

    /// Returns what correlation counted beside its fires.
    pub fn counts(&self) -> Counts {
        self.correlator.counts()
    }

    /// Returns how many groups the correlations keep.
    pub fn group_count(&self) -> usize {
        self.correlator.group_count()
    }
}

fn unstrained(rule: &str) -> Strain {
    Strain { rule: rule.to_owned(), suppressed: 0, skipped: 0, is_noisy: false, one_in: 1 }
}

fn of_match(ruleset: &RuleSet, rule: usize, meta: &Arc<RuleMeta>, event: &Event<'_>) -> Detection {
    Detection {
        id: id_of(&[meta.id.as_bytes(), &event.id.0.to_be_bytes()]),
        rule: Arc::clone(meta),
        entity: entity_of(meta, &[], event),
        host: host_of(event),
        event_id: event.id,
        timestamp: event.timestamp,
        parts: ruleset.explain(rule, event),
        events: vec![event.id],
        count: 1,
        first: event.timestamp,
        last: event.timestamp,
        group: Vec::new(),
    }
}

fn of_fire(meta: &Arc<RuleMeta>, fire: &Fire, event: &Event<'_>, parts: Vec<MatchedPart>) -> Detection {
    let group: Vec<Entity> =
        fire.group.iter().map(|(field, value)| Entity { field: field.clone(), value: value.clone() }).collect();
    let mut key: Vec<&[u8]> = vec![meta.id.as_bytes()];
    let last = fire.last.0.to_be_bytes();
    key.push(&last);
    let trigger = event.id.0.to_be_bytes();
    key.push(&trigger);
    key.extend(group.iter().map(|entity| entity.value.as_bytes()));
    Detection {
        id: id_of(&key),
        rule: Arc::clone(meta),
        entity: entity_of(meta, &group, event),
        host: host_of(event),
        event_id: event.id,
        timestamp: event.timestamp,
        parts,
        events: fire.events.clone(),
        count: fire.count,
        first: fire.first,
        last: fire.last,
        group,
    }
}

/// Hashes parts so that no two lists of parts run together.
fn id_of(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// The rule's own choice, else the correlation's group, else the first field of the list that the event has.
fn entity_of(meta: &RuleMeta, group: &[Entity], event: &Event<'_>) -> Option<Entity> {
    let of_event = |field: &str| Some(Entity { field: field.to_owned(), value: first_text(event, field)? });
    let chosen = meta
        .entity
        .as_deref()
        .and_then(|field| group.iter().find(|entity| entity.field == field).cloned().or_else(|| of_event(field)));
    chosen.or_else(|| group.first().cloned()).or_else(|| ENTITY_FIELDS.into_iter().find_map(of_event))
}

fn host_of(event: &Event<'_>) -> Option<String> {
    HOST_FIELDS.into_iter().find_map(|field| first_text(event, field))
}
