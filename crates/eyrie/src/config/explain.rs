//! What `check-config` says: each setting, its value, where it came from, and what is wrong.

use serde::Serialize;

use super::Config;
use super::load::{Loaded, Origin};
use super::settings::SETTINGS;

#[derive(Clone, Debug, Serialize)]
pub struct Explained {
    pub key: &'static str,
    /// Secrets as `(set)`; not set is empty.
    pub value: String,
    /// `default`, `FILE:LINE`, a variable's name, or a flag.
    pub origin: String,
    /// The variable that would set it.
    pub environment: String,
}

/// All settings, in the order of the documented file.
pub fn explain(loaded: &Loaded) -> Vec<Explained> {
    explain_config(&loaded.config)
}

/// The same, of the settings in force.
pub fn explain_config(config: &Config) -> Vec<Explained> {
    let explained = SETTINGS.iter().map(|setting| {
        let value = (setting.show)(config);
        Explained {
            key: setting.key,
            value: if setting.secret && !value.is_empty() { "(set)".into() } else { value },
            origin: config.origins.get(setting.key).unwrap_or(&Origin::Default).to_string(),
            environment: setting.env(),
        }
    });
    explained.collect()
}

/// The same as a table for people.
pub fn table(rows: &[Explained]) -> String {
    let width = |cell: fn(&Explained) -> usize| rows.iter().map(cell).max().unwrap_or(0);
    let (keys, values) = (width(|row| row.key.len()), width(|row| row.value.chars().count()).min(60));
    let lines = rows.iter().map(|row| {
        let value = if row.value.is_empty() { "-" } else { &row.value };
        format!("{:keys$}  {value:values$}  {}", row.key, row.origin)
    });
    lines.collect::<Vec<_>>().join("\n")
}
