//! Members of an event's data that have an ECS name: by name, and by event id where the same name means different things.

use crate::model::Field;
use crate::model::Value;
use crate::model::ecs;
use crate::parse::keys::Key;
use crate::parse::seen::Filling;
use crate::parse::windows::keys::Member;
use crate::parse::windows::keys::Part;

/// Sysmon's members.
const SYSMON: [(&str, Field); 38] = [
    ("Image", ecs::PROCESS_EXECUTABLE),
    ("CommandLine", ecs::PROCESS_COMMAND_LINE),
    ("ProcessId", ecs::PROCESS_PID),
    ("ProcessGuid", ecs::PROCESS_ENTITY_ID),
    ("CurrentDirectory", ecs::PROCESS_WORKING_DIRECTORY),
    ("ParentImage", ecs::PROCESS_PARENT_EXECUTABLE),
    ("ParentCommandLine", ecs::PROCESS_PARENT_COMMAND_LINE),
    ("ParentProcessId", ecs::PROCESS_PARENT_PID),
    ("ParentProcessGuid", ecs::PROCESS_PARENT_ENTITY_ID),
    ("ParentUser", ecs::PROCESS_PARENT_USER_NAME),
    ("User", ecs::USER_NAME),
    ("Company", ecs::PROCESS_PE_COMPANY),
    ("Description", ecs::PROCESS_PE_DESCRIPTION),
    ("Product", ecs::PROCESS_PE_PRODUCT),
    ("FileVersion", ecs::PROCESS_PE_FILE_VERSION),
    ("OriginalFileName", ecs::PROCESS_PE_ORIGINAL_FILE_NAME),
    ("SourceImage", ecs::PROCESS_EXECUTABLE),
    ("SourceProcessId", ecs::PROCESS_PID),
    ("SourceProcessGuid", ecs::PROCESS_ENTITY_ID),
    ("SourceProcessGUID", ecs::PROCESS_ENTITY_ID),
    ("SourceUser", ecs::USER_NAME),
    ("TargetUser", ecs::USER_TARGET_NAME),
    ("ImageLoaded", ecs::DLL_PATH),
    ("TargetFilename", ecs::FILE_PATH),
    ("TargetObject", ecs::REGISTRY_PATH),
    ("Details", ecs::REGISTRY_DATA_STRINGS),
    ("Protocol", ecs::NETWORK_TRANSPORT),
    ("SourceIp", ecs::SOURCE_IP),
    ("SourcePort", ecs::SOURCE_PORT),
    ("SourceHostname", ecs::SOURCE_DOMAIN),
    ("DestinationIp", ecs::DESTINATION_IP),
    ("DestinationPort", ecs::DESTINATION_PORT),
    ("DestinationHostname", ecs::DESTINATION_DOMAIN),
    ("QueryName", ecs::DNS_QUESTION_NAME),
    ("QueryStatus", ecs::DNS_RESPONSE_CODE),
    ("PipeName", ecs::FILE_NAME),
    ("RuleName", ecs::RULE_NAME),
    ("LogonId", ecs::WINLOG_LOGON_ID),
];

/// Members of the Windows channels that mean the same everywhere.
const WINDOWS: [(&str, Field); 23] = [
    ("IpAddress", ecs::SOURCE_IP),
    ("ClientAddress", ecs::SOURCE_IP),
    ("SourceAddress", ecs::SOURCE_IP),
    ("SourceNetworkAddress", ecs::SOURCE_IP),
    ("IpPort", ecs::SOURCE_PORT),
    ("SourcePort", ecs::SOURCE_PORT),
    ("DestAddress", ecs::DESTINATION_IP),
    ("DestPort", ecs::DESTINATION_PORT),
    ("WorkstationName", ecs::SOURCE_DOMAIN),
    ("Workstation", ecs::SOURCE_DOMAIN),
    ("LogonType", ecs::WINLOG_LOGON_TYPE),
    ("CommandLine", ecs::PROCESS_COMMAND_LINE),
    ("ParentProcessName", ecs::PROCESS_PARENT_EXECUTABLE),
    ("NewProcessName", ecs::PROCESS_EXECUTABLE),
    ("NewProcessId", ecs::PROCESS_PID),
    ("Application", ecs::PROCESS_EXECUTABLE),
    ("ServiceName", ecs::SERVICE_NAME),
    ("ServiceFileName", ecs::PROCESS_EXECUTABLE),
    ("ImagePath", ecs::PROCESS_EXECUTABLE),
    ("Protocol", ecs::NETWORK_TRANSPORT),
    ("Status", ecs::ERROR_CODE),
    ("HostApplication", ecs::PROCESS_COMMAND_LINE),
    ("Threat Name", ecs::THREAT_INDICATOR_NAME),
];

/// Logons and ticket requests: the target is who logs on.
const LOGONS: [u32; 12] = [4624, 4625, 4634, 4647, 4648, 4768, 4769, 4770, 4771, 4776, 4778, 4779];

/// Members that mean different things in different events, or whose value is taken apart.
const VARYING: [&str; 22] = [
    "Hashes",
    "Hash",
    "Initiated",
    "QueryResults",
    "ImageLoaded",
    "OriginalFileName",
    "TargetUserName",
    "TargetDomainName",
    "TargetUserSid",
    "TargetLogonId",
    "SubjectUserName",
    "SubjectDomainName",
    "SubjectUserSid",
    "SubjectLogonId",
    "TargetSid",
    "MemberName",
    "MemberSid",
    "ProcessId",
    "ProcessName",
    "ObjectName",
    "ObjectValueName",
    "RelativeTargetName",
];

/// Says whether a member's name alone does not tell its field.
pub(super) fn varies(name: &str) -> bool {
    VARYING.contains(&name)
}

/// Returns the field of a member in Sysmon's events and in those of the other channels.
pub(super) fn of_member(name: &str) -> (Option<Field>, Option<Field>) {
    let find = |table: &[(&str, Field)]| table.iter().find(|(known, _)| *known == name).map(|(_, field)| *field);
    (find(&SYSMON), find(&WINDOWS))
}

/// Fills ECS fields from the members.
pub(super) fn apply<'a>(event: &mut Filling<'_, 'a>, data: &[(Key<'a>, Value<'a>)], is_sysmon: bool, event_id: u32) {
    for (key, value) in data {
        let Part::Data(member) = key.facts().part() else { continue };
        let text = value.as_str().unwrap_or("x");
        if matches!(text, "" | "-") {
            continue;
        }
        if is_sysmon {
            sysmon(event, member, value, event_id);
        } else {
            windows(event, member, value, event_id);
        }
    }
}

fn sysmon<'a>(event: &mut Filling<'_, 'a>, member: &Member, value: &Value<'a>, event_id: u32) {
    match if member.varies { &*member.name } else { "" } {
        "Hashes" | "Hash" => hashes(event, value, event_id),
        "Initiated" => {
            let is_outbound = matches!(value, Value::Bool(true))
                || value.as_str().is_some_and(|text| text.eq_ignore_ascii_case("true"));
            event.set(ecs::NETWORK_DIRECTION, if is_outbound { "outbound" } else { "inbound" });
        }
        "QueryResults" => {
            let addresses =
                value.as_str().unwrap_or_default().split(';').map(str::trim).filter_map(|item| item.parse().ok());
            let addresses: Vec<_> = addresses.map(Value::Ip).collect();
            if !addresses.is_empty() {
                event.set(ecs::DNS_RESOLVED_IP, Value::List(addresses));
            }
        }
        // A driver is a file, not a library of a process.
        "ImageLoaded" if event_id == 6 => event.set(ecs::FILE_PATH, value.clone()),
        "OriginalFileName" if event_id == 7 => event.set(ecs::DLL_PE_ORIGINAL_FILE_NAME, value.clone()),
        _ => {
            if let Some(field) = member.sysmon {
                event.set_default(field, value.clone());
            }
        }
    }
}

/// Splits `MD5=…,SHA256=…,IMPHASH=…`.
fn hashes<'a>(event: &mut Filling<'_, 'a>, value: &Value<'a>, event_id: u32) {
    let Some(text) = value.as_str() else { return };
    for pair in text.split(',') {
        let Some((algorithm, hash)) = pair.split_once('=') else { continue };
        let field = match (event_id, algorithm.trim().to_ascii_lowercase().as_str()) {
            (7, "sha256") => ecs::DLL_HASH_SHA256,
            (6 | 11 | 15 | 23 | 26..=29, "md5") => ecs::FILE_HASH_MD5,
            (6 | 11 | 15 | 23 | 26..=29, "sha1") => ecs::FILE_HASH_SHA1,
            (6 | 11 | 15 | 23 | 26..=29, "sha256") => ecs::FILE_HASH_SHA256,
            (1 | 24 | 25, "md5") => ecs::PROCESS_HASH_MD5,
            (1 | 24 | 25, "sha1") => ecs::PROCESS_HASH_SHA1,
            (1 | 24 | 25, "sha256") => ecs::PROCESS_HASH_SHA256,
            (1, "imphash") => ecs::PROCESS_HASH_IMPHASH,
            _ => continue,
        };
        event.set(field, hash.trim().to_ascii_lowercase());
    }
}

fn windows<'a>(event: &mut Filling<'_, 'a>, member: &Member, value: &Value<'a>, event_id: u32) {
    let is_logon = LOGONS.contains(&event_id);
    let field = match (&*member.name, event_id) {
        _ if !member.varies => member.windows,
        ("TargetUserName", _) if is_logon => Some(ecs::USER_NAME),
        ("TargetDomainName", _) if is_logon => Some(ecs::USER_DOMAIN),
        ("TargetUserSid", _) if is_logon => Some(ecs::USER_ID),
        ("TargetLogonId", _) if is_logon => Some(ecs::WINLOG_LOGON_ID),
        ("SubjectUserName", _) if is_logon => return,
        ("SubjectUserName", _) => Some(ecs::USER_NAME),
        ("SubjectDomainName", _) if !is_logon => Some(ecs::USER_DOMAIN),
        ("SubjectUserSid", _) if !is_logon => Some(ecs::USER_ID),
        ("SubjectLogonId", _) if !is_logon => Some(ecs::WINLOG_LOGON_ID),
        // Group changes name the group as target and the account as member.
        ("TargetUserName", 4727..=4737 | 4754..=4758 | 4764) => Some(ecs::GROUP_NAME),
        ("TargetDomainName", 4727..=4737 | 4754..=4758 | 4764) => Some(ecs::GROUP_DOMAIN),
        ("TargetSid", 4727..=4737 | 4754..=4758 | 4764) => Some(ecs::GROUP_ID),
        ("MemberName", _) => Some(ecs::USER_TARGET_NAME),
        ("MemberSid", _) => Some(ecs::USER_TARGET_ID),
        ("TargetUserName", _) => Some(ecs::USER_TARGET_NAME),
        ("TargetDomainName", _) => Some(ecs::USER_TARGET_DOMAIN),
        ("TargetSid", _) => Some(ecs::USER_TARGET_ID),
        ("ProcessId", 4688) => Some(ecs::PROCESS_PARENT_PID),
        ("ProcessId", _) => Some(ecs::PROCESS_PID),
        ("ProcessName", _) => Some(ecs::PROCESS_EXECUTABLE),
        ("ObjectName", 4656 | 4660 | 4663 | 4670) => Some(ecs::FILE_PATH),
        ("ObjectName", 4657) => Some(ecs::REGISTRY_PATH),
        ("ObjectValueName", 4657) => Some(ecs::REGISTRY_VALUE),
        ("RelativeTargetName", 5145) => Some(ecs::FILE_TARGET_PATH),
        _ => member.windows,
    };
    let Some(field) = field else { return };
    let value = match value {
        // `::1` and `127.0.0.1` are said as `LOCAL` by the terminal services.
        Value::Text(text) if field == ecs::SOURCE_IP && text.eq_ignore_ascii_case("LOCAL") => Value::from("127.0.0.1"),
        other => other.clone(),
    };
    event.set_default(field, value);
}
