//! Certificates, keys and secrets: whether they can be read, by whom else, and how long they are valid.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::cli::doctor::finding::Findings;
use crate::cli::doctor::finding::Severity;
use crate::cli::doctor::finding::both;
use crate::cli::doctor::finding::shown;
use crate::config::Secret;
use crate::config::Settings;
use crate::evidence::push::Target;
use crate::ingest::tls;
use crate::ingest::tls::Security;
use crate::ingest::tls::validity;
use crate::model::Timestamp;

/// A certificate that ends sooner is told.
const SOON_SECONDS: i64 = 30 * 86_400;

/// Looks at every file that TLS or a login needs.
pub(super) fn examine(settings: &Settings, now: Timestamp, findings: &mut Findings) {
    let mut secrets: Vec<&Path> = Vec::new();
    let mut certificates: Vec<&Path> = Vec::new();
    if let Some(tls) = &settings.tls {
        certificates.push(&tls.certificate);
        certificates.extend(tls.client_ca.as_deref());
        secrets.push(&tls.key);
        pair(&tls.certificate, &tls.key, findings);
    }
    if let Some((_, certificate, key)) = &settings.api.remote {
        certificates.push(certificate);
        secrets.push(key);
        pair(certificate, key, findings);
    }
    for target in &settings.push.targets {
        if let Target::Url { ca, token, .. } = target {
            certificates.push(ca);
            secrets.extend(token.as_deref());
        }
    }
    secrets.extend(settings.http.as_ref().and_then(|http| http.token_file.as_deref()));
    for database in &settings.databases {
        match &database.password {
            Some(Secret::File(path)) => secrets.push(path),
            Some(Secret::Environment(name)) if std::env::var_os(name).is_none() => {
                let what = both(
                    format!("biến này giữ mật khẩu của `{}` và chưa được đặt", database.config.name),
                    format!("this variable holds the password of `{}` and is not set here", database.config.name),
                );
                findings.add(Severity::Note, "tls", name, what);
            }
            Some(Secret::Environment(_)) | None => {}
        }
    }
    certificates.sort_unstable();
    certificates.dedup();
    certificates.into_iter().for_each(|path| certificate(path, now, findings));
    secrets.sort_unstable();
    secrets.dedup();
    secrets.into_iter().for_each(|path| secret(path, findings));
}

/// A certificate and a key that do not belong together keep a listener from starting.
fn pair(certificate: &Path, key: &Path, findings: &mut Findings) {
    let config = tls::Config::new(certificate.to_owned(), key.to_owned());
    if let Err(err) = Security::load(Some(&config)) {
        findings.quote(Severity::Error, "tls", shown(certificate), format!("{:#}", anyhow::Error::new(err)));
    }
}

fn certificate(path: &Path, now: Timestamp, findings: &mut Findings) {
    let found = match validity::of_file(path) {
        Ok(found) => found,
        Err(err) => {
            return findings.quote(Severity::Error, "tls", shown(path), format!("{:#}", anyhow::Error::new(err)));
        }
    };
    for validity::Validity { subject, not_before, not_after } in found {
        let left = not_after.seconds() - now.seconds();
        let days = left.div_euclid(86_400);
        let hint = both(
            "xin chứng chỉ mới; tệp đổi được nạp lại trong vài giây",
            "get a new one; a changed file is taken up within seconds",
        );
        if not_before.seconds() > now.seconds() {
            let what = both(format!("{subject}: chưa có hiệu lực"), format!("{subject}: is not valid yet"));
            findings.advise(
                Severity::Error,
                "tls",
                shown(path),
                what,
                both("xem đồng hồ của máy", "look at this machine's clock"),
            );
        } else if left <= 0 {
            let what = both(format!("{subject}: hết hạn từ {not_after}"), format!("{subject}: expired at {not_after}"));
            findings.advise(Severity::Error, "tls", shown(path), what, hint);
        } else {
            let what = both(format!("{subject}: còn {days} ngày"), format!("{subject}: valid for {days} more days"));
            match left < SOON_SECONDS {
                true => findings.advise(Severity::Warning, "tls", shown(path), what, hint),
                false => findings.add(Severity::Fine, "tls", shown(path), what),
            }
        }
    }
}

fn secret(path: &Path, findings: &mut Findings) {
    match fs::metadata(path) {
        Err(err) => findings.quote(Severity::Error, "tls", shown(path), err),
        Ok(metadata) if metadata.mode() & 0o007 != 0 => {
            let hint = format!("chmod 640 {}", shown(path));
            let what = both("bí mật mà ai cũng đọc được", "a secret that everybody can read");
            findings.advise(Severity::Warning, "tls", shown(path), what, both(hint.clone(), hint));
        }
        Ok(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use rcgen::CertificateParams;
    use rcgen::KeyPair;

    use super::*;
    use crate::cli::doctor::tests::settings;
    use crate::cli::output::Language;
    use crate::config::Tls;

    #[test]
    fn certificates_are_judged_by_their_time_and_keys_by_who_reads_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(vec!["soc.test".to_owned()]).expect("a name");
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2026, 12, 1);
        let pem = params.self_signed(&key).expect("signed").pem();
        let (certificate, key_file) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
        fs::write(&certificate, pem).expect("written");
        fs::write(&key_file, key.serialize_pem()).expect("written");
        let mut settings = settings(folder.path());
        let key = key_file.clone();
        settings.tls = Some(Tls { certificate, key, client_ca: None, requires_client_certificate: false });
        let found = |settings: &Settings, seconds| {
            let mut findings = Findings::new(Language::English);
            examine(settings, Timestamp::from_seconds(seconds, 0), &mut findings);
            findings
        };
        const DAY: i64 = 86_400;
        const END: i64 = 1_796_083_200;
        fs::set_permissions(&key_file, fs::Permissions::from_mode(0o640)).expect("set");
        for (seconds, expected) in [
            (END - 200 * DAY, Severity::Fine),
            (END - 10 * DAY, Severity::Warning),
            (END + DAY, Severity::Error),
            (END - 700 * DAY, Severity::Error),
        ] {
            assert_eq!(found(&settings, seconds).worst(), expected, "{seconds}");
        }
        fs::set_permissions(&key_file, fs::Permissions::from_mode(0o644)).expect("set");
        assert_eq!(found(&settings, END - 200 * DAY).worst(), Severity::Warning);
        fs::write(&key_file, "no key").expect("written");
        assert_eq!(found(&settings, END - 200 * DAY).worst(), Severity::Error);
        fs::remove_file(&key_file).expect("removed");
        let told = found(&settings, END - 200 * DAY);
        assert_eq!(told.all.iter().filter(|found| found.severity == Severity::Error).count(), 2, "{told:?}");
    }
}
