//! The configuration as the commands beside the server find it: the file named, the environment, the defaults.

use std::path::Path;
use std::path::PathBuf;

use anyhow::Context as _;

use crate::config::Flags;
use crate::config::Settings;
use crate::config::load;

/// Which configuration a command goes by.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Configured {
    /// The configuration file of the server; it names the data folder and the folders of your own rules and packs
    #[arg(long, value_name = "FILE", env = "LONGAN_CONFIG", global = true)]
    config: Option<PathBuf>,
}

impl Configured {
    /// Says whether a file was named.
    pub(super) fn is_named(&self) -> bool {
        self.config.is_some()
    }

    /// Reads it, `data` above all layers. The folder of rules is always named: `rules` in the data folder unless set.
    ///
    /// # Errors
    /// When the configuration is wrong; the error tells every problem with its place.
    pub(super) fn settings(&self, data: Option<&Path>) -> anyhow::Result<Settings> {
        let mut flags = Flags::default();
        flags.set("data", data.map(Path::display));
        // A variable that is no text cannot be one of ours.
        let environment =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let mut settings = load(self.config.as_deref(), environment, &flags).context("reading the configuration")?;
        let of_data = settings.data.join("rules");
        settings.rules.folder.get_or_insert(of_data);
        Ok(settings)
    }

    #[cfg(test)]
    pub(super) fn on(file: &Path) -> Configured {
        Configured { config: Some(file.to_owned()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_names_the_folders_and_the_data_folder_holds_the_rules_otherwise() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("longan.toml");
        std::fs::write(&file, "data = \"/srv/longan\"\n").expect("written");
        let settings = Configured::on(&file).settings(None).expect("right");
        assert_eq!(settings.rules.folder.as_deref(), Some(Path::new("/srv/longan/rules")));
        let settings = Configured::on(&file).settings(Some(Path::new("/elsewhere"))).expect("right");
        assert_eq!(settings.rules.folder.as_deref(), Some(Path::new("/elsewhere/rules")));
        std::fs::write(&file, "[rules]\nfolder = \"/etc/longan/rules\"\n").expect("written");
        let settings = Configured::on(&file).settings(None).expect("right");
        assert_eq!(settings.rules.folder.as_deref(), Some(Path::new("/etc/longan/rules")));
    }
}
