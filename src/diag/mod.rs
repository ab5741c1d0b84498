//! Problems in what people wrote (configuration, rules, packs, queries), placed so that an editor can jump to them.

mod located;
mod suggest;

pub use located::Located;
pub use located::Position;
pub use located::position_of;
pub use suggest::closest;
