//! A bundle is checked alone, and no byte of it can be changed unseen.

use serde_json::Map;
use serde_json::json;

use super::*;
use crate::evidence::Keeper;
use crate::evidence::log::note::Signer;
use crate::evidence::verify::tests::fill;
use crate::model::EventId;
use crate::model::Timestamp;

fn bundle() -> (tempfile::TempDir, Keeper, Vec<u8>) {
    let folder = tempfile::tempdir().expect("a folder");
    let store = fill(folder.path(), 1..=40);
    let (keeper, _) = Keeper::open(folder.path()).expect("evidence");
    keeper.look(&store.partitions(), &[]).expect("written");
    drop(store);
    let found = [3_u64, 7, 41].map(|id| {
        let event = json!({"longan.id": id, "event.original": "=SUM(1)", "user.name": "an"});
        Found { id: EventId(id), event: event.as_object().cloned().unwrap_or_else(Map::new), raw: None }
    });
    let request = Request {
        query: "user.name:an | <b>`".to_owned(),
        since: None,
        until: None,
        who: "kiem".to_owned(),
        role: "auditor".to_owned(),
        now: Timestamp(1_700_000_000_000_000_000),
    };
    let archive = write(&keeper, &request, found.to_vec()).expect("a bundle");
    let again = write(&keeper, &request, found.to_vec()).expect("a bundle");
    assert!(archive == again, "the same question gives the same bytes");
    (folder, keeper, archive)
}

#[test]
fn a_bundle_proves_itself_without_anything_else() {
    let (folder, keeper, archive) = bundle();
    let pinned = keeper.signer().verifier().clone();
    drop((folder, keeper));
    let report = check(&archive, Some(&pinned));
    assert!(report.is_right(), "{:?}", report.findings);
    assert_eq!((report.records, report.units, report.unsealed), (3, 1, 1));
    assert!(check(&archive, None).is_right());
    let other = Signer::generate("longan-other").expect("a key");
    let refused = check(&archive, Some(other.verifier()));
    assert!(refused.findings.iter().any(|finding| finding.what.contains("and not by")), "{:?}", refused.findings);
    let text = String::from_utf8_lossy(&archive);
    assert!(text.contains("'=SUM(1)") && text.contains("&lt;b&gt;") && text.contains("Bằng chứng"));
}

#[test]
fn a_flipped_byte_anywhere_is_named() {
    let (_folder, keeper, archive) = bundle();
    let pinned = keeper.signer().verifier().clone();
    let (members, _) = tar::read(&archive);
    let place_of = |at: usize| {
        let inside = |member: &&tar::Member<'_>| {
            (member.offset as usize..member.offset as usize + member.content.len()).contains(&at)
        };
        members.iter().find(inside).map(|member| (member.name, (at - member.offset as usize) as u64))
    };
    for at in 0..archive.len() {
        let mut flipped = archive.clone();
        flipped[at] ^= 1 << (at % 8);
        let report = check(&flipped, Some(&pinned));
        let named = report.findings.iter().any(|finding| match place_of(at) {
            Some((NOTE, _)) => finding.place == NOTE,
            // Rarely two bytes explain a CRC32C equally well: then the block, or the file, is named.
            Some((name, offset)) => {
                finding.place == name && finding.offset.is_none_or(|told| told <= offset && offset - told < 4096)
            }
            None => finding.place == "bundle" && finding.offset.is_some_and(|told| told.abs_diff(at as u64) < 512),
        });
        assert!(named, "byte {at} ({:?}): {:?}", place_of(at), report.findings);
    }
    for cut in [0, 100, 512, archive.len() / 2, archive.len() - 1] {
        assert!(!check(&archive[..cut], Some(&pinned)).is_right(), "cut at {cut}");
    }
}

#[test]
fn a_member_that_is_removed_moved_doubled_or_added_is_named() {
    let (_folder, keeper, archive) = bundle();
    let pinned = keeper.signer().verifier().clone();
    let (members, _) = tar::read(&archive);
    let packed = |members: &[(&str, &[u8])]| {
        let mut archive = Vec::new();
        members.iter().for_each(|(name, content)| tar::push(&mut archive, name, content));
        tar::finish(&mut archive);
        archive
    };
    let right: Vec<(&str, &[u8])> = members.iter().map(|member| (member.name, member.content)).collect();
    assert!(packed(&right) == archive, "packed again it is the same");
    let tells = |changed: &[(&str, &[u8])], name: &str| {
        let report = check(&packed(changed), Some(&pinned));
        assert!(report.findings.iter().any(|finding| finding.place == name), "{name}: {:?}", report.findings);
    };
    for index in 0..right.len() {
        let (name, content) = right[index];
        tells(&[&right[..index], &right[index + 1..]].concat(), name);
        // Who unpacks it would read the second one.
        tells(&[&right[..], &[(name, b"forged".as_slice())]].concat(), name);
        tells(&[&right[..], &[(name, content)]].concat(), name);
        if index > 0 {
            let mut swapped = right.clone();
            swapped.swap(index - 1, index);
            tells(&swapped, name);
        }
    }
    tells(&[&right[..], &[("added.txt", b"x".as_slice())]].concat(), "added.txt");
}

#[test]
fn a_bundle_signed_anew_with_another_key_is_told_by_the_one_that_is_known() {
    let (_folder, keeper, archive) = bundle();
    let forger = Signer::generate("longan-forger").expect("a key");
    let (members, _) = tar::read(&archive);
    let mut files = Vec::new();
    let mut content = std::collections::BTreeMap::new();
    for member in members.iter().filter(|member| !matches!(member.name, NOTE | SUMS)) {
        let bytes = match member.name {
            KEY => format!("{}\n", forger.verifier()).into_bytes(),
            CHECKPOINT => {
                let known = std::str::from_utf8(member.content).expect("text");
                forger.sign(keeper.signer().verifier().open(known).expect("ours")).into_bytes()
            }
            EVENTS => String::from_utf8_lossy(member.content).replace("SUM(1)", "MAX(1)").into_bytes(),
            _ => member.content.to_vec(),
        };
        files.push(crate::evidence::sums::FileSums::of_bytes(member.name, &bytes));
        content.insert(member.name, bytes);
    }
    let sums = crate::evidence::sums::Sums { files };
    let bytes = sums.to_bytes();
    let digest = crate::evidence::log::merkle::hex(&crate::evidence::log::merkle::sha256(&bytes));
    let mut forged = Vec::new();
    tar::push(&mut forged, NOTE, forger.sign(&format!("{FIRST_LINE}\n{digest}\n")).as_bytes());
    tar::push(&mut forged, SUMS, &bytes);
    sums.files.iter().for_each(|file| tar::push(&mut forged, &file.name, &content[file.name.as_str()]));
    tar::finish(&mut forged);
    let alone = check(&forged, None);
    assert!(
        alone.is_right() && alone.notes[0].contains("no key was given"),
        "alone it cannot be told, and that is said"
    );
    let known = check(&forged, Some(keeper.signer().verifier()));
    let told =
        |finding: &crate::evidence::verify::Finding| finding.place == NOTE && finding.what.contains("and not by");
    assert!(known.findings.iter().any(told), "{:?}", known.findings);
}
