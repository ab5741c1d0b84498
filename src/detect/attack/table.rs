//! The table of ATT&CK itself: data and nothing else. Tactics, techniques and revoked ids of Enterprise, version 19.2.

use super::Tactic;

/// The version of ATT&CK the table is of.
pub const VERSION: &str = "19";

const fn tactic(
    letter: char,
    id: &'static str,
    slug: &'static str,
    name: &'static str,
    name_vi: &'static str,
) -> Tactic {
    Tactic { id, slug, name, name_vi, letter }
}

/// The tactics in the order of the matrix.
pub const TACTICS: [Tactic; 15] = [
    tactic('R', "TA0043", "reconnaissance", "Reconnaissance", "Trinh sát"),
    tactic('D', "TA0042", "resource-development", "Resource Development", "Chuẩn bị nguồn lực"),
    tactic('I', "TA0001", "initial-access", "Initial Access", "Xâm nhập ban đầu"),
    tactic('X', "TA0002", "execution", "Execution", "Thực thi"),
    tactic('P', "TA0003", "persistence", "Persistence", "Duy trì hiện diện"),
    tactic('V', "TA0004", "privilege-escalation", "Privilege Escalation", "Leo thang đặc quyền"),
    tactic('E', "TA0005", "stealth", "Stealth", "Ẩn mình"),
    tactic('B', "TA0112", "defense-impairment", "Defense Impairment", "Làm suy yếu phòng thủ"),
    tactic('C', "TA0006", "credential-access", "Credential Access", "Chiếm đoạt tài khoản"),
    tactic('S', "TA0007", "discovery", "Discovery", "Dò tìm bên trong"),
    tactic('L', "TA0008", "lateral-movement", "Lateral Movement", "Lây lan nội bộ"),
    tactic('O', "TA0009", "collection", "Collection", "Thu thập dữ liệu"),
    tactic('N', "TA0011", "command-and-control", "Command and Control", "Điều khiển từ xa"),
    tactic('F', "TA0010", "exfiltration", "Exfiltration", "Đánh cắp dữ liệu"),
    tactic('M', "TA0040", "impact", "Impact", "Phá hoại"),
];

/// What took the place of ids that were revoked: in version 19, in version 17, and the older ones that rules still name.
pub(super) const REVOKED: [(&str, &str); 42] = [
    ("1070.001", "1685.005"),
    ("1070.002", "1685.006"),
    ("1562", "1685"),
    ("1562.001", "1685"),
    ("1562.002", "1685.001"),
    ("1562.003", "1690"),
    ("1562.004", "1686"),
    ("1562.006", "1685"),
    ("1562.007", "1686.001"),
    ("1562.008", "1685.002"),
    ("1562.009", "1688"),
    ("1562.010", "1689"),
    ("1562.011", "1685.003"),
    ("1562.012", "1685.004"),
    ("1562.013", "1686.002"),
    ("1574.002", "1574.001"),
    ("1656", "1684.001"),
    ("1672", "1684.002"),
    ("1015", "1546.008"),
    ("1028", "1021.006"),
    ("1035", "1569.002"),
    ("1050", "1543.003"),
    ("1060", "1547.001"),
    ("1064", "1059"),
    ("1075", "1550.002"),
    ("1076", "1021.001"),
    ("1077", "1021.002"),
    ("1081", "1552.001"),
    ("1084", "1546.003"),
    ("1085", "1218.011"),
    ("1086", "1059.001"),
    ("1088", "1548.002"),
    ("1089", "1685"),
    ("1097", "1550.003"),
    ("1099", "1070.006"),
    ("1100", "1505.003"),
    ("1107", "1070.004"),
    ("1117", "1218.010"),
    ("1170", "1218.005"),
    ("1192", "1566.002"),
    ("1193", "1566.001"),
    ("1208", "1558.003"),
];

/// One technique a line: number, letters of its tactics, name.
pub(super) const TECHNIQUES: &str = "\
1001 N Data Obfuscation
1003 C OS Credential Dumping
1005 O Data from Local System
1006 E Direct Volume Access
1007 S System Service Discovery
1008 N Fallback Channels
1010 S Application Window Discovery
1011 F Exfiltration Over Other Network Medium
1012 S Query Registry
1014 E Rootkit
1016 S System Network Configuration Discovery
1018 S Remote System Discovery
1020 F Automated Exfiltration
1021 L Remote Services
1025 O Data from Removable Media
1027 E Obfuscated Files or Information
1029 F Scheduled Transfer
1030 F Data Transfer Size Limits
1033 S System Owner/User Discovery
1036 E Masquerading
1037 PV Boot or Logon Initialization Scripts
1039 O Data from Network Shared Drive
1040 CS Network Sniffing
1041 F Exfiltration Over C2 Channel
1046 S Network Service Discovery
1047 X Windows Management Instrumentation
1048 F Exfiltration Over Alternative Protocol
1049 S System Network Connections Discovery
1052 F Exfiltration Over Physical Medium
1053 XPV Scheduled Task/Job
1055 VE Process Injection
1056 CO Input Capture
1057 S Process Discovery
1059 X Command and Scripting Interpreter
1068 V Exploitation for Privilege Escalation
1069 S Permission Groups Discovery
1070 E Indicator Removal
1071 N Application Layer Protocol
1072 XL Software Deployment Tools
1074 O Data Staged
1078 IPVE Valid Accounts
1080 L Taint Shared Content
1082 S System Information Discovery
1083 S File and Directory Discovery
1087 S Account Discovery
1090 N Proxy
1091 IL Replication Through Removable Media
1092 N Communication Through Removable Media
1095 N Non-Application Layer Protocol
1098 PV Account Manipulation
1102 N Web Service
1104 N Multi-Stage Channels
1105 N Ingress Tool Transfer
1106 X Native API
1110 C Brute Force
1111 C Multi-Factor Authentication Interception
1112 PB Modify Registry
1113 O Screen Capture
1114 O Email Collection
1115 O Clipboard Data
1119 O Automated Collection
1120 S Peripheral Device Discovery
1123 O Audio Capture
1124 S System Time Discovery
1125 O Video Capture
1127 XE Trusted Developer Utilities Proxy Execution
1129 X Shared Modules
1132 N Data Encoding
1133 IP External Remote Services
1134 VE Access Token Manipulation
1135 S Network Share Discovery
1136 P Create Account
1137 P Office Application Startup
1140 E Deobfuscate/Decode Files or Information
1176 P Software Extensions
1185 O Browser Session Hijacking
1187 C Forced Authentication
1189 I Drive-by Compromise
1190 I Exploit Public-Facing Application
1195 I Supply Chain Compromise
1197 XPE BITS Jobs
1199 I Trusted Relationship
1200 I Hardware Additions
1201 S Password Policy Discovery
1202 E Indirect Command Execution
1203 X Exploitation for Client Execution
1204 X User Execution
1205 PEN Traffic Signaling
1207 B Rogue Domain Controller
1210 L Exploitation of Remote Services
1211 E Exploitation for Stealth
1212 C Exploitation for Credential Access
1213 O Data from Information Repositories
1216 E System Script Proxy Execution
1217 S Browser Information Discovery
1218 E System Binary Proxy Execution
1219 N Remote Access Tools
1220 E XSL Script Processing
1221 E Template Injection
1222 B File and Directory Permissions Modification
1480 E Execution Guardrails
1482 S Domain Trust Discovery
1484 VB Domain or Tenant Policy Modification
1485 M Data Destruction
1486 M Data Encrypted for Impact
1489 M Service Stop
1490 M Inhibit System Recovery
1491 M Defacement
1495 M Firmware Corruption
1496 M Resource Hijacking
1497 ES Virtualization/Sandbox Evasion
1498 M Network Denial of Service
1499 M Endpoint Denial of Service
1505 P Server Software Component
1518 S Software Discovery
1525 P Implant Internal Image
1526 S Cloud Service Discovery
1528 C Steal Application Access Token
1529 M System Shutdown/Reboot
1530 O Data from Cloud Storage
1531 M Account Access Removal
1534 L Internal Spearphishing
1535 E Unused/Unsupported Cloud Regions
1537 F Transfer Data to Cloud Account
1538 S Cloud Service Dashboard
1539 C Steal Web Session Cookie
1542 PE Pre-OS Boot
1543 PV Create or Modify System Process
1546 PV Event Triggered Execution
1547 PV Boot or Logon Autostart Execution
1548 V Abuse Elevation Control Mechanism
1550 L Use Alternate Authentication Material
1552 C Unsecured Credentials
1553 B Subvert Trust Controls
1554 P Compromise Host Software Binary
1555 C Credentials from Password Stores
1556 PBC Modify Authentication Process
1557 CO Adversary-in-the-Middle
1558 C Steal or Forge Kerberos Tickets
1559 X Inter-Process Communication
1560 O Archive Collected Data
1561 M Disk Wipe
1563 L Remote Service Session Hijacking
1564 E Hide Artifacts
1565 M Data Manipulation
1566 I Phishing
1567 F Exfiltration Over Web Service
1568 N Dynamic Resolution
1569 X System Services
1570 L Lateral Tool Transfer
1571 N Non-Standard Port
1572 N Protocol Tunneling
1573 N Encrypted Channel
1574 XE Hijack Execution Flow
1578 B Modify Cloud Compute Infrastructure
1580 S Cloud Infrastructure Discovery
1583 D Acquire Infrastructure
1584 D Compromise Infrastructure
1585 D Establish Accounts
1586 D Compromise Accounts
1587 D Develop Capabilities
1588 D Obtain Capabilities
1589 R Gather Victim Identity Information
1590 R Gather Victim Network Information
1591 R Gather Victim Org Information
1592 R Gather Victim Host Information
1593 R Search Open Websites/Domains
1594 R Search Victim-Owned Websites
1595 R Active Scanning
1596 R Search Open Technical Databases
1597 R Search Closed Sources
1598 R Phishing for Information
1599 B Network Boundary Bridging
1600 B Weaken Encryption
1601 B Modify System Image
1602 O Data from Configuration Repository
1606 C Forge Web Credentials
1608 D Stage Capabilities
1609 X Container Administration Command
1610 X Deploy Container
1611 V Escape to Host
1612 E Build Image on Host
1613 S Container and Resource Discovery
1614 S System Location Discovery
1615 S Group Policy Discovery
1619 S Cloud Storage Object Discovery
1620 E Reflective Code Loading
1621 C Multi-Factor Authentication Request Generation
1622 ES Debugger Evasion
1647 B Plist File Modification
1648 X Serverless Execution
1649 C Steal or Forge Authentication Certificates
1650 D Acquire Access
1651 X Cloud Administration Command
1652 S Device Driver Discovery
1653 P Power Settings
1654 S Log Enumeration
1657 M Financial Theft
1659 IN Content Injection
1665 N Hide Infrastructure
1666 B Modify Cloud Resource Hierarchy
1667 M Email Bombing
1668 P Exclusive Control
1669 I Wi-Fi Networks
1671 P Cloud Application Integration
1673 S Virtual Machine Discovery
1674 X Input Injection
1675 X ESXi Administration Command
1677 X Poisoned Pipeline Execution
1678 E Delay Execution
1679 E Selective Exclusion
1680 S Local Storage Discovery
1681 R Search Threat Vendor Data
1682 R Query Public AI Services
1683 D Generate Content
1684 E Social Engineering
1685 B Disable or Modify Tools
1686 B Disable or Modify System Firewall
1687 B Exploitation for Defense Impairment
1688 B Safe Mode Boot
1689 B Downgrade Attack
1690 B Prevent Command History Logging
";
