//! A measured figure.

use serde_json::{Value, json};

/// A measured figure.
pub(super) struct Figure {
    pub(super) name: &'static str,
    pub(super) value: f64,
    pub(super) unit: &'static str,
    /// The value should be at most this.
    pub(super) aim: Option<f64>,
}

impl Figure {
    fn is_met(&self) -> bool {
        self.aim.is_none_or(|aim| self.value <= aim)
    }

    /// Returns the figure as an entry of `bench.json`.
    pub(super) fn to_json(&self) -> Value {
        json!({ "name": self.name, "value": self.value, "unit": self.unit, "aim": self.aim, "met": self.is_met() })
    }

    /// Returns the figure as a line for people.
    pub(super) fn to_line(&self) -> String {
        let met = if self.is_met() { "met" } else { "NOT met" };
        let aim = self.aim.map_or_else(String::new, |aim| format!(" aim {aim:>10.1}  {met}"));
        format!("{:30} {:>12.2} {:8}{aim}", self.name, self.value, self.unit).trim_end().to_owned()
    }
}
