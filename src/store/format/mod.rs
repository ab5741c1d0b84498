//! How an event lies in a partition: the index's fields, the stored record, and documents built from events.

pub(super) mod batch;
pub(super) mod blocks;
pub(super) mod record;
pub(super) mod schema;
pub(super) mod varint;
