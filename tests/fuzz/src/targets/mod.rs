//! The targets by name. What they share is here: a fixed time of arrival, texts, and how one input is cut into several.

mod containers;
mod event;
mod files;
mod framing;
mod grammars;
mod operators;
mod proofs;
mod senders;
mod stored;
mod text;

use longan::model::Timestamp;

/// Takes any bytes; panics when a promise is broken.
pub(crate) type Target = fn(&[u8]);

/// Every target, the ones nearest to hostile senders first.
pub(crate) const ALL: [(&str, Target); 42] = [
    ("pack_line", event::pack_line),
    ("json", grammars::json),
    ("syslog_header", event::syslog_header),
    ("syslog_framing", framing::syslog),
    ("relp_framing", framing::relp),
    ("http_body", framing::http_body),
    ("sigma_rule", operators::sigma_rule),
    ("query", operators::query),
    ("pack_file", operators::pack_file),
    ("stored_record", stored::record),
    ("wal", stored::wal),
    ("windows_xml", grammars::xml),
    ("pairs", grammars::pairs),
    ("cef", grammars::cef),
    ("leef", grammars::leef),
    ("csv", grammars::csv),
    ("access_log", grammars::clf),
    ("w3c", grammars::w3c),
    ("container_log", containers::logs),
    ("timestamp", text::timestamp),
    ("charset", text::charset),
    ("safe_text", text::safe_text),
    ("assets", operators::assets),
    ("api_and_tokens", operators::api_and_tokens),
    ("lumberjack", senders::lumberjack),
    ("gelf_chunks", senders::gelf_chunks),
    ("otlp", senders::otlp),
    ("file_lines", senders::file_lines),
    ("search", operators::search),
    ("threat_list", operators::threat_list),
    ("config_file", operators::config_file),
    ("bundle", proofs::bundle),
    ("checkpoint", proofs::checkpoint),
    ("pieces", senders::pieces),
    ("event_log", files::event_log),
    ("rule_archive", files::rule_archive),
    ("journal_entry", files::journal_entry),
    ("packed_file", files::packed_file),
    ("address_database", files::address_database),
    ("units", operators::units),
    ("flat_event", operators::flat_event),
    ("shapes", operators::shapes),
];

/// When every line arrives: 14 March 2026, 09:26:53 UTC.
const RECEIVED: Timestamp = Timestamp(1_773_480_413 * 1_000_000_000);

/// Returns the input as text, as the charset decoder hands it on.
fn as_text(data: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(data)
}

/// Cuts a byte off the front, to choose by it.
fn choice(data: &[u8]) -> Option<(u8, &[u8])> {
    data.split_first().map(|(first, rest)| (*first, rest))
}

/// Says whether a part is a piece of the whole, not a copy.
fn lies_in(part: &str, whole: &str) -> bool {
    let (start, end) = (part.as_ptr().addr(), part.as_ptr().addr() + part.len());
    start >= whole.as_ptr().addr() && end <= whole.as_ptr().addr() + whole.len()
}
