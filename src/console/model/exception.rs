//! The dialog that excepts something harmless from a rule: what is excepted, why, for how long, and what that would hide.

use std::net::IpAddr;

use crate::console::keys::input::Input;
use crate::wire::rule::ExceptionCondition;
use crate::wire::rule::ExceptionPreview;
use crate::wire::rule::ExceptionRequest;

/// How long an exception may last; a week unless chosen otherwise.
pub(crate) const SPANS: [&str; 5] = ["1d", "7d", "30d", "90d", "365d"];
/// The place of the week.
const WEEK: usize = 1;
/// Conditions offered.
pub(crate) const SCOPE_MAX: usize = 8;

/// One condition that is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scope {
    pub field: String,
    /// As the alert has it.
    pub value: String,
    pub comparison: Comparison,
    pub is_chosen: bool,
}

/// How the value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Is,
    Contains,
    /// The network of that many bits the address lies in.
    Network(u8),
}

impl Scope {
    /// Returns the comparison after this one: wider, then the value itself again.
    pub(crate) fn next(&self) -> Comparison {
        match (self.comparison, self.value.parse::<IpAddr>()) {
            (Comparison::Is, Ok(IpAddr::V4(_))) => Comparison::Network(24),
            (Comparison::Network(24), Ok(IpAddr::V4(_))) => Comparison::Network(16),
            (Comparison::Is, Ok(IpAddr::V6(_))) => Comparison::Network(64),
            (Comparison::Is, Err(_)) => Comparison::Contains,
            _ => Comparison::Is,
        }
    }

    /// Returns the condition as the server takes it.
    pub(crate) fn condition(&self) -> ExceptionCondition {
        let (comparison, value) = match self.comparison {
            Comparison::Is => ("is", self.value.clone()),
            Comparison::Contains => ("contains", self.value.clone()),
            Comparison::Network(bits) => ("cidr", network(&self.value, bits).unwrap_or_else(|| self.value.clone())),
        };
        ExceptionCondition { field: self.field.clone(), comparison: comparison.to_owned(), value }
    }
}

/// Writes the network an address lies in; its host bits are zero.
fn network(address: &str, bits: u8) -> Option<String> {
    let address: IpAddr = match address.parse::<IpAddr>().ok()? {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32_u32.checked_sub(u32::from(bits))?).unwrap_or(0);
            IpAddr::from((u32::from(address) & mask).to_be_bytes())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128_u32.checked_sub(u32::from(bits))?).unwrap_or(0);
            IpAddr::from((u128::from(address) & mask).to_be_bytes())
        }
    };
    Some(format!("{address}/{bits}"))
}

/// What the exception would have hidden, as far as that is known.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) enum Radius {
    /// Nothing is chosen.
    #[default]
    Nothing,
    Asked,
    Known(Box<ExceptionPreview>),
    Unknown(String),
}

/// The dialog.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ExceptionForm {
    pub rule: String,
    pub title: String,
    pub scope: Vec<Scope>,
    pub cursor: usize,
    /// The place in [`SPANS`].
    pub span: usize,
    pub reason: Input,
    pub radius: Radius,
    /// Enter was pressed before it was known what would be hidden.
    pub is_waiting: bool,
    /// It was told that true positives would be hidden, and the next Enter means it.
    pub is_warned: bool,
    pub problem: Option<String>,
}

impl Eq for ExceptionForm {}

impl ExceptionForm {
    /// Opens the dialog for a rule; the first condition is chosen, which is what the alert is about.
    pub(crate) fn new(rule: String, title: String, conditions: Vec<(String, String)>) -> ExceptionForm {
        let offered = conditions.into_iter().take(SCOPE_MAX).enumerate();
        let scope = offered.map(|(place, (field, value))| Scope {
            field,
            value,
            comparison: Comparison::Is,
            is_chosen: place == 0,
        });
        ExceptionForm {
            rule,
            title,
            scope: scope.collect(),
            cursor: 0,
            span: WEEK,
            reason: Input::default(),
            radius: Radius::Nothing,
            is_waiting: false,
            is_warned: false,
            problem: None,
        }
    }

    /// Returns what is asked for.
    pub(crate) fn request(&self) -> ExceptionRequest {
        let chosen = self.scope.iter().filter(|scope| scope.is_chosen);
        ExceptionRequest {
            rule: self.rule.clone(),
            conditions: chosen.map(Scope::condition).collect(),
            reason: self.reason.text().trim().to_owned(),
            lasts: SPANS.get(self.span).map(|span| (*span).to_owned()),
        }
    }

    /// Moves to a longer or shorter span.
    pub(crate) fn change_span(&mut self, longer: bool) {
        self.span = if longer { (self.span + 1).min(SPANS.len() - 1) } else { self.span.saturating_sub(1) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_widens_and_comes_back() {
        let mut form = ExceptionForm::new(
            "r".to_owned(),
            "R".to_owned(),
            [("source.ip", "10.1.2.3"), ("user.name", "an"), ("source.ip", "2001:db8::1:2")]
                .map(|(field, value)| (field.to_owned(), value.to_owned()))
                .to_vec(),
        );
        let told = |form: &ExceptionForm, place: usize| {
            let condition = form.scope[place].condition();
            format!("{} {}", condition.comparison, condition.value)
        };
        for (place, wanted) in [
            (0, &["is 10.1.2.3", "cidr 10.1.2.0/24", "cidr 10.1.0.0/16", "is 10.1.2.3"][..]),
            (1, &["is an", "contains an", "is an"]),
            (2, &["is 2001:db8::1:2", "cidr 2001:db8::/64", "is 2001:db8::1:2"]),
        ] {
            for step in wanted {
                assert_eq!(told(&form, place), *step);
                form.scope[place].comparison = form.scope[place].next();
            }
        }
        let request = form.request();
        assert_eq!((request.conditions.len(), request.lasts.as_deref()), (1, Some("7d")));
        for _ in 0..9 {
            form.change_span(true);
        }
        assert_eq!(form.request().lasts.as_deref(), Some("365d"));
    }
}
