//! Figures and handovers between the store and the wire.

use crate::alert::Disposition;
use crate::alert::store::figures::Spread;
use crate::alert::store::figures::TriageFigures;
use crate::incident::forms::Language;
use crate::incident::handover::Handover;
use crate::incident::handover::HandoverDraft;
use crate::model::RuleLevel;
use crate::model::Timestamp;
use crate::model::time::civil_from_days;
use crate::query::time::parse_moment;
use crate::server::convert::UnknownWord;
use crate::wire::report as wire;

/// Writes the figures of a period, the gravest level first.
pub fn triage_report(figures: TriageFigures) -> wire::TriageReport {
    let levels = RuleLevel::ALL.iter().zip(figures.levels).rev().map(|(level, of_level)| wire::LevelReport {
        level: level.as_str().to_owned(),
        raised: of_level.raised,
        untouched: of_level.untouched,
        closed: of_level.closed,
        to_acknowledge: of_level.to_acknowledge.map(spread),
        to_resolve: of_level.to_resolve.map(spread),
    });
    let dispositions = Disposition::ALL.iter().zip(figures.dispositions);
    wire::TriageReport {
        since: figures.since.to_string(),
        until: figures.until.to_string(),
        levels: levels.collect(),
        days: figures.days.into_iter().map(|(day, raised)| self::day(day, raised)).collect(),
        dispositions: dispositions.map(|(disposition, count)| (disposition.as_str().to_owned(), count)).collect(),
        rules: figures
            .rules
            .into_iter()
            .map(|rule| wire::RuleReport {
                rule: rule.rule_id,
                title: rule.title,
                title_vi: rule.title_vi,
                raised: rule.raised,
                true_positives: rule.true_positives,
                false_positives: rule.false_positives,
            })
            .collect(),
        analysts: figures
            .analysts
            .into_iter()
            .map(|analyst| wire::AnalystReport {
                name: analyst.name,
                taken: analyst.taken,
                escalated: analyst.escalated,
                closed: analyst.closed,
            })
            .collect(),
    }
}

fn spread(spread: Spread) -> wire::Spread {
    let Spread { mean, median, p90 } = spread;
    wire::Spread { mean: mean.as_secs(), median: median.as_secs(), p90: p90.as_secs() }
}

fn day<const LEVELS: usize>(days: i32, raised: [u64; LEVELS]) -> wire::DayReport {
    let (year, month, day) = civil_from_days(i64::from(days));
    wire::DayReport { day: format!("{year:04}-{month:02}-{day:02}"), raised: raised.into_iter().rev().collect() }
}

pub(in crate::server) fn language(word: Option<&str>) -> Result<Language, UnknownWord> {
    match word {
        None | Some("" | "vi") => Ok(Language::Vietnamese),
        Some("en") => Ok(Language::English),
        Some(other) => {
            let hint = Some("`vi` or `en`".to_owned());
            Err(UnknownWord { what: "language", word: other.to_owned(), hint })
        }
    }
}

pub(in crate::server) fn draft_out(draft: HandoverDraft) -> wire::HandoverDraft {
    wire::HandoverDraft { since: draft.since.to_string(), until: draft.until.to_string(), text: draft.text }
}

pub(in crate::server) fn draft_in(draft: wire::HandoverDraft) -> Result<HandoverDraft, UnknownWord> {
    Ok(HandoverDraft { since: time(&draft.since)?, until: time(&draft.until)?, text: draft.text })
}

fn time(text: &str) -> Result<Timestamp, UnknownWord> {
    let moment = parse_moment(text, Timestamp::default());
    moment.map(|moment| moment.start).ok_or_else(|| UnknownWord { what: "time", word: text.to_owned(), hint: None })
}

pub(in crate::server) fn handover(handover: Handover) -> wire::Handover {
    wire::Handover {
        id: handover.id,
        since: handover.since.to_string(),
        until: handover.until.to_string(),
        signed: handover.signed.to_string(),
        who: handover.who,
        text: handover.text,
        digest: handover.digest,
    }
}
