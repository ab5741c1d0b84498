//! The data folder: who may read it, how much room is left, and whether a sync is one.

use std::fs;
use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use nix::sys::statfs;
use nix::sys::statfs::FsType;
use nix::sys::statvfs::statvfs;

use crate::cli::doctor::finding::Findings;
use crate::cli::doctor::finding::Severity;
use crate::cli::doctor::finding::both;
use crate::cli::doctor::finding::shown;
use crate::cli::output::size;
use crate::config::Settings;

/// Writes that are synced to learn how long one takes.
const SYNCS: usize = 15;
const SYNC_BYTES: usize = 4_096;
/// A disk that takes longer holds up every sender that waits for its answer.
const SYNC_SLOW: Duration = Duration::from_millis(50);
/// Nothing that keeps data through a power cut is faster.
const SYNC_UNREAL: Duration = Duration::from_micros(20);

/// File systems whose content does not survive, or that are known to sync and lock in their own way.
const STRANGE: [(FsType, &str, bool); 5] = [
    (statfs::TMPFS_MAGIC, "tmpfs", true),
    (statfs::OVERLAYFS_SUPER_MAGIC, "overlayfs", false),
    (statfs::NFS_SUPER_MAGIC, "nfs", false),
    (statfs::FUSE_SUPER_MAGIC, "fuse", false),
    (statfs::SMB_SUPER_MAGIC, "smb", false),
];

/// Looks at the folder.
pub(super) fn examine(settings: &Settings, findings: &mut Findings) {
    let data = settings.data.as_path();
    let metadata = match fs::metadata(data) {
        Ok(metadata) if metadata.is_dir() => metadata,
        Ok(_) => {
            return findings.add(Severity::Error, "data", shown(data), both("không phải thư mục", "is no folder"));
        }
        Err(err) if err.kind() == std::io::ErrorKind::NotFound => {
            let hint = both("`longan start` sẽ tạo nó", "`longan start` makes it");
            return findings.advise(Severity::Note, "data", shown(data), both("chưa có", "is not there yet"), hint);
        }
        Err(err) => return findings.quote(Severity::Error, "data", shown(data), err),
    };
    permissions(data, &metadata, findings);
    room(data, settings.store.reserve_bytes, findings);
    file_system(data, findings);
    match syncs(data) {
        Ok(times) => tell_syncs(data, times, findings),
        Err(err) => {
            let hint = both("chạy lệnh với người dùng của dịch vụ", "run this as the user of the service");
            let what = both(format!("không ghi được: {err}"), format!("cannot be written to: {err}"));
            findings.advise(Severity::Error, "data", shown(data), what, hint);
        }
    }
}

fn permissions(data: &Path, metadata: &fs::Metadata, findings: &mut Findings) {
    let (mode, owner, own) = (metadata.mode() & 0o777, metadata.uid(), nix::unistd::geteuid().as_raw());
    if mode & 0o007 != 0 {
        let what = both(format!("ai cũng vào được (quyền {mode:o})"), format!("is open to everybody (mode {mode:o})"));
        let hint = format!("chmod 750 {}", shown(data));
        findings.advise(Severity::Warning, "data", shown(data), what, both(hint.clone(), hint));
    }
    if owner != own && own != 0 {
        let what = both(
            format!("thuộc người dùng {owner}, lệnh này chạy với {own}"),
            format!("belongs to user {owner}, and this runs as {own}"),
        );
        findings.add(Severity::Warning, "data", shown(data), what);
    }
}

fn room(data: &Path, reserve_bytes: u64, findings: &mut Findings) {
    let stat = match statvfs(data) {
        Ok(stat) => stat,
        Err(err) => return findings.quote(Severity::Warning, "disk", shown(data), err),
    };
    let free = stat.blocks_available() * stat.fragment_size();
    let inodes = (stat.files() > 0).then(|| stat.files_available());
    let severity = room_of(free, reserve_bytes, inodes);
    let what = both(
        format!("còn trống {}, dành riêng {}", size(free), size(reserve_bytes)),
        format!("{} free, {} of it in reserve", size(free), size(reserve_bytes)),
    );
    match severity {
        Severity::Fine => findings.add(severity, "disk", shown(data), what),
        _ => findings.advise(
            severity,
            "disk",
            shown(data),
            what,
            both(
                "dưới mức dành riêng, mọi đầu vào bị từ chối: thêm đĩa, hoặc giảm `store.retention_days`",
                "below the reserve every input is refused: add disk space, or lower `store.retention_days`",
            ),
        ),
    }
}

/// How bad it is to have so much room left.
fn room_of(free: u64, reserve_bytes: u64, inodes: Option<u64>) -> Severity {
    if free <= reserve_bytes || inodes.is_some_and(|inodes| inodes < 1_000) {
        Severity::Error
    } else if free < reserve_bytes.saturating_mul(5) || inodes.is_some_and(|inodes| inodes < 50_000) {
        Severity::Warning
    } else {
        Severity::Fine
    }
}

fn file_system(data: &Path, findings: &mut Findings) {
    let Ok(stat) = statfs::statfs(data) else { return };
    let Some((_, name, is_lost)) = STRANGE.iter().find(|(kind, ..)| *kind == stat.filesystem_type()) else { return };
    let what = match is_lost {
        true => both(format!("nằm trên {name}: mất khi khởi động lại"), format!("is on {name}: gone at the next boot")),
        false => both(
            format!("nằm trên {name}: khoá và đồng bộ không chắc như trên đĩa thật"),
            format!("is on {name}: locks and syncs are less sure than on a disk of one's own"),
        ),
    };
    let hint = both("dùng ext4 hoặc xfs trên đĩa của máy", "use ext4 or xfs on a disk of this machine");
    findings.advise(Severity::Warning, "disk", shown(data), what, hint);
}

/// Writes and syncs a file that has no name, a few times.
fn syncs(data: &Path) -> std::io::Result<Vec<Duration>> {
    let mut file: File = tempfile::tempfile_in(data)?;
    let mut times = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        file.write_all(&[0; SYNC_BYTES])?;
        let begun = Instant::now();
        file.sync_data()?;
        times.push(begun.elapsed());
    }
    Ok(times)
}

fn tell_syncs(data: &Path, mut times: Vec<Duration>, findings: &mut Findings) {
    times.sort_unstable();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    let slowest = times.last().copied().unwrap_or_default();
    let milliseconds = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1e3);
    let (median_text, slowest_text) = (milliseconds(median), milliseconds(slowest));
    let what = both(
        format!("một lần đồng bộ mất {median_text} (trung vị), lâu nhất {slowest_text}"),
        format!("a sync takes {median_text} at the median, {slowest_text} at most"),
    );
    match sync_of(median) {
        Severity::Fine => findings.add(Severity::Fine, "disk", shown(data), what),
        severity if median < SYNC_UNREAL => findings.advise(
            severity,
            "disk",
            shown(data),
            what,
            both(
                "nhanh như vậy thì dữ liệu chưa nằm trên đĩa: xem tuỳ chọn gắn kết và bộ đệm của máy ảo",
                "so fast nothing reached a disk: look at mount options and the cache mode of the virtual machine",
            ),
        ),
        severity => findings.advise(
            severity,
            "disk",
            shown(data),
            what,
            both(
                "bên gửi RELP và HTTP chờ từng lần đồng bộ: dùng SSD",
                "senders by RELP and HTTP wait for each: use an SSD",
            ),
        ),
    }
}

fn sync_of(median: Duration) -> Severity {
    if (SYNC_UNREAL..=SYNC_SLOW).contains(&median) { Severity::Fine } else { Severity::Warning }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::cli::output::Language;

    #[test]
    fn room_and_syncs_are_judged() {
        let gib = 1_u64 << 30;
        for (free, inodes, expected) in [
            (gib / 2, None, Severity::Error),
            (3 * gib, None, Severity::Warning),
            (9 * gib, Some(1_000_000), Severity::Fine),
            (9 * gib, Some(10), Severity::Error),
            (9 * gib, Some(10_000), Severity::Warning),
        ] {
            assert_eq!(room_of(free, gib, inodes), expected, "{free} {inodes:?}");
        }
        for (micros, expected) in [(1, Severity::Warning), (1_200, Severity::Fine), (80_000, Severity::Warning)] {
            assert_eq!(sync_of(Duration::from_micros(micros)), expected, "{micros}");
        }
    }

    #[test]
    fn an_open_folder_is_told_and_a_missing_one_is_no_fault() {
        let folder = tempfile::tempdir().expect("a folder");
        let told = |mode| {
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).expect("set");
            let mut findings = Findings::new(Language::English);
            permissions(folder.path(), &fs::metadata(folder.path()).expect("there"), &mut findings);
            findings.worst()
        };
        assert_eq!((told(0o750), told(0o755)), (Severity::Fine, Severity::Warning));
        let file = folder.path().join("file");
        fs::write(&file, "x").expect("written");
        for (data, expected) in [(folder.path().join("none"), Severity::Note), (file, Severity::Error)] {
            let settings = crate::cli::doctor::tests::settings(&data);
            let mut findings = Findings::new(Language::Vietnamese);
            examine(&settings, &mut findings);
            assert_eq!(findings.worst(), expected, "{findings:?}");
        }
        assert_eq!(syncs(folder.path()).expect("it can be written to").len(), SYNCS);
    }
}
