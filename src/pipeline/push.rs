//! Sends signed checkpoints off this machine: into a folder, to an HTTPS address, to a syslog host.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::net::UdpSocket;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::client::NoteBox;
use crate::evidence::Places;
use crate::evidence::log::one_line;
use crate::evidence::push::Push;
use crate::evidence::push::Standing;
use crate::evidence::push::Target;
use crate::model::Timestamp;
use crate::model::time::Clock;
use crate::pipeline::evidence::Evidence;
use crate::pipeline::live::Live;
use crate::wal::disk::durable::write_whole;
use crate::wire::evidence::PushRow;

/// How often it is looked whether something is due.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a delivery may take.
const DELIVERY_MAX: Duration = Duration::from_secs(60);
/// How long a syslog host may take to accept.
const CONNECT_MAX: Duration = Duration::from_secs(10);
/// Facility log audit, severity informational (RFC 5424 §6.2.1).
const PRIORITY: u8 = 13 * 8 + 6;
/// What was kept of where each place stands is no longer than this.
const KEPT_BYTES_MAX: u64 = 1 << 20;

/// What the stage works with.
pub(super) struct Pushing {
    pub(super) push: Push,
    pub(super) data: PathBuf,
    pub(super) evidence: Evidence,
    pub(super) live: Arc<Live>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) cancel: CancellationToken,
}

/// A checkpoint with the name of its log and its size.
struct Newest {
    name: &'static str,
    size: u64,
    note: String,
}

impl Pushing {
    /// Runs until cancelled.
    ///
    /// # Errors
    /// None: what fails is tried again, and told when it is late.
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let path = Places::of(&self.data).pushed();
        let mut kept = read_kept(&path);
        let mut places: Vec<(Target, Standing)> = Vec::new();
        for target in &self.push.targets {
            places.push((target.clone(), kept.remove(&target.to_string()).unwrap_or_default()));
        }
        loop {
            let before: Vec<Standing> = places.iter().map(|(_, standing)| standing.clone()).collect();
            for (target, standing) in &mut places {
                self.look(target, standing).await;
            }
            self.live.set_pushes(self.rows(&places));
            if places.iter().map(|(_, standing)| standing).ne(before.iter()) {
                keep(&path, &places);
            }
            tokio::select! {
                () = self.cancel.cancelled() => return Ok(()),
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    fn newest(&self) -> Vec<Newest> {
        let evidence =
            self.evidence.keeper.as_ref().and_then(|keeper| {
                keeper.with_log(|log| log.last_signed().map(|(size, note)| (size, note.to_owned())))
            });
        let audit = self
            .evidence
            .audit
            .as_ref()
            .and_then(|audit| audit.with_log(|log| log.last_signed().map(|(size, note)| (size, note.to_owned()))));
        let named = [("evidence", evidence), ("audit", audit)];
        named.into_iter().filter_map(|(name, last)| last.map(|(size, note)| Newest { name, size, note })).collect()
    }

    async fn look(&self, target: &Target, standing: &mut Standing) {
        let newest = self.newest();
        let sizes: Vec<(&str, u64)> = newest.iter().map(|one| (one.name, one.size)).collect();
        for place in standing.due(self.clock.now(), &sizes) {
            let Some(Newest { name, size, note }) = newest.get(place) else { continue };
            let sent = tokio::select! {
                () = self.cancel.cancelled() => return,
                sent = timeout(DELIVERY_MAX, send(target, note, self.clock.now())) => sent,
            };
            let sent = sent.unwrap_or_else(|_| Err(anyhow::anyhow!("it took longer than {DELIVERY_MAX:?}")));
            match sent {
                Ok(()) => standing.arrived(self.clock.now(), name, *size),
                Err(err) => {
                    let reason = format!("{err:#}");
                    if standing.error.as_ref() != Some(&reason) {
                        warn!(place = %target, %reason, "a checkpoint could not be sent off this machine; it is tried again");
                    }
                    return standing.failed(self.clock.now(), reason);
                }
            }
        }
    }

    fn rows(&self, places: &[(Target, Standing)]) -> Vec<PushRow> {
        let now = self.clock.now();
        let row = |(target, standing): &(Target, Standing)| PushRow {
            place: target.to_string(),
            given: standing.given.map(|at| Timestamp(at).to_string()),
            behind_since: standing.behind.map(|at| Timestamp(at).to_string()),
            late_hours: standing.late_by(now, self.push.late).map(|late| late.as_secs() / 3600),
            error: standing.error.clone(),
        };
        places.iter().map(row).collect()
    }
}

/// Reads where each place stood; what cannot be read is begun anew, and everything is sent again.
fn read_kept(path: &Path) -> BTreeMap<String, Standing> {
    let read = || {
        let length = fs::metadata(path).ok()?.len();
        let bytes = (length <= KEPT_BYTES_MAX).then(|| fs::read(path).ok())??;
        serde_json::from_slice(&bytes).ok()
    };
    read().unwrap_or_default()
}

fn keep(path: &Path, places: &[(Target, Standing)]) {
    let by_name: BTreeMap<String, &Standing> =
        places.iter().map(|(target, standing)| (target.to_string(), standing)).collect();
    let kept = serde_json::to_vec(&by_name).map_err(io::Error::other);
    if let Err(error) = kept.and_then(|bytes| write_whole(path, &bytes, 0o640)) {
        warn!(%error, "where the places for checkpoints stand is not kept for after a restart");
    }
}

async fn send(target: &Target, note: &str, now: Timestamp) -> anyhow::Result<()> {
    match target {
        Target::Folder(folder) => {
            let (folder, note) = (folder.clone(), note.to_owned());
            let written = tokio::task::spawn_blocking(move || append(&folder, &note, now));
            written.await.context("writing")?.with_context(|| format!("writing into `{target}`"))
        }
        Target::Url { url, ca, token } => {
            let address = NoteBox::new(url, ca, token.as_deref())?;
            Ok(address.give(note).await?)
        }
        Target::Syslog { address, is_tcp } => send_line(address, *is_tcp, &syslog_line(note, now)).await,
    }
}

/// Adds a note to the file of its log and month.
fn append(folder: &Path, note: &str, now: Timestamp) -> io::Result<()> {
    let origin: String = note.lines().next().unwrap_or_default().chars().map(file_letter).collect();
    let month: String = now.to_string().chars().take(7).collect();
    let path = folder.join(format!("{origin}-{month}.checkpoints"));
    let mut file = fs::File::options().append(true).create(true).mode(0o644).open(path)?;
    file.write_all(format!("{note}\n").as_bytes())?;
    file.sync_all()
}

fn file_letter(c: char) -> char {
    if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }
}

/// One line of RFC 5424 that `longan verify --against` finds in any log file.
fn syslog_line(note: &str, now: Timestamp) -> String {
    let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    let host = host.filter(|name| !name.is_empty()).unwrap_or_else(|| "-".to_owned());
    format!("<{PRIORITY}>1 {now} {host} longan {} checkpoint - {}\n", std::process::id(), one_line(note))
}

async fn send_line(address: &str, is_tcp: bool, line: &str) -> anyhow::Result<()> {
    if is_tcp {
        let connected = timeout(CONNECT_MAX, TcpStream::connect(address)).await;
        let mut stream = connected.context("it does not accept")??;
        stream.write_all(line.as_bytes()).await?;
        return Ok(stream.shutdown().await?);
    }
    let far = tokio::net::lookup_host(address).await?.next().context("the name has no address")?;
    let own = if far.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    let socket = UdpSocket::bind(own).await?;
    socket.send_to(line.trim_end().as_bytes(), far).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::log::notes_in;
    use crate::evidence::verify::Options;
    use crate::model::time::SystemClock;
    use crate::pipeline::api::verify_data;
    use crate::store;
    use crate::store::Store;
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpListener;

    fn pushing(data: &Path, targets: Vec<Target>) -> Pushing {
        Pushing {
            push: Push { targets, late: Duration::from_secs(3600) },
            data: data.to_owned(),
            evidence: Evidence::open(data),
            live: Arc::new(Live::default()),
            clock: Arc::new(SystemClock),
            cancel: CancellationToken::new(),
        }
    }

    fn text_of(folder: &Path) -> String {
        let entries = fs::read_dir(folder).expect("a folder").filter_map(Result::ok);
        entries.map(|entry| fs::read_to_string(entry.path()).expect("a text")).collect()
    }

    #[tokio::test]
    async fn a_history_that_was_cut_and_signed_again_is_told_by_what_was_pushed() {
        let (folder, elsewhere) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let data = folder.path();
        drop(Store::open(&data.join("store"), store::Config::default()).expect("a store"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound").to_string();
        let target = Target::Folder(elsewhere.path().to_owned());
        let pushing = pushing(data, vec![target.clone(), Target::Syslog { address, is_tcp: true }]);
        let audit = pushing.evidence.audit.clone().expect("an audit log");
        for _ in 0..3 {
            pushing.evidence.record(&SystemClock, "search", "what nobody shall know");
        }
        audit.sign().expect("signed");
        for target in &pushing.push.targets {
            let mut standing = Standing::default();
            pushing.look(target, &mut standing).await;
            assert_eq!((standing.error.clone(), standing.given.is_some()), (None, true), "{target}");
        }
        let mut lines = String::new();
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().await.expect("a delivery");
            stream.read_to_string(&mut lines).await.expect("a line");
        }
        let pushed = notes_in(&text_of(elsewhere.path()));
        assert_eq!(pushed.len(), 2);
        let mut lines = notes_in(&lines);
        lines.sort();
        let mut sorted = pushed.clone();
        sorted.sort();
        assert_eq!(lines, sorted);

        // Whoever has the key takes the audit log away, begins it anew with the same key, and signs.
        drop((pushing, audit));
        fs::remove_dir_all(data.join("evidence/audit")).expect("there");
        let again = Evidence::open(data);
        again.record(&SystemClock, "start", "nothing happened");
        again.audit.as_ref().expect("a log").sign().expect("signed");
        drop(again);
        let check = |checkpoints: Vec<String>| {
            let options = Options { key: None, checkpoints };
            verify_data(data, &options, SystemClock.now(), &mut |_| true).expect("readable")
        };
        assert!(check(Vec::new()).is_right(), "the folder alone cannot know");
        let told = check(pushed);
        assert!(told.findings.iter().any(|finding| finding.place.starts_with("evidence/audit")), "{told:?}");
    }

    #[tokio::test]
    async fn a_place_that_is_away_is_told_of() {
        let folder = tempfile::tempdir().expect("a folder");
        let pushing = pushing(folder.path(), vec![Target::Folder(folder.path().join("nowhere"))]);
        let mut standing = Standing::default();
        pushing.look(&pushing.push.targets[0], &mut standing).await;
        let [row] = &pushing.rows(&[(pushing.push.targets[0].clone(), standing)])[..] else { panic!("one") };
        assert!(row.error.as_ref().is_some_and(|error| error.contains("nowhere")), "{row:?}");
        assert!(row.behind_since.is_some() && row.given.is_none() && row.late_hours.is_none(), "{row:?}");
    }
}
