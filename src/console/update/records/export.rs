//! Exporting what is searched, with its proofs, into a file on the analyst's machine.

use crate::console::keys::input::Input;
use crate::console::keys::key::Key;
use crate::console::look::text::Text;
use crate::console::model::Model;
use crate::console::model::overlay::Exporting;
use crate::console::model::overlay::Overlay;
use crate::console::model::overlay::Purpose;
use crate::console::msg::Cmd;
use crate::console::msg::Failure;
use crate::console::msg::Request;
use crate::console::msg::Slot;
use crate::console::update::ask;
use crate::console::update::link;
use crate::console::update::say;
use crate::console::update::search::filter_of;
use crate::model::SafeText;
use crate::wire::export::ExportRequest;

/// Asks where to write to; a name with the time in it is there already.
pub(in crate::console::update) fn open(model: &mut Model) {
    let now = model.now.to_zoned_datetime(model.zone.clone());
    let path = format!("longan-{}.tar", now.strftime("%Y%m%d-%H%M%S"));
    model.overlay = Some(Overlay::Line { purpose: Purpose::Export, input: Input::with(&path), problem: None });
}

/// Exports what was asked last, as long as it may take.
pub(in crate::console::update) fn submit(model: &mut Model, path: &str) -> Vec<Cmd> {
    let problem = match path {
        "" => Some(Text::ExportLabel),
        _ if link::is_away(model) => Some(Text::ReadOnly),
        _ => None,
    };
    if let Some(problem) = problem {
        reopen(model, path, model.text(problem).to_owned());
        return Vec::new();
    }
    model.overlay = Some(Overlay::Export(Exporting::Running { path: path.to_owned() }));
    let request = Request::Export { request: request(model), path: path.to_owned() };
    vec![ask(model, Slot::Export, request)]
}

/// What the search screen shows: the events behind a table are those that its filter finds.
fn request(model: &Model) -> ExportRequest {
    let search = &model.search;
    let asked = if search.has_searched { search.asked.as_str() } else { search.query.text().trim() };
    ExportRequest { q: filter_of(asked), since: search.since.clone(), until: search.until.clone() }
}

pub(in crate::console::update) fn arrived(model: &mut Model, path: String, bytes: u64) {
    model.overlay = Some(Overlay::Export(Exporting::Done { path, bytes }));
}

pub(in crate::console::update) fn failed(model: &mut Model, failure: Failure) {
    if let Some(Overlay::Export(Exporting::Running { path })) = model.overlay.take() {
        reopen(model, &path, failure.text);
    }
}

fn reopen(model: &mut Model, path: &str, problem: String) {
    let input = Input::with(path);
    model.overlay = Some(Overlay::Line { purpose: Purpose::Export, input, problem: Some(problem) });
}

/// Keys while it runs and when it is done.
pub(in crate::console::update) fn press(model: &mut Model, state: Exporting, key: Key) -> Vec<Cmd> {
    match (state, key) {
        (Exporting::Running { .. }, Key::Esc) => {
            model.next_generation(Slot::Export);
            say(model, model.text(Text::ExportGivenUp));
            vec![Cmd::GiveUp(Slot::Export)]
        }
        (Exporting::Done { path, .. }, Key::Char('y')) => {
            say(model, model.text(Text::Copied));
            vec![Cmd::Copy(SafeText::new(&check_command(&path)).as_str().to_owned())]
        }
        (Exporting::Done { .. }, Key::Esc | Key::Enter) => Vec::new(),
        (state, _) => {
            model.overlay = Some(Overlay::Export(state));
            Vec::new()
        }
    }
}

/// How the bundle is checked, by anybody.
pub(crate) fn check_command(path: &str) -> String {
    let is_plain = path.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_'));
    if is_plain { format!("longan verify {path}") } else { format!("longan verify '{}'", path.replace('\'', r"'\''")) }
}
