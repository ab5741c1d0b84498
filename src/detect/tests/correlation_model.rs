//! Correlations against a model that keeps every match for ever and counts anew each time.

use proptest::prelude::*;

use super::*;

/// How far behind its group's newest match a match may come, beyond the span.
const LATENESS: i64 = 300;
const NAMES: [&str; 3] = ["a", "b", "c"];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    EventCount,
    ValueCount,
    Sum,
    Average,
    Percentile(f64),
    Temporal,
    Ordered,
}

#[derive(Debug, Clone)]
struct Rule {
    kind: Kind,
    /// Names of rules, or of earlier correlations (`x0`, `x1`, …).
    rules: Vec<String>,
    grouped: bool,
    span: i64,
    /// Operator and number; none for temporal kinds.
    bound: Option<(&'static str, i64)>,
}

impl Rule {
    fn text(&self, number: usize) -> String {
        let kind = match self.kind {
            Kind::EventCount => "event_count",
            Kind::ValueCount => "value_count",
            Kind::Sum => "value_sum",
            Kind::Average => "value_avg",
            Kind::Percentile(_) => "value_percentile",
            Kind::Temporal => "temporal",
            Kind::Ordered => "temporal_ordered",
        };
        let field = if self.measures() { ", field: V" } else { "" };
        let percentile =
            if let Kind::Percentile(rank) = self.kind { format!(", percentile: {rank}") } else { String::new() };
        let condition = self
            .bound
            .map_or(String::new(), |(op, value)| format!("  condition: {{{op}: {value}{field}{percentile}}}\n"));
        let group = if self.grouped { "  group-by: [G]\n" } else { "" };
        format!(
            "title: X\nid: x{number}\ncorrelation:\n  type: {kind}\n  rules: [{}]\n  generate: true\n{group}  timespan: {}s\n{condition}",
            self.rules.join(", "),
            self.span
        )
    }

    fn measures(&self) -> bool {
        !matches!(self.kind, Kind::EventCount | Kind::Temporal | Kind::Ordered)
    }

    fn holds(&self, window: &[&Seen]) -> bool {
        let numbers: Vec<f64> = window.iter().filter_map(|seen| seen.value.parse().ok()).collect();
        let count = numbers.len() as f64;
        let distinct = |texts: Vec<&str>| texts.into_iter().collect::<std::collections::BTreeSet<_>>().len() as f64;
        let measured = match self.kind {
            Kind::EventCount => window.len() as f64,
            Kind::ValueCount => distinct(window.iter().map(|seen| seen.value.as_str()).collect()),
            Kind::Sum => numbers.iter().sum(),
            Kind::Average => numbers.iter().sum::<f64>() / count,
            Kind::Percentile(rank) => {
                let reaches =
                    |at: &&f64| numbers.iter().filter(|number| number <= at).count() as f64 >= rank / 100.0 * count;
                numbers.iter().filter(reaches).copied().fold(f64::INFINITY, f64::min)
            }
            Kind::Temporal => distinct(window.iter().map(|seen| seen.rule.as_str()).collect()),
            Kind::Ordered => {
                let met = |next: usize, seen: &&Seen| next + usize::from(self.rules.get(next) == Some(&seen.rule));
                window.iter().fold(0, met) as f64
            }
        };
        match self.bound {
            None => measured >= self.rules.len() as f64,
            Some(("gte", value)) => measured >= value as f64,
            Some(("gt", value)) => measured > value as f64,
            Some(("eq", value)) => measured == value as f64,
            Some((_, value)) => measured < value as f64,
        }
    }
}

/// A match, or the fire of another correlation.
#[derive(Debug, Clone)]
struct Seen {
    rule: String,
    time: i64,
    group: Option<String>,
    value: String,
}

/// What fired: correlation, group, the event's number, the end of the window.
type Fired = (usize, String, u64, i64);

#[derive(Default)]
struct Model {
    seen: Vec<(usize, String, Seen)>,
    /// By correlation and group: the end of the window that fired last.
    fired: std::collections::BTreeMap<(usize, String), i64>,
}

impl Model {
    fn observe(&mut self, rules: &[Rule], seen: &Seen, event: u64, out: &mut Vec<Fired>) {
        let mut waiting = std::collections::VecDeque::from([seen.clone()]);
        while let Some(seen) = waiting.pop_front() {
            for (number, rule) in rules.iter().enumerate().filter(|(_, rule)| rule.rules.contains(&seen.rule)) {
                let Some(end) = self.add(number, rule, &seen) else { continue };
                let group = if rule.grouped { seen.group.clone() } else { None };
                out.push((number, group.clone().unwrap_or_default(), event, end));
                // A fire has the fields its correlation groups by and no other.
                waiting.push_back(Seen { rule: format!("x{number}"), time: end, group, value: String::new() });
            }
        }
    }

    fn add(&mut self, number: usize, rule: &Rule, seen: &Seen) -> Option<i64> {
        let group = if rule.grouped { seen.group.clone()? } else { String::new() };
        let is_number = seen.value.parse::<f64>().is_ok();
        if rule.measures() && (seen.value.is_empty() || (rule.kind != Kind::ValueCount && !is_number)) {
            return None;
        }
        let key = (number, group);
        let of_group = |(have, group, _): &&(usize, String, Seen)| (have, group) == (&key.0, &key.1);
        let newest = |all: &[(usize, String, Seen)]| all.iter().filter(of_group).map(|(_, _, seen)| seen.time).max();
        if newest(&self.seen).is_some_and(|newest| seen.time < newest - rule.span - LATENESS) {
            return None;
        }
        self.seen.push((key.0, key.1.clone(), seen.clone()));
        let oldest = newest(&self.seen)? - rule.span - LATENESS;
        let mut all: Vec<&Seen> = self.seen.iter().filter(of_group).map(|(_, _, seen)| seen).collect();
        all.retain(|seen| seen.time >= oldest);
        all.sort_by_key(|seen| seen.time);
        let mut ends: Vec<i64> = all.iter().map(|seen| seen.time).collect();
        ends.dedup();
        ends.retain(|end| *end >= seen.time && *end <= seen.time + rule.span);
        let fired = self.fired.get(&key).copied();
        let end =
            ends.into_iter().filter(|end| fired.is_none_or(|fired| (fired - end).abs() >= rule.span)).find(|end| {
                let window: Vec<&Seen> =
                    all.iter().filter(|seen| seen.time <= *end && seen.time >= end - rule.span).copied().collect();
                rule.holds(&window)
            })?;
        self.fired.insert(key, end);
        Some(end)
    }
}

fn kind_and_bound() -> impl Strategy<Value = (Kind, Option<(&'static str, i64)>)> {
    let lower = || proptest::sample::select(vec!["gte", "gt", "eq"]);
    let any = || proptest::sample::select(vec!["gte", "gt", "eq", "lt"]);
    prop_oneof![
        3 => (lower(), 1_i64..5).prop_map(|bound| (Kind::EventCount, Some(bound))),
        3 => (lower(), 1_i64..4).prop_map(|bound| (Kind::ValueCount, Some(bound))),
        1 => (any(), 1_i64..20).prop_map(|bound| (Kind::Sum, Some(bound))),
        1 => (any(), 1_i64..6).prop_map(|bound| (Kind::Average, Some(bound))),
        1 => (any(), 1_i64..6, proptest::sample::select(vec![10.0, 50.0, 90.0, 100.0]))
            .prop_map(|(op, value, rank)| (Kind::Percentile(rank), Some((op, value)))),
        2 => Just((Kind::Temporal, None)),
        1 => Just((Kind::Temporal, Some(("gte", 2)))),
        2 => Just((Kind::Ordered, None)),
    ]
}

/// A correlation of some of the rules or of those before it.
fn correlation(number: usize) -> impl Strategy<Value = Rule> {
    let names: Vec<String> =
        NAMES.iter().map(|name| (*name).to_owned()).chain((0..number).map(|earlier| format!("x{earlier}"))).collect();
    let rules = proptest::sample::subsequence(names, 1..=2.min(number + 3)).prop_shuffle();
    let span = proptest::sample::select(vec![1_i64, 10, 60, 400]);
    (kind_and_bound(), rules, any::<bool>(), span).prop_map(|((kind, bound), rules, grouped, span)| Rule {
        kind,
        rules,
        grouped,
        span,
        bound,
    })
}

/// Matches in the order of arrival: time goes on, some come late by up to more than is allowed.
fn arrivals() -> impl Strategy<Value = Vec<Seen>> {
    let late = prop_oneof![3 => Just(0_i64), 2 => 1_i64..70, 1 => 70_i64..800];
    let value = proptest::sample::select(vec!["1", "2", "5", "9", "x", ""]);
    let group = proptest::sample::select(vec![Some("g"), Some("h"), None]);
    let one = (proptest::sample::select(NAMES.to_vec()), 0_i64..40, late, group, value);
    proptest::collection::vec(one, 1..60).prop_map(|all| {
        let mut now = 1_000;
        all.into_iter()
            .map(|(rule, step, late, group, value)| {
                now += step;
                let (rule, group, value) = (rule.to_owned(), group.map(str::to_owned), value.to_owned());
                Seen { rule, time: now - late, group, value }
            })
            .collect()
    })
}

fn event_of(seen: &Seen, id: u64) -> Event<'static> {
    let mut event = event("{}");
    event.push(Name::new("A"), Value::from(seen.rule.clone()));
    if let Some(group) = &seen.group {
        event.push(Name::new("G"), Value::from(group.clone()));
    }
    event.push(Name::new("V"), Value::from(seen.value.clone()));
    event.id = EventId(id);
    event.timestamp = Timestamp::from_seconds(seen.time, 0);
    event.ingested = Timestamp::from_seconds(100_000, 0);
    event
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]
    #[test]
    fn correlations_come_to_what_the_model_comes_to(
        rules in (correlation(0), correlation(1), correlation(2)).prop_map(|(a, b, c)| vec![a, b, c]),
        arrivals in arrivals(),
        restarts in proptest::collection::vec(any::<bool>(), 60)
    ) {
        let base = NAMES.map(|name| format!("title: R\nid: {name}\nlogsource: {{product: x}}\ndetection: {{s: {{A: {name}}}, condition: s}}\n"));
        let texts: Vec<String> = base.into_iter().chain(rules.iter().enumerate().map(|(number, rule)| rule.text(number))).collect();
        let (set, problems) = set_of(&texts.iter().map(String::as_str).collect::<Vec<_>>());
        prop_assert_eq!(problems, Vec::<String>::new(), "{}", texts.join("---\n"));
        let mut detector = Detector::new(Arc::clone(&set));
        let mut model = Model::default();
        for ((seen, id), restart) in arrivals.iter().zip(1..).zip(restarts) {
            let mut found = Vec::new();
            detector.process(&event_of(seen, id), &mut found);
            let mut got: Vec<Fired> = found.iter().filter_map(|detection| {
                let number = detection.rule.id.strip_prefix('x')?.parse().ok()?;
                let group = detection.group.first().map_or(String::new(), |entity| entity.value.clone());
                Some((number, group, detection.event_id.0, detection.last.seconds()))
            }).collect();
            let mut want = Vec::new();
            model.observe(&rules, seen, id, &mut want);
            got.sort();
            want.sort();
            prop_assert_eq!(got, want, "event {} {:?}\n{}", id, seen, texts[3..].join("---\n"));
            if restart {
                let bytes = detector.snapshot();
                detector = Detector::new(Arc::clone(&set));
                prop_assert!(detector.restore(&bytes).is_ok());
            }
        }
    }
}
