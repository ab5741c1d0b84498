//! What an auditor is handed: bundles, notes, checkpoints. Damage is told, never believed.

use longan::evidence::bundle;
use longan::evidence::log::checkpoint::Checkpoint;
use longan::evidence::log::note::Signer;

use super::as_text;

/// A bundle nobody sealed is never right.
pub(super) fn bundle(data: &[u8]) {
    let signer = Signer::of_seed("fuzz.example", [7; 32]).expect("a name");
    assert!(!bundle::check(data, Some(signer.verifier())).is_right());
    let _ = bundle::check(data, None).is_right();
}

/// A note opens for the key that signed it and no other; a checkpoint that is read prints the same.
pub(super) fn checkpoint(data: &[u8]) {
    let text = as_text(data);
    let signer = Signer::of_seed("fuzz.example", [7; 32]).expect("a name");
    let other = Signer::of_seed("fuzz.example", [8; 32]).expect("a name");
    assert!(Checkpoint::open(&text, signer.verifier()).is_err(), "nobody signed it");
    if let Some(checkpoint) = Checkpoint::parse(&text) {
        let note = checkpoint.signed(&signer);
        let opened = Checkpoint::open(&note, signer.verifier()).expect("signed");
        assert_eq!(opened.text(), checkpoint.text());
        assert!(Checkpoint::open(&note, other.verifier()).is_err(), "another key");
    }
}
