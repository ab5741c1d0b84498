//! The content the program ships with, and the folder of the operator's own laid over it.

use std::path::Path;
use std::path::PathBuf;

use hashbrown::HashMap;
use rust_embed::RustEmbed;

use super::Options;
use super::RuleFile;
use super::RuleSet;
use super::files;
use crate::detect::mapping::Mapping;
use crate::detect::mapping::Pipeline;
use crate::detect::sigma::error::RuleError;
use crate::diag::Located;

/// Our own rules, mappings and lists, compiled in.
#[derive(RustEmbed)]
#[folder = "rules/"]
struct Builtin;

/// Everything rules are made from: rule files, mappings (`pipelines/*.toml`), lists (`lists/*.txt`) and cases.
#[derive(Debug, Clone, Default)]
pub struct Content {
    pub rules: Vec<RuleFile>,
    pub pipelines: Vec<RuleFile>,
    pub lists: Vec<RuleFile>,
    /// Raw lines that must and must not match: `<rule>.cases.toml`.
    pub cases: Vec<RuleFile>,
}

impl Content {
    /// Returns what the program ships with.
    pub fn builtin() -> Content {
        let mut content = Content::default();
        let mut paths: Vec<_> = Builtin::iter().collect();
        paths.sort();
        for path in paths {
            let Some(file) = Builtin::get(&path) else { continue };
            let text = String::from_utf8_lossy(&file.data).into_owned();
            content.add(Path::new(path.as_ref()), RuleFile { path: Path::new("rules").join(path.as_ref()), text });
        }
        content
    }

    /// Reads a folder laid out like our own.
    pub fn of_folder(folder: &Path) -> (Content, Vec<Located<RuleError>>) {
        let mut content = Content::default();
        let (files, problems) = files::read_all(folder);
        for file in files {
            let relative = file.path.strip_prefix(folder).unwrap_or(&file.path).to_owned();
            content.add(&relative, file);
        }
        (content, problems)
    }

    /// Reads what the program ships with, a folder of the operator's own laid over it; a missing folder is no problem.
    pub fn load(overlay: Option<&Path>) -> (Content, Vec<Located<RuleError>>) {
        let builtin = Content::builtin();
        match overlay.filter(|folder| folder.try_exists().unwrap_or(true)) {
            Some(folder) => {
                let (over, unread) = Content::of_folder(folder);
                (builtin.overlaid(folder, over), unread)
            }
            None => (builtin, Vec::new()),
        }
    }

    fn add(&mut self, relative: &Path, file: RuleFile) {
        let name = relative.to_string_lossy();
        let within = |folder: &str| relative.parent().is_some_and(|parent| parent.ends_with(folder));
        let is = |extension: &str| relative.extension().is_some_and(|have| have == extension);
        if name.ends_with(".cases.toml") {
            self.cases.push(file);
        } else if is("toml") && within("pipelines") {
            self.pipelines.push(file);
        } else if is("txt") && within("lists") {
            self.lists.push(file);
        } else if is("yml") || is("yaml") {
            self.rules.push(file);
        }
    }

    /// Lays other content on top: a file of the same place replaces ours, others are added.
    #[must_use]
    pub fn overlaid(mut self, folder: &Path, over: Content) -> Content {
        let below = Path::new("rules");
        let lay = |ours: &mut Vec<RuleFile>, theirs: Vec<RuleFile>| {
            for file in theirs {
                let place: PathBuf = below.join(file.path.strip_prefix(folder).unwrap_or(&file.path));
                match ours.iter_mut().find(|have| have.path == place) {
                    Some(have) => *have = file,
                    None => ours.push(file),
                }
            }
        };
        lay(&mut self.rules, over.rules);
        lay(&mut self.pipelines, over.pipelines);
        lay(&mut self.lists, over.lists);
        lay(&mut self.cases, over.cases);
        self
    }

    /// Reads the mappings; a broken one is reported and left out.
    pub fn read_pipelines(&self) -> (Vec<Pipeline>, Vec<Located<RuleError>>) {
        let mut pipelines = Vec::new();
        let mut problems = Vec::new();
        for file in &self.pipelines {
            match Pipeline::read(&file.path, &file.text) {
                Ok(pipeline) => pipelines.push(pipeline),
                Err(problem) => problems.push(problem),
            }
        }
        (pipelines, problems)
    }

    /// Returns the lists that stand for placeholders, by file name: one entry a line, `#` starts a comment.
    pub fn read_lists(&self) -> HashMap<String, Vec<String>> {
        let entries = |text: &str| {
            let lines = text.lines().map(str::trim);
            lines.filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned).collect::<Vec<_>>()
        };
        let named = |file: &RuleFile| {
            let name = file.path.file_stem()?.to_string_lossy().into_owned();
            Some((name, entries(&file.text)))
        };
        self.lists.iter().filter_map(named).collect()
    }

    /// Compiles the content, with every mapping in force.
    pub fn compile(&self, utc_offset_seconds: i32) -> (RuleSet, Vec<Located<RuleError>>) {
        let (pipelines, mut problems) = self.read_pipelines();
        let options = Options { utc_offset_seconds, lists: self.read_lists(), mapping: Mapping::new(pipelines) };
        let (set, refused) = RuleSet::compile(&self.rules, &options);
        problems.extend(refused);
        (set, problems)
    }
}

impl RuleSet {
    /// Compiles the rules the program ships with.
    pub fn builtin(utc_offset_seconds: i32) -> RuleSet {
        Content::builtin().compile(utc_offset_seconds).0
    }

    /// Compiles the rules the program ships with, a folder of the operator's own laid over them.
    ///
    /// Whatever is broken is reported and left out; the rest runs. A missing folder is no problem: there are none of his own.
    pub fn load(overlay: Option<&Path>, utc_offset_seconds: i32) -> (RuleSet, Vec<Located<RuleError>>) {
        let (content, mut problems) = Content::load(overlay);
        let (set, refused) = content.compile(utc_offset_seconds);
        problems.extend(refused);
        (set, problems)
    }
}
