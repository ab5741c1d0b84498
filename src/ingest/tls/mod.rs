//! TLS for inputs: certificate and key from PEM files, client certificates verified when a CA is given.

mod client;
mod identity;
pub mod issue;
mod reload;
pub mod validity;

use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::either::Either;

use crate::ingest::tls::reload::Watched;

pub use client::SYSTEM_AUTHORITIES;
pub use client::client_config;

/// What an input needs to speak TLS.
#[derive(Debug, Clone)]
pub struct Config {
    /// The server's certificate chain, PEM.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// The CA whose client certificates are let in; without it anyone is, unnamed.
    pub client_ca: Option<PathBuf>,
    /// How long a client may take to say hello properly.
    pub handshake_timeout: Duration,
}

impl Config {
    /// Takes a certificate and key, asks for no client certificate, and gives a handshake ten seconds.
    pub fn new(certificate: PathBuf, key: PathBuf) -> Config {
        Config { certificate, key, client_ca: None, handshake_timeout: Duration::from_secs(10) }
    }
}

/// Why the TLS files of an input cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    #[error("`{path}` cannot be read as PEM with {wanted}")]
    Pem { path: PathBuf, wanted: &'static str, source: rustls_pki_types::pem::Error },
    #[error("`{path}` holds no certificate")]
    NoCertificate { path: PathBuf },
    #[error("`{path}` holds a certificate that cannot be a CA for clients")]
    ClientCa { path: PathBuf, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("certificate `{certificate}` and key `{key}` do not work together")]
    Pair { certificate: PathBuf, key: PathBuf, source: rustls::Error },
    #[error("this build of TLS lacks its protocol versions")]
    Versions(#[source] rustls::Error),
}

/// Why a client did not get in.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    #[error("the TLS handshake took too long")]
    TooSlow,
    #[error("the TLS handshake failed")]
    Failed(#[source] io::Error),
}

/// A connection, plain or TLS.
pub(crate) type Wire = Either<TcpStream, Box<TlsStream<TcpStream>>>;

/// How an input secures its connections.
#[derive(Clone)]
pub enum Security {
    Plain,
    Tls(Acceptor),
}

impl Security {
    /// Loads what `config` names; no config is plain.
    ///
    /// # Errors
    /// When a file cannot be used.
    pub fn load(config: Option<&Config>) -> Result<Security, TlsError> {
        config.map_or(Ok(Security::Plain), |config| Acceptor::load(config).map(Security::Tls))
    }

    /// Secures an accepted connection and returns who the client proved to be.
    pub(crate) async fn secure(&self, stream: TcpStream) -> Result<(Wire, Option<String>), HandshakeError> {
        match self {
            Security::Plain => Ok((Either::Left(stream), None)),
            Security::Tls(acceptor) => {
                let (stream, identity) = acceptor.accept(stream).await?;
                Ok((Either::Right(Box::new(stream)), identity))
            }
        }
    }
}

/// Accepts TLS connections; takes up changed certificates by itself.
#[derive(Clone)]
pub struct Acceptor {
    watched: Arc<Watched>,
    handshake_timeout: Duration,
}

impl Acceptor {
    /// Loads the files.
    ///
    /// # Errors
    /// When one cannot be used; the error names it.
    pub fn load(config: &Config) -> Result<Acceptor, TlsError> {
        Ok(Acceptor { watched: Arc::new(Watched::load(config)?), handshake_timeout: config.handshake_timeout })
    }

    async fn accept(&self, stream: TcpStream) -> Result<(TlsStream<TcpStream>, Option<String>), HandshakeError> {
        let acceptor = TlsAcceptor::from(self.watched.current());
        let handshake = timeout(self.handshake_timeout, acceptor.accept(stream));
        let stream = handshake.await.map_err(|_| HandshakeError::TooSlow)?.map_err(HandshakeError::Failed)?;
        let certificates = stream.get_ref().1.peer_certificates().unwrap_or_default();
        let identity = certificates.first().and_then(|certificate| identity::of(certificate));
        Ok((stream, identity))
    }
}

/// Builds the server side from the files.
///
/// # Errors
/// When one cannot be used; the error names it.
pub fn server_config(config: &Config) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Versions)?;
    let builder = match &config.client_ca {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let refused = |source| TlsError::ClientCa { path: path.clone(), source };
            let mut roots = RootCertStore::empty();
            for certificate in certificates(path)? {
                roots.add(certificate).map_err(|err| refused(Box::new(err)))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().map_err(|err| refused(Box::new(err)))?)
        }
    };
    let key = PrivateKeyDer::from_pem_file(&config.key).map_err(|source| TlsError::Pem {
        path: config.key.clone(),
        wanted: "a private key",
        source,
    })?;
    builder.with_single_cert(certificates(&config.certificate)?, key).map_err(|source| TlsError::Pair {
        certificate: config.certificate.clone(),
        key: config.key.clone(),
        source,
    })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unreadable = |source| TlsError::Pem { path: path.to_owned(), wanted: "certificates", source };
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).map_err(unreadable)?.collect();
    let certificates = certificates.map_err(unreadable)?;
    if certificates.is_empty() {
        return Err(TlsError::NoCertificate { path: path.to_owned() });
    }
    Ok(certificates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_cannot_be_used_are_named() {
        let folder = tempfile::tempdir().expect("folder");
        let files = issue::write(folder.path(), "client.test").expect("issued");
        let other = tempfile::tempdir().expect("folder");
        let strangers = issue::write(other.path(), "client.test").expect("issued");
        std::fs::write(folder.path().join("empty.pem"), "").expect("written");
        let empty = folder.path().join("empty.pem");
        let missing = folder.path().join("missing.pem");
        for (certificate, key, client_ca, expected) in [
            (&files.server_certificate, &files.server_key, &files.ca, None),
            (&missing, &files.server_key, &files.ca, Some("missing.pem` cannot be read as PEM with certificates")),
            (&empty, &files.server_key, &files.ca, Some("empty.pem` holds no certificate")),
            (&files.server_certificate, &empty, &files.ca, Some("empty.pem` cannot be read as PEM with a private key")),
            (&files.server_certificate, &files.server_key, &empty, Some("empty.pem` holds no certificate")),
            (&files.server_certificate, &strangers.server_key, &files.ca, Some("do not work together")),
        ] {
            let config = Config { client_ca: Some(client_ca.clone()), ..Config::new(certificate.clone(), key.clone()) };
            let err = Acceptor::load(&config).err().map(|err| err.to_string());
            assert_eq!(err.is_some(), expected.is_some(), "{err:?}");
            let text = err.unwrap_or_default();
            assert!(text.contains(expected.unwrap_or_default()), "{text}");
        }
    }
}
