//! How a raw line of a case becomes an event: the same way it would take when received.

use std::path::Path;

use crate::detect::cases::Arrival;
use crate::diag::Located;
use crate::model::Event;
use crate::normalize::Config;
use crate::normalize::Normalizer;
use crate::parse::Hint;
use crate::parse::PackError;
use crate::parse::Packs;
use crate::pipeline::trial::flat_event;

/// The zone of times that name none, and of hours in rules: Hà Nội.
pub const ZONE_OFFSET_SECONDS: i32 = 7 * 3600;

/// The packs and the normalizer a server without a configuration would have.
#[derive(Debug)]
pub struct LineReader {
    packs: Packs,
    normalizer: Normalizer,
}

impl LineReader {
    /// Compiles the built-in packs with those of a folder over them; broken ones are returned and left out.
    pub fn load(parsers: Option<&Path>) -> (LineReader, Vec<Located<PackError>>) {
        let (packs, problems) = Packs::load(parsers);
        let config = Config { zone_offset_seconds: ZONE_OFFSET_SECONDS, ..Config::default() };
        (LineReader { packs, normalizer: Normalizer::new(config) }, problems)
    }

    /// Reads a line and hands the event on. The text of a case is what the input's character set gave.
    ///
    /// A line that is a JSON object of the form `{"logsource": …, "event": …}` is taken as it stands, so that rules in
    /// Sigma's own taxonomy can have cases, too.
    pub fn read(&self, arrival: Arrival<'_>, each: &mut dyn FnMut(Event<'_>)) {
        if let Ok(flat) = flat_event::read(arrival.text)
            && flat.logsource_known
        {
            let mut event = flat.event;
            (event.timestamp, event.ingested) = (arrival.received, arrival.received);
            return each(event);
        }
        let hint =
            Hint { received: arrival.received, format: arrival.parser, zone_offset_seconds: ZONE_OFFSET_SECONDS };
        let mut event = self.packs.parse(arrival.text, &hint);
        self.normalizer.normalize(&mut event, None);
        each(event);
    }
}
