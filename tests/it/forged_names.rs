//! A name that a stranger types hides no failed login and moves no address: with blanks, quotes and words of the log's own
//! in it, the address and the failure are read all the same, for the rules that count them.

use longan::model::Timestamp;
use longan::normalize::Normalizer;
use longan::parse::Hint;
use longan::parse::Packs;

/// The address that failed to log in, in all lines below.
const ADDRESS: &str = "203.0.113.9";

/// Names that break lines apart.
const NAMES: [&str; 5] = ["an nguyen", "x' y", "x from 10.0.0.1", "x rhost=10.0.0.1", "(n) [m]"];

/// Lines of failed logins with `NAME` where the stranger's word stands.
const LINES: [&str; 22] = [
    "Mar 14 09:26:53 h sshd[7]: Failed password for invalid user NAME from 203.0.113.9 port 40112 ssh2",
    "Mar 14 09:26:53 h sshd[7]: Invalid user NAME from 203.0.113.9 port 40112",
    "Mar 14 09:26:53 h vsftpd: pam_unix(vsftpd:auth): authentication failure; logname= uid=0 euid=0 tty=ftp ruser=NAME rhost=203.0.113.9  user=ha",
    "Mar 14 09:26:53 f proftpd[7]: f (203.0.113.9[203.0.113.9]): USER NAME (Login failed): Incorrect password",
    "Mar 14 09:26:53 pve pvedaemon[7]: authentication failure; rhost=203.0.113.9 user=NAME msg=no such user",
    "<166>2026-03-14T09:26:53.589Z esx-1 Hostd: info hostd[2099] [Originator@6876 sub=Default] Rejected password for user NAME from 203.0.113.9",
    "Mar 14 09:26:53 gw-mt system,error,critical login failure for user NAME from 203.0.113.9 via ssh",
    "2026-03-14 09:26:53.12 Logon       Login failed for user 'NAME'. Reason: Could not find a login matching the name provided. [CLIENT: 203.0.113.9]",
    "Sat 2026-03-14 09:26:55.001: [1523918] Authentication failure for NAME from 203.0.113.9 (invalid password)",
    "0314092653|httpd|3|00|web: user NAME login failed from 203.0.113.9",
    "1773480413.71.0 [14/Mar/2026 09:26:53] NAME - 203.0.113.9 global miniserv.pl \"failed\" \"-\" \"wrongpass\"",
    "[notice] 2026-03-14T09:26:54.373712Z couchdb@10.0.0.8 <0.325.1> 3b0034fcd2 db.example.vn 203.0.113.9 NAME POST /_session 401 ok 2",
    "Mar 14 09:26:53 mx-3 imapd: LOGIN FAILED, user=NAME, ip=[::ffff:203.0.113.9]",
    "Mar 14 09:26:53 mx-3 cyrus/imap[71]: badlogin: [203.0.113.9] plaintext NAME SASL(-13): authentication failure",
    "203.0.113.9 - NAME [14/Mar/2026:09:26:53 +0700] \"POST /dang-nhap HTTP/1.1\" 401 512 \"-\" \"curl/8\"",
    "%ASA-6-605004: Login denied from 203.0.113.9/50100 to mgmt:10.0.0.1/ssh for user \"NAME\"",
    "%ASA-6-611102: User authentication failed: IP address: 203.0.113.9, Uname: NAME",
    "2026-03-14 09:26:53.589 +07 [71] 203.0.113.9 NAME@kho FATAL:  password authentication failed for user \"NAME\"",
    "2026-03-14T09:26:53.589+0700 I ACCESS   [conn7] SCRAM-SHA-1 authentication failed for NAME on kho from client 203.0.113.9:40112 ; UserNotFound",
    "[2026-03-14 09:26:53] NOTICE[9] manager.c: 203.0.113.9 failed to authenticate as 'NAME'",
    "Mar 14 09:26:53 fw php-fpm[71]: /index.php: webConfigurator authentication error for user 'NAME' from: 203.0.113.9",
    "2026-03-14 09:26:53.589793 [WARNING] sofia_reg.c:1793 SIP auth failure (REGISTER) on sofia profile 'internal' for [NAME] from ip 203.0.113.9",
];

#[test]
fn a_name_hides_no_failed_login_and_moves_no_address() {
    let (packs, problems) = Packs::load(None);
    assert!(problems.is_empty(), "{problems:?}");
    let normalizer = Normalizer::default();
    let hint = Hint { received: Timestamp(1_773_489_600_000_000_000), format: None, zone_offset_seconds: 0 };
    let mut findings = Vec::new();
    for line in LINES {
        for name in NAMES {
            let text = line.replace("NAME", name);
            let mut event = packs.parse(&text, &hint);
            normalizer.normalize(&mut event, None);
            let value = |field: &str| event.get_by_name(field).map(ToString::to_string).unwrap_or_default();
            let (address, outcome) = (value("source.ip"), value("event.outcome"));
            if address != ADDRESS || outcome != "failure" {
                findings.push(format!("address `{address}`, outcome `{outcome}`: {text}"));
            }
        }
    }
    assert!(findings.is_empty(), "{} findings:\n{}", findings.len(), findings.join("\n"));
}
