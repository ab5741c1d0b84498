//! The records of a split in memory, packed in blocks: cheap to write, because they are written once more when they are sealed.

use std::cell::RefCell;

use tantivy::DocId;

use crate::store::error::StoreError;
use crate::store::format::varint;

/// Records are packed together up to so many bytes.
const BLOCK_BYTES: usize = 128 << 10;
/// Quick before small: what is in memory is sealed soon.
const LEVEL: i32 = -3;

struct Block {
    /// The documents before it and in it.
    end: DocId,
    plain_bytes: usize,
    packed: Vec<u8>,
}

/// Records by the number of their document.
#[derive(Default)]
pub(in crate::store) struct Blocks {
    blocks: Vec<Block>,
}

/// The block that a reader has open: its number, its bytes, and the place of each record.
#[derive(Default)]
pub(in crate::store) struct OpenBlock(Option<(usize, Vec<u8>, Vec<std::ops::Range<usize>>)>);

/// Takes records in the order of the documents.
pub(in crate::store) struct BlockWriter {
    blocks: Blocks,
    plain: Vec<u8>,
    count: DocId,
    compressor: zstd::bulk::Compressor<'static>,
}

impl BlockWriter {
    pub(in crate::store) fn new() -> Result<BlockWriter, StoreError> {
        let compressor = zstd::bulk::Compressor::new(LEVEL).map_err(in_memory)?;
        Ok(BlockWriter { blocks: Blocks::default(), plain: Vec::with_capacity(BLOCK_BYTES), count: 0, compressor })
    }

    pub(in crate::store) fn push(&mut self, record: &[u8]) -> Result<(), StoreError> {
        varint::put_bytes(&mut self.plain, record);
        self.count += 1;
        if self.plain.len() >= BLOCK_BYTES { self.pack() } else { Ok(()) }
    }

    pub(in crate::store) fn finish(mut self) -> Result<Blocks, StoreError> {
        self.pack()?;
        Ok(self.blocks)
    }

    fn pack(&mut self) -> Result<(), StoreError> {
        if !self.plain.is_empty() {
            let mut packed = self.compressor.compress(&self.plain).map_err(in_memory)?;
            // It was given room for the worst case.
            packed.shrink_to_fit();
            self.blocks.blocks.push(Block { end: self.count, plain_bytes: self.plain.len(), packed });
            self.plain.clear();
        }
        Ok(())
    }
}

impl Blocks {
    /// Returns how much memory they take.
    pub(in crate::store) fn bytes(&self) -> usize {
        self.blocks.iter().map(|block| block.packed.capacity() + size_of::<Block>()).sum()
    }

    /// Hands the record of a document to `visit`; its block stays in `open` for the next one.
    pub(in crate::store) fn with<R>(
        &self,
        doc: DocId,
        open: &RefCell<OpenBlock>,
        visit: impl FnOnce(&[u8]) -> R,
    ) -> Option<R> {
        let number = self.blocks.partition_point(|block| block.end <= doc);
        let block = self.blocks.get(number)?;
        let first = number.checked_sub(1).map_or(Some(0), |before| self.blocks.get(before).map(|block| block.end))?;
        let mut open = open.borrow_mut();
        if open.0.as_ref().is_none_or(|(have, ..)| *have != number) {
            let plain = zstd::bulk::decompress(&block.packed, block.plain_bytes).ok()?;
            let places = places_of(&plain)?;
            open.0 = Some((number, plain, places));
        }
        let (_, plain, places) = open.0.as_ref()?;
        let place = places.get((doc - first) as usize)?;
        Some(visit(plain.get(place.clone())?))
    }
}

fn in_memory(err: std::io::Error) -> StoreError {
    StoreError::io("a split in memory")(err)
}

fn places_of(plain: &[u8]) -> Option<Vec<std::ops::Range<usize>>> {
    let mut places = Vec::new();
    let mut rest = plain;
    while !rest.is_empty() {
        let length = usize::try_from(varint::take(&mut rest)?).ok()?;
        let start = plain.len() - rest.len();
        rest = rest.get(length..)?;
        places.push(start..start + length);
    }
    Some(places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_back_in_any_order() {
        let records: Vec<Vec<u8>> = (0..3_000_u32).map(|number| vec![number as u8; (number % 300) as usize]).collect();
        let mut writer = BlockWriter::new().expect("zstd");
        records.iter().for_each(|record| writer.push(record).expect("packed"));
        let blocks = writer.finish().expect("packed");
        assert!(blocks.blocks.len() > 1 && blocks.bytes() < 450_000);
        let open = RefCell::default();
        for doc in [0, 2_999, 1, 1_500, 1_499, 77] {
            let same = blocks.with(doc, &open, |record| record == records[doc as usize]);
            assert_eq!(same, Some(true), "{doc}");
        }
        assert_eq!(blocks.with(3_000, &open, <[u8]>::len), None);
        assert_eq!(Blocks::default().with(0, &open, <[u8]>::len), None);
    }
}
