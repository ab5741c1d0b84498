//! The language: what reads as what, what is refused and where, and that printing and reading agree.

use proptest::prelude::*;

use super::*;
use crate::model::Event;
use crate::model::EventId;
use crate::model::Name;
use crate::model::Value;
use crate::model::ecs;

const NOW: Timestamp = Timestamp(1_700_000_000_000_000_000);

fn query(text: &str) -> Query {
    parse(text, NOW).unwrap_or_else(|err| panic!("`{text}`: {err}"))
}

fn event() -> Event<'static> {
    let raw = "<38>Nov 14 22:13:20 bastion-1 sshd[812]: Failed password for an.nguyen@lucbinh.gov.vn from 10.20.3.4 port 51022";
    let mut event = Event::new(raw, NOW);
    event.id = EventId(42);
    event.parser = Some("sshd");
    event.set(ecs::MESSAGE, &raw[41..]);
    event.set(ecs::USER_NAME, "An.Nguyen");
    event.set(ecs::HOST_NAME, "bastion-1");
    event.set(ecs::SOURCE_IP, "10.20.3.4".parse::<std::net::IpAddr>().expect("address"));
    event.set(ecs::DESTINATION_IP, "2001:db8::5".parse::<std::net::IpAddr>().expect("address"));
    event.set(ecs::SOURCE_PORT, 51_022);
    event.set(ecs::EVENT_RISK_SCORE, Value::Float(7.5));
    event.set(ecs::EVENT_CATEGORY, Value::List(vec![Value::from("authentication"), Value::from("network")]));
    event.set(ecs::LONGAN_ASSET_UNIT, "Sở Tài chính");
    event.set(ecs::ERROR_MESSAGE, "Mật khẩu không đúng".to_owned());
    event.set(Name::new("vendor.path"), "C:\\Windows\\System32\\cmd.exe");
    event.set(ecs::EVENT_START, Value::Time(Timestamp::from_seconds(1_699_999_000, 0)));
    event.set(ecs::USER_DOMAIN, Value::Null);
    event
}

#[test]
fn an_event_matches_what_it_should_and_nothing_else() {
    let table = [
        ("", true),
        ("*", true),
        ("failed", true),
        ("FAILED password", true),
        ("\"failed password\"", true),
        ("\"password failed\"", false),
        ("fail", false),
        ("fail*", true),
        // Letters and their marks sent apart, as some keyboards do.
        ("error.message:kha\u{302}\u{309}*", true),
        ("longan.asset.unit:so\u{31b}\u{309}*", true),
        ("*ssword f?r", true),
        ("an.nguyen", true),
        ("gov.vn", true),
        ("vn.gov", false),
        ("an.ng*@lucbinh", true),
        ("10.20.3.4", true),
        ("10.20.3.40", false),
        ("0.20.3.4", false),
        ("10.20.*", true),
        ("51022 AND bastion", true),
        ("51022 AND NOT bastion", false),
        ("-bastion OR sshd", true),
        ("!(bastion OR nobody)", false),
        ("user.name:an.nguyen", true),
        ("user.name:an", false),
        ("user.name:an*", true),
        ("user.name:*GUY*", true),
        ("user.name:(root OR an.nguyen)", true),
        ("user.name:(root OR admin)", false),
        ("user.name:/^an\\./", true),
        ("user.name:/^nguyen/", false),
        ("-host.name:bastion*", false),
        ("source.ip:10.0.0.0/8", true),
        ("source.ip:10.21.0.0/16", false),
        ("source.ip:10.20.3.4", true),
        ("destination.ip:2001:db8::/32", true),
        ("destination.ip:2001:DB8:0::5", true),
        ("destination.ip:fe80::/10", false),
        ("source.ip:[10.20.3.0 TO 10.20.3.9]", true),
        ("source.ip:>10.20.3.4", false),
        ("source.port:>=51022", true),
        ("source.port>51022", false),
        ("source.port:[1 TO 1023]", false),
        ("source.port:{51021 TO 51023}", true),
        ("event.risk_score:>7.25", true),
        ("event.category:network", true),
        ("event.category:(network AND authentication)", true),
        ("_exists_:user.name", true),
        ("_exists_:user.domain", false),
        ("user.domain:*", false),
        ("longan.asset.unit:\"so tai chinh\"", true),
        ("longan.asset.unit:\"Sở Tài Chính\"", true),
        ("longan.asset.unit:\"sở tai chinh\"", false),
        ("mat khau", true),
        ("mật khẩu", true),
        ("error.message:\"khong dung\"", true),
        ("error.message:\"dung khong\"", false),
        ("/Failed\\s+password/", true),
        ("/failed\\s+password/", false),
        ("/failed\\s+password/i", true),
        ("message:/^Failed/", true),
        ("message:failed", true),
        ("vendor.path:\"c:\\windows\\system32\\cmd.exe\"", true),
        ("vendor.path:*cmd.exe", true),
        ("@timestamp:2023-11-14", true),
        ("@timestamp:>2023-11-14", false),
        ("@timestamp:[now-1h TO now]", true),
        ("@timestamp>=\"2023-11-15\"", false),
        ("event.start:<now-10m", true),
        ("longan.id:42", true),
        ("longan.id:[1 TO 41]", false),
        ("longan.parser:sshd", true),
        ("_exists_:longan.parse.error", false),
        ("/var/log/auth.log", false),
        ("bastion && sshd || nobody", true),
    ];
    let event = event();
    for (text, expected) in table {
        assert_eq!(query(text).matches(&event), expected, "`{text}` read as `{}`", query(text));
    }
}

#[test]
fn what_is_no_query_is_refused_with_its_place() {
    let table = [
        ("a AND", "column 6: the query ends here, expected a word, a `field:value` or `(`"),
        ("(a OR b", "column 1: this `(` is never closed, expected `)`"),
        ("a )", "column 3: `)` without its `(` (hint: quote it to search for it: \")\")"),
        ("\"abc", "column 1: this quote is never closed, expected `\"`"),
        (
            "đ user.name:",
            "column 13: `user.name:` has no value, expected a value (hint: `_exists_:user.name` finds events that have the field)",
        ),
        (
            "source.port:[1 10]",
            "column 16: a range needs `TO` between its bounds, expected `TO` (hint: for example [1 TO 10])",
        ),
        ("source.port:[1 TO 10", "column 13: this range is never closed, expected `]` or `}`"),
        (
            "->",
            "column 2: there is no letter or digit to search for, expected a word (hint: signs can be searched with a /regex/)",
        ),
        (
            "@timestamp:yesterday",
            "column 12: `yesterday` is not a time, expected a time in UTC (hint: write 2026-01-31, 2026-01-31T07:00, 2026-01-31T07:00:00+07:00, now or now-15m)",
        ),
        (
            "user.name:/(/",
            "column 11: the regex cannot be read: unclosed group (hint: to search for a path, put it in quotes)",
        ),
        (
            "error | stats count()",
            "column 7: only a filter can stand here, without pipes, expected the end (hint: pipes work in a search, not where events are followed or counted)",
        ),
        ("source.port:>", "column 14: the comparison has no value, expected a number, an address, a time or a text"),
    ];
    for (text, expected) in table {
        assert_eq!(parse(text, NOW).expect_err(text).to_string(), expected, "`{text}`");
    }
    assert!(parse(&"(".repeat(5_000), NOW).is_err());
    assert!(parse(&"-".repeat(5_000), NOW).is_err());
    assert!(parse(&"a ".repeat(5_000), NOW).is_err());
}

#[test]
fn a_misspelt_field_is_named() {
    let unknown = query("user.nam:x AND vendor.thing:y AND source.ip:::1").unknown_fields();
    let unknown: Vec<_> = unknown.iter().map(|field| (field.name.as_str(), field.suggestion)).collect();
    assert_eq!(unknown[0], ("user.nam", Some("user.name")));
    assert_eq!(unknown[1].0, "vendor.thing");
    assert_eq!(unknown.len(), 2);
}

fn atom() -> impl Strategy<Value = String> {
    let word = "[a-zđơ0-9*?]{1,6}";
    let field = prop::sample::select(vec![
        "user.name",
        "source.ip",
        "source.port",
        "message",
        "@timestamp",
        "x.y",
        "event.risk_score",
    ]);
    prop_oneof![
        word.prop_map(|word| word),
        "[a-z0-9.@:/-]{1,8}",
        "\"[a-zA-ZĐ .:*-]{0,9}\"",
        "/[a-z.]{1,4}/i?",
        (field.clone(), word).prop_map(|(field, word)| format!("{field}:{word}")),
        (field.clone(), "\"[a-zA-Z0-9 .\\\\\\\\:-]{1,6}\"").prop_map(|(field, word)| format!("{field}:{word}")),
        (field.clone(), -9..99_i32, 0..99_u8).prop_map(|(field, low, high)| format!("{field}:[{low} TO {high}}}")),
        (field.clone(), "[0-9.]{1,4}").prop_map(|(field, bound)| format!("{field}:>={bound}")),
        (field, 0..255_u8, 0..33_u8).prop_map(|(field, octet, prefix)| format!("{field}:10.{octet}.0.0/{prefix}")),
        Just("_exists_:user.name".to_owned()),
        Just("@timestamp:[2023-11-14 TO now}".to_owned()),
    ]
}

fn expression() -> impl Strategy<Value = String> {
    atom().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| parts.join(" AND ")),
            prop::collection::vec(inner.clone(), 1..4).prop_map(|parts| format!("({})", parts.join(" OR "))),
            inner.prop_map(|part| format!("NOT ({part})")),
        ]
    })
}

#[test]
fn a_pattern_of_words_prints_as_it_reads() {
    for text in ["\u{130}*", "a\u{130}?", "q\u{301}*"] {
        let printed = query(text).to_string();
        assert_eq!(query(&printed).to_string(), printed, "{text}");
    }
}

#[test]
fn a_field_of_one_letter_is_not_printed_as_a_path() {
    for text in ["v::::x*", "c:(\\*)", "c:(\\\\x*)"] {
        let read = query(text);
        assert!(matches!(read.root(), Expr::Field { .. }), "`{text}` read as {read:?}");
        assert_eq!(parse(&read.to_string(), NOW), Ok(read), "`{text}`");
    }
    assert!(matches!(query("c:\\windows").root(), Expr::Words(_)));
}

proptest! {
    #[test]
    fn what_is_printed_reads_back_the_same(text in expression()) {
        if let Ok(query) = parse(&text, NOW) {
            let printed = query.to_string();
            prop_assert_eq!(parse(&printed, NOW), Ok(query), "`{}` printed as `{}`", text, printed);
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC{0,60}") {
        if let Ok(query) = parse(&text, NOW) {
            query.matches(&event());
        }
    }
}

#[test]
fn a_network_that_is_none_is_refused_not_searched_for() {
    for right in ["source.ip:10.0.0.0/8", "source.ip:2001:db8::/32", "url.path:10.0.0.0/33", "user.name:a/b"] {
        assert!(parse(right, NOW).is_ok(), "{right}");
    }
    for wrong in ["source.ip:10.0.0.0/33", "source.ip:10.0.0/8", "source.ip:10.0.0.0/"] {
        let err = parse(wrong, NOW).expect_err(wrong);
        assert!(err.to_string().contains("is not a network"), "{err}");
    }
}
