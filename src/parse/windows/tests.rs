//! One event in the forms of every shipper.

use super::*;

use crate::model::Timestamp;

fn event(body: &str) -> Option<Event<'_>> {
    let mut event = Event::new(body, Timestamp(0));
    read(body, &mut event, 0).then_some(event)
}

fn text(event: &Event<'_>, name: &str) -> String {
    event.get_by_name(name).map_or_else(|| "-".to_owned(), |value| value.to_text().into_owned())
}

const FAILED_LOGON: [(&str, &str); 5] = [
    (
        "winlogbeat",
        r#"{"@timestamp":"2026-03-14T02:26:53.000Z","winlog":{"event_id":4625,"channel":"Security","provider_name":"Microsoft-Windows-Security-Auditing","computer_name":"dc01.tinh.vn","keywords":["Audit Failure"],"event_data":{"TargetUserName":"an.nv","TargetDomainName":"TINH","IpAddress":"10.9.8.7","IpPort":"50123","LogonType":"3","SubjectUserName":"-"}},"event":{"code":"4625","kind":"event"},"message":"An account failed to log on."}"#,
    ),
    (
        "nxlog",
        r#"{"EventTime":"2026-03-14 02:26:53","Hostname":"dc01.tinh.vn","Keywords":-9218868437227405312,"EventType":"AUDIT_FAILURE","SeverityValue":4,"EventID":4625,"SourceName":"Microsoft-Windows-Security-Auditing","Channel":"Security","RecordNumber":7,"TargetUserName":"an.nv","TargetDomainName":"TINH","IpAddress":"10.9.8.7","IpPort":"50123","LogonType":"3","Message":"An account failed to log on."}"#,
    ),
    (
        "evtx_dump",
        r##"{"Event":{"#attributes":{"xmlns":"http://x"},"System":{"Provider":{"#attributes":{"Name":"Microsoft-Windows-Security-Auditing","Guid":"{5}"}},"EventID":{"#attributes":{"Qualifiers":0},"#text":4625},"TimeCreated":{"#attributes":{"SystemTime":"2026-03-14T02:26:53.000000Z"}},"Channel":"Security","Computer":"dc01.tinh.vn","Keywords":"0x8010000000000000"},"EventData":{"TargetUserName":"an.nv","TargetDomainName":"TINH","IpAddress":"10.9.8.7","IpPort":"50123","LogonType":3}}}"##,
    ),
    (
        "xml",
        "<Event xmlns='http://x'><System><Provider Name='Microsoft-Windows-Security-Auditing'/><EventID>4625</EventID><TimeCreated SystemTime='2026-03-14T02:26:53Z'/><Channel>Security</Channel><Computer>dc01.tinh.vn</Computer></System><EventData><Data Name='TargetUserName'>an.nv</Data><Data Name='TargetDomainName'>TINH</Data><Data Name='IpAddress'>10.9.8.7</Data><Data Name='IpPort'>50123</Data><Data Name='LogonType'>3</Data></EventData></Event>",
    ),
    (
        "flat",
        r#"{"@timestamp":"2026-03-14T02:26:53Z","EventID":"4625","Channel":"Security","Computer":"dc01.tinh.vn","Provider_Name":"Microsoft-Windows-Security-Auditing","TargetUserName":"an.nv","TargetDomainName":"TINH","IpAddress":"10.9.8.7","IpPort":50123,"LogonType":3}"#,
    ),
];

#[test]
fn every_shipper_gives_the_same_event() {
    for (shipper, body) in FAILED_LOGON {
        let event = event(body).expect(shipper);
        assert_eq!(event.timestamp.to_string(), "2026-03-14T02:26:53.000Z", "{shipper}");
        assert_eq!((event.parser, event.failure), (Some(PARSER), None));
        assert!(event.logsource.admits(Some("windows"), Some("security"), None), "{shipper}");
        for (name, expected) in [
            ("winlog.event_id", "4625"),
            ("event.code", "4625"),
            ("winlog.channel", "Security"),
            ("host.name", "dc01.tinh.vn"),
            ("winlog.provider_name", "Microsoft-Windows-Security-Auditing"),
            ("user.name", "an.nv"),
            ("user.domain", "TINH"),
            ("source.ip", "10.9.8.7"),
            ("source.port", "50123"),
            ("winlog.logon.type", "3"),
            ("event.outcome", "failure"),
            ("event.category", "authentication"),
            ("event.action", "logon-failed"),
            ("winlog.event_data.TargetUserName", "an.nv"),
            ("winlog.event_data.IpAddress", "10.9.8.7"),
            ("winlog.event_data.EventType", "-"),
        ] {
            assert_eq!(text(&event, name), expected, "{shipper} {name}");
        }
    }
}

#[test]
fn sysmon_events_are_ready_for_rules() {
    let body = r#"{"EventID":1,"Channel":"Microsoft-Windows-Sysmon/Operational","Computer":"pc7","UtcTime":"2026-03-14 02:26:53.1","Image":"C:\\Windows\\System32\\cmd.exe","CommandLine":"cmd /c whoami","ParentImage":"C:\\inetpub\\w3wp.exe","ProcessId":"77","User":"TINH\\an","Hashes":"MD5=AA,SHA256=BB,IMPHASH=CC","OriginalFileName":"Cmd.Exe"}"#;
    let event = event(body).expect("a Windows event");
    assert!(event.logsource.admits(Some("windows"), Some("sysmon"), Some("process_creation")));
    for (name, expected) in [
        ("process.executable", "C:\\Windows\\System32\\cmd.exe"),
        ("process.command_line", "cmd /c whoami"),
        ("process.parent.executable", "C:\\inetpub\\w3wp.exe"),
        ("process.hash.sha256", "bb"),
        ("process.hash.imphash", "cc"),
        ("winlog.event_data.Image", "C:\\Windows\\System32\\cmd.exe"),
        ("winlog.event_data.Hashes", "MD5=AA,SHA256=BB,IMPHASH=CC"),
        ("process.pe.original_file_name", "Cmd.Exe"),
        ("event.category", "process"),
        ("event.type", "start"),
    ] {
        assert_eq!(text(&event, name), expected, "{name}");
    }
    let query = r#"{"EventID":22,"SourceName":"Microsoft-Windows-Sysmon","QueryName":"a.vn","QueryResults":"::ffff:10.0.0.1;10.0.0.2;"}"#;
    let event = self::event(query).expect("a Windows event");
    assert!(event.logsource.admits(Some("windows"), None, Some("dns_query")));
    assert_eq!(
        (text(&event, "dns.question.name"), text(&event, "dns.resolved_ip")),
        ("a.vn".into(), "::ffff:10.0.0.1 10.0.0.2".into())
    );
}

#[test]
fn the_actor_and_the_target_stay_apart() {
    let created =
        r#"{"EventID":4720,"Channel":"Security","SubjectUserName":"admin","TargetUserName":"new","TargetSid":"S-1"}"#;
    let event = event(created).expect("a Windows event");
    assert_eq!((text(&event, "user.name"), text(&event, "user.target.name")), ("admin".into(), "new".into()));
    let added = r#"{"EventID":4732,"Channel":"Security","SubjectUserName":"admin","TargetUserName":"Administrators","MemberName":"CN=x","MemberSid":"S-2"}"#;
    let event = self::event(added).expect("a Windows event");
    assert_eq!(
        (text(&event, "group.name"), text(&event, "user.target.name")),
        ("Administrators".into(), "CN=x".into())
    );
    let process = r#"{"EventID":4688,"Channel":"Security","SubjectUserName":"an","NewProcessName":"C:\\a.exe","NewProcessId":"0x1f","ProcessId":"0x2","ParentProcessName":"C:\\b.exe"}"#;
    let event = self::event(process).expect("a Windows event");
    assert!(event.logsource.admits(Some("windows"), None, Some("process_creation")));
    assert_eq!((text(&event, "process.pid"), text(&event, "process.parent.pid")), ("0x1f".into(), "0x2".into()));
}

#[test]
fn user_data_is_read_too() {
    let body = "<Event><System><Provider Name='Microsoft-Windows-Eventlog'/><EventID>1102</EventID><Channel>Security</Channel></System><UserData><LogFileCleared xmlns='x'><SubjectUserName>an</SubjectUserName></LogFileCleared></UserData></Event>";
    let event = event(body).expect("a Windows event");
    assert_eq!((text(&event, "user.name"), text(&event, "event.action")), ("an".into(), "audit-log-cleared".into()));
}

#[test]
fn other_records_are_left_alone() {
    for body in [
        "",
        "text",
        "{}",
        r#"{"EventID":5}"#,
        r#"{"event_id":"login","user":"an"}"#,
        r#"{"Channel":"x","EventID":"abc"}"#,
        "<Event><a>1</a></Event>",
    ] {
        let mut event = Event::new(body, Timestamp(0));
        assert!(!read(body, &mut event, 0), "{body}");
        assert!(event.fields.is_empty());
    }
}

proptest::proptest! {
    #[test]
    fn nothing_panics(
        key in "(Event\\.)?(System|EventData|UserData|winlog)?\\.?[A-Za-z#.]{0,20}", value in "[ -~é]{0,20}",
        id in proptest::num::i64::ANY, channel in "(Security|Microsoft-Windows-Sysmon/Operational|x)",
    ) {
        let record = serde_json::json!({ "EventID": id, "Channel": channel, key: value });
        let body = record.to_string();
        let mut event = Event::new(&body, Timestamp(0));
        let is_read = read(&body, &mut event, 0);
        proptest::prop_assert!(is_read || event.fields.is_empty());
    }
}
