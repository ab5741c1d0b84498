//! Many lines of few kinds: what is kept as columns answers as the definition says.

use tantivy::Index;
use tantivy::SingleSegmentIndexWriter;
use tantivy::TantivyDocument;
use tantivy::directory::MmapDirectory;

use super::*;
use crate::store::format::schema;
use crate::store::format::schema::FIELDS;

proptest! {
    #![proptest_config(ProptestConfig { cases: 8, ..ProptestConfig::default() })]

    /// Many lines of few kinds, so that what is kept as columns is what is asked.
    #[test]
    fn columns_tell_what_the_definition_says(
        kinds in prop::collection::vec(seed(), 1..5),
        changes in prop::collection::vec((0..5_usize, 0..9_i64, 0..90_i64, 0..3_usize), 30..150),
        is_archived in any::<bool>(),
    ) {
        let users = ["root", "An.Nguyen", "nguyễn"];
        let seeds: Vec<Seed> = changes
            .iter()
            .map(|(kind, port, second, user)| {
                let kind = kinds[kind % kinds.len()].clone();
                Seed { port: *port, second: *second, user: users[*user], ..kind }
            })
            .collect();
        let folder = tempfile::tempdir().expect("folder");
        let (store, _) = Store::open(folder.path(), quick_config()).expect("open");
        let mut writer = store.writer().expect("writer");
        add(&mut writer, &seeds, 1);
        writer.seal_and_wait().expect("sealed");
        if is_archived {
            store.archive(Timestamp(NOW.0 + 2 * DAY_NS), &mut |_| true).expect("archived");
        }
        let lines: Vec<String> = seeds.iter().map(Seed::line).collect();
        let mut events: Vec<Event<'_>> =
            seeds.iter().zip(&lines).zip(1..).map(|((seed, line), id)| seed.event(id, line)).collect();
        events.sort_by_key(|event| std::cmp::Reverse((event.timestamp, event.id)));
        let searcher = store.searcher();
        for text in QUERIES {
            let query = parse(text);
            let expected: Vec<u64> = events.iter().filter(|event| query.matches(event)).map(|event| event.id.0).collect();
            prop_assert_eq!(ids(&searcher, text), expected.clone(), "`{}`", text);
            let count = searcher.count(&query, &Options::default()).expect("counted");
            prop_assert_eq!(count.count, expected.len() as u64, "count of `{}`", text);
        }
        for text in PIPES {
            prop_assert_eq!(piped(&searcher, text), piped_plainly(&events, text), "`{}`", text);
        }
        let spans = [(NOW.0 + 3_000_000_000, NOW.0 + 40_000_000_000), (NOW.0, NOW.0)];
        for (since, until) in spans.map(|(since, until)| (Timestamp(since), Timestamp(until))) {
            let options = Options { since: Some(since), until: Some(until), ..Options::default() };
            let search = query::parse_search("* | stats count() as n by user.name", NOW).expect("read");
            let mut runner = query::pipes::run::EventRunner::new(&search.stages, &pipe_limits());
            searcher.run(&search.filter, &options, &mut runner).expect("run");
            let within: Vec<Event<'_>> = events.iter().filter(|event| (since..until).contains(&event.timestamp)).cloned().collect();
            prop_assert_eq!(runner.finish(), piped_plainly(&within, "* | stats count() as n by user.name"));
        }
    }
}

#[test]
fn a_pipeline_over_columns_keeps_to_its_limits() {
    let folder = tempfile::tempdir().expect("folder");
    let (store, _) = Store::open(folder.path(), quick_config()).expect("open");
    let mut writer = store.writer().expect("writer");
    let seeds: Vec<Seed> = (0..500).map(|second| Seed { port: second, ..plain(second) }).collect();
    add(&mut writer, &seeds, 1);
    writer.seal_and_wait().expect("sealed");
    for _ in 0..2 {
        let searcher = store.searcher();
        let run = |text: &str, limits: &query::pipes::run::Limits, options: &Options| {
            let search = query::parse_search(text, NOW).expect("read");
            let mut runner = query::pipes::run::EventRunner::new(&search.stages, limits);
            let explain = searcher.run(&search.filter, options, &mut runner).expect("run");
            (runner.finish(), explain)
        };
        let text = "login | stats count() as n by source.port";
        let (table, explain) = run(text, &pipe_limits(), &Options::default());
        assert_eq!((table.rows.len(), explain.partial, explain.events_read), (500, None, 500));
        let (table, _) = run("* | stats count() as n by user.name", &pipe_limits(), &Options::default());
        assert_eq!(table.rows, [vec![Value::from("root"), Value::Int(500)]]);
        let small = query::pipes::run::Limits { bytes_max: 20_000, ..pipe_limits() };
        let (table, _) = run(text, &small, &Options::default());
        assert_eq!(table.partial, Some(query::pipes::run::MEMORY_LIMIT));
        assert!(table.rows.len() < 300, "{} rows", table.rows.len());
        let late = Options { deadline: Some(Instant::now()), ..Options::default() };
        assert_eq!(run(text, &pipe_limits(), &late).1.partial.as_deref(), Some("deadline"));
        let cancelled = Options { cancel: Some(Arc::new(AtomicBool::new(true))), ..Options::default() };
        assert_eq!(run(text, &pipe_limits(), &cancelled).1.partial.as_deref(), Some("cancelled"));
        store.archive(Timestamp(NOW.0 + DAY_NS), &mut |_| true).expect("archived");
    }
}

/// Programs before this one kept the records within the index, with nothing beside it.
fn make_like_an_older_programs(piece_folder: &Path, store: Store) {
    let (old, documents) = {
        let view = store.shared.view();
        let piece = view.sealed.iter().find(|piece| piece.folder.as_deref() == Some(piece_folder)).expect("there");
        let records = piece.records().expect("records");
        let record_field = FIELDS.schema.get_field("record").expect("kept in the schema");
        let documents: Vec<TantivyDocument> = (0..piece.count())
            .map(|doc| {
                let mut document = TantivyDocument::default();
                document.add_u64(FIELDS.id, piece.id(doc).0);
                document.add_i64(FIELDS.time, piece.time(doc).0);
                document.add_i64(FIELDS.ingested, piece.ingested(doc).0);
                records.with(doc, |stored, _| document.add_text(FIELDS.text, stored.event.raw)).expect("read");
                document.add_bytes(record_field, &records.bytes(doc).expect("read"));
                document
            })
            .collect();
        (piece_folder.with_extension("old"), documents)
    };
    drop(store);
    fs::create_dir(&old).expect("made");
    let directory = MmapDirectory::open(&old).expect("opened");
    let mut writer: SingleSegmentIndexWriter<TantivyDocument> = Index::builder()
        .schema(FIELDS.schema.clone())
        .settings(schema::hot_settings())
        .tokenizers(schema::tokenizers())
        .single_segment_index_writer(directory, 30 << 20)
        .expect("writer");
    documents.into_iter().for_each(|document| writer.add_document(document).expect("added"));
    writer.finalize().expect("written");
    fs::remove_dir_all(piece_folder).expect("removed");
    fs::rename(&old, piece_folder).expect("renamed");
}

#[test]
fn a_partition_of_an_older_program_is_read_and_merged() {
    let folder = tempfile::tempdir().expect("folder");
    let open = || Store::open(folder.path(), quick_config()).expect("open").0;
    let store = open();
    let mut writer = store.writer().expect("writer");
    let seeds: Vec<Seed> = (0..30).map(|second| Seed { port: second, ..plain(second) }).collect();
    add(&mut writer, &seeds[..10], 1);
    writer.seal_and_wait().expect("sealed");
    let before = store.searcher().search(&parse("*"), &all(100)).expect("searched").hits;
    let made = store.partitions()[0].folder.clone();
    drop(writer);
    make_like_an_older_programs(&made, store);
    assert!(!made.join(archive::FILE).is_file());
    let store = open();
    assert_eq!(store.searcher().search(&parse("*"), &all(100)).expect("searched").hits, before);
    assert_eq!(ids(&store.searcher(), "/root 10/").len(), 10);
    let by_user = piped(&store.searcher(), "login | stats count() as n by user.name");
    assert_eq!(by_user.rows, [vec![Value::from("root"), Value::Int(10)]]);
    let mut writer = store.writer().expect("writer");
    for (part, first_id) in [(10..20, 11), (20..30, 21)] {
        add(&mut writer, &seeds[part], first_id);
        writer.seal_and_wait().expect("sealed");
    }
    let partitions = store.partitions();
    assert!(partitions.len() == 1 && partitions[0].folder.join(archive::FILE).is_file(), "{partitions:?}");
    assert_eq!(ids(&store.searcher(), "login"), (1..=30).rev().collect::<Vec<u64>>());
    assert_eq!(store.searcher().search(&parse("*"), &all(100)).expect("searched").hits[20..], before);
}
