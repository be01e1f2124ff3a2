//! What Fieldward says of a technique in its own words: how much of it a mirror port shows, what to watch, what to do.
//! For office techniques it has none.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// How much of a technique can be seen on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Visible {
    /// Agents name it.
    Named,
    /// What it leaves behind can be seen.
    Traces,
    /// Nothing of it.
    Unseen,
}

impl Visible {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Named => "named",
            Self::Traces => "traces",
            Self::Unseen => "unseen",
        }
    }
}

/// What is said of a technique.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hint {
    /// How much of it can be seen.
    pub visible: Visible,
    /// What it is.
    pub about: &'static str,
    /// What to look at.
    pub watch: &'static str,
    /// What helps.
    pub act: &'static str,
}

/// The hint of a technique of the plant, by its id of v18.
pub fn hint(id: &str) -> Option<&'static Hint> {
    HINTS.get(id)
}

static HINTS: LazyLock<BTreeMap<&'static str, Hint>> = LazyLock::new(|| {
    let hint = |line: &'static str| {
        let mut fields = line.split('\t');
        let id = fields.next()?;
        let visible = match fields.next()? {
            "named" => Visible::Named,
            "traces" => Visible::Traces,
            _ => Visible::Unseen,
        };
        Some((id, Hint { visible, about: fields.next()?, watch: fields.next()?, act: fields.next()? }))
    };
    TEXT.lines().filter(|line| !line.starts_with('#')).filter_map(hint).collect()
});

const TEXT: &str = include_str!("data/hints.tsv");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attack::catalogue::Catalogue;

    #[test]
    fn every_technique_of_the_plant_has_a_hint() {
        let catalogue = Catalogue::shipped().unwrap();
        for technique in &catalogue.ics.techniques {
            let hint = hint(&technique.id).unwrap_or_else(|| panic!("{} has none", technique.id));
            assert!(hint.about.len() > 20 && hint.act.len() > 20, "{}", technique.id);
        }
        assert_eq!(HINTS.len(), catalogue.ics.techniques.len());
    }
}
