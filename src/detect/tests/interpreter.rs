//! The compiled engine against an interpreter that reads each rule plainly, on random rules and events.

use proptest::prelude::*;

use super::*;
use crate::detect::sigma::detection::Expr;
use crate::detect::sigma::document::Document;
use crate::detect::sigma::error::Problems;
use crate::detect::sigma::value::FieldPart;
use crate::detect::sigma::value::Part;
use crate::detect::sigma::value::Pattern;
use crate::detect::sigma::value::Predicate;
use crate::detect::sigma::value::Test;

fn holds(expr: &Expr, event: &Event<'_>) -> bool {
    match expr {
        Expr::All(parts) => parts.iter().all(|part| holds(part, event)),
        Expr::Any(parts) => parts.iter().any(|part| holds(part, event)),
        Expr::Not(inner) => !holds(inner, event),
        Expr::Test(predicate) => test_holds(predicate, event),
    }
}

fn values<'e>(event: &'e Event<'_>, field: Option<&str>) -> Vec<&'e Value<'e>> {
    let chosen = event.fields.iter().filter(|(name, _)| field.is_none_or(|field| name.as_str() == field));
    chosen
        .flat_map(|(_, value)| match value {
            Value::List(items) => items.iter().collect(),
            scalar => vec![scalar],
        })
        .collect()
}

fn test_holds(predicate: &Predicate, event: &Event<'_>) -> bool {
    let values = values(event, predicate.field.as_deref());
    let is_there = event.fields.iter().any(|(name, _)| Some(name.as_str()) == predicate.field.as_deref());
    match &predicate.test {
        Test::Exists => is_there,
        Test::Null => !is_there || values.iter().any(|value| **value == Value::Null),
        Test::Field { other, part, cased } => {
            let others = self::values(event, Some(other));
            let is_null = |value: &Value<'_>| *value == Value::Null;
            values.iter().any(|left| {
                others.iter().any(|right| !is_null(left) && !is_null(right) && relates(*part, *cased, left, right))
            })
        }
        test => values.into_iter().filter(|value| **value != Value::Null).any(|value| value_passes(test, value)),
    }
}

fn lower(text: &str) -> String {
    text.chars().flat_map(char::to_lowercase).collect()
}

fn relates(part: FieldPart, cased: bool, left: &Value<'_>, right: &Value<'_>) -> bool {
    let text = |value: &Value<'_>| if cased { value.to_string() } else { lower(&value.to_string()) };
    let (left, right) = (text(left), text(right));
    match part {
        FieldPart::Whole => left == right,
        FieldPart::Start => left.starts_with(&right),
        FieldPart::End => left.ends_with(&right),
        FieldPart::Anywhere => left.contains(&right),
    }
}

fn value_passes(test: &Test, value: &Value<'_>) -> bool {
    let text = value.to_string();
    match test {
        Test::Text { pattern, cased: true } => like(pattern.parts(), &text),
        Test::Text { pattern, cased: false } => {
            let parts: Vec<Part> = pattern
                .parts()
                .iter()
                .map(|part| match part {
                    Part::Literal(text) => Part::Literal(lower(text)),
                    other => other.clone(),
                })
                .collect();
            like(&parts, &lower(&text))
        }
        Test::Regex(spec) => spec.compile().expect("checked when read").is_match(&text),
        Test::Cidr(network) => text.parse().is_ok_and(|address| network.contains(address)),
        Test::Compare { op, number } => text.parse().is_ok_and(|have: f64| op.holds(have, number.get())),
        _ => false,
    }
}

/// The meaning of wildcards, said as plainly as can be; exponential, so only for short texts.
fn like(parts: &[Part], text: &str) -> bool {
    match parts.split_first() {
        None => text.is_empty(),
        Some((Part::Literal(literal), rest)) => {
            text.strip_prefix(literal.as_str()).is_some_and(|text| like(rest, text))
        }
        Some((Part::One, rest)) => {
            let mut chars = text.chars();
            chars.next().is_some() && like(rest, chars.as_str())
        }
        Some((Part::Any, rest)) => {
            text.char_indices().map(|(at, _)| at).chain([text.len()]).any(|at| like(rest, &text[at..]))
        }
    }
}

fn word() -> impl Strategy<Value = String> {
    proptest::collection::vec(
        proptest::sample::select(vec!["a", "b", "A", "ab", "Đ", "đ", "1", ".", "\\\\", "ab1.Aba"]),
        0..4,
    )
    .prop_map(|parts| parts.concat())
}

fn written() -> impl Strategy<Value = String> {
    (word(), proptest::sample::select(vec!["", "", "*", "?"]), word()).prop_map(|(a, wild, b)| format!("{a}{wild}{b}"))
}

fn field_line() -> impl Strategy<Value = String> {
    let name = proptest::sample::select(vec!["F", "G", "user.name"]);
    let texts = (
        name.clone(),
        proptest::sample::select(vec![
            "",
            "|contains",
            "|startswith",
            "|endswith",
            "|cased",
            "|contains|cased",
            "|contains|all",
            "|endswith|neq",
        ]),
        proptest::collection::vec(written(), 1..4),
    )
        .prop_map(|(name, modifiers, values)| {
            let values: Vec<String> = values.iter().map(|value| format!("'{value}'")).collect();
            format!("'{name}{modifiers}': [{}]", values.join(", "))
        });
    let fixed = (
        name,
        proptest::sample::select(vec![
            "|re': 'a+b'",
            "|re|i': 'ab.?1'",
            "|re': '[ab]{2}'",
            "|gt': 0",
            "|lte': 1",
            "|exists': true",
            "|exists': false",
            "': null",
            "|cidr': '1.0.0.0/8'",
            "': 1",
            "': ''",
            "|fieldref': G",
            "|fieldref': user.name",
            "|fieldref|startswith': G",
            "|fieldref|endswith': F",
            "|fieldref|contains': user.name",
            "|cased|fieldref': G",
            "|windash|contains': ['-a', ' /b']",
            "|windash|contains|all': ['-ab', '/a -b']",
            "|windash': ['-a*', 'x-a', '-']",
            "|windash|startswith|cased': '-A'",
            "|base64': 'ab'",
            "|base64offset|contains': ['ab', 'Đ1a']",
            "|wide|base64offset|contains': 'ab'",
            "|utf16be|base64offset|contains': 'a'",
            "|utf16|base64': 'aB'",
        ]),
    )
        .prop_map(|(name, rest)| format!("'{name}{rest}"));
    prop_oneof![3 => texts, 3 => fixed]
}

/// What the values looked for look like once encoded, at every offset and with something around.
fn encoded() -> impl Strategy<Value = String> {
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let big = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>();
    let words = vec![b"ab".to_vec(), "Đ1a".as_bytes().to_vec(), wide("ab"), big("a"), b"\xff\xfea\0B\0".to_vec()];
    ("[a-z]{0,3}", proptest::sample::select(words), "[a-z]{0,3}")
        .prop_map(|(before, word, after)| base64_of(&[before.as_bytes(), word.as_slice(), after.as_bytes()].concat()))
}

fn base64_of(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn map() -> impl Strategy<Value = String> {
    proptest::collection::btree_map("[FGu]", field_line(), 1..3).prop_map(|lines| {
        // Keys must differ within a map: one line a field name.
        let mut seen = Vec::new();
        let is_new = |line: &String| {
            let key = line.split(':').next().unwrap_or_default().to_owned();
            let new = !seen.contains(&key);
            seen.push(key);
            new
        };
        let kept: Vec<String> = lines.into_values().filter(is_new).collect();
        format!("{{{}}}", kept.join(", "))
    })
}

fn search() -> impl Strategy<Value = String> {
    prop_oneof![
        5 => map(),
        2 => proptest::collection::vec(map(), 1..4).prop_map(|maps| format!("[{}]", maps.join(", "))),
        1 => proptest::collection::vec(written().prop_filter("not empty", |word| !word.is_empty()), 1..3)
            .prop_map(|words| format!("[{}]", words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(", "))),
    ]
}

fn condition() -> impl Strategy<Value = String> {
    let leaf = proptest::sample::select(vec!["s0", "s1", "s2", "1 of s*", "all of them"]).prop_map(str::to_owned);
    leaf.prop_recursive(3, 8, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|a| format!("not ({a})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a}) and ({b})")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("({a}) or ({b})")),
        ]
    })
}

fn random_rule() -> impl Strategy<Value = String> {
    (search(), search(), search(), condition()).prop_map(|(s0, s1, s2, condition)| {
        format!("logsource: {{product: x}}\ndetection:\n  s0: {s0}\n  s1: {s1}\n  s2: {s2}\n  condition: {condition}\n")
    })
}

fn random_value() -> impl Strategy<Value = Value<'static>> {
    let text = proptest::collection::vec(
        proptest::sample::select(vec!["a", "b", "A", "B", "ab", "Đ", "đ", "1", "\\", ".", "x", "aB1.aba"]),
        0..6,
    )
    .prop_map(|parts| Value::from(parts.concat()));
    let dashed = proptest::collection::vec(
        proptest::sample::select(vec!["-", "/", "\u{2013}", "\u{2014}", "\u{2015}", " ", "a", "A", "b", "x"]),
        1..7,
    )
    .prop_map(|parts| Value::from(parts.concat()));
    let scalar = prop_oneof![
        8 => text,
        3 => dashed,
        2 => encoded().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => (-1_i64..3).prop_map(Value::Int),
        1 => Just(Value::from("1.2.3.4")),
        1 => Just(Value::Bool(true)),
    ];
    prop_oneof![5 => scalar.clone(), 1 => proptest::collection::vec(scalar, 0..3).prop_map(Value::List)]
}

fn random_event() -> impl Strategy<Value = Event<'static>> {
    proptest::collection::btree_map(proptest::sample::select(vec!["F", "G", "user.name", "H"]), random_value(), 0..4)
        .prop_map(|fields| {
            let mut event = event("{}");
            fields.into_iter().for_each(|(name, value)| event.push(Name::new(name), value));
            event
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]
    #[test]
    fn both_agree(rules in proptest::collection::vec(random_rule(), 1..5), events in proptest::collection::vec(random_event(), 1..6)) {
        let files: Vec<RuleFile> = rules.iter().enumerate().map(|(number, text)| RuleFile {
            path: PathBuf::from(format!("{number}.yml")),
            text: format!("title: T{number}\nid: r{number}\n{text}"),
        }).collect();
        let mut plain = Vec::new();
        for file in &files {
            let mut problems = Problems::default();
            for document in sigma::document::read(&file.path, &file.text, &|_| None, &mut problems) {
                let Document::Rule(rule) = document else { continue };
                plain.push(rule);
            }
            prop_assert_eq!(&problems.0, &Vec::new(), "{}", &file.text);
        }
        let (set, _) = RuleSet::compile(&files, &Options::default());
        let set = Arc::new(set);
        let mut engine = Engine::new(Arc::clone(&set));
        // Twice: the second time, values are remembered from the first.
        for event in events.iter().chain(&events) {
            let got: Vec<usize> = engine.matches(event).iter().map(|matched| matched.rule).collect();
            let want: Vec<usize> = plain.iter().enumerate().filter(|(_, rule)| holds(&rule.expr, event)).map(|(index, _)| index).collect();
            prop_assert_eq!(got, want, "{:?}\n{}", &event.fields, rules.join("\n---\n"));
        }
    }

    #[test]
    fn patterns_mean_what_they_say(pattern in "[aĐ*?]{0,6}", text in "[ađĐ]{0,6}") {
        let pattern = Pattern::parse(&pattern);
        prop_assert_eq!(pattern.matches(&text), like(pattern.parts(), &text));
    }

    /// Said the other way round than it is done: a text has the value if some dash of each option can be a hyphen.
    #[test]
    fn any_dash_may_begin_an_option(value in "[ ]?[-/][ab][ab ]?([-/][ab])?", text in "[ab \\-/\u{2013}\u{2014}\u{2015}]{0,9}") {
        let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let chars: Vec<char> = value.chars().collect();
        let begins = |at: usize| {
            matches!(chars[at], '-' | '/') && !is_word(at.checked_sub(1).map(|at| chars[at])) && is_word(chars.get(at + 1).copied())
        };
        let fits = |window: &[char]| window.iter().enumerate().all(|(at, have)| {
            if begins(at) { "-/\u{2013}\u{2014}\u{2015}".contains(*have) } else { chars[at] == *have }
        });
        let want = text.chars().collect::<Vec<char>>().windows(chars.len()).any(fits);
        let json = serde_json::json!({ "F": text }).to_string();
        prop_assert_eq!(matches(&format!("  a:\n    F|windash|contains: '{value}'\n  condition: a\n"), &json), want);
    }

    #[test]
    fn what_is_encoded_is_found_behind_and_before_anything(
        before in proptest::collection::vec(any::<u8>(), 0..5), word in "[a-zA-Z0-9]{3,8}", after in proptest::collection::vec(any::<u8>(), 0..5), is_wide in any::<bool>()
    ) {
        let bytes: Vec<u8> = if is_wide { word.encode_utf16().flat_map(u16::to_le_bytes).collect() } else { word.clone().into_bytes() };
        let modifiers = if is_wide { "wide|base64offset|contains" } else { "base64offset|contains" };
        let detection = format!("  a:\n    F|{modifiers}: '{word}'\n  condition: a\n");
        let json = |bytes: &[u8]| serde_json::json!({ "F": base64_of(bytes) }).to_string();
        prop_assert!(matches(&detection, &json(&[&before[..], &bytes, &after].concat())));
        let mut other = bytes;
        other[0] ^= 0x10;
        // Encoded text is compared like any other, letter case aside, so that a word this short may look like another.
        if word.len() > 5 {
            prop_assert!(!matches(&detection, &json(&other)));
        }
    }

    #[test]
    fn reading_never_panics(text in "[ -~\n]{0,200}") {
        let file = RuleFile { path: PathBuf::from("x.yml"), text };
        drop(RuleSet::compile(&[file], &Options::default()));
    }
}

proptest! {
    // Each case runs thousands of events.
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]
    #[test]
    fn what_is_learned_changes_no_answer(rules in proptest::collection::vec(random_rule(), 1..5), events in proptest::collection::vec(random_event(), 4..12)) {
        let texts: Vec<String> = rules.iter().enumerate().map(|(number, text)| format!("title: T{number}\nid: r{number}\n{text}")).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let (set, _) = set_of(&texts);
        let mut fresh = Engine::new(Arc::clone(&set));
        let want: Vec<Vec<Match>> = events.iter().map(|event| fresh.matches(event).to_vec()).collect();
        // Long enough for the plan to be judged, and built anew where that pays.
        let mut learning = Engine::new(set);
        for _ in 0..2800 / events.len() {
            for event in &events {
                learning.matches(event);
            }
        }
        for (event, want) in events.iter().zip(want) {
            prop_assert_eq!(learning.matches(event), want, "{:?}\n{}", &event.fields, rules.join("\n---\n"));
        }
    }
}
