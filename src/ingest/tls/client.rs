//! TLS towards others: a database, or this program's own HTTP input. The other side's certificate is always verified.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::RootCertStore;

use crate::ingest::tls::TlsError;
use crate::ingest::tls::certificates;

/// Where Debian keeps the authorities the system trusts.
pub const SYSTEM_AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Builds the client side. `authorities` is a PEM file; without it those of the system are trusted.
///
/// # Errors
/// When the file cannot be used.
pub fn client_config(authorities: Option<&Path>) -> Result<ClientConfig, TlsError> {
    let path: PathBuf = authorities.map_or_else(|| PathBuf::from(SYSTEM_AUTHORITIES), Path::to_owned);
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(certificates(&path)?);
    if added == 0 {
        return Err(TlsError::NoCertificate { path });
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(TlsError::Versions)?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("ca.pem");
        std::fs::write(&path, "nothing").expect("written");
        assert!(matches!(client_config(Some(&path)), Err(TlsError::NoCertificate { .. })));
        assert!(client_config(Some(&folder.path().join("none.pem"))).is_err());
    }
}
