//! RFC 5424 printed from its grammar (§6) and read back, and every production broken once.

use proptest::prelude::*;

use super::*;

const RECEIVED: Timestamp = Timestamp(1_773_489_600_000_000_000);

/// What a message is made of; `None` is the NILVALUE.
#[derive(Debug, Clone)]
struct Message {
    pri: u8,
    version: u16,
    time: Option<Timestamp>,
    /// HOSTNAME, APP-NAME, PROCID, MSGID.
    names: [Option<String>; 4],
    elements: Vec<(String, Vec<(String, String)>)>,
    text: Option<String>,
}

/// PRINTUSASCII of a length; a dash alone would be the NILVALUE.
fn name(longest: usize) -> impl Strategy<Value = Option<String>> {
    let text = proptest::string::string_regex(&format!("[!-~]{{1,{longest}}}")).expect("a regular expression");
    proptest::option::of(text.prop_filter("NILVALUE", |text| text != "-"))
}

/// SD-NAME: without `=`, space, `]` and `"`.
const SD_NAME: &str = "[!#-<>-\\\\^-~]{1,32}";

fn message() -> impl Strategy<Value = Message> {
    let parameters = prop::collection::vec((SD_NAME, "[ -~à-ỹ]{0,12}"), 0..4);
    let elements = prop::collection::vec((SD_NAME, parameters), 0..4);
    let time = proptest::option::of((0_i64..4_102_444_800, 0_u32..1_000_000));
    let names = (name(255), name(48), name(128), name(32));
    let text = proptest::option::of("[ -~à-ỹ]{0,40}");
    (0_u8..192, 1_u16..1000, time, names, elements, text).prop_map(|(pri, version, time, names, mut elements, text)| {
        let mut seen = std::collections::BTreeSet::new();
        elements.retain(|(id, _)| seen.insert(id.clone()));
        let time = time.map(|(seconds, micros)| Timestamp::from_seconds(seconds, micros * 1000));
        let (hostname, app_name, procid, msgid) = names;
        Message { pri, version, time, names: [hostname, app_name, procid, msgid], elements, text }
    })
}

fn print(message: &Message) -> String {
    let time = message.time.map_or_else(|| "-".to_owned(), |time| time.to_string());
    let mut line = format!("<{}>{} {time} ", message.pri, message.version);
    for part in &message.names {
        line.push_str(part.as_deref().unwrap_or("-"));
        line.push(' ');
    }
    for (id, parameters) in &message.elements {
        line.push_str(&format!("[{id}"));
        for (name, value) in parameters {
            let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace(']', "\\]");
            line.push_str(&format!(" {name}=\"{escaped}\""));
        }
        line.push(']');
    }
    if message.elements.is_empty() {
        line.push('-');
    }
    if let Some(text) = &message.text {
        line.push_str(&format!(" {text}"));
    }
    line
}

proptest! {
    #[test]
    fn a_printed_message_is_read_back_exactly(message in message()) {
        let line = print(&message);
        let header = read(&line, RECEIVED, 7 * 3600);
        prop_assert_eq!(header.format, HeaderFormat::Rfc5424, "{}", line);
        let pri = header.pri.map(|(facility, severity)| facility * 8 + severity.code());
        prop_assert_eq!((pri, header.version), (Some(message.pri), Some(message.version)));
        prop_assert_eq!((header.timestamp, header.inferred), (message.time, Inferred::default()));
        let names = [header.hostname, header.app_name, header.procid, header.msgid];
        prop_assert_eq!(names, message.names.each_ref().map(|name| name.as_deref()));
        prop_assert_eq!(header.body, message.text.as_deref().unwrap_or_default());
        let mut found = Vec::new();
        if let Some(data) = header.structured_data {
            let mut out = |id: &str, name: &str, value: std::borrow::Cow<'_, str>| {
                found.push((id.to_owned(), name.to_owned(), value.into_owned()));
            };
            // The closure's lifetimes are the text's, so what is found is copied.
            prop_assert!(structured_data::visit(data, &mut |id, name, value| out(id, name, value)).is_ok());
        }
        let sent = message.elements.iter().flat_map(|(id, parameters)| {
            parameters.iter().map(move |(name, value)| (id.clone(), name.clone(), value.clone()))
        });
        prop_assert_eq!(found, sent.collect::<Vec<_>>());
    }
}

const TIMES_BROKEN: [&str; 21] = [
    "2026-3-14T09:26:53Z",
    "26-03-14T09:26:53Z",
    "2026-13-14T09:26:53Z",
    "2026-00-14T09:26:53Z",
    "2026-02-29T09:26:53Z",
    "2026-03-32T09:26:53Z",
    "2026-03-14t09:26:53Z",
    "2026-03-14 09:26:53Z",
    "2026-03-14T24:00:00Z",
    "2026-03-14T09:60:53Z",
    "2026-03-14T09:26:60Z",
    "2026-03-14T09:26Z",
    "2026-03-14T09:26:53",
    "2026-03-14T09:26:53z",
    "2026-03-14T09:26:53.Z",
    "2026-03-14T09:26:53.1234567Z",
    "2026-03-14T09:26:53+7",
    "2026-03-14T09:26:53+0700",
    "2026-03-14T09:26:53+24:00",
    "2026-03-14T09:26:53+07:60",
    "--",
];

const DATA_BROKEN: [&str; 18] = [
    "",
    "--",
    "[]",
    "[ a=\"1\"]",
    "[i a=\"1\"",
    "[i a=1]",
    "[i a=\"1]",
    "[i a=\"]\"]",
    "[i a]",
    "[i =\"1\"]",
    "[i  a=\"1\"]",
    "[i a=\"1\" ]",
    "[i a=\"1\"b=\"2\"]",
    "[i\u{e0}]",
    "[i]x",
    "[i][i]",
    "[i=]",
    "[i a=\"\\n\"]",
];

/// Each production of §6 broken once: none is of RFC 5424, and the end of every line is still there to be read otherwise.
#[test]
fn every_production_broken_is_refused_and_kept() {
    let time = "2026-03-14T09:26:53.5Z";
    let pris = ["", "<>", "<-1>", "<192>", "<1000>", "<01>", "<007>", "<a>", "<1", "1>", "< 1>"];
    let versions = ["", "0", "01", "1000", "-", "a"];
    let mut broken: Vec<String> = pris.iter().map(|pri| format!("{pri}1 {time} h a p m - text")).collect();
    broken.extend(versions.iter().map(|version| format!("<1>{version} {time} h a p m - text")));
    broken.extend(TIMES_BROKEN.iter().map(|time| format!("<1>1 {time} h a p m - text")));
    broken.extend(DATA_BROKEN.iter().map(|data| format!("<1>1 {time} h a p m {data}")));
    for (place, longest) in [(0, 255), (1, 48), (2, 128), (3, 32)] {
        for bad in ["x".repeat(longest + 1), "t\u{e0}i".to_owned(), String::new()] {
            let mut names = ["h", "a", "p", "m"].map(str::to_owned);
            names[place] = bad;
            broken.push(format!("<1>1 {time} {} - text", names.join(" ")));
        }
    }
    for line in broken {
        let header = read(&line, RECEIVED, 0);
        assert_ne!(header.format, HeaderFormat::Rfc5424, "{line}");
        assert!(line.ends_with(header.body), "{line}");
    }
}
