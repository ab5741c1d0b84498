//! Records of the Linux audit daemon: which event one belongs to, and whether others of it follow.

/// How far into a line its type and number stand.
const FRONT_BYTES: usize = 256;

/// What one record says of its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'l> {
    /// Such as `SYSCALL`, or its number.
    kind: &'l [u8],
    /// The node the record names, where it names one.
    pub node: &'l [u8],
    /// Time and serial number, `1773480413.587:2998`.
    pub event: &'l [u8],
}

/// Types of which the kernel writes several records an event; what user space writes stands alone.
const SEVERAL: [&str; 36] = [
    "SYSCALL",
    "EXECVE",
    "CWD",
    "PATH",
    "PROCTITLE",
    "EOE",
    "SOCKADDR",
    "SOCKETCALL",
    "IPC",
    "IPC_SET_PERM",
    "OBJ_PID",
    "MMAP",
    "FD_PAIR",
    "BPRM_FCAPS",
    "CAPSET",
    "MQ_OPEN",
    "MQ_SENDRECV",
    "MQ_NOTIFY",
    "MQ_GETSETATTR",
    "NETFILTER_CFG",
    "SECCOMP",
    "KERN_MODULE",
    "FANOTIFY",
    "TIME_INJOFFSET",
    "TIME_ADJNTPVAL",
    "BPF",
    "OPENAT2",
    "URINGOP",
    "CONFIG_CHANGE",
    "LOGIN",
    "AVC",
    "SELINUX_ERR",
    "ANOM_PROMISCUOUS",
    "INTEGRITY_PCR",
    "DM_EVENT",
    "DM_CTRL",
];

/// Reads what a line without its syslog header says; `None` when it is no record.
pub fn record(text: &[u8]) -> Option<Record<'_>> {
    let front = text.get(..text.len().min(FRONT_BYTES))?;
    let open = memchr::memmem::find(front, b"audit(")?;
    let number = text.get(open + b"audit(".len()..)?;
    let event = number.get(..number.iter().take(48).position(|byte| *byte == b')')?)?;
    let is_number =
        event.contains(&b':') && event.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b':'));
    let before = front.get(..open).filter(|_| is_number)?;
    let kind = value_of(before, b"type=").filter(|kind| !kind.is_empty())?;
    Some(Record { kind, node: value_of(before, b"node=").unwrap_or_default(), event })
}

/// The word behind a key.
fn value_of<'l>(text: &'l [u8], key: &[u8]) -> Option<&'l [u8]> {
    let at = memchr::memmem::find(text, key)?;
    let value = text.get(at + key.len()..)?;
    value.split(|byte| *byte == b' ').next()
}

impl Record<'_> {
    /// Says whether more records of the event may follow.
    pub fn is_one_of_several(&self) -> bool {
        match std::str::from_utf8(self.kind) {
            // 1300 to 1399 is what the kernel says of an event, 1400 to 1499 what SELinux does.
            Ok(kind) => {
                SEVERAL.contains(&kind) || (kind.len() == 4 && (kind.starts_with("13") || kind.starts_with("14")))
            }
            Err(_) => false,
        }
    }

    /// Says whether it ends its event.
    pub fn is_end(&self) -> bool {
        matches!(self.kind, b"EOE" | b"1320")
    }

    /// Says whether nothing but the end follows.
    pub fn is_last_but_end(&self) -> bool {
        matches!(self.kind, b"PROCTITLE" | b"1327")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_name_their_event() {
        for (text, expected) in [
            ("type=SYSCALL msg=audit(1.5:7): arch=1", Some(("SYSCALL", "", "1.5:7", true, false))),
            ("node=db-1 type=EOE msg=audit(1.5:7): ", Some(("EOE", "db-1", "1.5:7", true, true))),
            ("audit: type=1300 audit(1.5:7): arch=1", Some(("1300", "", "1.5:7", true, false))),
            ("type=USER_LOGIN msg=audit(1.5:7): pid=1", Some(("USER_LOGIN", "", "1.5:7", false, false))),
            ("type=SYSCALL msg=audit(1.5:7", None),
            ("type=SYSCALL msg=audit(x): ", None),
            ("audit(1.5:7): x", None),
            ("a sentence about audit(1.5:7)", None),
            ("", None),
        ] {
            let found = record(text.as_bytes());
            let shown = found.map(|record| {
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                (text(record.kind), text(record.node), text(record.event), record.is_one_of_several(), record.is_end())
            });
            let expected = expected.map(|(kind, node, event, several, end)| {
                (kind.to_owned(), node.to_owned(), event.to_owned(), several, end)
            });
            assert_eq!(shown, expected, "{text}");
        }
    }
}
