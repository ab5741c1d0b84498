//! What an event id says happened: `event.category`, `event.type`, `event.action`, `event.outcome`.

use crate::model::Event;
use crate::model::Value;
use crate::model::ecs;
use crate::parse::seen::Filling;

/// Event id, category, type, action.
type Row = (u32, &'static str, &'static str, &'static str);

const SYSMON: [Row; 28] = [
    (1, "process", "start", "process-created"),
    (2, "file", "change", "file-time-changed"),
    (3, "network", "connection", "network-connection"),
    (4, "process", "change", "sysmon-service-changed"),
    (5, "process", "end", "process-terminated"),
    (6, "driver", "start", "driver-loaded"),
    (7, "library", "start", "image-loaded"),
    (8, "process", "change", "remote-thread-created"),
    (9, "process", "access", "raw-disk-read"),
    (10, "process", "access", "process-accessed"),
    (11, "file", "creation", "file-created"),
    (12, "registry", "change", "registry-key-changed"),
    (13, "registry", "change", "registry-value-set"),
    (14, "registry", "change", "registry-renamed"),
    (15, "file", "access", "stream-created"),
    (16, "configuration", "change", "sysmon-config-changed"),
    (17, "file", "creation", "pipe-created"),
    (18, "file", "access", "pipe-connected"),
    (19, "configuration", "creation", "wmi-filter"),
    (20, "configuration", "creation", "wmi-consumer"),
    (21, "configuration", "creation", "wmi-binding"),
    (22, "network", "protocol", "dns-query"),
    (23, "file", "deletion", "file-deleted"),
    (25, "process", "change", "process-tampering"),
    (26, "file", "deletion", "file-delete-detected"),
    (27, "file", "denied", "executable-blocked"),
    (28, "file", "denied", "shredding-blocked"),
    (29, "file", "creation", "executable-created"),
];

const WINDOWS: [Row; 57] = [
    (104, "configuration", "deletion", "log-cleared"),
    (1100, "configuration", "end", "logging-service-shutdown"),
    (1102, "iam", "deletion", "audit-log-cleared"),
    (4103, "process", "info", "powershell-module"),
    (4104, "process", "info", "powershell-script-block"),
    (4616, "configuration", "change", "system-time-changed"),
    (4624, "authentication", "start", "logged-in"),
    (4625, "authentication", "start", "logon-failed"),
    (4634, "authentication", "end", "logged-out"),
    (4647, "authentication", "end", "logged-out"),
    (4648, "authentication", "start", "logged-in-explicit"),
    (4656, "file", "access", "handle-requested"),
    (4657, "registry", "change", "registry-value-set"),
    (4663, "file", "access", "object-accessed"),
    (4670, "file", "change", "permissions-changed"),
    (4672, "iam", "admin", "logged-in-special"),
    (4688, "process", "start", "process-created"),
    (4689, "process", "end", "process-terminated"),
    (4697, "configuration", "creation", "service-installed"),
    (4698, "configuration", "creation", "scheduled-task-created"),
    (4699, "configuration", "deletion", "scheduled-task-deleted"),
    (4700, "configuration", "change", "scheduled-task-enabled"),
    (4701, "configuration", "change", "scheduled-task-disabled"),
    (4702, "configuration", "change", "scheduled-task-updated"),
    (4719, "configuration", "change", "audit-policy-changed"),
    (4720, "iam", "creation", "user-created"),
    (4722, "iam", "change", "user-enabled"),
    (4723, "iam", "change", "password-changed"),
    (4724, "iam", "change", "password-reset"),
    (4725, "iam", "change", "user-disabled"),
    (4726, "iam", "deletion", "user-deleted"),
    (4728, "iam", "group", "member-added-to-group"),
    (4729, "iam", "group", "member-removed-from-group"),
    (4732, "iam", "group", "member-added-to-group"),
    (4733, "iam", "group", "member-removed-from-group"),
    (4738, "iam", "change", "user-changed"),
    (4740, "iam", "change", "user-locked-out"),
    (4741, "iam", "creation", "computer-created"),
    (4742, "iam", "change", "computer-changed"),
    (4756, "iam", "group", "member-added-to-group"),
    (4757, "iam", "group", "member-removed-from-group"),
    (4767, "iam", "change", "user-unlocked"),
    (4768, "authentication", "start", "kerberos-ticket-requested"),
    (4769, "authentication", "start", "kerberos-service-ticket-requested"),
    (4771, "authentication", "start", "kerberos-preauth-failed"),
    (4776, "authentication", "start", "credential-validated"),
    (4778, "session", "start", "session-reconnected"),
    (4779, "session", "end", "session-disconnected"),
    (5136, "configuration", "change", "directory-object-changed"),
    (5140, "file", "access", "share-accessed"),
    (5145, "file", "access", "share-object-checked"),
    (5156, "network", "allowed", "connection-permitted"),
    (5157, "network", "denied", "connection-blocked"),
    (7034, "process", "error", "service-crashed"),
    (7036, "process", "change", "service-state-changed"),
    (7040, "configuration", "change", "service-start-type-changed"),
    (7045, "configuration", "creation", "service-installed"),
];

/// The keywords of the security log that tell success from failure.
const AUDIT_SUCCESS: u64 = 0x0020_0000_0000_0000;
const AUDIT_FAILURE: u64 = 0x0010_0000_0000_0000;

/// Fills in what the event id says; what the shipper has set stays.
pub(super) fn apply(event: &mut Filling<'_, '_>, is_sysmon: bool, event_id: u32) {
    let rows: &[Row] = if is_sysmon { &SYSMON } else { &WINDOWS };
    let is_ours = is_sysmon
        || event
            .event
            .logsource
            .service
            .iter()
            .any(|service| matches!(service.as_str(), "security" | "system" | "powershell"));
    if is_ours && let Some((_, category, kind, action)) = rows.iter().find(|(id, ..)| *id == event_id) {
        event.set_default(ecs::EVENT_CATEGORY, *category);
        event.set_default(ecs::EVENT_TYPE, *kind);
        event.set_default(ecs::EVENT_ACTION, *action);
    }
    if let Some(outcome) = outcome(event.event, event_id) {
        event.set_default(ecs::EVENT_OUTCOME, outcome);
    }
}

fn outcome(event: &Event<'_>, event_id: u32) -> Option<&'static str> {
    match event_id {
        4624 | 4648 => return Some("success"),
        4625 | 4771 => return Some("failure"),
        // Success or failure of these is in the status.
        4768 | 4769 | 4776 => {
            let status = event.get(ecs::ERROR_CODE).map(|status| status.to_text().into_owned());
            return status.map(|status| if matches!(status.as_str(), "0x0" | "0") { "success" } else { "failure" });
        }
        _ => {}
    }
    let keywords = match event.get(ecs::WINLOG_KEYWORDS)? {
        Value::Int(number) => number.cast_unsigned(),
        Value::Text(text) if text.contains("Success") => AUDIT_SUCCESS,
        Value::Text(text) if text.contains("Failure") => AUDIT_FAILURE,
        Value::Text(text) => match text.strip_prefix("0x") {
            Some(hex) => u64::from_str_radix(hex, 16).ok()?,
            None => text.parse::<i64>().ok()?.cast_unsigned(),
        },
        Value::List(items) => match items.first()?.as_str()? {
            "Audit Success" => AUDIT_SUCCESS,
            "Audit Failure" => AUDIT_FAILURE,
            _ => return None,
        },
        _ => return None,
    };
    match (keywords & AUDIT_SUCCESS != 0, keywords & AUDIT_FAILURE != 0) {
        (true, false) => Some("success"),
        (false, true) => Some("failure"),
        _ => None,
    }
}
