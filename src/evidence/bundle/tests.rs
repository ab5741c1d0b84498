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
