//! Reading pipes, what is refused and where, and what stages do; the oracle stands beside.

use proptest::prelude::*;

use crate::model::Event;
use crate::model::EventId;
use crate::model::Timestamp;
use crate::model::Value;
use crate::model::ecs;
use crate::query::parse_search;
use crate::query::pipes::run::EventRunner;
use crate::query::pipes::run::Limits;
use crate::query::pipes::run::MEMORY_LIMIT;
use crate::query::pipes::run::ROW_LIMIT;
use crate::query::pipes::run::Table;

pub(super) const NOW: Timestamp = Timestamp(1_700_000_000_000_000_000);

pub(super) fn limits() -> Limits {
    Limits { bytes_max: 64 << 20, rows_max: 10_000, now: NOW, since: Timestamp(NOW.0 - 3_600_000_000_000), until: NOW }
}

/// Twelve events, newest first: three users, two hosts, some without a port.
fn events() -> Vec<Event<'static>> {
    let users = ["root", "an", "Root"];
    (0..12_i64)
        .map(|number| {
            let mut event = Event::new("Failed password", Timestamp(NOW.0 - number * 60_000_000_000));
            event.id = EventId(100 - number as u64);
            event.set(ecs::USER_NAME, users[number as usize % 3]);
            event.set(ecs::HOST_NAME, if number < 4 { "web" } else { "db" });
            event.set(ecs::SOURCE_IP, format!("10.0.0.{}", number % 5).parse::<std::net::IpAddr>().expect("address"));
            if number % 2 == 0 {
                event.set(ecs::SOURCE_PORT, number * 100);
            }
            event
                .set(ecs::EVENT_TYPE, Value::List(vec![Value::from("start"), Value::from(users[number as usize % 2])]));
            event
        })
        .collect()
}

fn table_of(text: &str, limits: &Limits) -> Table {
    let search = parse_search(text, NOW).unwrap_or_else(|err| panic!("`{text}`: {err}"));
    let mut runner = EventRunner::new(&search.stages, limits);
    for event in events().iter().filter(|event| search.filter.matches(event)) {
        if !runner.push(event) {
            break;
        }
    }
    runner.finish()
}

fn shown(text: &str) -> String {
    let table = table_of(text, &limits());
    let mut lines = vec![table.columns.join(",")];
    lines.extend(table.rows.iter().map(|row| {
        let cells: Vec<String> = (0..table.columns.len())
            .map(|index| row.get(index).map(|cell| cell.to_text().into_owned()).unwrap_or_default())
            .collect();
        cells.join(",")
    }));
    lines.join(" / ")
}

#[test]
fn stages_do_what_they_say() {
    let table = [
        ("* | stats count", "count / 12"),
        ("nothing | stats count() as n, sum(source.port)", "n,sum(source.port) / 0,"),
        ("* | stats count() as n by user.name", "user.name,n / an,4 / Root,4 / root,4"),
        ("* | stats count() as n by host.name | where n > 5 | sort -n | head 10", "host.name,n / db,8"),
        (
            "* | stats dc(user.name) as u, sum(source.port) as s, avg(source.port) as a, min(source.port) as l, max(source.port) as h by host.name | fields host.name, u, s, a, l, h",
            "host.name,u,s,a,l,h / db,3,2800,700,400,1000 / web,3,200,100,0,200",
        ),
        (
            "* | stats median(source.port) as m, p90(source.port) as p, percentile(source.port, 100) as q",
            "m,p,q / 400,1000,1000",
        ),
        ("* | stats first(source.port) as f, last(source.port) as l", "f,l / 1000,0"),
        (
            "* | stats values(user.name) as v, count(source.port) as c, count(source.port > 300) as big",
            "v,c,big / an Root root,6,4",
        ),
        ("* | stats count() as n by event.type", "event.type,n / an,6 / root,6 / start,12"),
        ("* | top 2 source.ip", "source.ip,count,percent / 10.0.0.0,3,25 / 10.0.0.1,3,25"),
        ("* | rare 1 source.ip", "source.ip,count,percent / 10.0.0.2,2,16.67"),
        ("* | top user.name by host.name | head 1", "user.name,host.name,count,percent / an,db,3,25"),
        (
            "* | eval kb = source.port / 1000 | where kb >= 0.8 | fields kb, source.ip",
            "kb,source.ip / 0.8,10.0.0.3 / 1,10.0.0.0",
        ),
        ("* | dedup host.name | fields host.name, source.ip", "host.name,source.ip / web,10.0.0.0 / db,10.0.0.4"),
        ("* | head 2 | stats count", "count / 2"),
        ("* | sort source.port | head 2 | fields source.port", "source.port / 0 / 200"),
        ("* | sort -source.port | head 1 | fields source.port", "source.port / 1000"),
        (
            "* | sort user.name desc, source.ip | head 2 | fields user.name, source.ip",
            "user.name,source.ip / root,10.0.0.0 / Root,10.0.0.0",
        ),
        ("* | rename source.ip as client | stats count() by client | head 1", "client,count / 10.0.0.0,3"),
        ("* | stats count() as n by user.name | stats sum(n) as total, count() as users", "total,users / 12,3"),
        ("* | fields user.name | fields - user.name | head 1", " / "),
        (
            "* | timechart span=5m count()",
            "@timestamp,count / 2023-11-14T22:00:00.000Z,3 / 2023-11-14T22:05:00.000Z,5 / 2023-11-14T22:10:00.000Z,4",
        ),
        (
            "* | timechart span=10m limit=1 count() by user.name",
            "@timestamp,Root,other / 2023-11-14T22:00:00.000Z,3,5 / 2023-11-14T22:10:00.000Z,1,3",
        ),
        ("source.ip:10.0.0.9 | timechart count()", "@timestamp,count"),
        ("* | where cidrmatch(\"10.0.0.2/31\", source.ip) AND like(user.name, \"r*t\") | stats count", "count / 3"),
        ("* | where match(user.name, /^a/) or user.name in (\"x\", \"ROOT\") | stats count", "count / 12"),
        ("* | where NOT source.port >= 0 | stats count", "count / 0"),
        ("* | where isnull(source.port) | stats count", "count / 6"),
        (
            "* | eval who = upper(user.name) + \"@\" + host.name, x = if(isnull(source.port), \"-\", \"+\") | head 2 | fields who, x",
            "who,x / ROOT@web,+ / AN@web,-",
        ),
        (
            "* | eval n = -(2 + 3) * 2 % 7, h = hour(@timestamp), d = date(@timestamp), w = weekday(@timestamp) | head 1 | fields n,h,d,w",
            "n,h,d,w / -3,22,2023-11-14,Tue",
        ),
        (
            "* | eval s = substr(\"đăng nhập\", 2, 3), e = substr(\"abc\", -2), r = round(10 / 3, 2) | head 1 | fields s e r",
            "s,e,r / ăng,bc,3.33",
        ),
        ("* | where @timestamp >= \"2023-11-14T22:10:00Z\" | stats count", "count / 4"),
    ];
    for (text, expected) in table {
        assert_eq!(shown(text), expected, "{text}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let table = [
        ("* |", 4, "a stage is missing after `|`", ""),
        ("* | stat count()", 5, "no stage is called `stat`", "did you mean `stats`?"),
        ("* | table a", 5, "no stage is called `table`", "`fields a, b` keeps columns"),
        ("* | stats cont()", 11, "no figure is called `cont`", "did you mean `count`?"),
        ("* | stats dc()", 11, "`dc` needs a field", "dc(source.ip)"),
        ("* | stats count() as n, sum(x) as n", 25, "two figures are called `n`", "give one another name with `as`"),
        ("* | where n >", 14, "the expression ends here", ""),
        ("* | where (n > 1", 11, "this `(` is never closed", ""),
        ("* | where lenn(x) > 1", 11, "no function is called `lenn`", "did you mean `len`?"),
        ("* | where substr(x) = 1", 11, "`substr` was given 1 arguments", ""),
        ("* | where 10.0.0.1 = x", 11, "`10.0.0.1` is no number", "addresses, times and texts stand in quotes"),
        (
            "* | where cidrmatch(\"10.0.0/8\", x)",
            21,
            "`10.0.0/8` is not a network",
            "cidrmatch(\"10.0.0.0/8\", source.ip)",
        ),
        ("* | timechart span=5parsecs count()", 20, "`5parsecs` is no span of time", "span=5m"),
        ("* | head 0", 10, "`0` is out of range", ""),
        ("* | sort", 9, "a column name is missing at the end", "a name with other signs stands in `backquotes`"),
        ("* | eval x", 11, "`eval` needs `=` after the name", "eval ratio = failed / total"),
        (
            "failed AND | head 1",
            12,
            "the filter is not complete before this `|`",
            "to search for the sign itself, put it in a /regex/",
        ),
        ("* | head 5 x", 12, "`x` is not expected here", ""),
    ];
    for (text, column, message, hint) in table {
        let err = parse_search(text, NOW).expect_err(text);
        assert_eq!((err.column, err.message.as_str()), (column, message), "{text}");
        assert_eq!(err.hint.unwrap_or_default(), hint, "{text}");
    }
    let deep = format!("* | where {}1", "(".repeat(100));
    assert!(parse_search(&deep, NOW).is_err());
    let signs = format!("* | where {}1", "-".repeat(10_000));
    assert!(parse_search(&signs, NOW).is_err());
}

#[test]
fn limits_are_reached_with_a_word() {
    let small = Limits { bytes_max: 600, ..limits() };
    let table = table_of("* | stats count() by source.ip", &small);
    assert_eq!(table.partial, Some(MEMORY_LIMIT));
    assert!(!table.rows.is_empty() && table.notes[0].contains("memory limit"), "{:?}", table.notes);
    let few = Limits { rows_max: 3, ..limits() };
    for text in ["* | stats count() by source.ip", "* | fields user.name"] {
        let table = table_of(text, &few);
        assert_eq!((table.rows.len(), table.partial), (3, Some(ROW_LIMIT)), "{text}");
    }
    let table = table_of("* | stats count() by source.port", &limits());
    assert_eq!(table.notes, ["6 of 12 rows have no source.port and are not in the table"]);
}

#[test]
fn fields_are_discovered() {
    let table = table_of("* | fieldsummary", &limits());
    let row = table.rows.iter().find(|row| row[0] == Value::from("user.name")).expect("the field");
    assert_eq!(row[1..4], [Value::Int(12), Value::Int(100), Value::Int(3)]);
    assert_eq!(row[4].to_text(), "Root (4) an (4) root (4)");
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["n", "user.name", "source.port", "`odd name-1`", "@timestamp"]).prop_map(str::to_owned)
}

fn expr() -> impl Strategy<Value = String> {
    let literal = prop_oneof![
        name(),
        "[0-9]{1,3}(\\.[0-9]{1,2})?",
        "\"[a-z]{0,3}\"",
        Just("\"a\\\\b \\\"c\"".to_owned()),
        Just("true".to_owned()),
        Just("null".to_owned()),
    ];
    literal.prop_recursive(3, 12, 3, |inner| {
        let operator = prop::sample::select(vec!["+", "-", "*", "/", "%", "=", "!=", "<", ">=", "and", "or"]);
        prop_oneof![
            (inner.clone(), operator, inner.clone())
                .prop_map(|(left, operator, right)| format!("({left} {operator} {right})")),
            inner.clone().prop_map(|inner| format!("(not {inner})")),
            inner.clone().prop_map(|inner| format!("-{inner}")),
            (inner.clone(), inner.clone()).prop_map(|(of, item)| format!("({of} in ({item}, 1))")),
            inner.clone().prop_map(|inner| format!("len({inner})")),
            inner.clone().prop_map(|inner| format!("match({inner}, /a\\/b+/i)")),
            inner.prop_map(|inner| format!("like({inner}, \"w?b-*\")")),
        ]
    })
}

fn stage() -> impl Strategy<Value = String> {
    prop_oneof![
        expr().prop_map(|expr| format!("where {expr}")),
        (name(), expr()).prop_map(|(name, expr)| format!("eval {name} = {expr}")),
        (expr(), name()).prop_map(|(expr, by)| format!("stats count() as c, max({expr}) by {by}, x")),
        (1..9_usize, name()).prop_map(|(limit, name)| format!("top {limit} {name}")),
        name().prop_map(|name| format!("rare {name}")),
        (1..99_u32, name())
            .prop_map(|(span, by)| format!("timechart span={span}m limit=3 p95(source.port) as p by {by}")),
        name().prop_map(|name| format!("sort -{name}, x")),
        Just("head 7".to_owned()),
        name().prop_map(|name| format!("fields {name}, y")),
        name().prop_map(|name| format!("fields - {name}")),
        (name(), name()).prop_map(|(from, to)| format!("rename {from} as {to}")),
        name().prop_map(|name| format!("dedup {name}")),
        Just("fieldsummary".to_owned()),
    ]
}

proptest! {
    #[test]
    fn a_printed_pipeline_reads_back(stages in prop::collection::vec(stage(), 1..5)) {
        let text = format!("failed | {}", stages.join(" | "));
        let search = parse_search(&text, NOW).map_err(|err| TestCaseError::fail(format!("`{text}`: {err}")))?;
        let again = parse_search(&search.to_string(), NOW);
        prop_assert_eq!(again.as_ref(), Ok(&search), "`{}` printed as `{}`", text, search);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "[ -~|()\"`/0-9a-zđ]{0,60}") {
        drop(parse_search(&format!("* | {text}"), NOW));
        drop(parse_search(&format!("* | where {text}"), NOW));
        drop(parse_search(&format!("* | stats {text}"), NOW));
    }
}
