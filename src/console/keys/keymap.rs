//! The keys, as one table: key, where it holds, what it does, and how it is called.
//!
//! Hints, the help screen and the palette are drawn from it. No key is a doubled letter, and every action of triage has a
//! function key besides its letter, because an input method may be on.

use crate::console::keys::key::Key;
use crate::console::look::text::Text;
use crate::console::model::Screen;

/// Where a key holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Context {
    Reports,
    Everywhere,
    Alerts,
    Incidents,
    Search,
    Sources,
    Rules,
    /// The text of a rule being typed: letters are its own.
    Editor,
    Audit,
}

/// What a key does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    Up,
    Down,
    PageUp,
    PageDown,
    Top,
    Bottom,
    Open,
    Back,
    NextPane,
    Filter,
    Help,
    Menu,
    Palette,
    Language,
    Theme,
    Quit,
    Undo,
    Copy,
    Refresh,
    Handover,
    Go(Screen),
    Mark,
    MarkAll,
    Take,
    Release,
    Related,
    Escalate,
    Close,
    Reopen,
    Note,
    Except,
    Pivot,
    Widen,
    Narrow,
    NextEntity,
    Phase,
    MeetClock,
    AddTask,
    FinishTask,
    AddObservable,
    EditTitle,
    ChangeLevel,
    Merge,
    TickStep,
    WriteFile,
    WriteEvidence,
    Attach,
    Assign,
    SetClock,
    TimeSpan,
    Tail,
    CountBy,
    Exclude,
    Export,
    Sort,
    Mute,
    Unmute,
    ChangeState,
    EditRule,
    EditOutside,
    NextProblem,
    Redo,
    TestRule,
    SaveRule,
    Backtest,
    Exceptions,
    Coverage,
    RuleDetail,
    Revoke,
    Verify,
    CancelVerify,
    Column,
    SaveSearch,
    OpenSaved,
}

/// One line of the table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Binding {
    pub keys: &'static [Key],
    pub context: Context,
    pub action: Action,
    pub name: Text,
}

const fn bind(keys: &'static [Key], context: Context, action: Action, name: Text) -> Binding {
    Binding { keys, context, action, name }
}

use Context::Alerts;
use Context::Audit;
use Context::Editor;
use Context::Everywhere;
use Context::Incidents;
use Context::Reports;
use Context::Rules;
use Context::Search;
use Context::Sources;
use Key::Char;
use Key::Ctrl;
use Key::Function;

/// The table. Where a key stands twice, the narrower context wins.
pub(crate) const BINDINGS: &[Binding] = &[
    bind(&[Function(2), Char('a')], Alerts, Action::Take, Text::KeyTake),
    bind(&[Function(3), Char('r')], Alerts, Action::Related, Text::KeyRelated),
    bind(&[Function(4), Char('e')], Alerts, Action::Escalate, Text::KeyEscalate),
    bind(&[Function(6), Char('c')], Alerts, Action::Close, Text::KeyClose),
    bind(&[Function(9), Char('x')], Alerts, Action::Except, Text::KeyExcept),
    bind(&[Char('p')], Alerts, Action::Pivot, Text::KeyPivot),
    bind(&[Char('m')], Alerts, Action::Mark, Text::KeyMark),
    bind(&[Char('*')], Alerts, Action::MarkAll, Text::KeyMarkAll),
    bind(&[Char('n')], Alerts, Action::Note, Text::KeyNote),
    bind(&[Char('o')], Alerts, Action::Reopen, Text::KeyReopen),
    bind(&[Char('z')], Alerts, Action::Release, Text::KeyRelease),
    bind(&[Char('+'), Char('=')], Alerts, Action::Widen, Text::KeyWiden),
    bind(&[Char('-')], Alerts, Action::Narrow, Text::KeyNarrow),
    bind(&[Char('f')], Alerts, Action::NextEntity, Text::KeyNextEntity),
    bind(&[Char('t')], Alerts, Action::TickStep, Text::KeyStep),
    bind(&[Char('v')], Alerts, Action::Attach, Text::KeyAttach),
    bind(&[Char('w')], Alerts, Action::WriteFile, Text::KeyWriteAlerts),
    bind(&[Function(2), Char('a')], Incidents, Action::Take, Text::KeyTake),
    bind(&[Function(6), Char('s')], Incidents, Action::Phase, Text::KeyPhase),
    bind(&[Char('n')], Incidents, Action::Note, Text::KeyNote),
    bind(&[Function(9), Char('d')], Incidents, Action::MeetClock, Text::KeyMeetClock),
    bind(&[Char('p')], Incidents, Action::Pivot, Text::KeyPivot),
    bind(&[Function(3), Char('t')], Incidents, Action::AddTask, Text::KeyAddTask),
    bind(&[Char('f')], Incidents, Action::FinishTask, Text::KeyFinishTask),
    bind(&[Char('o')], Incidents, Action::AddObservable, Text::KeyAddObservable),
    bind(&[Function(4), Char('e')], Incidents, Action::EditTitle, Text::KeyEditTitle),
    bind(&[Char('l')], Incidents, Action::ChangeLevel, Text::KeyChangeLevel),
    bind(&[Char('M')], Incidents, Action::Merge, Text::KeyMerge),
    bind(&[Char('A')], Incidents, Action::Assign, Text::KeyAssign),
    bind(&[Char('D')], Incidents, Action::SetClock, Text::KeySetClock),
    bind(&[Char('v')], Incidents, Action::Attach, Text::KeyAttach),
    bind(&[Char('w')], Incidents, Action::WriteFile, Text::KeyWriteReport),
    bind(&[Char('W')], Incidents, Action::WriteEvidence, Text::KeyWriteEvidence),
    bind(&[Function(2), Char('t')], Reports, Action::TimeSpan, Text::KeyTime),
    bind(&[Function(6), Char('s')], Reports, Action::Handover, Text::KeyHandover),
    bind(&[Function(2), Char('t')], Search, Action::TimeSpan, Text::KeyTime),
    bind(&[Function(3), Char('l')], Search, Action::Tail, Text::KeyTail),
    bind(&[Function(4), Char('b')], Search, Action::CountBy, Text::KeyCountBy),
    bind(&[Char('-')], Search, Action::Exclude, Text::KeyExclude),
    bind(&[Function(6), Char('s')], Search, Action::SaveSearch, Text::KeySaveSearch),
    bind(&[Char('o')], Search, Action::OpenSaved, Text::KeyOpenSaved),
    bind(&[Char('+'), Char('=')], Search, Action::Column, Text::KeyColumn),
    bind(&[Function(9), Char('x')], Search, Action::Export, Text::KeyExport),
    bind(&[Function(2), Char('o')], Sources, Action::Sort, Text::KeySort),
    bind(&[Function(6), Char('m')], Sources, Action::Mute, Text::KeyMute),
    bind(&[Function(9), Char('z')], Sources, Action::Unmute, Text::KeyUnmute),
    bind(&[Function(3), Char('p')], Sources, Action::Pivot, Text::KeyLines),
    bind(&[Function(2), Char('o')], Rules, Action::Sort, Text::KeySort),
    bind(&[Function(3), Char('b')], Rules, Action::Coverage, Text::KeyCoverage),
    bind(&[Function(4), Char('e')], Rules, Action::EditRule, Text::KeyEditRule),
    bind(&[Function(6), Char('s')], Rules, Action::ChangeState, Text::KeyChangeState),
    bind(&[Function(9), Char('x')], Rules, Action::Exceptions, Text::KeyExceptions),
    bind(&[Ctrl('t')], Rules, Action::TestRule, Text::KeyTestRule),
    bind(&[Ctrl('s')], Rules, Action::SaveRule, Text::KeySaveRule),
    bind(&[Ctrl('b')], Rules, Action::Backtest, Text::KeyBacktest),
    bind(&[Char('d')], Rules, Action::RuleDetail, Text::KeyRuleDetail),
    bind(&[Char('E')], Rules, Action::EditOutside, Text::KeyEditOutside),
    bind(&[Char('z')], Rules, Action::Revoke, Text::KeyRevoke),
    bind(&[Ctrl('t'), Function(2)], Editor, Action::TestRule, Text::KeyTestRule),
    bind(&[Ctrl('b'), Function(3)], Editor, Action::Backtest, Text::KeyBacktest),
    bind(&[Ctrl('s'), Function(6)], Editor, Action::SaveRule, Text::KeySaveShadow),
    bind(&[Function(8), Ctrl('n')], Editor, Action::NextProblem, Text::KeyNextProblem),
    bind(&[Ctrl('z')], Editor, Action::Undo, Text::KeyUndo),
    bind(&[Ctrl('y')], Editor, Action::Redo, Text::KeyRedo),
    bind(&[Function(4)], Editor, Action::EditOutside, Text::KeyEditOutside),
    bind(&[Key::Esc], Editor, Action::Back, Text::KeyBack),
    bind(&[Function(1), Ctrl('g')], Editor, Action::Help, Text::KeyHelp),
    bind(&[Ctrl('l')], Editor, Action::Language, Text::KeyLanguage),
    bind(&[Ctrl('q'), Ctrl('c')], Editor, Action::Quit, Text::KeyQuit),
    bind(&[Function(6), Char('v')], Audit, Action::Verify, Text::KeyVerify),
    bind(&[Function(9), Char('z')], Audit, Action::CancelVerify, Text::KeyCancelVerify),
    bind(&[Function(5)], Everywhere, Action::Refresh, Text::KeyRefresh),
    bind(&[Function(12)], Everywhere, Action::Handover, Text::KeyHandover),
    bind(&[Char(':')], Everywhere, Action::Palette, Text::KeyPalette),
    bind(&[Char('/')], Everywhere, Action::Filter, Text::KeyFilter),
    bind(&[Char(' ')], Everywhere, Action::Menu, Text::KeyMenu),
    bind(&[Char('?'), Function(1)], Everywhere, Action::Help, Text::KeyHelp),
    bind(&[Char('u')], Everywhere, Action::Undo, Text::KeyUndo),
    bind(&[Char('y')], Everywhere, Action::Copy, Text::KeyCopy),
    bind(&[Ctrl('l')], Everywhere, Action::Language, Text::KeyLanguage),
    bind(&[Ctrl('t')], Everywhere, Action::Theme, Text::KeyTheme),
    bind(&[Key::Up, Char('k')], Everywhere, Action::Up, Text::KeyUp),
    bind(&[Key::Down, Char('j')], Everywhere, Action::Down, Text::KeyDown),
    bind(&[Key::PageUp, Ctrl('b')], Everywhere, Action::PageUp, Text::KeyPageUp),
    bind(&[Key::PageDown, Ctrl('f')], Everywhere, Action::PageDown, Text::KeyPageDown),
    bind(&[Char('g'), Key::Home], Everywhere, Action::Top, Text::KeyTop),
    bind(&[Char('G'), Key::End], Everywhere, Action::Bottom, Text::KeyBottom),
    bind(&[Key::Enter], Everywhere, Action::Open, Text::KeyOpen),
    bind(&[Key::Esc], Everywhere, Action::Back, Text::KeyBack),
    bind(&[Key::Tab], Everywhere, Action::NextPane, Text::KeyPane),
    bind(&[Char('1')], Everywhere, Action::Go(Screen::Alerts), Text::ScreenAlerts),
    bind(&[Char('2')], Everywhere, Action::Go(Screen::Incidents), Text::ScreenIncidents),
    bind(&[Char('3')], Everywhere, Action::Go(Screen::Search), Text::ScreenSearch),
    bind(&[Char('4')], Everywhere, Action::Go(Screen::Rules), Text::ScreenRules),
    bind(&[Char('5')], Everywhere, Action::Go(Screen::Sources), Text::ScreenSources),
    bind(&[Char('6')], Everywhere, Action::Go(Screen::Audit), Text::ScreenAudit),
    bind(&[Char('7')], Everywhere, Action::Go(Screen::Reports), Text::ScreenReports),
    bind(&[Char('q'), Ctrl('c'), Ctrl('q')], Everywhere, Action::Quit, Text::KeyQuit),
];

/// Returns the context a screen adds to `Everywhere`.
pub(crate) fn context_of(screen: Screen) -> Context {
    match screen {
        Screen::Alerts => Context::Alerts,
        Screen::Incidents => Context::Incidents,
        Screen::Search => Context::Search,
        Screen::Sources => Context::Sources,
        Screen::Reports => Context::Reports,
        Screen::Rules => Context::Rules,
        Screen::Audit => Context::Audit,
    }
}

/// Finds what a key does in a context.
pub(crate) fn action_for(context: Context, key: Key) -> Option<Action> {
    bindings_in(context).find(|binding| binding.keys.contains(&key)).map(|binding| binding.action)
}

/// Returns the bindings that hold in a context, its own first. Where a text is typed only its own do: letters are letters.
pub(crate) fn bindings_in(context: Context) -> impl Iterator<Item = &'static Binding> {
    let narrow = BINDINGS.iter().filter(move |binding| binding.context == context && context != Context::Everywhere);
    let wide =
        BINDINGS.iter().filter(move |binding| binding.context == Context::Everywhere && context != Context::Editor);
    narrow.chain(wide)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_is_given_twice_in_one_context() {
        for (index, binding) in BINDINGS.iter().enumerate() {
            for other in &BINDINGS[index + 1..] {
                let both = binding.keys.iter().find(|key| other.keys.contains(key));
                assert!(both.is_none() || other.context != binding.context, "{both:?}: {binding:?}, {other:?}");
            }
        }
    }

    #[test]
    fn every_binding_can_be_reached_in_its_context() {
        for context in Screen::ALL.map(context_of).into_iter().chain([Context::Editor]) {
            for binding in bindings_in(context).filter(|binding| binding.context == context) {
                for key in binding.keys {
                    assert_eq!(action_for(context, *key), Some(binding.action), "{context:?} {key}");
                }
            }
        }
        assert_eq!(action_for(Context::Alerts, Key::Char('đ')), None, "an input method's letter does nothing");
    }

    #[test]
    fn no_letter_acts_while_a_rule_is_typed() {
        let all = BINDINGS.iter().flat_map(|binding| binding.keys).filter(|key| matches!(key, Char(_)));
        for key in all.copied().chain([Key::Backspace, Key::Enter, Key::Tab, Key::Up, Key::Char('đ')]) {
            assert_eq!(action_for(Context::Editor, key), None, "{key}");
        }
    }
}
