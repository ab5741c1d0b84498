//! What people write: queries, rules, packs, assets, requests. Wrong text is refused with its place, never with a panic.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::LazyLock;

use longan::config;
use longan::detect::Detector;
use longan::detect::Mapping;
use longan::detect::Options;
use longan::detect::RuleFile;
use longan::detect::RuleSet;
use longan::detect::lint;
use longan::model::Event;
use longan::normalize::assets;
use longan::normalize::enrich;
use longan::parse::Hint;
use longan::parse::Packs;
use longan::pipeline::shapes::Shapes;
use longan::pipeline::trial::flat_event;
use longan::query;
use longan::wire;

use super::RECEIVED;
use super::as_text;
use super::event::PACKS;

/// Lines that rules and queries are tried on.
const LINES: [&str; 4] = [
    "<38>Mar 14 09:26:53 gw-01 sshd[211]: Failed password for invalid user admin from 203.0.113.9 port 4022 ssh2",
    r#"{"event": {"code": 4688}, "process": {"command_line": "powershell -enc SQBFAFgA"}, "user": {"name": "an"}}"#,
    "203.0.113.9 - - [14/Mar/2026:09:26:53 +0700] \"GET /?id=1%20union%20select HTTP/1.1\" 200 12 \"-\" \"curl/8\"",
    "nothing anyone knows",
];

static EVENTS: LazyLock<Vec<Event<'static>>> = LazyLock::new(|| {
    let hint = Hint { received: RECEIVED, format: None, zone_offset_seconds: 0 };
    LINES.iter().map(|line| PACKS.parse(line, &hint)).collect()
});

/// A query that is read prints to a query that means the same.
pub(super) fn query(data: &[u8]) {
    let text = as_text(data);
    let Ok(query) = query::parse(&text, RECEIVED) else { return };
    let printed = query.to_string();
    let again = query::parse(&printed, RECEIVED).unwrap_or_else(|err| panic!("{printed:?} is not read back: {err}"));
    assert_eq!(again.to_string(), printed, "printed the same again");
    for event in EVENTS.iter() {
        assert_eq!(query.matches(event), again.matches(event), "{printed:?} means the same");
    }
    let _ = query.unknown_fields();
}

/// A search with its stages: what is printed is read back and printed the same.
pub(super) fn search(data: &[u8]) {
    let text = as_text(data);
    let Ok(search) = query::parse_search(&text, RECEIVED) else { return };
    let printed = search.to_string();
    let again = query::parse_search(&printed, RECEIVED).unwrap_or_else(|err| panic!("{printed:?} is not read back: {err}"));
    assert_eq!(again.to_string(), printed, "printed the same again");
}

/// A list of indicators under each name it may have: what is read can be looked up, what is not is told with its place.
pub(super) fn threat_list(data: &[u8]) {
    let Some((form, data)) = super::choice(data) else { return };
    let name = ["list.csv", "list.txt", "list.json"][usize::from(form % 3)];
    let path = scratch(name, data);
    let (threats, _, problems) = enrich::load_lists(&[path], RECEIVED);
    assert!(problems.iter().all(|problem| problem.position.line >= 1));
    let _ = (threats.count(), threats.look_up("203.0.113.9"), threats.look_up("https://a.example/b?c"));
}

/// A configuration file: settings, or all problems with their places.
pub(super) fn config_file(data: &[u8]) {
    let path = scratch("longan.toml", data);
    match config::load(Some(&path), [], &config::Flags::default()) {
        Ok(_) | Err(config::ConfigError::Unreadable { .. }) => {}
        Err(err) => assert!(!err.to_string().is_empty()),
    }
}

/// A file of this process with this content.
pub(super) fn scratch(name: &str, data: &[u8]) -> PathBuf {
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
        let folder = std::env::temp_dir().join(format!("longan-fuzz-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder for scratch files");
        folder
    });
    let path = FOLDER.join(name);
    std::fs::write(&path, data).expect("a scratch file");
    path
}

/// Sigma: compiled with whatever is wrong with it left out; matching twice gives the same.
pub(super) fn sigma_rule(data: &[u8]) {
    let text = as_text(data).into_owned();
    let files = [RuleFile { path: PathBuf::from("rule.yml"), text }];
    let (rules, problems) = RuleSet::compile(&files, &Options::default());
    for problem in &problems {
        assert!(problem.position.line >= 1 && problem.position.column >= 1);
    }
    let rules = Arc::new(rules);
    let _ = lint(&files[0], &Mapping::default(), &|_| None);
    let matched = || {
        let mut detector = Detector::new(Arc::clone(&rules));
        let mut detections = Vec::new();
        for event in EVENTS.iter() {
            detector.process(event, &mut detections);
        }
        let snapshot = detector.snapshot();
        detector.restore(&snapshot).expect("a snapshot is read back");
        detections.iter().map(|detection| format!("{}{:?}", detection.id, detection.parts)).collect::<Vec<_>>()
    };
    assert_eq!(matched(), matched());
}

/// A pack: compiled or refused with places; then its own text is read as lines by it.
pub(super) fn pack_file(data: &[u8]) {
    let text = as_text(data);
    let (packs, problems) = Packs::from_texts(&[("fuzz.toml", &text)]);
    for problem in &problems {
        assert!(problem.position.line >= 1 && problem.position.column >= 1);
    }
    let hint = Hint { received: RECEIVED, format: Some("fuzz"), zone_offset_seconds: 0 };
    for line in text.lines().take(8).chain(LINES) {
        assert_eq!(packs.parse(line, &hint).raw, line);
    }
    let _ = packs.run_samples(None, &mut |_| {});
}

/// Lists of machines, as CSV and TOML.
pub(super) fn assets(data: &[u8]) {
    let text = as_text(data);
    for read in [assets::read_toml, assets::read_csv] {
        match read(Path::new("assets"), &text) {
            Ok(assets) => {
                let _ = assets.by_name("gw-01");
                let _ = assets.by_address("10.0.0.1".parse().expect("an address"));
            }
            Err(problems) => assert!(!problems.is_empty() && problems.iter().all(|problem| problem.position.line >= 1)),
        }
    }
}

/// Administrative units: read, or refused with the place; mergers that go in a circle end.
pub(super) fn units(data: &[u8]) {
    let path = scratch("units.toml", data);
    match enrich::load_units(&path, 7 * 3600) {
        Ok(units) => {
            let text = as_text(data);
            for name in text.split('"').take(64) {
                let _ = units.at(name, RECEIVED);
            }
        }
        Err(problems) => assert!(!problems.is_empty() && problems.iter().all(|problem| problem.position.line >= 1)),
    }
}

/// An event written by hand for `rules match`: read or refused, and then matched like any other.
pub(super) fn flat_event(data: &[u8]) {
    let text = as_text(data);
    let Ok(read) = flat_event::read(&text) else { return };
    let query = query::parse("user.name:a* OR source.ip:10.0.0.0/8", RECEIVED).expect("a query");
    assert_eq!(query.matches(&read.event), query.matches(&read.event));
}

/// Lines that nobody reads: their shapes stay few, and each is one line of text. Drafts compile all packs anew: too slow here.
pub(super) fn shapes(data: &[u8]) {
    let text = as_text(data);
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let hint = Hint { received: RECEIVED, format: None, zone_offset_seconds: 0 };
    let mut shapes = Shapes::default();
    for line in &lines {
        shapes.note(&PACKS.parse(line, &hint), true);
    }
    assert!(shapes.len() <= lines.len().min(32));
    let Some(shape) = shapes.commonest().first().copied() else { return };
    assert!(shape.count as usize <= lines.len() && !shape.text().contains('\n'));
}

/// Bodies of the API: what is read is written and read the same; and tokens of any shape are nobody's.
pub(super) fn api_and_tokens(data: &[u8]) {
    same::<wire::search::SearchRequest>(data);
    same::<wire::search::SearchPage>(data);
    same::<wire::stream::StreamMessage>(data);
    same::<wire::alert::AlertRow>(data);
    same::<wire::alert::AlertFilter>(data);
    let text = as_text(data);
    static TOKENS: LazyLock<longan::auth::TokenStore> = LazyLock::new(|| {
        longan::auth::TokenStore::open(Path::new("/nonexistent/tokens.json")).expect("no file is no tokens")
    });
    assert!(!matches!(TOKENS.check(&text, RECEIVED), Ok(Some(_))));
    assert!(!matches!(TOKENS.check(&format!("longan_{text}"), RECEIVED), Ok(Some(_))));
    let _ = text.parse::<longan::auth::Role>();
}

fn same<T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug>(data: &[u8]) {
    let Ok(read) = serde_json::from_slice::<T>(data) else { return };
    let written = serde_json::to_vec(&read).expect("it is written");
    let again: T = serde_json::from_slice(&written).expect("it is read back");
    assert_eq!(format!("{read:?}"), format!("{again:?}"));
}
