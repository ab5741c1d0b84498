//! Trying rules on lines that never arrived: the way a line takes, without inputs, log and store.

pub mod flat_event;
mod line_reader;

pub use line_reader::LineReader;
pub use line_reader::ZONE_OFFSET_SECONDS;
