//! Folders of other versions: an older one is read, a newer one is refused before anything is touched.

use super::*;

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.display().to_string(), fs::read(&path).expect("readable"));
        }
    }
    found
}

fn sealed() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("folder");
    let (store, _) = Store::open(folder.path(), quick_config()).expect("open");
    let mut writer = store.writer().expect("writer");
    add(&mut writer, &[plain(1), plain(2)], 1);
    writer.seal_and_wait().expect("sealed");
    drop((writer, store));
    folder
}

fn change(folder: &Path, change: impl FnOnce(&mut serde_json::Map<String, serde_json::Value>)) {
    let path = folder.join("manifest.json");
    let mut manifest: serde_json::Value = serde_json::from_slice(&fs::read(&path).expect("readable")).expect("JSON");
    let object = manifest.as_object_mut().expect("an object");
    object.shift_remove("check");
    change(object);
    fs::write(path, serde_json::to_vec(&manifest).expect("JSON")).expect("written");
}

#[test]
fn a_newer_format_is_refused_with_its_place_and_nothing_is_touched() {
    let folder = sealed();
    // What this version would take for a leftover may be more than that to a newer one.
    fs::create_dir(folder.path().join("partitions/new-9")).expect("made");
    fs::write(folder.path().join("partitions/new-9/data"), b"of a newer version").expect("written");
    change(folder.path(), |manifest| drop(manifest.insert("format".to_owned(), 2.into())));
    let before = files(folder.path());
    let refused = Store::open(folder.path(), quick_config()).err().expect("refused").to_string();
    assert!(refused.contains("manifest.json` is of format 2, this program knows format 1"), "{refused}");
    assert!(matches!(Store::open_read_only(folder.path(), quick_config()), Err(StoreError::Format { format: 2, .. })));
    assert_eq!(files(folder.path()), before);
}

#[test]
fn a_manifest_of_the_first_version_is_read_and_brought_up_to_date() {
    let folder = sealed();
    change(folder.path(), |manifest| {
        manifest.retain(|name, _| matches!(name.as_str(), "format" | "checkpoint" | "next_folder" | "partitions"));
    });
    let (store, report) = Store::open(folder.path(), quick_config()).expect("opens");
    assert_eq!((report.partitions, report.damaged.len()), (1, 0));
    assert_eq!(ids(&store.searcher(), "*"), [2, 1]);
    store.judge_clock(NOW, Duration::from_secs(1)).expect("written");
    let manifest = fs::read(folder.path().join("manifest.json")).expect("readable");
    assert_eq!(crate::store::checked::check(&manifest), crate::store::checked::Checked::Right);
}

#[test]
fn a_partition_whose_files_are_gone_cut_or_emptied_is_named_and_the_rest_is_found() {
    let whole = sealed();
    let names: Vec<String> = files(&whole.path().join("partitions")).into_keys().collect();
    assert!(names.len() > 5, "{names:?}");
    for name in names {
        let relative = Path::new(&name).strip_prefix(whole.path()).expect("below").to_owned();
        for kept in [None, Some(0), Some(1), Some(2)] {
            let copy = tempfile::tempdir().expect("folder");
            copy_folder(whole.path(), copy.path());
            let path = copy.path().join(&relative);
            match kept {
                None => fs::remove_file(&path).expect("removed"),
                Some(half) => {
                    let bytes = fs::read(&path).expect("readable");
                    fs::write(&path, &bytes[..bytes.len() * half / 4]).expect("cut");
                }
            }
            let (store, report) = Store::open(copy.path(), quick_config()).expect("opens");
            let mut writer = store.writer().expect("writer");
            add(&mut writer, &[Seed { day: 3, ..plain(5) }], 3);
            writer.seal_and_wait().expect("sealed");
            let found = store.searcher().search(&parse("root"), &all(10)).unwrap_or_else(|err| panic!("{name}: {err}"));
            let mut found: Vec<u64> = found.hits.iter().map(|hit| hit.id.0).collect();
            found.sort_unstable();
            // A file that a search has no need of does it no harm; what is not found was told of at the start.
            let expected: &[u64] = if report.damaged.is_empty() { &[1, 2, 3] } else { &[3] };
            assert_eq!(found, expected, "{name}, {kept:?}: {:?}", report.damaged);
            assert!(report.damaged.iter().all(|(folder, reason)| name.contains(folder) && !reason.is_empty()));
        }
    }
}
