//! Answers of the server: stale ones are dropped by their generation, failures keep drafts.

use jiff::tz::Offset;
use jiff::tz::TimeZone;

use crate::console::look::format::fill;
use crate::console::look::refusal_words;
use crate::console::look::text::Text;
use crate::console::model::Model;
use crate::console::model::alerts::Sent;
use crate::console::model::presence::Shown;
use crate::console::msg::Answer;
use crate::console::msg::Cmd;
use crate::console::msg::Failure;
use crate::console::msg::Request;
use crate::console::msg::Slot;
use crate::console::update::ask;
use crate::console::update::complain;
use crate::console::update::records::audit;
use crate::console::update::records::export;
use crate::console::update::records::files;
use crate::console::update::records::reports;
use crate::console::update::rules;
use crate::console::update::rules::drafts;
use crate::console::update::say;
use crate::console::update::search;
use crate::console::update::sources;
use crate::console::update::triage::alerts;
use crate::console::update::triage::exception;
use crate::console::update::triage::figures;
use crate::console::update::triage::forms;
use crate::console::update::triage::incidents;
use crate::model::AlertId;
use crate::wire::alert::AlertRow;
use crate::wire::alert::BulkResult;

pub(super) fn receive(model: &mut Model, slot: Slot, generation: u64, result: Result<Answer, Failure>) -> Vec<Cmd> {
    if slot == Slot::AlertAction {
        return match model.alerts.in_flight.remove(&generation) {
            Some(sent) => acted(model, sent, result),
            None => Vec::new(),
        };
    }
    if !slot.is_action() && !model.is_current(slot, generation) {
        model.is_dirty = false;
        return Vec::new();
    }
    match result {
        Ok(answer) => {
            model.fresh_at = model.now;
            accept(model, slot, answer)
        }
        Err(failure) => refuse(model, slot, failure),
    }
}

fn accept(model: &mut Model, slot: Slot, answer: Answer) -> Vec<Cmd> {
    match answer {
        Answer::Whoami(who) => {
            // All who work together read the same times, wherever their machines stand.
            let zone = who.zone_offset_seconds.and_then(|seconds| Offset::from_seconds(seconds).ok());
            if let Some(zone) = zone {
                model.zone = TimeZone::fixed(zone);
            }
            model.whoami = Some(who);
        }
        Answer::Status(status) => model.status = Some(status),
        Answer::Alerts(window) => return alerts::window_arrived(model, window),
        Answer::Alert(detail) => return alerts::detail_arrived(model, detail),
        Answer::Why(why) => model.alerts.why = Some(Ok(why)),
        Answer::Incidents(window) => return incidents::list_arrived(model, window),
        Answer::Incident(detail) => incidents::detail_arrived(model, detail),
        Answer::ActedOnIncident(row) => return incidents::acted(model, row),
        Answer::Looked(looks) => model.presence.others = looks.looking,
        Answer::Written { path, count } => files::written(model, &path, count),
        Answer::Triage(triage) if slot == Slot::Today => figures::arrived(model, &triage),
        Answer::Triage(triage) => model.reports.triage = Some(triage),
        Answer::Handovers(list) => model.reports.handovers = list.handovers,
        Answer::HandoverDraft(draft) => reports::draft_arrived(model, draft),
        Answer::HandoverSigned(handover) => reports::signed(model, handover),
        Answer::Page(page) if slot == Slot::Around => {
            let around = &mut model.alerts.around;
            around.is_loading = false;
            around.events = page.events;
            around.events.reverse();
            around.scroll = Default::default();
            alerts::focus_own_event(model);
        }
        Answer::Page(page) if slot == Slot::SourceLines => model.sources.lines = page.events,
        Answer::Page(page) => search::page_arrived(model, slot, *page),
        Answer::Table(table) if slot == Slot::Counts => search::counts_arrived(model, &table),
        Answer::Table(table) if slot == Slot::Values => search::values_arrived(model, &table),
        Answer::Table(table) => search::table_arrived(model, *table),
        Answer::Histogram(histogram) if slot == Slot::AroundHistogram => {
            model.alerts.around.histogram = Some(histogram);
        }
        Answer::Histogram(histogram) => model.search.histogram = Some(histogram),
        Answer::Sources(list) => return sources::arrived(model, list),
        Answer::ActedOnSource(row) => return sources::acted(model, *row),
        Answer::Rules(list) => return rules::arrived(model, list),
        Answer::Rule(detail) => rules::detail_arrived(model, detail),
        Answer::RuleState(detail) => return rules::state_changed(model, detail),
        Answer::RuleSource(source) => return drafts::source_arrived(model, *source),
        Answer::RuleChecked(report) => return drafts::checked(model, report),
        Answer::RuleTested(report) => drafts::tested(model, report),
        Answer::RuleSaved(source) => return drafts::saved(model, *source),
        Answer::Exceptions(list) => rules::exceptions_arrived(model, list),
        Answer::ExceptionPreview(preview) => return exception::previewed(model, Ok(preview)),
        Answer::Excepted(row) => return exception::done(model, &row),
        Answer::Evidence(state) => audit::state_arrived(model, *state),
        Answer::Verifying(verification) => audit::verify_answered(model, *verification),
        Answer::Audit(window) => audit::window_arrived(model, slot, window),
        Answer::AuditEntry(entry) => audit::entry_arrived(model, *entry),
        Answer::Saved(list) => search::saved_arrived(model, list.searches),
        Answer::SearchSaved(saved) => search::was_saved(model, &saved),
        Answer::Exported { path, bytes } => export::arrived(model, path, bytes),
        // Actions are settled before they come here.
        Answer::Acted(_) | Answer::ActedOnMany(_) => {}
    }
    Vec::new()
}

fn refuse(model: &mut Model, slot: Slot, failure: Failure) -> Vec<Cmd> {
    match slot {
        Slot::Search | Slot::SearchMore => search::failed(model, failure),
        Slot::Around => {
            model.alerts.around.is_loading = false;
            model.alerts.around.problem = Some(failure.text);
        }
        // The page itself tells what is wrong with its query.
        Slot::Histogram | Slot::AroundHistogram => {}
        Slot::Export => export::failed(model, failure),
        // The stream tells that nobody answers; one message is enough.
        Slot::SourceLines => {}
        // The counts over what is loaded stay; a completion that never comes offers nothing.
        Slot::Counts | Slot::Values => {}
        // Said again when it is due; by then the others may be told.
        Slot::Presence | Slot::Today => {}
        // What matched is told all the same.
        Slot::AlertWhy => model.alerts.why = Some(Err(failure.text)),
        Slot::RuleCheck => drafts::not_checked(model, &failure),
        _ if failure.is_away && !slot.is_action() => {}
        Slot::RuleTest => drafts::not_tested(model, failure),
        Slot::ExceptionPreview => return exception::previewed(model, Err(failure)),
        Slot::Audit | Slot::Evidence => audit::failed(model, failure),
        Slot::IncidentAction
        | Slot::SourceAction
        | Slot::HandoverSign
        | Slot::File
        | Slot::SearchAction
        | Slot::RuleAction
        | Slot::RuleSave
        | Slot::ExceptionAction => {
            let text = refusal_words::told(model.lang, &failure.text);
            forms::restore_draft(model, &text);
            complain(model, text);
        }
        _ => complain(model, refusal_words::told(model.lang, &failure.text)),
    }
    Vec::new()
}

/// An action of ours on alerts came back.
fn acted(model: &mut Model, sent: Sent, result: Result<Answer, Failure>) -> Vec<Cmd> {
    match result {
        Ok(Answer::Acted(row)) => one_done(model, sent, *row),
        Ok(Answer::ActedOnMany(result)) => many_done(model, sent, result),
        Ok(_) => Vec::new(),
        Err(failure) => {
            let text = match &failure.owner {
                Some(owner) if failure.is_conflict => fill(model.text(Text::Conflict), &[owner]),
                _ if failure.is_away => model.text(Text::ReadOnly).to_owned(),
                _ => refusal_words::told(model.lang, &failure.text),
            };
            forms::restore_draft(model, &text);
            complain(model, text);
            if !failure.is_conflict {
                return Vec::new();
            }
            // Somebody changed it: show what it is now.
            model.alerts.detail_asked = None;
            let mut cmds = vec![alerts::reread(model)];
            cmds.extend(alerts::after_move(model));
            cmds
        }
    }
}

fn one_done(model: &mut Model, sent: Sent, row: AlertRow) -> Vec<Cmd> {
    model.draft = None;
    model.fresh_at = model.now;
    let mut text = fill(model.text(sent.done), &[&AlertId(row.id).to_string()]);
    if sent.done == Text::DoneTaken {
        let who = model.presence.names(Shown::Alert(row.id));
        if !who.is_empty() {
            text.push_str(&format!(" ({})", fill(model.text(Text::LookedAtBy), &[&who])));
        }
    }
    say(model, text);
    if sent.can_undo {
        model.alerts.undoable = vec![row.id];
    }
    let escalated = sent.done == Text::DoneEscalated;
    let mut cmds = alerts::settle(model, row);
    if escalated {
        cmds.push(ask(model, Slot::IncidentList, Request::Incidents));
    }
    cmds
}

fn many_done(model: &mut Model, sent: Sent, result: BulkResult) -> Vec<Cmd> {
    model.draft = None;
    model.fresh_at = model.now;
    alerts::clear_marks(model);
    let done = fill(model.text(sent.done), &[&result.done.len().to_string()]);
    match result.refused.first() {
        None => say(model, done),
        Some((id, reason)) => {
            let reason = format!("{} {}", AlertId(*id), refusal_words::told(model.lang, reason));
            let text = fill(model.text(Text::DoneSome), &[&done, &result.refused.len().to_string(), &reason]);
            complain(model, text);
        }
    }
    if sent.done == Text::DoneClosed && model.alerts.filter.status.as_deref().is_none_or(|status| status == "open") {
        let cursor = model.alerts.scroll.cursor;
        let above = model.alerts.rows.iter().take(cursor).filter(|row| result.done.contains(&row.id)).count();
        model.alerts.rows.retain(|row| !result.done.contains(&row.id));
        model.alerts.scroll.cursor = cursor - above;
    }
    if sent.can_undo {
        model.alerts.undoable = result.done;
    }
    let mut cmds = vec![alerts::reread(model)];
    cmds.extend(alerts::after_move(model));
    if sent.done == Text::DoneEscalated {
        cmds.push(ask(model, Slot::IncidentList, Request::Incidents));
    }
    cmds
}
