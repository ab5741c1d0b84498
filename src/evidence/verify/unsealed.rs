//! Checks the write-ahead log: what is in no partition yet is guarded by checksums only, and that is said.

use std::io;
use std::sync::Arc;

use crate::evidence::places::Places;
use crate::evidence::verify::Report;
use crate::model::EventId;
use crate::store::Catalog;
use crate::wal;
use crate::wal::CorruptRecord;
use crate::wal::disk::Disk;
use crate::wal::disk::RealDisk;

pub(super) fn check(places: &Places, catalog: &Catalog, report: &mut Report) -> io::Result<()> {
    if !places.wal().try_exists()? {
        return Ok(());
    }
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(places.wal())?);
    for record in wal::read_only(disk, EventId::ZERO)? {
        let (path, offset, what) = match record {
            Ok(envelope) => {
                report.unsealed += u64::from(envelope.id > catalog.checkpoint);
                continue;
            }
            Err(CorruptRecord::Damaged(damage)) => {
                (damage.path, damage.offset, format!("{} bytes of the write-ahead log are damaged", damage.bytes))
            }
            // A running server deletes segments that nobody needs any more.
            Err(CorruptRecord::Unreadable { source, .. }) if source.kind() == io::ErrorKind::NotFound => continue,
            Err(CorruptRecord::Unreadable { path, offset, source }) => {
                (path, offset, format!("it cannot be read: {source}"))
            }
        };
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        report.find(format!("wal/{name}"), what).offset = Some(offset);
    }
    if report.unsealed > 0 {
        let count = report.unsealed;
        report.notes.push(format!(
            "{count} events wait in the write-ahead log to be sealed: checksums guard them against accidents, nothing yet against a forger"
        ));
    }
    Ok(())
}
