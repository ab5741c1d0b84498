//! What a person can do about an error of the data folder; the error itself says where and what.

use std::io;

use crate::cli::output::Language;
use crate::store::StoreError;
use crate::wal::WalError;
use crate::wal::disk::LockError;

/// Tells an error that ended a command on standard error, with a hint in the language of the environment where there is one.
pub fn tell(err: &anyhow::Error) {
    eprintln!("longan: {}", crate::cli::harmless_lines(&format!("{err:#}")));
    let language = Language::of_environment();
    if let Some(hint) = hint_in(err, language) {
        eprintln!("  {} {hint}", language.pick("gợi ý:", "hint:"));
    }
}

fn hint_in(err: &anyhow::Error, language: Language) -> Option<&'static str> {
    err.chain().find_map(|cause| of_cause(cause, language))
}

fn of_cause(cause: &(dyn std::error::Error + 'static), language: Language) -> Option<&'static str> {
    if let Some(LockError::Held(_)) = cause.downcast_ref::<LockError>() {
        return Some(in_use(language));
    }
    if let Some(WalError::Newer { .. }) = cause.downcast_ref::<WalError>() {
        return Some(newer(language));
    }
    if let Some(err) = cause.downcast_ref::<StoreError>() {
        return match err {
            StoreError::Format { .. } => Some(newer(language)),
            StoreError::Manifest { .. } | StoreError::ManifestMissing(_) => Some(manifest(language)),
            StoreError::Locked(_) => Some(in_use(language)),
            _ => None,
        };
    }
    cause.downcast_ref::<io::Error>().and_then(|err| of_system(err, language))
}

fn of_system(err: &io::Error, language: Language) -> Option<&'static str> {
    match err.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some(language.pick(
            "đĩa đã đầy: hãy giải phóng chỗ rồi khởi động lại; không mất gì đã xác nhận",
            "the disk is full: make room and start again; nothing that was acknowledged is lost",
        )),
        io::ErrorKind::PermissionDenied => Some(language.pick(
            "hãy kiểm chủ sở hữu và quyền của nó, và chương trình đang chạy dưới tên người dùng nào",
            "look at its owner and mode, and at the user the program runs as",
        )),
        io::ErrorKind::ReadOnlyFilesystem => Some(language.pick(
            "hệ thống tệp đang chỉ đọc, thường vì đĩa lỗi: xem nhật ký của nhân (dmesg)",
            "the file system is read-only, often because the disk fails: look at the kernel's log (dmesg)",
        )),
        _ => None,
    }
}

fn in_use(language: Language) -> &'static str {
    language.pick(
        "một máy chủ đang chạy trên thư mục này: hãy hỏi nó, hoặc dừng nó trước",
        "a server runs on this folder: ask it, or stop it first",
    )
}

fn newer(language: Language) -> &'static str {
    language.pick(
        "một bản mới hơn đã ghi thư mục này: hãy chạy bản đó, hoặc dùng bản sao có từ trước; chưa có gì bị đổi",
        "a newer version wrote this folder: start that one, or use a copy made before; nothing was changed",
    )
}

fn manifest(language: Language) -> &'static str {
    language.pick(
        "hãy lấy lại store/manifest.json từ bản sao; không có thì giữ thư mục làm bằng chứng và bắt đầu với thư mục trống. Chưa có gì bị đổi",
        "restore store/manifest.json from a copy; without one keep the folder as evidence and start with an empty one. Nothing was changed",
    )
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn what_a_person_can_mend_has_a_hint_in_both_languages() {
        let path = || PathBuf::from("longan-data/store/manifest.json");
        let full = StoreError::Io { path: path(), source: io::Error::from(io::ErrorKind::StorageFull) };
        let errors: [(anyhow::Error, &str); 6] = [
            (StoreError::Format { path: path(), format: 2 }.into(), "a newer version"),
            (WalError::Newer { path: path(), version: 2 }.into(), "a newer version"),
            (StoreError::ManifestMissing(path()).into(), "restore store/manifest.json"),
            (StoreError::Locked(path()).into(), "stop it first"),
            (LockError::Held(Some(7)).into(), "stop it first"),
            (full.into(), "make room"),
        ];
        for (err, expected) in errors {
            let err = err.context("cannot use the data folder `longan-data`");
            let english = hint_in(&err, Language::English).unwrap_or_default();
            assert!(english.contains(expected), "{err:#}: {english}");
            assert_ne!(hint_in(&err, Language::Vietnamese), Some(english));
        }
        assert_eq!(hint_in(&anyhow::anyhow!("no such rule"), Language::English), None);
    }
}
