//! What a field is compared with: patterns, networks, numbers, and the modifiers that make them from a rule's values.

mod cidr;
mod encode;
mod modifier;
mod predicate;
mod text;

pub use cidr::Cidr;
pub(in crate::detect) use cidr::masked;
pub use modifier::Modifier;
pub use modifier::Values;
pub(in crate::detect) use modifier::apply;
pub use predicate::CompareOp;
pub use predicate::FieldPart;
pub use predicate::Number;
pub use predicate::Predicate;
pub use predicate::RegexSpec;
pub use predicate::Test;
pub use predicate::TimePart;
pub use predicate::value_text;
pub use text::Part;
pub use text::Pattern;
pub use text::Shape;
pub use text::fold_char;
pub use text::fold_into;
pub use text::folded;
