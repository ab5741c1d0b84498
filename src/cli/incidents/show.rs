//! One incident for people.

use std::io;
use std::io::Write;

use jiff::Timestamp;

use crate::cli::alerts::show::action_word;
use crate::cli::incidents::phase_word;
use crate::cli::output::Language;
use crate::cli::output::local;
use crate::cli::output::span;
use crate::incident::IncidentId;
use crate::model::AlertId;
use crate::model::SafeText;
use crate::wire::incident::IncidentClock;
use crate::wire::incident::IncidentDetail;

/// Writes everything about an incident.
pub(super) fn write_detail(out: &mut impl Write, detail: &IncidentDetail, language: Language) -> io::Result<()> {
    let row = &detail.row;
    writeln!(out, "{} {}", IncidentId(row.id), SafeText::new(&row.title))?;
    let owner = row.owner.as_deref().unwrap_or(language.pick("chưa ai", "nobody"));
    let head = [
        (language.pick("Mức", "Level"), row.level.clone()),
        (language.pick("Giai đoạn", "Phase"), phase_word(row.phase, language).to_owned()),
        (language.pick("Người giữ", "Owner"), owner.to_owned()),
        (language.pick("Biết lúc", "Known"), local(&row.known)),
    ];
    for (name, value) in head {
        writeln!(out, "{name}: {}", SafeText::new(&value))?;
    }
    if let Some(into) = detail.merged_into {
        writeln!(out, "{}: {}", language.pick("Đã gộp vào", "Merged into"), IncidentId(into))?;
    }
    let now = Timestamp::now();
    let clocks = detail.clocks.iter().map(|clock| {
        let state = clock_state(clock, &row.known, now, language);
        format!("{}  {}  {state}", local(&clock.due), clock.name)
    });
    section(out, language.pick("Thời hạn", "Deadlines"), clocks)?;
    let tasks = detail.tasks.iter().map(|task| {
        let done = task.done.as_deref().map(|at| {
            let by = task.done_by.as_deref().unwrap_or_default();
            format!("  ({} {}, {by})", language.pick("xong", "done"), local(at))
        });
        let sign = if done.is_some() { 'x' } else { ' ' };
        format!("[{sign}] {}. {}{}", task.place, task.text, done.unwrap_or_default())
    });
    section(out, language.pick("Việc", "Tasks"), tasks)?;
    let observables = detail.observables.iter().map(|seen| {
        let note = seen.note.as_deref().map(|note| format!("  ({note})")).unwrap_or_default();
        format!("{}  {}{note}", seen.kind, seen.value)
    });
    section(out, language.pick("Dấu hiệu", "Observables"), observables)?;
    let evidence = detail.evidence.iter().map(|bundle| {
        let note = bundle.note.as_deref().map(|note| format!("  ({note})")).unwrap_or_default();
        format!("{}. {}  x{}  sha256 {}{note}", bundle.place, bundle.query, bundle.events, bundle.digest)
    });
    section(out, language.pick("Bằng chứng", "Evidence"), evidence)?;
    let entities = detail.entities.iter().map(|entity| format!("{}  {}", entity.kind, entity.value));
    section(out, language.pick("Thực thể", "Entities"), entities)?;
    let alerts = detail.alerts.iter().map(|alert| {
        let title = language.pick(alert.title_vi.as_deref().unwrap_or(&alert.title), &alert.title);
        format!("{}  {}  {title}  {}  x{}", AlertId(alert.id), alert.level, alert.entity, alert.count)
    });
    section(out, language.pick("Cảnh báo", "Alerts"), alerts)?;
    let timeline = detail.timeline.iter().map(|entry| {
        let text = entry.text.as_deref().unwrap_or_default();
        format!("{}  {} {} {text}", local(&entry.at), entry.who, action_word(&entry.action, language))
    });
    section(out, language.pick("Diễn biến", "Timeline"), timeline)
}

fn section(out: &mut impl Write, name: &str, lines: impl Iterator<Item = String>) -> io::Result<()> {
    let mut lines = lines.peekable();
    if lines.peek().is_some() {
        writeln!(out, "{name}:")?;
    }
    for line in lines {
        writeln!(out, "  {}", SafeText::new(line.trim_end()))?;
    }
    Ok(())
}

/// Says how a deadline stands; what is due at once is not late in the moment it is known.
fn clock_state(clock: &IncidentClock, known: &str, now: Timestamp, language: Language) -> String {
    if let Some(why) = &clock.waived {
        return format!("{}: {why}", language.pick("không áp dụng", "does not apply"));
    }
    if let Some(met) = &clock.met {
        return format!("{} {}", language.pick("xong lúc", "met"), local(met));
    }
    let Ok(due) = clock.due.parse::<Timestamp>() else { return "?".to_owned() };
    let left = due.duration_since(now).as_secs();
    let told = span(left.unsigned_abs());
    match left {
        _ if clock.due == known => {
            format!("{} {told}", language.pick("LÀM NGAY, đã biết được", "AT ONCE, known for"))
        }
        0.. => format!("{} {told}", language.pick("còn", "left")),
        _ => format!("{} {told}", language.pick("TRỄ", "LATE by")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_says_how_it_stands() {
        let now: Timestamp = "2026-01-31T08:00:00Z".parse().expect("a time");
        let known = "2026-01-31T07:00:00Z";
        let clock = |due: &str, met: Option<&str>| IncidentClock {
            name: "x".to_owned(),
            due: due.to_owned(),
            met: met.map(str::to_owned),
            waived: None,
        };
        for (clock, told) in [
            (clock(known, None), "AT ONCE, known for 1h 00m"),
            (clock("2026-01-31T08:10:00Z", None), "left 10m 00s"),
            (clock("2026-01-31T07:50:00Z", None), "LATE by 10m 00s"),
            (clock("soon", None), "?"),
        ] {
            assert_eq!(clock_state(&clock, known, now, Language::English), told);
        }
        assert!(clock_state(&clock(known, Some(known)), known, now, Language::English).starts_with("met "));
    }
}
