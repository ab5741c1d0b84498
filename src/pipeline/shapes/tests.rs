//! Clustering and drafting on made lines.

use std::sync::LazyLock;

use super::*;
use crate::model::Timestamp;
use crate::parse::Hint;
use crate::parse::Packs;

static NORMALIZER: LazyLock<crate::normalize::Normalizer> = LazyLock::new(Default::default);

fn shapes(lines: &[String]) -> Shapes {
    let packs = Packs::builtin();
    let mut shapes = Shapes::default();
    for line in lines {
        let hint = Hint { received: Timestamp(0), format: None, zone_offset_seconds: 0 };
        shapes.note(&packs.parse(line, &hint), true);
    }
    shapes
}

#[test]
fn lines_that_look_alike_are_one_shape() {
    let mut lines: Vec<String> = (0..30)
        .map(|n| format!("<13>1 2026-03-14T09:26:53Z h1 zorbd - - - lease {n} granted to host-{n} by worker"))
        .collect();
    lines.extend((0..10).map(|n| format!("<13>1 2026-03-14T09:26:53Z h1 zorbd - - - cache flushed after {n} misses")));
    lines.extend(
        ["alpha", "beta", "gamma"]
            .map(|who| format!("<13>1 2026-03-14T09:26:53Z h1 zorbd - - - pool {who} rebuilt by worker")),
    );
    let shapes = shapes(&lines);
    let seen: Vec<_> = shapes.commonest().iter().map(|shape| (shape.text(), shape.count)).collect();
    assert_eq!(
        seen,
        [
            ("zorbd: lease <*> granted to <*> by worker".to_owned(), 30),
            ("zorbd: cache flushed after <*> misses".to_owned(), 10),
            ("zorbd: pool <*> rebuilt by worker".to_owned(), 3),
        ]
    );
    assert!(shapes.commonest().iter().all(|shape| (1..=EXAMPLES_MAX).contains(&shape.examples.len())));
}

#[test]
fn what_is_kept_is_bounded() {
    let letters = |n: usize| (0..12).map(|at| char::from(b'a' + (n * 7 + at * n) as u8 % 26)).collect::<String>();
    let mut lines: Vec<String> = (0..50).map(|_| "the usual line of this source".to_owned()).collect();
    lines.extend((0..400).map(|n| vec![letters(n); 1 + n % 70].join(" ")));
    lines.push("x ".repeat(100_000));
    lines.push(" \u{1b}[31m ".to_owned());
    let shapes = shapes(&lines);
    assert!(shapes.len() <= SHAPES_MAX);
    assert_eq!(shapes.commonest()[0].text(), "the usual line of this source", "the frequent one stays");
    let bytes = serde_json::to_vec(&shapes).expect("JSON").len();
    assert!(bytes < 200_000, "{bytes}");
    let mut full = Shapes::default();
    let hint = Hint { received: Timestamp(0), format: None, zone_offset_seconds: 0 };
    full.note(&Packs::builtin().parse("no room for this", &hint), false);
    assert!(full.is_empty());
}

fn drafted(lines: &[&str]) -> Option<String> {
    let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    let draft = draft::draft("zorbd", &lines, &[])?;
    assert_eq!(draft.read, lines.len(), "{}", draft.text);
    // It must stand as it is.
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("zorbd.toml"), &draft.text).expect("written");
    let (packs, problems) = Packs::load(Some(folder.path()));
    assert!(problems.is_empty(), "{problems:?}");
    let tested = packs.run_samples(Some("zorbd"), &mut |event| NORMALIZER.normalize(event, None));
    assert!(tested.problems.is_empty(), "{:?}\n{}", tested.problems, draft.text);
    assert_eq!(tested.samples, lines.len());
    draft.text.lines().find(|line| line.starts_with("text = ")).map(str::to_owned)
}

#[test]
fn a_draft_reads_the_lines_it_was_made_from() {
    for (lines, pattern) in [
        (
            &[
                "<13>1 2026-03-14T09:26:53Z h1 zorbd - - - lease 17 granted to 10.0.0.5 (pool=blue, ttl=300)",
                "<13>1 2026-03-14T09:27:53Z h1 zorbd - - - lease 18 granted to 10.0.0.6 (pool=green, ttl=60)",
            ][..],
            "text = 'lease {zorbd.int_1:int} granted to {zorbd.ip_1:ip} (pool={zorbd.pool:word}, ttl={zorbd.ttl:int})'",
        ),
        (
            &[
                "2026-03-14 09:26:53 zorb gateway {main} accepted user 'an' session 99",
                "2026-03-14 09:26:54 zorb gateway {main} accepted user 'ha' session 100",
            ],
            "text = \"{@timestamp:time} zorb gateway {{main}} accepted user '{zorbd.word_1:word}' session {zorbd.int_1:int}\"",
        ),
        (&["zorb worker finished   without a word"], "text = 'zorb worker finished   without a word'"),
    ] {
        assert_eq!(drafted(lines).as_deref(), Some(pattern));
    }
}

#[test]
fn lines_with_nothing_fixed_make_no_draft_and_nothing_acts() {
    assert_eq!(drafted(&["1 2 3"]), None);
    assert_eq!(draft::draft("zorbd", &[], &[]), None);
    let lines = vec!["zorb gateway says \u{1b}[31mred\u{202e} to 10.0.0.1".to_owned()];
    if let Some(draft) = draft::draft("zorbd", &lines, &[]) {
        assert!(!draft.text.contains(['\u{1b}', '\u{202e}']), "{}", draft.text);
    }
}

#[test]
fn a_few_words_at_one_place_are_a_choice_when_many_lines_say_so() {
    let line = |n: usize| {
        let outcome = if n.is_multiple_of(3) { "thất bại" } else { "thành công" };
        let who = char::from(b'a' + n as u8 % 26);
        format!("<13>1 2026-03-14T09:26:53Z h1 zorbd - - - đăng nhập của u{who}{n} {outcome} từ 10.0.0.{n}")
    };
    let lines: Vec<String> = (1..4).map(line).collect();
    let more: Vec<String> = (1..60).map(line).collect();
    let draft = draft::draft("zorbd", &lines, &more).expect("a draft");
    assert!(draft.text.contains("{zorbd.choice_1:(thành công|thất bại)} từ {zorbd.ip_1:ip}"), "{}", draft.text);
    assert_eq!((draft.read, draft.read_of_more), (3, 59));
    // Of three lines nobody can say whether a word is one of a few.
    let draft = draft::draft("zorbd", &lines, &[]).expect("a draft");
    assert!(!draft.text.contains("choice"), "{}", draft.text);
}
