//! The table of field names this program knows: ECS 8.17, spelled exactly, and our own `longan.*`.
//!
//! Data, and the few lines that look things up in it. A name outside the table is no error: it is kept as written.

use std::fmt;
use std::sync::LazyLock;

use hashbrown::HashMap;

/// What kind of value ECS gives a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Matched as a whole.
    Keyword,
    /// Broken into words for searching.
    Text,
    Ip,
    Long,
    Float,
    Boolean,
    Date,
}

/// A field name of the table, as a number: compares and indexes in one instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Field(u16);

impl Field {
    /// Finds a name in the table; ECS names are case sensitive.
    pub fn from_name(name: &str) -> Option<Field> {
        BY_NAME.get(name).copied()
    }

    /// Returns the dotted name.
    pub fn name(self) -> &'static str {
        TABLE[self.index()]
    }

    /// Returns the kind of value the field holds.
    pub fn kind(self) -> Kind {
        KINDS[self.index()]
    }

    /// Returns the place in the table, below [`Field::count`].
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// Returns how many fields the table has.
    pub fn count() -> usize {
        TABLE.len()
    }

    /// Goes through the whole table.
    pub fn all() -> impl Iterator<Item = Field> {
        (0..TABLE.len() as u16).map(Field)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

static BY_NAME: LazyLock<HashMap<&'static str, Field, foldhash::fast::FixedState>> =
    LazyLock::new(|| Field::all().map(|field| (field.name(), field)).collect());

macro_rules! fields {
    ($($constant:ident = $name:literal, $kind:ident;)+) => {
        #[expect(non_camel_case_types, clippy::upper_case_acronyms, reason = "a private counter: its variants carry the constants' names")]
        #[repr(u16)]
        enum Index { $($constant),+ }

        const TABLE: &[&str] = &[$($name),+];
        /// Apart from the names: it is asked for every field of every event, and fits into a few lines of the cache.
        const KINDS: &[Kind] = &[$(Kind::$kind),+];

        $(#[doc = concat!("`", $name, "`")] pub const $constant: Field = Field(Index::$constant as u16);)+
    };
}

fields! {
    // Base
    TIMESTAMP = "@timestamp", Date;
    MESSAGE = "message", Text;
    TAGS = "tags", Keyword;
    ECS_VERSION = "ecs.version", Keyword;
    // Ours
    LONGAN_ID = "longan.id", Long;
    LONGAN_PARSER = "longan.parser", Keyword;
    LONGAN_PARSE_ERROR = "longan.parse.error", Keyword;
    LONGAN_INPUT = "longan.input", Keyword;
    LONGAN_TIME_INFERRED = "longan.time.inferred", Keyword;
    LONGAN_TRUNCATED = "longan.truncated", Boolean;
    LONGAN_HOST_MISMATCH = "longan.host.mismatch", Boolean;
    LONGAN_PEER_IP = "longan.peer.ip", Ip;
    LONGAN_PEER_PORT = "longan.peer.port", Long;
    LONGAN_PEER_IDENTITY = "longan.peer.identity", Keyword;
    LONGAN_ASSET_UNIT = "longan.asset.unit", Keyword;
    LONGAN_ASSET_SYSTEM = "longan.asset.system", Keyword;
    LONGAN_ASSET_CRITICALITY = "longan.asset.criticality", Keyword;
    LONGAN_ASSET_OWNER = "longan.asset.owner", Keyword;
    LONGAN_ASSET_UNIT_CODE = "longan.asset.unit_code", Keyword;
    LONGAN_ASSET_UNIT_PARENT = "longan.asset.unit_parent", Keyword;
    LONGAN_THREAT_FIELD = "longan.threat.field", Keyword;
    LONGAN_THREAT_LISTS = "longan.threat.lists", Keyword;
    LONGAN_THREAT_CONFIDENCE = "longan.threat.confidence", Long;
    // agent
    AGENT_ID = "agent.id", Keyword;
    AGENT_NAME = "agent.name", Keyword;
    AGENT_TYPE = "agent.type", Keyword;
    AGENT_VERSION = "agent.version", Keyword;
    AGENT_HOSTNAME = "agent.hostname", Keyword;
    // client / server
    CLIENT_ADDRESS = "client.address", Keyword;
    CLIENT_BYTES = "client.bytes", Long;
    CLIENT_DOMAIN = "client.domain", Keyword;
    CLIENT_IP = "client.ip", Ip;
    CLIENT_MAC = "client.mac", Keyword;
    CLIENT_PACKETS = "client.packets", Long;
    CLIENT_PORT = "client.port", Long;
    CLIENT_USER_DOMAIN = "client.user.domain", Keyword;
    CLIENT_USER_EMAIL = "client.user.email", Keyword;
    CLIENT_USER_ID = "client.user.id", Keyword;
    CLIENT_USER_NAME = "client.user.name", Keyword;
    SERVER_ADDRESS = "server.address", Keyword;
    SERVER_BYTES = "server.bytes", Long;
    SERVER_DOMAIN = "server.domain", Keyword;
    SERVER_IP = "server.ip", Ip;
    SERVER_MAC = "server.mac", Keyword;
    SERVER_PACKETS = "server.packets", Long;
    SERVER_PORT = "server.port", Long;
    SERVER_USER_NAME = "server.user.name", Keyword;
    // cloud
    CLOUD_ACCOUNT_ID = "cloud.account.id", Keyword;
    CLOUD_ACCOUNT_NAME = "cloud.account.name", Keyword;
    CLOUD_AVAILABILITY_ZONE = "cloud.availability_zone", Keyword;
    CLOUD_INSTANCE_ID = "cloud.instance.id", Keyword;
    CLOUD_INSTANCE_NAME = "cloud.instance.name", Keyword;
    CLOUD_PROVIDER = "cloud.provider", Keyword;
    CLOUD_REGION = "cloud.region", Keyword;
    CLOUD_SERVICE_NAME = "cloud.service.name", Keyword;
    // container
    CONTAINER_ID = "container.id", Keyword;
    CONTAINER_IMAGE_NAME = "container.image.name", Keyword;
    CONTAINER_NAME = "container.name", Keyword;
    CONTAINER_RUNTIME = "container.runtime", Keyword;
    // data_stream
    DATA_STREAM_DATASET = "data_stream.dataset", Keyword;
    // destination
    DESTINATION_ADDRESS = "destination.address", Keyword;
    DESTINATION_AS_NUMBER = "destination.as.number", Long;
    DESTINATION_AS_ORGANIZATION_NAME = "destination.as.organization.name", Keyword;
    DESTINATION_BYTES = "destination.bytes", Long;
    DESTINATION_DOMAIN = "destination.domain", Keyword;
    DESTINATION_GEO_CITY_NAME = "destination.geo.city_name", Keyword;
    DESTINATION_GEO_COUNTRY_ISO_CODE = "destination.geo.country_iso_code", Keyword;
    DESTINATION_GEO_COUNTRY_NAME = "destination.geo.country_name", Keyword;
    DESTINATION_IP = "destination.ip", Ip;
    DESTINATION_MAC = "destination.mac", Keyword;
    DESTINATION_NAT_IP = "destination.nat.ip", Ip;
    DESTINATION_NAT_PORT = "destination.nat.port", Long;
    DESTINATION_PACKETS = "destination.packets", Long;
    DESTINATION_PORT = "destination.port", Long;
    DESTINATION_USER_DOMAIN = "destination.user.domain", Keyword;
    DESTINATION_USER_EMAIL = "destination.user.email", Keyword;
    DESTINATION_USER_ID = "destination.user.id", Keyword;
    DESTINATION_USER_NAME = "destination.user.name", Keyword;
    // device
    DEVICE_ID = "device.id", Keyword;
    DEVICE_MODEL_NAME = "device.model.name", Keyword;
    // dll
    DLL_HASH_SHA256 = "dll.hash.sha256", Keyword;
    DLL_NAME = "dll.name", Keyword;
    DLL_PATH = "dll.path", Keyword;
    DLL_PE_ORIGINAL_FILE_NAME = "dll.pe.original_file_name", Keyword;
    // dns
    DNS_ANSWERS_DATA = "dns.answers.data", Keyword;
    DNS_ANSWERS_NAME = "dns.answers.name", Keyword;
    DNS_ANSWERS_TYPE = "dns.answers.type", Keyword;
    DNS_ANSWERS_TTL = "dns.answers.ttl", Long;
    DNS_HEADER_FLAGS = "dns.header_flags", Keyword;
    DNS_ID = "dns.id", Keyword;
    DNS_OP_CODE = "dns.op_code", Keyword;
    DNS_QUESTION_CLASS = "dns.question.class", Keyword;
    DNS_QUESTION_NAME = "dns.question.name", Keyword;
    DNS_QUESTION_REGISTERED_DOMAIN = "dns.question.registered_domain", Keyword;
    DNS_QUESTION_TYPE = "dns.question.type", Keyword;
    DNS_RESOLVED_IP = "dns.resolved_ip", Ip;
    DNS_RESPONSE_CODE = "dns.response_code", Keyword;
    DNS_TYPE = "dns.type", Keyword;
    // email
    EMAIL_ATTACHMENTS_FILE_NAME = "email.attachments.file.name", Keyword;
    EMAIL_BCC_ADDRESS = "email.bcc.address", Keyword;
    EMAIL_CC_ADDRESS = "email.cc.address", Keyword;
    EMAIL_DIRECTION = "email.direction", Keyword;
    EMAIL_FROM_ADDRESS = "email.from.address", Keyword;
    EMAIL_LOCAL_ID = "email.local_id", Keyword;
    EMAIL_MESSAGE_ID = "email.message_id", Keyword;
    EMAIL_SENDER_ADDRESS = "email.sender.address", Keyword;
    EMAIL_SUBJECT = "email.subject", Keyword;
    EMAIL_TO_ADDRESS = "email.to.address", Keyword;
    EMAIL_X_MAILER = "email.x_mailer", Keyword;
    // error
    ERROR_CODE = "error.code", Keyword;
    ERROR_ID = "error.id", Keyword;
    ERROR_MESSAGE = "error.message", Text;
    ERROR_STACK_TRACE = "error.stack_trace", Text;
    ERROR_TYPE = "error.type", Keyword;
    // event
    EVENT_ACTION = "event.action", Keyword;
    EVENT_AGENT_ID_STATUS = "event.agent_id_status", Keyword;
    EVENT_CATEGORY = "event.category", Keyword;
    EVENT_CODE = "event.code", Keyword;
    EVENT_CREATED = "event.created", Date;
    EVENT_DATASET = "event.dataset", Keyword;
    EVENT_DURATION = "event.duration", Long;
    EVENT_END = "event.end", Date;
    EVENT_HASH = "event.hash", Keyword;
    EVENT_ID = "event.id", Keyword;
    EVENT_INGESTED = "event.ingested", Date;
    EVENT_KIND = "event.kind", Keyword;
    EVENT_MODULE = "event.module", Keyword;
    EVENT_ORIGINAL = "event.original", Text;
    EVENT_OUTCOME = "event.outcome", Keyword;
    EVENT_PROVIDER = "event.provider", Keyword;
    EVENT_REASON = "event.reason", Keyword;
    EVENT_REFERENCE = "event.reference", Keyword;
    EVENT_RISK_SCORE = "event.risk_score", Float;
    EVENT_SEQUENCE = "event.sequence", Long;
    EVENT_SEVERITY = "event.severity", Long;
    EVENT_START = "event.start", Date;
    EVENT_TIMEZONE = "event.timezone", Keyword;
    EVENT_TYPE = "event.type", Keyword;
    EVENT_URL = "event.url", Keyword;
    // file
    FILE_DIRECTORY = "file.directory", Keyword;
    FILE_EXTENSION = "file.extension", Keyword;
    FILE_GID = "file.gid", Keyword;
    FILE_HASH_MD5 = "file.hash.md5", Keyword;
    FILE_HASH_SHA1 = "file.hash.sha1", Keyword;
    FILE_HASH_SHA256 = "file.hash.sha256", Keyword;
    FILE_INODE = "file.inode", Keyword;
    FILE_MIME_TYPE = "file.mime_type", Keyword;
    FILE_MODE = "file.mode", Keyword;
    FILE_NAME = "file.name", Keyword;
    FILE_OWNER = "file.owner", Keyword;
    FILE_PATH = "file.path", Keyword;
    FILE_SIZE = "file.size", Long;
    FILE_TARGET_PATH = "file.target_path", Keyword;
    FILE_TYPE = "file.type", Keyword;
    FILE_UID = "file.uid", Keyword;
    // group
    GROUP_DOMAIN = "group.domain", Keyword;
    GROUP_ID = "group.id", Keyword;
    GROUP_NAME = "group.name", Keyword;
    // host
    HOST_ARCHITECTURE = "host.architecture", Keyword;
    HOST_DOMAIN = "host.domain", Keyword;
    HOST_HOSTNAME = "host.hostname", Keyword;
    HOST_ID = "host.id", Keyword;
    HOST_IP = "host.ip", Ip;
    HOST_MAC = "host.mac", Keyword;
    HOST_NAME = "host.name", Keyword;
    HOST_OS_FAMILY = "host.os.family", Keyword;
    HOST_OS_KERNEL = "host.os.kernel", Keyword;
    HOST_OS_NAME = "host.os.name", Keyword;
    HOST_OS_PLATFORM = "host.os.platform", Keyword;
    HOST_OS_VERSION = "host.os.version", Keyword;
    HOST_TYPE = "host.type", Keyword;
    HOST_UPTIME = "host.uptime", Long;
    // http
    HTTP_REQUEST_BODY_BYTES = "http.request.body.bytes", Long;
    HTTP_REQUEST_BODY_CONTENT = "http.request.body.content", Text;
    HTTP_REQUEST_BYTES = "http.request.bytes", Long;
    HTTP_REQUEST_ID = "http.request.id", Keyword;
    HTTP_REQUEST_METHOD = "http.request.method", Keyword;
    HTTP_REQUEST_MIME_TYPE = "http.request.mime_type", Keyword;
    HTTP_REQUEST_REFERRER = "http.request.referrer", Keyword;
    HTTP_RESPONSE_BODY_BYTES = "http.response.body.bytes", Long;
    HTTP_RESPONSE_BODY_CONTENT = "http.response.body.content", Text;
    HTTP_RESPONSE_BYTES = "http.response.bytes", Long;
    HTTP_RESPONSE_MIME_TYPE = "http.response.mime_type", Keyword;
    HTTP_RESPONSE_STATUS_CODE = "http.response.status_code", Long;
    HTTP_VERSION = "http.version", Keyword;
    // interface, log
    LOG_FILE_PATH = "log.file.path", Keyword;
    LOG_LEVEL = "log.level", Keyword;
    LOG_LOGGER = "log.logger", Keyword;
    LOG_OFFSET = "log.offset", Long;
    LOG_ORIGIN_FILE_LINE = "log.origin.file.line", Long;
    LOG_ORIGIN_FILE_NAME = "log.origin.file.name", Keyword;
    LOG_ORIGIN_FUNCTION = "log.origin.function", Keyword;
    LOG_SYSLOG_APPNAME = "log.syslog.appname", Keyword;
    LOG_SYSLOG_FACILITY_CODE = "log.syslog.facility.code", Long;
    LOG_SYSLOG_FACILITY_NAME = "log.syslog.facility.name", Keyword;
    LOG_SYSLOG_HOSTNAME = "log.syslog.hostname", Keyword;
    LOG_SYSLOG_MSGID = "log.syslog.msgid", Keyword;
    LOG_SYSLOG_PRIORITY = "log.syslog.priority", Long;
    LOG_SYSLOG_PROCID = "log.syslog.procid", Keyword;
    LOG_SYSLOG_SEVERITY_CODE = "log.syslog.severity.code", Long;
    LOG_SYSLOG_SEVERITY_NAME = "log.syslog.severity.name", Keyword;
    LOG_SYSLOG_STRUCTURED_DATA = "log.syslog.structured_data", Keyword;
    LOG_SYSLOG_VERSION = "log.syslog.version", Keyword;
    // network
    NETWORK_APPLICATION = "network.application", Keyword;
    NETWORK_BYTES = "network.bytes", Long;
    NETWORK_COMMUNITY_ID = "network.community_id", Keyword;
    NETWORK_DIRECTION = "network.direction", Keyword;
    NETWORK_FORWARDED_IP = "network.forwarded_ip", Ip;
    NETWORK_IANA_NUMBER = "network.iana_number", Keyword;
    NETWORK_NAME = "network.name", Keyword;
    NETWORK_PACKETS = "network.packets", Long;
    NETWORK_PROTOCOL = "network.protocol", Keyword;
    NETWORK_TRANSPORT = "network.transport", Keyword;
    NETWORK_TYPE = "network.type", Keyword;
    NETWORK_VLAN_ID = "network.vlan.id", Keyword;
    NETWORK_VLAN_NAME = "network.vlan.name", Keyword;
    // observer
    OBSERVER_EGRESS_INTERFACE_NAME = "observer.egress.interface.name", Keyword;
    OBSERVER_EGRESS_ZONE = "observer.egress.zone", Keyword;
    OBSERVER_HOSTNAME = "observer.hostname", Keyword;
    OBSERVER_INGRESS_INTERFACE_NAME = "observer.ingress.interface.name", Keyword;
    OBSERVER_INGRESS_ZONE = "observer.ingress.zone", Keyword;
    OBSERVER_IP = "observer.ip", Ip;
    OBSERVER_MAC = "observer.mac", Keyword;
    OBSERVER_NAME = "observer.name", Keyword;
    OBSERVER_PRODUCT = "observer.product", Keyword;
    OBSERVER_SERIAL_NUMBER = "observer.serial_number", Keyword;
    OBSERVER_TYPE = "observer.type", Keyword;
    OBSERVER_VENDOR = "observer.vendor", Keyword;
    OBSERVER_VERSION = "observer.version", Keyword;
    // orchestrator
    ORCHESTRATOR_CLUSTER_NAME = "orchestrator.cluster.name", Keyword;
    ORCHESTRATOR_NAMESPACE = "orchestrator.namespace", Keyword;
    ORCHESTRATOR_RESOURCE_NAME = "orchestrator.resource.name", Keyword;
    ORCHESTRATOR_RESOURCE_TYPE = "orchestrator.resource.type", Keyword;
    ORCHESTRATOR_TYPE = "orchestrator.type", Keyword;
    // organization, package
    ORGANIZATION_ID = "organization.id", Keyword;
    ORGANIZATION_NAME = "organization.name", Keyword;
    PACKAGE_NAME = "package.name", Keyword;
    PACKAGE_VERSION = "package.version", Keyword;
    // process
    PROCESS_ARGS = "process.args", Keyword;
    PROCESS_ARGS_COUNT = "process.args_count", Long;
    PROCESS_COMMAND_LINE = "process.command_line", Keyword;
    PROCESS_ENTITY_ID = "process.entity_id", Keyword;
    PROCESS_EXECUTABLE = "process.executable", Keyword;
    PROCESS_EXIT_CODE = "process.exit_code", Long;
    PROCESS_GROUP_ID = "process.group.id", Keyword;
    PROCESS_HASH_MD5 = "process.hash.md5", Keyword;
    PROCESS_HASH_SHA1 = "process.hash.sha1", Keyword;
    PROCESS_HASH_SHA256 = "process.hash.sha256", Keyword;
    PROCESS_HASH_IMPHASH = "process.hash.imphash", Keyword;
    PROCESS_NAME = "process.name", Keyword;
    PROCESS_PARENT_COMMAND_LINE = "process.parent.command_line", Keyword;
    PROCESS_PARENT_ENTITY_ID = "process.parent.entity_id", Keyword;
    PROCESS_PARENT_EXECUTABLE = "process.parent.executable", Keyword;
    PROCESS_PARENT_NAME = "process.parent.name", Keyword;
    PROCESS_PARENT_PID = "process.parent.pid", Long;
    PROCESS_PARENT_USER_NAME = "process.parent.user.name", Keyword;
    PROCESS_PE_COMPANY = "process.pe.company", Keyword;
    PROCESS_PE_DESCRIPTION = "process.pe.description", Keyword;
    PROCESS_PE_FILE_VERSION = "process.pe.file_version", Keyword;
    PROCESS_PE_ORIGINAL_FILE_NAME = "process.pe.original_file_name", Keyword;
    PROCESS_PE_PRODUCT = "process.pe.product", Keyword;
    PROCESS_PGID = "process.pgid", Long;
    PROCESS_PID = "process.pid", Long;
    PROCESS_REAL_USER_ID = "process.real_user.id", Keyword;
    PROCESS_THREAD_ID = "process.thread.id", Long;
    PROCESS_THREAD_NAME = "process.thread.name", Keyword;
    PROCESS_TITLE = "process.title", Keyword;
    PROCESS_TTY = "process.tty", Keyword;
    PROCESS_USER_ID = "process.user.id", Keyword;
    PROCESS_USER_NAME = "process.user.name", Keyword;
    PROCESS_WORKING_DIRECTORY = "process.working_directory", Keyword;
    // registry
    REGISTRY_DATA_STRINGS = "registry.data.strings", Keyword;
    REGISTRY_DATA_TYPE = "registry.data.type", Keyword;
    REGISTRY_HIVE = "registry.hive", Keyword;
    REGISTRY_KEY = "registry.key", Keyword;
    REGISTRY_PATH = "registry.path", Keyword;
    REGISTRY_VALUE = "registry.value", Keyword;
    // related
    RELATED_HASH = "related.hash", Keyword;
    RELATED_HOSTS = "related.hosts", Keyword;
    RELATED_IP = "related.ip", Ip;
    RELATED_USER = "related.user", Keyword;
    // rule
    RULE_CATEGORY = "rule.category", Keyword;
    RULE_DESCRIPTION = "rule.description", Keyword;
    RULE_ID = "rule.id", Keyword;
    RULE_NAME = "rule.name", Keyword;
    RULE_RULESET = "rule.ruleset", Keyword;
    RULE_UUID = "rule.uuid", Keyword;
    RULE_VERSION = "rule.version", Keyword;
    // service
    SERVICE_ADDRESS = "service.address", Keyword;
    SERVICE_ID = "service.id", Keyword;
    SERVICE_NAME = "service.name", Keyword;
    SERVICE_NODE_NAME = "service.node.name", Keyword;
    SERVICE_STATE = "service.state", Keyword;
    SERVICE_TYPE = "service.type", Keyword;
    SERVICE_VERSION = "service.version", Keyword;
    // session, source
    SESSION_ID = "session.id", Keyword;
    SOURCE_ADDRESS = "source.address", Keyword;
    SOURCE_AS_NUMBER = "source.as.number", Long;
    SOURCE_AS_ORGANIZATION_NAME = "source.as.organization.name", Keyword;
    SOURCE_BYTES = "source.bytes", Long;
    SOURCE_DOMAIN = "source.domain", Keyword;
    SOURCE_GEO_CITY_NAME = "source.geo.city_name", Keyword;
    SOURCE_GEO_COUNTRY_ISO_CODE = "source.geo.country_iso_code", Keyword;
    SOURCE_GEO_COUNTRY_NAME = "source.geo.country_name", Keyword;
    SOURCE_IP = "source.ip", Ip;
    SOURCE_MAC = "source.mac", Keyword;
    SOURCE_NAT_IP = "source.nat.ip", Ip;
    SOURCE_NAT_PORT = "source.nat.port", Long;
    SOURCE_PACKETS = "source.packets", Long;
    SOURCE_PORT = "source.port", Long;
    SOURCE_USER_DOMAIN = "source.user.domain", Keyword;
    SOURCE_USER_EMAIL = "source.user.email", Keyword;
    SOURCE_USER_GROUP_NAME = "source.user.group.name", Keyword;
    SOURCE_USER_ID = "source.user.id", Keyword;
    SOURCE_USER_NAME = "source.user.name", Keyword;
    // threat
    THREAT_ENRICHMENTS_INDICATOR_TYPE = "threat.enrichments.indicator.type", Keyword;
    THREAT_FEED_NAME = "threat.feed.name", Keyword;
    THREAT_INDICATOR_CONFIDENCE = "threat.indicator.confidence", Keyword;
    THREAT_INDICATOR_DESCRIPTION = "threat.indicator.description", Keyword;
    THREAT_INDICATOR_IP = "threat.indicator.ip", Ip;
    THREAT_INDICATOR_URL_DOMAIN = "threat.indicator.url.domain", Keyword;
    THREAT_INDICATOR_URL_FULL = "threat.indicator.url.full", Keyword;
    THREAT_INDICATOR_TYPE = "threat.indicator.type", Keyword;
    THREAT_INDICATOR_NAME = "threat.indicator.name", Keyword;
    THREAT_SOFTWARE_NAME = "threat.software.name", Keyword;
    THREAT_TACTIC_ID = "threat.tactic.id", Keyword;
    THREAT_TACTIC_NAME = "threat.tactic.name", Keyword;
    THREAT_TECHNIQUE_ID = "threat.technique.id", Keyword;
    THREAT_TECHNIQUE_NAME = "threat.technique.name", Keyword;
    // tls, transaction, trace
    TLS_CIPHER = "tls.cipher", Keyword;
    TLS_CLIENT_HASH_SHA256 = "tls.client.hash.sha256", Keyword;
    TLS_CLIENT_JA3 = "tls.client.ja3", Keyword;
    TLS_CLIENT_SERVER_NAME = "tls.client.server_name", Keyword;
    TLS_CLIENT_SUBJECT = "tls.client.subject", Keyword;
    TLS_CLIENT_X509_SERIAL_NUMBER = "tls.client.x509.serial_number", Keyword;
    TLS_ESTABLISHED = "tls.established", Boolean;
    TLS_SERVER_ISSUER = "tls.server.issuer", Keyword;
    TLS_SERVER_SUBJECT = "tls.server.subject", Keyword;
    TLS_VERSION = "tls.version", Keyword;
    TRACE_ID = "trace.id", Keyword;
    TRANSACTION_ID = "transaction.id", Keyword;
    SPAN_ID = "span.id", Keyword;
    // url
    URL_DOMAIN = "url.domain", Keyword;
    URL_EXTENSION = "url.extension", Keyword;
    URL_FRAGMENT = "url.fragment", Keyword;
    URL_FULL = "url.full", Keyword;
    URL_ORIGINAL = "url.original", Keyword;
    URL_PASSWORD = "url.password", Keyword;
    URL_PATH = "url.path", Keyword;
    URL_PORT = "url.port", Long;
    URL_QUERY = "url.query", Keyword;
    URL_REGISTERED_DOMAIN = "url.registered_domain", Keyword;
    URL_SCHEME = "url.scheme", Keyword;
    URL_USERNAME = "url.username", Keyword;
    // user
    USER_CHANGES_NAME = "user.changes.name", Keyword;
    USER_DOMAIN = "user.domain", Keyword;
    USER_EFFECTIVE_ID = "user.effective.id", Keyword;
    USER_EFFECTIVE_NAME = "user.effective.name", Keyword;
    USER_EMAIL = "user.email", Keyword;
    USER_FULL_NAME = "user.full_name", Keyword;
    USER_GROUP_ID = "user.group.id", Keyword;
    USER_GROUP_NAME = "user.group.name", Keyword;
    USER_ID = "user.id", Keyword;
    USER_NAME = "user.name", Keyword;
    USER_ROLES = "user.roles", Keyword;
    USER_TARGET_DOMAIN = "user.target.domain", Keyword;
    USER_TARGET_GROUP_NAME = "user.target.group.name", Keyword;
    USER_TARGET_ID = "user.target.id", Keyword;
    USER_TARGET_NAME = "user.target.name", Keyword;
    // user_agent
    USER_AGENT_DEVICE_NAME = "user_agent.device.name", Keyword;
    USER_AGENT_NAME = "user_agent.name", Keyword;
    USER_AGENT_ORIGINAL = "user_agent.original", Keyword;
    USER_AGENT_OS_NAME = "user_agent.os.name", Keyword;
    USER_AGENT_VERSION = "user_agent.version", Keyword;
    // vulnerability, winlog
    VULNERABILITY_ID = "vulnerability.id", Keyword;
    WINLOG_ACTIVITY_ID = "winlog.activity_id", Keyword;
    WINLOG_API = "winlog.api", Keyword;
    WINLOG_CHANNEL = "winlog.channel", Keyword;
    WINLOG_COMPUTER_NAME = "winlog.computer_name", Keyword;
    WINLOG_EVENT_ID = "winlog.event_id", Keyword;
    WINLOG_KEYWORDS = "winlog.keywords", Keyword;
    WINLOG_LEVEL = "winlog.level", Keyword;
    WINLOG_LOGON_ID = "winlog.logon.id", Keyword;
    WINLOG_LOGON_TYPE = "winlog.logon.type", Keyword;
    WINLOG_OPCODE = "winlog.opcode", Keyword;
    WINLOG_PROCESS_PID = "winlog.process.pid", Long;
    WINLOG_PROCESS_THREAD_ID = "winlog.process.thread.id", Long;
    WINLOG_PROVIDER_GUID = "winlog.provider_guid", Keyword;
    WINLOG_PROVIDER_NAME = "winlog.provider_name", Keyword;
    WINLOG_RECORD_ID = "winlog.record_id", Keyword;
    WINLOG_TASK = "winlog.task", Keyword;
    WINLOG_USER_DOMAIN = "winlog.user.domain", Keyword;
    WINLOG_USER_IDENTIFIER = "winlog.user.identifier", Keyword;
    WINLOG_USER_NAME = "winlog.user.name", Keyword;
    WINLOG_USER_TYPE = "winlog.user.type", Keyword;
    WINLOG_VERSION = "winlog.version", Long;
    X509_SERIAL_NUMBER = "x509.serial_number", Keyword;
    X509_SUBJECT_COMMON_NAME = "x509.subject.common_name", Keyword;
    X509_ISSUER_COMMON_NAME = "x509.issuer.common_name", Keyword;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_finds_its_own_field() {
        for field in Field::all() {
            assert_eq!(Field::from_name(field.name()), Some(field), "{field} is in the table twice");
        }
        assert_eq!(SOURCE_IP.kind(), Kind::Ip);
        assert_eq!(Field::from_name("Source.IP"), None);
    }
}
