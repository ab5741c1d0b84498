//! Log lines of a file, or the traffic of our own demo with its placeholders filled.

use std::path::Path;

use anyhow::Context as _;
use fastrand::Rng;
use serde::Deserialize;

/// The same every time.
const SEED: u64 = 20_261_124;

/// Reads a file of lines; bytes that are no UTF-8 are replaced, as an input would.
///
/// # Errors
/// When it cannot be read.
pub fn read(path: &Path) -> anyhow::Result<Vec<String>> {
    let bytes = std::fs::read(path).with_context(|| format!("no such file of lines `{}`", path.display()))?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

#[derive(Deserialize)]
struct Scenes {
    scene: Vec<Scene>,
}

#[derive(Deserialize)]
struct Scene {
    transport: String,
    weight: usize,
    lines: Vec<String>,
}

/// Writes lines of the demo's everyday traffic, each scene as often as its weight says.
///
/// # Errors
/// When the demo's scenes cannot be read.
pub fn of_demo(count: usize) -> anyhow::Result<Vec<String>> {
    Ok(play(&scenes()?, count))
}

/// The same, only what travels as syslog: what a reader of syslog headers can be asked about.
///
/// # Errors
/// When the demo's scenes cannot be read.
pub fn of_demo_syslog(count: usize) -> anyhow::Result<Vec<String>> {
    let mut scenes = scenes()?;
    scenes.retain(|scene| matches!(scene.transport.as_str(), "udp" | "tcp"));
    Ok(play(&scenes, count))
}

fn scenes() -> anyhow::Result<Vec<Scene>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src/pipeline/demo/scenes.toml");
    let text = std::fs::read_to_string(&path).with_context(|| format!("no demo scenes in `{}`", path.display()))?;
    Ok(toml::from_str::<Scenes>(&text).context("the demo's scenes")?.scene)
}

fn play(scenes: &[Scene], count: usize) -> Vec<String> {
    let mut random = Rng::with_seed(SEED);
    let wheel: Vec<&Scene> = scenes.iter().flat_map(|scene| std::iter::repeat_n(scene, scene.weight)).collect();
    let mut lines = Vec::with_capacity(count);
    while lines.len() < count {
        let Some(scene) = random.choice(&wheel) else { break };
        let Some(template) = random.choice(&scene.lines) else { continue };
        lines.push(fill(template, &mut random, lines.len()));
    }
    lines
}

/// Fills the placeholders of a line; a brace that is none of ours stays.
fn fill(template: &str, random: &mut Rng, number: usize) -> String {
    let mut line = String::with_capacity(template.len() + 64);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        line.push_str(before);
        let filled = after.split_once('}').and_then(|(name, tail)| Some((value(name, random, number)?, tail)));
        match filled {
            Some((text, tail)) => {
                line.push_str(&text);
                rest = tail;
            }
            None => {
                line.push('{');
                rest = after;
            }
        }
    }
    line.push_str(rest);
    line
}

fn value(name: &str, random: &mut Rng, number: usize) -> Option<String> {
    let (hour, minute, second) = (number / 3600 % 24, number / 60 % 60, number % 60);
    let clock = format!("{hour:02}:{minute:02}:{second:02}");
    if let Some(range) = name.strip_prefix("int:") {
        let (low, high) = range.split_once(':')?;
        let (low, high): (u64, u64) = (low.parse().ok()?, high.parse().ok()?);
        return (low <= high).then(|| random.u64(low..=high).to_string());
    }
    if let Some(words) = name.strip_prefix("pick:") {
        return random.choice(words.split('|').collect::<Vec<_>>()).map(str::to_owned);
    }
    Some(match name {
        "rfc3164" => format!("Nov 24 {clock}"),
        "rfc5424" | "iso" => format!("2026-11-24T{clock}.{:03}+07:00", random.u16(0..1000)),
        "iso_space" => format!("2026-11-24 {clock}"),
        "clf" => format!("24/Nov/2026:{clock} +0700"),
        "nginx_error" => format!("2026/11/24 {clock}"),
        "epoch" => format!("{}.{:03}", 1_795_500_000 + number, random.u16(0..1000)),
        "fgt_date" => "2026-11-24".to_owned(),
        "fgt_time" => clock,
        "citizen" => format!("198.51.100.{}", random.u8(1..255)),
        "citizen6" => format!("2001:db8:{:x}::{:x}", random.u16(1..), random.u16(1..)),
        "staff" => random.choice(["an.nguyen", "binh.tran", "chi.le", "dung.pham", "ha.vo"])?.to_owned(),
        "staff_ip" => format!("10.20.{}.{}", random.u8(10..60), random.u8(1..255)),
        "attacker" | "victim" => format!("203.0.113.{}", random.u8(1..255)),
        "agent" => "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/142.0 Safari/537.36".to_owned(),
        "n" | "run" => number.to_string(),
        _ => return None,
    })
}
