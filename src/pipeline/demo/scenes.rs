//! What is played, read from `scenes.toml`.

use std::path::Path;
use std::path::PathBuf;

use serde::Deserialize;

use crate::pipeline::demo::template::Template;

const SCENES: &str = include_str!("scenes.toml");

/// The everyday traffic of one system.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) transport: Transport,
    pub(super) weight: u32,
    pub(super) lines: Vec<Template>,
}

/// One story, told again and again.
#[derive(Debug)]
pub(super) struct Attack {
    pub(super) name: String,
    /// The ids of rules that must be set off by it.
    pub(super) raises: Vec<String>,
    pub(super) transport: Transport,
    pub(super) first_seconds: u64,
    pub(super) every_seconds: u64,
    pub(super) repeat: u32,
    pub(super) gap_ms: u64,
    pub(super) lines: Vec<Template>,
    pub(super) last: Vec<Template>,
}

/// How a line travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Transport {
    Udp,
    Tcp,
    Http,
    File(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawScenes {
    scene: Vec<RawScene>,
    attack: Vec<RawAttack>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawScene {
    #[serde(rename = "system")]
    _system: u8,
    #[serde(rename = "name")]
    _name: String,
    transport: String,
    weight: u32,
    lines: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawAttack {
    #[serde(rename = "system")]
    _system: u8,
    name: String,
    raises: Vec<String>,
    transport: String,
    first_seconds: u64,
    every_seconds: u64,
    repeat: u32,
    gap_ms: u64,
    lines: Vec<String>,
    #[serde(default)]
    last: Vec<String>,
}

/// Reads the scenes that are compiled in.
///
/// # Errors
/// When they are not well-formed: a mistake of ours, which a test finds.
pub(super) fn read() -> anyhow::Result<(Vec<Scene>, Vec<Attack>)> {
    let raw: RawScenes = toml::from_str(SCENES)?;
    let templates = |lines: &[String]| lines.iter().map(|line| Template::parse(line)).collect();
    let scenes = raw.scene.iter().map(|scene| {
        let transport = Transport::parse(&scene.transport)?;
        Ok(Scene { transport, weight: scene.weight, lines: templates(&scene.lines) })
    });
    let attacks = raw.attack.iter().map(|attack| {
        Ok(Attack {
            name: attack.name.clone(),
            raises: attack.raises.clone(),
            transport: Transport::parse(&attack.transport)?,
            first_seconds: attack.first_seconds,
            every_seconds: attack.every_seconds,
            repeat: attack.repeat,
            gap_ms: attack.gap_ms,
            lines: templates(&attack.lines),
            last: templates(&attack.last),
        })
    });
    Ok((scenes.collect::<anyhow::Result<_>>()?, attacks.collect::<anyhow::Result<_>>()?))
}

impl Transport {
    fn parse(text: &str) -> anyhow::Result<Transport> {
        Ok(match text {
            "udp" => Transport::Udp,
            "tcp" => Transport::Tcp,
            "http" => Transport::Http,
            _ => match text.strip_prefix("file:") {
                Some(name) => Transport::File(name.to_owned()),
                None => anyhow::bail!("unknown transport `{text}`"),
            },
        })
    }
}

/// Returns the files the demo appends to, below `folder`: they must be followed as inputs.
///
/// # Errors
/// When the scenes are not well-formed: a mistake of ours, which a test finds.
pub fn followed_files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let (scenes, attacks) = read()?;
    let transports = scenes.iter().map(|scene| &scene.transport).chain(attacks.iter().map(|attack| &attack.transport));
    let mut files: Vec<PathBuf> = transports
        .filter_map(|transport| match transport {
            Transport::File(name) => Some(folder.join(name)),
            Transport::Udp | Transport::Tcp | Transport::Http => None,
        })
        .collect();
    files.sort();
    files.dedup();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_system_of_the_province_has_a_scene_and_an_attack() {
        let raw: RawScenes = toml::from_str(SCENES).expect("well-formed");
        for system in 1..=15 {
            assert!(raw.scene.iter().any(|scene| scene._system == system), "no scene of system {system}");
            assert!(raw.attack.iter().any(|attack| attack._system == system), "no attack on system {system}");
        }
        let (scenes, attacks) = read().expect("every transport is known");
        assert!(scenes.iter().all(|scene| scene.weight > 0 && !scene.lines.is_empty()));
        assert!(attacks.iter().all(|attack| attack.every_seconds >= 60 && attack.repeat >= 1));
        assert!(followed_files(Path::new("d")).expect("read").contains(&PathBuf::from("d/portal-access.log")));
    }
}
