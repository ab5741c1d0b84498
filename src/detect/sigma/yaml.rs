//! YAML as a tree that remembers where each value stands; bounded in size, depth and alias expansion.
//!
//! Scalars follow the core schema of YAML 1.2, which is what rule authors expect: a quoted scalar is always text.

use granit_parser::Event;
use granit_parser::Marker;
use granit_parser::Parser;
use granit_parser::ScalarStyle;
use hashbrown::HashMap;

use crate::detect::sigma::error::Problems;
use crate::detect::sigma::error::RuleError;
use crate::diag::Position;

/// Levels of nesting a file may have; real rules stay below ten.
const DEPTH_MAX: usize = 48;
/// Nodes a file may expand to, aliases included: the largest real rule has a few thousand.
const NODES_MAX: usize = 200_000;

/// A value and its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    pub at: Position,
    pub kind: Kind,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(Key, Node)>),
}

/// The key of a map entry and its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    pub text: String,
    pub at: Position,
}

impl Node {
    /// Returns the entry of a map.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|(have, _)| have.text == key).map(|(_, node)| node)
    }

    /// Returns the entries of a map; none for anything else.
    pub fn entries(&self) -> &[(Key, Node)] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// Returns the items of a list, or the node itself as the only item.
    pub fn items(&self) -> &[Node] {
        match &self.kind {
            Kind::List(items) => items,
            _ => std::slice::from_ref(self),
        }
    }

    /// Returns the text of a textual scalar.
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            Kind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns a scalar as the text a person would write; `None` for lists and maps.
    pub fn scalar_text(&self) -> Option<String> {
        match &self.kind {
            Kind::Null => Some(String::new()),
            Kind::Bool(truth) => Some(truth.to_string()),
            Kind::Int(number) => Some(number.to_string()),
            Kind::Float(number) => Some(number.to_string()),
            Kind::Text(text) => Some(text.clone()),
            Kind::List(_) | Kind::Map(_) => None,
        }
    }

    /// Returns what the node is, for messages.
    pub fn kind_name(&self) -> &'static str {
        match &self.kind {
            Kind::Null => "nothing",
            Kind::Bool(_) => "a truth value",
            Kind::Int(_) | Kind::Float(_) => "a number",
            Kind::Text(_) => "text",
            Kind::List(_) => "a list",
            Kind::Map(_) => "a map",
        }
    }

    /// Lays `over` on top: maps merge key by key, everything else is replaced.
    pub fn merged_with(&self, over: &Node) -> Node {
        let (Kind::Map(below), Kind::Map(above)) = (&self.kind, &over.kind) else { return over.clone() };
        let mut entries = below.clone();
        for (key, node) in above {
            match entries.iter_mut().find(|(have, _)| have.text == key.text) {
                Some((_, old)) => *old = old.merged_with(node),
                None => entries.push((key.clone(), node.clone())),
            }
        }
        Node { at: over.at, kind: Kind::Map(entries) }
    }
}

/// Reads every document of a file. A malformed file gives what was read before the fault, and the problem.
pub fn documents(text: &str, problems: &mut Problems) -> Vec<Node> {
    let mut builder = Builder { anchors: HashMap::new(), nodes: 0, stack: Vec::new(), done: Vec::new() };
    let options = granit_parser::options! { emit_comments: false };
    for event in Parser::new_from_str_with_options(text, options) {
        let step = match event {
            Ok((event, span)) => builder.accept(event, position(&span.start), problems),
            Err(err) => Err((position(err.marker()), RuleError::Yaml(err.info()))),
        };
        if let Err((at, error)) = step {
            problems.add(at, error);
            break;
        }
    }
    builder.done
}

fn position(marker: &Marker) -> Position {
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    Position { line: number(marker.line()), column: number(marker.col() + 1) }
}

type Fault = (Position, RuleError);

/// A collection that is still being read.
struct Open {
    node: Node,
    anchor: usize,
    /// The key whose value comes next, in a map.
    key: Option<Key>,
}

struct Builder {
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
    stack: Vec<Open>,
    done: Vec<Node>,
}

impl Builder {
    fn accept(&mut self, event: Event<'_>, at: Position, problems: &mut Problems) -> Result<(), Fault> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain && tag.is_none();
                let kind = if plain { plain_scalar(&text) } else { Kind::Text(text.into_owned()) };
                self.count(at, 1)?;
                self.place(Node { at, kind }, anchor, 1, problems)
            }
            Event::Alias(id) => {
                let Some((node, size)) = self.anchors.get(&id).cloned() else {
                    return Err((at, RuleError::Yaml("alias of an anchor that is not complete".to_owned())));
                };
                self.count(at, size)?;
                self.place(Node { at, ..node }, 0, size, problems)
            }
            Event::SequenceStart(_, anchor, _) => self.open(Node { at, kind: Kind::List(Vec::new()) }, anchor),
            Event::MappingStart(_, anchor, _) => self.open(Node { at, kind: Kind::Map(Vec::new()) }, anchor),
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.stack.pop() else { return Ok(()) };
                let size = if open.anchor == 0 { 0 } else { size_of(&open.node) };
                self.place(open.node, open.anchor, size, problems)
            }
            _ => Ok(()),
        }
    }

    fn count(&mut self, at: Position, nodes: usize) -> Result<(), Fault> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > NODES_MAX { Err((at, RuleError::TooManyNodes(NODES_MAX))) } else { Ok(()) }
    }

    fn open(&mut self, node: Node, anchor: usize) -> Result<(), Fault> {
        self.count(node.at, 1)?;
        if self.stack.len() >= DEPTH_MAX {
            return Err((node.at, RuleError::TooDeep(DEPTH_MAX)));
        }
        self.stack.push(Open { node, anchor, key: None });
        Ok(())
    }

    /// Puts a finished node into the collection that is open, or among the documents.
    fn place(&mut self, node: Node, anchor: usize, size: usize, problems: &mut Problems) -> Result<(), Fault> {
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), size));
        }
        let Some(open) = self.stack.last_mut() else {
            self.done.push(node);
            return Ok(());
        };
        match &mut open.node.kind {
            Kind::List(items) => items.push(node),
            Kind::Map(entries) => match open.key.take() {
                Some(key) => entries.push((key, node)),
                None => {
                    let Some(text) = node.scalar_text() else {
                        return Err((node.at, RuleError::Yaml(format!("{} cannot be a key", node.kind_name()))));
                    };
                    if entries.iter().any(|(have, _)| have.text == text) {
                        problems.add(node.at, RuleError::DuplicateKey(text.clone()));
                    }
                    open.key = Some(Key { text, at: node.at });
                }
            },
            _ => {}
        }
        Ok(())
    }
}

fn size_of(node: &Node) -> usize {
    1 + match &node.kind {
        Kind::List(items) => items.iter().map(size_of).sum(),
        Kind::Map(entries) => entries.iter().map(|(_, value)| 1 + size_of(value)).sum(),
        _ => 0,
    }
}

/// Resolves an unquoted scalar by the core schema (YAML 1.2.2 §10.3.2).
fn plain_scalar(text: &str) -> Kind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Kind::Null,
        "true" | "True" | "TRUE" => return Kind::Bool(true),
        "false" | "False" | "FALSE" => return Kind::Bool(false),
        _ => {}
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return Kind::Text(text.to_owned());
    }
    if let Some(hex) = text.strip_prefix("0x") {
        return i64::from_str_radix(hex, 16).map_or_else(|_| Kind::Text(text.to_owned()), Kind::Int);
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().map_or_else(|_| Kind::Text(text.to_owned()), Kind::Int);
    }
    let float_shaped = digits.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte))
        && digits.bytes().any(|byte| byte.is_ascii_digit());
    match text.parse::<f64>() {
        Ok(number) if float_shaped && number.is_finite() => Kind::Float(number),
        _ => Kind::Text(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<Node>, Vec<RuleError>) {
        let mut problems = Problems::default();
        let nodes = documents(text, &mut problems);
        (nodes, problems.0.into_iter().map(|problem| problem.error).collect())
    }

    #[test]
    fn scalars_follow_the_core_schema() {
        for (text, want) in [
            ("1", Kind::Int(1)),
            ("-7", Kind::Int(-7)),
            ("'1'", Kind::Text("1".to_owned())),
            ("1.5", Kind::Float(1.5)),
            ("0x1f", Kind::Int(31)),
            ("10.0.0.1", Kind::Text("10.0.0.1".to_owned())),
            ("1e", Kind::Text("1e".to_owned())),
            ("~", Kind::Null),
            ("null", Kind::Null),
            ("''", Kind::Text(String::new())),
            ("true", Kind::Bool(true)),
            ("yes", Kind::Text("yes".to_owned())),
            ("2024-01-02", Kind::Text("2024-01-02".to_owned())),
        ] {
            let (nodes, problems) = read(&format!("a: {text}"));
            assert_eq!(problems, [], "{text}");
            assert_eq!(nodes[0].get("a").map(|node| &node.kind), Some(&want), "{text}");
        }
    }

    #[test]
    fn every_value_knows_its_place() {
        let (nodes, _) = read("a: x\nb:\n  - y\n  - z\n---\nc: w\n");
        assert_eq!(nodes.len(), 2);
        let list = nodes[0].get("b").expect("is there");
        assert_eq!(list.items()[1].at, Position { line: 4, column: 5 });
        assert_eq!(nodes[1].entries()[0].0.at, Position { line: 6, column: 1 });
    }

    #[test]
    fn aliases_expand_within_a_budget() {
        let (nodes, problems) = read("a: &x [1, 2]\nb: *x\n");
        assert_eq!(problems, []);
        assert_eq!(nodes[0].get("b").map(|node| node.items().len()), Some(2));

        let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for level in 1..9 {
            let below = format!("*a{}", level - 1);
            bomb.push_str(&format!("a{level}: &a{level} [{}]\n", vec![below; 10].join(", ")));
        }
        let (_, problems) = read(&bomb);
        assert_eq!(problems, [RuleError::TooManyNodes(NODES_MAX)]);
    }

    #[test]
    fn faults_are_placed_and_never_panic() {
        let (_, problems) = read("a: 1\na: 2\n");
        assert_eq!(problems, [RuleError::DuplicateKey("a".to_owned())]);
        let deep = format!("{}{}", "[".repeat(60), "]".repeat(60));
        assert_eq!(read(&deep).1, [RuleError::TooDeep(DEPTH_MAX)]);
        assert!(matches!(read("a: [1").1[..], [RuleError::Yaml(_)]));
        assert!(matches!(read("? [1]\n: 2").1[..], [RuleError::Yaml(_)]));
    }
}
