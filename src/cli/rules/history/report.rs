//! The report of a backtest, for people.

use std::io;
use std::io::Write;

use crate::model::SafeText;
use crate::wire::rule::BacktestCost;
use crate::wire::rule::BacktestReport;
use crate::wire::rule::Verdicts;

/// Days shown one by one; a longer span is shown by its sparkline alone.
const DAYS_LISTED: usize = 31;
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const BAR_COLUMNS: u64 = 40;
const LINE_CHARS: usize = 140;

pub(super) fn print(report: &BacktestReport, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{} [{}], level {}", SafeText::new(&report.title), SafeText::new(&report.rule), report.level)?;
    let until = if report.until.is_empty() { "now" } else { &report.until };
    writeln!(
        out,
        "{} to {until}: {} matches, {} alerts (one for each entity)",
        report.since, report.matches, report.alerts
    )?;
    print_days(report, out)?;
    print_entities(report, out)?;
    if !report.examples.is_empty() {
        writeln!(out, "\nNewest matches:")?;
    }
    for example in &report.examples {
        let line: String = example.line.chars().take(LINE_CHARS).collect();
        let events = if example.events.len() > 1 {
            format!("{} (of {} events)", example.event, example.events.len())
        } else {
            example.event.to_string()
        };
        writeln!(out, "  {}  event {events}  {}", example.timestamp, SafeText::new(&example.entity))?;
        writeln!(out, "      {}", SafeText::new(&line))?;
    }
    if report.past_of_rule.total() + report.past_of_entities.total() > 0 {
        writeln!(out, "\nHow analysts closed alerts before:")?;
        writeln!(out, "  of this rule:       {}", verdicts(&report.past_of_rule))?;
        writeln!(out, "  of these entities:  {}", verdicts(&report.past_of_entities))?;
    }
    print_cost(&report.cost, out)
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

fn print_entities(report: &BacktestReport, out: &mut dyn Write) -> io::Result<()> {
    if report.entities.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{:>9}  entity", "matches")?;
    for entity in &report.entities {
        let name = if entity.value.is_empty() { "(none)" } else { &entity.value };
        let past = if entity.past.total() == 0 { String::new() } else { format!("  {}", verdicts(&entity.past)) };
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
        writeln!(out, "{:>9}  and {} more entities", "", report.alerts - told)?;
    }
    Ok(())
}

/// Says verdicts in words.
pub(super) fn verdicts(past: &Verdicts) -> String {
    if past.total() == 0 {
        return "no alerts".to_owned();
    }
    let mut text = format!(
        "{} true, {} false, {} benign, {} other, {} open",
        past.true_positive, past.false_positive, past.benign_positive, past.other, past.open
    );
    if let Some(percent) = past.precision() {
        text.push_str(&format!("; {percent} % of those judged were true"));
    }
    text
}

fn print_cost(cost: &BacktestCost, out: &mut dyn Write) -> io::Result<()> {
    let seconds = cost.elapsed_ms as f64 / 1_000.0;
    writeln!(
        out,
        "\n{} of {} events read, {} of {} partitions, in {seconds:.2} s",
        cost.events_read, cost.events, cost.partitions, cost.partitions_total
    )?;
    match &cost.prefilter {
        Some(query) => {
            let shown: String = query.chars().take(LINE_CHARS).collect();
            writeln!(out, "the index was asked for: {}", SafeText::new(&shown))?;
        }
        None => writeln!(out, "nothing the rule needs can be asked of the index: every event was read")?,
    }
    if !cost.in_order {
        writeln!(out, "too many events to be taken in the order of their arrival: correlations may differ a little")?;
    }
    if let Some(reason) = &cost.partial {
        writeln!(out, "ENDED EARLY ({}): these figures are a beginning, not the whole", SafeText::new(reason))?;
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
        print(&report, &mut out).expect("writable");
        let text = String::from_utf8(out).expect("UTF-8");
        for part in [
            "12 matches, 30 alerts",
            "2026-11-01 █▁▂ 2026-11-03",
            "1 true, 3 false, 0 benign, 0 other, 0 open; 25 % of those judged were true",
            "every event was read",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
    }
}
