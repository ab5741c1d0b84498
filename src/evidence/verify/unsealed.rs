//! Checks the write-ahead log: what is in no partition yet is guarded by checksums only, and that is said.

use std::io;
use std::sync::Arc;

use crate::evidence::places::Places;
use crate::evidence::said::said;
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
                let bytes = damage.bytes;
                let what = said!(
                    "{bytes} bytes of the write-ahead log are damaged",
                    "{bytes} byte của nhật ký ghi trước bị hỏng",
                );
                (damage.path, damage.offset, what)
            }
            // A running server deletes segments that nobody needs any more.
            Err(CorruptRecord::Unreadable { source, .. }) if source.kind() == io::ErrorKind::NotFound => continue,
            Err(CorruptRecord::Unreadable { path, offset, source }) => {
                (path, offset, said!("it cannot be read: {source}", "không đọc được: {source}"))
            }
        };
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        report.find(format!("wal/{name}"), what).offset = Some(offset);
    }
    if report.unsealed > 0 {
        let count = report.unsealed;
        report.note(said!(
            "{count} events wait in the write-ahead log to be sealed: checksums guard them against accidents, nothing yet against a forger",
            "{count} sự kiện đang chờ niêm phong trong nhật ký ghi trước: mã kiểm giữ chúng khỏi sự cố, chưa có gì giữ chúng khỏi kẻ giả mạo",
        ));
    }
    Ok(())
}
