//! Lines as container runtimes write them.

use longan::parse::structure::container;

use super::as_text;
use super::grammars::collect;

/// CRI and Docker lines: what is handed out is of the line.
pub(super) fn logs(data: &[u8]) {
    let text = as_text(data);
    collect(&text, container::cri);
    collect(&text, container::docker);
}
