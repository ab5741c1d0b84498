//! The records of pieces, in the order of the documents of the index that was merged from them.

use hashbrown::HashMap;
use tantivy::DocId;
use tantivy::Index;
use tantivy::SegmentReader;

use crate::store::error::StoreError;
use crate::store::format::schema;
use crate::store::piece::Piece;

/// Hands every record to `visit`. An index that holds other events than the pieces is an error: their ids are compared.
pub(super) fn each_record<'p>(
    index: &Index,
    pieces: impl Iterator<Item = &'p Piece>,
    visit: &mut dyn FnMut(Vec<u8>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let sources = pieces.map(|piece| Ok((piece, piece.records()?))).collect::<Result<Vec<_>, StoreError>>()?;
    // The next document of each piece, found by the id of its event: merging keeps the order of each.
    let mut next: HashMap<u64, (usize, DocId)> = HashMap::new();
    for (number, (piece, _)) in sources.iter().enumerate().filter(|(_, (piece, _))| piece.count() > 0) {
        next.insert(piece.id(0).0, (number, 0));
    }
    let unlike = || StoreError::Record("the merged index".to_owned());
    for segment in index.searchable_segments()? {
        let reader = SegmentReader::open(&segment)?;
        let ids = reader.fast_fields().u64(schema::ID)?.first_or_default_col(0);
        for doc in 0..reader.max_doc() {
            let (number, source_doc) = next.remove(&ids.get_val(doc)).ok_or_else(unlike)?;
            let (piece, records) = sources.get(number).ok_or_else(unlike)?;
            visit(records.bytes(source_doc)?)?;
            if source_doc + 1 < piece.count() {
                next.insert(piece.id(source_doc + 1).0, (number, source_doc + 1));
            }
        }
    }
    if next.is_empty() { Ok(()) } else { Err(unlike()) }
}
