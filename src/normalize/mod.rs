//! From the fields a parser read to an ECS event: types, hosts, addresses, parts, words, assets, `related.*`.
//!
//! Runs for every event, so it looks at the fields once and allocates only where something is to be added or changed.

mod address;
pub mod assets;
pub mod enrich;
mod host;
mod parts;
mod related;
mod typing;
mod view;
mod words;

#[cfg(test)]
mod tests;

pub use address::Scope;
pub use address::scope;

use crate::model::Event;
use crate::model::Origin;
use crate::normalize::assets::Assets;
use crate::normalize::enrich::Enrichment;
use crate::normalize::view::View;
use crate::parse::timestamp::Context;

/// What normalization needs to know beforehand.
#[derive(Debug, Default)]
pub struct Config {
    /// What is known of the machines.
    pub assets: Assets,
    /// What is known beyond the line.
    pub enrichment: Enrichment,
    /// The zone of times without one, in seconds east of UTC.
    pub zone_offset_seconds: i32,
}

/// Normalizes events; immutable, shared by whoever parses.
#[derive(Debug, Default)]
pub struct Normalizer {
    config: Config,
}

impl Normalizer {
    /// Builds a normalizer.
    pub fn new(config: Config) -> Normalizer {
        Normalizer { config }
    }

    /// Brings an event into its final form. Fields a pack has set stay; what follows from them is added.
    pub fn normalize<'a>(&'a self, event: &mut Event<'a>, origin: Option<&'a Origin>) {
        let context = Context { received: event.ingested, zone_offset_seconds: self.config.zone_offset_seconds };
        typing::apply(event, context);
        let mut view = View::new(event);
        host::apply(&mut view, origin);
        parts::apply(&mut view);
        words::apply(&mut view);
        address::apply(&mut view);
        related::apply(&mut view);
        assets::apply(&mut view, &self.config.assets, &self.config.enrichment.units);
        enrich::apply(&mut view, &self.config.enrichment);
    }
}
