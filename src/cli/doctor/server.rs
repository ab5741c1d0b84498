//! The running server and its sources, as it tells of them itself.

use crate::cli::doctor::finding::Findings;
use crate::cli::doctor::finding::Severity;
use crate::cli::doctor::finding::both;
use crate::cli::doctor::finding::shown;
use crate::cli::output::local;
use crate::cli::output::span;
use crate::cli::place::Place;
use crate::config::Settings;
use crate::wire::source::SourceList;
use crate::wire::source::SourceRow;
use crate::wire::status::Status;

/// Sources told by name.
const SOURCES_MAX: usize = 10;
/// A search that lags further behind is told, in milliseconds.
const LAG_MS: u64 = 5_000;

/// Asks the server; returns whether one runs on the data folder.
pub(super) fn examine(settings: &Settings, findings: &mut Findings) -> anyhow::Result<bool> {
    let place = Place::on(&settings.data);
    let Some(client) = place.running()? else {
        let hint = both("`longan start` hoặc `systemctl start longan`", "`longan start`, or `systemctl start longan`");
        if place.endpoint().is_ok() {
            let what = both(
                "endpoints.json còn đó nhưng không ai trả lời: máy chủ đã bị dừng đột ngột",
                "endpoints.json is there and nobody answers: the server was killed",
            );
            findings.advise(Severity::Warning, "server", shown(&settings.data), what, hint);
        } else {
            findings.advise(
                Severity::Note,
                "server",
                shown(&settings.data),
                both("không chạy", "is not running"),
                hint,
            );
        }
        return Ok(false);
    };
    match client.call(async |client| client.status().await) {
        Ok(status) => tell(&status, findings),
        Err(err) => {
            findings.quote(
                Severity::Warning,
                "server",
                shown(&settings.data),
                format!("{:#}", anyhow::Error::new(err)),
            );
        }
    }
    if let Ok(sources) = client.call(async |client| client.sources().await) {
        tell_sources(&sources, findings);
    }
    Ok(true)
}

fn tell(status: &Status, findings: &mut Findings) {
    let place = &status.version;
    let since = local(&status.started);
    findings.add(Severity::Fine, "server", place, both(format!("chạy từ {since}"), format!("runs since {since}")));
    let own = env!("CARGO_PKG_VERSION");
    if status.version != own {
        let what = both(format!("lệnh này là phiên bản {own}"), format!("this command is version {own}"));
        findings.add(Severity::Warning, "server", place, what);
    }
    if let Some(reason) = &status.refusing {
        let what = both(format!("TỪ CHỐI mọi đầu vào: {reason}"), format!("REFUSES all input: {reason}"));
        findings.add(Severity::Error, "server", place, what);
    }
    if status.lag_ms > LAG_MS {
        let what =
            both(format!("tìm kiếm trễ {} ms", status.lag_ms), format!("searches lag {} ms behind", status.lag_ms));
        findings.add(Severity::Warning, "server", place, what);
    }
    for problem in &status.problems {
        findings.quote(Severity::Warning, "server", place, problem);
    }
    for push in &status.pushes {
        if let Some(since) = &push.behind_since {
            let since = local(since);
            let what = both(format!("thiếu mốc từ {since}"), format!("lacks checkpoints since {since}"));
            findings.add(Severity::Warning, "server", &push.place, what);
        }
    }
}

fn tell_sources(list: &SourceList, findings: &mut Findings) {
    for input in list.inputs.iter().filter(|input| input.dropped > 0) {
        let what = both(format!("đã mất {} tin", input.dropped), format!("{} messages were dropped", input.dropped));
        let hint = both(
            "docs/inputs.md: những gì không được mất thì gửi bằng RELP hoặc HTTP",
            "docs/inputs.md: what must not be lost comes by RELP or HTTP",
        );
        findings.advise(Severity::Warning, "sources", &input.name, what, hint);
    }
    let silent: Vec<&SourceRow> =
        list.sources.iter().filter(|source| source.is_silent && source.muted.is_none()).collect();
    for source in silent.iter().take(SOURCES_MAX) {
        let silence = span(source.silent_seconds);
        let what = both(format!("im lặng {silence}"), format!("silent for {silence}"));
        findings.add(Severity::Warning, "sources", &source.name, what);
    }
    if silent.len() > SOURCES_MAX {
        let more = silent.len() - SOURCES_MAX;
        let hint = both("`longan sources list --condition silent`", "`longan sources list --condition silent`");
        let what = both(format!("và {more} nguồn im lặng nữa"), format!("and {more} more silent sources"));
        findings.advise(Severity::Warning, "sources", "", what, hint);
    }
    if silent.is_empty() {
        let count = list.sources.len();
        findings.add(
            Severity::Fine,
            "sources",
            "",
            both(format!("{count} nguồn, không nguồn nào im lặng"), format!("{count} sources, none silent")),
        );
    }
}
