//! `longan alerts`, `incidents` and `status` as scripts use them: the real program against a real server on a real
//! socket, and against the files alone when no server runs.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the finding")]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use longan::alert::AlertStore;
use longan::alert::NewDetection;
use longan::alert::Policy;
use longan::alert::rulebook::NewException;
use longan::alert::rulebook::RuleBook;
use longan::alert::store::FILE_NAME;
use longan::auth::PeerPolicy;
use longan::auth::Principal;
use longan::auth::TokenStore;
use longan::evidence::audit::AuditLog;
use longan::incident::Forms;
use longan::incident::IncidentStore;
use longan::model::EventId;
use longan::model::RuleLevel;
use longan::model::Timestamp;
use longan::model::time::ManualClock;
use longan::server::ControlSocket;
use longan::server::Limits;
use longan::server::PulseFigures;
use longan::server::RuleService;
use longan::server::SavedSearches;
use longan::server::SearchService;
use longan::server::Server;
use longan::server::Services;
use longan::server::StatusService;
use longan::server::TailSink;
use longan::server::services::EventObject;
use longan::telemetry::Registry;
use longan::wire::problem::Problem;
use longan::wire::rule::BacktestMessage;
use longan::wire::rule::BacktestRequest;
use longan::wire::rule::CheckReport;
use longan::wire::rule::ExceptionPreview;
use longan::wire::rule::RuleSaveRequest;
use longan::wire::rule::RuleSource;
use longan::wire::rule::TestReport;
use longan::wire::rule::TestRequest;
use longan::wire::search::Histogram;
use longan::wire::search::HistogramRequest;
use longan::wire::search::SearchCount;
use longan::wire::search::SearchPage;
use longan::wire::search::SearchRequest;
use longan::wire::search::SearchTable;
use longan::wire::source::InputRow;
use longan::wire::source::SourceCommand;
use longan::wire::source::SourceList;
use longan::wire::source::SourceRow;
use longan::wire::status::RuleList;
use longan::wire::status::Status;
use longan::wire::why::AlertWhy;
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

const START: Timestamp = Timestamp(1_700_000_000_000_000_000);

/// A data folder with alerts in it, and a server on it while `running`.
struct World {
    data: TempDir,
    running: Option<Running>,
}

struct Running {
    runtime: Runtime,
    server: Server,
    task: JoinHandle<()>,
}

/// What a command did.
struct Done {
    code: i32,
    out: String,
    err: String,
}

impl Done {
    fn lines(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl World {
    /// Three alerts: one of each level from medium up, the first with a hostile name.
    fn new() -> World {
        let data = TempDir::new().unwrap();
        let clock = Arc::new(ManualClock::at(START));
        let store = Arc::new(AlertStore::open(&data.path().join(FILE_NAME), Policy::DEFAULT, clock.clone()).unwrap());
        let levels = [RuleLevel::Medium, RuleLevel::High, RuleLevel::Critical];
        let detection = |(event, level)| NewDetection {
            rule_id: "brute".to_owned(),
            title: "SSH brute force".to_owned(),
            title_vi: Some("Dò mật khẩu SSH".to_owned()),
            level,
            entity_field: "source.ip".to_owned(),
            entity: format!("10.0.0.{event}\u{1b}[2J"),
            event_ids: vec![EventId(event)],
            event_time: START,
            raw: "Failed \u{1b}]0;pwned\u{7} password".to_owned(),
            ..NewDetection::default()
        };
        let batch: Vec<NewDetection> = (1..).zip(levels).map(detection).collect();
        store.commit(&batch, EventId(3), None).unwrap();
        let running = Running::start(data.path(), store, clock);
        World { data, running: Some(running) }
    }

    fn stop(&mut self) {
        let Some(Running { runtime, server, task }) = self.running.take() else { return };
        server.stop();
        runtime.block_on(task).unwrap();
        drop(server);
        drop(runtime);
        fs::remove_file(self.data.path().join("endpoints.json")).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Done {
        self.run_in("C", arguments)
    }

    fn run_in(&self, locale: &str, arguments: &[&str]) -> Done {
        longan(Some(self.data.path()), locale, arguments)
    }
}

fn longan(data: Option<&Path>, locale: &str, arguments: &[&str]) -> Done {
    let mut command = Command::new(env!("CARGO_BIN_EXE_longan"));
    command.args(arguments).env("LC_ALL", locale);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("LONGAN_") {
            command.env_remove(name);
        }
    }
    if let Some(data) = data {
        command.arg("--data").arg(data);
    }
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Done { code: status.code().unwrap(), out: text(stdout), err: text(stderr) }
}

impl Running {
    fn start(data: &Path, alerts: Arc<AlertStore>, clock: Arc<ManualClock>) -> Running {
        let rulebook = Arc::new(RuleBook::open(&data.join("rules.sqlite"), clock.clone()).unwrap());
        let services = Services {
            incidents: IncidentStore::new(alerts.clone(), Arc::new(Forms::built_in(7 * 3600))),
            alerts,
            search: Arc::new(Nothing),
            status: Arc::new(Nothing),
            retention: None,
            rules: Arc::new(Nothing),
            rulebook,
            searches: Arc::new(SavedSearches::open(data).unwrap()),
            tokens: Arc::new(TokenStore::open(&data.join("tokens.json")).unwrap()),
            peers: PeerPolicy::of_this_process([]),
            audit: Ok(AuditLog::open(data).unwrap()),
            export: None,
            evidence: None,
            metrics: Registry::default(),
            clock,
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let server = Server::new(services, Limits::default());
        let socket = data.join("run").join("longan.sock");
        let bound = {
            let _inside = runtime.enter();
            ControlSocket::bind(&socket).unwrap()
        };
        let serving = server.clone();
        let task = runtime.spawn(async move { serving.serve_local(bound).await });
        fs::write(data.join("endpoints.json"), serde_json::json!({ "pid": 1, "socket": socket }).to_string()).unwrap();
        Running { runtime, server, task }
    }
}

/// Finds nothing and knows little.
struct Nothing;

fn nothing<T>() -> Result<T, Problem> {
    let (kind, detail) = ("not_found".to_owned(), "nothing is stored here".to_owned());
    Err(Problem { status: 404, kind, detail, hint: None, column: None, owner: None })
}

impl RuleService for Nothing {
    fn why(&self, _: &str, _: EventId) -> Result<AlertWhy, Problem> {
        nothing()
    }

    fn source(&self, rule: &str) -> Result<RuleSource, Problem> {
        Ok(RuleSource { id: rule.to_owned(), ..RuleSource::default() })
    }

    fn check(&self, _: &str) -> CheckReport {
        CheckReport::default()
    }

    fn test(&self, _: &TestRequest) -> Result<TestReport, Problem> {
        Ok(TestReport::default())
    }

    fn save(&self, _: &RuleSaveRequest) -> Result<RuleSource, Problem> {
        Ok(RuleSource::default())
    }

    fn preview(&self, _: &NewException) -> Result<ExceptionPreview, Problem> {
        Ok(ExceptionPreview { days: 30, matches: 50, hidden: 41, ..ExceptionPreview::default() })
    }

    fn backtest(
        &self,
        _: &BacktestRequest,
        _: &Principal,
        _: &mut dyn FnMut(&BacktestMessage) -> bool,
    ) -> Result<(), Problem> {
        nothing()
    }
}

impl SearchService for Nothing {
    fn search(&self, _: &SearchRequest, _: &Principal) -> Result<SearchPage, Problem> {
        nothing()
    }

    fn table(&self, _: &SearchRequest, _: &Principal, _: Arc<AtomicBool>) -> Result<SearchTable, Problem> {
        nothing()
    }

    fn count(&self, _: &SearchRequest, _: &Principal) -> Result<SearchCount, Problem> {
        nothing()
    }

    fn histogram(&self, _: &HistogramRequest, _: &Principal) -> Result<Histogram, Problem> {
        nothing()
    }

    fn event(&self, _: EventId, _: &Principal) -> Result<Option<EventObject>, Problem> {
        Ok(None)
    }

    fn stream(&self, _: &SearchRequest, _: &Principal, _: &mut dyn FnMut(&EventObject) -> bool) -> Result<(), Problem> {
        nothing()
    }

    fn tail(&self, _: &SearchRequest, _: &Principal, _: TailSink) -> Result<(), Problem> {
        nothing()
    }
}

impl StatusService for Nothing {
    fn status(&self) -> Status {
        Status {
            version: "0.1.0".to_owned(),
            started: START.to_string(),
            now: START.to_string(),
            refusing: Some("the disk is full".to_owned()),
            events_stored: 3,
            last_event: 3,
            last_searchable: 3,
            events_per_second: 0,
            lag_ms: 0,
            open_alerts: 0,
            alerts_by_level: Vec::new(),
            rules_loaded: 40,
            problems: vec!["rules/x.yml:4:5: unknown field modifier `containz`".to_owned()],
            packs_loaded: 20,
            pushes: Vec::new(),
            disk_used_bytes: 1,
            disk_free_bytes: 1,
            memory_bytes: 1,
            outlook: None,
        }
    }

    fn pulse(&self) -> PulseFigures {
        PulseFigures::default()
    }

    fn act_on_source(&self, _: &SourceCommand, _: &Principal) -> Result<SourceRow, Problem> {
        nothing()
    }

    fn sources(&self) -> SourceList {
        let input = InputRow {
            name: "syslog_udp".to_owned(),
            kind: "syslog_udp".to_owned(),
            place: "127.0.0.1:5514".to_owned(),
            received: 3,
            stored: 3,
            rejected: 0,
            dropped: 0,
            truncated: 0,
            bytes: 99,
            connections: 0,
            acknowledges: false,
        };
        SourceList { inputs: vec![input], sources: Vec::new(), log_sources: Vec::new() }
    }

    fn rules(&self) -> RuleList {
        RuleList { rules: Vec::new() }
    }
}

#[test]
fn a_list_is_the_same_with_a_server_and_without() {
    let mut world = World::new();
    assert_eq!(world.run(&["alerts", "take", "1"]).code, 0);
    let with = world.run(&["alerts", "list", "--format", "json"]);
    let rows = with.lines();
    assert_eq!((with.code, rows.len()), (0, 3), "{}", with.err);
    for member in ["id", "rule", "title", "level", "status", "entity", "count", "first", "last", "events"] {
        assert!(rows.iter().all(|row| row.get(member).is_some()), "{member}");
    }
    assert_eq!((rows[0]["level"].as_str(), rows[0]["events"].clone()), (Some("critical"), serde_json::json!([3])));
    assert_eq!(rows[2]["status"], "taken");
    let count = |arguments: &[&str]| {
        let mut all = vec!["alerts", "list"];
        all.extend(arguments);
        let done = world.run(&all);
        assert_eq!(done.code, 0, "{arguments:?}: {}", done.err);
        done.lines().len()
    };
    let piped: [(&[&str], usize); 6] = [
        (&["--status", "open"], 3),
        (&["--status", "new"], 2),
        (&["--level", "high"], 2),
        (&["--text", "do mat khau", "--limit", "1"], 1),
        (&["--owner", "nobody-at-all"], 0),
        (&["--status", "closed"], 0),
    ];
    for (arguments, expected) in piped {
        assert_eq!(count(arguments), expected, "{arguments:?}");
    }
    let shown = world.run(&["alerts", "show", "ALR-3"]);
    world.stop();
    let without = world.run(&["alerts", "list", "--format", "json"]);
    assert_eq!((without.code, without.out), (0, with.out));
    assert_eq!(world.run(&["alerts", "show", "3"]).out, shown.out);
    assert_eq!(world.run(&["alerts", "show", "99"]).code, 1, "nothing found");
    assert_eq!(world.run(&["incidents", "list"]).code, 0);
    assert_eq!(world.run(&["incidents", "show", "INC-1"]).code, 1);
}

#[test]
fn a_server_that_was_killed_leaves_the_files_to_read() {
    let mut world = World::new();
    let endpoints = fs::read_to_string(world.data.path().join("endpoints.json")).unwrap();
    world.stop();
    fs::write(world.data.path().join("endpoints.json"), endpoints).unwrap();
    assert_eq!(world.run(&["alerts", "list"]).lines().len(), 3);
    let refused = world.run(&["alerts", "take", "1"]);
    assert_eq!((refused.code, refused.err.contains("no server answers")), (4, true), "{}", refused.err);
}

#[test]
fn actions_tell_what_became_of_them_and_failures_have_their_codes() {
    let mut world = World::new();
    let cases: [(&[&str], i32, &str); 17] = [
        (&["alerts", "take", "1", "2"], 0, ""),
        (&["alerts", "show", "99"], 1, "no such alert `ALR-99`"),
        (&["alerts", "close", "2", "--as", "tp"], 2, "closing an alert of level `high` needs a note"),
        (&["alerts", "close", "2", "--as", "true_positive", "--note", "đã chặn"], 0, ""),
        (&["alerts", "close", "2", "--as", "test", "--note", "x"], 4, "it is closed"),
        (&["alerts", "undo", "2"], 0, ""),
        (&["alerts", "undo", "2"], 4, "to undo"),
        (&["alerts", "note", "ALR-1", "đang gọi chủ máy"], 0, ""),
        (&["alerts", "release", "1", "3", "2"], 4, "ALR-3: nobody holds it"),
        (&["alerts", "list", "--status", "opened"], 2, "did you mean `open`?"),
        (&["alerts", "list", "--status", "none"], 2, "one of: open, all, new"),
        (&["alerts", "close", "--as", "fp"], 2, "required"),
        (&["alerts", "close", "--as", "fp", "--note", "nhiễu", "--expected", "2"], 4, "admits 3 alerts, not 2"),
        (&["alerts", "close", "1", "--as", "fp", "--expected", "2"], 2, "cannot be used with"),
        (&["alerts", "escalate", "3", "--title", "Xâm nhập"], 0, ""),
        (&["alerts", "escalate", "1", "--incident", "INC-9"], 1, "no such incident `INC-9`"),
        (&["alerts", "dance"], 2, "unrecognized subcommand"),
    ];
    for (arguments, code, message) in cases {
        let done = world.run(arguments);
        assert_eq!(done.code, code, "{arguments:?}: {}", done.err);
        assert!(done.err.contains(message), "{arguments:?}: {}", done.err);
    }
    let bulk = ["alerts", "close", "--as", "fp", "--note", "nhiễu", "--status", "new", "--expected", "2"];
    let closed = world.run(&bulk);
    assert_eq!((closed.code, closed.out.trim()), (0, r#"{"done":[2,1],"refused":[]}"#), "{}", closed.err);
    let reopened = world.run(&["alerts", "reopen", "--status", "closed", "--expected", "5", "--text", "10.0.0.1"]);
    assert_eq!(reopened.out.trim(), r#"{"done":[1],"refused":[]}"#);
    world.stop();
    let away = world.run(&["alerts", "take", "1"]);
    assert_eq!(away.code, 4);
    assert!(away.err.contains("no server runs") && away.err.contains("hint: start one with"), "{}", away.err);
    let empty = TempDir::new().unwrap();
    let nothing = longan(Some(empty.path()), "C", &["alerts", "list"]);
    assert_eq!((nothing.code, nothing.out.as_str()), (4, ""), "{}", nothing.err);
    assert_eq!(fs::read_dir(empty.path()).unwrap().count(), 0, "reading makes nothing");
}

#[test]
fn an_incident_is_worked_on_from_a_script() {
    let world = World::new();
    assert_eq!(world.run(&["alerts", "escalate", "3", "--note", "nghi ngờ"]).code, 0);
    let cases: [(&[&str], i32); 8] = [
        (&["incidents", "take", "INC-1"], 0),
        (&["incidents", "phase", "1", "containment", "--note", "ngắt mạng"], 0),
        (&["incidents", "note", "1", "đã báo cáo"], 0),
        (&["incidents", "meet", "1", "first_notice"], 0),
        (&["incidents", "meet", "1", "tea"], 1),
        (&["incidents", "phase", "1", "closed"], 2),
        (&["incidents", "show", "2"], 1),
        (&["incidents", "phase", "1", "nowhere"], 2),
    ];
    for (arguments, code) in cases {
        let done = world.run(arguments);
        assert_eq!(done.code, code, "{arguments:?}: {}", done.err);
    }
    let list = world.run(&["incidents", "list", "--status", "open"]).lines();
    assert_eq!((list.len(), list[0]["phase"].as_str()), (1, Some("containment")));
    let detail = &world.run(&["incidents", "show", "1"]).lines()[0];
    assert_eq!((detail["alerts"].as_u64(), detail["alert_rows"].as_array().map(Vec::len)), (Some(1), Some(1)));
    let table = world.run(&["incidents", "show", "1", "--format", "table"]);
    assert!(table.out.contains("first_notice") && table.out.contains("đã báo cáo"), "{}", table.out);
    let closed = world.run(&["incidents", "phase", "1", "closed", "--note", "xong"]);
    assert_eq!((closed.code, world.run(&["incidents", "list", "--status", "open"]).out), (0, String::new()));
}

#[test]
fn what_people_read_is_in_their_language_and_cannot_act() {
    let world = World::new();
    for (locale, words) in
        [("C", ["Level", "new", "SSH brute force"]), ("vi_VN.UTF-8", ["Mức", "mới", "Dò mật khẩu SSH"])]
    {
        let list = world.run_in(locale, &["alerts", "list", "--format", "table"]);
        let show = world.run_in(locale, &["alerts", "show", "3", "--format", "table"]);
        assert_eq!(show.out.contains("phát sinh"), locale != "C", "{}", show.out);
        for word in words {
            assert!(list.out.contains(word), "{word}: {}", list.out);
        }
        for text in [&list.out, &show.out] {
            assert!(!text.contains(['\u{1b}', '\u{7}']), "{text:?}");
        }
        assert_eq!(list.out.lines().count(), 4);
    }
    let some = world.run(&["alerts", "list", "--format", "table", "--limit", "1"]);
    assert!(some.err.contains("1/3"), "{}", some.err);
}

#[test]
fn the_status_is_one_object_or_one_look() {
    let mut world = World::new();
    let status = &world.run(&["status", "--format", "json"]).lines()[0];
    for (member, expected) in [
        ("last_event", serde_json::json!(3)),
        ("last_searchable", serde_json::json!(3)),
        ("rules_loaded", serde_json::json!(40)),
        ("packs_loaded", serde_json::json!(20)),
        ("memory_bytes", serde_json::json!(1)),
        ("open_alerts", serde_json::json!(3)),
        ("refusing", serde_json::json!("the disk is full")),
    ] {
        assert_eq!(status[member], expected, "{member}");
    }
    assert_eq!((status["problems"].as_array().map(Vec::len), &status["inputs"][0]["received"]), (Some(1), &3.into()));
    assert!(status.get("sources").is_none());
    let table = world.run(&["status", "--format", "table", "--sources"]);
    assert_eq!(table.code, 0);
    for word in ["REFUSING input: the disk is full", "x.yml:4:5", "syslog_udp", "critical 1"] {
        assert!(table.out.contains(word), "{word}: {}", table.out);
    }
    world.stop();
    assert_eq!(world.run(&["status"]).code, 4);
}

#[test]
fn the_configuration_is_checked_and_explained() {
    let folder = TempDir::new().unwrap();
    let good = folder.path().join("good.toml");
    fs::write(&good, "zone = \"+07:00\"\n[store]\nretention_days = 400\n").unwrap();
    let bad = folder.path().join("bad.toml");
    fs::write(&bad, "zone = \"east\"\n[store]\nretention_days = 1\n").unwrap();
    let (good, bad) = (good.to_str().unwrap(), bad.to_str().unwrap());
    let run = |arguments: &[&str]| longan(None, "C", arguments);
    assert_eq!(run(&["config", "check"]).code, 0, "the defaults are right");
    assert_eq!(run(&["config", "check", "--config", good]).code, 0);
    let refused = run(&["config", "check", "--config", bad, "--format", "table"]);
    assert_eq!(refused.code, 3);
    for place in [format!("{bad}:1:8: "), format!("{bad}:3:18: "), "hint: ".to_owned()] {
        assert!(refused.out.contains(&place), "{place}: {}", refused.out);
    }
    let rows = run(&["config", "check", "--config", bad]).lines();
    assert_eq!((rows.len(), rows[0]["line"].as_u64(), rows[1]["column"].as_u64()), (2, Some(1), Some(18)));
    let missing = run(&["config", "explain", "--config", "/nowhere/longan.toml"]);
    assert_eq!((missing.code, missing.err.contains("/nowhere/longan.toml")), (3, true));

    let explained = run(&["config", "explain", "--config", good, "--data", "/srv/longan"]).lines();
    let setting = |key: &str| explained.iter().find(|row| row["key"] == key).unwrap_or_else(|| panic!("{key}"));
    assert_eq!(setting("store.retention_days")["value"], "400");
    assert_eq!(setting("store.retention_days")["origin"], format!("{good}:3"));
    assert_eq!(setting("data")["origin"], "flag --data");
    assert_eq!(setting("store.seal_seconds")["origin"], "default");
}

#[test]
fn a_token_is_issued_once_and_taken_back() {
    let world = World::new();
    let issued = world.run(&["token", "issue", "ioc-feed", "--role", "auditor", "--days", "7"]);
    assert_eq!((issued.code, issued.out.trim().len()), (0, 47), "{}", issued.err);
    assert!(!issued.err.contains(issued.out.trim()));
    let stored = fs::read_to_string(world.data.path().join("tokens.json")).unwrap();
    assert!(!stored.contains(issued.out.trim()));
    let cases: [(&[&str], i32); 6] = [
        (&["token", "issue", "ioc-feed", "--role", "auditor"], 2),
        (&["token", "issue", "x", "--role", "root"], 2),
        (&["token", "issue", "x", "--role", "admin", "--days", "0"], 2),
        (&["token", "issue", "a b", "--role", "admin"], 2),
        (&["token", "revoke", "other"], 1),
        (&["token", "list", "--format", "table"], 0),
    ];
    for (arguments, code) in cases {
        assert_eq!(world.run(arguments).code, code, "{arguments:?}");
    }
    let listed = &world.run(&["token", "list"]).lines()[0];
    assert_eq!((listed["name"].as_str(), listed["role"].as_str()), (Some("ioc-feed"), Some("auditor")));
    assert_eq!(world.run(&["token", "revoke", "ioc-feed"]).code, 0);
    assert_eq!(world.run(&["token", "list"]).out, "");
    let nowhere = longan(Some(Path::new("/nowhere/at/all")), "C", &["token", "list"]);
    assert_eq!((nowhere.code, nowhere.err.contains("no such data folder")), (2, true));
}
