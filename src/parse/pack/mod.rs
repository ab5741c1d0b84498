//! Parser packs: what makes an event of a line of a known source, as data.
//!
//! A [`Packs`] is one immutable, compiled set. Reading the files anew makes another set; who holds the old one keeps it.

mod error;
mod file;
mod pattern;
mod read;
mod samples;
mod set;
mod tree;

#[cfg(test)]
mod tests;

pub use error::PackError;
pub use read::trace::Step;
pub use samples::SampleReport;

use crate::model::Event;
use crate::model::Timestamp;
use crate::parse::keys::Claims;
use crate::parse::keys::Keys;
use crate::parse::pack::file::Read;
use crate::parse::pack::read::structured::squash;
use crate::parse::pack::set::compiled::FastMap;
use crate::parse::pack::set::compiled::Leaf;
use crate::parse::pack::set::compiled::Pack;
use crate::parse::pack::set::compiled::PackId;
use crate::parse::pack::set::index::Index;
use crate::parse::pack::tree::RootId;
use crate::parse::pack::tree::Tree;

/// What is known of a line besides its text.
#[derive(Debug, Clone, Copy)]
pub struct Hint<'h> {
    /// When the line arrived: completes times without a year, and stands in for a missing one.
    pub received: Timestamp,
    /// The pack the input pins, by name.
    pub format: Option<&'h str>,
    /// The zone of times that name none, in seconds east of UTC.
    pub zone_offset_seconds: i32,
}

/// A compiled set of packs.
#[derive(Debug)]
pub struct Packs {
    packs: Vec<Pack>,
    leaves: Vec<Leaf>,
    tree: Tree,
    index: Index,
    /// The patterns that recognise their source by themselves.
    open_root: RootId,
    /// The packs that read what no other recognised, by grammar.
    fallbacks: Vec<(Read, PackId)>,
    /// The packs that map a key, by number, and the numbers of their targets.
    mapped: FastMap<Vec<(PackId, u32)>>,
    /// The same of the fallback packs, whatever the case and separators of the key.
    well_known: FastMap<Vec<(PackId, u32)>>,
    keys: Keys,
}

/// One pack in a list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct PackSummary {
    pub name: String,
    pub title: String,
    pub path: String,
    pub patterns: usize,
    pub samples: usize,
}

impl Packs {
    /// Reads one line into an event; the event borrows from the line and from this set.
    pub fn parse<'a>(&'a self, text: &'a str, hint: &Hint<'_>) -> Event<'a> {
        read::line(self, text, hint)
    }

    /// Reads one line and returns with the event how it was read, step by step.
    pub fn explain<'a>(&'a self, text: &'a str, hint: &Hint<'_>) -> (Event<'a>, Vec<Step>) {
        read::explained(self, text, hint)
    }

    /// Says whether a pack of this name is there.
    pub fn contains(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Lists the packs by name.
    pub fn summaries(&self) -> Vec<PackSummary> {
        let summary = |pack: &Pack| PackSummary {
            name: pack.name.clone(),
            title: pack.title.clone(),
            path: pack.path.display().to_string(),
            patterns: pack.pattern_count,
            samples: pack.samples.len(),
        };
        self.packs.iter().map(summary).collect()
    }

    fn find(&self, name: &str) -> Option<PackId> {
        self.packs.iter().position(|pack| pack.name == name).and_then(|place| PackId::try_from(place).ok())
    }

    fn pack(&self, id: PackId) -> Option<&Pack> {
        self.packs.get(usize::from(id))
    }

    /// Works out what the packs make of a key.
    fn claims(&self, path: &str) -> Claims {
        let by =
            |map: &FastMap<Vec<(PackId, u32)>>, key: &str| map.get(key).map(Vec::as_slice).unwrap_or_default().into();
        Claims {
            recognised_by: self.index.anchored_by(path).into(),
            mapped_by: by(&self.mapped, path),
            well_known_to: by(&self.well_known, &squash(path)),
        }
    }

    fn fallback(&self, read: Read) -> Option<PackId> {
        self.fallbacks.iter().find(|(for_read, _)| *for_read == read).map(|(_, pack)| *pack)
    }
}
