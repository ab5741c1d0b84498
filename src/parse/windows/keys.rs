//! The names that shippers give the parts of a Windows event: winlogbeat, nxlog, evtx_dump, plain event XML, flat exports.

use std::sync::LazyLock;

use hashbrown::HashMap;

use crate::model::Field;
use crate::model::Name;
use crate::parse::windows::fields;

/// What a key of the shipper's record is, worked out once for each key.
#[derive(Debug, Clone)]
pub(in crate::parse) enum Part {
    /// A part of `System`, under its ECS name in `winlog.*`.
    System(Name<'static>),
    /// A member of the event's data.
    Data(Member),
    Timestamp,
    Message,
    /// Already an ECS name.
    Ecs,
    /// The shipper's own affairs.
    Ignored,
}

/// A member of an event's data.
#[derive(Debug, Clone)]
pub(in crate::parse) struct Member {
    /// The name as the event has it.
    pub(super) name: Box<str>,
    /// The name behind `winlog.event_data.`.
    pub(in crate::parse) kept_as: Name<'static>,
    /// What Sysmon means by it, when that is one field.
    pub(super) sysmon: Option<Field>,
    /// What the other channels mean by it, when that is one field.
    pub(super) windows: Option<Field>,
    /// What it means depends on the event, too.
    pub(super) varies: bool,
}

impl Part {
    /// Returns the member of the event's data, where the key is one.
    pub(in crate::parse) fn as_data(&self) -> Option<&Member> {
        match self {
            Part::Data(member) => Some(member),
            _ => None,
        }
    }

    /// Works out what a key is.
    pub(in crate::parse) fn of(key: &str) -> Part {
        match classify(key) {
            Key::System(name) => Part::System(Name::new(name)),
            Key::Data(name) => Part::Data(Member::new(name)),
            Key::Timestamp => Part::Timestamp,
            Key::Message => Part::Message,
            Key::Ecs => match key.strip_prefix("winlog.event_data.") {
                Some(name) => Part::Data(Member::new(name)),
                None if key == "event.original" => Part::Ignored,
                None => Part::Ecs,
            },
            Key::Ignored => Part::Ignored,
        }
    }
}

impl Member {
    fn new(name: &str) -> Member {
        let (sysmon, windows) = fields::of_member(name);
        let kept_as = Name::new(["winlog.event_data.", name].concat());
        Member { name: name.into(), kept_as, sysmon, windows, varies: fields::varies(name) }
    }
}

/// What a key of the shipper's record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key<'k> {
    /// A part of `System`, under its ECS name in `winlog.*`.
    System(&'static str),
    /// A member of `EventData` or `UserData`.
    Data(&'k str),
    Timestamp,
    Message,
    /// Already an ECS name.
    Ecs,
    /// The shipper's own affairs.
    Ignored,
}

/// Parts of `System` by every name they have, and their ECS names.
const SYSTEM: [(&str, &str); 49] = [
    ("Provider.Name", "winlog.provider_name"),
    ("Provider.EventSourceName", "winlog.provider_name"),
    ("SourceName", "winlog.provider_name"),
    ("Provider_Name", "winlog.provider_name"),
    ("ProviderName", "winlog.provider_name"),
    ("Provider", "winlog.provider_name"),
    ("source_name", "winlog.provider_name"),
    ("provider_name", "winlog.provider_name"),
    ("Provider.Guid", "winlog.provider_guid"),
    ("ProviderGuid", "winlog.provider_guid"),
    ("Provider_Guid", "winlog.provider_guid"),
    ("EventID", "winlog.event_id"),
    ("EventID.#text", "winlog.event_id"),
    ("EventId", "winlog.event_id"),
    ("event_id", "winlog.event_id"),
    ("Version", "winlog.version"),
    ("Level", "winlog.level"),
    ("Task", "winlog.task"),
    ("Opcode", "winlog.opcode"),
    ("OpcodeValue", "winlog.opcode"),
    ("Keywords", "winlog.keywords"),
    ("EventRecordID", "winlog.record_id"),
    ("EventRecordId", "winlog.record_id"),
    ("RecordNumber", "winlog.record_id"),
    ("RecordId", "winlog.record_id"),
    ("Correlation.ActivityID", "winlog.activity_id"),
    ("Correlation_ActivityID", "winlog.activity_id"),
    ("ActivityID", "winlog.activity_id"),
    ("Execution.ProcessID", "winlog.process.pid"),
    ("Execution_ProcessID", "winlog.process.pid"),
    ("ExecutionProcessID", "winlog.process.pid"),
    ("Execution.ThreadID", "winlog.process.thread.id"),
    ("Execution_ThreadID", "winlog.process.thread.id"),
    ("ExecutionThreadID", "winlog.process.thread.id"),
    ("Channel", "winlog.channel"),
    ("channel", "winlog.channel"),
    ("log_name", "winlog.channel"),
    ("Computer", "winlog.computer_name"),
    ("Hostname", "winlog.computer_name"),
    ("HostName", "winlog.computer_name"),
    ("computer_name", "winlog.computer_name"),
    ("MachineName", "winlog.computer_name"),
    ("Security.UserID", "winlog.user.identifier"),
    ("Security_UserID", "winlog.user.identifier"),
    ("UserID", "winlog.user.identifier"),
    ("AccountName", "winlog.user.name"),
    ("Domain", "winlog.user.domain"),
    ("AccountType", "winlog.user.type"),
    ("LevelDisplayName", "winlog.level"),
];

const TIMES: [&str; 8] = [
    "TimeCreated.SystemTime",
    "TimeCreated_SystemTime",
    "EventTime",
    "TimeCreated",
    "@timestamp",
    "SystemTime",
    "UtcTimeCreated",
    "timestamp",
];

/// Members of nxlog's and Logstash's records that are no part of the event.
const IGNORED: [&str; 17] = [
    "EventReceivedTime",
    "SourceModuleName",
    "SourceModuleType",
    "Severity",
    "SeverityValue",
    "EventType",
    "Category",
    "@version",
    "host",
    "port",
    "tags",
    "type",
    "EventID.Qualifiers",
    "Qualifiers",
    "xmlns",
    "ThreadID",
    "RelatedActivityID",
];

/// What the lists above say of a name.
#[derive(Debug, Clone, Copy)]
enum Known {
    System(&'static str),
    Time,
    Ignored,
}

/// The lists as one map: every key of every record is looked up. Of a name in two lists the first list counts.
static KNOWN: LazyLock<HashMap<&'static str, Known, foldhash::fast::FixedState>> = LazyLock::new(|| {
    let ignored = IGNORED.iter().map(|name| (*name, Known::Ignored));
    let times = TIMES.iter().map(|name| (*name, Known::Time));
    let system = SYSTEM.iter().map(|(name, ecs)| (*name, Known::System(ecs)));
    ignored.chain(times).chain(system).collect()
});

/// Says what a key is, by the shipper's name for it.
fn classify(key: &str) -> Key<'_> {
    if key.starts_with("winlog.") || key.starts_with("event.") || key.starts_with("host.") || key.starts_with("agent.")
    {
        return Key::Ecs;
    }
    let key = key.strip_prefix("Event.").unwrap_or(key);
    if let Some(data) = key.strip_prefix("EventData.").or_else(|| key.strip_prefix("event_data.")) {
        return data_key(data);
    }
    if let Some(data) = key.strip_prefix("UserData.") {
        // `UserData` holds one element that names the kind; the members are below it.
        return data_key(data.split_once('.').map_or(data, |(_, member)| member));
    }
    if matches!(key, "RenderingInfo.Message" | "Message" | "message") {
        return Key::Message;
    }
    if key.starts_with("RenderingInfo.") || (has_mark(key) && key.contains("#attributes.xmlns")) {
        return Key::Ignored;
    }
    let (key, is_system) = key.strip_prefix("System.").map_or((key, false), |key| (key, true));
    system_key(key, is_system)
}

/// Says whether a key may hold `#attributes` or `@attributes`: hardly one does.
fn has_mark(key: &str) -> bool {
    memchr::memchr2(b'#', b'@', key.as_bytes()).is_some()
}

fn system_key(key: &str, is_system: bool) -> Key<'_> {
    let bare;
    let name = match has_mark(key) && (key.contains("#attributes.") || key.contains("@attributes.")) {
        true => {
            bare = key.replace("#attributes.", "").replace("@attributes.", "");
            bare.as_str()
        }
        false => key,
    };
    match KNOWN.get(name) {
        Some(Known::System(ecs)) => Key::System(ecs),
        Some(Known::Time) => Key::Timestamp,
        Some(Known::Ignored) => Key::Ignored,
        None if is_system => Key::Ignored,
        None => Key::Data(key),
    }
}

/// Takes away what evtx_dump puts around a value.
fn data_key(data: &str) -> Key<'_> {
    if data.starts_with("#attributes") || data.ends_with(".#attributes.xmlns") {
        return Key::Ignored;
    }
    let data = data.strip_prefix("Data.").filter(|rest| !rest.starts_with('#')).unwrap_or(data);
    Key::Data(data.strip_suffix(".#text").unwrap_or(data))
}
