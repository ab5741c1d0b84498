//! The values of fields over the rows of a group: the different ones, each made once, and which row has which.
//!
//! What a pipeline counts is counted here by the numbers of the values; it sees each different combination once, with how
//! many rows have it.

use std::borrow::Cow;

use hashbrown::HashMap;

use crate::model::Event;
use crate::model::Field;
use crate::model::Timestamp;
use crate::model::Value;
use crate::model::ecs;
use crate::query::pipes::cell;
use crate::query::pipes::run::cell_of;
use crate::store::archive::ask::find::Outside;
use crate::store::archive::ask::find::value_like;
use crate::store::archive::chunk::FieldPlace;
use crate::store::archive::chunk::Group;
use crate::store::archive::column::Body;
use crate::store::archive::column::Head;
use crate::store::archive::tokens::TOKEN;
use crate::store::format::record;

/// So many combinations are counted in a table; more in a map.
const TABLE_MAX: u64 = 1 << 16;

/// What is wanted of the rows.
#[derive(Clone, Copy)]
pub(in crate::store::archive) struct Wanted<'w> {
    pub(in crate::store::archive) columns: &'w [(String, Option<Field>)],
    /// Times are told apart only so far.
    pub(in crate::store::archive) time_span_ns: Option<i64>,
}

/// The values of one field over the rows of a group.
enum Cells {
    Same(Value<'static>),
    Coded { values: Vec<Value<'static>>, codes: Vec<u32> },
}

/// Gives numbers to values as they come.
#[derive(Default)]
struct Numbering {
    numbers: HashMap<Vec<u8>, u32>,
    values: Vec<Value<'static>>,
}

impl Numbering {
    /// Returns the number of a value. Two that are written alike but are of different kinds may each get their own.
    fn number(&mut self, value: Value<'static>) -> u32 {
        let mut key = Vec::with_capacity(32);
        cell::push_key(&mut key, &value);
        if let Some(known) = self.numbers.get(&key)
            && self.values.get(*known as usize) == Some(&value)
        {
            return *known;
        }
        let fresh = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        self.values.push(value);
        self.numbers.insert(key, fresh);
        fresh
    }
}

/// The rows of a group that are wanted, and where to find what they consist of.
pub(in crate::store::archive) struct Selection<'g> {
    pub(in crate::store::archive) group: &'g Group,
    pub(in crate::store::archive) sample: &'g Event<'g>,
    pub(in crate::store::archive) outside: &'g dyn Outside,
    /// Ascending.
    pub(in crate::store::archive) rows: &'g [u32],
}

impl Selection<'_> {
    /// Hands each different combination of the wanted values to `visit`, with how many of the rows have it, until it returns
    /// false; returns whether it went on. `None` when something cannot be read.
    pub(in crate::store::archive) fn each(
        &self,
        wanted: Wanted<'_>,
        visit: &mut dyn FnMut(Vec<Value<'static>>, u32) -> bool,
    ) -> Option<bool> {
        let cells = self.cells(wanted)?;
        let mut combinations = 1_u64;
        let mut strides = Vec::with_capacity(cells.len());
        for cells in &cells {
            strides.push(combinations);
            if let Cells::Coded { values, .. } = cells {
                combinations = combinations.checked_mul(values.len() as u64)?;
            }
        }
        // The number of a combination is made column by column: each pass is a loop over plain numbers.
        let mut numbers = vec![0_u64; self.rows.len()];
        for (cells, stride) in cells.iter().zip(&strides) {
            if let Cells::Coded { codes, .. } = cells {
                for (number, row) in numbers.iter_mut().zip(self.rows) {
                    *number += u64::from(*codes.get(*row as usize)?) * stride;
                }
            }
        }
        let mut tell = |number: u64, times: u32| {
            let row = cells.iter().zip(&strides).map(|(cells, stride)| match cells {
                Cells::Same(value) => value.clone(),
                Cells::Coded { values, .. } => {
                    let code = usize::try_from((number / stride) % (values.len() as u64).max(1)).unwrap_or(0);
                    values.get(code).cloned().unwrap_or(Value::Null)
                }
            });
            visit(row.collect(), times)
        };
        if combinations <= TABLE_MAX {
            let mut counts = vec![0_u32; usize::try_from(combinations).ok()?];
            for number in numbers {
                *counts.get_mut(usize::try_from(number).ok()?)? += 1;
            }
            return Some((0..).zip(counts).all(|(number, times)| times == 0 || tell(number, times)));
        }
        numbers.sort_unstable();
        Some(numbers.chunk_by(|left, right| left == right).all(|equal| {
            let times = u32::try_from(equal.len()).unwrap_or(u32::MAX);
            equal.first().is_none_or(|number| tell(*number, times))
        }))
    }

    fn cells(&self, wanted: Wanted<'_>) -> Option<Vec<Cells>> {
        let mut cells: Vec<Option<Cells>> =
            wanted.columns.iter().map(|(name, field)| self.cells_of(name, *field, wanted.time_span_ns)).collect();
        if cells.iter().any(Option::is_none) {
            self.read_rest(wanted, &mut cells)?;
        }
        cells.into_iter().collect()
    }

    /// Returns the values of a field; `None` when the rows have to be read for them.
    fn cells_of(&self, name: &str, field: Option<Field>, time_span_ns: Option<i64>) -> Option<Cells> {
        match field {
            Some(ecs::TIMESTAMP) => {
                let rounded = |time: Timestamp| match time_span_ns {
                    Some(span) => Timestamp(time.0.div_euclid(span).saturating_mul(span)),
                    None => time,
                };
                return Some(self.by_row(|row| Value::Time(rounded(self.outside.time(row)))));
            }
            Some(ecs::EVENT_INGESTED) => return Some(self.by_row(|row| Value::Time(self.outside.columns(row).1))),
            Some(ecs::LONGAN_ID | ecs::EVENT_ORIGINAL) => return None,
            Some(ecs::LONGAN_PARSER | ecs::LONGAN_PARSE_ERROR) => {
                return Some(Cells::Same(cell_of(self.sample, name, field)));
            }
            _ => {}
        }
        let mut fields = self.sample.fields.iter().zip(&self.group.places);
        let Some(((_, sample), place)) = fields.find(|((have, _), _)| have.as_str() == name) else {
            return Some(Cells::Same(Value::Null));
        };
        match place {
            FieldPlace::Header => Some(Cells::Same(sample.clone().into_owned())),
            FieldPlace::Elsewhere => None,
            FieldPlace::Skeleton(piece) | FieldPlace::Escaped(piece) => {
                let is_escaped = matches!(place, FieldPlace::Escaped(_));
                let is_token = piece.len() == 1 && self.group.skeleton.get(piece.start) == Some(&TOKEN);
                if is_token {
                    let before = self.group.skeleton.get(..piece.start)?;
                    let column = before.iter().filter(|byte| **byte == TOKEN).count();
                    return self.cells_of_column(column, sample);
                }
                let mut texts: HashMap<String, u32> = HashMap::new();
                let mut values = Vec::new();
                let mut codes = vec![0; self.group.rows];
                let mut text = String::new();
                for row in self.rows {
                    text.clear();
                    self.group.write_piece(piece.clone(), *row as usize, &mut text)?;
                    let code = match texts.get(&text) {
                        Some(code) => *code,
                        None => {
                            let whole =
                                if is_escaped { record::unescaped(&text) } else { Cow::Borrowed(text.as_str()) };
                            values.push(owned_like(sample, &whole)?);
                            let code = u32::try_from(values.len() - 1).ok()?;
                            texts.insert(text.clone(), code);
                            code
                        }
                    };
                    *codes.get_mut(*row as usize)? = code;
                }
                Some(Cells::Coded { values, codes })
            }
        }
    }

    fn cells_of_column(&self, column: usize, sample: &Value<'_>) -> Option<Cells> {
        let (column, head) = self.group.head(column)?;
        match head {
            Head::Same(token) => owned_like(sample, token).map(Cells::Same),
            Head::Dictionary(tokens) => {
                let Body::Numbers(numbers) = self.group.body(column)? else { return None };
                let values = tokens.iter().map(|token| owned_like(sample, token)).collect::<Option<Vec<_>>>()?;
                Some(Cells::Coded { values, codes: numbers.iter().map(|number| *number as u32).collect() })
            }
            Head::Numbers { .. } => {
                let body = self.group.body(column)?;
                let Body::Numbers(numbers) = body else { return None };
                let mut known: HashMap<u64, u32> = HashMap::new();
                let mut values = Vec::new();
                let mut codes = vec![0; self.group.rows];
                for row in self.rows {
                    let number = *numbers.get(*row as usize)?;
                    let code = match known.get(&number) {
                        Some(code) => *code,
                        None => {
                            values.push(owned_like(sample, &head.token(body, *row as usize)?)?);
                            let code = u32::try_from(values.len() - 1).ok()?;
                            known.insert(number, code);
                            code
                        }
                    };
                    *codes.get_mut(*row as usize)? = code;
                }
                Some(Cells::Coded { values, codes })
            }
            head => {
                let body = self.group.body(column)?;
                let mut known: HashMap<Cow<'_, str>, u32> = HashMap::new();
                let mut values = Vec::new();
                let mut codes = vec![0; self.group.rows];
                for row in self.rows {
                    let token = head.token(body, *row as usize)?;
                    let code = match known.get(&token) {
                        Some(code) => *code,
                        None => {
                            values.push(owned_like(sample, &token)?);
                            let code = u32::try_from(values.len() - 1).ok()?;
                            known.insert(token, code);
                            code
                        }
                    };
                    *codes.get_mut(*row as usize)? = code;
                }
                Some(Cells::Coded { values, codes })
            }
        }
    }

    /// Rows are in the order of time: a value mostly is that of the row before.
    fn by_row(&self, value_of: impl Fn(usize) -> Value<'static>) -> Cells {
        let mut values: Vec<Value<'static>> = Vec::new();
        let mut codes = vec![0; self.group.rows];
        for row in self.rows {
            let value = value_of(*row as usize);
            if values.last() != Some(&value) {
                values.push(value);
            }
            if let Some(code) = codes.get_mut(*row as usize) {
                *code = u32::try_from(values.len() - 1).unwrap_or(0);
            }
        }
        Cells::Coded { values, codes }
    }

    /// Reads the rows for what the columns do not tell.
    fn read_rest(&self, wanted: Wanted<'_>, cells: &mut [Option<Cells>]) -> Option<()> {
        let missing: Vec<usize> =
            cells.iter().enumerate().filter(|(_, cells)| cells.is_none()).map(|(index, _)| index).collect();
        let mut numberings: Vec<Numbering> = missing.iter().map(|_| Numbering::default()).collect();
        let mut codes: Vec<Vec<u32>> = missing.iter().map(|_| vec![0; self.group.rows]).collect();
        let mut bytes = Vec::new();
        for row in self.rows {
            self.group.record(*row as usize, &mut bytes)?;
            let (timestamp, ingested, id) = self.outside.columns(*row as usize);
            let event = record::decode(&bytes, record::Columns { id, timestamp, ingested })?.event;
            for ((column, numbering), codes) in missing.iter().zip(&mut numberings).zip(&mut codes) {
                let (name, field) = wanted.columns.get(*column)?;
                *codes.get_mut(*row as usize)? = numbering.number(cell_of(&event, name, *field));
            }
        }
        for ((column, numbering), codes) in missing.iter().zip(numberings).zip(codes) {
            *cells.get_mut(*column)? = Some(Cells::Coded { values: numbering.values, codes });
        }
        Some(())
    }
}

fn owned_like(sample: &Value<'_>, text: &str) -> Option<Value<'static>> {
    value_like(sample, text).map(Value::into_owned)
}
