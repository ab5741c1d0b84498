//! Some ten thousand events of an archive: grouped by shape and skeleton, each group as columns.
//!
//! A chunk is a frame of heads (shapes, skeletons, dictionaries), a frame that says which group each event is of, and a
//! frame for the body of each group. The rows of a group stand in the order of its events. Events that have no like are
//! kept as they are, as the rows of the last group.

use std::ops::Range;
use std::sync::OnceLock;

use hashbrown::HashMap;
use zstd::bulk::Compressor;

use crate::model::EventId;
use crate::model::Timestamp;
use crate::store::archive::bytes::Input;
use crate::store::archive::bytes::put_frame;
use crate::store::archive::bytes::put_planes;
use crate::store::archive::column;
use crate::store::archive::column::Body;
use crate::store::archive::column::Head;
use crate::store::archive::tokens;
use crate::store::archive::tokens::TOKEN;
use crate::store::format::record;
use crate::store::format::record::Source;
use crate::store::format::varint;

/// Events of a chunk.
pub(super) const CHUNK_EVENTS: usize = 65_536;
/// A group of fewer rows is not worth its head.
const GROUP_ROWS_MIN: usize = 4;
const GROUPS_MAX: usize = 1 << 20;
/// Bodies of a group that are together smaller stand in one frame.
const APART_BYTES_MIN: usize = 16 << 10;

/// From this version of the file on the bodies of a big group stand apart.
const VERSION_APART: u8 = 2;

/// Where the value of a field comes from, told by the skeleton instead of the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum FieldPlace {
    /// The same in every row.
    Header,
    /// What this piece of the skeleton stands for.
    Skeleton(Range<usize>),
    /// The same without the escapes in it.
    Escaped(Range<usize>),
    Elsewhere,
}

/// The rows of one shape and skeleton.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) rows: usize,
    header: Vec<u8>,
    pub(super) skeleton: Vec<u8>,
    /// The place of each field of the shape, in its order.
    pub(super) places: Vec<FieldPlace>,
    /// The heads of the columns, as they are in the chunk, and where each ends.
    packed_columns: Vec<u8>,
    column_ends: Vec<u32>,
    columns: Vec<OnceLock<Option<Head>>>,
    /// The record of the first row: what every row has from the shape can be read from it without any body.
    pub(super) sample: Vec<u8>,
    body: Packed,
}

/// The bodies of a group's columns, read when they are asked for.
#[derive(Debug)]
enum Packed {
    /// All in one frame.
    Whole(FrameCopy, OnceLock<Option<Bodies>>),
    /// A frame for each column that has a body, in their order, and one for the varying bytes.
    Apart { columns: Vec<(FrameCopy, OnceLock<Option<Body>>)>, varying: Box<(FrameCopy, OnceLock<Option<Varying>>)> },
}

/// A compressed frame that outlives the chunk's bytes.
#[derive(Debug)]
struct FrameCopy {
    bytes: Vec<u8>,
}

#[derive(Debug)]
struct Bodies {
    columns: Vec<Body>,
    varying: Varying,
}

/// The varying bytes of each row, one after the other, and where each ends.
#[derive(Debug)]
struct Varying {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Varying {
    fn read(input: &mut Input<'_>, rows: usize) -> Option<Varying> {
        let lengths = input.planes(rows)?;
        let total: u64 = lengths.iter().sum();
        let planes = input.take(usize::try_from(total).ok()?)?;
        let mut ends = Vec::with_capacity(rows);
        let mut end = 0_usize;
        for length in &lengths {
            end += usize::try_from(*length).ok()?;
            ends.push(end);
        }
        let mut varying = vec![0; end];
        let mut bytes = planes.iter();
        for at in 0..lengths.iter().copied().max().unwrap_or(0) {
            for (length, end) in lengths.iter().zip(&ends).filter(|(length, _)| at < **length) {
                let place = end - usize::try_from(*length).ok()? + usize::try_from(at).ok()?;
                *varying.get_mut(place)? = *bytes.next()?;
            }
        }
        Some(Varying { bytes: varying, ends })
    }

    fn of_row(&self, row: usize) -> Option<&[u8]> {
        let start = row.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        self.bytes.get(start..*self.ends.get(row)?)
    }
}

impl FrameCopy {
    /// Steps over a frame and keeps it as it is.
    fn take(input: &mut Input<'_>) -> Option<FrameCopy> {
        let before = input.rest();
        input.frame()?;
        Some(FrameCopy { bytes: before.get(..before.len() - input.rest().len())?.to_vec() })
    }

    fn unpack(&self) -> Option<Vec<u8>> {
        Input::new(&self.bytes).frame()?.unpack()
    }
}

/// A chunk read back.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) groups: Vec<Group>,
    /// The group of each event, in the order of documents; [`Chunk::loose`] is one more than the last.
    group_of: Vec<u32>,
    /// The row of each event within its group.
    row_of: Vec<u32>,
    /// The frame of the events that are of no group, and how many they are.
    packed_loose: FrameCopy,
    loose_count: usize,
    loose: OnceLock<Option<Loose>>,
}

/// Records as they are.
#[derive(Debug)]
struct Loose {
    bytes: Vec<u8>,
    places: Vec<Range<usize>>,
}

impl Loose {
    fn read(packed: &FrameCopy, count: usize) -> Option<Loose> {
        let bytes = packed.unpack()?;
        let mut rest = Input::new(&bytes);
        let mut places = Vec::with_capacity(count);
        while !rest.rest().is_empty() {
            let length = rest.bytes()?.len();
            let end = bytes.len() - rest.rest().len();
            places.push(end - length..end);
        }
        (places.len() == count).then_some(Loose { bytes, places })
    }
}

struct Open<'r> {
    rows: Vec<Row<'r>>,
    places: Vec<FieldPlace>,
}

struct Row<'r> {
    index: usize,
    tokens: Vec<&'r str>,
    varying: &'r [u8],
}

/// Writes a chunk from the records of its events, pressed at a level of zstd.
pub(super) fn encode(records: &[Vec<u8>], level: i32) -> std::io::Result<Vec<u8>> {
    let mut packer = Compressor::new(level)?;
    let mut numbers: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut open: Vec<(Vec<u8>, Vec<u8>, Open<'_>)> = Vec::new();
    let mut loose: Vec<usize> = Vec::new();
    let mut scratch = Scratch::default();
    for (index, record) in records.iter().enumerate() {
        let Some((header, tokens, varying)) = scratch.read(record) else {
            loose.push(index);
            continue;
        };
        let number = *numbers.entry_ref(scratch.key.as_slice()).or_insert_with(|| {
            open.push((
                header.to_vec(),
                scratch.skeleton.clone(),
                Open { rows: Vec::new(), places: scratch.places.clone() },
            ));
            open.len() - 1
        });
        if let Some((_, _, group)) = open.get_mut(number) {
            group.rows.push(Row { index, tokens, varying });
        }
    }
    let (kept, small): (Vec<_>, Vec<_>) =
        open.into_iter().partition(|(_, _, group)| group.rows.len() >= GROUP_ROWS_MIN);
    loose.extend(small.iter().flat_map(|(_, _, group)| group.rows.iter().map(|row| row.index)));
    loose.sort_unstable();
    let mut group_of = vec![kept.len() as u64; records.len()];
    let (mut heads, mut bodies) = (Vec::new(), Vec::new());
    varint::put(&mut heads, kept.len() as u64);
    for (number, (header, skeleton, group)) in (0_u64..).zip(&kept) {
        for row in &group.rows {
            if let Some(slot) = group_of.get_mut(row.index) {
                *slot = number;
            }
        }
        let columns = encode_group(header, skeleton, group, &mut heads);
        let sample = group.rows.first().and_then(|row| record::split(records.get(row.index)?));
        let (_, line, varying) = sample.unwrap_or_default();
        varint::put_bytes(&mut heads, line.as_bytes());
        varint::put_bytes(&mut heads, varying);
        put_bodies(&mut bodies, &columns, &mut packer)?;
    }
    let mut rest = Vec::new();
    for index in &loose {
        varint::put_bytes(&mut rest, records.get(*index).map(Vec::as_slice).unwrap_or_default());
    }
    let mut out = Vec::new();
    varint::put(&mut out, records.len() as u64);
    put_frame(&mut out, &heads, &mut packer)?;
    let mut ids = Vec::new();
    put_planes(&mut ids, &group_of);
    put_frame(&mut out, &ids, &mut packer)?;
    put_frame(&mut out, &rest, &mut packer)?;
    out.extend_from_slice(&bodies);
    Ok(out)
}

#[derive(Default)]
struct Scratch {
    key: Vec<u8>,
    skeleton: Vec<u8>,
    tokens: Vec<Range<usize>>,
    sources: Vec<Source>,
    places: Vec<FieldPlace>,
}

impl Scratch {
    /// Finds the group of a record: what it shares with others becomes the key.
    fn read<'r>(&mut self, record: &'r [u8]) -> Option<(&'r [u8], Vec<&'r str>, &'r [u8])> {
        let (header, line, varying) = record::split(record)?;
        if !tokens::split(line, &mut self.skeleton, &mut self.tokens) {
            return None;
        }
        let nothing = record::Columns { id: EventId::ZERO, timestamp: Timestamp(0), ingested: Timestamp(0) };
        record::decode_with_sources(record, nothing, &mut self.sources)?;
        self.places.clear();
        for source in &self.sources {
            self.places.push(match source {
                Source::Header => FieldPlace::Header,
                Source::Elsewhere => FieldPlace::Elsewhere,
                Source::Line(range) => tokens::place(&self.skeleton, &self.tokens, range)
                    .map_or(FieldPlace::Elsewhere, FieldPlace::Skeleton),
                Source::EscapedLine(range) => tokens::place(&self.skeleton, &self.tokens, range)
                    .map_or(FieldPlace::Elsewhere, FieldPlace::Escaped),
            });
        }
        self.key.clear();
        varint::put_bytes(&mut self.key, header);
        varint::put_bytes(&mut self.key, &self.skeleton);
        put_places(&mut self.key, &self.places);
        let texts = self.tokens.iter().filter_map(|token| line.get(token.clone())).collect();
        Some((header, texts, varying))
    }
}

fn put_places(out: &mut Vec<u8>, places: &[FieldPlace]) {
    varint::put(out, places.len() as u64);
    for place in places {
        match place {
            FieldPlace::Header => out.push(0),
            FieldPlace::Elsewhere => out.push(1),
            FieldPlace::Skeleton(range) => {
                varint::put(out, 2 + range.start as u64);
                varint::put(out, range.end as u64);
            }
            // No piece is empty: one that ends where it begins says that the end is still to come.
            FieldPlace::Escaped(range) => {
                varint::put(out, 2 + range.start as u64);
                varint::put(out, range.start as u64);
                varint::put(out, range.end as u64);
            }
        }
    }
}

/// Writes the bodies of a group: a big one column by column, so that a search unpacks those it asks for alone.
fn put_bodies(out: &mut Vec<u8>, bodies: &[Vec<u8>], packer: &mut Compressor<'_>) -> std::io::Result<()> {
    let bytes: usize = bodies.iter().map(Vec::len).sum();
    let are_apart = bytes >= APART_BYTES_MIN;
    out.push(u8::from(are_apart));
    if !are_apart {
        return put_frame(out, &bodies.concat(), packer);
    }
    let (varying, columns) = bodies.split_last().map_or((&[][..], bodies), |(last, rest)| (last.as_slice(), rest));
    for body in columns.iter().filter(|body| !body.is_empty()) {
        put_frame(out, body, packer)?;
    }
    put_frame(out, varying, packer)
}

/// Writes the head of a group; returns the bodies of its columns, and last the varying bytes.
fn encode_group(header: &[u8], skeleton: &[u8], group: &Open<'_>, heads: &mut Vec<u8>) -> Vec<Vec<u8>> {
    varint::put(heads, group.rows.len() as u64);
    varint::put_bytes(heads, header);
    varint::put_bytes(heads, skeleton);
    put_places(heads, &group.places);
    let count = skeleton.iter().filter(|byte| **byte == TOKEN).count();
    let mut columns: Vec<Vec<&str>> = Vec::with_capacity(count);
    let mut bodies = Vec::with_capacity(count + 1);
    for index in 0..count {
        let mut body = Vec::new();
        let tokens: Vec<&str> =
            group.rows.iter().map(|row| row.tokens.get(index).copied().unwrap_or_default()).collect();
        column::encode(&tokens, &columns, heads, &mut body);
        columns.push(tokens);
        bodies.push(body);
    }
    let lengths: Vec<u64> = group.rows.iter().map(|row| row.varying.len() as u64).collect();
    let mut body = Vec::new();
    put_planes(&mut body, &lengths);
    let longest = lengths.iter().copied().max().unwrap_or(0) as usize;
    // Like beside like: the first bytes of all rows, then the second ones.
    for at in 0..longest {
        body.extend(group.rows.iter().filter_map(|row| row.varying.get(at)));
    }
    bodies.push(body);
    bodies
}

impl Chunk {
    /// Reads the heads of a chunk as a version of the file has it; bodies are read when they are asked for.
    pub(super) fn decode(bytes: &[u8], version: u8) -> Option<Chunk> {
        let mut input = Input::new(bytes);
        let events = input.size().filter(|events| *events <= CHUNK_EVENTS)?;
        let heads = input.frame()?.unpack()?;
        let ids = input.frame()?.unpack()?;
        let packed_loose = FrameCopy::take(&mut input)?;
        let mut heads = Input::new(&heads);
        let count = heads.size().filter(|count| *count <= GROUPS_MAX)?;
        let mut groups = Vec::new();
        for _ in 0..count {
            groups.push(Group::decode(&mut heads, &mut input, version)?);
        }
        let group_of: Vec<u32> = Input::new(&ids).planes(events)?.into_iter().map(|id| id as u32).collect();
        let mut seen = vec![0_u32; count + 1];
        let row_of = group_of
            .iter()
            .map(|group| {
                let seen = seen.get_mut(*group as usize)?;
                *seen += 1;
                Some(*seen - 1)
            })
            .collect::<Option<Vec<u32>>>()?;
        let are_right = groups.iter().zip(&seen).all(|(group, seen)| group.rows == *seen as usize);
        let loose_count = *seen.last()? as usize;
        are_right.then_some(Chunk { groups, group_of, row_of, packed_loose, loose_count, loose: OnceLock::new() })
    }

    fn loose(&self) -> Option<&Loose> {
        self.loose.get_or_init(|| Loose::read(&self.packed_loose, self.loose_count)).as_ref()
    }

    /// Returns how many events it holds.
    pub(super) fn len(&self) -> usize {
        self.group_of.len()
    }

    /// Returns the events of each group, and last those that are of none.
    pub(super) fn events_by_group(&self) -> Vec<Vec<u32>> {
        let mut events: Vec<Vec<u32>> = self.groups.iter().map(|group| Vec::with_capacity(group.rows)).collect();
        events.push(Vec::new());
        for (event, group) in (0..).zip(&self.group_of) {
            if let Some(list) = events.get_mut(*group as usize) {
                list.push(event);
            }
        }
        events
    }

    /// Returns the group and the row of an event.
    pub(super) fn place_of(&self, event: usize) -> Option<(usize, u32)> {
        Some((*self.group_of.get(event)? as usize, *self.row_of.get(event)?))
    }

    /// Writes the record of an event over `out`.
    pub(super) fn record(&self, event: usize, out: &mut Vec<u8>) -> Option<()> {
        let (group, row) = (*self.group_of.get(event)? as usize, *self.row_of.get(event)? as usize);
        match self.groups.get(group) {
            Some(group) => group.record(row, out),
            None => {
                let loose = self.loose()?;
                let record = loose.bytes.get(loose.places.get(row)?.clone())?;
                out.clear();
                out.extend_from_slice(record);
                Some(())
            }
        }
    }
}

impl Group {
    fn decode(heads: &mut Input<'_>, bodies: &mut Input<'_>, version: u8) -> Option<Group> {
        let rows = heads.size().filter(|rows| *rows <= CHUNK_EVENTS)?;
        let header = heads.bytes()?.to_vec();
        let skeleton = heads.bytes()?.to_vec();
        let count = heads.size().filter(|count| *count <= header.len())?;
        let places = (0..count)
            .map(|_| {
                Some(match heads.number()? {
                    0 => FieldPlace::Header,
                    1 => FieldPlace::Elsewhere,
                    start => {
                        let start = usize::try_from(start - 2).ok()?;
                        let is_within = |range: &Range<usize>| range.end <= skeleton.len();
                        match heads.size()? {
                            end if end == start => FieldPlace::Escaped(Some(start..heads.size()?).filter(is_within)?),
                            end => FieldPlace::Skeleton(Some(start..end).filter(is_within)?),
                        }
                    }
                })
            })
            .collect::<Option<Vec<_>>>()?;
        let before = heads.rest();
        let mut column_ends = Vec::new();
        let mut with_body = 0_usize;
        for _ in skeleton.iter().filter(|byte| **byte == TOKEN) {
            with_body += usize::from(Head::skip(heads)?);
            column_ends.push(u32::try_from(before.len() - heads.rest().len()).ok()?);
        }
        let packed_columns = before.get(..before.len() - heads.rest().len())?.to_vec();
        let columns = column_ends.iter().map(|_| OnceLock::new()).collect();
        let (line, varying) = (heads.bytes()?, heads.bytes()?);
        let mut sample = header.clone();
        varint::put_bytes(&mut sample, line);
        sample.extend_from_slice(varying);
        let are_apart = version >= VERSION_APART && bodies.byte()? != 0;
        let body = if are_apart {
            let columns = (0..with_body).map(|_| Some((FrameCopy::take(bodies)?, OnceLock::new())));
            let columns = columns.collect::<Option<Vec<_>>>()?;
            Packed::Apart { columns, varying: Box::new((FrameCopy::take(bodies)?, OnceLock::new())) }
        } else {
            Packed::Whole(FrameCopy::take(bodies)?, OnceLock::new())
        };
        Some(Group { rows, header, skeleton, places, packed_columns, column_ends, columns, sample, body })
    }

    fn packed_head(&self, column: usize) -> Option<&[u8]> {
        let start = column.checked_sub(1).map_or(Some(0), |before| self.column_ends.get(before).copied())?;
        self.packed_columns.get(start as usize..*self.column_ends.get(column)? as usize)
    }

    /// Returns the head of a column as it is; read when it is asked for first.
    fn own_head(&self, column: usize) -> Option<&Head> {
        let read = || Head::decode(&mut Input::new(self.packed_head(column)?), column);
        self.columns.get(column)?.get_or_init(read).as_ref()
    }

    /// Looks at the head of a column without reading it: `false` when no row can have a piece of text in its token. `None` when it
    /// cannot be read.
    pub(super) fn may_hold(&self, column: usize, piece: &str, ignores_case: bool) -> Option<bool> {
        let packed = self.packed_head(column)?;
        if !Head::is_like(packed) {
            return Some(Head::may_hold(packed, piece, ignores_case));
        }
        match self.own_head(column)? {
            Head::Like(earlier) => self.may_hold(*earlier, piece, ignores_case),
            _ => None,
        }
    }

    /// Returns how many columns there are.
    pub(super) fn column_count(&self) -> usize {
        self.columns.len()
    }

    /// Reads all bodies from the one frame they are in.
    fn read_whole(&self, packed: &FrameCopy) -> Option<Bodies> {
        let plain = packed.unpack()?;
        let mut input = Input::new(&plain);
        let columns = (0..self.column_count())
            .map(|column| self.own_head(column)?.decode_body(&mut input, self.rows))
            .collect::<Option<Vec<_>>>()?;
        Some(Bodies { columns, varying: Varying::read(&mut input, self.rows)? })
    }

    fn varying(&self) -> Option<&Varying> {
        match &self.body {
            Packed::Whole(packed, read) => {
                read.get_or_init(|| self.read_whole(packed)).as_ref().map(|bodies| &bodies.varying)
            }
            Packed::Apart { varying, .. } => {
                let (packed, read) = varying.as_ref();
                read.get_or_init(|| Varying::read(&mut Input::new(&packed.unpack()?), self.rows)).as_ref()
            }
        }
    }

    /// Follows columns that are like an earlier one.
    pub(super) fn head(&self, column: usize) -> Option<(usize, &Head)> {
        match self.own_head(column)? {
            Head::Like(earlier) => self.head(*earlier),
            head => Some((column, head)),
        }
    }

    /// Returns the rows' tokens of a column as they are stored.
    pub(super) fn body(&self, column: usize) -> Option<&Body> {
        match &self.body {
            Packed::Whole(packed, read) => read.get_or_init(|| self.read_whole(packed)).as_ref()?.columns.get(column),
            Packed::Apart { columns, .. } => {
                let has_body = |column: &usize| self.packed_head(*column).is_some_and(Head::has_body);
                if !has_body(&column) {
                    return Some(&Body::Nothing);
                }
                let (packed, read) = columns.get((0..column).filter(has_body).count())?;
                let decode = || {
                    let plain = packed.unpack()?;
                    self.own_head(column)?.decode_body(&mut Input::new(&plain), self.rows)
                };
                read.get_or_init(decode).as_ref()
            }
        }
    }

    /// Appends the token of a row.
    fn push_token(&self, column: usize, row: usize, out: &mut String) -> Option<()> {
        let (column, head) = self.head(column)?;
        match head {
            Head::Same(token) => {
                out.push_str(token);
                Some(())
            }
            head => head.push_token(self.body(column)?, row, out),
        }
    }

    /// Appends what a piece of the skeleton stands for in a row.
    pub(super) fn write_piece(&self, piece: Range<usize>, row: usize, out: &mut String) -> Option<()> {
        let mut column = self.skeleton.get(..piece.start)?.iter().filter(|byte| **byte == TOKEN).count();
        for byte in self.skeleton.get(piece)? {
            if *byte == TOKEN {
                self.push_token(column, row, out)?;
                column += 1;
            } else {
                out.push(char::from(*byte));
            }
        }
        Some(())
    }

    /// Writes the record of a row over `out`.
    pub(super) fn record(&self, row: usize, out: &mut Vec<u8>) -> Option<()> {
        let mut line = String::new();
        self.write_piece(0..self.skeleton.len(), row, &mut line)?;
        out.clear();
        out.extend_from_slice(&self.header);
        varint::put_bytes(out, line.as_bytes());
        out.extend_from_slice(self.varying()?.of_row(row)?);
        Some(())
    }
}
