//! One Sigma rule: who it is, what it says to people, and its detection.

use std::path::Path;
use std::path::PathBuf;

use serde::Serialize;
use sha2::Digest as _;
use sha2::Sha256;

use crate::detect::sigma::detection;
use crate::detect::sigma::detection::Expr;
use crate::detect::sigma::detection::Lists;
use crate::detect::sigma::detection::Search;
use crate::detect::sigma::error::Problems;
use crate::detect::sigma::error::RuleError;
use crate::detect::sigma::yaml::Kind;
use crate::detect::sigma::yaml::Node;
use crate::diag::Position;
use crate::diag::closest;
use crate::model::RuleLevel;

/// How far the authors trust a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RuleStatus {
    Stable,
    Test,
    #[default]
    Experimental,
    Deprecated,
    Unsupported,
}

impl RuleStatus {
    const ALL: [(&'static str, RuleStatus); 5] = [
        ("stable", RuleStatus::Stable),
        ("test", RuleStatus::Test),
        ("experimental", RuleStatus::Experimental),
        ("deprecated", RuleStatus::Deprecated),
        ("unsupported", RuleStatus::Unsupported),
    ];

    /// Returns the name Sigma gives the status.
    pub fn as_str(self) -> &'static str {
        RuleStatus::ALL.iter().find(|(_, status)| *status == self).map_or("experimental", |(name, _)| name)
    }
}

/// The log source a rule was written for: what is named must agree with the event's.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize)]
pub struct RuleLogSource {
    pub product: Option<String>,
    pub service: Option<String>,
    pub category: Option<String>,
}

/// What a rule says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleMeta {
    /// The rule's UUID or own word; the name or title when it has none.
    pub id: String,
    pub name: Option<String>,
    pub title: String,
    pub title_vi: Option<String>,
    pub description: String,
    pub description_vi: Option<String>,
    pub level: RuleLevel,
    pub status: RuleStatus,
    pub author: Option<String>,
    pub tags: Vec<String>,
    pub references: Vec<String>,
    pub falsepositives: Vec<String>,
    /// What to do, step by step.
    pub response: Vec<String>,
    pub response_vi: Vec<String>,
    /// The field alerts of this rule are grouped by.
    pub entity: Option<String>,
    pub logsource: RuleLogSource,
    /// What the author says of the log source in words.
    pub logsource_definition: Option<String>,
    pub path: PathBuf,
    pub position: Position,
    /// The keys the author wrote.
    pub keys: Vec<String>,
    /// Changes when the rule's meaning or text does; state kept for the rule is only valid for the same hash.
    pub content_hash: u64,
    /// The rule is there for correlations and raises nothing by itself.
    pub silent: bool,
}

/// A rule read whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub meta: RuleMeta,
    pub expr: Expr,
    pub searches: Vec<Search>,
}

/// Reads the attributes every kind of rule has.
pub fn read_meta(node: &Node, path: &Path, problems: &mut Problems) -> RuleMeta {
    let text = |key: &'static str| node.get(key).and_then(Node::scalar_text).filter(|text| !text.is_empty());
    let title = text("title");
    if title.is_none() {
        problems.add(node.at, RuleError::Missing("title"));
    }
    let title = title.unwrap_or_default();
    let name = text("name");
    let mut meta = RuleMeta {
        id: text("id").or_else(|| name.clone()).unwrap_or_else(|| title.clone()),
        name,
        title,
        description: text("description").unwrap_or_default().trim().to_owned(),
        level: level(node, problems),
        status: status(node, problems),
        author: text("author"),
        tags: texts(node.get("tags")),
        references: texts(node.get("references")),
        falsepositives: texts(node.get("falsepositives")),
        path: path.to_owned(),
        position: node.at,
        keys: node.entries().iter().map(|(key, _)| key.text.clone()).collect(),
        content_hash: hash_of(node),
        title_vi: None,
        description_vi: None,
        response: Vec::new(),
        response_vi: Vec::new(),
        entity: None,
        logsource: RuleLogSource::default(),
        logsource_definition: None,
        silent: false,
    };
    read_extensions(node, &mut meta, problems);
    meta
}

/// Reads a detection rule.
pub fn read(node: &Node, path: &Path, lists: Lists<'_>, problems: &mut Problems) -> Option<Rule> {
    let mut meta = read_meta(node, path, problems);
    match node.get("logsource") {
        Some(logsource) => {
            meta.logsource = read_logsource(logsource, problems);
            meta.logsource_definition = logsource.get("definition").and_then(Node::scalar_text);
        }
        None => problems.add(node.at, RuleError::Missing("logsource")),
    }
    let Some(detection) = node.get("detection") else {
        problems.add(node.at, RuleError::Missing("detection"));
        return None;
    };
    let detection = detection::read(detection, detection::OF_A_RULE, lists, problems)?;
    Some(Rule { meta, expr: detection.expr, searches: detection.searches })
}

/// Reads a `logsource`.
pub fn read_logsource(node: &Node, problems: &mut Problems) -> RuleLogSource {
    if !matches!(node.kind, Kind::Map(_)) {
        let error = RuleError::WrongType { key: "logsource".into(), expected: "a map", found: node.kind_name() };
        problems.add(node.at, error);
    }
    let text = |key| node.get(key).and_then(Node::scalar_text).filter(|text: &String| !text.is_empty());
    RuleLogSource { product: text("product"), service: text("service"), category: text("category") }
}

fn level(node: &Node, problems: &mut Problems) -> RuleLevel {
    let Some(level) = node.get("level") else { return RuleLevel::default() };
    let text = level.scalar_text().unwrap_or_default();
    text.parse().unwrap_or_else(|_| {
        problems.add_with_hint(
            level.at,
            RuleError::UnknownLevel(text.clone()),
            nearest(&text, &RuleLevel::ALL.map(RuleLevel::as_str)),
        );
        RuleLevel::default()
    })
}

fn status(node: &Node, problems: &mut Problems) -> RuleStatus {
    let Some(status) = node.get("status") else { return RuleStatus::default() };
    let text = status.scalar_text().unwrap_or_default();
    match RuleStatus::ALL.iter().find(|(name, _)| *name == text) {
        Some((_, status)) => *status,
        None => {
            let hint = nearest(&text, &RuleStatus::ALL.map(|(name, _)| name));
            problems.add_with_hint(status.at, RuleError::UnknownStatus(text), hint);
            RuleStatus::default()
        }
    }
}

/// Names the word that was probably meant, or all that could be.
fn nearest(written: &str, words: &[&str]) -> String {
    match closest(written, words.iter().copied()) {
        Some(word) => format!("did you mean `{word}`?"),
        None => format!("known are {}", words.join(", ")),
    }
}

/// Reads our own attributes, which Sigma admits as custom ones, from below `longan`.
fn read_extensions(node: &Node, meta: &mut RuleMeta, problems: &mut Problems) {
    const KEYS: [&str; 5] = ["title_vi", "description_vi", "response", "response_vi", "entity"];
    let Some(extensions) = node.get("longan") else { return };
    for (key, value) in extensions.entries() {
        let text = || value.scalar_text().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        match key.text.as_str() {
            "title_vi" => meta.title_vi = text(),
            "description_vi" => meta.description_vi = text(),
            "entity" => meta.entity = text(),
            "response" => meta.response = texts(Some(value)),
            "response_vi" => meta.response_vi = texts(Some(value)),
            other => {
                problems.add_with_hint(key.at, RuleError::UnknownExtension(other.to_owned()), nearest(other, &KEYS));
            }
        }
    }
}

fn texts(node: Option<&Node>) -> Vec<String> {
    let items = node.map_or(&[][..], Node::items);
    items.iter().filter_map(Node::scalar_text).filter(|text| !text.is_empty()).collect()
}

/// Hashes what a document says; where it stands does not count. The same on every machine and for every version.
pub fn hash_of(node: &Node) -> u64 {
    let mut text = String::new();
    write_canonical(node, &mut text);
    stable_hash(text.as_bytes())
}

/// Returns the first eight bytes of the SHA-256 of some bytes.
pub(in crate::detect) fn stable_hash(bytes: &[u8]) -> u64 {
    let digest = Sha256::digest(bytes);
    digest.iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
}

fn write_canonical(node: &Node, out: &mut String) {
    match &node.kind {
        Kind::List(items) => {
            out.push('[');
            items.iter().for_each(|item| write_canonical(item, out));
            out.push(']');
        }
        Kind::Map(entries) => {
            out.push('{');
            for (key, value) in entries {
                out.push_str(&key.text);
                out.push('\u{1}');
                write_canonical(value, out);
            }
            out.push('}');
        }
        _ => {
            out.push_str(node.kind_name());
            out.push_str(&node.scalar_text().unwrap_or_default());
            out.push('\u{2}');
        }
    }
}
