//! What a start with a configuration would run into: files that are absent or broken. Reads them, and does nothing else.

use crate::config::Settings;
use crate::diag::Located;
use crate::diag::closest;
use crate::ingest::tls::Security;
use crate::parse::Packs;
use crate::pipeline::inputs;
use crate::pipeline::knowledge;

/// What was foreseen, each problem with the place of the key that leads to it.
#[derive(Debug, Default)]
pub struct Foreseen {
    /// The start would be refused.
    pub errors: Vec<Located<String>>,
    /// It would start, and something would not be as it is meant.
    pub warnings: Vec<Located<String>>,
}

/// Looks at the files and folders that a configuration names.
pub fn foresee(settings: &Settings) -> Foreseen {
    let (packs, _) = Packs::load(settings.parsers.folder.as_deref().filter(|folder| folder.is_dir()));
    Foreseen { errors: errors(settings), warnings: warnings(settings, &packs) }
}

fn at(settings: &Settings, key: &str, problem: impl std::fmt::Display) -> Located<String> {
    Located::unplaced(settings.origin(key).unwrap_or("configuration"), format!("`{key}`: {problem}"))
}

fn errors(settings: &Settings) -> Vec<Located<String>> {
    let mut found = Vec::new();
    for (key, text) in knowledge::refused(settings) {
        // A problem in one of these files brings its own hint along.
        found.push(match text.split_once("\n  hint: ") {
            Some((problem, hint)) => at(settings, key, problem).with_hint(hint),
            None => at(settings, key, text),
        });
    }
    if let Some(tls) = &settings.tls
        && let Err(err) = Security::load(Some(&inputs::tls_config(tls)))
    {
        found.push(at(settings, "tls.certificate", format!("{:#}", anyhow::Error::from(err))));
    }
    if let Some(file) = settings.http.as_ref().and_then(|http| http.token_file.as_deref())
        && let Err(err) = inputs::tokens_of(file)
    {
        found.push(at(settings, "input.http.token_file", format!("{err:#}")));
    }
    found
}

/// Returns what is strange and yet no reason not to start.
pub(super) fn warnings(settings: &Settings, packs: &Packs) -> Vec<Located<String>> {
    let mut found = Vec::new();
    let folders = [
        ("rules.folder", settings.rules.folder.as_deref(), "no rules of your own are in force"),
        ("parsers.folder", settings.parsers.folder.as_deref(), "no packs of your own are in force"),
        ("enrich.threats_folder", settings.enrich.threats.as_deref(), "no threat list is in force"),
    ];
    for (key, folder, so) in folders {
        if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
            let problem = format!("there is no folder `{}`, so {so}", folder.display());
            found.push(at(settings, key, problem).with_hint("make the folder, or correct its name"));
        }
    }
    for (number, file) in settings.files.iter().enumerate() {
        let base = inputs::glob_of(&file.path).ok().map(|glob| glob.base().to_owned());
        if let Some(base) = base.filter(|base| !base.is_dir()) {
            let key = format!("input.file.{}.path", number + 1);
            let problem = format!("there is no folder `{}`, so nothing is followed until it comes", base.display());
            found.push(at(settings, &key, problem));
        }
    }
    for (key, format) in formats(settings) {
        if !packs.contains(format) {
            let names = packs.summaries();
            let hint = match closest(format, names.iter().map(|pack| pack.name.as_str())) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "`longan parsers list` names the parsers".to_owned(),
            };
            let problem = format!("there is no parser `{format}`, so each line is recognised by what it says");
            found.push(at(settings, &key, problem).with_hint(hint));
        }
    }
    found
}

/// Every `format` that is set, with its key.
fn formats(settings: &Settings) -> Vec<(String, &str)> {
    let of_streams = settings.streams().filter_map(|(name, input)| Some((name, input.format.as_deref()?)));
    let mut all: Vec<(String, &str)> =
        of_streams.map(|(name, format)| (format!("input.{name}.format"), format)).collect();
    let http = settings.http.as_ref().and_then(|http| http.format.as_deref());
    all.extend(http.map(|format| ("input.http.format".to_owned(), format)));
    let journal = settings.journald.as_ref().and_then(|journal| journal.format.as_deref());
    all.extend(journal.map(|format| ("input.journald.format".to_owned(), format)));
    for (number, file) in settings.files.iter().enumerate() {
        all.extend(file.format.as_deref().map(|format| (format!("input.file.{}.format", number + 1), format)));
    }
    for (number, database) in settings.databases.iter().enumerate() {
        all.extend(database.format.as_deref().map(|format| (format!("input.database.{}.format", number + 1), format)));
    }
    all
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Flags;
    use crate::config::load;

    fn lines(found: &[Located<String>]) -> Vec<String> {
        found.iter().map(|found| found.to_string().replace('\n', " ")).collect()
    }

    fn foreseen(folder: &Path, text: &str) -> Foreseen {
        let path = folder.join("longan.toml");
        std::fs::write(&path, text).expect("written");
        foresee(&load(Some(&path), [], &Flags::default()).expect("well-formed"))
    }

    #[test]
    fn what_is_absent_is_told_and_what_refuses_the_start_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let assets = folder.path().join("assets.csv");
        std::fs::write(&assets, "host,unit\nweb1,so-tttt\n").expect("written");
        let text = format!(
            "[rules]\nfolder = \"/no/such/rules\"\n[assets]\nfile = \"{}\"\n[input.relp]\nformat = \"linux_sshdd\"\n\
             [[input.file]]\npath = \"/no/such/folder/*.log\"\n",
            assets.display()
        );
        let found = foreseen(folder.path(), &text);
        let (errors, warnings) = (lines(&found.errors), lines(&found.warnings));
        assert!(errors.iter().all(|one| one.contains("longan.toml:4: `assets.file`")), "{errors:#?}");
        assert!(errors[0].contains("assets.csv:1:1"), "{errors:#?}");
        for (number, part) in [
            "longan.toml:2: `rules.folder`",
            "longan.toml:8: `input.file.1.path`",
            "longan.toml:6: `input.relp.format`",
        ]
        .into_iter()
        .enumerate()
        {
            assert!(warnings[number].contains(part), "{warnings:#?}");
        }
        assert_eq!(warnings.len(), 3, "{warnings:#?}");
    }

    #[test]
    fn the_defaults_foretell_nothing() {
        let settings = load(None, [], &Flags::default()).expect("the default is right");
        let found = foresee(&settings);
        assert!(found.errors.is_empty() && found.warnings.is_empty(), "{found:?}");
    }
}
