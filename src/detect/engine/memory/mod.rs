//! What an engine remembers: for the event at hand, and of values and names it saw before. Never more than a bound, and never
//! anything that changes an answer.

mod memo;
mod names;
mod same;
mod scratch;

pub(super) use memo::Answer;
pub(super) use memo::BYTES_MAX;
pub(super) use memo::Key;
pub(super) use memo::Place;
pub(super) use memo::Table;
pub(super) use names::Before;
pub(super) use names::Names;
pub(super) use scratch::Known;
pub(super) use scratch::Marks;
pub(super) use scratch::Scratch;
pub(super) use scratch::State;
