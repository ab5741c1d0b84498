//! Reads expressions by precedence: `OR`, `AND`, `NOT`, comparisons, `+ -`, `* / %`, sign, operands.

use unicode_normalization::UnicodeNormalization;

use crate::diag;
use crate::model::Value;
use crate::query::ast::Cidr;
use crate::query::ast::Number;
use crate::query::ast::Pattern;
use crate::query::error::QueryError;
use crate::query::glob::Glob;
use crate::query::glob::Piece;
use crate::query::glob::is_special;
use crate::query::keyword;
use crate::query::pipes::cell;
use crate::query::pipes::expr::Expr;
use crate::query::pipes::expr::Function;
use crate::query::pipes::expr::Operator;
use crate::query::pipes::parse::reader::Reader;

const DEPTH_MAX: usize = 32;
const OPERANDS_MAX: usize = 500;
const OPERAND: &str = "a field, a number, a \"text\", a function or `(`";

/// Functions whose second or first argument is read when the query is: a regex, a pattern, a network.
const SPECIAL: [&str; 3] = ["match", "like", "cidrmatch"];

pub(super) fn expr(reader: &mut Reader<'_>) -> Result<Expr, QueryError> {
    reader.depth += 1;
    if reader.depth > DEPTH_MAX {
        return Err(reader.error(format!("more than {DEPTH_MAX} levels of parentheses")));
    }
    let mut left = all_of(reader)?;
    while take_operator(reader, &["||"], "or") {
        left = Expr::Binary(Operator::Or, Box::new(left), Box::new(all_of(reader)?));
    }
    reader.depth -= 1;
    Ok(left)
}

fn all_of(reader: &mut Reader<'_>) -> Result<Expr, QueryError> {
    let mut left = negatable(reader)?;
    while take_operator(reader, &["&&"], "and") {
        left = Expr::Binary(Operator::And, Box::new(left), Box::new(negatable(reader)?));
    }
    Ok(left)
}

fn take_operator(reader: &mut Reader<'_>, signs: &[&str], word: &str) -> bool {
    take_sign(reader, signs) || reader.take_word(word)
}

fn take_sign(reader: &mut Reader<'_>, signs: &[&str]) -> bool {
    reader.skip_space();
    let is_there = |sign: &&&str| sign.chars().enumerate().all(|(ahead, letter)| reader.peek_at(ahead) == Some(letter));
    let found = signs.iter().find(is_there).map(|sign| sign.chars().count());
    reader.step(found.unwrap_or(0));
    found.is_some()
}

fn negatable(reader: &mut Reader<'_>) -> Result<Expr, QueryError> {
    let mut negations = 0_usize;
    loop {
        reader.skip_space();
        let is_sign = reader.peek() == Some('!') && reader.peek_at(1) != Some('=');
        if is_sign {
            reader.step(1);
        } else if !reader.take_word("not") {
            break;
        }
        negations += 1;
        if negations > DEPTH_MAX {
            return Err(reader.error(format!("more than {DEPTH_MAX} negations")));
        }
    }
    let inner = comparison(reader)?;
    Ok((0..negations).fold(inner, |inner, _| Expr::Not(Box::new(inner))))
}

fn comparison(reader: &mut Reader<'_>) -> Result<Expr, QueryError> {
    const TABLE: [(&[&str], Operator); 6] = [
        (&["==", "="], Operator::Equal),
        (&["!=", "<>"], Operator::NotEqual),
        (&["<="], Operator::LessOrEqual),
        (&[">="], Operator::GreaterOrEqual),
        (&["<"], Operator::Less),
        (&[">"], Operator::Greater),
    ];
    let left = sum(reader)?;
    for (signs, operator) in TABLE {
        if take_sign(reader, signs) {
            return Ok(Expr::Binary(operator, Box::new(left), Box::new(sum(reader)?)));
        }
    }
    if reader.take_word("in") {
        return Ok(Expr::In(Box::new(left), arguments(reader, "in")?));
    }
    Ok(left)
}

fn sum(reader: &mut Reader<'_>) -> Result<Expr, QueryError> {
    let mut left = product(reader)?;
    loop {
        let operator = if take_sign(reader, &["+"]) {
            Operator::Add
        } else if take_sign(reader, &["-"]) {
            Operator::Subtract
        } else {
            return Ok(left);
        };
        left = Expr::Binary(operator, Box::new(left), Box::new(product(reader)?));
    }
}

fn product(reader: &mut Reader<'_>) -> Result<Expr, QueryError> {
    let mut left = operand(reader)?;
    loop {
        let operator = if take_sign(reader, &["*"]) {
            Operator::Multiply
        } else if take_sign(reader, &["/"]) {
            Operator::Divide
        } else if take_sign(reader, &["%"]) {
            Operator::Remainder
        } else {
            return Ok(left);
        };
        left = Expr::Binary(operator, Box::new(left), Box::new(operand(reader)?));
    }
}

fn operand(reader: &mut Reader<'_>) -> Result<Expr, QueryError> {
    reader.skip_space();
    reader.operand_count += 1;
    if reader.operand_count > OPERANDS_MAX {
        return Err(reader.error(format!("more than {OPERANDS_MAX} operands")));
    }
    let start = reader.place();
    match reader.peek() {
        Some('(') => {
            reader.step(1);
            let inner = expr(reader)?;
            if reader.take(')') {
                return Ok(inner);
            }
            Err(reader.error_at(start, "this `(` is never closed").expected("`)`"))
        }
        Some('-') => {
            reader.step(1);
            reader.depth += 1;
            if reader.depth > DEPTH_MAX {
                return Err(reader.error(format!("more than {DEPTH_MAX} levels of signs and parentheses")));
            }
            let inner = operand(reader)?;
            reader.depth -= 1;
            Ok(match inner {
                Expr::Literal(Value::Int(number)) if number >= 0 => Expr::Literal(Value::Int(-number)),
                Expr::Literal(Value::Float(number)) if number >= 0.0 => Expr::Literal(Value::Float(-number)),
                other => Expr::Negative(Box::new(other)),
            })
        }
        Some('"') => reader.quoted().map(|text| Expr::Literal(Value::from(text))),
        Some('`') => reader.name().map(Expr::Field),
        Some(digit) if digit.is_ascii_digit() => number(reader),
        Some(letter) if letter.is_alphabetic() || "@_".contains(letter) => named(reader),
        Some(other) => Err(reader.error(format!("`{other}` begins no operand")).expected(OPERAND)),
        None => Err(reader.error("the expression ends here").expected(OPERAND)),
    }
}

fn number(reader: &mut Reader<'_>) -> Result<Expr, QueryError> {
    let start = reader.place();
    let mut text = reader.word();
    let has_exponent = text.ends_with(['e', 'E']) && matches!(reader.peek(), Some('+' | '-'));
    if has_exponent {
        text.extend(reader.peek());
        reader.step(1);
        text.push_str(&reader.word());
    }
    match Number::from_text(&text) {
        Some(Number::Int(number)) => Ok(Expr::Literal(Value::Int(number))),
        Some(Number::Float(number)) => Ok(Expr::Literal(cell::of_float(number))),
        None => {
            let error = reader.error_at(start, format!("`{text}` is no number")).expected("a number");
            Err(error.hint("addresses, times and texts stand in quotes"))
        }
    }
}

/// Reads a field, a constant, or a function with its arguments.
fn named(reader: &mut Reader<'_>) -> Result<Expr, QueryError> {
    let start = reader.place();
    let word = reader.word();
    reader.skip_space();
    if reader.peek() != Some('(') {
        return Ok(match word.to_ascii_lowercase().as_str() {
            "true" => Expr::Literal(Value::Bool(true)),
            "false" => Expr::Literal(Value::Bool(false)),
            "null" => Expr::Literal(Value::Null),
            "and" | "or" | "in" => {
                return Err(reader.error_at(start, format!("`{word}` has nothing before it")).expected(OPERAND));
            }
            _ => Expr::Field(word),
        });
    }
    let name = word.to_ascii_lowercase();
    if SPECIAL.contains(&name.as_str()) {
        return special(reader, start, &name);
    }
    let Some((function, _, least, most)) = Function::TABLE.iter().find(|(_, known, ..)| *known == name).copied() else {
        return Err(unknown_function(reader, start, &word));
    };
    let arguments = arguments(reader, &name)?;
    if (least..=most).contains(&arguments.len()) {
        return Ok(Expr::Call(function, arguments));
    }
    let wanted = if least == most { least.to_string() } else { format!("{least} to {most}") };
    let error = reader.error_at(start, format!("`{name}` was given {} arguments", arguments.len()));
    Err(error.expected(format!("{wanted} of them")))
}

fn unknown_function(reader: &Reader<'_>, start: usize, word: &str) -> QueryError {
    let error = reader.error_at(start, format!("no function is called `{word}`"));
    let names = Function::TABLE.iter().map(|(_, name, ..)| *name).chain(SPECIAL);
    match diag::closest(word, names.clone()) {
        Some(close) => error.hint(format!("did you mean `{close}`?")),
        None => error.expected(format!("one of {}", names.collect::<Vec<_>>().join(", "))),
    }
}

fn arguments(reader: &mut Reader<'_>, name: &str) -> Result<Vec<Expr>, QueryError> {
    let mut arguments = Vec::new();
    if !reader.take('(') {
        return Err(reader.error(format!("`{name}` needs its values in parentheses")).expected("`(`"));
    }
    if reader.take(')') {
        return Ok(arguments);
    }
    loop {
        arguments.push(expr(reader)?);
        if reader.take(')') {
            return Ok(arguments);
        }
        if !reader.take(',') {
            return Err(reader.error(format!("the values of `{name}` go on or end here")).expected("`,` or `)`"));
        }
    }
}

/// `match(field, /regex/)`, `like(field, "pattern*")`, `cidrmatch("10.0.0.0/8", field)`.
fn special(reader: &mut Reader<'_>, start: usize, name: &str) -> Result<Expr, QueryError> {
    reader.step(1);
    reader.skip_space();
    let made = match name {
        "cidrmatch" => {
            let place = reader.place();
            let text = if reader.peek() == Some('"') { reader.quoted()? } else { String::new() };
            let Some(cidr) = Cidr::from_text(&text) else {
                let error =
                    reader.error_at(place, format!("`{text}` is not a network")).expected("a network in quotes");
                return Err(error.hint("cidrmatch(\"10.0.0.0/8\", source.ip)"));
            };
            comma(reader, name)?;
            Expr::InNetwork(cidr, Box::new(expr(reader)?))
        }
        "match" => {
            let subject = expr(reader)?;
            comma(reader, name)?;
            Expr::Matches(Box::new(subject), regex(reader)?)
        }
        _ => {
            let subject = expr(reader)?;
            comma(reader, name)?;
            reader.skip_space();
            if reader.peek() != Some('"') {
                return Err(reader
                    .error("`like` needs a pattern in quotes")
                    .expected("`\"`")
                    .hint("like(host.name, \"web-*\")"));
            }
            Expr::Like(Box::new(subject), glob(&reader.quoted()?))
        }
    };
    if reader.take(')') {
        Ok(made)
    } else {
        Err(reader.error_at(start, format!("this `{name}(` is never closed")).expected("`)`"))
    }
}

fn comma(reader: &mut Reader<'_>, name: &str) -> Result<(), QueryError> {
    if reader.take(',') { Ok(()) } else { Err(reader.error(format!("`{name}` takes two values")).expected("`,`")) }
}

fn regex(reader: &mut Reader<'_>) -> Result<Pattern, QueryError> {
    reader.skip_space();
    let open = reader.place();
    let (source, ignore_case) = match reader.peek() {
        Some('"') => (reader.quoted()?, true),
        Some('/') => {
            reader.step(1);
            let mut source = String::new();
            loop {
                match (reader.peek(), reader.peek_at(1)) {
                    (None, _) => return Err(reader.error_at(open, "this regex is never closed").expected("`/`")),
                    (Some('/'), _) => break,
                    (Some('\\'), Some('/')) => {
                        source.push('/');
                        reader.step(2);
                    }
                    (Some('\\'), Some(escaped)) => {
                        source.extend(['\\', escaped]);
                        reader.step(2);
                    }
                    (Some(letter), _) => {
                        source.push(letter);
                        reader.step(1);
                    }
                }
            }
            reader.step(1);
            let ignore_case = reader.peek() == Some('i');
            reader.step(usize::from(ignore_case));
            (source, ignore_case)
        }
        _ => return Err(reader.error("`match` needs a regex").expected("`/`").hint("match(url.path, /\\.php$/i)")),
    };
    Pattern::new(&source, ignore_case)
        .map_err(|reason| reader.error_at(open, format!("the regex cannot be read: {reason}")))
}

fn glob(text: &str) -> Glob {
    let mut pieces = Vec::new();
    let mut letters = text.nfc().peekable();
    while let Some(letter) = letters.next() {
        let literal = match letter {
            '*' => {
                pieces.push(Piece::AnyRun);
                continue;
            }
            '?' => {
                pieces.push(Piece::AnyOne);
                continue;
            }
            '\\' => letters.next_if(|next| is_special(*next)).unwrap_or('\\'),
            other => other,
        };
        pieces.extend(keyword::normalize(literal.encode_utf8(&mut [0; 4])).chars().map(Piece::Literal));
    }
    Glob::new(pieces)
}
