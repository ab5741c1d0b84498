//! Issues a CA with a server and a client certificate, for the demo and for trying TLS out; real keys come from a real CA.

use std::fs;
use std::io;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;

use rcgen::BasicConstraints;
use rcgen::CertificateParams;
use rcgen::CertifiedIssuer;
use rcgen::DnType;
use rcgen::ExtendedKeyUsagePurpose;
use rcgen::IsCa;
use rcgen::KeyPair;
use rcgen::KeyUsagePurpose;

/// Names the server certificate is good for.
const SERVER_NAMES: [&str; 4] = ["localhost", "server.soc.test", "127.0.0.1", "::1"];

/// The files of one issue, in one folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    pub ca: PathBuf,
    pub server_certificate: PathBuf,
    pub server_key: PathBuf,
    pub client_certificate: PathBuf,
    pub client_key: PathBuf,
}

/// Why no certificates could be issued.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IssueError {
    #[error("a certificate could not be made")]
    Certificate(#[from] rcgen::Error),
    #[error("`{path}` could not be written")]
    Write { path: PathBuf, source: io::Error },
}

/// Writes `ca.pem`, `server.pem`, `server.key`, `client.pem` and `client.key` into `folder`; keys are for the owner alone.
///
/// # Errors
/// When a file cannot be written.
pub fn write(folder: &Path, client_name: &str) -> Result<Files, IssueError> {
    let mut params = CertificateParams::new(Vec::new())?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name.push(DnType::CommonName, "Longan demo CA");
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;
    let server_names = SERVER_NAMES.iter().map(|name| (*name).to_owned()).collect();
    let server = leaf(&ca, "server.soc.test", server_names, ExtendedKeyUsagePurpose::ServerAuth)?;
    let client = leaf(&ca, client_name, vec![client_name.to_owned()], ExtendedKeyUsagePurpose::ClientAuth)?;
    Ok(Files {
        ca: put(folder, "ca.pem", &ca.pem())?,
        server_certificate: put(folder, "server.pem", &server.0)?,
        server_key: put(folder, "server.key", &server.1)?,
        client_certificate: put(folder, "client.pem", &client.0)?,
        client_key: put(folder, "client.key", &client.1)?,
    })
}

fn leaf(
    ca: &CertifiedIssuer<'_, KeyPair>,
    common_name: &str,
    names: Vec<String>,
    purpose: ExtendedKeyUsagePurpose,
) -> Result<(String, String), rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.extended_key_usages = vec![purpose];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    Ok((params.signed_by(&key, ca)?.pem(), key.serialize_pem()))
}

fn put(folder: &Path, name: &str, text: &str) -> Result<PathBuf, IssueError> {
    let path = folder.join(name);
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let written = options.open(&path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map(|()| path.clone()).map_err(|source| IssueError::Write { path, source })
}
