//! What one dock last asked and what it was answered, in words.

use eyrie_catalogue::{Dock, TraceEntry};

use crate::data::Library;
use crate::dock::state::ONLINE_S;

/// Exchanges told.
const LAST: u32 = 40;
/// Shown of a file's name, which a device may have made as long as it likes.
const NAME_CHARS: usize = 100;

/// A sentence each, oldest first; never empty.
pub(super) async fn explain(library: &Library, sn: &str) -> Vec<String> {
    match tell(library, sn).await {
        Ok(sentences) => sentences,
        Err(error) => vec![format!("the conversations with {sn} cannot be read: {}", crate::log_chain(&error))],
    }
}

async fn tell(library: &Library, sn: &str) -> eyrie_catalogue::Result<Vec<String>> {
    let Some(dock) = library.catalogue.dock(sn).await? else {
        return Ok(vec![format!("{sn} is not known here: add it with `eyrie dock add --workspace NAME --sn {sn}`")]);
    };
    let now = library.clock.now().as_second();
    let mut sentences = vec![presence(&dock, now)];
    if dock.disabled {
        sentences.push(format!("it is disabled and cannot connect: `eyrie dock enable {sn}`"));
    }
    if dock.bound_at.is_none() && dock.live.last_seen_at.is_some() {
        sentences
            .push("it has not bound itself to an organization: compare its binding code with `eyrie dock show`".into());
    }
    let page = library.catalogue.trace_of(sn, None, LAST).await?;
    if page.items.is_empty() && dock.live.last_seen_at.is_some() {
        sentences.push("nothing of its conversations is kept".into());
    }
    sentences.extend(page.items.iter().rev().map(sentence));
    Ok(sentences)
}

fn presence(dock: &Dock, now: i64) -> String {
    let sn = &dock.sn;
    match dock.live.last_seen_at {
        None => format!(
            "{sn} was never heard: it does not connect, or with a wrong password. Compare gateway address, username and \
             password on the dock with `eyrie dock show {sn}` and `eyrie dock rotate {sn}`"
        ),
        Some(seen) if now - seen.as_second() <= ONLINE_S => format!("{sn} is online, heard at {seen}"),
        Some(seen) => format!("{sn} is offline: last heard at {seen}"),
    }
}

fn sentence(entry: &TraceEntry) -> String {
    let method = entry.method.as_deref().unwrap_or("a message without a method");
    let file = entry.asked.pointer("/file/name").or_else(|| entry.asked.get("name"));
    let shown = |name: &str| format!(" {:?}", name.chars().take(NAME_CHARS).collect::<String>());
    let file = file.and_then(|name| name.as_str()).map(shown).unwrap_or_default();
    let well = entry.result.is_none_or(|result| result == 0);
    let done = match (entry.direction.as_str(), method, well) {
        ("down", _, true) => format!("we sent {method}"),
        ("down", _, false) => format!("we sent {method} and the dock refused"),
        (_, "storage_config_get", true) => "it asked for credentials to upload and got them".into(),
        (_, "storage_config_get", false) => "it asked for credentials to upload and got none".into(),
        // the note says what became of it
        (_, "file_upload_callback", true) if entry.note.is_some() => format!("it reported the file{file}"),
        (_, "file_upload_callback", true) => format!("it reported the file{file}, which is kept"),
        (_, "file_upload_callback", false) => {
            format!("it reported the file{file}, which is NOT kept; it will report it again")
        }
        (_, "update_topo", _) => "it named its aircraft".into(),
        (_, "airport_organization_bind", true) => "it bound itself to its organization".into(),
        (_, "airport_organization_bind", false) => "it could not bind itself to its organization".into(),
        (_, _, true) if entry.result.is_none() => format!("it sent {method}"),
        (_, _, true) => format!("it said {method} and was answered"),
        (_, _, false) => format!("it said {method} and was refused"),
    };
    let result = entry.result.map(|result| format!(" (result {result})")).unwrap_or_default();
    let took = entry.duration_ms.map(|ms| format!(" in {ms:.1} ms")).unwrap_or_default();
    let note = entry.note.as_deref().map(|note| format!(": {note}")).unwrap_or_default();
    format!("{}  {done}{result}{took}{note}", entry.at)
}
