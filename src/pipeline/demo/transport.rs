//! The demo's senders: plain sockets and files, reopened when they break.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use bytes::Bytes;
use http_body_util::BodyExt;
use http_body_util::Full;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::fs::File;
use tokio::fs::OpenOptions;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::UdpSocket;

use crate::pipeline::demo::scenes::Transport;

/// Where the demo sends to.
#[derive(Debug, Clone)]
pub struct Places {
    pub udp: Option<SocketAddr>,
    pub tcp: Option<SocketAddr>,
    pub http: Option<SocketAddr>,
    /// The folder of the files it appends to.
    pub folder: PathBuf,
}

/// Open sockets and files.
#[derive(Debug)]
pub(super) struct Senders {
    places: Places,
    udp: Option<UdpSocket>,
    tcp: Option<TcpStream>,
    files: HashMap<String, File>,
}

impl Senders {
    pub(super) fn new(places: Places) -> Senders {
        Senders { places, udp: None, tcp: None, files: HashMap::new() }
    }

    /// Sends one line; a broken connection is opened anew at the next.
    pub(super) async fn send(&mut self, transport: &Transport, line: String) -> io::Result<()> {
        match transport {
            Transport::Udp => self.send_udp(&line).await,
            Transport::Tcp => self.send_tcp(&line).await,
            Transport::Http => self.send_http(line).await,
            Transport::File(name) => self.append(name, line).await,
        }
    }

    async fn send_udp(&mut self, line: &str) -> io::Result<()> {
        let Some(address) = self.places.udp else { return Ok(()) };
        if self.udp.is_none() {
            let socket = UdpSocket::bind("127.0.0.1:0").await?;
            socket.connect(address).await?;
            self.udp = Some(socket);
        }
        if let Some(socket) = &self.udp {
            socket.send(line.as_bytes()).await?;
        }
        Ok(())
    }

    async fn send_tcp(&mut self, line: &str) -> io::Result<()> {
        let Some(address) = self.places.tcp else { return Ok(()) };
        let mut stream = match self.tcp.take() {
            Some(stream) => stream,
            None => TcpStream::connect(address).await?,
        };
        // Octet counting, RFC 6587 §3.4.1.
        stream.write_all(format!("{} {line}", line.len()).as_bytes()).await?;
        self.tcp = Some(stream);
        Ok(())
    }

    /// One request a line: the demo's API senders are few and slow, as real ones are.
    async fn send_http(&self, line: String) -> io::Result<()> {
        let Some(address) = self.places.http else { return Ok(()) };
        let stream = TcpStream::connect(address).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
        let request = hyper::Request::post("/ingest/ndjson")
            .header("host", address.to_string())
            .header("content-type", "application/x-ndjson")
            .body(Full::new(Bytes::from(line)))
            .map_err(io::Error::other)?;
        let exchange = async {
            let answer = sender.send_request(request).await.map_err(io::Error::other)?;
            answer.into_body().collect().await.map_err(io::Error::other)?;
            io::Result::Ok(())
        };
        tokio::select! {
            done = exchange => done,
            ended = connection => ended.map_err(io::Error::other),
        }
    }

    async fn append(&mut self, name: &str, mut line: String) -> io::Result<()> {
        if !self.files.contains_key(name) {
            let path = self.places.folder.join(name);
            self.files.insert(name.to_owned(), OpenOptions::new().create(true).append(true).open(path).await?);
        }
        line.push('\n');
        if let Some(file) = self.files.get_mut(name) {
            file.write_all(line.as_bytes()).await?;
            file.flush().await?;
        }
        Ok(())
    }
}
