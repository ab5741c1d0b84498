//! How long the certificates of a file are valid: what an examination of a set-up asks before a sender finds out.

use std::path::Path;

use x509_parser::prelude::FromDer;
use x509_parser::prelude::X509Certificate;

use crate::ingest::tls::TlsError;
use crate::ingest::tls::certificates;
use crate::model::Timestamp;

/// One certificate of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validity {
    /// Its subject, as it stands in the certificate.
    pub subject: String,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
}

/// Reads the certificates of a PEM file; those that are none to X.509 are left out.
///
/// # Errors
/// When the file cannot be read or holds no certificate.
pub fn of_file(path: &Path) -> Result<Vec<Validity>, TlsError> {
    let read = |der: &[u8]| {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let validity = certificate.validity();
        Some(Validity {
            subject: certificate.subject().to_string(),
            not_before: Timestamp::from_seconds(validity.not_before.timestamp(), 0),
            not_after: Timestamp::from_seconds(validity.not_after.timestamp(), 0),
        })
    };
    Ok(certificates(path)?.iter().filter_map(|der| read(der)).collect())
}
