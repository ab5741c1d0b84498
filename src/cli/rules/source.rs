//! Which rules a command works on: a folder alone, or our own with the operator's folder laid over them.

use std::path::Path;
use std::path::PathBuf;

use anyhow::bail;

use crate::detect::Content;
use crate::detect::RuleError;
use crate::diag::Located;

/// Where the rules are.
#[derive(Debug, clap::Args)]
pub(super) struct Source {
    /// Folder (or file) of rules; without it, the rules the program ships with and those of the configuration over them
    #[arg(long, value_name = "DIR")]
    pub(super) rules: Option<PathBuf>,
}

impl Source {
    /// Reads the rules with all that belongs to them: those of the folder named, else ours with the operator's over them.
    /// Our own mappings and lists serve a folder that has none.
    ///
    /// # Errors
    /// When there is no such folder.
    pub(super) fn read(&self, own: Option<&Path>) -> anyhow::Result<(Content, Vec<Located<RuleError>>)> {
        let Some(folder) = &self.rules else { return Ok(Content::load(own)) };
        require(folder)?;
        let builtin = Content::builtin();
        let (mut content, problems) = Content::of_folder(folder);
        if content.pipelines.is_empty() {
            content.pipelines = builtin.pipelines;
        }
        if content.lists.is_empty() {
            content.lists = builtin.lists;
        }
        Ok((content, problems))
    }
}

/// Fails with a plain sentence when a path is not there.
pub(super) fn require(path: &Path) -> anyhow::Result<()> {
    match path.try_exists() {
        Ok(true) => Ok(()),
        Ok(false) => bail!("no such rules folder `{}`", path.display()),
        Err(err) => Err(anyhow::Error::new(err).context(format!("cannot look at `{}`", path.display()))),
    }
}
