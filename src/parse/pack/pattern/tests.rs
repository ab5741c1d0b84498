//! Patterns as written, and the variants they mean.

use super::*;
use crate::parse::pack::error::PackError;

fn shown(pattern: &str) -> Vec<String> {
    let variants = parse(pattern).expect("a good pattern");
    variants
        .iter()
        .map(|variant| {
            variant
                .iter()
                .map(|piece| match piece {
                    Piece::Literal(text) => text.clone(),
                    Piece::Capture { scan, target } => {
                        let names: Vec<&str> = target.names.iter().map(Name::as_str).collect();
                        format!("<{}:{scan:?}>", names.join(","))
                    }
                })
                .collect()
        })
        .collect()
}

#[test]
fn variants_are_expanded() {
    let table: [(&str, &[&str]); 8] = [
        ("a {user.name} b", &["a <user.name:Text> b"]),
        ("from {source.ip} port {source.port}", &["from <source.ip:Ip> port <source.port:Int>"]),
        ("x{? ssh2}", &["x ssh2", "x"]),
        ("x{? y{? z}}", &["x y z", "x y", "x"]),
        ("{(Accepted|Failed {:word})} for", &["Accepted for", "Failed <:Word> for"]),
        ("{{\"a\":1}} [b] (c|d)", &["{\"a\":1} [b] (c|d)"]),
        ("{(a{|}b|c)}", &["a|b", "c"]),
        ("{host.name,observer.name:word}", &["<host.name,observer.name:Word>"]),
    ];
    for (pattern, expected) in table {
        assert_eq!(shown(pattern), expected, "{pattern}");
    }
}

#[test]
fn mistakes_are_placed() {
    let table = [
        ("a {user.name", 2, PackError::Unclosed { column: 3 }),
        ("a } b", 2, PackError::Unopened { column: 3 }),
        ("a {x:ipp}", 3, PackError::UnknownKind("ipp".into())),
        ("{a:word}{b:word}", 0, PackError::NoDelimiter { kind: "word" }),
        ("{a}{b:int}", 0, PackError::NoDelimiter { kind: "text" }),
        ("", 0, PackError::EmptyPattern),
    ];
    for (pattern, offset, error) in table {
        assert_eq!(parse(pattern), Err(PatternProblem { offset, error }), "{pattern}");
    }
    let wide = "{(a|b)}".repeat(9);
    assert!(matches!(parse(&wide), Err(PatternProblem { error: PackError::TooManyVariants { .. }, .. })));
}
