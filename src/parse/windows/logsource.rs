//! The Sigma log source of a Windows event: service by channel, categories by event id (specification 2.1, taxonomy).

use std::sync::LazyLock;

use crate::model::LogSource;

/// A service of Sigma's taxonomy, the channels that are it, and the categories of its event ids.
struct Service {
    name: &'static str,
    channels: &'static [&'static str],
    categories: &'static [(u32, &'static [&'static str])],
}

const SYSMON: &[(u32, &[&str])] = &[
    (1, &["process_creation"]),
    (2, &["file_change"]),
    (3, &["network_connection"]),
    (4, &["sysmon_status"]),
    (5, &["process_termination"]),
    (6, &["driver_load"]),
    (7, &["image_load"]),
    (8, &["create_remote_thread"]),
    (9, &["raw_access_thread"]),
    (10, &["process_access"]),
    (11, &["file_event"]),
    (12, &["registry_add", "registry_delete", "registry_event"]),
    (13, &["registry_set", "registry_event"]),
    (14, &["registry_rename", "registry_event"]),
    (15, &["create_stream_hash"]),
    (16, &["sysmon_status"]),
    (17, &["pipe_created"]),
    (18, &["pipe_created"]),
    (19, &["wmi_event"]),
    (20, &["wmi_event"]),
    (21, &["wmi_event"]),
    (22, &["dns_query"]),
    (23, &["file_delete"]),
    (24, &["clipboard_capture"]),
    (25, &["process_tampering"]),
    (26, &["file_delete", "file_delete_detected"]),
    (27, &["file_block_executable"]),
    (28, &["file_block_shredding"]),
    (29, &["file_executable_detected"]),
    (255, &["sysmon_error"]),
];
const SECURITY: &[(u32, &[&str])] = &[
    (4657, &["registry_set", "registry_event"]),
    (4688, &["process_creation"]),
    (4689, &["process_termination"]),
    (5156, &["network_connection"]),
];
const POWERSHELL: &[(u32, &[&str])] = &[(4103, &["ps_module"]), (4104, &["ps_script"])];
const CLASSIC: &[(u32, &[&str])] =
    &[(400, &["ps_classic_start"]), (600, &["ps_classic_provider_start"]), (800, &["ps_classic_script"])];

const fn plain(name: &'static str, channels: &'static [&'static str]) -> Service {
    Service { name, channels, categories: &[] }
}

/// Events of a channel that is not here belong to the product alone.
const SERVICES: [Service; 43] = [
    Service { name: "security", channels: &["Security"], categories: SECURITY },
    Service { name: "sysmon", channels: &["Microsoft-Windows-Sysmon/Operational"], categories: SYSMON },
    Service {
        name: "powershell",
        channels: &["Microsoft-Windows-PowerShell/Operational", "PowerShellCore/Operational"],
        categories: POWERSHELL,
    },
    Service { name: "powershell-classic", channels: &["Windows PowerShell"], categories: CLASSIC },
    plain("system", &["System"]),
    plain("application", &["Application"]),
    plain("taskscheduler", &["Microsoft-Windows-TaskScheduler/Operational"]),
    plain("wmi", &["Microsoft-Windows-WMI-Activity/Operational"]),
    plain("windefend", &["Microsoft-Windows-Windows Defender/Operational"]),
    plain("dns-server", &["DNS Server"]),
    plain("dns-server-analytic", &["Microsoft-Windows-DNS-Server/Analytical"]),
    plain("dns-server-audit", &["Microsoft-Windows-DNS-Server/Audit"]),
    plain("dns-client", &["Microsoft-Windows-DNS Client Events/Operational"]),
    plain("driver-framework", &["Microsoft-Windows-DriverFrameworks-UserMode/Operational"]),
    plain("dhcp", &["Microsoft-Windows-DHCP-Server/Operational"]),
    plain("ntlm", &["Microsoft-Windows-NTLM/Operational"]),
    plain("msexchange-management", &["MSExchange Management"]),
    plain("microsoft-servicebus-client", &["Microsoft-ServiceBus-Client", "Microsoft-ServiceBus-Client/Admin"]),
    plain("printservice-admin", &["Microsoft-Windows-PrintService/Admin"]),
    plain("printservice-operational", &["Microsoft-Windows-PrintService/Operational"]),
    plain(
        "terminalservices-localsessionmanager",
        &["Microsoft-Windows-TerminalServices-LocalSessionManager/Operational"],
    ),
    plain("smbclient-security", &["Microsoft-Windows-SmbClient/Security"]),
    plain("smbclient-connectivity", &["Microsoft-Windows-SmbClient/Connectivity"]),
    plain("smbserver-connectivity", &["Microsoft-Windows-SMBServer/Connectivity"]),
    plain("bits-client", &["Microsoft-Windows-Bits-Client/Operational"]),
    plain("firewall-as", &["Microsoft-Windows-Windows Firewall With Advanced Security/Firewall"]),
    plain("codeintegrity-operational", &["Microsoft-Windows-CodeIntegrity/Operational"]),
    plain("appxdeployment-server", &["Microsoft-Windows-AppXDeploymentServer/Operational"]),
    plain("appxpackaging-om", &["Microsoft-Windows-AppxPackaging/Operational"]),
    plain("appmodel-runtime", &["Microsoft-Windows-AppModel-Runtime/Admin"]),
    plain(
        "applocker",
        &[
            "Microsoft-Windows-AppLocker/EXE and DLL",
            "Microsoft-Windows-AppLocker/MSI and Script",
            "Microsoft-Windows-AppLocker/Packaged app-Deployment",
            "Microsoft-Windows-AppLocker/Packaged app-Execution",
        ],
    ),
    plain("ldap_debug", &["Microsoft-Windows-LDAP-Client/Debug"]),
    plain("lsa-server", &["Microsoft-Windows-LSA/Operational"]),
    plain(
        "security-mitigations",
        &["Microsoft-Windows-Security-Mitigations/Kernel Mode", "Microsoft-Windows-Security-Mitigations/User Mode"],
    ),
    plain("diagnosis-scripted", &["Microsoft-Windows-Diagnosis-Scripted/Operational"]),
    plain("shell-core", &["Microsoft-Windows-Shell-Core/Operational"]),
    plain("openssh", &["OpenSSH/Operational"]),
    plain("vhdmp", &["Microsoft-Windows-VHDMP/Operational"]),
    plain("capi2", &["Microsoft-Windows-CAPI2/Operational"]),
    plain(
        "certificateservicesclient-lifecycle-system",
        &["Microsoft-Windows-CertificateServicesClient-Lifecycle-System/Operational"],
    ),
    plain("iis-configuration", &["Microsoft-IIS-Configuration/Operational"]),
    plain("kernel-event-tracing", &["Microsoft-Windows-Kernel-EventTracing/Admin"]),
    plain("sense", &["Microsoft-Windows-SENSE/Operational"]),
];

/// The log sources of a service: first without a category, then one for each of its event ids.
static SOURCES: LazyLock<Vec<Vec<LogSource>>> = LazyLock::new(|| {
    let source = |service: &Service, categories: &[&str]| LogSource {
        product: Some("windows".to_owned()),
        service: vec![service.name.to_owned()],
        category: categories.iter().map(|category| (*category).to_owned()).collect(),
    };
    let all = |service: &Service| {
        let with_categories = service.categories.iter().map(|(_, categories)| source(service, categories));
        std::iter::once(source(service, &[])).chain(with_categories).collect()
    };
    SERVICES.iter().map(all).collect()
});

static WINDOWS: LazyLock<LogSource> =
    LazyLock::new(|| LogSource { product: Some("windows".to_owned()), ..LogSource::default() });

/// Returns the log source of an event; a channel that is not known gives the product alone.
///
/// Events without a channel are known by their provider where there is one provider to a channel.
pub fn of(channel: Option<&str>, provider: Option<&str>, event_id: u32) -> &'static LogSource {
    let channel = channel.or_else(|| provider.and_then(channel_of)).unwrap_or_default();
    let service =
        SERVICES.iter().position(|service| service.channels.iter().any(|known| known.eq_ignore_ascii_case(channel)));
    let Some(service) = service else { return &WINDOWS };
    let categories = SERVICES.get(service).map_or(&[][..], |service| service.categories);
    let variant = categories.iter().position(|(id, _)| *id == event_id).map_or(0, |place| place + 1);
    SOURCES.get(service).and_then(|variants| variants.get(variant)).unwrap_or(&WINDOWS)
}

fn channel_of(provider: &str) -> Option<&'static str> {
    Some(match provider {
        "Microsoft-Windows-Sysmon" => "Microsoft-Windows-Sysmon/Operational",
        "Microsoft-Windows-Security-Auditing" => "Security",
        "Microsoft-Windows-PowerShell" => "Microsoft-Windows-PowerShell/Operational",
        "PowerShell" => "Windows PowerShell",
        "Service Control Manager" => "System",
        "Microsoft-Windows-TaskScheduler" => "Microsoft-Windows-TaskScheduler/Operational",
        "Microsoft-Windows-Windows Defender" => "Microsoft-Windows-Windows Defender/Operational",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channel_and_id_give_service_and_category() {
        for (channel, provider, id, service, category) in [
            (Some("Microsoft-Windows-Sysmon/Operational"), None, 1, "sysmon", "process_creation"),
            (None, Some("Microsoft-Windows-Sysmon"), 22, "sysmon", "dns_query"),
            (Some("Security"), None, 4688, "security", "process_creation"),
            (Some("Security"), None, 4625, "security", ""),
            (Some("Microsoft-Windows-PowerShell/Operational"), None, 4104, "powershell", "ps_script"),
            (Some("Windows PowerShell"), None, 400, "powershell-classic", "ps_classic_start"),
            (Some("System"), None, 1, "system", ""),
        ] {
            let source = of(channel, provider, id);
            assert_eq!(source.product.as_deref(), Some("windows"));
            assert_eq!(source.service, [service]);
            assert_eq!(source.category.join(","), category);
        }
        assert_eq!(of(Some("Something/Else"), None, 1), &*WINDOWS);
        assert!(of(None, Some("Microsoft-Windows-Sysmon"), 12).admits(Some("windows"), None, Some("registry_add")));
    }
}
