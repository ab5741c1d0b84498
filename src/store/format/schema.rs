//! The fields of a partition's index, and how their text is broken into terms.
//!
//! - `id`, `time`, `ingested`: columns only.
//! - `text`: the words of the line and of text fields that are not a piece of it, with positions.
//! - `terms`: one term for each value of each other field, `name 2 value`; a value that is too long is cut and marked,
//!   `name 2 beginning 3`; and one term that lists the names of the fields there are, `4 name 4 name 4`.
//! - `record`: the event itself (see `record`), stored; in partitions of older programs alone, as records now lie beside the index.
//!
//! Values stand in `terms` as `query::keyword` gives them, so any test of a field is a test over a piece of the term
//! dictionary: no columns are needed for addresses, numbers or ranges, and the disk holds each value once.

use std::sync::LazyLock;

use tantivy::IndexSettings;
use tantivy::IndexSortByField;
use tantivy::Order;
use tantivy::schema::Field;
use tantivy::schema::IndexRecordOption;
use tantivy::schema::NumericOptions;
use tantivy::schema::Schema;
use tantivy::schema::TextFieldIndexing;
use tantivy::schema::TextOptions;
use tantivy::store::Compressor;
use tantivy::store::ZstdCompressor;
use tantivy::tokenizer::Token;
use tantivy::tokenizer::TokenStream;
use tantivy::tokenizer::Tokenizer;
use tantivy::tokenizer::TokenizerManager;

use crate::query::words::Words;

/// Ends a term in the text handed to the `terms` tokenizer.
pub(in crate::store) const TERM_END: char = '\u{1}';
/// Between the name and the value of a term.
pub(in crate::store) const NAME_END: char = '\u{2}';
/// Ends a value that was cut.
pub(in crate::store) const CUT_MARK: char = '\u{3}';
/// Around the names in the term that lists them.
pub(in crate::store) const SHAPE_MARK: char = '\u{4}';
/// A value is cut to this many bytes in the index; the record keeps it whole.
pub(in crate::store) const VALUE_BYTES_MAX: usize = 256;

/// The name of the column that partitions are sorted by.
pub(in crate::store) const TIME: &str = "time";
pub(in crate::store) const ID: &str = "id";
pub(in crate::store) const INGESTED: &str = "ingested";

/// The schema and its fields by name.
#[derive(Debug)]
pub(in crate::store) struct Fields {
    pub(in crate::store) schema: Schema,
    pub(in crate::store) id: Field,
    pub(in crate::store) time: Field,
    pub(in crate::store) ingested: Field,
    pub(in crate::store) text: Field,
    pub(in crate::store) terms: Field,
}

/// The one schema of format 1.
pub(in crate::store) static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    let mut builder = Schema::builder();
    let column = NumericOptions::default().set_fast();
    let indexed = |tokenizer: &str, option| {
        // Field norms only serve scores, and nothing here is scored.
        let indexing =
            TextFieldIndexing::default().set_tokenizer(tokenizer).set_index_option(option).set_fieldnorms(false);
        TextOptions::default().set_indexing_options(indexing)
    };
    let id = builder.add_u64_field(ID, column.clone());
    let time = builder.add_i64_field(TIME, column.clone());
    let ingested = builder.add_i64_field(INGESTED, column);
    let text = builder.add_text_field("text", indexed("words", IndexRecordOption::WithFreqsAndPositions));
    let terms = builder.add_text_field("terms", indexed("terms", IndexRecordOption::Basic));
    // Partitions of all programs have one schema, so that they can be merged.
    builder.add_bytes_field("record", tantivy::schema::STORED);
    Fields { schema: builder.build(), id, time, ingested, text, terms }
});

/// Settings of a hot split: quick to write, in memory. Its documents are added in order, so nothing needs sorting.
pub(in crate::store) fn hot_settings() -> IndexSettings {
    IndexSettings {
        docstore_compression: Compressor::Lz4,
        docstore_compress_dedicated_thread: false,
        ..IndexSettings::default()
    }
}

/// Settings of a partition: newest first. Its records lie beside the index; older programs kept them in it.
pub(in crate::store) fn sealed_settings() -> IndexSettings {
    IndexSettings {
        sort_by_field: Some(IndexSortByField { field: TIME.to_owned(), order: Order::Desc }),
        docstore_compression: Compressor::Zstd(ZstdCompressor { compression_level: Some(3) }),
        docstore_compress_dedicated_thread: false,
        docstore_blocksize: 256 << 10,
        ..IndexSettings::default()
    }
}

/// The tokenizers under the names the schema uses.
pub(in crate::store) fn tokenizers() -> TokenizerManager {
    let manager = TokenizerManager::default();
    manager.register("words", WordTokenizer);
    manager.register("terms", TermTokenizer);
    manager
}

#[derive(Clone)]
struct WordTokenizer;

struct WordStream<'t> {
    words: Words<'t>,
    token: Token,
}

impl Tokenizer for WordTokenizer {
    type TokenStream<'a> = WordStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> WordStream<'a> {
        WordStream { words: Words::new(text), token: Token::default() }
    }
}

impl TokenStream for WordStream<'_> {
    fn advance(&mut self) -> bool {
        let Some((position, _)) = self.words.next_into(&mut self.token.text) else { return false };
        self.token.position = position as usize;
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}

#[derive(Clone)]
struct TermTokenizer;

struct TermStream<'t> {
    rest: &'t str,
    token: Token,
}

impl Tokenizer for TermTokenizer {
    type TokenStream<'a> = TermStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> TermStream<'a> {
        TermStream { rest: text, token: Token { position: 0, ..Token::default() } }
    }
}

impl TokenStream for TermStream<'_> {
    fn advance(&mut self) -> bool {
        let Some((term, rest)) = self.rest.split_once(TERM_END) else { return false };
        self.rest = rest;
        self.token.text.clear();
        self.token.text.push_str(term);
        true
    }

    fn token(&self) -> &Token {
        &self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.token
    }
}
