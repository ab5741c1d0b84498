//! The figures of the day above the list of alerts: how soon somebody looked, how soon it was decided.

use jiff::SignedDuration;

use crate::console::look::layout::Shape;
use crate::console::model::Model;
use crate::console::model::Screen;
use crate::console::model::alerts::Today;
use crate::console::msg::Cmd;
use crate::console::msg::Request;
use crate::console::msg::Slot;
use crate::console::update::ask;
use crate::console::update::link;
use crate::wire::report::LevelReport;
use crate::wire::report::Period;
use crate::wire::report::TriageReport;

/// Between two readings: means of a day move slowly, and the work grows with the day.
const EVERY: SignedDuration = SignedDuration::from_secs(60);

/// Asks for the figures when they are shown and old.
pub(in crate::console::update) fn refresh(model: &mut Model) -> Option<Cmd> {
    let is_shown = model.screen == Screen::Alerts && model.layout().shape == Shape::Wide;
    let is_fresh = model.alerts.today_asked.is_some_and(|at| model.now.duration_since(at) < EVERY);
    if !is_shown || is_fresh || link::is_away(model) {
        return None;
    }
    model.alerts.today_asked = Some(model.now);
    let now = model.now.to_zoned_datetime(model.zone.clone());
    let since = Some(now.start_of_day().ok()?.timestamp().to_string());
    Some(ask(model, Slot::Today, Request::Triage(Period { since, until: None })))
}

pub(in crate::console::update) fn arrived(model: &mut Model, report: &TriageReport) {
    let acknowledged = |level: &LevelReport| (level.to_acknowledge, level.raised.saturating_sub(level.untouched));
    let resolved = |level: &LevelReport| (level.to_resolve, level.closed);
    model.alerts.today = Today { acknowledge: mean(report, acknowledged), resolve: mean(report, resolved) };
}

/// The mean over all levels, each weighing as much as it has alerts.
fn mean(report: &TriageReport, of: impl Fn(&LevelReport) -> (Option<crate::wire::report::Spread>, u64)) -> Option<u64> {
    let (mut sum, mut count) = (0u128, 0u128);
    for (spread, weight) in report.levels.iter().map(of) {
        let Some(spread) = spread else { continue };
        sum += u128::from(spread.mean) * u128::from(weight);
        count += u128::from(weight);
    }
    u64::try_from(sum.checked_div(count)?).ok()
}
