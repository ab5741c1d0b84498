//! What the API asks of the running whole: searching, and how it is doing.

mod evidence;
mod export;
mod folder;
mod retention;
pub mod rules;
mod search;
mod status;
mod table;

pub(super) use evidence::EvidenceOf;
pub use evidence::verify_data;
pub use export::Exporter;
pub use folder::FolderError;
pub use folder::FolderSearch;
pub(super) use retention::RetentionOf;
pub use search::StoreSearch;
pub(super) use status::Refusal;
pub(super) use status::StatusOf;
