//! `fieldsummary`: which fields the rows have, how often, with how many different values, and the most frequent of them.

use std::cmp::Reverse;

use hashbrown::HashMap;

use crate::model::Value;
use crate::query::pipes::cell;
use crate::query::pipes::run::Memory;
use crate::query::pipes::run::Table;
use crate::query::pipes::run::sketch::Distinct;

/// Values counted one by one, field by field; the rest only count as different.
const VALUES_MAX: usize = 2_000;
/// Values told of each field.
const TOP: usize = 10;
/// The longest value told.
const CHARS_MAX: usize = 200;

#[derive(Default)]
struct Field {
    rows: u64,
    distinct: Distinct,
    values: HashMap<Vec<u8>, (Value<'static>, u64)>,
}

/// What is known of each column.
#[derive(Default)]
pub(super) struct Summary {
    fields: Vec<Field>,
}

impl Summary {
    pub(super) fn push(&mut self, row: &[Value<'static>], memory: &mut Memory) {
        if self.fields.len() < row.len() {
            memory.add((row.len() - self.fields.len()) * size_of::<Field>());
            self.fields.resize_with(row.len(), Field::default);
        }
        for (field, value) in self.fields.iter_mut().zip(row) {
            if *value == Value::Null {
                continue;
            }
            field.rows += 1;
            value.for_each_scalar(|scalar| {
                let mut key = Vec::with_capacity(32);
                cell::push_key(&mut key, scalar);
                memory.add(field.distinct.add(&key));
                let has_room = field.values.len() < VALUES_MAX;
                match field.values.get_mut(&key) {
                    Some((_, count)) => *count += 1,
                    None if has_room => {
                        memory.add(key.len() + cell::bytes_of(scalar) + 64);
                        field.values.insert(key, (scalar.clone(), 1));
                    }
                    None => {}
                }
            });
        }
    }

    pub(super) fn finish(self, shown: &[(String, usize)], rows_in: u64) -> Table {
        let mut rows: Vec<(u64, Vec<Value<'static>>)> = Vec::new();
        for (name, place) in shown {
            let Some(field) = self.fields.get(*place).filter(|field| field.rows > 0) else { continue };
            let mut values: Vec<&(Value<'static>, u64)> = field.values.values().collect();
            values.sort_by_key(|(value, count)| (Reverse(*count), value.to_text().into_owned()));
            let top = values.iter().take(TOP).map(|(value, count)| {
                Value::from(format!("{} ({count})", value.to_text().chars().take(CHARS_MAX).collect::<String>()))
            });
            let share = field.rows as f64 * 100.0 / rows_in.max(1) as f64;
            rows.push((
                field.rows,
                vec![
                    Value::from(name.clone()),
                    Value::Int(i64::try_from(field.rows).unwrap_or(i64::MAX)),
                    cell::of_float((share * 100.0).round() / 100.0),
                    Value::Int(field.distinct.count()),
                    Value::List(top.collect()),
                ],
            ));
        }
        rows.sort_by_cached_key(|(count, row)| (Reverse(*count), row.first().map(Value::to_string)));
        let columns = ["field", "count", "percent", "dc", "top"].map(str::to_owned).to_vec();
        Table { columns, rows: rows.into_iter().map(|(_, row)| row).collect(), ..Table::default() }
    }
}
