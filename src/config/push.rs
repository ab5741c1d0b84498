//! Where checkpoints are sent, checked.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::check::Checker;
use crate::config::check::path;
use crate::config::check::plain;
use crate::evidence::push::Push;
use crate::evidence::push::Target;

impl Checker<'_> {
    /// Reads `[evidence.push]`.
    pub(super) fn push(&mut self) -> Push {
        let mut targets = Vec::new();
        let folder = self.text("evidence.push.folder", None, |raw| raw.evidence.push.folder.as_ref(), path);
        targets.extend(folder.map(Target::Folder));
        targets.extend(self.push_url());
        let tcp = self.text("evidence.push.syslog_tcp", None, |raw| raw.evidence.push.syslog_tcp.as_ref(), host_port);
        targets.extend(tcp.map(|address| Target::Syslog { address, is_tcp: true }));
        let udp = self.text("evidence.push.syslog_udp", None, |raw| raw.evidence.push.syslog_udp.as_ref(), host_port);
        targets.extend(udp.map(|address| Target::Syslog { address, is_tcp: false }));
        let hours = self.number("evidence.push.late_hours", 6, 1..=720, |raw| raw.evidence.push.late_hours.as_ref());
        let late = Duration::from_secs(u64::try_from(hours).unwrap_or(6) * 3600);
        Push { targets, late }
    }

    fn push_url(&mut self) -> Option<Target> {
        let url = self.text("evidence.push.url", None, |raw| raw.evidence.push.url.as_ref(), https);
        let ca: Option<PathBuf> =
            self.text("evidence.push.url_ca", None, |raw| raw.evidence.push.url_ca.as_ref(), path);
        let token =
            self.text("evidence.push.url_token_file", None, |raw| raw.evidence.push.url_token_file.as_ref(), path);
        let url = url?;
        if ca.is_none() {
            let (_, place) = self.pick("evidence.push.url", None, |raw| raw.evidence.push.url.as_ref());
            self.explained.pop();
            let problem = "an address needs the certificates to trust".to_owned();
            self.refuse("evidence.push.url", place, problem, "set `evidence.push.url_ca` to a PEM file");
        }
        ca.map(|ca| Target::Url { url, ca, token })
    }
}

fn https(text: &str) -> Result<String, (String, String)> {
    let is_address = text.strip_prefix("https://").is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
    if is_address {
        return plain(text);
    }
    Err((format!("`{text}` is no `https` address"), "such as `https://keep.example/checkpoints`".to_owned()))
}

fn host_port(text: &str) -> Result<String, (String, String)> {
    let parts = text.rsplit_once(':').filter(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    match parts {
        Some(_) => plain(text),
        None => Err((format!("`{text}` is no host with a port"), "such as `10.0.0.9:514`".to_owned())),
    }
}
