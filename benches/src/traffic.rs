//! Log lines of a province at work, in the formats of the demo but with the variety of real ones: people, addresses, paths,
//! agents and numbers are drawn so that a few are frequent and many are rare (log-uniform, about Zipf's law).

use longan::model::Timestamp;
use longan::pipeline::demo::Everyday;

/// Stands in one line of so many: what a search for a rare word finds.
const RARE_EVERY: usize = 40_000;
/// The rare word.
pub const RARE_WORD: &str = "kzxqv";

const GIVEN: [&str; 24] = [
    "an", "anh", "bich", "binh", "chi", "cuong", "dung", "giang", "ha", "hai", "hoa", "hung", "khanh", "lan", "linh",
    "minh", "nam", "nga", "phuc", "quang", "son", "thao", "trang", "tuan",
];
const FAMILY: [&str; 20] = [
    "nguyen", "tran", "le", "pham", "hoang", "phan", "vu", "dang", "bui", "do", "ho", "ngo", "duong", "ly", "dinh",
    "mai", "cao", "truong", "trinh", "luong",
];
const SLUGS: [&str; 40] = [
    "cap", "doi", "giay", "phep", "lai", "xe", "dat", "dai", "ho", "tich", "khai", "sinh", "ket", "hon", "bao", "hiem",
    "xa", "hoi", "kinh", "doanh", "thue", "xay", "dung", "moi", "truong", "giao", "duc", "tuyen", "vien", "chuc",
    "thong", "bao", "du", "an", "quy", "hoach", "nghi", "dinh", "tin", "tuc",
];
const STATUSES: [u16; 16] = [200, 200, 200, 200, 200, 200, 200, 200, 304, 304, 302, 404, 404, 403, 500, 502];

/// Invents lines; the same seed gives the same ones for the same times.
pub struct Traffic {
    everyday: Everyday,
    random: fastrand::Rng,
    number: usize,
}

impl Traffic {
    /// Begins.
    ///
    /// # Errors
    /// When the demo's scenes cannot be read.
    pub fn new(seed: u64) -> anyhow::Result<Traffic> {
        Ok(Traffic { everyday: Everyday::new(seed)?, random: fastrand::Rng::with_seed(seed), number: 0 })
    }

    /// Invents the next line.
    pub fn line(&mut self, now: Timestamp) -> String {
        self.number += 1;
        if self.number.is_multiple_of(RARE_EVERY) {
            return self.sshd(now, &format!("error: kex_exchange_identification: {RARE_WORD} closed by remote host"));
        }
        match self.random.u32(0..100) {
            0..26 => self.web(now),
            26..46 => self.firewall(now),
            46..54 => self.login(now),
            54..62 => self.mail(now),
            62..70 => self.name_query(now),
            70..76 => self.process(now),
            _ => self.everyday.line(now),
        }
    }

    /// A number below `most`: small ones often, large ones seldom.
    fn rank(&mut self, most: u32) -> u32 {
        f64::from(most).powf(self.random.f64()) as u32 - 1
    }

    fn person(&mut self) -> String {
        let rank = self.rank(480) as usize;
        format!("{}.{}", GIVEN[rank % GIVEN.len()], FAMILY[rank / GIVEN.len() % FAMILY.len()])
    }

    /// Of the block set aside for measurements (RFC 2544).
    fn outside(&mut self) -> String {
        let rank = self.rank(120_000).wrapping_mul(2_654_435_761) % 131_072;
        format!("198.{}.{}.{}", 18 + rank / 65_536, rank / 256 % 256, rank % 256)
    }

    fn inside(&mut self) -> String {
        let rank = self.rank(5_000);
        format!("10.10.{}.{}", rank / 250, 2 + rank % 250)
    }

    fn path(&mut self) -> String {
        let depth = self.random.usize(1..4);
        let mut path = String::new();
        for _ in 0..depth {
            let (one, two) = (self.rank(40) as usize, self.random.usize(0..SLUGS.len()));
            path.push_str(&format!("/{}-{}", SLUGS[one % SLUGS.len()], SLUGS[two]));
        }
        match self.random.u8(0..4) {
            0 => path.push_str(&format!("?id={}", self.rank(900_000))),
            1 => path.push_str(&format!("?token={:016x}&page={}", self.random.u64(..), self.rank(90))),
            _ => {}
        }
        path
    }

    fn agent(&mut self) -> String {
        let version = 100 + self.rank(30);
        match self.rank(40) {
            0..14 => format!(
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 Safari/537.36"
            ),
            14..24 => format!(
                "Mozilla/5.0 (Linux; Android {}; K) AppleWebKit/537.36 Chrome/{version}.0 Mobile Safari/537.36",
                9 + version % 6
            ),
            24..32 => format!(
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_{} like Mac OS X) AppleWebKit/605.1.15 Version/17.{} Mobile Safari/604.1",
                version % 7,
                version % 5
            ),
            _ => format!("python-requests/2.{version}"),
        }
    }

    fn web(&mut self, now: Timestamp) -> String {
        let (address, path, agent) = (self.outside(), self.path(), self.agent());
        let method = if self.random.u8(0..6) == 0 { "POST" } else { "GET" };
        let status = STATUSES[self.random.usize(0..STATUSES.len())];
        let bytes = 200 + self.rank(400_000);
        format!(
            "{address} - - [{}] \"{method} {path} HTTP/1.1\" {status} {bytes} \"https://portal.tinh.example/\" \"{agent}\"",
            clf(now)
        )
    }

    fn firewall(&mut self, now: Timestamp) -> String {
        let local = civil(now);
        let (source, target) =
            if self.random.bool() { (self.inside(), self.outside()) } else { (self.outside(), self.inside()) };
        let port = [443, 443, 443, 80, 53, 22, 3389, 445, 25, 8443, 5060, 1433][self.rank(13) as usize % 12];
        let action = if self.random.u8(0..5) == 0 { "deny" } else { "accept" };
        let (duration, sent, received) = (self.rank(4_000), self.rank(9_000_000), self.rank(90_000_000));
        format!(
            "<189>date={:04}-{:02}-{:02} time={:02}:{:02}:{:02} devname=\"fw-{:02}\" devid=\"FGT60F00000000{:02}\" logid=\"0000000013\" type=\"traffic\" subtype=\"forward\" level=\"notice\" vd=\"root\" srcip={source} srcport={} srcintf=\"lan\" dstip={target} dstport={port} dstintf=\"wan1\" policyid={} sessionid={} proto=6 action=\"{action}\" duration={duration} sentbyte={sent} rcvdbyte={received}",
            local.year,
            local.month,
            local.day,
            local.hour,
            local.minute,
            local.second,
            1 + self.rank(12),
            self.rank(12),
            1024 + self.random.u32(0..64_000),
            1 + self.rank(60),
            self.random.u32(100_000..90_000_000),
        )
    }

    fn sshd(&mut self, now: Timestamp, text: &str) -> String {
        format!("<86>{} srv-{:02} sshd[{}]: {text}", rfc3164(now), 1 + self.rank(40), self.random.u32(900..60_000))
    }

    fn login(&mut self, now: Timestamp) -> String {
        let (person, address, port) = (self.person(), self.outside(), self.random.u32(1024..65_000));
        let text = match self.rank(60) {
            0..20 => format!(
                "Accepted publickey for {person} from {address} port {port} ssh2: RSA SHA256:{:016x}",
                self.random.u64(..)
            ),
            20..32 => format!("Failed password for root from {address} port {port} ssh2"),
            32..45 => format!("Failed password for invalid user {person} from {address} port {port} ssh2"),
            45..52 => format!("Accepted password for {person} from {address} port {port} ssh2"),
            _ => format!("Connection closed by authenticating user {person} {address} port {port} [preauth]"),
        };
        self.sshd(now, &text)
    }

    fn mail(&mut self, now: Timestamp) -> String {
        let (person, other) = (self.person(), self.person());
        let id = format!("{:010X}", self.random.u64(..1 << 40));
        let text = match self.random.u8(0..4) {
            0 => format!(
                "postfix/qmgr[{}]: {id}: from=<{person}@tinh.example>, size={}, nrcpt={} (queue active)",
                self.random.u32(900..9_000),
                self.rank(4_000_000),
                1 + self.rank(20)
            ),
            1 => format!(
                "postfix/smtpd[{}]: {id}: client=mail{}.bo.example[{}]",
                self.random.u32(900..60_000),
                self.rank(30),
                self.outside()
            ),
            2 => format!(
                "dovecot: imap-login: Login: user=<{other}@tinh.example>, method=PLAIN, rip={}, lip=10.20.1.30, mpid={}, TLS, session=<{id}>",
                self.inside(),
                self.random.u32(900..60_000)
            ),
            _ => format!(
                "dovecot: imap-login: Disconnected (auth failed, 1 attempts in 2 secs): user=<{other}@tinh.example>, method=PLAIN, rip={}, lip=10.20.1.30, TLS, session=<{id}>",
                self.outside()
            ),
        };
        format!("<22>{} mail{:02} {text}", rfc3164(now), 1 + self.rank(4))
    }

    fn name_query(&mut self, now: Timestamp) -> String {
        let (client, rank) = (self.inside(), self.rank(30_000));
        let name = format!(
            "{}{rank}.{}.example",
            SLUGS[rank as usize % SLUGS.len()],
            FAMILY[rank as usize / 7 % FAMILY.len()]
        );
        let kind = ["A", "A", "AAAA", "HTTPS", "PTR"][self.random.usize(0..5)];
        format!(
            "<30>{} dns-{:02} named[812]: client @0x7f{:010x} {client}#{} ({name}): query: {name} IN {kind} + (10.20.1.53)",
            rfc3164(now),
            1 + self.rank(4),
            self.random.u64(..1 << 40),
            self.random.u32(1024..65_000)
        )
    }

    fn process(&mut self, now: Timestamp) -> String {
        let (person, rank) = (self.person(), self.rank(300));
        let programs =
            ["WINWORD", "EXCEL", "chrome", "powershell", "cmd", "svchost", "Zalo", "UniKeyNT", "outlook", "teams"];
        let program = programs[rank as usize % programs.len()];
        format!(
            "{{\"@timestamp\":\"{}\",\"winlog\":{{\"channel\":\"Microsoft-Windows-Sysmon/Operational\",\"provider_name\":\"Microsoft-Windows-Sysmon\",\"event_id\":1,\"computer_name\":\"pc-{:03}.tinh.example\",\"event_data\":{{\"Image\":\"C:\\\\Program Files\\\\{program}\\\\{program}.exe\",\"CommandLine\":\"\\\"{program}.exe\\\" /n C:\\\\Users\\\\{person}\\\\{}-{}.docx\",\"ParentImage\":\"C:\\\\Windows\\\\explorer.exe\",\"ProcessId\":\"{}\",\"User\":\"TINH\\\\{person}\",\"Hashes\":\"SHA256={:032x}{:032x}\"}}}},\"event\":{{\"code\":\"1\",\"provider\":\"Microsoft-Windows-Sysmon\"}}}}",
            iso(now),
            self.rank(900),
            SLUGS[rank as usize % 40],
            self.rank(5_000),
            self.random.u32(400..30_000),
            self.random.u128(..),
            self.random.u128(..),
        )
    }
}

struct Local {
    year: i64,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
}

/// Seven hours ahead of UTC, as the demo's devices write.
fn civil(now: Timestamp) -> Local {
    let civil = Timestamp(now.0 + 7 * 3_600_000_000_000).to_civil();
    Local {
        year: i64::from(civil.year),
        month: civil.month,
        day: civil.day,
        hour: civil.hour,
        minute: civil.minute,
        second: civil.second,
    }
}

fn month(number: u8) -> &'static str {
    const NAMES: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    NAMES[usize::from(number - 1) % 12]
}

fn rfc3164(now: Timestamp) -> String {
    let Local { month: number, day, hour, minute, second, .. } = civil(now);
    format!("{} {day:2} {hour:02}:{minute:02}:{second:02}", month(number))
}

fn clf(now: Timestamp) -> String {
    let Local { year, month: number, day, hour, minute, second } = civil(now);
    format!("{day:02}/{}/{year}:{hour:02}:{minute:02}:{second:02} +0700", month(number))
}

fn iso(now: Timestamp) -> String {
    let Local { year, month, day, hour, minute, second } = civil(now);
    let millis = now.0.rem_euclid(1_000_000_000) / 1_000_000;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}+07:00")
}
