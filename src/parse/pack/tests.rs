//! Whole packs on whole lines: recognition, order of precedence, problems with their places.

use super::*;
use crate::model::Value;
use crate::model::ecs;
use crate::model::event::ParseFailure;

const HINT: Hint<'_> = Hint { received: Timestamp(1_773_480_413_000_000_000), format: None, zone_offset_seconds: 0 };

fn packs(texts: &[(&str, &str)]) -> Packs {
    let (packs, problems) = Packs::from_texts(texts);
    let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(shown.is_empty(), "{}", shown.join("\n"));
    packs
}

fn problems(file: &str, text: &str) -> Vec<String> {
    Packs::from_texts(&[(file, text)]).1.iter().map(ToString::to_string).collect()
}

const DOOR: &str = r#"
name = "door"
title = "Door"
logsource = { product = "door", service = "log" }
prefix = "door"
[[recognise]]
app_name = "doord"
[fields]
"event.category" = ["host"]
"event.action" = "base"
"process.name" = "fixed"
[values."event.outcome"]
opened = "success"
"*" = "failure"
[[pattern]]
text = 'door {door.id:int} {event.outcome:word} by {user.name} from {source:endpoint}'
fields = { "event.action" = "use" }
logsource = { category = "physical" }
[[pattern]]
text = 'state {:kv}'
[map]
who = ["user.name", "door.who"]
[[when]]
if = { "event.outcome" = "failure", "source.ip" = true, "user.id" = false }
set = { "event.reason" = "refused" }
copy = { "source.ip" = "client.ip" }
"#;

#[test]
fn a_pattern_makes_an_event() {
    let packs = packs(&[("door.toml", DOOR)]);
    let line = "<38>Mar 14 09:26:53 gw doord[7]: door 12 forced by an nguyen from 10.0.0.1:80";
    let event = packs.parse(line, &HINT);
    assert_eq!(event.parser, Some("door"));
    assert_eq!(event.failure, None);
    assert_eq!(event.logsource.category, ["physical"]);
    assert_eq!(event.logsource.service, ["log"]);
    for (name, expected) in [
        ("door.id", "12"),
        ("user.name", "an nguyen"),
        ("source.ip", "10.0.0.1"),
        ("source.port", "80"),
        ("client.ip", "10.0.0.1"),
        ("event.outcome", "failure"),
        ("event.reason", "refused"),
        ("event.action", "use"),
        ("event.category", "host"),
        ("process.name", "fixed"),
        ("process.pid", "7"),
        ("host.hostname", "gw"),
        ("message", "door 12 forced by an nguyen from 10.0.0.1:80"),
    ] {
        assert_eq!(event.get_by_name(name).map(Value::to_text).as_deref(), Some(expected), "{name}");
    }
    let user = event.get(ecs::USER_NAME).and_then(Value::as_str).expect("text");
    assert_eq!(event.span_in_raw(user).map(|span| &line[span]), Some("an nguyen"));
}

#[test]
fn pairs_go_through_the_map_and_the_rest_behind_the_prefix() {
    let packs = packs(&[("door.toml", DOOR)]);
    let event = packs.parse("<38>Mar 14 09:26:53 gw doord: state who=ha colour=red empty= dash=-", &HINT);
    assert_eq!(event.get_by_name("user.name"), Some(&Value::from("ha")));
    assert_eq!(event.get_by_name("door.who"), Some(&Value::from("ha")));
    assert_eq!(event.get_by_name("door.colour"), Some(&Value::from("red")));
    assert_eq!(event.get_by_name("door.empty"), None);
    assert_eq!(event.get_by_name("door.dash"), None);
}

#[test]
fn an_uncovered_message_keeps_its_source_and_a_foreign_one_does_not() {
    let set = packs(&[("door.toml", DOOR)]);
    let event = set.parse("<38>Mar 14 09:26:53 gw doord: hinges squeak", &HINT);
    assert_eq!((event.parser, event.failure), (Some("door"), None));
    assert_eq!(event.get(ecs::EVENT_ACTION), Some(&Value::from("base")));
    let event = set.parse("<38>Mar 14 09:26:53 gw other: door 1 opened by an from h", &HINT);
    assert_eq!((event.parser, event.failure), (None, Some(ParseFailure::Unrecognised)));
    assert_eq!(event.get(ecs::HOST_HOSTNAME), Some(&Value::from("gw")));
    let strict = format!("must_match = true\n{DOOR}");
    let set = packs(&[("door.toml", &strict)]);
    let event = set.parse("<38>Mar 14 09:26:53 gw doord: hinges squeak", &HINT);
    assert_eq!((event.parser, event.failure), (Some("door"), Some(ParseFailure::Malformed)));
}

#[test]
fn an_input_may_pin_a_pack() {
    let packs = packs(&[("door.toml", DOOR)]);
    let event = packs.parse("door 1 opened by an from gw-7", &Hint { format: Some("door"), ..HINT });
    assert_eq!(event.get_by_name("source.domain"), Some(&Value::from("gw-7")));
    assert_eq!(event.get(ecs::EVENT_OUTCOME), Some(&Value::from("success")));
}

const JSON: &str = r#"
name = "json"
title = "JSON"
read = "json"
fallback = true
[map]
client_ip = "source:endpoint"
"#;

const APP: &str = r#"
name = "app"
title = "App"
read = "json"
prefix = "app"
[[recognise]]
equals = { "svc" = "dossier*" }
[map]
svc = "service.name"
u = "user.name"
[[pattern]]
in = "app.text"
text = 'dossier {app.dossier:int} opened'
fields = { "event.action" = "open" }
"#;

#[test]
fn json_is_recognised_by_its_values_wherever_it_stands() {
    let packs = packs(&[("json.toml", JSON), ("app.toml", APP), ("door.toml", DOOR)]);
    for line in [
        r#"{"svc":"dossier-api","u":"an","clientIp":"10.0.0.1:99","text":"dossier 7 opened","other":true}"#,
        r#"<14>Mar 14 09:26:53 h prog: {"svc":"dossier-api","u":"an","clientIp":"10.0.0.1:99","text":"dossier 7 opened","other":true}"#,
        r#"<14>Mar 14 09:26:53 h prog: INFO here {"svc":"dossier-api","u":"an","clientIp":"10.0.0.1:99","text":"dossier 7 opened","other":true}"#,
    ] {
        let event = packs.parse(line, &HINT);
        assert_eq!(event.parser, Some("app"), "{line}");
        assert_eq!(event.get(ecs::SOURCE_PORT), Some(&Value::Int(99)), "{line}");
        assert_eq!(event.get_by_name("app.dossier"), Some(&Value::Int(7)), "{line}");
        assert_eq!(event.get_by_name("app.other"), Some(&Value::Bool(true)), "{line}");
        assert_eq!(event.get(ecs::EVENT_ACTION), Some(&Value::from("open")), "{line}");
    }
    let event = packs.parse(r#"{"svc":"else","client-ip":"10.0.0.2"}"#, &HINT);
    assert_eq!(event.parser, Some("json"));
    assert_eq!(event.get(ecs::SOURCE_IP), Some(&Value::Ip([10, 0, 0, 2].into())));
}

#[test]
fn a_line_in_a_line_is_read_as_if_alone() {
    let packs = packs(&[("json.toml", JSON), ("door.toml", DOOR)]);
    let line = r#"{"stream":"x","message":"<38>Mar 14 09:26:53 gw doord[7]: door 12 opened by an from h"}"#;
    let event = packs.parse(line, &HINT);
    assert_eq!(event.parser, Some("door"));
    assert_eq!(event.get(ecs::USER_NAME), Some(&Value::from("an")));
    assert_eq!(event.get_by_name("stream"), Some(&Value::from("x")));
}

#[test]
fn parameters_of_the_header_are_named() {
    let text = "name = \"door\"\ntitle = \"t\"\nstructured_data = true\n[[recognise]]\napp_name = \"DOOR\"\n[map]\nsrc-address = \"source.ip\"\nuser = \"user.name\"\n";
    let packs = packs(&[("door.toml", text)]);
    let line = r#"<14>1 2026-03-14T09:26:53Z gw DOOR - OPEN [door@1.2.3 src-address="10.0.0.1" user="N/A" other="x"][y@1 user="an"] opened"#;
    let event = packs.parse(line, &HINT);
    assert_eq!(event.parser, Some("door"));
    assert_eq!(event.get(ecs::SOURCE_IP), Some(&Value::Ip([10, 0, 0, 1].into())));
    assert_eq!(event.get(ecs::USER_NAME), Some(&Value::from("an")));
    assert_eq!(event.get_by_name("log.syslog.structured_data.door@1.2.3.other"), Some(&Value::from("x")));
    let other = line.replace("DOOR", "GATE");
    let other = packs.parse(&other, &HINT);
    assert_eq!((other.parser, other.get(ecs::SOURCE_IP)), (None, None));
}

#[test]
fn columns_may_stand_between_other_characters_than_commas() {
    let text = "name = \"table\"\ntitle = \"t\"\n[[recognise]]\nprefix = \"T\"\n[[pattern]]\ntext = \"T1\\t{:tsv}\"\ncolumns = [\"source.ip\", \"user.name\"]\n[[pattern]]\ntext = 'T2;{:csv(;)}'\ncolumns = [\"source.ip\", \"user.name\"]\n";
    let packs = packs(&[("table.toml", text)]);
    for (line, user) in [("T1\t10.0.0.1\t\"an\tx", "\"an"), ("T2;10.0.0.1;\"an; nguyen\";x", "an; nguyen")] {
        let event = packs.parse(line, &HINT);
        assert_eq!(event.get(ecs::SOURCE_IP), Some(&Value::Ip([10, 0, 0, 1].into())), "{line}");
        assert_eq!(event.get(ecs::USER_NAME), Some(&Value::from(user)), "{line}");
    }
}

#[test]
fn a_message_without_anything_around_it_is_recognised_by_its_patterns() {
    let text = "name = \"door\"\ntitle = \"t\"\nbare_messages = true\n[[recognise]]\nprefix = \"%DOOR-\"\n[[recognise]]\nby_pattern = true\n[[pattern]]\ntext = '%DOOR-{event.code:int}: {message}'\n[[pattern]]\nin = \"message\"\ntext = 'Opened door for {user.name} from {source.ip}'\n";
    let packs = packs(&[("door.toml", text)]);
    for line in ["%DOOR-7: Opened door for an from 10.0.0.1", "Opened door for an from 10.0.0.1"] {
        let event = packs.parse(line, &HINT);
        assert_eq!((event.parser, event.get(ecs::USER_NAME)), (Some("door"), Some(&Value::from("an"))), "{line}");
    }
}

#[test]
fn columns_are_named() {
    let text = "name = \"table\"\ntitle = \"t\"\n[[recognise]]\nprefix = \"1,\"\n[[pattern]]\ntext = '1,{:word},TRAFFIC,{:csv}'\ncolumns = [\"source.ip\", \"\", \"user.name:lower\", \"message\"]\n";
    let packs = packs(&[("table.toml", text)]);
    let event = packs.parse(r#"1,x,TRAFFIC,10.0.0.1,skipped,"AN, Nguyen","say ""hi""",more"#, &HINT);
    assert_eq!(event.get(ecs::SOURCE_IP), Some(&Value::Ip([10, 0, 0, 1].into())));
    assert_eq!(event.get(ecs::USER_NAME), Some(&Value::from("an, nguyen")));
    assert_eq!(event.get(ecs::MESSAGE), Some(&Value::from(r#"say "hi""#)));
}

#[test]
fn all_problems_are_reported_at_once_with_their_places() {
    let text = "name = \"bad\"\ntittle = \"x\"\nread = \"jsn\"\n[[recognise]]\napp_name = \"x\"\n[[pattern]]\ntext = 'from {source.ip:ipp} to'\n[[pattern]]\ntext = 'a {b'\n";
    insta::assert_snapshot!(problems("bad.toml", text).join("\n"), @r"
    bad.toml:2:1: unknown key `tittle` in a pack
      hint: did you mean `title`?
    bad.toml:1:1: `title` is missing in a pack
    bad.toml:3:8: `jsn` is no value of `read`
      hint: did you mean `json`?
    bad.toml:7:15: unknown capture type `ipp`
      hint: did you mean `ip`?
    bad.toml:9:11: `{` at column 3 of the pattern is never closed
      hint: close it with `}` behind the name of the field; write `{{` for a brace that stands in the line
    ");
}

#[test]
fn doubtful_packs_are_refused() {
    let head = "title = \"x\"\n[[recognise]]\n";
    let table = [
        (format!("name = \"other\"\n{head}app_name = \"x\"\n"), "the pack is called `other` but its file `bad`"),
        ("name = \"bad\"\ntitle = \"x\"\n".to_owned(), "nothing says how the source is recognised"),
        (
            format!("name = \"bad\"\n{head}by_pattern = true\n[[pattern]]\ntext = '{{:word}} ok'\n"),
            "the pattern is too vague to recognise a source by",
        ),
        (
            format!(
                "name = \"bad\"\n{head}app_name = \"x\"\n[[pattern]]\ntext = 'a {{user.name}}'\n[[pattern]]\ntext = 'a {{host.name}}'\n"
            ),
            "the pattern reads the same lines as the one at line 6",
        ),
        ("name = ".to_owned(), "bad.toml:1:"),
    ];
    for (text, expected) in &table {
        let found = problems("bad.toml", text).join("\n");
        assert!(found.contains(expected), "{found}\n{expected}");
    }
}

#[test]
fn two_packs_may_not_claim_the_same_pattern() {
    let pack = |name: &str| {
        format!(
            "name = \"{name}\"\ntitle = \"x\"\n[[recognise]]\nby_pattern = true\n[[pattern]]\ntext = 'machine says {{message}}'\n"
        )
    };
    let (one, two) = (pack("one"), pack("two"));
    let (_, found) = Packs::from_texts(&[("one.toml", &one), ("two.toml", &two)]);
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    assert_eq!(found, ["two.toml:6:8: pack `one` claims the same lines: pattern at line 6"]);
}

#[test]
fn a_broken_file_leaves_the_others_alone() {
    let (packs, found) = Packs::from_texts(&[("door.toml", DOOR), ("bad.toml", "name = 1")]);
    assert!(!found.is_empty());
    assert!(packs.contains("door") && !packs.contains("bad"));
}

proptest::proptest! {
    #[test]
    fn no_line_panics(start in "(<38>Mar 14 09:26:53 h sshd\\[1\\]: |\\{\"message\":\"|CEF:0\\||type=SYSCALL msg=audit\\(|%ASA-6-|)", rest in "\\PC{0,120}") {
        static BUILTIN: std::sync::LazyLock<Packs> = std::sync::LazyLock::new(Packs::builtin);
        let line = format!("{start}{rest}");
        let event = BUILTIN.parse(&line, &HINT);
        for (_, value) in &event.fields {
            if let Value::Text(std::borrow::Cow::Borrowed(text)) = value
                && let Some(span) = event.span_in_raw(text)
            {
                proptest::prop_assert_eq!(line.get(span), Some(*text));
            }
        }
    }

    #[test]
    fn no_pack_file_panics(text in "(name = \"x\"\n|title = 1\n|\\[map\\]\n|\\[\\[pattern\\]\\]\n|text = '[{}?:a|()]{0,12}'\n|a = \"b:c\"\n|\\[\\[when\\]\\]\n|\\PC{0,8}\n){0,12}") {
        let (packs, _) = Packs::from_texts(&[("x.toml", &text)]);
        packs.parse("a line", &HINT);
    }
}

const SUITE: &str = r#"
name = "app"
title = "App"
read = ["json", "kv"]
[[recognise]]
keys = ["app_id"]
[[recognise]]
app_name = "app"
[[recognise]]
by_pattern = true
[fields]
"event.category" = "web"
[map]
peer = "source:endpoint"
id = "rule.id"
[[pattern]]
text = '{@timestamp} {log.level:level}{:space}[{process.thread.name}] {log.logger:like(vn.*)}: {message}'
[[pattern]]
text = 'x{:int}: {user.name}'
[[pattern]]
in = "message"
text = '{error.code:like(AH*)}: {event.reason:tags}'
[[pattern]]
in = "message"
text = 'user "{user.name}" at {app.class}.{log.origin.function:ident}'
fields = { "event.category" = "authentication" }
"#;

#[test]
fn words_of_a_form_levels_and_names_are_captured() {
    let packs = packs(&[("app.toml", SUITE)]);
    for (line, name, expected) in [
        ("2026-03-14 09:26:53 WARN [a b] vn.kho.A: z", "log.level", Some("WARN")),
        ("2026-03-14 09:26:53 Information   [a] vn.kho.A: z", "log.logger", Some("vn.kho.A")),
        ("2026-03-14 09:26:53 loud [a] vn.kho.A: z", "log.level", None),
        ("2026-03-14 09:26:53 WARN [a] com.kho.A: z", "log.level", None),
        ("2026-03-14 09:26:53 WARN [a] vn.A: AH01: no [id \"7\"] [peer 10.0.0.9]", "error.code", Some("AH01")),
        ("2026-03-14 09:26:53 WARN [a] vn.A: AH01: no [id \"7\"] [peer 10.0.0.9]", "rule.id", Some("7")),
        ("2026-03-14 09:26:53 WARN [a] vn.A: AH01: no [id \"7\"] [peer 10.0.0.9]", "source.ip", Some("10.0.0.9")),
        ("2026-03-14 09:26:53 WARN [a] vn.A: BH01: no [id \"7\"]", "error.code", None),
        ("2026-03-14 09:26:53 INFO [a] vn.A: user \"an\" at vn.kho.B.mo", "app.class", Some("vn.kho.B")),
        ("2026-03-14 09:26:53 INFO [a] vn.A: user \"an\" at vn.kho.B.mo", "log.origin.function", Some("mo")),
    ] {
        let event = packs.parse(line, &HINT);
        let got = event.get_by_name(name).map(|value| value.to_text().into_owned());
        assert_eq!(got.as_deref(), expected, "{name} of {line}");
    }
}

#[test]
fn a_pack_may_read_several_grammars_and_patterns_read_what_was_unescaped() {
    let packs = packs(&[("app.toml", SUITE)]);
    for line in [
        r#"{"app_id":1,"peer":["10.0.0.9:80"],"message":"user \"an\" at a.b.c"}"#,
        r#"app_id=1 peer=10.0.0.9:80 message="user \"an\" at a.b.c""#,
    ] {
        let event = packs.parse(line, &HINT);
        assert_eq!(event.parser, Some("app"), "{line}");
        for (name, expected) in [("source.ip", "10.0.0.9"), ("source.port", "80"), ("user.name", "an")] {
            let got = event.get_by_name(name).or_else(|| event.get_by_name(&format!("app.{name}")));
            assert_eq!(got.map(|value| value.to_text().into_owned()).as_deref(), Some(expected), "{name} of {line}");
        }
        assert_eq!(event.get_by_name("event.category"), Some(&Value::from("authentication")), "{line}");
    }
}

#[test]
fn a_pattern_of_few_words_reads_only_where_the_program_is_known() {
    let packs = packs(&[("app.toml", SUITE)]);
    let known = packs.parse("Mar 14 09:26:53 h app[7]: x9: an", &HINT);
    assert_eq!(known.get(ecs::USER_NAME), Some(&Value::from("an")));
    assert_eq!(packs.parse("Mar 14 09:26:53 h other[7]: x9: an", &HINT).parser, None);
    assert_eq!(packs.parse("x9: an", &HINT).parser, None);
}

#[test]
fn a_line_unescaped_from_json_is_read_as_if_it_had_come_alone() {
    let json = "name = \"json\"\ntitle = \"t\"\nread = \"json\"\nfallback = true\n";
    let packs = packs(&[("app.toml", SUITE), ("json.toml", json)]);
    let line = r#"{"log":"2026-03-14 09:26:53 WARN [a] vn.A: user \"an\" at b.c\n","stream":"stdout"}"#;
    let (event, steps) = packs.explain(line, &HINT);
    assert_eq!(event.parser, Some("app"));
    assert_eq!(event.get(ecs::USER_NAME), Some(&Value::from("an")));
    assert_eq!(event.get_by_name("stream"), Some(&Value::from("stdout")));
    assert_eq!(event.timestamp.to_string(), "2026-03-14T09:26:53.000Z");
    assert!(
        steps.iter().any(|step| matches!(step, Step::FieldPattern { field, .. } if field == "message")),
        "{steps:?}"
    );
    let unknown = packs.parse(r#"{"log":"nothing \"known\" here\n","stream":"stdout"}"#, &HINT);
    assert_eq!(unknown.parser, Some("json"));
}

#[test]
fn a_json_object_may_begin_with_blanks_and_stand_in_a_cell() {
    let text = "name = \"cell\"\ntitle = \"t\"\n[[recognise]]\nprefix = \"T,\"\n[[pattern]]\ntext = 'T,{:csv}'\ncolumns = [\":json\"]\n[map]\nuser = \"user.name\"\n";
    let json = "name = \"json\"\ntitle = \"t\"\nread = \"json\"\nfallback = true\n[map]\nuser = \"user.name\"\n";
    let packs = packs(&[("cell.toml", text), ("json.toml", json)]);
    for line in [r#"T,"{""user"": ""an""}""#, r#"2026-03-14T09:26:53Z edge-1  {   "user": "an" }"#] {
        assert_eq!(packs.parse(line, &HINT).get(ecs::USER_NAME), Some(&Value::from("an")), "{line}");
    }
}

#[test]
fn pieces_that_were_joined_are_read_as_one_message() {
    let packs = Packs::builtin();
    let hint = Hint { received: Timestamp(1_773_480_413_000_000_000), format: None, zone_offset_seconds: 0 };
    let head = "<11>Mar 14 09:26:53 app-1 tomcat[12]:";
    let line = format!("{head} 2026-03-14 09:26:53,120 ERROR [main] a.b.C - boom\n{head} #011at a.b.C(C.java:1)");
    let event = packs.parse(&line, &hint);
    let text = |name: &str| event.get_by_name(name).map(|value| value.to_text().into_owned());
    assert_eq!(event.raw, line, "what came is kept as it came");
    assert_eq!(event.parser, Some("java"));
    assert_eq!(text("error.stack_trace").as_deref(), Some("\tat a.b.C(C.java:1)"));
    assert_eq!((text("host.hostname").as_deref(), text("log.level").as_deref()), (Some("app-1"), Some("ERROR")));

    let head = "<131>Mar 14 09:26:53 db-1 postgres[7]:";
    let line = format!("{head} [5-1] ERROR:  syntax error\n{head} [5-2] STATEMENT:  select\n{head} [5-3] #0111;");
    let event = packs.parse(&line, &hint);
    assert_eq!(event.parser, Some("postgresql"));
    let message = event.get_by_name("message").map(|value| value.to_text().into_owned());
    assert_eq!(message.as_deref(), Some("syntax error\nSTATEMENT:  select\n\t1;"));

    // Records of another event, or of no pack, are no records of this one.
    for line in
        ["type=SYSCALL msg=audit(1.5:7): a=1\ntype=CWD msg=audit(1.5:8): cwd=\"/\"", "audit(1.5:7) x\naudit(1.5:7) y"]
    {
        let event = packs.parse(line, &hint);
        assert!(event.get_by_name("process.working_directory").is_none(), "{line}");
    }
}
