//! The API over real TLS: a token or nothing.

use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::RootCertStore;
use rustls::ServerConfig;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::ServerName;
use tokio::io::AsyncRead;
use tokio::io::AsyncReadExt as _;
use tokio::io::AsyncWrite;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::server::Limits;
use crate::server::tests::world::PATIENCE;
use crate::server::tests::world::World;

/// A server that would speak 1.2 as well, a client that speaks 1.3 and one that speaks 1.2.
fn configs() -> (ServerConfig, ClientConfig, ClientConfig) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let certificate = CertificateDer::from(made.cert.der().to_vec());
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let server = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let client = |version| {
        ClientConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[version])
            .unwrap()
            .with_root_certificates(roots.clone())
            .with_no_client_auth()
    };
    (server, client(&rustls::version::TLS13), client(&rustls::version::TLS12))
}

async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin, target: &str, authorization: &str) -> String {
    let head = format!("GET {target} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{authorization}\r\n");
    // The other side may have had enough already.
    drop(stream.write_all(head.as_bytes()).await);
    let mut answer = Vec::new();
    drop(timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("ended in time"));
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_the_network_only_a_token_lets_in() {
    let mut world = World::with(Limits { handshake_timeout: Duration::from_millis(300), ..Limits::default() });
    let (server_config, client_config, old_config) = configs();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = world.server.clone();
    world.tasks.spawn(async move { serving.serve_tls(listener, Arc::new(server_config)).await });
    // Half a handshake holds nobody up, and plain HTTP is no way in.
    let mut half = TcpStream::connect(address).await.unwrap();
    half.write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").await.unwrap();
    let plain = ask(TcpStream::connect(address).await.unwrap(), "/healthz", "").await;
    assert!(!plain.contains("ok\n"), "{plain}");

    let connector = TlsConnector::from(Arc::new(client_config));
    let token = world.token("an").to_owned();
    for (target, authorization, expected) in [
        ("/healthz", String::new(), "200"),
        ("/v1/whoami", String::new(), "401"),
        ("/v1/whoami", "authorization: Bearer lgn_guess\r\n".to_owned(), "401"),
        ("/v1/whoami", format!("authorization: bearer {token}\r\n"), "200"),
        ("/metrics", format!("authorization: Bearer {token}\r\n"), "403"),
    ] {
        let stream = TcpStream::connect(address).await.unwrap();
        let stream = connector.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
        let answer = ask(stream, target, &authorization).await;
        assert_eq!(answer.get(9..12), Some(expected), "{target} {authorization:?}: {answer}");
        assert!(!answer.contains(&token), "a token is never told back");
    }
    let stream = TcpStream::connect(address).await.unwrap();
    let old = TlsConnector::from(Arc::new(old_config));
    let stream = old.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap();
    assert_eq!(ask(stream, "/healthz", "").await, "", "TLS 1.2 is turned away");
    let mut rest = Vec::new();
    drop(timeout(PATIENCE, half.read_to_end(&mut rest)).await.expect("half a handshake is ended"));
    world.server.stop();
    let end = async { while world.tasks.join_next().await.is_some() {} };
    timeout(PATIENCE, end).await.expect("both listeners end");
}
