//! Programs of others that do a piece of our work: found on the path, run without a shell in a private folder, with limits
//! of time, memory and output. One that is given up, or whose job ends, is killed.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::process::Command;

/// What is kept of a program's output: its end, bytes.
const KEPT_OUTPUT_BYTES: usize = 4 * 1024;

/// What a program may use.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub time: Duration,
    /// Address space.
    pub memory_bytes: u64,
    /// Each file that it writes.
    pub file_bytes: u64,
}

/// Why a program did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    #[error("{program} cannot be started")]
    Start { program: String, source: std::io::Error },
    #[error("{program} was ended after {seconds} s")]
    TimeLimit { program: String, seconds: u64 },
    #[error("{program} ended with {status}: {output}")]
    Failed { program: String, status: String, output: String },
}

/// The executable file called `name` in the folders of `$PATH`.
pub fn find(name: &str) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;
    let is_program =
        |path: &PathBuf| path.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0);
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(name)).find(is_program)
}

/// Runs `program` in `folder` to its end; gives the end of what it said. Dropped half way, the program is killed.
///
/// # Errors
/// [`ProgramError`].
pub async fn run(program: &Path, args: &[OsString], folder: &Path, limits: Limits) -> Result<String, ProgramError> {
    let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let start = |source| ProgramError::Start { program: name.clone(), source };
    let mut child = Command::new(program)
        .args(args)
        .current_dir(folder)
        .env_clear()
        .env("LC_ALL", "C")
        .env("TMPDIR", folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(start)?;
    limit(child.id(), limits);
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let work = async {
        let (status, out, err) = tokio::join!(child.wait(), end_of(out), end_of(err));
        (status, out, err)
    };
    let Ok((status, out, err)) = tokio::time::timeout(limits.time, work).await else {
        let _ = child.kill().await;
        return Err(ProgramError::TimeLimit { program: name, seconds: limits.time.as_secs() });
    };
    let output = readable(if err.trim_ascii().is_empty() { &out } else { &err });
    let status = status.map_err(start)?;
    if !status.success() {
        return Err(ProgramError::Failed { program: name, status: status.to_string(), output });
    }
    Ok(output)
}

/// A program that reads what docks sent must not take the machine with it.
fn limit(pid: Option<u32>, limits: Limits) {
    let Some(pid) = pid.and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw) else { return };
    // its threads' time is counted together: on every core for all of its time, and whole seconds, of which 0 ends it at once
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u64);
    let all = [
        (Resource::As, limits.memory_bytes),
        (Resource::Fsize, limits.file_bytes),
        (Resource::Cpu, (limits.time.as_secs() + 1).saturating_mul(cores)),
        (Resource::Core, 0),
    ];
    for (resource, value) in all {
        if let Err(error) = prlimit(Some(pid), resource, Rlimit { current: Some(value), maximum: Some(value) }) {
            tracing::warn!(%error, ?resource, "a program could not be limited");
        }
    }
}

/// Reads to the end and keeps the last part.
async fn end_of(pipe: Option<impl AsyncRead + Unpin>) -> Vec<u8> {
    let mut kept = Vec::new();
    let Some(mut pipe) = pipe else { return kept };
    let mut chunk = [0; 4_096];
    while let Ok(count @ 1..) = pipe.read(&mut chunk).await {
        kept.extend_from_slice(chunk.get(..count).unwrap_or_default());
        let over = kept.len().saturating_sub(KEPT_OUTPUT_BYTES);
        kept.drain(..over);
    }
    kept
}

/// Progress lines write over each other with carriage returns: the last line, without control characters.
fn readable(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    let last = text.split(['\n', '\r']).map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("");
    last.chars().filter(|c| !c.is_control()).take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { time: Duration::from_secs(20), memory_bytes: 1 << 30, file_bytes: 1 << 20 };

    fn args(args: &[&str]) -> Vec<OsString> {
        args.iter().map(OsString::from).collect()
    }

    #[tokio::test]
    async fn output_status_and_time_are_bounded() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let shell = find("sh").expect("a shell");
        let said = run(&shell, &args(&["-c", "echo one; printf 'two\\rthree\\n'"]), dir.path(), LIMITS).await;
        assert_eq!(said.expect("ran"), "three");
        let failed = run(&shell, &args(&["-c", "echo no >&2; exit 3"]), dir.path(), LIMITS).await;
        let text = failed.expect_err("failed").to_string();
        assert_eq!(text, "sh ended with exit status: 3: no");
        let short = Limits { time: Duration::from_millis(200), ..LIMITS };
        let sleep = find("sleep").expect("sleep");
        let late = run(&sleep, &args(&["60"]), dir.path(), short).await;
        assert!(matches!(late, Err(ProgramError::TimeLimit { .. })), "{late:?}");
        assert!(find("no-such-program-anywhere").is_none());
    }
}
