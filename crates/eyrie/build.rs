//! Writes the table of the built page (`web/dist/page`) that `src/page.rs` embeds. Without a built page the table is empty,
//! and the server says at `/` how to build one.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let dist = manifest.join("../../web/dist");
    // the folder itself is in the repository, so that watching it costs nothing while there is no page
    println!("cargo::rerun-if-changed={}", dist.display());
    let mut files = BTreeMap::new();
    let page = dist.join("page");
    if page.join("index.html").is_file() {
        collect(&page, "", &mut files)?;
    }
    let mut table = String::from("static ASSETS: &[Asset] = &[\n");
    for (path, file) in &files {
        if path.ends_with(".br") || path.ends_with(".gz") {
            continue;
        }
        let mut hasher = DefaultHasher::new();
        fs::read(file)?.hash(&mut hasher);
        let compressed = |ending: &str| match files.get(&format!("{path}{ending}")) {
            Some(file) => format!("Some(include_bytes!({:?}))", file.display().to_string()),
            None => "None".into(),
        };
        writeln!(
            table,
            "    Asset {{ path: {path:?}, etag: \"\\\"{:016x}\\\"\", plain: include_bytes!({:?}), gzip: {}, brotli: {} }},",
            hasher.finish(),
            file.display().to_string(),
            compressed(".gz"),
            compressed(".br"),
        )
        .expect("a string takes everything");
    }
    table.push_str("];\n");
    fs::write(PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("page_assets.rs"), table)
}

/// Every file below `folder`, by its path with `/` between.
fn collect(folder: &Path, prefix: &str, files: &mut BTreeMap<String, PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{path}/"), files)?;
        } else {
            files.insert(path, entry.path().canonicalize()?);
        }
    }
    Ok(())
}
