//! The tree by itself: preference, backtracking, budget.

use super::*;
use crate::model::Timestamp;
use crate::parse::pack::pattern;
use crate::parse::timestamp::Context;

const CLOCK: Context = Context { received: Timestamp(1_773_480_413_000_000_000), zone_offset_seconds: 0 };

/// Builds a tree of patterns; leaf numbers are their places.
fn tree(patterns: &[&str]) -> (Tree, RootId) {
    let mut tree = Builder::default();
    let root = tree.add_root();
    for (number, pattern) in patterns.iter().enumerate() {
        for variant in pattern::parse(pattern).expect("a good pattern") {
            tree.insert(root, &variant, LeafId(number as u32));
        }
    }
    (tree.finish(), root)
}

/// Returns which pattern reads a text, and its captures.
fn read<'t>(patterns: &[&str], text: &'t str) -> Option<(u32, Vec<&'t str>)> {
    let (tree, root) = tree(patterns);
    let mut captures = Captures::new();
    let leaf = tree.walk(root, text, CLOCK, &mut captures)?;
    let texts = captures.iter().map(|captured| &text[captured.start as usize..captured.end as usize]);
    Some((leaf.0, texts.collect()))
}

#[test]
fn literal_text_wins_over_captures_and_narrow_over_wide() {
    let patterns =
        ["{*} from {*}", "login of {:word} from {:ip}", "login of root from {:ip}", "login of {:word} from {:host}"];
    for (text, expected) in [
        ("login of root from 10.0.0.1", Some((2, vec!["10.0.0.1"]))),
        ("login of an from 10.0.0.1", Some((1, vec!["an", "10.0.0.1"]))),
        ("login of an from gw.example.vn", Some((3, vec!["an", "gw.example.vn"]))),
        ("login of an from the street", Some((0, vec!["login of an", "the street"]))),
        ("nothing here", None),
    ] {
        assert_eq!(read(&patterns, text), expected, "{text}");
    }
}

#[test]
fn an_open_capture_gives_way_until_the_whole_line_fits() {
    let patterns = ["user {:text} from {:ip} port {:int}{? ssh2}"];
    for (text, expected) in [
        ("user a from 10.0.0.1 port 2", vec!["a", "10.0.0.1", "2"]),
        ("user  from 10.0.0.1 port 2 ssh2", vec!["", "10.0.0.1", "2"]),
        ("user x from 10.0.0.9 port 1 from 10.0.0.1 port 2 ssh2", vec!["x from 10.0.0.9 port 1", "10.0.0.1", "2"]),
        ("user họ tên from 2001:db8::1 port 2", vec!["họ tên", "2001:db8::1", "2"]),
    ] {
        assert_eq!(read(&patterns, text), Some((0, expected)), "{text}");
    }
    assert_eq!(read(&patterns, "user a from 10.0.0.1 port 2 and more"), None);
}

#[test]
fn every_type_takes_its_own_and_nothing_else() {
    let table: [(&str, &str, Option<&str>); 26] = [
        ("{:ip}:{*}", "10.0.0.1:80", Some("10.0.0.1")),
        ("{:ip}.", "10.0.0.1.", Some("10.0.0.1")),
        ("{:ip}: x", "fe80::1: x", Some("fe80::1")),
        ("{:ip}", "10.0.0.256", None),
        ("{:ip}", "10.0.0.1.5", None),
        ("{:ip}", "::ffff:10.0.0.1", Some("::ffff:10.0.0.1")),
        ("{:int}", "-7", Some("-7")),
        ("{:int}", "99999999999999999999", None),
        ("{:float}s", "1.5s", Some("1.5")),
        ("{:float}.", "1.", Some("1")),
        ("{:hex}", "0xBEEF", Some("0xBEEF")),
        ("{:mac} x", "de:ad:be:ef:00:01 x", Some("de:ad:be:ef:00:01")),
        ("{:mac}", "dead.beef.0001", Some("dead.beef.0001")),
        ("{:mac}", "de:ad:be:ef:00", None),
        ("{:uuid}", "0f8fad5b-d9cb-469f-a165-70867728950e", Some("0f8fad5b-d9cb-469f-a165-70867728950e")),
        ("{:quoted} x", r#""a \" b" x"#, Some(r#""a \" b""#)),
        ("{:quoted}", "\"open", None),
        ("{:path}: x", "/srv/a b: x", Some("/srv/a b")),
        ("{:path}", r"C:\x", Some(r"C:\x")),
        ("{:path}", "srv", None),
        ("{:host},{*}", "máy-1.vn,b", Some("máy-1.vn")),
        ("{:word}{:space}{*}", "a   b", Some("a")),
        ("{:word}", "a b", None),
        ("{:(up|upper)}x", "upperx", Some("upper")),
        ("{:time} x", "2026-03-14T09:26:53Z x", Some("2026-03-14T09:26:53Z")),
        ("{:time(%Y/%m/%d)} x", "2026/03/14 x", Some("2026/03/14")),
    ];
    for (pattern, text, expected) in table {
        let got = read(&[pattern], text).map(|(_, captures)| captures[0].to_owned());
        assert_eq!(got.as_deref(), expected, "{pattern} on {text}");
    }
}

#[test]
fn edges_split_where_literals_part() {
    let patterns = ["abc", "abd", "ab", "é1", "è1", "abc{:int}"];
    for (number, text) in [(0, "abc"), (1, "abd"), (2, "ab"), (3, "é1"), (4, "è1"), (5, "abc7")] {
        assert_eq!(read(&patterns, text).map(|(leaf, _)| leaf), Some(number), "{text}");
    }
    assert_eq!(read(&patterns, "a"), None);
    assert_eq!(read(&patterns, "abcd"), None);
}

#[test]
fn no_line_takes_long() {
    let patterns = ["{*}a{*}a{*}a{*}a{*}a{*}a{*}b"];
    let text = "a".repeat(20_000);
    assert_eq!(read(&patterns, &text), None);
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_without_panic_and_spans_lie_in_order(text in "\\PC{0,80}", tail in "[a-z0-9.: /\"\\[\\]é-]{0,60}") {
        let patterns = ["{:text} {:ip} {:word}: {*}", "{:word}-{:int}-{*}", "{:path}/{:host} {:quoted}{*}", "é{*}è{:mac}", "{:time} {*}"];
        let (tree, root) = tree(&patterns);
        let line = format!("{text}{tail}");
        let mut captures = Captures::new();
        if tree.walk(root, &line, CLOCK, &mut captures).is_some() {
            let mut last = 0;
            for captured in &captures {
                proptest::prop_assert!(captured.start >= last && captured.end >= captured.start);
                proptest::prop_assert!(line.get(captured.start as usize..captured.end as usize).is_some());
                last = captured.end;
            }
        }
    }
}
