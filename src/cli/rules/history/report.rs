//! The report of a backtest, for people.

use std::io;
use std::io::Write;

use crate::cli::output::Language;
use crate::cli::output::local;
use crate::model::SafeText;
use crate::wire::rule::BacktestCost;
use crate::wire::rule::BacktestReport;
use crate::wire::rule::Verdicts;

/// Days shown one by one; a longer span is shown by its sparkline alone.
const DAYS_LISTED: usize = 31;
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const BAR_COLUMNS: u64 = 40;
const LINE_CHARS: usize = 140;

pub(super) fn print(report: &BacktestReport, language: Language, out: &mut dyn Write) -> io::Result<()> {
    let title = language.pick(report.title_vi.as_ref().unwrap_or(&report.title), &report.title);
    let level = language.pick("mức", "level");
    writeln!(out, "{} [{}], {level} {}", SafeText::new(title), SafeText::new(&report.rule), report.level)?;
    let until = if report.until.is_empty() { language.pick("nay", "now") } else { &report.until };
    let (since, matches, alerts) = (local(&report.since), report.matches, report.alerts);
    match language {
        Language::Vietnamese => {
            writeln!(out, "{since} đến {until}: {matches} lần khớp, {alerts} cảnh báo (mỗi thực thể một)")?;
        }
        Language::English => {
            writeln!(out, "{since} to {until}: {matches} matches, {alerts} alerts (one for each entity)")?;
        }
    }
    print_days(report, out)?;
    print_entities(report, language, out)?;
    if !report.examples.is_empty() {
        writeln!(out, "\n{}:", language.pick("Lần khớp mới nhất", "Newest matches"))?;
    }
    for example in &report.examples {
        let line: String = example.line.chars().take(LINE_CHARS).collect();
        let events = if example.events.len() > 1 {
            let of = language.pick("sự kiện liên quan", "events");
            format!("{} ({} {of})", example.event, example.events.len())
        } else {
            example.event.to_string()
        };
        let event = language.pick("sự kiện", "event");
        writeln!(out, "  {}  {event} {events}  {}", local(&example.timestamp), SafeText::new(&example.entity))?;
        writeln!(out, "      {}", SafeText::new(&line))?;
    }
    if report.past_of_rule.total() + report.past_of_entities.total() > 0 {
        let head = language.pick("Cảnh báo trước đây đã đóng thế nào", "How analysts closed alerts before");
        writeln!(out, "\n{head}:")?;
        let (rule, entities) = language
            .pick(("của luật này:      ", "của các thực thể:  "), ("of this rule:       ", "of these entities:  "));
        writeln!(out, "  {rule}{}", verdicts(&report.past_of_rule, language))?;
        writeln!(out, "  {entities}{}", verdicts(&report.past_of_entities, language))?;
    }
    print_cost(&report.cost, language, out)
}

fn print_days(report: &BacktestReport, out: &mut dyn Write) -> io::Result<()> {
    let most = report.days.iter().map(|day| day.matches).max().unwrap_or(0);
    let (Some(first), Some(last)) = (report.days.first(), report.days.last()) else { return Ok(()) };
    let counts: Vec<u64> = report.days.iter().map(|day| day.matches).collect();
    writeln!(out, "\n{} {} {}", first.day, sparkline(&counts), last.day)?;
    if report.days.len() > DAYS_LISTED {
        return Ok(());
    }
    for day in &report.days {
        let columns = (day.matches * BAR_COLUMNS).div_ceil(most.max(1));
        let bar = "█".repeat(usize::try_from(columns).unwrap_or(0));
        writeln!(out, "  {} {:>8} {bar}", day.day, day.matches)?;
    }
    Ok(())
}

/// One character a number; zero is the lowest bar.
pub(super) fn sparkline(counts: &[u64]) -> String {
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let bar = |count: &u64| {
        let step = if *count == 0 { 0 } else { 1 + (count - 1) * 7 / most };
        usize::try_from(step).ok().and_then(|step| BARS.get(step.min(7))).copied().unwrap_or('█')
    };
    counts.iter().map(bar).collect()
}

fn print_entities(report: &BacktestReport, language: Language, out: &mut dyn Write) -> io::Result<()> {
    if report.entities.is_empty() {
        return Ok(());
    }
    let (matches, entity) = language.pick(("lần khớp", "thực thể"), ("matches", "entity"));
    writeln!(out, "\n{matches:>9}  {entity}")?;
    for entity in &report.entities {
        let name = if entity.value.is_empty() { language.pick("(không có)", "(none)") } else { &entity.value };
        let past =
            if entity.past.total() == 0 { String::new() } else { format!("  {}", verdicts(&entity.past, language)) };
        writeln!(
            out,
            "{:>9}  {} ({}){past}",
            entity.matches,
            SafeText::new(name),
            SafeText::new(if entity.field.is_empty() { "-" } else { &entity.field })
        )?;
    }
    let told = report.entities.len() as u64;
    if report.alerts > told {
        let (and, more) = language.pick(("và", "thực thể nữa"), ("and", "more entities"));
        writeln!(out, "{:>9}  {and} {} {more}", "", report.alerts - told)?;
    }
    Ok(())
}

/// Says verdicts in words.
pub(super) fn verdicts(past: &Verdicts, language: Language) -> String {
    if past.total() == 0 {
        return language.pick("không có cảnh báo", "no alerts").to_owned();
    }
    let Verdicts { true_positive, false_positive, benign_positive, other, open } = past;
    let mut text = match language {
        Language::Vietnamese => format!(
            "{true_positive} đúng, {false_positive} sai, {benign_positive} lành tính, {other} khác, {open} còn mở"
        ),
        Language::English => {
            format!(
                "{true_positive} true, {false_positive} false, {benign_positive} benign, {other} other, {open} open"
            )
        }
    };
    if let Some(percent) = past.precision() {
        let judged = language.pick("% cảnh báo đã kết luận là đúng", "% of those judged were true");
        text.push_str(&format!("; {percent} {judged}"));
    }
    text
}

fn print_cost(cost: &BacktestCost, language: Language, out: &mut dyn Write) -> io::Result<()> {
    let seconds = cost.elapsed_ms as f64 / 1_000.0;
    let (read, events, partitions, all) = (cost.events_read, cost.events, cost.partitions, cost.partitions_total);
    match language {
        Language::Vietnamese => {
            writeln!(
                out,
                "\nđọc {read} trên {events} sự kiện, {partitions} trên {all} phân vùng, trong {seconds:.2} s"
            )?;
        }
        Language::English => {
            writeln!(out, "\n{read} of {events} events read, {partitions} of {all} partitions, in {seconds:.2} s")?;
        }
    }
    match &cost.prefilter {
        Some(query) => {
            let shown: String = query.chars().take(LINE_CHARS).collect();
            let asked = language.pick("chỉ mục được hỏi", "the index was asked for");
            writeln!(out, "{asked}: {}", SafeText::new(&shown))?;
        }
        None => writeln!(
            out,
            "{}",
            language.pick(
                "không có gì của luật hỏi được từ chỉ mục: mọi sự kiện đã được đọc",
                "nothing the rule needs can be asked of the index: every event was read",
            )
        )?,
    }
    if !cost.in_order {
        let order = language.pick(
            "quá nhiều sự kiện để lấy theo thứ tự đến: luật tương quan có thể lệch đôi chút",
            "too many events to be taken in the order of their arrival: correlations may differ a little",
        );
        writeln!(out, "{order}")?;
    }
    if cost.ahead > 0 {
        let ahead = language.pick(
            "sự kiện ghi giờ muộn hơn lúc đến quá năm phút (đồng hồ chạy nhanh): luật tương quan coi là năm phút sau lúc đến, như khi chạy thật",
            "events are dated more than five minutes after their arrival (a clock runs ahead): correlations take them as five minutes after it, as they do live",
        );
        writeln!(out, "{} {ahead}", cost.ahead)?;
    }
    if let Some(reason) = &cost.partial {
        let (early, part) = language.pick(
            ("DỪNG SỚM", "các số này mới là phần đầu"),
            ("ENDED EARLY", "these figures are a beginning, not the whole"),
        );
        writeln!(out, "{early} ({}): {part}", SafeText::new(reason))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::rule::BacktestDay;

    #[test]
    fn a_report_reads_well() {
        let day = |day: &str, matches| BacktestDay { day: day.to_owned(), matches };
        let report = BacktestReport {
            rule: "r".to_owned(),
            title: "Title".to_owned(),
            level: "high".to_owned(),
            since: "2026-11-01T00:00:00Z".to_owned(),
            matches: 12,
            alerts: 30,
            days: vec![day("2026-11-01", 10), day("2026-11-02", 0), day("2026-11-03", 2)],
            past_of_rule: Verdicts { true_positive: 1, false_positive: 3, ..Verdicts::default() },
            ..BacktestReport::default()
        };
        let mut out = Vec::new();
        print(&report, Language::English, &mut out).expect("writable");
        let text = String::from_utf8(out).expect("UTF-8");
        for part in [
            "12 matches, 30 alerts",
            "2026-11-01 █▁▂ 2026-11-03",
            "1 true, 3 false, 0 benign, 0 other, 0 open; 25 % of those judged were true",
            "every event was read",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        let mut out = Vec::new();
        print(&report, Language::Vietnamese, &mut out).expect("writable");
        let text = String::from_utf8(out).expect("UTF-8");
        assert!(text.contains("12 lần khớp, 30 cảnh báo") && text.contains("1 đúng, 3 sai"), "{text}");
    }
}
