//! Checkpoints (C2SP `tlog-checkpoint`): which log, how many entries, which root; signed as a note.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use crate::evidence::log::merkle::Hash;
use crate::evidence::log::note::NoteError;
use crate::evidence::log::note::Signer;
use crate::evidence::log::note::Verifier;

/// The state of a log at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// Names the log, for ever.
    pub origin: String,
    pub size: u64,
    pub root: Hash,
}

impl Checkpoint {
    /// Writes it without signature.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, BASE64_STANDARD.encode(self.root))
    }

    /// Writes it signed.
    pub fn signed(&self, signer: &Signer) -> String {
        signer.sign(&self.text())
    }

    /// Reads what a note says; lines after the third are extensions and are ignored.
    pub fn parse(text: &str) -> Option<Checkpoint> {
        let mut lines = text.split('\n');
        let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
        let number: u64 = size.parse().ok()?;
        let root: Hash = BASE64_STANDARD.decode(root).ok()?.try_into().ok()?;
        // A note holds no control characters but line feeds (C2SP signed-note).
        let is_plain = !origin.is_empty() && !origin.contains(char::is_control) && number.to_string() == size;
        is_plain.then(|| Checkpoint { origin: origin.to_owned(), size: number, root })
    }

    /// Checks a signed checkpoint and reads it.
    ///
    /// # Errors
    /// When the signature is not the key's, or what was signed is no checkpoint.
    pub fn open(note: &str, verifier: &Verifier) -> Result<Checkpoint, NoteError> {
        Checkpoint::parse(verifier.open(note)?).ok_or(NoteError::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::log::merkle::sha256;

    #[test]
    fn a_checkpoint_reads_back_and_others_do_not() {
        let signer = Signer::of_seed("longan-a", [9; 32]).expect("a key");
        let checkpoint = Checkpoint { origin: "longan-a/evidence".to_owned(), size: 3, root: sha256(b"x") };
        let note = checkpoint.signed(&signer);
        assert_eq!(Checkpoint::open(&note, signer.verifier()), Ok(checkpoint));
        for text in [
            "",
            "a\n1\n",
            "a\n01\nAAAA\n",
            "a\n-1\n\n",
            "\n1\nLXEWQrcmsEQBYnyp++wy9chTD7GQPMTbAiWHF5IaSIE=\n",
            "a\rb\n1\nLXEWQrcmsEQBYnyp++wy9chTD7GQPMTbAiWHF5IaSIE=\n",
        ] {
            assert_eq!(Checkpoint::parse(text), None, "{text:?}");
        }
    }
}
