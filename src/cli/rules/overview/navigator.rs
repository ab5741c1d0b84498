//! A layer of the ATT&CK Navigator (format 4.5): every covered technique with its rules, coloured by how well it is covered.

use serde::Serialize;

use super::facts::Origin;
use crate::detect::attack::Coverage;
use crate::detect::attack::Figures;
use crate::detect::attack::Mark;
use crate::detect::attack::VERSION;

/// Rules named in a comment; the metadata counts them all.
const RULES_NAMED: usize = 20;

#[derive(Debug, Serialize)]
pub(super) struct Layer {
    name: &'static str,
    versions: Versions,
    domain: &'static str,
    description: String,
    sorting: u8,
    #[serde(rename = "hideDisabled")]
    hide_disabled: bool,
    techniques: Vec<Technique>,
    gradient: Gradient,
    #[serde(rename = "legendItems")]
    legend_items: Vec<LegendItem>,
}

#[derive(Debug, Serialize)]
struct Versions {
    attack: &'static str,
    navigator: &'static str,
    layer: &'static str,
}

#[derive(Debug, Serialize)]
struct Technique {
    #[serde(rename = "techniqueID")]
    id: String,
    score: usize,
    color: &'static str,
    comment: String,
    enabled: bool,
    metadata: Vec<Metadata>,
    #[serde(rename = "showSubtechniques")]
    show_subtechniques: bool,
}

#[derive(Debug, Serialize)]
struct Metadata {
    name: &'static str,
    value: String,
}

#[derive(Debug, Serialize)]
struct Gradient {
    colors: [&'static str; 2],
    #[serde(rename = "minValue")]
    min: usize,
    #[serde(rename = "maxValue")]
    max: usize,
}

#[derive(Debug, Serialize)]
struct LegendItem {
    label: &'static str,
    color: &'static str,
}

/// The colours of the marks: told apart also by who sees no red or green.
fn color(mark: Mark) -> &'static str {
    match mark {
        Mark::Working => "#0072b2",
        Mark::Tested => "#56b4e9",
        Mark::Arriving => "#f0e442",
        Mark::Written => "#dddddd",
        Mark::Nothing => "",
    }
}

/// Makes the layer.
pub(super) fn layer(coverage: &Coverage, origin: Origin) -> Layer {
    let techniques: Vec<Technique> = coverage
        .cells()
        .map(|(id, cell)| {
            let has_more =
                coverage.cells().any(|(other, _)| other.strip_prefix(id).is_some_and(|rest| !rest.is_empty()));
            let mut comment = cell.rules.iter().take(RULES_NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
            if cell.rules.len() > RULES_NAMED {
                comment.push_str(", …");
            }
            Technique {
                id: format!("T{id}"),
                score: cell.figures.rules,
                color: color(cell.figures.mark()),
                comment,
                enabled: true,
                metadata: metadata(&cell.figures),
                show_subtechniques: has_more,
            }
        })
        .collect();
    let max = techniques.iter().map(|technique| technique.score).max().unwrap_or(1);
    let known = match origin {
        Origin::Folder => "; of which rules the logs arrive is not known",
        Origin::Server | Origin::FolderAndServer => "",
    };
    let legend = [
        (Mark::Working, "tested, its logs arrive"),
        (Mark::Tested, "tested"),
        (Mark::Arriving, "its logs arrive, no cases"),
        (Mark::Written, "a rule"),
    ];
    Layer {
        name: "Longan rules",
        versions: Versions { attack: VERSION, navigator: "5.1.0", layer: "4.5" },
        domain: "enterprise-attack",
        description: format!("{} rules{known}. The score is the number of rules.", coverage.rules.rules),
        sorting: 3,
        hide_disabled: false,
        techniques,
        gradient: Gradient { colors: ["#ffffff", "#0072b2"], min: 0, max },
        legend_items: legend.map(|(mark, label)| LegendItem { label, color: color(mark) }).into(),
    }
}

fn metadata(figures: &Figures) -> Vec<Metadata> {
    let arriving = figures.arriving.map_or_else(|| "unknown".to_owned(), |count| count.to_string());
    vec![
        Metadata { name: "rules", value: figures.rules.to_string() },
        Metadata { name: "tested", value: figures.tested.to_string() },
        Metadata { name: "arriving", value: arriving },
        Metadata { name: "arriving not known", value: figures.unknown.to_string() },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::attack::CoveredRule;

    #[test]
    fn a_layer_has_what_the_navigator_asks_for() {
        let tags = ["attack.t1110.001".to_owned()];
        let rule = CoveredRule { id: "r", tags: &tags, tested: true, arrives: Some(true) };
        let layer = serde_json::to_value(layer(&Coverage::of([rule]), Origin::Server)).expect("JSON");
        assert_eq!(layer["versions"]["layer"], "4.5");
        assert_eq!(layer["domain"], "enterprise-attack");
        let techniques = layer["techniques"].as_array().expect("a list");
        assert_eq!(techniques.len(), 2);
        assert_eq!(techniques[0]["techniqueID"], "T1110");
        assert_eq!(techniques[0]["showSubtechniques"], true);
        assert_eq!(techniques[1]["techniqueID"], "T1110.001");
        assert_eq!(techniques[1]["color"], "#0072b2");
        assert_eq!(techniques[1]["metadata"][2]["value"], "1");
        assert_eq!(techniques[1]["metadata"][3]["value"], "0");
    }
}
