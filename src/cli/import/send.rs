//! Sends lines to the HTTP input of a running server, plain or over TLS.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use http_body_util::Full;
use hyper::StatusCode;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::ingest::intake::Frame;
use crate::ingest::tls::client_config;

/// A server that is busy is asked again after so long, so many times.
const BUSY_PAUSE: Duration = Duration::from_millis(500);
const BUSY_TRIES: u32 = 240;

/// Where a running server takes lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Server {
    address: SocketAddr,
    is_tls: bool,
}

impl Server {
    /// Returns the HTTP input of the server that runs on a data folder, if one does.
    ///
    /// # Errors
    /// When a server runs there whose HTTP input is off.
    pub(super) fn on(data: &Path) -> anyhow::Result<Option<Server>> {
        let Ok(text) = std::fs::read_to_string(data.join("endpoints.json")) else { return Ok(None) };
        let Ok(endpoints) = serde_json::from_str::<serde_json::Value>(&text) else { return Ok(None) };
        let member = |name: &str| endpoints.get(name).and_then(|value| value.as_str());
        // A server that was killed leaves its announcement behind.
        if member("socket").is_none_or(|socket| std::os::unix::net::UnixStream::connect(socket).is_err()) {
            return Ok(None);
        }
        let Some(address) = member("http").and_then(|address| address.parse().ok()) else {
            anyhow::bail!(
                "a server runs on `{}`, and its HTTP input, which takes the lines, is off\n  \
                 hint: set `input.http.address`, or stop the server",
                data.display()
            );
        };
        Ok(Some(Server { address, is_tls: member("http_scheme") == Some("https") }))
    }
}

/// The way to it.
pub(super) struct Door {
    address: SocketAddr,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

impl Door {
    /// Prepares the way; `authorities` and `name` are those of its certificate.
    ///
    /// # Errors
    /// When the authorities cannot be read or the name is none.
    pub(super) fn to(server: Server, authorities: Option<&Path>, name: Option<&str>) -> anyhow::Result<Door> {
        let address = server.address;
        let tls = match server.is_tls {
            false => None,
            true => {
                let config = client_config(authorities).context("the authorities to trust")?;
                let ip = address.ip();
                let own = if ip.is_unspecified() { "localhost".to_owned() } else { ip.to_string() };
                let name =
                    ServerName::try_from(name.map_or(own, str::to_owned)).context("the name in the certificate")?;
                Some((TlsConnector::from(Arc::new(config)), name))
            }
        };
        Ok(Door { address, tls })
    }

    /// Sends frames as lines; returns when they are on the server's disk.
    ///
    /// # Errors
    /// When the server does not take them.
    pub(super) async fn send(&self, frames: &[Frame]) -> anyhow::Result<()> {
        let body: Vec<u8> = frames.iter().flat_map(|frame| frame.raw.iter().copied().chain([b'\n'])).collect();
        let body = Bytes::from(body);
        for _ in 0..BUSY_TRIES {
            match self.post(body.clone()).await.context("sending to the server's HTTP input")? {
                StatusCode::OK => return Ok(()),
                StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => tokio::time::sleep(BUSY_PAUSE).await,
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                    anyhow::bail!("the server's HTTP input asks for a token: put it in LONGAN_TOKEN")
                }
                other => anyhow::bail!("the server's HTTP input answered {other}"),
            }
        }
        anyhow::bail!("the server was busy for {} s", BUSY_PAUSE.as_secs_f32() * BUSY_TRIES as f32)
    }

    async fn post(&self, body: Bytes) -> anyhow::Result<StatusCode> {
        let stream = TcpStream::connect(self.address).await?;
        match &self.tls {
            None => exchange(stream, self.address, body).await,
            Some((connector, name)) => {
                let secured = connector.connect(name.clone(), stream).await;
                let secured = secured.with_context(|| {
                    let name = name.to_str();
                    format!(
                        "its certificate was not accepted for `{name}` (`--tls-ca` and `--tls-name` say what to expect)"
                    )
                })?;
                exchange(secured, self.address, body).await
            }
        }
    }
}

async fn exchange<S>(stream: S, address: SocketAddr, body: Bytes) -> anyhow::Result<StatusCode>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let mut request = hyper::Request::post("/services/collector/raw").header("host", address.to_string());
    if let Ok(token) = std::env::var("LONGAN_TOKEN") {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let exchange = async {
        let answer = sender.send_request(request.body(Full::new(body))?).await?;
        let status = answer.status();
        answer.into_body().collect().await?;
        anyhow::Ok(status)
    };
    tokio::select! {
        done = exchange => done,
        ended = connection => {
            ended?;
            anyhow::bail!("the connection ended without an answer")
        }
    }
}
