//! Where the server is: a Unix socket, found through the data folder, or a TLS address with a token.

use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::ServerName;
use rustls_pki_types::pem::PemObject as _;

/// The file in the data folder by which a running server announces its listeners.
const ENDPOINTS_FILE: &str = "endpoints.json";
/// A token file holds one line; anything longer is some other file.
const TOKEN_BYTES_MAX: u64 = 4096;

/// A server's address, with what is needed to speak to it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Endpoint {
    /// The local socket; the server knows the caller by the socket's peer credentials.
    Unix(PathBuf),
    /// A remote server, TLS 1.3 only.
    Tls(Box<TlsEndpoint>),
}

/// A remote server.
#[derive(Debug, Clone)]
pub struct TlsEndpoint {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) server_name: ServerName<'static>,
    pub(super) config: Arc<ClientConfig>,
    pub(super) token: Token,
}

/// A bearer token, which must not appear in debug output.
#[derive(Clone)]
pub(super) struct Token(pub(super) String);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(…)")
    }
}

/// What `--server`, `--ca` and `--token-file` say.
#[derive(Debug, Clone)]
pub struct RemoteOptions {
    /// `https://host:port`.
    pub server: String,
    /// Certificates to trust, PEM.
    pub ca_file: PathBuf,
    /// A file with the token on its first line.
    pub token_file: PathBuf,
}

/// Why there is no server to speak to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EndpointError {
    #[error("no server runs on the data folder `{0}`")]
    NotRunning(PathBuf),
    #[error("`{path}` cannot be read")]
    Unreadable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("`{0}` does not name a `socket`")]
    NoSocket(PathBuf),
    #[error("`{0}` is no server address; it looks like `https://soc.example:8443`")]
    BadAddress(String),
    #[error("`{0}` holds no certificate in PEM form")]
    NoCertificate(PathBuf),
    #[error("`{0}` holds no token")]
    NoToken(PathBuf),
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
}

impl Endpoint {
    /// Finds the socket of the server that runs on a data folder.
    ///
    /// # Errors
    /// When no server has announced itself there, or the announcement is not readable.
    pub fn in_data_folder(data: &Path) -> Result<Endpoint, EndpointError> {
        let path = data.join(ENDPOINTS_FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(err) if err.kind() == io::ErrorKind::NotFound => {
                return Err(EndpointError::NotRunning(data.to_owned()));
            }
            Err(source) => return Err(EndpointError::Unreadable { path, source }),
        };
        let socket = serde_json::from_str::<serde_json::Value>(&text)
            .ok()
            .and_then(|endpoints| endpoints.get("socket")?.as_str().map(PathBuf::from));
        match socket {
            Some(socket) => Ok(Endpoint::Unix(data.join(socket))),
            None => Err(EndpointError::NoSocket(path)),
        }
    }

    /// Prepares a TLS endpoint: reads the certificates and the token, connects nowhere.
    ///
    /// # Errors
    /// When the address is none or a file is missing or empty.
    pub fn remote(options: &RemoteOptions) -> Result<Endpoint, EndpointError> {
        Endpoint::https(&options.server, &options.ca_file, Some(&options.token_file))
    }

    /// Prepares a TLS endpoint from an address; what its path says is left to the caller.
    pub(super) fn https(url: &str, ca_file: &Path, token_file: Option<&Path>) -> Result<Endpoint, EndpointError> {
        let bad_address = || EndpointError::BadAddress(url.to_owned());
        let uri: hyper::Uri = url.parse().map_err(|_| bad_address())?;
        if uri.scheme_str() != Some("https") {
            return Err(bad_address());
        }
        let host = uri.host().ok_or_else(bad_address)?.trim_start_matches('[').trim_end_matches(']').to_owned();
        let server_name = ServerName::try_from(host.clone()).map_err(|_| bad_address())?;
        Ok(Endpoint::Tls(Box::new(TlsEndpoint {
            port: uri.port_u16().unwrap_or(443),
            host,
            server_name,
            config: Arc::new(trust(ca_file)?),
            token: token_file.map_or_else(|| Ok(Token(String::new())), read_token)?,
        })))
    }

    /// Returns the place as shown to people.
    pub fn place(&self) -> String {
        match self {
            Endpoint::Unix(path) => path.display().to_string(),
            Endpoint::Tls(tls) => format!("https://{}:{}", tls.host, tls.port),
        }
    }
}

/// Builds a TLS 1.3 configuration that trusts exactly the certificates of a file.
fn trust(ca_file: &Path) -> Result<ClientConfig, EndpointError> {
    let pem = fs::read(ca_file).map_err(|source| EndpointError::Unreadable { path: ca_file.to_owned(), source })?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|_| EndpointError::NoCertificate(ca_file.to_owned()))?;
        roots.add(certificate).map_err(EndpointError::Tls)?;
    }
    if roots.is_empty() {
        return Err(EndpointError::NoCertificate(ca_file.to_owned()));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(EndpointError::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

fn read_token(path: &Path) -> Result<Token, EndpointError> {
    let unreadable = |source| EndpointError::Unreadable { path: path.to_owned(), source };
    if fs::metadata(path).map_err(unreadable)?.len() > TOKEN_BYTES_MAX {
        return Err(EndpointError::NoToken(path.to_owned()));
    }
    let text = fs::read_to_string(path).map_err(unreadable)?;
    let token = text.lines().next().unwrap_or_default().trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(EndpointError::NoToken(path.to_owned()));
    }
    Ok(Token(token.to_owned()))
}
