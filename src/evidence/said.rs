//! What is told of damage, in both languages side by side.

/// A sentence in English and in Vietnamese. What the operating system or a library says within it stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Said {
    pub english: String,
    pub vietnamese: String,
}

impl<E: Into<String>, V: Into<String>> From<(E, V)> for Said {
    fn from((english, vietnamese): (E, V)) -> Said {
        Said { english: english.into(), vietnamese: vietnamese.into() }
    }
}

/// Formats one sentence in both languages, with the same values in each.
macro_rules! said {
    ($english:literal, $vietnamese:literal $(, $value:expr)* $(,)?) => {
        $crate::evidence::said::Said {
            english: format!($english $(, $value)*),
            vietnamese: format!($vietnamese $(, $value)*),
        }
    };
}

pub(in crate::evidence) use said;
