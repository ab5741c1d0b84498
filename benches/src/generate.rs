//! Rules and events made here, so that the benches run from a clone alone.
//!
//! Every rule applies to every event: the number of rules is then all that changes between two rows of the table. Rules and
//! events are shaped like those people write for Windows process creations, in names nobody uses.

use std::path::PathBuf;

use fastrand::Rng;
use longan::detect::RuleFile;
use serde_json::Value as Json;
use serde_json::json;

/// The same every time.
const SEED: u64 = 20_261_124;

const SYLLABLES: [&str; 24] = [
    "ba", "cor", "dan", "eri", "fo", "gun", "hal", "ixa", "jo", "kem", "lu", "mor", "nar", "ope", "pri", "qua", "ros",
    "sil", "ta", "umi", "vek", "wol", "xen", "zur",
];
const FOLDERS: [&str; 8] = [
    r"C:\Windows\System32",
    r"C:\Windows\SysWOW64",
    r"C:\Program Files",
    r"C:\Users\canbo\AppData\Local\Temp",
    r"C:\Users\Public",
    r"C:\ProgramData",
    r"D:\OneGate\bin",
    r"C:\Windows",
];

/// Writes this many rules, each in a file of its own.
pub fn rules(count: usize) -> Vec<RuleFile> {
    let mut random = Rng::with_seed(SEED);
    (0..count)
        .map(|number| RuleFile {
            path: PathBuf::from(format!("generated/{number:05}.yml")),
            text: format!(
                "title: Generated rule {number}\nid: generated-{number:05}\nstatus: test\nlevel: medium\n\
                 logsource: {{product: windows, category: process_creation}}\ndetection:\n{}",
                detection(&mut random)
            ),
        })
        .collect()
}

fn detection(random: &mut Rng) -> String {
    let tool = word(random);
    let options: Vec<String> =
        (0..random.usize(1..5)).map(|_| format!("      - ' {}{}'\n", dash(random), word(random))).collect();
    let options = options.concat();
    match random.u8(0..10) {
        0..4 => format!(
            "  tool:\n    Image|endswith: '\\{tool}.exe'\n  options:\n    CommandLine|contains:\n{options}  condition: tool and options\n"
        ),
        4..6 => format!("  words:\n    CommandLine|contains|all:\n{options}      - '{tool}'\n  condition: words\n"),
        6..8 => format!(
            "  child:\n    ParentImage|endswith: '\\{tool}.exe'\n    CommandLine|contains:\n{options}\
             \x20 known:\n    Image|startswith: 'C:\\Program Files\\{}'\n  condition: child and not known\n",
            word(random)
        ),
        8 => format!(
            "  tool:\n    - Image|endswith: '\\{tool}.exe'\n    - OriginalFileName: '{tool}.exe'\n\
             \x20 pattern:\n    CommandLine|re: '{}\\s+[0-9a-f]{{4,}}'\n  condition: tool and pattern\n",
            word(random)
        ),
        _ => format!(
            "  tool:\n    Description: '{tool} {}'\n  user:\n    User|contains: 'SYSTEM'\n  condition: tool and user\n",
            word(random)
        ),
    }
}

fn word(random: &mut Rng) -> String {
    (0..random.usize(2..5)).map(|_| SYLLABLES[random.usize(0..SYLLABLES.len())]).collect()
}

fn dash(random: &mut Rng) -> &'static str {
    if random.bool() { "-" } else { "/" }
}

/// Writes this many process creations. Programs and users repeat, command lines mostly do not, as on real machines.
pub fn events(count: usize) -> Vec<Json> {
    let mut random = Rng::with_seed(SEED ^ 1);
    let programs: Vec<(String, String)> = (0..120)
        .map(|_| {
            let name = word(&mut random);
            (format!(r"{}\{name}.exe", FOLDERS[random.usize(0..FOLDERS.len())]), name)
        })
        .collect();
    (0..count).map(|number| event(&mut random, number, &programs)).collect()
}

fn event(random: &mut Rng, number: usize, programs: &[(String, String)]) -> Json {
    // The square of an even draw: few programs make most of the events.
    let draw = |random: &mut Rng| &programs[((random.f64().powi(2)) * programs.len() as f64) as usize];
    let (image, name) = draw(random);
    let (parent, _) = draw(random);
    let options: Vec<String> =
        (0..random.usize(1..8)).map(|_| format!("{}{} {}", dash(random), word(random), random.u32(0..9999))).collect();
    let command_line = format!("\"{image}\" {}", options.join(" "));
    json!({
        "logsource": {"product": "windows", "service": ["sysmon"], "category": ["process_creation"]},
        "event": {
            "EventID": 1,
            "Channel": "Microsoft-Windows-Sysmon/Operational",
            "Provider_Name": "Microsoft-Windows-Sysmon",
            "Computer": format!("may-{:03}.tinh.example", random.u8(0..200)),
            "UtcTime": format!("2026-11-24 07:{:02}:{:02}.{:03}", number / 60_000 % 60, number / 1000 % 60, number % 1000),
            "ProcessGuid": format!("{{{:08X}-0000-0000-0000-{:012X}}}", random.u32(..), number),
            "ProcessId": random.u16(..),
            "Image": image,
            "OriginalFileName": format!("{name}.exe"),
            "Description": format!("{name} helper"),
            "CommandLine": command_line,
            "CurrentDirectory": FOLDERS[random.usize(0..FOLDERS.len())],
            "User": if random.u8(0..3) == 0 { "NT AUTHORITY\\SYSTEM" } else { "TINH\\canbo" },
            "IntegrityLevel": if random.bool() { "Medium" } else { "High" },
            "Hashes": format!("SHA256={:032X}{:032X}", random.u128(..), random.u128(..)),
            "ParentProcessId": random.u16(..),
            "ParentImage": parent,
            "ParentCommandLine": format!("\"{parent}\" {}", word(random)),
        }
    })
}
