//! What commands print: JSON for programs, lines and tables for people.

use std::io::Write as _;

use serde_json::{Map, Value};

#[derive(Clone, Copy)]
pub(super) struct Output {
    pub(super) json: bool,
}

impl Output {
    /// Prints one object; `{"items": [...]}` as a table.
    pub(super) fn print(self, value: &Value) -> anyhow::Result<()> {
        let text = if self.json { value.to_string() } else { for_people(value) };
        self.line(&text)
    }

    /// Prints a line as it is.
    pub(super) fn line(self, text: &str) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        match writeln!(out, "{text}").and_then(|()| out.flush()) {
            // the reader went away (`eyrie dock list | head -1`): nothing is lost
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            done => Ok(done?),
        }
    }
}

fn for_people(value: &Value) -> String {
    match value {
        Value::Object(fields) => match fields.get("items") {
            Some(Value::Array(items)) => table(items),
            _ => lines(fields),
        },
        other => cell(other),
    }
}

fn lines(fields: &Map<String, Value>) -> String {
    let width = fields.keys().map(String::len).max().unwrap_or(0);
    let lines = fields.iter().map(|(name, value)| format!("{name:width$}  {}", cell(value)));
    lines.collect::<Vec<_>>().join("\n")
}

fn table(items: &[Value]) -> String {
    let Some(Value::Object(first)) = items.first() else { return "(none)".into() };
    let names: Vec<&String> = first.keys().collect();
    let mut rows = vec![names.iter().map(|name| name.to_uppercase()).collect::<Vec<_>>()];
    rows.extend(items.iter().map(|item| names.iter().map(|name| cell(&item[name.as_str()])).collect()));
    let widths: Vec<usize> =
        (0..names.len()).map(|i| rows.iter().map(|row| row[i].chars().count()).max().unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".into(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_are_tables_and_objects_are_lines() {
        assert_eq!(for_people(&json!({"id": 1, "name": "a b"})), "id    1\nname  a b");
        assert_eq!(for_people(&json!({"items": [{"sn": "X", "on": null}]})), "ON  SN\n-   X");
        assert_eq!(for_people(&json!({"items": []})), "(none)");
    }
}
