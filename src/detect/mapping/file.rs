//! A mapping file: TOML, one section a log source.

use std::path::Path;

use serde::Deserialize;

use super::Pipeline;
use super::Section;
use crate::detect::sigma::error::RuleError;
use crate::detect::sigma::rule::RuleLogSource;
use crate::diag::Located;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawPipeline {
    title: String,
    #[serde(default)]
    mapping: Vec<RawSection>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSection {
    product: Option<String>,
    service: Option<String>,
    category: Option<String>,
    prefix: Option<String>,
    #[serde(default)]
    fields: toml::map::Map<String, toml::Value>,
}

impl Pipeline {
    /// Reads a mapping file.
    ///
    /// # Errors
    /// When it is malformed, with the place.
    pub fn read(path: &Path, text: &str) -> Result<Pipeline, Located<RuleError>> {
        let raw: RawPipeline = toml::from_str(text).map_err(|err| {
            let offset = err.span().map_or(0, |span| span.start);
            Located::at_offset(path, text, offset, RuleError::Mapping(err.message().to_owned()))
        })?;
        let mut sections = Vec::with_capacity(raw.mapping.len());
        for section in raw.mapping {
            let mut fields = Vec::with_capacity(section.fields.len());
            for (name, value) in section.fields {
                let Some(targets) = targets(&value) else {
                    let offset = text.find(&name).unwrap_or(0);
                    let error = RuleError::Mapping(format!("`{name}` must be a field name or a list of them"));
                    return Err(Located::at_offset(path, text, offset, error));
                };
                fields.push((name, targets));
            }
            let logsource =
                RuleLogSource { product: section.product, service: section.service, category: section.category };
            sections.push(Section { logsource, prefix: section.prefix, fields });
        }
        let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Pipeline { name, title: raw.title, sections })
    }
}

fn targets(value: &toml::Value) -> Option<Vec<String>> {
    match value {
        toml::Value::String(one) => Some(vec![one.clone()]),
        toml::Value::Array(many) if !many.is_empty() => {
            many.iter().map(|item| item.as_str().map(str::to_owned)).collect()
        }
        _ => None,
    }
}
