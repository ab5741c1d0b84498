//! The machine: its clock, its limits, and the ports that the inputs want.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use nix::sys::resource::Resource;
use nix::sys::resource::getrlimit;

use crate::cli::doctor::finding::Findings;
use crate::cli::doctor::finding::Severity;
use crate::cli::doctor::finding::both;
use crate::config::Settings;
use crate::config::StreamInput;
use crate::ingest::listener::Place;
use crate::ingest::listener::bind_tcp;
use crate::ingest::listener::bind_udp;
use crate::model::Timestamp;

/// No clock that is right shows an earlier time: 1 January 2026.
const EARLIEST_SECONDS: i64 = 1_767_225_600;
/// What the program opens besides its connections.
const OWN_FILES: u64 = 1_024;
/// How long a tool may take to answer.
const TOOL_PATIENCE: Duration = Duration::from_secs(3);
const RMEM_MAX: &str = "/proc/sys/net/core/rmem_max";

/// Whether something keeps the clock right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Synchronized {
    Yes,
    No,
    Unknown,
}

/// Looks at the clock.
pub(super) fn clock(now: Timestamp, synchronized: Synchronized, findings: &mut Findings) {
    let hint = both(
        "bật chrony hoặc systemd-timesyncd: `timedatectl set-ntp true`",
        "run chrony or systemd-timesyncd: `timedatectl set-ntp true`",
    );
    if now.seconds() < EARLIEST_SECONDS {
        let what = both("đồng hồ ở quá khứ", "the clock is in the past");
        return findings.advise(Severity::Error, "clock", now, what, hint);
    }
    match synchronized {
        Synchronized::Yes => {
            findings.add(Severity::Fine, "clock", now, both("được đồng bộ", "is synchronized"));
        }
        Synchronized::No => {
            let what = both("không được đồng bộ với máy chủ thời gian", "is not synchronized with a time server");
            findings.advise(Severity::Warning, "clock", now, what, hint);
        }
        Synchronized::Unknown => {
            let what = both("không biết có được đồng bộ không", "whether it is synchronized cannot be told");
            findings.advise(Severity::Note, "clock", now, what, hint);
        }
    }
}

/// Asks the system whether its clock is kept right.
pub(super) fn synchronized() -> Synchronized {
    if Path::new("/run/systemd/timesync/synchronized").try_exists().unwrap_or(false) {
        return Synchronized::Yes;
    }
    match answer_of("timedatectl", &["show", "--property=NTPSynchronized", "--value"]).as_deref().map(str::trim) {
        Some("yes") => Synchronized::Yes,
        Some("no") => Synchronized::No,
        _ => Synchronized::Unknown,
    }
}

/// Returns what a tool prints, when it is there and answers in time.
fn answer_of(program: &str, arguments: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().ok()?;
    let begun = Instant::now();
    let is_good = loop {
        match child.try_wait().ok()? {
            Some(status) => break status.success(),
            None if begun.elapsed() > TOOL_PATIENCE => {
                // It may have ended by itself meanwhile.
                drop(child.kill());
                drop(child.wait());
                break false;
            }
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    let mut text = String::new();
    let read = std::io::Read::read_to_string(&mut child.stdout.take()?, &mut text);
    (is_good && read.is_ok()).then_some(text)
}

/// Looks at the limits of the system.
pub(super) fn limits(settings: &Settings, findings: &mut Findings) {
    let listeners = listeners(settings);
    let connections: usize = listeners
        .iter()
        .filter(|(_, _, input, is_udp)| !is_udp && input.is_some())
        .filter_map(|(_, _, input, _)| *input)
        .map(|input| input.connections_max.get())
        .sum();
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let wanted = connections as u64 + OWN_FILES;
        let what = both(
            format!("nhiều nhất {hard} tệp mở, cần {wanted} cho mọi kết nối"),
            format!("{hard} open files at most, {wanted} wanted for all connections"),
        );
        if hard < wanted {
            let hint = both(
                format!("`LimitNOFILE={wanted}` trong tệp của dịch vụ, hoặc giảm `connections_max`"),
                format!("`LimitNOFILE={wanted}` in the service's file, or a lower `connections_max`"),
            );
            findings.advise(Severity::Warning, "system", "RLIMIT_NOFILE", what, hint);
        } else {
            findings.add(Severity::Fine, "system", "RLIMIT_NOFILE", what);
        }
    }
    let wanted = listeners
        .iter()
        .filter(|(_, _, _, is_udp)| *is_udp)
        .filter_map(|(_, _, input, _)| *input)
        .map(|input| input.receive_buffer_bytes.get() as u64)
        .max();
    let granted = std::fs::read_to_string(RMEM_MAX).ok().and_then(|text| text.trim().parse::<u64>().ok());
    if let (Some(wanted), Some(granted)) = (wanted, granted)
        && granted < wanted
    {
        let what = both(
            format!("bộ đệm nhận UDP nhiều nhất {granted} byte, muốn {wanted}"),
            format!("UDP receive buffers of {granted} bytes at most, {wanted} wanted"),
        );
        let hint = both(
            format!(
                "`sysctl net.core.rmem_max={wanted}`, hoặc CAP_NET_ADMIN cho dịch vụ; nếu không, đợt dồn dập sẽ mất"
            ),
            format!("`sysctl net.core.rmem_max={wanted}`, or CAP_NET_ADMIN for the service; else bursts are dropped"),
        );
        findings.advise(Severity::Warning, "system", RMEM_MAX, what, hint);
    }
}

type Listener<'s> = (&'static str, SocketAddr, Option<&'s StreamInput>, bool);

/// Everything that listens: name, address, its settings where it is a stream, whether it is UDP.
fn listeners(settings: &Settings) -> Vec<Listener<'_>> {
    let streams = settings.streams().map(|(name, input)| (name, input.address, Some(input), name.ends_with("_udp")));
    let http = settings.http.as_ref().map(|input| ("http", input.address, None, false));
    let api = settings.api.remote.as_ref().map(|(address, ..)| ("api", *address, None, false));
    streams.chain(http).chain(api).collect()
}

/// Tries each port, unless our own server has them.
pub(super) fn ports(settings: &Settings, findings: &mut Findings) {
    for (name, address, _, is_udp) in listeners(settings) {
        let setting = if name == "api" { "api.address".to_owned() } else { format!("input.{name}.address") };
        let place = Place { input: name, setting: &setting, address };
        let tried = if is_udp { bind_udp(place).map(drop) } else { bind_tcp(place).map(drop) };
        match tried {
            Ok(()) => findings.add(
                Severity::Fine,
                "ports",
                address,
                both(format!("{name}: cổng rảnh"), format!("{name}: the port is free")),
            ),
            Err(err) => {
                let hint = err.hint().map(|hint| format!("\n  hint: {hint}")).unwrap_or_default();
                findings.quote(Severity::Error, "ports", address, format!("{err}{hint}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::tests::settings;
    use crate::cli::output::Language;

    #[test]
    fn the_clock_is_judged() {
        for (seconds, synchronized, expected) in [
            (0, Synchronized::Yes, Severity::Error),
            (1_773_480_413, Synchronized::Yes, Severity::Fine),
            (1_773_480_413, Synchronized::No, Severity::Warning),
            (1_773_480_413, Synchronized::Unknown, Severity::Note),
        ] {
            let mut findings = Findings::new(Language::English);
            clock(Timestamp::from_seconds(seconds, 0), synchronized, &mut findings);
            assert_eq!(findings.worst(), expected, "{findings:?}");
        }
        assert_eq!(answer_of("no-such-tool-anywhere", &[]), None);
        assert_eq!(answer_of("false", &[]), None);
    }

    #[test]
    fn a_port_somebody_else_has_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut settings = settings(folder.path());
        let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
        for input in [&mut settings.syslog_udp, &mut settings.relp] {
            *input = None;
        }
        settings.http = None;
        let address = taken.local_addr().expect("an address");
        settings.syslog_tcp.as_mut().expect("on").address = address;
        let mut findings = Findings::new(Language::English);
        ports(&settings, &mut findings);
        assert_eq!(findings.all.len(), 1, "{findings:?}");
        let found = &findings.all[0];
        assert_eq!((found.severity, found.place.as_str()), (Severity::Error, address.to_string().as_str()));
        assert!(found.hint.as_deref().is_some_and(|hint| hint.contains("another program uses port")), "{found:?}");
        drop(taken);
        limits(&settings, &mut findings);
    }
}
