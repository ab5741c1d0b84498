//! Saved searches: keeping what is asked under a name, and running one of those there are.

use crate::console::keys::input::Input;
use crate::console::keys::key::Key;
use crate::console::look::format::fill;
use crate::console::look::text::Text;
use crate::console::model::Model;
use crate::console::model::overlay::Overlay;
use crate::console::model::overlay::Purpose;
use crate::console::msg::Cmd;
use crate::console::msg::Request;
use crate::console::msg::Slot;
use crate::console::update::ask;
use crate::console::update::complain;
use crate::console::update::link;
use crate::console::update::say;
use crate::console::update::search::show;
use crate::wire::saved::DeleteRequest;
use crate::wire::saved::SaveRequest;
use crate::wire::saved::SavedSearch;

/// Before a name it means that everybody shall see the search.
const SHARED: char = '+';

/// Asks for a name.
pub(in crate::console::update) fn open_save(model: &mut Model) {
    model.overlay = Some(Overlay::Line { purpose: Purpose::SaveSearch, input: Input::default(), problem: None });
}

/// Saves what is asked, or what stands in the query when nothing was asked yet.
pub(in crate::console::update) fn submit(model: &mut Model, text: &str) -> Vec<Cmd> {
    if link::is_away(model) {
        complain(model, model.text(Text::ReadOnly));
        return Vec::new();
    }
    let search = &model.search;
    let q = if search.has_searched { search.asked.clone() } else { search.query.text().trim().to_owned() };
    let name = text.trim_start_matches(SHARED).trim().to_owned();
    let (since, until) = (search.since.clone(), search.until.clone());
    let request = SaveRequest { name, shared: text.starts_with(SHARED), q, since, until };
    vec![ask(model, Slot::SearchAction, Request::SaveSearch(request))]
}

pub(in crate::console::update) fn was_saved(model: &mut Model, saved: &SavedSearch) {
    model.draft = None;
    say(model, fill(model.text(Text::DoneSaved), &[&saved.name]));
}

/// Opens the list of those there are.
pub(in crate::console::update) fn open(model: &mut Model) -> Vec<Cmd> {
    model.overlay = Some(Overlay::Saved { rows: None, cursor: 0 });
    vec![ask(model, Slot::Saved, Request::SavedSearches)]
}

pub(in crate::console::update) fn arrived(model: &mut Model, searches: Vec<SavedSearch>) {
    if let Some(Overlay::Saved { rows, cursor }) = &mut model.overlay {
        *cursor = (*cursor).min(searches.len().saturating_sub(1));
        *rows = Some(searches);
    }
}

/// Keys of the list: Enter runs, Delete takes one's own away.
pub(in crate::console::update) fn press(
    model: &mut Model,
    rows: Option<Vec<SavedSearch>>,
    cursor: usize,
    key: Key,
) -> Vec<Cmd> {
    let chosen = rows.as_ref().and_then(|rows| rows.get(cursor)).cloned();
    match (key, chosen) {
        (Key::Esc, _) => return Vec::new(),
        (Key::Enter, Some(search)) => return show(model, &search.q, search.since, search.until),
        (Key::Delete, Some(search)) => {
            let is_own = model.whoami.as_ref().is_none_or(|who| who.name == search.owner || who.may_administer);
            if !is_own {
                complain(model, fill(model.text(Text::Conflict), &[&search.owner]));
            } else {
                model.overlay = Some(Overlay::Saved { rows, cursor });
                let request = DeleteRequest { name: search.name, owner: Some(search.owner) };
                return vec![ask(model, Slot::Saved, Request::DeleteSearch(request))];
            }
        }
        _ => {}
    }
    let cursor = crate::console::update::keys::overlays::moved(cursor, rows.as_ref().map_or(0, Vec::len), key);
    model.overlay = Some(Overlay::Saved { rows, cursor });
    Vec::new()
}
