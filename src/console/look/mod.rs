//! What gives the screen its look: sentences, colours, places, the way figures are written.

pub(super) mod bars;
pub(super) mod format;
pub(super) mod layout;
pub(super) mod query_words;
pub(super) mod refusal_words;
pub(super) mod text;
pub(super) mod theme;
pub(super) mod words;
