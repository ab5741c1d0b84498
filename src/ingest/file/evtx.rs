//! Event log files of Windows (`.evtx`): each record as the XML that Windows itself shows, on one line.
//!
//! A file is chunks of 64 KiB with a checksum each; memory is bounded by one chunk's records. A chunk or record that cannot
//! be read is told and passed over; whatever is wrong with a file, nothing panics beyond this module.

use std::fs::File;
use std::io::BufReader;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use evtx::EvtxParser;
use evtx::ParserSettings;

use crate::ingest::file::HistoryOptions;
use crate::ingest::intake::Frame;
use crate::model::Origin;
use crate::model::time::Clock;

/// So many damaged places in a row end the reading: nothing good comes after them.
const DAMAGED_MAX: usize = 10_000;

/// Why a record, a chunk or the rest of a file could not be read.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Damage(String);

/// The frames of one event log, in the order of the file.
pub struct Evtx<'a> {
    records: Box<dyn Iterator<Item = Result<String, Damage>> + 'a>,
    clock: &'a dyn Clock,
    origin: Arc<Origin>,
    bytes_max: usize,
    damaged: usize,
}

/// Opens an event log.
///
/// # Errors
/// When it cannot be opened or is none.
pub fn evtx<'a>(path: &Path, options: &HistoryOptions, clock: &'a dyn Clock) -> Result<Evtx<'a>, Damage> {
    let file = File::open(path).map_err(|err| Damage(err.to_string()))?;
    let open = || EvtxParser::from_read_seek(BufReader::new(file));
    let parser = guarded(open)?.map_err(|err| Damage(err.to_string()))?;
    let parser = parser.with_configuration(ParserSettings::new().num_threads(1).indent(false));
    let chunks = parser.into_chunks();
    let settings = Arc::new(ParserSettings::new().num_threads(1).indent(false));
    let records = chunks.flat_map(move |chunk| {
        let read = || match chunk {
            Err(err) => vec![Err(Damage(err.to_string()))],
            Ok(mut chunk) => match chunk.parse(Arc::clone(&settings)) {
                Err(err) => vec![Err(Damage(err.to_string()))],
                Ok(mut chunk) => chunk
                    .iter()
                    .map(|record| match record.and_then(|record| record.into_xml()) {
                        Ok(record) => Ok(record.data),
                        Err(err) => Err(Damage(err.to_string())),
                    })
                    .collect(),
            },
        };
        guarded(read).unwrap_or_else(|damage| vec![Err(damage)])
    });
    Ok(Evtx {
        records: Box::new(records),
        clock,
        origin: Arc::new(Origin { input: options.input.clone(), peer: None, identity: None }),
        bytes_max: options.frame_bytes_max.get(),
        damaged: 0,
    })
}

/// Runs code of the library over bytes that may be anything: what it panics about is damage.
fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Damage> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| Damage("a part of it cannot be read".to_owned()))
}

impl Iterator for Evtx<'_> {
    type Item = Result<Frame, Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.damaged >= DAMAGED_MAX {
            return None;
        }
        let record = guarded(|| self.records.next()).unwrap_or_else(|damage| {
            self.damaged = DAMAGED_MAX;
            Some(Err(damage))
        })?;
        let text = match record {
            Ok(text) => text,
            Err(damage) => {
                self.damaged += 1;
                return Some(Err(damage));
            }
        };
        self.damaged = 0;
        let mut raw = one_line(&text).into_bytes();
        let truncated = raw.len() > self.bytes_max;
        raw.truncate(self.bytes_max);
        let origin = Arc::clone(&self.origin);
        Some(Ok(Frame { received: self.clock.now(), origin, truncated, raw: Bytes::from(raw) }))
    }
}

/// Takes the declaration away, and writes line breaks as XML may have them within a line.
fn one_line(text: &str) -> String {
    let text = text.trim();
    let text = match text.strip_prefix("<?xml") {
        Some(rest) => rest.split_once("?>").map_or(text, |(_, rest)| rest.trim_start()),
        None => text,
    };
    text.replace('\r', "").replace('\n', "&#10;")
}
