//! All the console knows: plain data, changed only by `update`, drawn by `view`.

pub(super) mod alerts;
pub(super) mod audit;
pub(super) mod completion;
pub(super) mod draft;
pub(super) mod exception;
pub(super) mod incidents;
pub(super) mod lists;
pub(super) mod overlay;
pub(super) mod presence;
pub(super) mod reports;
pub(super) mod rules;
pub(super) mod search;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::console::keys::keymap::Context;
use crate::console::keys::keymap::context_of;
use crate::console::look::layout::Layout;
use crate::console::look::text::Lang;
use crate::console::look::text::Text;
use crate::console::look::theme::Theme;
use crate::console::look::theme::ThemeName;
use crate::console::model::alerts::Alerts;
use crate::console::model::audit::Audit;
use crate::console::model::incidents::Incidents;
use crate::console::model::lists::Sources;
use crate::console::model::overlay::Overlay;
use crate::console::model::presence::Presence;
use crate::console::model::reports::Reports;
use crate::console::model::rules::Panel;
use crate::console::model::rules::Rules;
use crate::console::model::search::Search;
use crate::console::msg::SLOT_COUNT;
use crate::console::msg::Slot;
use crate::wire::status::Status;
use crate::wire::status::Whoami;

/// The screens, in the order of their keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) enum Screen {
    #[default]
    Alerts,
    Incidents,
    Search,
    Rules,
    Sources,
    Audit,
    Reports,
}

impl Screen {
    /// All of them.
    pub(super) const ALL: [Screen; 7] = [
        Screen::Alerts,
        Screen::Incidents,
        Screen::Search,
        Screen::Rules,
        Screen::Sources,
        Screen::Audit,
        Screen::Reports,
    ];

    /// Returns the screen's name.
    pub(super) fn name(self) -> Text {
        match self {
            Screen::Alerts => Text::ScreenAlerts,
            Screen::Incidents => Text::ScreenIncidents,
            Screen::Search => Text::ScreenSearch,
            Screen::Rules => Text::ScreenRules,
            Screen::Sources => Text::ScreenSources,
            Screen::Audit => Text::ScreenAudit,
            Screen::Reports => Text::ScreenReports,
        }
    }
}

/// How the console stands with the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Link {
    /// Nothing came yet.
    Connecting,
    Live,
    /// Nobody answers since then; `attempts` were made.
    Away {
        since: Timestamp,
        attempts: u32,
        reason: String,
    },
}

/// The last pulse of the stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Pulse {
    pub events_per_second: u64,
    pub lag_ms: u64,
    pub open_alerts: u64,
    pub overdue_alerts: u64,
    pub silent_sources: u64,
    pub refusing: Option<String>,
}

/// A line that tells what became of the last action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Toast {
    pub text: String,
    pub is_error: bool,
    pub until: Timestamp,
}

/// The console's whole state.
#[derive(Debug, Clone)]
pub(super) struct Model {
    pub screen: Screen,
    pub lang: Lang,
    pub theme: Theme,
    /// Draw borders and bars with ASCII only.
    pub ascii: bool,
    pub zone: TimeZone,
    pub now: Timestamp,
    pub size: (u16, u16),
    pub link: Link,
    /// When the server last said anything.
    pub fresh_at: Timestamp,
    pub revision: u64,
    pub stream_generation: u64,
    pub whoami: Option<Whoami>,
    pub status: Option<Box<Status>>,
    pub pulse: Pulse,
    pub presence: Presence,
    pub alerts: Alerts,
    pub incidents: Incidents,
    pub search: Search,
    pub sources: Sources,
    pub rules: Rules,
    pub audit: Audit,
    pub reports: Reports,
    pub overlay: Option<Overlay>,
    /// What was being sent, kept until the server has it.
    pub draft: Option<Overlay>,
    pub toast: Option<Toast>,
    pub notified_at: Option<Timestamp>,
    pub is_dirty: bool,
    pub must_quit: bool,
    generations: [u64; SLOT_COUNT],
}

impl Model {
    /// Starts with nothing known.
    pub(super) fn new(lang: Lang, theme: ThemeName, zone: TimeZone, now: Timestamp) -> Model {
        Model {
            screen: Screen::Alerts,
            lang,
            theme: Theme::new(theme),
            ascii: false,
            zone,
            now,
            size: (80, 24),
            link: Link::Connecting,
            fresh_at: now,
            revision: 0,
            stream_generation: 0,
            whoami: None,
            status: None,
            pulse: Pulse::default(),
            presence: Presence::new(now),
            alerts: Alerts::default(),
            incidents: Incidents::default(),
            search: Search::default(),
            sources: Sources::default(),
            rules: Rules::default(),
            audit: Audit::default(),
            reports: Reports::default(),
            overlay: None,
            draft: None,
            toast: None,
            notified_at: None,
            is_dirty: true,
            must_quit: false,
            generations: [0; SLOT_COUNT],
        }
    }

    /// Returns a sentence in the console's language.
    pub(super) fn text(&self, text: Text) -> &'static str {
        text.in_lang(self.lang)
    }

    /// Returns where things stand at the present size.
    pub(super) fn layout(&self) -> Layout {
        Layout::of(self.size.0, self.size.1)
    }

    /// Says whether the text of a rule is being typed.
    pub(super) fn is_editing(&self) -> bool {
        self.screen == Screen::Rules && self.rules.panel == Panel::Editor && self.rules.draft.is_some()
    }

    /// Returns where the keys hold that are pressed now.
    pub(super) fn context(&self) -> Context {
        if self.is_editing() { Context::Editor } else { context_of(self.screen) }
    }

    /// Starts a new generation of a slot: answers to older questions are stale from now on.
    pub(super) fn next_generation(&mut self, slot: Slot) -> u64 {
        let generation = &mut self.generations[slot as usize];
        *generation += 1;
        *generation
    }

    /// Says whether an answer is to the slot's latest question.
    pub(super) fn is_current(&self, slot: Slot, generation: u64) -> bool {
        self.generations[slot as usize] == generation
    }
}
