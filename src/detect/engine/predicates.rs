//! All predicates of all rules, each once.

use std::sync::OnceLock;

use hashbrown::HashMap;
use regex::Regex;

use crate::detect::sigma::detection::Expr;
use crate::detect::sigma::value::Predicate;
use crate::detect::sigma::value::Test;

/// The place of a predicate in its table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::detect) struct PredicateId(u32);

/// A rule's condition over the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::detect) enum Tree {
    Test(PredicateId),
    All(Vec<Tree>),
    Any(Vec<Tree>),
    Not(Box<Tree>),
}

/// The table of predicates.
#[derive(Debug, Default)]
pub(in crate::detect) struct Predicates {
    list: Vec<Predicate>,
    regexes: Vec<OnceLock<Option<Regex>>>,
    ids: HashMap<Predicate, PredicateId>,
}

impl Predicates {
    /// Enters the predicates of an expression.
    pub(in crate::detect) fn intern(&mut self, expr: &Expr) -> Tree {
        match expr {
            Expr::Test(predicate) => Tree::Test(self.enter(predicate)),
            Expr::All(parts) => Tree::All(parts.iter().map(|part| self.intern(part)).collect()),
            Expr::Any(parts) => Tree::Any(parts.iter().map(|part| self.intern(part)).collect()),
            Expr::Not(inner) => Tree::Not(Box::new(self.intern(inner))),
        }
    }

    fn enter(&mut self, predicate: &Predicate) -> PredicateId {
        if let Some(id) = self.ids.get(predicate) {
            return *id;
        }
        let id = PredicateId(self.list.len() as u32);
        self.list.push(predicate.clone());
        self.regexes.push(OnceLock::new());
        self.ids.insert(predicate.clone(), id);
        id
    }

    /// Returns how many distinct predicates there are.
    pub(in crate::detect) fn len(&self) -> usize {
        self.list.len()
    }

    /// Returns a predicate of the table.
    pub(in crate::detect) fn get(&self, id: PredicateId) -> &Predicate {
        &self.list[id.0 as usize]
    }

    /// Returns the compiled expression of a regex predicate; compiled when first needed, because most never are.
    pub(in crate::detect) fn regex(&self, id: PredicateId) -> Option<&Regex> {
        let Test::Regex(spec) = &self.get(id).test else { return None };
        self.regexes[id.0 as usize].get_or_init(|| spec.compile().ok()).as_ref()
    }
}
