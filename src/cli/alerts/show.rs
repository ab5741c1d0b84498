//! `longan alerts show`: one alert for a person to read.

use std::io;
use std::io::Write;

use crate::alert::Sla;
use crate::cli::Exit;
use crate::cli::alerts::status_word;
use crate::cli::output::Format;
use crate::cli::output::Language;
use crate::cli::output::local;
use crate::cli::output::to_stdout;
use crate::cli::output::write_json;
use crate::cli::place::Place;
use crate::cli::place::Source;
use crate::model::AlertId;
use crate::model::SafeText;
use crate::model::time::Clock as _;
use crate::model::time::SystemClock;
use crate::server::alert_detail;
use crate::wire::alert::AlertDetail;
use crate::wire::alert::Disposition;

pub(super) fn show(place: &Place, id: AlertId, format: Format) -> anyhow::Result<Exit> {
    let detail = match place.source()? {
        Source::Server(client) => client.call(async |client| client.alert(id.0).await)?,
        Source::Files(mut reader) => alert_detail(reader.detail(id, SystemClock.now())?, Sla::DEFAULT),
    };
    to_stdout(|out| match format {
        Format::Json => Ok(write_json(out, &detail)?),
        Format::Table => Ok(write(out, &detail, Language::of_environment())?),
    })?;
    Ok(Exit::Fine)
}

/// Writes everything an analyst needs; all foreign text is made safe.
fn write(out: &mut impl Write, detail: &AlertDetail, language: Language) -> io::Result<()> {
    let row = &detail.row;
    let vi = |vietnamese: &Option<String>, english: &str| match (language, vietnamese) {
        (Language::Vietnamese, Some(text)) => text.clone(),
        _ => english.to_owned(),
    };
    let mut field = |vietnamese: &str, english: &str, value: &str| {
        if value.is_empty() {
            Ok(())
        } else {
            writeln!(out, "{}: {}", language.pick(vietnamese, english), SafeText::new(value))
        }
    };
    field("Cảnh báo", "Alert", &format!("{} {}", AlertId(row.id), vi(&row.title_vi, &row.title)))?;
    field("Mức", "Level", &format!("{} ({})", row.level, row.risk))?;
    field("Trạng thái", "Status", status_word(row.status, language))?;
    let verdict = row.disposition.map(|disposition| disposition_word(disposition, language));
    field("Kết luận", "Verdict", verdict.unwrap_or_default())?;
    field("Người giữ", "Owner", row.owner.as_deref().unwrap_or_default())?;
    field("Thực thể", "Entity", &format!("{} = {}", row.entity_field, row.entity))?;
    field("Máy", "Host", row.host.as_deref().unwrap_or_default())?;
    field("Số lần", "Count", &format!("{}, {} … {}", row.count, local(&row.first), local(&row.last)))?;
    field("ATT&CK", "ATT&CK", &row.tags.join(" "))?;
    field("Luật", "Rule", &row.rule)?;
    field("Sự cố", "Incident", &detail.incident.map(|id| format!("INC-{id}")).unwrap_or_default())?;
    field("Mô tả", "Description", &vi(&detail.description_vi, &detail.description))?;
    write_rest(out, detail, language)
}

fn write_rest(out: &mut impl Write, detail: &AlertDetail, language: Language) -> io::Result<()> {
    let steps = match language {
        Language::Vietnamese if !detail.response_vi.is_empty() => &detail.response_vi,
        _ => &detail.response,
    };
    let steps = (1u32..).zip(steps).map(|(step, text)| {
        let done = detail.steps.iter().find(|done| done.step == step);
        let by = done.map(|done| format!("  ({}, {})", done.who, local(&done.at))).unwrap_or_default();
        format!("[{}] {step}. {text}{by}", if done.is_some() { 'x' } else { ' ' })
    });
    section(out, language.pick("Quy trình", "Response"), steps)?;
    let known = detail.context.iter().map(|known| format!("{} = {}", known.field, known.value));
    section(out, language.pick("Đã biết", "Known"), known)?;
    let evidence = detail.evidence.iter().map(|evidence| {
        let parts: Vec<String> =
            evidence.parts.iter().map(|part| format!("{} {}", part.field, part.predicate)).collect();
        format!("{} #{} {}  [{}]", local(&evidence.timestamp), evidence.event, evidence.raw, parts.join("; "))
    });
    section(out, language.pick("Sự kiện", "Events"), evidence)?;
    let history = detail.history.iter().map(|entry| {
        let text = entry.text.as_deref().unwrap_or_default();
        format!("{} {} {} {text}", local(&entry.at), entry.who, action_word(&entry.action, language))
    });
    section(out, language.pick("Lịch sử", "History"), history)?;
    let precedents = detail.precedents.iter().map(|precedent| {
        let note = precedent.note.as_deref().unwrap_or_default();
        let verdict = disposition_word(precedent.disposition, language);
        format!("{} {} {verdict} {note}", AlertId(precedent.id), local(&precedent.closed))
    });
    section(out, language.pick("Tiền lệ 30 ngày", "Precedents, 30 days"), precedents)
}

fn disposition_word(disposition: Disposition, language: Language) -> &'static str {
    match disposition {
        Disposition::FalsePositive => language.pick("dương tính giả", "false positive"),
        Disposition::BenignPositive => language.pick("lành tính", "benign positive"),
        Disposition::TruePositive => language.pick("dương tính thật", "true positive"),
        Disposition::Duplicate => language.pick("trùng", "duplicate"),
        Disposition::Test => language.pick("thử nghiệm", "test"),
    }
}

/// The word for a line of history; one of a later version is shown as it is.
pub(in crate::cli) fn action_word(action: &str, language: Language) -> &str {
    match (language, action) {
        (Language::English, _) => action,
        (_, "raised") => "phát sinh",
        (_, "level_raised") => "nâng mức",
        (_, "taken") => "nhận",
        (_, "released") => "trả lại",
        (_, "noted") => "ghi chú",
        (_, "closed") => "đóng",
        (_, "reopened") => "mở lại",
        (_, "escalated") => "leo thang",
        (_, "undone") => "hoàn tác",
        (_, "declared") => "công bố",
        (_, "joined") => "nhập vào",
        (_, "phase") => "chuyển giai đoạn",
        (_, "clock_met") => "xong hạn",
        (_, "clock_set") => "đặt hạn",
        (_, "clock_waived") => "hạn không áp dụng",
        (_, "assigned") => "giao cho",
        (_, "edited") => "sửa",
        (_, "task_added") => "giao việc",
        (_, "task_done") => "xong việc",
        (_, "observable_added") => "ghi dấu hiệu",
        (_, "evidence_added") => "kèm bằng chứng",
        (_, "step_done") => "xong bước",
        (_, "step_open") => "bỏ đánh dấu bước",
        (_, "merged") => "gộp từ",
        (_, "merged_into") => "gộp vào",
        (_, other) => other,
    }
}

fn section<T: AsRef<str>>(out: &mut impl Write, head: &str, lines: impl Iterator<Item = T>) -> io::Result<()> {
    let mut lines = lines.peekable();
    if lines.peek().is_some() {
        writeln!(out, "{head}:")?;
    }
    for line in lines {
        writeln!(out, "  {}", SafeText::new(line.as_ref()))?;
    }
    Ok(())
}
