//! The columns of rows under way: names come and go, places stay.

use hashbrown::HashMap;
use hashbrown::HashSet;

/// The columns of the rows: where the cells of an event go, and what each place is called by now.
#[derive(Debug, Default)]
pub(super) struct Columns {
    /// Where a cell goes that arrives under a name; never changes.
    pub(super) inputs: HashMap<String, usize>,
    /// What a name means at this stage.
    pub(super) current: HashMap<String, usize>,
    /// The names shown, in their order, once a stage has said so; before that whatever arrives is shown.
    pub(super) shown: Option<Vec<String>>,
    pub(super) hidden: HashSet<String>,
    pub(super) count: usize,
}

impl Columns {
    /// Rows of a table: the places are those of its columns.
    pub(super) fn of_table(names: &[String]) -> Columns {
        let mut columns = Columns::default();
        for name in names {
            let place = columns.fresh();
            columns.inputs.entry(name.clone()).or_insert(place);
            columns.current.entry(name.clone()).or_insert(place);
        }
        columns
    }

    pub(super) fn fresh(&mut self) -> usize {
        self.count += 1;
        self.count - 1
    }

    /// Returns where a cell goes that arrives under a name.
    pub(super) fn input(&mut self, name: &str) -> usize {
        if let Some(place) = self.inputs.get(name) {
            return *place;
        }
        let place = self.fresh();
        self.inputs.insert(name.to_owned(), place);
        if self.shown.is_none() && !self.hidden.contains(name) {
            self.current.entry(name.to_owned()).or_insert(place);
        }
        place
    }

    /// Finds what a stage means by a name; a column that was left out or renamed is an empty one from there on.
    pub(super) fn place(&mut self, name: &str) -> usize {
        if let Some(place) = self.current.get(name) {
            return *place;
        }
        let is_gone = self.shown.is_some() || self.hidden.contains(name) || self.inputs.contains_key(name);
        if is_gone { self.fresh() } else { self.input(name) }
    }

    /// Makes a column that a stage sets.
    pub(super) fn set(&mut self, name: &str) -> usize {
        if let Some(place) = self.current.get(name) {
            return *place;
        }
        let place = self.place(name);
        self.current.insert(name.to_owned(), place);
        self.shown.iter_mut().for_each(|shown| shown.push(name.to_owned()));
        place
    }

    pub(super) fn show(&mut self, names: &[String]) {
        self.current = names.iter().map(|name| (name.clone(), self.place(name))).collect();
        self.shown = Some(names.to_vec());
    }

    pub(super) fn hide(&mut self, names: &[String]) {
        for name in names {
            self.current.remove(name);
        }
        match &mut self.shown {
            Some(shown) => shown.retain(|name| !names.contains(name)),
            None => self.hidden.extend(names.iter().cloned()),
        }
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) {
        if from == to {
            return;
        }
        let place = self.place(from);
        self.current.remove(from);
        if !self.inputs.contains_key(to) {
            // What arrives under the new name is hidden by it.
            let hidden = self.fresh();
            self.inputs.insert(to.to_owned(), hidden);
        }
        self.current.insert(to.to_owned(), place);
        if let Some(shown) = &mut self.shown {
            shown.retain(|name| name != to);
            match shown.iter_mut().find(|name| *name == from) {
                Some(name) => to.clone_into(name),
                None => shown.push(to.to_owned()),
            }
        }
    }

    /// Lists what is shown at the end: names and places.
    pub(super) fn shown(&self) -> Vec<(String, usize)> {
        let place = |name: &String| Some((name.clone(), *self.current.get(name)?));
        if let Some(shown) = &self.shown {
            return shown.iter().filter_map(place).collect();
        }
        let mut all: Vec<(String, usize)> = self.current.iter().map(|(name, place)| (name.clone(), *place)).collect();
        all.sort_by_key(|(_, place)| *place);
        all
    }
}
