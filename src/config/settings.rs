//! The configuration after checking: real types, every value present, nothing left to doubt.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use crate::alert::Sla;
use crate::config::Maintenance;
use crate::config::Setting;
use crate::evidence::push::Push;

/// All that was configured.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The data folder; everything this program writes is below it.
    pub data: PathBuf,
    /// Offset, in seconds east of UTC, of devices that write no zone.
    pub zone_offset_seconds: i32,
    /// `vi` or `en`; `None` follows the environment.
    pub language: Option<String>,
    pub syslog_udp: Option<StreamInput>,
    pub syslog_tcp: Option<StreamInput>,
    /// Needs `tls`.
    pub syslog_tls: Option<StreamInput>,
    pub relp: Option<StreamInput>,
    /// Needs `tls`.
    pub relp_tls: Option<StreamInput>,
    /// Lumberjack, the protocol of Beats.
    pub beats: Option<StreamInput>,
    /// Needs `tls`.
    pub beats_tls: Option<StreamInput>,
    pub gelf_udp: Option<StreamInput>,
    pub gelf_tcp: Option<StreamInput>,
    pub http: Option<HttpInput>,
    pub journald: Option<JournalInput>,
    pub files: Vec<FileInput>,
    pub databases: Vec<DatabaseInput>,
    pub tls: Option<Tls>,
    pub api: Api,
    pub store: Store,
    /// In the order in which events are asked whether they belong to one.
    pub classes: Vec<Class>,
    pub rules: Content,
    pub parsers: Content,
    /// CSV or TOML of what the province owns.
    pub assets: Option<PathBuf>,
    /// Deadlines and report templates that replace those compiled in.
    pub incidents: Content,
    pub enrich: Enrich,
    pub sources: Sources,
    /// When nothing is told of some sources.
    pub maintenance: Vec<Maintenance>,
    /// Where checkpoints of the evidence are sent.
    pub push: Push,
    /// How soon alerts shall be taken.
    pub sla: Sla,
    pub limits: Limits,
    /// Every value with where it came from, for `config explain`.
    pub explained: Vec<Setting>,
}

impl Settings {
    /// Returns the inputs that are set and listen for framed messages or datagrams, by name.
    pub fn streams(&self) -> impl Iterator<Item = (&'static str, &StreamInput)> {
        let all = [
            ("syslog_udp", &self.syslog_udp),
            ("syslog_tcp", &self.syslog_tcp),
            ("syslog_tls", &self.syslog_tls),
            ("relp", &self.relp),
            ("relp_tls", &self.relp_tls),
            ("beats", &self.beats),
            ("beats_tls", &self.beats_tls),
            ("gelf_udp", &self.gelf_udp),
            ("gelf_tcp", &self.gelf_tcp),
        ];
        all.into_iter().filter_map(|(name, input)| Some((name, input.as_ref()?)))
    }

    /// Says where the value of a key came from, as [`Setting::origin`] tells it.
    pub fn origin(&self, key: &str) -> Option<&str> {
        self.explained.iter().find(|setting| setting.key == key).map(|setting| setting.origin.as_str())
    }
}

/// A syslog or RELP listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamInput {
    pub address: SocketAddr,
    pub charset: String,
    /// A pack name when the input carries one format only.
    pub format: Option<String>,
    pub zone_offset_seconds: i32,
    pub frame_bytes_max: NonZeroUsize,
    pub connections_max: NonZeroUsize,
    pub idle: Duration,
    pub receive_buffer_bytes: NonZeroUsize,
    pub pieces: Option<Pieces>,
}

/// Which messages of a stream are pieces of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pieces {
    /// Names of [`crate::ingest::joining::StreamRules::PRESETS`], at least one.
    pub presets: Vec<String>,
    /// Programs whose lines are looked at; empty is all of them.
    pub programs: Vec<String>,
    pub wait: Duration,
}

/// The HTTP listener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpInput {
    pub address: SocketAddr,
    /// A file with one token a line; always needed when the address is not loopback.
    pub token_file: Option<PathBuf>,
    pub is_tls: bool,
    pub body_bytes_max: NonZeroUsize,
    pub requests_max: NonZeroUsize,
    pub format: Option<String>,
    pub zone_offset_seconds: i32,
    pub pieces: Option<Pieces>,
}

/// Files to follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileInput {
    /// A path or a glob.
    pub path: String,
    pub charset: String,
    pub format: Option<String>,
    pub zone_offset_seconds: i32,
    /// The name of a ready-made rule for joining lines.
    pub multiline: Option<String>,
    /// A regular expression that matches the first line of each event.
    pub multiline_start: Option<String>,
    /// Read what stands in the file already, not only what is added.
    pub is_from_beginning: bool,
    /// Read rotated and compressed predecessors once.
    pub reads_history: bool,
    pub line_bytes_max: NonZeroUsize,
}

impl FileInput {
    /// Follows one path from its beginning, with the default of everything else.
    pub fn followed(path: String, zone_offset_seconds: i32) -> FileInput {
        FileInput {
            path,
            charset: "utf-8".to_owned(),
            format: None,
            zone_offset_seconds,
            multiline: None,
            multiline_start: None,
            is_from_beginning: true,
            reads_history: false,
            line_bytes_max: crate::ingest::syslog::FRAME_BYTES_DEFAULT,
        }
    }
}

/// The journal of systemd.
#[derive(Debug, Clone)]
pub struct JournalInput {
    /// All but the folder of its position.
    pub config: crate::ingest::journald::Config,
    pub format: Option<String>,
}

/// A database to poll.
#[derive(Debug, Clone)]
pub struct DatabaseInput {
    /// All but the password and the folder of its position.
    pub config: crate::ingest::database::Config,
    pub password: Option<Secret>,
    pub format: Option<String>,
}

/// Where a secret is; read only when it is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Secret {
    File(PathBuf),
    /// The name of a variable of the environment.
    Environment(String),
}

/// The certificate the TLS listeners show, and whom they trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    pub certificate: PathBuf,
    pub key: PathBuf,
    pub client_ca: Option<PathBuf>,
    pub requires_client_certificate: bool,
}

/// The API beyond the local socket.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Api {
    /// Where TLS is served, with the certificate and key; `None` keeps the API on the local socket.
    pub remote: Option<(SocketAddr, PathBuf, PathBuf)>,
    /// System user name → role, for the local socket.
    pub users: BTreeMap<String, String>,
}

/// The store's limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// The level of the systems whose events no class claims.
    pub level: u8,
    pub retention_days: u32,
    /// The disk being full sooner than this is told.
    pub full_warning_days: u32,
    /// Retention deletes nothing while the clock is further than this ahead of the time it believed last.
    pub clock_jump_days: u32,
    /// Days after which a day's events are rewritten as an archive; 0 is never.
    pub archive_days: u32,
    /// Free space that is never used: below it inputs are refused.
    pub reserve_bytes: u64,
    /// How long an event may wait before search finds it.
    pub visible: Duration,
    pub hot_events_max: NonZeroUsize,
    pub seal: Duration,
    pub search_deadline: Duration,
}

/// What is kept equally long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    pub name: String,
    /// The level of the information system, 2 to 5.
    pub level: u8,
    pub days: u32,
    pub archive_days: u32,
    /// Inputs whose events belong to it; `*` stands for anything.
    pub inputs: Vec<String>,
    /// Systems of the assets file whose events belong to it; `*` stands for anything.
    pub systems: Vec<String>,
}

/// A folder that overlays what is compiled in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Content {
    pub folder: Option<PathBuf>,
}

/// What events are enriched with.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Enrich {
    /// A folder of threat lists.
    pub threats: Option<PathBuf>,
    /// Administrative units with dates of validity.
    pub units: Option<PathBuf>,
    /// A database of countries or cities, in the MaxMind format.
    pub places: Option<PathBuf>,
    /// A database of autonomous systems, in the same format.
    pub operators: Option<PathBuf>,
}

/// What is told of sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sources {
    /// Sources remembered at most.
    pub tracked_max: NonZeroUsize,
    /// A clock further off than this is told.
    pub clock_seconds: i64,
    /// A larger share of lines that no pack reads is told.
    pub unparsed_percent: u8,
    /// More than so many times the usual is told; 0 for never.
    pub surge_factor: u32,
}

/// Queues and patience.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    pub queue_submissions: NonZeroUsize,
    pub wal_segment_bytes: u64,
    pub shutdown: Duration,
}
