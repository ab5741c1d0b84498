//! Who looks at what: this console and the others.

use jiff::Timestamp;

use crate::wire::presence::Looking;

/// What a console shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shown {
    Alert(u64),
    Incident(u64),
}

/// This console's own word, and what was told of the others.
#[derive(Debug, Clone)]
pub(crate) struct Presence {
    /// Tells this console from others of the same user.
    pub session: String,
    /// What the server was told last, and when.
    pub told: Option<(Shown, Timestamp)>,
    /// When a key was pressed last: nobody looks at what they left open.
    pub pressed: Timestamp,
    pub others: Vec<Looking>,
}

impl Presence {
    /// Starts with nobody there.
    pub(crate) fn new(now: Timestamp) -> Presence {
        Presence { session: String::new(), told: None, pressed: now, others: Vec::new() }
    }

    /// Returns who else looks at an alert or incident.
    pub(crate) fn at(&self, shown: Shown) -> impl Iterator<Item = &Looking> {
        self.others.iter().filter(move |looking| match shown {
            Shown::Alert(id) => looking.alert == Some(id),
            Shown::Incident(id) => looking.incident == Some(id),
        })
    }

    /// Returns their names, each once.
    pub(crate) fn names(&self, shown: Shown) -> String {
        let mut names: Vec<&str> = self.at(shown).map(|looking| looking.who.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names.join(", ")
    }
}
