use serde_json::json;

use super::Session;
use crate::config::explain::{explain, table};

pub(super) fn run(session: &Session) -> anyhow::Result<bool> {
    let loaded = session.load();
    let (problems, rows) = (loaded.all_problems(), explain(&loaded));
    if session.output.json {
        let report = json!({
            "ok": problems.is_empty(),
            "file": loaded.file,
            "settings": rows,
            "problems": problems,
            "warnings": loaded.warnings,
        });
        session.output.print(&report)?;
    } else {
        session.output.line(&table(&rows))?;
        for warning in &loaded.warnings {
            eprintln!("warning: {warning}");
        }
        for problem in &problems {
            eprintln!("problem: {problem}");
        }
    }
    Ok(problems.is_empty())
}
