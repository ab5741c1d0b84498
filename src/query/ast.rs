//! What a query is once read, and how it is written.

use std::fmt;
use std::net::IpAddr;
use std::ops::Bound;
use std::sync::Arc;

use regex::Regex;
use regex::RegexBuilder;

use crate::model::Timestamp;
use crate::query::glob::Glob;
use crate::query::glob::is_special;
use crate::query::literals::Literals;
use crate::query::literals::literals_of;

/// A compiled regex may take this much memory.
const REGEX_BYTES_MAX: usize = 1 << 20;

/// A filter.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// Every event.
    All,
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    /// Words at successive places of the line or its message.
    Words(Phrase),
    /// A regex over the line or its message.
    Pattern(Pattern),
    Field {
        name: String,
        test: Test,
    },
}

/// What is asked of one field. A list fulfils a test when one of its items does.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    Exists,
    /// The value is this, in the normal form of `keyword`.
    Equals(String),
    Glob(Glob),
    Pattern(Pattern),
    Range(Range),
    Cidr(Cidr),
    /// The words of a text field.
    Words(Phrase),
}

/// One place of a phrase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// A word, or an address as a whole.
    Word(String),
    Glob(Glob),
}

/// Parts that stand at successive positions of a text; at least one, at most 64.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phrase {
    pub parts: Vec<Part>,
}

/// A regular expression, looked for anywhere in the text.
#[derive(Debug, Clone)]
pub struct Pattern {
    source: String,
    ignore_case: bool,
    regex: Regex,
    literals: Arc<Literals>,
}

impl Pattern {
    /// Compiles a pattern; memory is bounded, and matching takes time proportional to the text.
    ///
    /// # Errors
    /// What is wrong with it, in a line.
    pub fn new(source: &str, ignore_case: bool) -> Result<Pattern, String> {
        RegexBuilder::new(source)
            .case_insensitive(ignore_case)
            .size_limit(REGEX_BYTES_MAX)
            .dfa_size_limit(REGEX_BYTES_MAX)
            .build()
            .map(|regex| {
                let literals = Arc::new(literals_of(source, ignore_case));
                Pattern { source: source.to_owned(), ignore_case, regex, literals }
            })
            .map_err(|err| {
                let text = err.to_string();
                text.lines().next_back().unwrap_or_default().trim_start_matches("error: ").to_owned()
            })
    }

    /// Returns the text of the regex.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Says whether case does not matter.
    pub fn ignores_case(&self) -> bool {
        self.ignore_case
    }

    /// Returns what a text must contain for the pattern to be found in it.
    pub fn literals(&self) -> &Literals {
        &self.literals
    }

    /// Looks for the pattern in a text.
    pub fn is_found_in(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        self.source == other.source && self.ignore_case == other.ignore_case
    }
}

/// A number as compared in ranges.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    Int(i64),
    Float(f64),
}

impl Number {
    /// Reads a decimal number; whole numbers become `Int`.
    pub fn from_text(text: &str) -> Option<Number> {
        if let Ok(number) = text.parse() {
            return Some(Number::Int(number));
        }
        let plain = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E');
        let number = text.bytes().all(plain).then(|| text.parse::<f64>().ok()).flatten().filter(|n| n.is_finite())?;
        let is_whole = number.fract() == 0.0 && number.abs() < 9.0e15;
        Some(if is_whole { Number::Int(number as i64) } else { Number::Float(number) })
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Number) -> Option<std::cmp::Ordering> {
        match (self, other) {
            (Number::Int(left), Number::Int(right)) => Some(left.cmp(right)),
            (Number::Int(left), Number::Float(right)) => (*left as f64).partial_cmp(right),
            (Number::Float(left), Number::Int(right)) => left.partial_cmp(&(*right as f64)),
            (Number::Float(left), Number::Float(right)) => left.partial_cmp(right),
        }
    }
}

/// Values between two bounds. The bounds say how values are compared; a value of another kind is outside.
#[derive(Debug, Clone, PartialEq)]
pub enum Range {
    Number(Bound<Number>, Bound<Number>),
    Address(Bound<IpAddr>, Bound<IpAddr>),
    /// In the order of normalized text.
    Text(Bound<String>, Bound<String>),
    /// From the first, up to but not including the second.
    Time {
        from: Option<Timestamp>,
        until: Option<Timestamp>,
    },
}

/// A network: the addresses that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    network: IpAddr,
    prefix: u8,
}

impl Cidr {
    /// Reads `10.0.0.0/8` or `2001:db8::/32`; bits after the prefix are ignored.
    pub fn from_text(text: &str) -> Option<Cidr> {
        let (address, prefix) = text.split_once('/')?;
        let network: IpAddr = address.parse().ok()?;
        let prefix: u8 = prefix.parse().ok().filter(|_| prefix.bytes().all(|byte| byte.is_ascii_digit()))?;
        let network = match network {
            IpAddr::V4(v4) if prefix <= 32 => IpAddr::V4((u32::from(v4) & mask_v4(prefix)).into()),
            IpAddr::V6(v6) if prefix <= 128 => IpAddr::V6((u128::from(v6) & mask_v6(prefix)).into()),
            _ => return None,
        };
        Some(Cidr { network, prefix })
    }

    /// Says whether a canonical address lies in the network. IPv4 and IPv6 never meet.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.network, address) {
            (IpAddr::V4(network), IpAddr::V4(v4)) => u32::from(v4) & mask_v4(self.prefix) == u32::from(network),
            (IpAddr::V6(network), IpAddr::V6(v6)) => u128::from(v6) & mask_v6(self.prefix) == u128::from(network),
            _ => false,
        }
    }

    /// Returns the text that every address of an IPv4 network begins with in decimal notation; may be empty.
    pub fn text_prefix(&self) -> String {
        let IpAddr::V4(network) = self.network else { return String::new() };
        let whole_octets = usize::from(self.prefix / 8);
        let text: String = network.octets().iter().take(whole_octets).map(|octet| format!("{octet}.")).collect();
        if whole_octets == 4 { text.trim_end_matches('.').to_owned() } else { text }
    }
}

fn mask_v4(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0)
}

fn mask_v6(prefix: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0)
}

impl Expr {
    /// Calls `visit` with every field name in the expression.
    pub fn for_each_field<'e>(&'e self, visit: &mut dyn FnMut(&'e str)) {
        match self {
            Expr::All | Expr::Words(_) | Expr::Pattern(_) => {}
            Expr::And(children) | Expr::Or(children) => children.iter().for_each(|child| child.for_each_field(visit)),
            Expr::Not(child) => child.for_each_field(visit),
            Expr::Field { name, .. } => visit(name),
        }
    }

    fn fmt_child(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expr::And(_) | Expr::Or(_) => write!(f, "({self})"),
            _ => fmt::Display::fmt(self, f),
        }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (children, operator) = match self {
            Expr::All => return f.write_str("*"),
            Expr::Words(phrase) => return phrase.fmt(f),
            Expr::Pattern(pattern) => return pattern.fmt(f),
            Expr::Field { name, test: Test::Exists } => {
                f.write_str("_exists_:")?;
                return fmt_name(name, f);
            }
            Expr::Field { name, test } => {
                fmt_name(name, f)?;
                let value = test.to_string();
                // `c:\` begins a path, unless parentheses say that it is a field and its value.
                let is_like_path = value.starts_with('\\') && name.chars().nth(1).is_none();
                return if is_like_path { write!(f, ":({value})") } else { write!(f, ":{value}") };
            }
            Expr::Not(child) => {
                f.write_str("NOT ")?;
                return child.fmt_child(f);
            }
            Expr::And(children) => (children, " AND "),
            Expr::Or(children) => (children, " OR "),
        };
        for (index, child) in children.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { operator })?;
            child.fmt_child(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Test::Exists => f.write_str("*"),
            Test::Equals(text) => fmt_quoted(text, f),
            Test::Glob(glob) => glob.fmt(f),
            Test::Pattern(pattern) => pattern.fmt(f),
            Test::Range(range) => range.fmt(f),
            Test::Cidr(cidr) => cidr.fmt(f),
            Test::Words(phrase) => phrase.fmt(f),
        }
    }
}

impl fmt::Display for Phrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Only words without wildcards may be quoted: quotes take the meaning from `*` and `?`.
        let is_plain = self.parts.iter().all(|part| matches!(part, Part::Word(_)));
        let (quote, separator) = if is_plain { ("\"", " ") } else { ("", ",") };
        f.write_str(quote)?;
        for (index, part) in self.parts.iter().enumerate() {
            f.write_str(if index == 0 { "" } else { separator })?;
            match part {
                Part::Word(word) => f.write_str(word)?,
                Part::Glob(glob) => glob.fmt(f)?,
            }
        }
        f.write_str(quote)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("/")?;
        let mut letters = self.source.chars();
        while let Some(letter) = letters.next() {
            match letter {
                '\\' => {
                    f.write_str("\\")?;
                    letters.next().map_or(Ok(()), |escaped| write!(f, "{escaped}"))?;
                }
                '/' => f.write_str("\\/")?,
                other => write!(f, "{other}")?,
            }
        }
        f.write_str(if self.ignore_case { "/i" } else { "/" })
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Int(number) => write!(f, "{number}"),
            Number::Float(number) => write!(f, "{number}"),
        }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.prefix)
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Range::Number(lower, upper) => fmt_range(lower, upper, f, |number, f| number.fmt(f)),
            Range::Address(lower, upper) => fmt_range(lower, upper, f, |address, f| address.fmt(f)),
            Range::Text(lower, upper) => fmt_range(lower, upper, f, |text, f| fmt_quoted(text, f)),
            Range::Time { from, until } => {
                let lower = from.map_or(Bound::Unbounded, Bound::Included);
                let upper = until.map_or(Bound::Unbounded, Bound::Excluded);
                fmt_range(&lower, &upper, f, |time, f| time.fmt(f))
            }
        }
    }
}

fn fmt_range<T>(
    lower: &Bound<T>,
    upper: &Bound<T>,
    f: &mut fmt::Formatter<'_>,
    write: impl Fn(&T, &mut fmt::Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    f.write_str(if matches!(lower, Bound::Excluded(_)) { "{" } else { "[" })?;
    match lower {
        Bound::Included(value) | Bound::Excluded(value) => write(value, f)?,
        Bound::Unbounded => f.write_str("*")?,
    }
    f.write_str(" TO ")?;
    match upper {
        Bound::Included(value) | Bound::Excluded(value) => write(value, f)?,
        Bound::Unbounded => f.write_str("*")?,
    }
    f.write_str(if matches!(upper, Bound::Excluded(_)) { "}" } else { "]" })
}

fn fmt_quoted(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

fn fmt_name(name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for letter in name.chars() {
        let escape = if is_special(letter) && letter != '-' { "\\" } else { "" };
        write!(f, "{escape}{letter}")?;
    }
    Ok(())
}
