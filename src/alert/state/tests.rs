//! The state machine as tables: what each action does from each state, and what it must not do.

use super::*;

const NOW: Timestamp = Timestamp(1_000);

fn alert(status: AlertStatus, owner: Option<&str>, level: RuleLevel) -> Alert {
    let incident = (status == AlertStatus::Escalated).then_some(IncidentId(1));
    let state = State { status, owner: owner.map(str::to_owned), incident, ..State::NEW };
    Alert { level, state, undoable: None }
}

fn close(note: Option<&str>) -> Action {
    Action::Close { disposition: Disposition::FalsePositive, note: note.map(str::to_owned) }
}

/// Where the alert stands, who holds it, the action, and where it stands then or why it was refused.
type Held = Option<&'static str>;
type Case = (AlertStatus, Held, Action, Result<(AlertStatus, Held), Refusal>);

#[test]
fn every_action_from_every_state() {
    use AlertStatus::*;
    let held = || Refusal::HeldBy { owner: "ha".to_owned() };
    let escalate = Action::Escalate { incident: IncidentId(2), note: None };
    let reopen = Action::Reopen { note: None };
    let cases: Vec<Case> = vec![
        (New, None, Action::Take, Ok((Taken, Some("an")))),
        (Taken, Some("an"), Action::Take, Ok((Taken, Some("an")))),
        (Taken, Some("ha"), Action::Take, Err(held())),
        (Escalated, None, Action::Take, Ok((Escalated, Some("an")))),
        (Escalated, Some("ha"), Action::Take, Err(held())),
        (Closed, Some("ha"), Action::Take, Err(Refusal::Closed)),
        (New, None, Action::Release, Err(Refusal::NotHeld)),
        (Taken, Some("an"), Action::Release, Ok((New, None))),
        (Taken, Some("ha"), Action::Release, Err(held())),
        (Escalated, Some("an"), Action::Release, Ok((Escalated, None))),
        (Closed, Some("an"), Action::Release, Err(Refusal::Closed)),
        (New, None, close(None), Ok((Closed, Some("an")))),
        (Taken, Some("an"), close(None), Ok((Closed, Some("an")))),
        (Taken, Some("ha"), close(None), Err(held())),
        (Escalated, Some("an"), close(None), Ok((Closed, Some("an")))),
        (Closed, Some("an"), close(None), Err(Refusal::Closed)),
        (New, None, reopen.clone(), Err(Refusal::NotClosed)),
        (Taken, Some("an"), reopen.clone(), Err(Refusal::NotClosed)),
        (Closed, Some("ha"), reopen, Ok((New, None))),
        (New, None, escalate.clone(), Ok((Escalated, Some("an")))),
        (Taken, Some("ha"), escalate.clone(), Err(held())),
        (Escalated, None, escalate.clone(), Err(Refusal::Escalated(IncidentId(1)))),
        (Closed, None, escalate, Err(Refusal::Closed)),
        (New, None, Action::Undo, Err(Refusal::NothingToUndo { who: "an".to_owned() })),
        (Taken, Some("ha"), Action::Note { text: "x".to_owned() }, Ok((Taken, Some("ha")))),
        (Closed, None, Action::Note { text: "x".to_owned() }, Ok((Closed, None))),
        (New, None, Action::Note { text: " \n".to_owned() }, Err(Refusal::NoteEmpty)),
    ];
    for (status, owner, action, expected) in cases {
        let applied = alert(status, owner, RuleLevel::Medium).apply(&action, &Actor::analyst("an"), NOW);
        let seen = applied.as_ref().map(|applied| (applied.state.status, applied.state.owner.as_deref()));
        assert_eq!(seen, expected.as_ref().map(|(status, owner)| (*status, *owner)), "{status:?} {owner:?} {action:?}");
    }
}

#[test]
fn a_serious_alert_is_not_closed_without_a_word() {
    for (level, note, refused) in [
        (RuleLevel::Medium, None, false),
        (RuleLevel::High, None, true),
        (RuleLevel::High, Some("   "), true),
        (RuleLevel::Critical, None, true),
        (RuleLevel::Critical, Some("pentest"), false),
    ] {
        let applied = alert(AlertStatus::New, None, level).apply(&close(note), &Actor::analyst("an"), NOW);
        assert_eq!(applied.is_err(), refused, "{level} {note:?}");
    }
    let long = "x".repeat(NOTE_BYTES_MAX + 1);
    let applied = alert(AlertStatus::New, None, RuleLevel::Low).apply(&close(Some(&long)), &Actor::analyst("an"), NOW);
    assert_eq!(applied, Err(Refusal::NoteTooLong));
}

#[test]
fn undo_gives_back_what_was_and_only_to_whom_did_it() {
    let before = alert(AlertStatus::Taken, Some("an"), RuleLevel::Medium);
    let closed = before.apply(&close(Some("quét định kỳ")), &Actor::analyst("an"), NOW).unwrap();
    assert_eq!(closed.record.as_ref().unwrap().text.as_deref(), Some("false_positive: quét định kỳ"));
    let now = Alert { level: before.level, state: closed.state, undoable: closed.undoable };
    assert!(now.apply(&Action::Undo, &Actor::analyst("ha"), NOW).is_err());
    let undone = now.apply(&Action::Undo, &Actor::analyst("an"), NOW).unwrap();
    assert_eq!((undone.state.clone(), undone.undoable.clone()), (before.state, None));
    let again = Alert { level: RuleLevel::Medium, state: undone.state, undoable: undone.undoable };
    assert!(again.apply(&Action::Undo, &Actor::analyst("an"), NOW).is_err(), "an undo is not undone");
}

#[test]
fn an_admin_may_free_what_another_holds() {
    let admin = Actor { name: "root".to_owned(), may_override: true };
    let released = alert(AlertStatus::Taken, Some("ha"), RuleLevel::Low).apply(&Action::Release, &admin, NOW).unwrap();
    assert_eq!(released.state, State::NEW);
    assert_eq!(released.record.unwrap().text.as_deref(), Some("was held by ha"));
    assert!(alert(AlertStatus::Taken, Some("ha"), RuleLevel::Low).apply(&Action::Take, &admin, NOW).is_err());
}
