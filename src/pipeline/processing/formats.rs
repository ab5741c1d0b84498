//! How the lines of each input are to be read: character set, pinned pack, zone.

use std::collections::HashMap;
use std::sync::Arc;

use crate::config::Settings;
use crate::config::StreamInput;
use crate::ingest::file::Glob;
use crate::parse::charset::Charset;
use crate::pipeline::inputs;

/// What an input says about its lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(in crate::pipeline) struct Format {
    pub(in crate::pipeline) charset: Charset,
    /// The pack that reads them, where the operator pinned one.
    pub(in crate::pipeline) pack: Option<String>,
    pub(in crate::pipeline) zone_offset_seconds: i32,
}

/// The formats by input; followed files are looked up by their path.
#[derive(Debug, Default)]
pub(in crate::pipeline) struct Formats {
    known: HashMap<String, Arc<Format>>,
    files: Vec<(Glob, Arc<Format>)>,
    default: Arc<Format>,
}

/// Paths remembered; files come and go for years.
const KNOWN_MAX: usize = 10_000;
/// How the origin of a followed file's lines begins.
const FILE_PREFIX: &str = "file:";

impl Formats {
    pub(in crate::pipeline) fn of_settings(settings: &Settings) -> Formats {
        let of_streams = settings.streams().map(|(name, input)| (name.to_owned(), Arc::new(of_stream(input))));
        let mut known: HashMap<String, Arc<Format>> = of_streams.collect();
        known.extend(settings.http.as_ref().map(|http| {
            let format = Format {
                pack: http.format.clone(),
                zone_offset_seconds: http.zone_offset_seconds,
                ..Format::default()
            };
            ("http".to_owned(), Arc::new(format))
        }));
        known.extend(settings.databases.iter().map(|input| {
            let format = Format {
                pack: input.format.clone(),
                zone_offset_seconds: input.config.zone_offset_seconds,
                ..Format::default()
            };
            (input.config.name.clone(), Arc::new(format))
        }));
        known.extend(settings.journald.iter().map(|input| {
            let pack = input.format.clone();
            // Every entry has its time in UTC.
            (input.config.name.clone(), Arc::new(Format { pack, ..Format::default() }))
        }));
        // A followed file is looked up by its pattern, an imported one by its name: both are of the same list.
        let files = settings.files.iter().filter_map(|file| {
            let format = Format {
                charset: file.charset.parse().unwrap_or_default(),
                pack: file.format.clone(),
                zone_offset_seconds: file.zone_offset_seconds,
            };
            Some((inputs::glob_of(&file.path).ok()?, Arc::new(format)))
        });
        let default = Format { zone_offset_seconds: settings.zone_offset_seconds, ..Format::default() };
        Formats { known, files: files.collect(), default: Arc::new(default) }
    }

    /// Returns how lines of an input are read.
    pub(in crate::pipeline) fn of(&mut self, input: &str) -> Arc<Format> {
        if let Some(format) = self.known.get(input) {
            return Arc::clone(format);
        }
        let path = input.strip_prefix(FILE_PREFIX);
        let found = path.and_then(|path| self.files.iter().find(|(glob, _)| glob.admits(path.as_ref())));
        let format = found.map_or_else(|| Arc::clone(&self.default), |(_, format)| Arc::clone(format));
        if self.known.len() >= KNOWN_MAX {
            self.known.retain(|name, _| !name.starts_with(FILE_PREFIX));
        }
        self.known.insert(input.to_owned(), Arc::clone(&format));
        format
    }
}

fn of_stream(input: &StreamInput) -> Format {
    Format {
        charset: input.charset.parse().unwrap_or_default(),
        pack: input.format.clone(),
        zone_offset_seconds: input.zone_offset_seconds,
    }
}
