//! The rule book over restarts, in time, and what it refuses.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::model::time::ManualClock;

const START: Timestamp = Timestamp(1_700_000_000_000_000_000);

struct World {
    folder: tempfile::TempDir,
    clock: Arc<ManualClock>,
}

impl World {
    fn new() -> World {
        World { folder: tempfile::tempdir().expect("a folder"), clock: Arc::new(ManualClock::at(START)) }
    }

    fn open(&self) -> RuleBook {
        RuleBook::open(&self.folder.path().join(FILE_NAME), self.clock.clone()).expect("it opens")
    }
}

fn condition(field: &str, comparison: Comparison, value: &str) -> Condition {
    Condition { field: field.to_owned(), comparison, value: value.to_owned() }
}

fn exception(conditions: Vec<Condition>) -> NewException {
    NewException { rule: "r".to_owned(), conditions, reason: "the backup".to_owned(), lasts: None }
}

fn has(field: &str) -> Vec<String> {
    match field {
        "source.ip" => vec!["10.1.2.3".to_owned()],
        "user.name" => vec!["other".to_owned(), "Backup".to_owned()],
        _ => Vec::new(),
    }
}

fn judge(book: &RuleBook, rule: &str, event: u64) -> Verdict {
    book.judge(rule, RuleState::Live, event, "10.1.2.3", &has)
}

#[test]
fn an_exception_hides_until_it_expires_also_over_a_restart() {
    let world = World::new();
    let book = world.open();
    assert_eq!(judge(&book, "r", 1), Verdict::Raise);
    let new = exception(vec![
        condition("user.name", Comparison::Is, "backup"),
        condition("source.ip", Comparison::Cidr, "10.0.0.0/8"),
    ]);
    let kept = book.except(&new, "an").expect("kept");
    assert_eq!(kept.expires, START.plus(Duration::from_secs(7 * 86_400)));
    assert_eq!(judge(&book, "r", 2), Verdict::Hidden(kept.id));
    assert_eq!(judge(&book, "s", 3), Verdict::Raise);
    book.flush().expect("written");
    drop(book);
    let book = world.open();
    assert_eq!(judge(&book, "r", 4), Verdict::Hidden(kept.id));
    // The event that was counted before a crash is not counted again.
    assert_eq!(judge(&book, "r", 2), Verdict::Hidden(kept.id));
    book.flush().expect("written");
    assert_eq!(book.exception(kept.id).expect("there").hidden, 2);
    assert_eq!(book.suppressed(kept.id).expect("there").iter().map(|one| one.event).collect::<Vec<_>>(), [4, 2]);
    world.clock.set(kept.expires);
    assert_eq!(judge(&book, "r", 5), Verdict::Raise);
}

#[test]
fn each_comparison_holds_and_fails() {
    for (field, comparison, value, want) in [
        ("user.name", Comparison::Is, "BACKUP", true),
        ("user.name", Comparison::Is, "back", false),
        ("user.name", Comparison::StartsWith, "back", true),
        ("user.name", Comparison::EndsWith, "back", false),
        ("user.name", Comparison::Contains, "ack", true),
        ("source.ip", Comparison::Cidr, "192.0.2.0/24", false),
        ("host.name", Comparison::Is, "x", false),
    ] {
        assert_eq!(exception(vec![condition(field, comparison, value)]).would_hide(&has), want, "{field} {value}");
    }
}

#[test]
fn what_says_nothing_or_too_much_is_refused() {
    let world = World::new();
    let book = world.open();
    let good = || vec![condition("user.name", Comparison::Is, "x")];
    for (new, part) in [
        (exception(Vec::new()), "needs a condition"),
        (NewException { reason: " ".to_owned(), ..exception(good()) }, "a reason"),
        (NewException { lasts: Some(Duration::from_secs(400 * 86_400)), ..exception(good()) }, "a year"),
        (exception(vec![condition("source.ip", Comparison::Cidr, "10.0.0")]), "no network"),
        (exception(vec![condition("", Comparison::Is, "x")]), "a field"),
    ] {
        let err = book.except(&new, "an").expect_err("refused").to_string();
        assert!(err.contains(part), "{err}");
    }
    assert!(book.exceptions(None).expect("readable").is_empty());
}

#[test]
fn a_revoked_exception_hides_no_more_and_all_of_it_is_remembered() {
    let world = World::new();
    let book = world.open();
    let kept = book.except(&exception(vec![condition("user.name", Comparison::Is, "backup")]), "an").expect("kept");
    book.revoke(kept.id, "ha", "not needed").expect("revoked");
    assert_eq!(judge(&book, "r", 1), Verdict::Raise);
    assert!(book.revoke(kept.id, "ha", "again").is_err());
    assert!(matches!(book.revoke(ExceptionId(99), "ha", "x"), Err(RuleBookError::NoSuchException(_))));
    let history: Vec<String> = book.history("r").expect("readable").into_iter().map(|change| change.action).collect();
    assert_eq!(history, ["revoked", "excepted"]);
}

#[test]
fn states_decide_and_shadow_counts() {
    let world = World::new();
    let book = world.open();
    for (state, verdict) in [
        (RuleState::Shadow, Verdict::Shadow),
        (RuleState::Draft, Verdict::Off),
        (RuleState::Retired, Verdict::Off),
        (RuleState::Live, Verdict::Raise),
    ] {
        book.set_state("r", state, "an", "trying").expect("set");
        assert_eq!(judge(&book, "r", 1), verdict, "{state}");
    }
    assert_eq!(book.judge("other", RuleState::Retired, 1, "", &has), Verdict::Off);
    book.flush().expect("written");
    assert_eq!(world.open().shadow_matches(START).expect("readable").get("r"), Some(&1));
    assert_eq!(world.open().state_change("r").expect("readable").expect("there").who, "an");
    assert!(book.set_state("r", RuleState::Live, "an", "").is_err());
}

#[test]
fn many_rules_change_together_or_not_at_all() {
    let world = World::new();
    let book = world.open();
    let rules = ["a", "b"].map(str::to_owned);
    assert!(book.set_states(&rules, RuleState::Shadow, "an", " ").is_err());
    assert_eq!(book.state("a"), None);
    book.set_states(&rules, RuleState::Shadow, "an", "imported").expect("set");
    assert_eq!((book.state("a"), book.state("b")), (Some(RuleState::Shadow), Some(RuleState::Shadow)));
    book.note_edit("a", "an", "mended").expect("remembered");
    let history: Vec<String> = book.history("a").expect("readable").into_iter().map(|change| change.action).collect();
    assert_eq!(history, ["edited", "shadow"]);
}

#[test]
fn a_changed_text_is_a_new_version() {
    let world = World::new();
    let book = world.open();
    let note = |hash: &str, text: &str| VersionNote {
        rule: "r".into(),
        hash: hash.into(),
        path: "p".into(),
        text: text.into(),
    };
    assert_eq!(book.note_versions(&[note("1", "a")]).expect("kept"), 1);
    assert_eq!(book.note_versions(&[note("1", "a")]).expect("kept"), 0);
    assert_eq!(book.note_versions(&[note("2", "b")]).expect("kept"), 1);
    let texts: Vec<String> = book.versions("r").expect("readable").into_iter().map(|version| version.text).collect();
    assert_eq!(texts, ["b", "a"]);
    let actions: Vec<String> = book.history("r").expect("readable").into_iter().map(|change| change.action).collect();
    assert_eq!(actions, ["changed", "loaded"]);
}
