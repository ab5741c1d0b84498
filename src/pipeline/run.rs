//! From a configuration to a running whole, and back: opens, binds, starts every stage, waits, drains.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use anyhow::Context as _;
use tokio::net::TcpListener;
use tokio::signal::unix::Signal;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tokio_util::sync::CancellationToken;
use tracing::error;
use tracing::info;
use tracing::warn;

use crate::auth::PeerPolicy;
use crate::auth::Role;
use crate::auth::TokenStore;
use crate::config;
use crate::config::Api;
use crate::config::Settings;
use crate::incident::Forms;
use crate::incident::IncidentStore;
use crate::ingest::Intake;
use crate::ingest::intake;
use crate::ingest::intake::Place as FilePlace;
use crate::ingest::listener;
use crate::ingest::listener::Place;
use crate::ingest::tls;
use crate::model::time::Clock;
use crate::model::time::SystemClock;
use crate::pipeline::api::EvidenceOf;
use crate::pipeline::api::Exporter;
use crate::pipeline::api::Refusal;
use crate::pipeline::api::RetentionOf;
use crate::pipeline::api::StatusOf;
use crate::pipeline::api::StoreSearch;
use crate::pipeline::api::rules;
use crate::pipeline::api::rules::RulesOf;
use crate::pipeline::content;
use crate::pipeline::content::Content;
use crate::pipeline::demo;
use crate::pipeline::endpoints;
use crate::pipeline::endpoints::Endpoints;
use crate::pipeline::evidence::Evidence;
use crate::pipeline::evidence::Keeping;
use crate::pipeline::foresight;
use crate::pipeline::inputs::Inputs;
use crate::pipeline::live::Live;
use crate::pipeline::open;
use crate::pipeline::open::Folder;
use crate::pipeline::open::Opened;
use crate::pipeline::own_events;
use crate::pipeline::own_events::Desk;
use crate::pipeline::processing::Classes;
use crate::pipeline::processing::Formats;
use crate::pipeline::processing::Parts;
use crate::pipeline::processing::Processor;
use crate::pipeline::processing::sources;
use crate::pipeline::push::Pushing;
use crate::pipeline::stages::Stages;
use crate::pipeline::upkeep::Policy;
use crate::pipeline::upkeep::Upkeep;
use crate::server;
use crate::server::ControlSocket;
use crate::server::ExportService;
use crate::server::SavedSearches;
use crate::server::Server;
use crate::server::Services;
use crate::telemetry::Registry;
use crate::wal::writer;

/// Groups that may wait for the processing thread: then the log stops taking more, and with it the inputs.
const GROUPS_WAITING: usize = 8;

/// An import has so long to work through what it read.
const IMPORT_DRAIN: Duration = Duration::from_secs(600);

/// Why it did not start, or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Nothing was accepted: the configuration or the machine does not allow it.
    #[error("{0:#}")]
    Setup(anyhow::Error),
    /// It ran, and a stage failed or did not end in time.
    #[error("{0:#}")]
    Failed(anyhow::Error),
}

/// What is told once every listener is bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// The data folder, absolute.
    pub data: PathBuf,
    /// The API's local socket.
    pub socket: PathBuf,
    /// Each input with where it listens.
    pub inputs: Vec<(String, String)>,
}

/// Runs until a signal or `stop`; with `is_demo` it also plays the demo into its own inputs. `ready` is called once
/// everything is bound and announced.
///
/// # Errors
/// When it cannot start, or a stage fails; what was acknowledged is on disk in any case.
pub async fn serve(
    settings: Settings,
    is_demo: bool,
    stop: CancellationToken,
    ready: impl FnOnce(Ready),
) -> Result<(), StartError> {
    // Before any listener is bound: a signal between the two would kill us undrained.
    let mut signals = Signals::install().map_err(StartError::Setup)?;
    let beside = if is_demo { Beside::Demo } else { Beside::Nothing };
    let (mut whole, told) = Whole::start(settings, beside).map_err(StartError::Setup)?;
    ready(told);
    let failed = tokio::select! {
        name = signals.next() => {
            info!(signal = name, "stopping");
            None
        }
        () = stop.cancelled() => None,
        ended = whole.stages.next_ended() => ended.map(|(name, _)| name),
    };
    whole.end(failed).await.map_err(StartError::Failed)
}

/// Feeds lines from elsewhere, on a thread of its own; the whole stops when it returns.
pub type Feed = Box<dyn FnOnce(&FeedDoor<'_>) -> anyhow::Result<()> + Send>;

/// Where a [`Feed`] brings its lines.
pub struct FeedDoor<'f> {
    pub intake: &'f Intake,
    pub clock: &'f dyn Clock,
    /// How far the log is with each file that lines were read from.
    pub places: &'f [FilePlace],
    /// Cancelled when the feed is to end.
    pub stop: &'f CancellationToken,
}

/// Runs without any input but `feed`, as [`serve`] does, until it has ended or a signal comes.
///
/// # Errors
/// As [`serve`], and when `feed` fails.
pub async fn import(settings: Settings, feed: Feed) -> Result<(), StartError> {
    let mut signals = Signals::install().map_err(StartError::Setup)?;
    let settings = Settings {
        syslog_udp: None,
        syslog_tcp: None,
        syslog_tls: None,
        relp: None,
        relp_tls: None,
        beats: None,
        beats_tls: None,
        gelf_udp: None,
        gelf_tcp: None,
        http: None,
        api: Api { remote: None, ..settings.api },
        // What was read is worked through to its end: nobody waits for a restart here.
        limits: config::Limits { shutdown: settings.limits.shutdown.max(IMPORT_DRAIN), ..settings.limits },
        ..settings
    };
    let (mut whole, _) = Whole::start(settings, Beside::Feed(feed)).map_err(StartError::Setup)?;
    let failed = tokio::select! {
        name = signals.next() => {
            info!(signal = name, "stopping");
            None
        }
        // When the feed is done, log and processing end too, and any of them may be seen first.
        ended = whole.stages.next_ended() => ended.filter(|(_, is_well)| !is_well).map(|(name, _)| name),
    };
    whole.end(failed).await.map_err(StartError::Failed)
}

/// What else brings events in.
enum Beside {
    Nothing,
    Demo,
    Feed(Feed),
}

/// The name of the stage that feeds.
const FEED: &str = "import";

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn install() -> anyhow::Result<Signals> {
        let terminate = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
        let interrupt = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
        Ok(Signals { terminate, interrupt })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// Everything that runs.
struct Whole {
    stages: Stages,
    /// Seen by the inputs only: every later stage ends when its channel does.
    cancel: CancellationToken,
    server: Server,
    announcement: endpoints::Announcement,
    shutdown: Duration,
}

/// Rules of the operator's own lie in the data folder unless the configuration says otherwise.
fn with_own_rules(mut settings: Settings, data: &Path) -> anyhow::Result<Settings> {
    if settings.rules.folder.is_none() {
        let folder = data.join("rules");
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
        settings.rules.folder = Some(folder);
    }
    Ok(settings)
}

/// Everything opened and bound, and nothing running yet: whatever is wrong shows before the first event is taken.
struct Ground {
    settings: Settings,
    clock: Arc<dyn Clock>,
    folder: Folder,
    opened: Opened,
    content: Content,
    inputs: Inputs,
    socket: ControlSocket,
    remote: Option<Remote>,
    evidence: Evidence,
}

impl Ground {
    fn prepare(settings: Settings, beside: &Beside) -> anyhow::Result<Ground> {
        if let Err(error) = listener::raise_open_files_limit() {
            warn!(%error, "the limit of open files stays as it is");
        }
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let folder = Folder::make(&settings.data)?;
        let settings = with_own_rules(settings, folder.path())?;
        let opened = open::open(&folder, &settings, Arc::clone(&clock))?;
        endpoints::clear(folder.path()).context("removing what an earlier run announced")?;
        let content = Content::of(&settings, clock.now())?;
        for problem in &content.problems {
            warn!(%problem, "left out");
        }
        for problem in foresight::warnings(&settings, &content.packs) {
            warn!(%problem, "the configuration");
        }
        // Imported files are not followed: their settings only say how they are read.
        let files = if matches!(beside, Beside::Feed(_)) { Vec::new() } else { settings.files.clone() };
        let databases = if matches!(beside, Beside::Feed(_)) { Vec::new() } else { settings.databases.clone() };
        let inputs = Inputs::bind(&Settings { files, databases, ..settings.clone() })?;
        let socket = ControlSocket::bind(&folder.socket())?;
        let remote = Remote::bind(&settings)?;
        let evidence = Evidence::open(folder.path());
        evidence.record(&*clock, "start", &started(&settings, &content));
        Ok(Ground { settings, clock, folder, opened, content, inputs, socket, remote, evidence })
    }

    fn processor(
        &self,
        live: &Arc<Live>,
        release: &Arc<AtomicU64>,
        stopping: &CancellationToken,
    ) -> anyhow::Result<Processor> {
        Processor::new(Parts {
            live: Arc::clone(live),
            writer: self.opened.store.writer()?,
            store: self.opened.store.clone(),
            alerts: Arc::clone(&self.opened.alerts),
            rulebook: Arc::clone(&self.opened.rulebook),
            content: self.content.clone(),
            formats: Formats::of_settings(&self.settings),
            classes: Classes::of_settings(&self.settings.classes),
            clock: Arc::clone(&self.clock),
            visible: self.settings.store.visible,
            release: Arc::clone(release),
            stopping: stopping.clone(),
        })
    }

    fn server(
        &self,
        live: &Arc<Live>,
        registry: &Registry,
        intake: &Intake,
        desk: Desk,
        policy: &Arc<Policy>,
    ) -> anyhow::Result<Server> {
        let (store, alerts, clock) = (&self.opened.store, &self.opened.alerts, &self.clock);
        let status = StatusOf {
            data: self.folder.path().to_owned(),
            started: clock.now(),
            clock: Arc::clone(clock),
            live: Arc::clone(live),
            store: store.clone(),
            registry: registry.clone(),
            refusal: Refusal::of(intake),
            inputs: self.inputs.rows(),
            desk,
        };
        rules::note_versions(&self.settings, &self.opened.rulebook);
        let rules = RulesOf {
            store: store.clone(),
            alerts: Arc::clone(alerts),
            settings: self.settings.clone(),
            clock: Arc::clone(clock),
            saving: std::sync::Mutex::default(),
        };
        let deadline = self.settings.store.search_deadline;
        let services = Services {
            incidents: self.incidents()?,
            alerts: Arc::clone(alerts),
            search: Arc::new(StoreSearch::new(store.clone(), Arc::clone(live), Arc::clone(clock), deadline)),
            searches: Arc::new(SavedSearches::open(self.folder.path())?),
            status: Arc::new(status),
            retention: Some(Arc::new(RetentionOf {
                store: store.clone(),
                policy: Arc::clone(policy),
                clock: Arc::clone(clock),
                live: Arc::clone(live),
            })),
            rules: Arc::new(rules),
            rulebook: Arc::clone(&self.opened.rulebook),
            tokens: Arc::new(TokenStore::open(&self.folder.tokens())?),
            audit: self.evidence.audit_or_reason(),
            export: self.exporter(live),
            evidence: Some(Arc::new(EvidenceOf::new(
                self.folder.path(),
                self.evidence.clone(),
                Arc::clone(live),
                Arc::clone(clock),
            ))),
            peers: PeerPolicy::of_this_process(roles(&self.settings)?),
            metrics: registry.clone(),
            clock: Arc::clone(clock),
        };
        Ok(Server::new(services, server::Limits::default()))
    }

    fn incidents(&self) -> anyhow::Result<IncidentStore> {
        Ok(IncidentStore::new(Arc::clone(&self.opened.alerts), Arc::new(forms(&self.settings)?)))
    }

    fn exporter(&self, live: &Arc<Live>) -> Option<Arc<dyn ExportService>> {
        let keeper = self.evidence.keeper.clone()?;
        let (store, clock) = (self.opened.store.clone(), Arc::clone(&self.clock));
        Some(Arc::new(Exporter::new(keeper, store, Arc::clone(live), clock, self.settings.store.search_deadline)))
    }

    fn endpoints(&self) -> anyhow::Result<Endpoints> {
        let mut endpoints = Endpoints::new(self.socket.path());
        self.inputs.list(&mut endpoints);
        if let Some(remote) = &self.remote {
            endpoints.add("api", remote.listener.local_addr().context("asking for the API's address")?);
        }
        Ok(endpoints)
    }

    fn ready(&self) -> Ready {
        Ready {
            data: self.folder.path().to_owned(),
            socket: self.socket.path().to_owned(),
            inputs: self.inputs.rows().into_iter().map(|row| (row.name, row.place)).collect(),
        }
    }
}

impl Whole {
    fn start(settings: Settings, beside: Beside) -> anyhow::Result<(Whole, Ready)> {
        let ground = Ground::prepare(settings, &beside)?;
        let told = ground.ready();
        Ok((Whole::run(ground, beside)?, told))
    }

    /// Starts the stages from the end of the way to its beginning, so that each finds its receiver, and announces the whole.
    fn run(ground: Ground, beside: Beside) -> anyhow::Result<Whole> {
        let registry = Registry::default();
        let cancel = CancellationToken::new();
        let (intake, outlet) = intake::channel(ground.settings.limits.queue_submissions.get());
        let live = Arc::new(Live::default());
        live.sources().configure(source_limits(&ground.settings), ground.settings.maintenance.clone());
        live.set_unreadable(ground.opened.unreadable.clone());
        let (desk, orders) = Desk::open();
        let release = Arc::new(AtomicU64::new(0));
        let processor = ground.processor(&live, &release, &cancel)?;
        let policy = Arc::new(Policy::of_settings(&ground.settings));
        let server = ground.server(&live, &registry, &intake, desk, &policy)?;
        let endpoints = ground.endpoints()?;
        let incidents = ground.incidents()?;
        let Ground {
            settings,
            clock,
            folder,
            opened: Opened { wal, recovery, store, rulebook, .. },
            content,
            inputs,
            socket,
            remote,
            evidence,
            ..
        } = ground;

        let mut stages = Stages::default();
        let (forward, arrivals) = sync_channel(GROUPS_WAITING);
        let (replay, last_id) = (wal.replay(processor.replay_after()), wal.last_id());
        let (processing, ended) = std::sync::mpsc::channel();
        let until = processing.clone();
        stages.spawn_thread("processing", move || {
            // Dropped at the end, whatever the end is: then the evidence looks a last time.
            let _processing: std::sync::mpsc::Sender<()> = processing;
            processor.run(replay, last_id, &arrivals)
        })?;
        let keeping = Keeping {
            evidence: evidence.clone(),
            store: store.clone(),
            live: Arc::clone(&live),
            clock: Arc::clone(&clock),
            tokens: TokenStore::open(&folder.tokens())?,
        };
        stages.spawn_thread("evidence", move || keeping.run(&ended))?;
        if !settings.push.targets.is_empty() && !matches!(beside, Beside::Feed(_)) {
            let pushing = Pushing {
                push: settings.push.clone(),
                data: folder.path().to_owned(),
                evidence: evidence.clone(),
                live: Arc::clone(&live),
                clock: Arc::clone(&clock),
                cancel: cancel.clone(),
            };
            stages.spawn("checkpoints", pushing.run());
        }
        let handles =
            writer::Handles { forward, release, registry: registry.clone(), limits: writer::Limits::default() };
        stages.spawn_thread("wal", move || {
            writer::run(wal, outlet, handles)?;
            Ok(())
        })?;
        serve_api(&mut stages, &server, socket, remote)?;
        let context =
            listener::Context { intake, registry: registry.clone(), clock: Arc::clone(&clock), cancel: cancel.clone() };
        let places = demo_places(&inputs, folder.path());
        inputs.run(&mut stages, &context, &recovery.places)?;
        match beside {
            Beside::Feed(feed) => {
                let places = recovery.places;
                stages.spawn_thread(FEED, move || {
                    let listener::Context { intake, clock, cancel, .. } = &context;
                    feed(&FeedDoor { intake, clock: &**clock, places: &places, stop: cancel })
                })?;
            }
            Beside::Nothing | Beside::Demo => {
                if matches!(beside, Beside::Demo) {
                    stages.spawn("demo", demo::play(places, cancel.clone()));
                }
                stages.spawn("own events", own_events::tell(context, Arc::clone(&live), incidents, orders));
            }
        }
        let upkeep = Upkeep {
            store,
            policy,
            clock: Arc::clone(&clock),
            live: Arc::clone(&live),
            registry,
            data: folder.path().to_owned(),
            cancel: cancel.clone(),
            _until: until,
        };
        upkeep.start(&mut stages);
        let shutdown = settings.limits.shutdown;
        let reload = content::watch(settings, live, evidence, rulebook, clock, content.normalizer, cancel.clone());
        stages.spawn("reload", reload);
        let announcement = endpoints.announce(folder.path()).context("announcing the endpoints")?;
        Ok(Whole { stages, cancel, server, announcement, shutdown })
    }

    /// Stops taking in, waits until what was taken in is worked through, and tells what did not end well.
    async fn end(self, failed: Option<String>) -> anyhow::Result<()> {
        let Whole { stages, cancel, server, announcement, shutdown } = self;
        drop(announcement);
        cancel.cancel();
        server.stop();
        let drain = stages.drain(shutdown).await;
        if let Some(name) = failed {
            error!(stage = %name, "a stage ended by itself");
            anyhow::bail!("the stage `{name}` ended by itself; the log above says why");
        }
        if !drain.stuck.is_empty() {
            anyhow::bail!("still running after {} s: {}", shutdown.as_secs(), drain.stuck.join(", "));
        }
        if !drain.failed.is_empty() {
            anyhow::bail!("ended with an error: {}", drain.failed.join(", "));
        }
        Ok(())
    }
}

/// Serves the API on the local socket and, where it is configured, beyond this machine.
fn serve_api(
    stages: &mut Stages,
    server: &Server,
    socket: ControlSocket,
    remote: Option<Remote>,
) -> anyhow::Result<()> {
    stages.spawn("api", serve_local(server.clone(), socket));
    if let Some(remote) = remote {
        let listener = TcpListener::from_std(remote.listener).context("serving the remote API")?;
        let server = server.clone();
        stages.spawn("remote api", async move {
            server.serve_tls(listener, remote.config).await;
            Ok(())
        });
    }
    Ok(())
}

async fn serve_local(server: Server, socket: ControlSocket) -> anyhow::Result<()> {
    server.serve_local(socket).await;
    Ok(())
}

/// The API beyond this machine, bound.
struct Remote {
    listener: std::net::TcpListener,
    config: Arc<rustls::ServerConfig>,
}

impl Remote {
    fn bind(settings: &Settings) -> anyhow::Result<Option<Remote>> {
        let Some((address, certificate, key)) = &settings.api.remote else { return Ok(None) };
        let config = tls::server_config(&tls::Config::new(certificate.clone(), key.clone()))?;
        let place = Place { input: "api", setting: "api.address", address: *address };
        let bound = listener::bind_tcp(place)?;
        let listener = bound.into_socket();
        listener.set_nonblocking(true).context("preparing the API's socket")?;
        Ok(Some(Remote { listener, config: Arc::new(config) }))
    }
}

/// What is in force at the start, as the audit log has it.
fn started(settings: &Settings, content: &Content) -> String {
    let values: Vec<String> = settings
        .explained
        .iter()
        .filter(|setting| setting.origin != "default")
        .map(|setting| format!("{} = {} ({})", setting.key, setting.value, setting.origin))
        .collect();
    let (version, rules) = (env!("CARGO_PKG_VERSION"), content.rules.len());
    format!("version {version}, {rules} rules; configured: {}", values.join("; "))
}

/// Reads the operator's forms; all that is wrong with them is told at once.
fn forms(settings: &Settings) -> anyhow::Result<Forms> {
    let folder = settings.incidents.folder.as_deref();
    Forms::load(folder, settings.zone_offset_seconds).map_err(|problems| {
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        anyhow::anyhow!("the forms of incidents are not right:\n{}", told.join("\n"))
    })
}

fn source_limits(settings: &Settings) -> sources::Limits {
    let config::Sources { tracked_max, clock_seconds, unparsed_percent, surge_factor } = settings.sources;
    let zone_offset_seconds = settings.zone_offset_seconds;
    sources::Limits {
        tracked_max: tracked_max.get(),
        clock_seconds,
        unparsed_percent,
        surge_factor,
        zone_offset_seconds,
    }
}

fn roles(settings: &Settings) -> anyhow::Result<Vec<(String, Role)>> {
    let users = settings.api.users.iter();
    users.map(|(name, role)| Ok((name.clone(), role.parse()?))).collect()
}

fn demo_places(inputs: &Inputs, data: &Path) -> demo::Places {
    demo::Places {
        udp: inputs.address("syslog_udp"),
        tcp: inputs.address("syslog_tcp"),
        http: inputs.address("http"),
        folder: data.join(demo::FOLDER),
    }
}
