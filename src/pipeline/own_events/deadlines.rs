//! Deadlines of incidents that pass soon, and those that have passed: each is told once.

use std::collections::HashMap;
use std::time::Duration;

use crate::incident::IncidentStore;
use crate::incident::store::RunningClock;
use crate::model::Timestamp;
use crate::pipeline::processing::sources::condition::Finding;

/// So long before it passes a deadline is told; as long as the console counts it in its header.
const WARN_BEFORE: Duration = Duration::from_secs(3600);
/// A deadline of "at once" is told as passed after so long: who declares an incident has a report to write first.
const AT_ONCE: Duration = Duration::from_secs(15 * 60);

/// How far a deadline is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Near,
    Passed,
}

/// What was told so far of which deadline.
#[derive(Debug, Default)]
pub(super) struct Deadlines {
    told: HashMap<RunningClock, Stage>,
}

/// Reads the deadlines that matter at a time.
///
/// # Errors
/// When they cannot be read.
pub(super) fn running(incidents: &IncidentStore, now: Timestamp) -> Result<Vec<RunningClock>, String> {
    incidents.clocks_before(now.plus(WARN_BEFORE)).map_err(|err| err.to_string())
}

impl Deadlines {
    /// Returns what is new about the deadlines that pass within the hour or have passed.
    pub(super) fn look(&mut self, running: Vec<RunningClock>, now: Timestamp) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut told = HashMap::with_capacity(running.len());
        for clock in running {
            let passes = clock.due.max(clock.known.plus(AT_ONCE));
            let stage = if now >= passes { Stage::Passed } else { Stage::Near };
            // Who has just declared an incident need not be told that something is to be done at once.
            if stage == Stage::Near && clock.due < clock.known.plus(AT_ONCE) {
                continue;
            }
            if self.told.get(&clock) != Some(&stage) {
                findings.push(finding(&clock, stage, passes, now));
            }
            told.insert(clock, stage);
        }
        // What was met, moved or closed is forgotten.
        self.told = told;
        findings
    }
}

fn finding(clock: &RunningClock, stage: Stage, passes: Timestamp, now: Timestamp) -> Finding {
    let (incident, name) = (clock.incident, word(&clock.name));
    let (message_id, text) = match stage {
        Stage::Near => {
            let minutes = (passes.0 - now.0).max(0) / 60_000_000_000;
            let text = format!("deadline {name} of incident {incident} passes at {passes} in {minutes} min");
            ("incident-deadline-near", text)
        }
        Stage::Passed => {
            ("incident-deadline-passed", format!("deadline {name} of incident {incident} passed at {}", clock.due))
        }
    };
    Finding { message_id, text, is_warning: true }
}

/// Writes a name as one word, which is how it is read back.
fn word(name: &str) -> String {
    let plain = |c: char| if c.is_whitespace() || c.is_control() { '_' } else { c };
    name.chars().take(200).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::IncidentId;

    fn clock(name: &str, hours: u64) -> RunningClock {
        let known = Timestamp::from_seconds(1_772_000_000, 0);
        let due = known.plus(Duration::from_secs(hours * 3600));
        RunningClock { incident: IncidentId(7), name: name.to_owned(), known, due }
    }

    #[test]
    fn each_deadline_is_told_before_it_passes_and_when_it_has() {
        let mut deadlines = Deadlines::default();
        let first = clock("first notice", 24);
        let minutes = |count: u64| Duration::from_secs(count * 60);
        let texts = |findings: Vec<Finding>| findings.into_iter().map(|finding| finding.text).collect::<Vec<_>>();
        let before = first.due.minus(minutes(45));
        let near = texts(deadlines.look(vec![first.clone()], before));
        assert_eq!(near, [format!("deadline first_notice of incident INC-7 passes at {} in 45 min", first.due)]);
        assert!(deadlines.look(vec![first.clone()], before.plus(minutes(10))).is_empty(), "once");
        let passed = deadlines.look(vec![first.clone()], first.due);
        assert_eq!(passed.len(), 1);
        assert_eq!(passed[0].message_id, "incident-deadline-passed");
        assert!(deadlines.look(vec![first.clone()], first.due.plus(minutes(500))).is_empty(), "once");
        // Met, then set anew: another deadline.
        assert!(deadlines.look(Vec::new(), first.due).is_empty());
        assert_eq!(deadlines.look(vec![first.clone()], before).len(), 1);
    }

    #[test]
    fn at_once_leaves_a_quarter_of_an_hour() {
        let mut deadlines = Deadlines::default();
        let at_once = clock("immediate", 0);
        let ids = |findings: Vec<Finding>| findings.into_iter().map(|finding| finding.message_id).collect::<Vec<_>>();
        assert_eq!(ids(deadlines.look(vec![at_once.clone()], at_once.known)), Vec::<&str>::new());
        let later = at_once.known.plus(AT_ONCE);
        assert_eq!(ids(deadlines.look(vec![at_once], later)), ["incident-deadline-passed"]);
    }
}
