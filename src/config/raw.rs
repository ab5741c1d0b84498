//! The configuration as an operator writes it: every key optional, unknown keys refused, places kept.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

type Text = Option<Spanned<String>>;
type Number = Option<Spanned<i64>>;
type Truth = Option<Spanned<bool>>;

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Raw {
    pub(super) data: Text,
    pub(super) zone: Text,
    pub(super) language: Text,
    pub(super) input: RawInputs,
    pub(super) tls: RawTls,
    pub(super) api: RawApi,
    pub(super) store: RawStore,
    pub(super) retention: RawRetention,
    pub(super) rules: RawContent,
    pub(super) parsers: RawContent,
    pub(super) assets: RawFile,
    pub(super) incidents: RawContent,
    pub(super) enrich: RawEnrich,
    pub(super) sources: RawSources,
    pub(super) evidence: RawEvidence,
    pub(super) sla: RawSla,
    pub(super) limits: RawLimits,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawInputs {
    pub(super) syslog_udp: RawListener,
    pub(super) syslog_tcp: RawListener,
    pub(super) syslog_tls: RawListener,
    pub(super) relp: RawListener,
    pub(super) relp_tls: RawListener,
    pub(super) beats: RawListener,
    pub(super) beats_tls: RawListener,
    pub(super) gelf_udp: RawListener,
    pub(super) gelf_tcp: RawListener,
    pub(super) http: RawHttp,
    pub(super) journald: RawJournald,
    pub(super) file: Vec<RawFileInput>,
    pub(super) database: Vec<RawDatabase>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawListener {
    pub(super) address: Text,
    pub(super) charset: Text,
    pub(super) format: Text,
    pub(super) zone: Text,
    pub(super) frame_bytes_max: Number,
    pub(super) connections_max: Number,
    pub(super) idle_seconds: Number,
    pub(super) receive_buffer_bytes: Number,
    pub(super) multiline: Text,
    pub(super) multiline_programs: Text,
    pub(super) multiline_ms: Number,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawHttp {
    pub(super) address: Text,
    pub(super) token_file: Text,
    pub(super) tls: Truth,
    pub(super) body_bytes_max: Number,
    pub(super) requests_max: Number,
    pub(super) format: Text,
    pub(super) zone: Text,
    pub(super) multiline: Text,
    pub(super) multiline_programs: Text,
    pub(super) multiline_ms: Number,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawJournald {
    pub(super) enabled: Truth,
    pub(super) folder: Text,
    pub(super) units: Text,
    pub(super) from_beginning: Truth,
    pub(super) entry_bytes_max: Number,
    pub(super) format: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawFileInput {
    pub(super) path: Text,
    pub(super) charset: Text,
    pub(super) format: Text,
    pub(super) zone: Text,
    pub(super) multiline: Text,
    pub(super) multiline_start: Text,
    pub(super) from_beginning: Truth,
    pub(super) history: Truth,
    pub(super) line_bytes_max: Number,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawDatabase {
    pub(super) name: Text,
    pub(super) kind: Text,
    pub(super) host: Text,
    pub(super) port: Number,
    pub(super) database: Text,
    pub(super) user: Text,
    pub(super) password_file: Text,
    pub(super) password_env: Text,
    pub(super) tls: Truth,
    pub(super) tls_ca: Text,
    pub(super) table: Text,
    pub(super) columns: Text,
    pub(super) query: Text,
    pub(super) id_column: Text,
    pub(super) time_column: Text,
    pub(super) overlap_ids: Number,
    pub(super) lateness_seconds: Number,
    pub(super) from_beginning: Truth,
    pub(super) poll_seconds: Number,
    pub(super) page_rows: Number,
    pub(super) row_bytes_max: Number,
    pub(super) statement_seconds: Number,
    pub(super) format: Text,
    pub(super) zone: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawTls {
    pub(super) certificate: Text,
    pub(super) key: Text,
    pub(super) client_ca: Text,
    pub(super) require_client_certificate: Truth,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawApi {
    pub(super) address: Text,
    pub(super) certificate: Text,
    pub(super) key: Text,
    pub(super) users: BTreeMap<String, Spanned<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawStore {
    pub(super) level: Number,
    pub(super) full_warning_days: Number,
    pub(super) clock_jump_days: Number,
    pub(super) retention_days: Number,
    pub(super) archive_days: Number,
    pub(super) reserve_bytes: Number,
    pub(super) visible_ms: Number,
    pub(super) hot_events_max: Number,
    pub(super) seal_seconds: Number,
    pub(super) search_seconds_max: Number,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawRetention {
    pub(super) class: Vec<RawClass>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawClass {
    pub(super) name: Text,
    pub(super) level: Number,
    pub(super) days: Number,
    pub(super) archive_days: Number,
    pub(super) inputs: Text,
    pub(super) systems: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawContent {
    pub(super) folder: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawFile {
    pub(super) file: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawEnrich {
    pub(super) threats_folder: Text,
    pub(super) units_file: Text,
    pub(super) places_file: Text,
    pub(super) operators_file: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawEvidence {
    pub(super) push: RawPush,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawPush {
    pub(super) folder: Text,
    pub(super) url: Text,
    pub(super) url_ca: Text,
    pub(super) url_token_file: Text,
    pub(super) syslog_tcp: Text,
    pub(super) syslog_udp: Text,
    pub(super) late_hours: Number,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawSources {
    pub(super) tracked_max: Number,
    pub(super) clock_seconds: Number,
    pub(super) unparsed_percent: Number,
    pub(super) surge_factor: Number,
    pub(super) maintenance: Vec<RawMaintenance>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawMaintenance {
    pub(super) sources: Text,
    pub(super) days: Text,
    pub(super) from: Text,
    pub(super) to: Text,
    pub(super) reason: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawSla {
    pub(super) critical_minutes: Number,
    pub(super) high_minutes: Number,
    pub(super) medium_minutes: Number,
    pub(super) low_minutes: Number,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RawLimits {
    pub(super) queue_submissions: Number,
    pub(super) wal_segment_bytes: Number,
    pub(super) shutdown_seconds: Number,
}
