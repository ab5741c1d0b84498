//! What is allowed in a pack and yet looks like a mistake: field names nobody knows, values outside ECS's own.

use std::fs;
use std::path::Path;

use crate::diag::Located;
use crate::diag::closest;
use crate::model::Name;
use crate::model::Value;
use crate::model::ecs::Field;
use crate::parse::Packs;
use crate::parse::pack::error::PackError;
use crate::parse::pack::error::Problems;
use crate::parse::pack::file;
use crate::parse::pack::file::PackFile;
use crate::parse::pack::pattern::Convert;
use crate::parse::pack::pattern::Piece;

/// The fields for which ECS 8.17 lists the values, with these.
const ALLOWED: [(&str, &[&str]); 4] = [
    ("event.kind", &["alert", "asset", "enrichment", "event", "metric", "pipeline_error", "signal", "state"]),
    (
        "event.category",
        &[
            "api",
            "authentication",
            "configuration",
            "database",
            "driver",
            "email",
            "file",
            "host",
            "iam",
            "intrusion_detection",
            "library",
            "malware",
            "network",
            "package",
            "process",
            "registry",
            "session",
            "threat",
            "vulnerability",
            "web",
        ],
    ),
    (
        "event.type",
        &[
            "access",
            "admin",
            "allowed",
            "change",
            "connection",
            "creation",
            "deletion",
            "denied",
            "device",
            "end",
            "error",
            "group",
            "indicator",
            "info",
            "installation",
            "protocol",
            "start",
            "user",
        ],
    ),
    ("event.outcome", &["failure", "success", "unknown"]),
];

impl Packs {
    /// Looks through the pack files of a folder for what is no error and yet seems a slip. Files with errors are left out.
    pub fn advice(folder: &Path) -> Vec<Located<PackError>> {
        let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
        let mut paths: Vec<_> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
        paths.sort();
        let mut found = Vec::new();
        for path in paths {
            if let Ok(text) = super::library::read_file(&path) {
                found.extend(of_text(&path, &text));
            }
        }
        found
    }
}

/// Looks through one pack file.
fn of_text(path: &Path, text: &str) -> Problems {
    let (Some(pack), _) = file::read(path, text) else { return Vec::new() };
    let mut adviser = Adviser { path, text, pack: &pack, told: Vec::new(), found: Vec::new() };
    adviser.names();
    adviser.values();
    adviser.found.sort_by_key(|problem| problem.position);
    adviser.found
}

struct Adviser<'a> {
    path: &'a Path,
    text: &'a str,
    pack: &'a PackFile,
    told: Vec<String>,
    found: Problems,
}

impl<'a> Adviser<'a> {
    fn names(&mut self) {
        let pack = self.pack;
        let captured = pack.patterns.iter().flat_map(|pattern| {
            let pieces = pattern.variants.iter().flatten();
            let targets = pieces.filter_map(|piece| match piece {
                // The three names of an endpoint are made here, not written.
                Piece::Capture { target, .. } if target.convert != Convert::Endpoint => Some(target),
                Piece::Capture { .. } | Piece::Literal(_) => None,
            });
            targets.chain(pattern.columns.iter().flatten()).flat_map(|target| &target.names)
        });
        let fixed = pack.patterns.iter().flat_map(|pattern| &pattern.fields).chain(&pack.fields);
        let set = pack.when.iter().flat_map(|when| &when.set);
        let copied = pack.when.iter().flat_map(|when| when.copy.iter().map(|(_, to)| to));
        let mapped = pack.map.iter().flat_map(|(_, targets)| targets).filter(|it| it.convert != Convert::Endpoint);
        let mapped = mapped.flat_map(|target| &target.names);
        let timed = pack.time.iter().flat_map(|time| &time.target.names);
        let names = captured.chain(fixed.chain(set).map(|(name, _)| name)).chain(copied).chain(mapped).chain(timed);
        for name in names.chain(pack.values.iter().map(|values| &values.field)) {
            self.name(name);
        }
    }

    fn name(&mut self, name: &Name<'static>) {
        let Name::Other(name) = name else { return };
        if self.is_own(name) || self.told.iter().any(|told| told == name) {
            return;
        }
        self.told.push(name.to_string());
        let offset = word_at(self.text, name, 0).unwrap_or(0);
        let error = PackError::UnknownField { name: name.to_string() };
        let hint = match closest(name, Field::all().map(Field::name)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("a field of your own is best called `{}.…`", self.pack.name),
        };
        self.found.push(Located::at_offset(self.path, self.text, offset, error).with_hint(hint));
    }

    /// Says whether a name lies in a namespace that is nobody's but the source's: its pack, prefix, product, service or module.
    fn is_own(&self, name: &str) -> bool {
        let Some((first, _)) = name.split_once('.') else { return false };
        let first_of = |text: &str| text.split('.').next().map(str::to_owned);
        let logsource = &self.pack.logsource;
        let module = self.pack.fields.iter().filter(|(name, _)| name.as_str() == "event.module");
        let mut own: Vec<String> = vec![self.pack.name.clone(), "labels".to_owned()];
        own.extend(first_of(&self.pack.prefix).filter(|prefix| !prefix.is_empty()));
        own.extend(logsource.product.clone());
        own.extend(logsource.service.iter().cloned());
        own.extend(module.map(|(_, value)| value.to_text().into_owned()));
        own.iter().any(|one| one.replace('-', "_") == first.replace('-', "_"))
    }

    fn values(&mut self) {
        let pack = self.pack;
        let set = pack.when.iter().flat_map(|when| &when.set);
        let fixed = pack.patterns.iter().flat_map(|pattern| &pattern.fields).chain(&pack.fields).chain(set);
        for (name, value) in fixed {
            self.value(name.as_str(), value);
        }
        for values in &pack.values {
            for value in values.entries.iter().map(|(_, value)| value).chain(&values.otherwise) {
                self.value(values.field.as_str(), value);
            }
        }
    }

    fn value(&mut self, field: &str, value: &Value<'static>) {
        let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == field) else { return };
        value.for_each_scalar(|scalar| {
            let written = scalar.to_text();
            let key = format!("{field}={written}");
            if allowed.contains(&written.as_ref()) || self.told.contains(&key) {
                return;
            }
            self.told.push(key);
            let after = word_at(self.text, field, 0).unwrap_or(0);
            let offset = word_at(self.text, &written, after).unwrap_or(after);
            let error = PackError::ForeignValue { field: field.to_owned(), value: written.to_string() };
            let hint = match closest(&written, allowed.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("one of {}", allowed.join(", ")),
            };
            self.found.push(Located::at_offset(self.path, self.text, offset, error).with_hint(hint));
        });
    }
}

/// Finds a word where it stands alone, not as part of a longer name.
fn word_at(text: &str, word: &str, from: usize) -> Option<usize> {
    let is_inside = |letter: char| letter.is_alphanumeric() || matches!(letter, '.' | '_' | '-' | '@');
    let rest = text.get(from..)?;
    rest.match_indices(word)
        .find(|(at, _)| {
            let before = rest[..*at].chars().next_back();
            let after = rest[at + word.len()..].chars().next();
            !before.is_some_and(is_inside) && !after.is_some_and(is_inside)
        })
        .map(|(at, _)| from + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<String> {
        of_text(Path::new("vpnd.toml"), text).iter().map(|found| found.to_string().replace('\n', " ")).collect()
    }

    #[test]
    fn slips_in_names_and_values_are_told_with_their_place_and_what_was_meant() {
        let text = "name = \"vpnd\"\ntitle = \"VPN\"\n[[recognise]]\napp_name = \"vpnd\"\n\
                    [[pattern]]\ntext = 'login of {user.nam} by {vpnd.method} at {organization.nam} from {source:endpoint} done'\n\
                    fields = { \"event.outcome\" = \"succes\", \"event.category\" = [\"authentication\", \"login\"] }\n";
        let told = told(text);
        assert_eq!(told.len(), 4, "{told:#?}");
        for (line, place, word, hint) in [
            (0, "vpnd.toml:6:19", "user.nam", "`user.name`"),
            (1, "vpnd.toml:6:50", "organization.nam", "`organization.name`"),
            (2, "vpnd.toml:7:31", "succes", "`success`"),
            (3, "vpnd.toml:7:79", "login", "authentication"),
        ] {
            assert!(told[line].starts_with(place), "{}", told[line]);
            assert!(told[line].contains(word) && told[line].contains(hint), "{}", told[line]);
        }
    }

    #[test]
    fn our_own_packs_have_values_that_ecs_knows_and_no_name_one_slip_away() {
        for (path, text) in super::super::library::builtin_sources().into_values() {
            let found = of_text(&path, &text);
            let slips = found.iter().filter(|found| matches!(found.error, PackError::ForeignValue { .. }));
            assert_eq!(slips.map(ToString::to_string).collect::<Vec<_>>(), Vec::<String>::new());
        }
    }
}
