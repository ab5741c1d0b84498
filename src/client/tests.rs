//! The client against a server of the tests' own, on a real Unix socket and over real TLS.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::body::Body;
use axum::extract::Path as UrlPath;
use axum::extract::Query;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::routing::get;
use axum::routing::post;
use rustls::ServerConfig;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::PrivatePkcs8KeyDer;
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::net::UnixListener;
use tokio::task::JoinSet;

use super::*;
use crate::wire::alert::AlertAction;
use crate::wire::alert::AlertCommand;
use crate::wire::alert::AlertFilter;
use crate::wire::search::SearchRequest;
use crate::wire::stream::StreamMessage;

/// A running server on a socket of its own; stops when dropped.
struct Fake {
    data: TempDir,
    tasks: JoinSet<()>,
}

impl Fake {
    fn start(router: Router) -> Fake {
        let data = TempDir::new().expect("temporary folder");
        let socket = data.path().join("longan.sock");
        let listener = UnixListener::bind(&socket).expect("free socket");
        fs::write(data.path().join("endpoints.json"), json!({"pid": 1, "socket": socket}).to_string())
            .expect("writable folder");
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, router).await.expect("serves") });
        Fake { data, tasks }
    }

    fn client(&self) -> Client {
        Client::new(Endpoint::in_data_folder(self.data.path()).expect("announced"))
    }
}

fn whoami() -> serde_json::Value {
    json!({"name": "an", "role": "analyst", "may_triage": true, "may_administer": false, "added_later": 1})
}

fn conflict() -> (StatusCode, Json<serde_json::Value>) {
    let problem = json!({"status": 409, "type": "conflict", "detail": "taken", "owner": "ha"});
    (StatusCode::CONFLICT, Json(problem))
}

#[tokio::test]
async fn calls_reach_their_endpoints_and_come_back_typed() {
    let router = Router::new().route("/v1/whoami", get(async || Json(whoami()))).route(
        "/v1/alerts",
        get(async |Query(filter): Query<AlertFilter>| {
            let total = if filter.text.as_deref() == Some("a&b ộ") { filter.offset } else { 0 };
            Json(json!({"rows": [], "total": total, "revision": 7}))
        }),
    );
    let fake = Fake::start(router);
    let client = fake.client();
    assert_eq!(client.whoami().await.expect("answered").name, "an");
    let filter = AlertFilter { text: Some("a&b ộ".to_owned()), offset: 40, ..AlertFilter::default() };
    let window = client.alerts(&filter).await.expect("answered");
    assert_eq!((window.total, window.revision), (40, 7));
}

#[tokio::test]
async fn a_refusal_keeps_the_servers_words() {
    let router = Router::new()
        .route(
            "/v1/alerts/{id}/actions",
            post(async |UrlPath(id): UrlPath<u64>, Json(body): Json<serde_json::Value>| {
                assert_eq!((id, body["action"].as_str(), body["revision"].as_u64()), (5, Some("take"), Some(9)));
                conflict()
            }),
        )
        .route("/v1/status", get(async || (StatusCode::BAD_GATEWAY, "<h1>proxy\u{1b}[2J</h1>")));
    let fake = Fake::start(router);
    let client = fake.client();
    let command = AlertCommand { action: AlertAction::Take, revision: Some(9) };
    let err = client.act_on_alert(5, &command).await.expect_err("refused");
    assert_eq!(err.problem().and_then(|problem| problem.owner.as_deref()), Some("ha"));
    assert!(!err.is_away());
    let err = client.status().await.expect_err("a proxy's page");
    assert_eq!(err.problem().map(|problem| problem.status), Some(502));
    let err = client.rules().await.expect_err("no such path");
    assert_eq!(err.problem().map(|problem| problem.status), Some(404));
}

#[tokio::test]
async fn nobody_there_is_away_and_nonsense_is_not_understood() {
    let data = TempDir::new().expect("temporary folder");
    assert!(matches!(Endpoint::in_data_folder(data.path()), Err(EndpointError::NotRunning(_))));
    let client = Client::new(Endpoint::Unix(data.path().join("nobody.sock")));
    assert!(client.status().await.expect_err("nobody there").is_away());

    let fake = Fake::start(Router::new().route("/v1/status", get(async || "not JSON")));
    let err = fake.client().status().await.expect_err("not JSON");
    assert!(matches!(err, ClientError::Protocol { .. }), "{err:?}");
    fs::write(fake.data.path().join("endpoints.json"), "{}").expect("writable");
    assert!(matches!(Endpoint::in_data_folder(fake.data.path()), Err(EndpointError::NoSocket(_))));
}

#[tokio::test]
async fn a_server_that_went_and_came_back_answers_again() {
    let router = || Router::new().route("/v1/whoami", get(async || Json(whoami())));
    let mut fake = Fake::start(router());
    let client = fake.client();
    client.whoami().await.expect("answered");
    fake.tasks.shutdown().await;
    let socket = fake.data.path().join("longan.sock");
    fs::remove_file(&socket).expect("socket file");
    let err = client.whoami().await;
    assert!(err.as_ref().is_err_and(ClientError::is_away) || err.is_ok(), "{err:?}");
    let listener = UnixListener::bind(&socket).expect("free again");
    fake.tasks.spawn(async move { axum::serve(listener, router()).await.expect("serves") });
    // A connection kept from before may need one failure to be found out.
    drop(client.whoami().await);
    client.whoami().await.expect("answered again");
}

#[tokio::test]
async fn a_stream_gives_every_record_however_it_is_cut() {
    let lines = "{\"kind\":\"hello\",\"revision\":3,\"gap\":false}\n\n{\"kind\":\"incident\",\"revision\":4,\"id\":1}";
    let pieces: Vec<Result<_, std::io::Error>> =
        lines.as_bytes().chunks(7).map(|piece| Ok(bytes::Bytes::copy_from_slice(piece))).collect();
    let pieces = Arc::new(std::sync::Mutex::new(Some(pieces)));
    let router = Router::new().route(
        "/v1/stream",
        get(async move || {
            let pieces = pieces.lock().expect("not poisoned").take().unwrap_or_default();
            Body::from_stream(futures_util::stream::iter(pieces))
        }),
    );
    let fake = Fake::start(router);
    let mut records = fake.client().changes(3).await.expect("opened");
    let mut seen = Vec::new();
    while let Some(record) = records.next().await {
        seen.push(record.expect("a record"));
    }
    assert_eq!(
        seen,
        [StreamMessage::Hello { revision: 3, gap: false }, StreamMessage::Incident { revision: 4, id: 1 }]
    );
}

#[tokio::test]
async fn a_line_without_end_is_given_up() {
    let endless = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(bytes::Bytes::from(vec![b'x'; 65_536])));
    let endless = Arc::new(std::sync::Mutex::new(Some(endless)));
    let router = Router::new().route(
        "/v1/search/tail",
        get(async move || Body::from_stream(endless.lock().expect("not poisoned").take().expect("asked once"))),
    );
    let fake = Fake::start(router);
    let mut records = fake.client().tail(&SearchRequest::default()).await.expect("opened");
    let err = records.next().await.expect("an end").expect_err("too long");
    assert!(matches!(err, ClientError::Protocol { .. }), "{err:?}");
    assert!(records.next().await.is_none());
}

#[tokio::test]
async fn a_silent_stream_is_given_up() {
    let router = Router::new().route(
        "/v1/stream",
        get(async || Body::from_stream(futures_util::stream::pending::<Result<bytes::Bytes, std::io::Error>>())),
    );
    let fake = Fake::start(router);
    let silence = Some(Duration::from_millis(20));
    let mut records: Records<StreamMessage> = fake.client().records("/v1/stream", silence).await.expect("opened");
    let err = records.next().await.expect("an end").expect_err("silent");
    assert!(err.is_away(), "{err:?}");
}

#[test]
fn the_blocking_client_calls_and_streams() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("runtime");
    let _inside = runtime.enter();
    let router = Router::new()
        .route("/v1/whoami", get(async || Json(whoami())))
        .route("/v1/search/stream", get(async || "{\"longan.id\":1}\n{\"longan.id\":2}\n{\"longan.id\":3}\n"));
    let fake = Fake::start(router);
    let endpoint = Endpoint::in_data_folder(fake.data.path()).expect("announced");
    let client = blocking::BlockingClient::new(endpoint).expect("runtime");
    assert_eq!(client.call(async |client| client.whoami().await).expect("answered").role, "analyst");
    let mut ids = Vec::new();
    let all = SearchRequest::default();
    client
        .for_each(
            async |client| client.search_stream(&all).await,
            |event| {
                ids.push(event["longan.id"].as_u64());
                ids.len() < 2
            },
        )
        .expect("streamed");
    assert_eq!(ids, [Some(1), Some(2)]);
}

fn tls_files(folder: &Path) -> (ServerConfig, RemoteOptions) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("certificate");
    let (ca_file, token_file) = (folder.join("ca.pem"), folder.join("token"));
    fs::write(&ca_file, made.cert.pem()).expect("writable");
    fs::write(&token_file, "s3cret\n").expect("writable");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(made.cert.der().to_vec())], key)
        .expect("certificate fits its key");
    (config, RemoteOptions { server: String::new(), ca_file, token_file })
}

#[tokio::test]
async fn tls_carries_the_token_and_trusts_only_the_given_certificates() {
    let folder = TempDir::new().expect("temporary folder");
    let (config, mut options) = tls_files(folder.path());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("free port");
    options.server = format!("https://localhost:{}", listener.local_addr().expect("bound").port());
    let router = Router::new().route(
        "/v1/whoami",
        get(async |headers: HeaderMap| match headers.get("authorization") {
            Some(token) if token == "Bearer s3cret" => Ok(Json(whoami())),
            _ => Err(StatusCode::UNAUTHORIZED),
        }),
    );
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("accepts");
            let Ok(stream) = acceptor.accept(stream).await else { continue };
            let service = hyper_util::service::TowerToHyperService::new(router.clone());
            let io = hyper_util::rt::TokioIo::new(stream);
            drop(hyper::server::conn::http1::Builder::new().serve_connection(io, service).await);
        }
    });
    let client = Client::new(Endpoint::remote(&options).expect("readable files"));
    for _ in 0..2 {
        assert_eq!(client.whoami().await.expect("answered").name, "an");
    }
    drop(client);
    let (_, stranger) = tls_files(TempDir::new().expect("temporary folder").path());
    assert!(Endpoint::remote(&stranger).is_err(), "an address that is none");
    let other = TempDir::new().expect("temporary folder");
    let (_, mut stranger) = tls_files(other.path());
    stranger.server = options.server;
    let client = Client::new(Endpoint::remote(&stranger).expect("readable files"));
    let err = tokio::time::timeout(Duration::from_secs(20), client.whoami()).await.expect("in time");
    assert!(err.expect_err("not trusted").is_away());
}

#[test]
fn a_token_never_shows_in_debug_output() {
    let folder = TempDir::new().expect("temporary folder");
    let (_, mut options) = tls_files(folder.path());
    options.server = "https://localhost:1".to_owned();
    let endpoint = Endpoint::remote(&options).expect("readable files");
    assert!(!format!("{endpoint:?}").contains("s3cret"));
    for wrong in ["http://localhost:1", "localhost", "https://", ""] {
        options.server = wrong.to_owned();
        assert!(matches!(Endpoint::remote(&options), Err(EndpointError::BadAddress(_))), "{wrong}");
    }
}
