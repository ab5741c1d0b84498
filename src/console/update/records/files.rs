//! Files the console writes on its own side: the list of alerts, an incident's report, a bundle of evidence.

use crate::console::keys::input::Input;
use crate::console::look::format::fill;
use crate::console::look::text::Lang;
use crate::console::look::text::Text;
use crate::console::model::Model;
use crate::console::model::overlay::Choice;
use crate::console::model::overlay::Overlay;
use crate::console::model::overlay::Purpose;
use crate::console::msg::Cmd;
use crate::console::msg::FileWish;
use crate::console::msg::Request;
use crate::console::msg::Slot;
use crate::console::update::ask;
use crate::console::update::complain;
use crate::console::update::link;
use crate::console::update::say;
use crate::wire::report::ReportRequest;

/// Asks where the list of alerts goes: what is marked, or all that the filter admits.
pub(in crate::console::update) fn open_alerts(model: &mut Model) {
    if model.alerts.rows.is_empty() {
        complain(model, model.text(Text::NothingHere));
        return;
    }
    let stamp = model.now.to_zoned_datetime(model.zone.clone()).strftime("%Y%m%d-%H%M%S").to_string();
    open(model, Purpose::WriteAlerts, &format!("alerts-{stamp}.csv"));
}

/// Asks where the report of the incident goes.
pub(in crate::console::update) fn open_report(model: &mut Model) {
    match model.incidents.focused().map(|row| row.id) {
        Some(id) => open(model, Purpose::WriteReport(id), &format!("INC-{id}.md")),
        None => complain(model, model.text(Text::NothingHere)),
    }
}

/// Offers the bundles attached to the incident; the first nine have digits.
pub(in crate::console::update) fn choose_evidence(model: &mut Model) {
    let found = model.incidents.focused_detail().map(|detail| {
        let attached = detail.evidence.iter().map(|one| (one.place, one.query.clone()));
        (detail.row.id, attached.take(9).collect::<Vec<_>>())
    });
    match found {
        Some((id, attached)) if !attached.is_empty() => {
            model.overlay = Some(Overlay::Choice(Choice::Evidence(id, attached)));
        }
        _ => complain(model, model.text(Text::NothingHere)),
    }
}

/// Asks where a bundle goes.
pub(in crate::console::update) fn open_evidence(model: &mut Model, id: u64, place: u32) {
    open(model, Purpose::WriteEvidence(id, place), &format!("INC-{id}-evidence-{place}.tar"));
}

fn open(model: &mut Model, purpose: Purpose, name: &str) {
    model.overlay = Some(Overlay::Line { purpose, input: Input::with(name), problem: None });
}

/// Has a file written; while nobody answers it says so and writes nothing.
pub(in crate::console::update) fn write(model: &mut Model, purpose: &Purpose, path: &str) -> Vec<Cmd> {
    if link::is_away(model) {
        complain(model, model.text(Text::ReadOnly));
        return Vec::new();
    }
    let wish = match purpose {
        Purpose::WriteReport(id) => {
            let is_page = path.ends_with(".html") || path.ends_with(".htm");
            let language = if model.lang == Lang::Vi { "vi" } else { "en" };
            let form = if is_page { "html" } else { "markdown" };
            let wanted = ReportRequest { language: Some(language.to_owned()), form: Some(form.to_owned()) };
            FileWish::Report(*id, wanted)
        }
        Purpose::WriteEvidence(id, place) => FileWish::Evidence(*id, *place),
        _ => {
            let marked =
                if model.alerts.all_marked { Vec::new() } else { model.alerts.marked.iter().copied().collect() };
            FileWish::Alerts { filter: Box::new(model.alerts.filter.clone()), marked }
        }
    };
    vec![ask(model, Slot::File, Request::Write { path: path.to_owned(), wish })]
}

/// A file was written.
pub(in crate::console::update) fn written(model: &mut Model, path: &str, count: u64) {
    model.draft = None;
    let text = fill(model.text(Text::DoneWritten), &[path, &count.to_string()]);
    say(model, text);
}
