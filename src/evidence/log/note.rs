//! Signed notes (C2SP `signed-note`): text lines, an empty line, and one line for each Ed25519 signature.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ring::rand::SecureRandom as _;
use ring::signature::Ed25519KeyPair;
use ring::signature::KeyPair as _;
use ring::signature::UnparsedPublicKey;

use crate::evidence::log::merkle::sha256;

/// The signature type of Ed25519.
const ED25519: u8 = 1;
const PRIVATE: &str = "PRIVATE+KEY+";
/// More signatures than this are not looked at.
const SIGNATURES_MAX: usize = 100;
/// Begins a line with a signature.
const MARK: &str = "— ";

/// Why a key or a signed text is not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    #[error("this is no key of a signed note")]
    BadKey,
    #[error("this is no signed note")]
    Malformed,
    #[error("it is signed by {} and not by `{wanted}`", listed(.found))]
    OtherKey { wanted: String, found: Vec<String> },
    #[error("the signature of `{0}` is not over this text")]
    BadSignature(String),
    #[error("the system has no randomness to give")]
    NoRandomness,
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "nobody".to_owned() } else { format!("`{}`", names.join("`, `")) }
}

impl NoteError {
    /// Says it in Vietnamese.
    pub fn in_vietnamese(&self) -> String {
        match self {
            NoteError::BadKey => "đây không phải là khoá của ghi chú có ký".to_owned(),
            NoteError::Malformed => "đây không phải là ghi chú có ký".to_owned(),
            NoteError::OtherKey { wanted, found } if found.is_empty() => {
                format!("không ai ký nó, `{wanted}` cũng không")
            }
            NoteError::OtherKey { wanted, found } => {
                format!("nó do {} ký, không phải `{wanted}`", listed(found))
            }
            NoteError::BadSignature(name) => format!("chữ ký của `{name}` không phải trên văn bản này"),
            NoteError::NoRandomness => "hệ thống không cấp được số ngẫu nhiên".to_owned(),
        }
    }
}

/// A public key with its name: what signatures are checked against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    name: String,
    id: [u8; 4],
    public: [u8; 32],
}

impl Verifier {
    fn new(name: &str, public: [u8; 32]) -> Verifier {
        let mut hashed = format!("{name}\n").into_bytes();
        hashed.push(ED25519);
        hashed.extend(public);
        let [a, b, c, d, ..] = sha256(&hashed);
        Verifier { name: name.to_owned(), id: [a, b, c, d], public }
    }

    /// Reads `NAME+ID+KEY`, the usual form of such keys.
    ///
    /// # Errors
    /// When it is not one, or its id is not that of its name and key.
    pub fn parse(text: &str) -> Result<Verifier, NoteError> {
        let read = || {
            let (name, rest) = text.trim().split_once('+')?;
            let (id, key) = rest.split_once('+')?;
            let public = key_bytes(key)?;
            let verifier = is_name(name).then(|| Verifier::new(name, public))?;
            (verifier.id_hex() == id).then_some(verifier)
        };
        read().ok_or(NoteError::BadKey)
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the id: 8 hexadecimal digits.
    pub fn id_hex(&self) -> String {
        format!("{:08x}", u32::from_be_bytes(self.id))
    }

    /// Checks a signed note; returns its text.
    ///
    /// # Errors
    /// When it is none, is signed by others only, or the signature is wrong.
    pub fn open<'n>(&self, note: &'n str) -> Result<&'n str, NoteError> {
        let (text, signatures) = taken_apart(note).ok_or(NoteError::Malformed)?;
        let ours = signatures.iter().find(|signature| signature.name == self.name && signature.id == self.id);
        let Some(ours) = ours else {
            let name =
                |signature: &Signature<'_>| format!("{}+{:08x}", signature.name, u32::from_be_bytes(signature.id));
            let wanted = format!("{}+{}", self.name, self.id_hex());
            return Err(NoteError::OtherKey { wanted, found: signatures.iter().map(name).collect() });
        };
        let key = UnparsedPublicKey::new(&ring::signature::ED25519, &self.public);
        key.verify(text.as_bytes(), &ours.bytes).map_err(|_| NoteError::BadSignature(self.name.clone()))?;
        Ok(text)
    }
}

impl std::fmt::Display for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut key = vec![ED25519];
        key.extend(self.public);
        write!(f, "{}+{}+{}", self.name, self.id_hex(), BASE64_STANDARD.encode(key))
    }
}

struct Signature<'n> {
    name: &'n str,
    id: [u8; 4],
    bytes: Vec<u8>,
}

/// Splits a note into its text, the last newline included, and its signatures.
fn taken_apart(note: &str) -> Option<(&str, Vec<Signature<'_>>)> {
    let at = note.rfind("\n\n")?;
    let (text, rest) = (note.get(..=at)?, note.get(at + 2..)?);
    let lines = rest.strip_suffix('\n')?.split('\n');
    let mut signatures = Vec::new();
    for line in lines.take(SIGNATURES_MAX) {
        let (name, encoded) = line.strip_prefix(MARK)?.split_once(' ')?;
        let bytes = BASE64_STANDARD.decode(encoded).ok()?;
        let (id, bytes) = bytes.split_first_chunk::<4>()?;
        signatures.push(Signature { name, id: *id, bytes: bytes.to_vec() });
    }
    (!text.contains('\r')).then_some((text, signatures))
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= 200 && name.chars().all(|c| c.is_ascii_graphic() && c != '+')
}

fn key_bytes(encoded: &str) -> Option<[u8; 32]> {
    let bytes = BASE64_STANDARD.decode(encoded).ok()?;
    let (kind, key) = bytes.split_first()?;
    (*kind == ED25519).then_some(())?;
    key.try_into().ok()
}

/// Signs notes.
pub struct Signer {
    verifier: Verifier,
    seed: [u8; 32],
    pair: Ed25519KeyPair,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("verifier", &self.verifier).finish_non_exhaustive()
    }
}

impl Signer {
    /// Makes a new key.
    ///
    /// # Errors
    /// When the system gives no randomness.
    pub fn generate(name: &str) -> Result<Signer, NoteError> {
        let mut seed = [0; 32];
        ring::rand::SystemRandom::new().fill(&mut seed).map_err(|_| NoteError::NoRandomness)?;
        Signer::of_seed(name, seed)
    }

    /// Takes a key by its seed.
    ///
    /// # Errors
    /// When the name cannot stand in a note.
    pub fn of_seed(name: &str, seed: [u8; 32]) -> Result<Signer, NoteError> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| NoteError::BadKey)?;
        let public: [u8; 32] = pair.public_key().as_ref().try_into().map_err(|_| NoteError::BadKey)?;
        if !is_name(name) {
            return Err(NoteError::BadKey);
        }
        Ok(Signer { verifier: Verifier::new(name, public), seed, pair })
    }

    /// Reads `PRIVATE+KEY+NAME+ID+KEY`.
    ///
    /// # Errors
    /// When it is not one.
    pub fn parse(text: &str) -> Result<Signer, NoteError> {
        let read = || {
            let (name, rest) = text.trim().strip_prefix(PRIVATE)?.split_once('+')?;
            let (id, key) = rest.split_once('+')?;
            let signer = Signer::of_seed(name, key_bytes(key)?).ok()?;
            (signer.verifier.id_hex() == id).then_some(signer)
        };
        read().ok_or(NoteError::BadKey)
    }

    /// Writes the secret key in the form that [`Signer::parse`] reads.
    pub fn secret_text(&self) -> String {
        let mut key = vec![ED25519];
        key.extend(self.seed);
        let Verifier { name, .. } = &self.verifier;
        format!("{PRIVATE}{name}+{}+{}\n", self.verifier.id_hex(), BASE64_STANDARD.encode(key))
    }

    /// Returns what the signatures are checked against.
    pub fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    /// Signs a text, which ends with a newline.
    pub fn sign(&self, text: &str) -> String {
        debug_assert!(text.ends_with('\n'), "a note's text ends with a newline");
        format!("{text}\n{}", self.signature_line(text))
    }

    /// Returns the line that is added to a note's signatures.
    pub fn signature_line(&self, text: &str) -> String {
        let mut signature = self.verifier.id.to_vec();
        signature.extend(self.pair.sign(text.as_bytes()).as_ref());
        format!("{MARK}{} {}\n", self.verifier.name, BASE64_STANDARD.encode(signature))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the documentation of the format's reference implementation.
    const KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const NOTE: &str = "If you think cryptography is the answer to your problem,\n\
                        then you don't know what your problem is.\n\
                        \n\
                        — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    #[test]
    fn the_published_note_is_read() {
        let verifier = Verifier::parse(KEY).expect("a key");
        assert_eq!(verifier.to_string(), KEY);
        let text = verifier.open(NOTE).expect("a good note");
        assert!(text.starts_with("If you") && text.ends_with("is.\n"), "{text}");
        assert_eq!(
            verifier.open(&NOTE.replace("answer", "Answer")),
            Err(NoteError::BadSignature("PeterNeumann".to_owned()))
        );
        for broken in ["", "\n\n", "x\n\n— a\n", "text\n", NOTE.trim_end()] {
            assert_eq!(verifier.open(broken), Err(NoteError::Malformed), "{broken:?}");
        }
        assert_eq!(Verifier::parse(&KEY.replace("c74f", "c74e")), Err(NoteError::BadKey));
    }

    #[test]
    fn what_one_key_signed_another_does_not_open() {
        let signer = Signer::of_seed("longan-a", [7; 32]).expect("a key");
        let again = Signer::parse(&signer.secret_text()).expect("the same key");
        assert_eq!(again.verifier(), signer.verifier());
        let note = signer.sign("a\n\nb\n");
        assert_eq!(signer.verifier().open(&note), Ok("a\n\nb\n"));
        let other = Signer::generate("longan-a").expect("a key");
        assert!(matches!(other.verifier().open(&note), Err(NoteError::OtherKey { .. })));
        let both = format!("{note}{}", other.signature_line("a\n\nb\n"));
        assert_eq!(other.verifier().open(&both), Ok("a\n\nb\n"));
        assert!(Signer::generate("a+b").is_err());
    }

    #[test]
    fn no_byte_of_a_note_can_be_flipped() {
        let signer = Signer::of_seed("longan-a", [7; 32]).expect("a key");
        let note = signer.sign("longan-a/evidence\n12\n").into_bytes();
        for index in 0..note.len() {
            let mut flipped = note.clone();
            flipped[index] ^= 1;
            let opened = std::str::from_utf8(&flipped).ok().and_then(|text| signer.verifier().open(text).ok());
            assert_eq!(opened, None, "byte {index}");
        }
    }
}
