//! The shapes of lines that no pack reads: clustered as they come, in bounded memory, and made into the draft of a pack.
//!
//! Drain's idea (He et al., 2017) on few templates: a line belongs to the template of the same program and number of words that
//! agrees with it in most of them; where they differ the template has a hole.

pub mod draft;

#[cfg(test)]
mod tests;

use serde::Deserialize;
use serde::Serialize;

use crate::model::Event;
use crate::model::Value;
use crate::model::ecs;

/// Templates of one source; beyond it the one not seen the longest among the rare ones makes room.
const SHAPES_MAX: usize = 32;
/// Words of a line that are looked at, and bytes.
const WORDS_MAX: usize = 64;
const BODY_BYTES_MAX: usize = 1_000;
/// Lines kept of a template, and how much of each.
const EXAMPLES_MAX: usize = 3;
const EXAMPLE_BYTES_MAX: usize = 600;

/// Lines that look alike.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Shape {
    /// The program of the header, where there is one.
    pub program: Option<String>,
    /// The words; `None` where lines differ.
    words: Vec<Option<String>>,
    /// Whether lines go on behind the words.
    is_longer: bool,
    pub count: u64,
    /// The first lines of it, whole.
    pub examples: Vec<String>,
    last: u64,
}

/// The shapes of one source.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Shapes {
    shapes: Vec<Shape>,
    lines: u64,
}

/// A word with a digit in it differs from line to line.
fn is_fixed(word: &str) -> bool {
    !word.bytes().any(|byte| byte.is_ascii_digit())
}

fn cut(text: &str, bytes_max: usize) -> &str {
    let end = (0..=bytes_max.min(text.len())).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    text.get(..end).unwrap_or_default()
}

/// Returns the program and what stands after the header.
fn parts<'e>(event: &'e Event<'_>) -> (Option<&'e str>, &'e str) {
    let text = |field| event.get(field).and_then(Value::as_str);
    (text(ecs::LOG_SYSLOG_APPNAME), text(ecs::MESSAGE).unwrap_or(event.raw))
}

impl Shape {
    /// Returns how many fixed words agree; `None` when it is another shape.
    fn agreement(&self, program: Option<&str>, words: &[&str]) -> Option<usize> {
        if self.words.len() != words.len() || self.program.as_deref() != program {
            return None;
        }
        let fixed = self.words.iter().zip(words).filter(|(known, word)| known.as_deref() == Some(word)).count();
        let holes = self.words.iter().filter(|word| word.is_none()).count();
        // Half of what can agree must, and at least one word.
        let is_alike = fixed > 0 && 2 * fixed >= words.len().saturating_sub(holes);
        is_alike.then_some(fixed)
    }

    /// Writes the template with `<*>` for what differs.
    pub fn text(&self) -> String {
        let mut text = self.program.as_ref().map_or_else(String::new, |program| format!("{program}: "));
        for (place, word) in self.words.iter().enumerate() {
            if place > 0 {
                text.push(' ');
            }
            text.push_str(word.as_deref().unwrap_or("<*>"));
        }
        if self.is_longer {
            text.push_str(" …");
        }
        text
    }
}

impl Shapes {
    /// Takes a line in; with no room in general it only counts for a shape that is known.
    pub fn note(&mut self, event: &Event<'_>, has_room: bool) {
        self.lines += 1;
        let (program, body) = parts(event);
        let mut words = [""; WORDS_MAX];
        let mut count = 0;
        let short = cut(body, BODY_BYTES_MAX);
        for (place, word) in words.iter_mut().zip(short.split_whitespace()) {
            *place = word;
            count += 1;
        }
        let words = words.get(..count).unwrap_or_default();
        let best = (0..self.shapes.len())
            .filter_map(|place| Some((self.shapes.get(place)?.agreement(program, words)?, place)))
            .max_by_key(|(agreement, place)| (*agreement, std::cmp::Reverse(*place)));
        match best.and_then(|(_, place)| self.shapes.get_mut(place)) {
            Some(shape) => join(shape, words, event.raw, self.lines),
            None if has_room && !words.is_empty() => {
                let is_longer = short.len() < body.len() || short.split_whitespace().nth(WORDS_MAX).is_some();
                self.begin(program, words, is_longer, event.raw);
            }
            None => {}
        }
    }

    fn begin(&mut self, program: Option<&str>, words: &[&str], is_longer: bool, raw: &str) {
        if self.shapes.len() >= SHAPES_MAX {
            // The older half of the rare ones: a frequent shape must not go for a line that comes once.
            let rarest = (0..self.shapes.len()).min_by_key(|place| {
                self.shapes.get(*place).map_or((u64::MAX, 0), |shape| (shape.count / 4, shape.last))
            });
            rarest.map(|place| self.shapes.swap_remove(place));
        }
        self.shapes.push(Shape {
            program: program.map(|program| cut(program, 64).to_owned()),
            words: words.iter().map(|word| is_fixed(word).then(|| (*word).to_owned())).collect(),
            is_longer,
            count: 1,
            examples: vec![cut(raw, EXAMPLE_BYTES_MAX).to_owned()],
            last: self.lines,
        });
    }

    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.shapes.len()
    }

    /// Says whether there is none.
    pub fn is_empty(&self) -> bool {
        self.shapes.is_empty()
    }

    /// Returns them, the commonest first.
    pub fn commonest(&self) -> Vec<&Shape> {
        let mut shapes: Vec<&Shape> = self.shapes.iter().collect();
        shapes.sort_by_key(|shape| std::cmp::Reverse(shape.count));
        shapes
    }
}

fn join(shape: &mut Shape, words: &[&str], raw: &str, now: u64) {
    shape.count += 1;
    shape.last = now;
    let mut is_new = false;
    for (known, word) in shape.words.iter_mut().zip(words) {
        if known.as_deref().is_some_and(|known| known != *word) {
            *known = None;
            is_new = true;
        }
    }
    // Lines that show another hole say more than lines that show the same again.
    if shape.examples.len() < EXAMPLES_MAX && (is_new || shape.count < 4) {
        shape.examples.push(cut(raw, EXAMPLE_BYTES_MAX).to_owned());
    } else if is_new && let Some(last) = shape.examples.last_mut() {
        *last = cut(raw, EXAMPLE_BYTES_MAX).to_owned();
    }
}
