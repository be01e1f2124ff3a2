//! Values in the order of their numbers, and the pieces of a text that name them.

use super::Value;

/// Values of a text that is put together of pieces.
#[derive(Debug, Default)]
pub struct Values(pub Vec<Value>);

impl Values {
    /// Takes one more; gives what stands for it in the text.
    pub fn next(&mut self, value: Value) -> String {
        self.0.push(value);
        format!("${}", self.0.len())
    }

    /// That a column has one of these values; none when any will do.
    pub fn among(&mut self, column: &str, wanted: impl IntoIterator<Item = Value>) -> Option<String> {
        let wanted: Vec<String> = wanted.into_iter().map(|value| self.next(value)).collect();
        (!wanted.is_empty()).then(|| format!("{column} IN ({})", wanted.join(", ")))
    }

    /// ` AND …`: of one of these plants; nothing when none are named, which stands for all.
    pub fn of_plants(&mut self, facilities: &[String]) -> String {
        let wanted = facilities.iter().map(|one| one.as_str().into());
        self.among("facility_id", wanted).map_or_else(String::new, |within| format!(" AND {within}"))
    }
}
