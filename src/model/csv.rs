//! Cells of comma-separated values that nothing can act in.

use crate::model::SafeText;

/// Writes a cell as RFC 4180 does; what a spreadsheet would take for a formula is made text, and control characters visible.
pub fn csv_cell(text: &str) -> String {
    let safe = SafeText::new(text).to_string();
    // Some programs take the wide forms for the narrow ones.
    let is_formula = safe.starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']) && safe.parse::<f64>().is_err();
    let text = if is_formula { format!("'{safe}") } else { safe };
    // Where lists are separated by semicolons, a spreadsheet would begin a cell behind one.
    if text.contains(['"', ',', ';', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_never_becomes_a_formula() {
        for (text, cell) in [
            ("plain", "plain"),
            ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
            ("-12", "-12"),
            ("-cmd|x", "'-cmd|x"),
            ("a;=1+1", "\"a;=1+1\""),
            ("＝1+1", "'＝1+1"),
            ("a,\"b\"", "\"a,\"\"b\"\"\""),
        ] {
            assert_eq!(csv_cell(text), cell, "{text}");
        }
    }
}
