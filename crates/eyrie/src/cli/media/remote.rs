//! A file on another machine, read by ranges over HTTP: what a signed URL of any object store gives.

use std::io;
use std::time::Duration;

use anyhow::{Context as _, bail};
use eyrie_media::{RangeRead, Windowed};
use http::{HeaderMap, StatusCode, header};
use percent_encoding::percent_decode_str;
use reqwest::{Client, Response, Url};
use tokio::runtime::Handle;

const CONNECT: Duration = Duration::from_secs(10);
/// A whole request: the largest window over a thin line.
const ANSWER: Duration = Duration::from_secs(60);

/// Blocks while it reads: for blocking threads alone.
pub(super) struct RemoteFile {
    client: Client,
    runtime: Handle,
    url: Url,
    size_bytes: u64,
    /// The file that was opened, where the server names it: another one in its place is not read on.
    etag: Option<String>,
}

/// Whether an argument is the address of a file, not its path.
pub(super) fn is_address(argument: &str) -> bool {
    let scheme = argument.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https"))
}

/// The address without what gives access: a signed URL's query is a secret.
pub(super) fn shown(address: &str) -> String {
    match address.parse::<Url>() {
        Ok(mut url) => {
            url.set_query(None);
            url.set_fragment(None);
            let _ = url.set_password(None);
            let _ = url.set_username("");
            url.into()
        }
        Err(_) => address.split(['?', '#']).next().unwrap_or_default().to_owned(),
    }
}

/// The file's name, and the file.
///
/// # Errors
/// No such address, or its server does not answer, refuses, or only gives whole files.
pub(super) fn open(address: &str) -> anyhow::Result<(String, Windowed<RemoteFile>)> {
    let url: Url = address.parse().context("not an address")?;
    let client = Client::builder()
        .tls_backend_preconfigured(crate::tls::client_config(None)?)
        .connect_timeout(CONNECT)
        .timeout(ANSWER)
        .user_agent("eyrie")
        .build()?;
    let name = url.path_segments().and_then(|mut segments| segments.next_back()).unwrap_or_default();
    let name = percent_decode_str(name).decode_utf8_lossy().into_owned();
    let mut file = RemoteFile { client, runtime: Handle::current(), url, size_bytes: 0, etag: None };
    // a signed URL is for one method, so that HEAD would be refused
    let first = file.runtime.block_on(file.ask(0, 1))?;
    file.size_bytes = match first.status() {
        StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => {
            size_of(first.headers()).context("the server does not say how large the file is")?
        }
        StatusCode::OK => {
            bail!("the server only gives whole files (it ignores Range): download it and inspect the copy")
        }
        status => bail!("the server answers {status}"),
    };
    file.etag = etag_of(first.headers());
    Ok((name, Windowed::new(file)))
}

impl RemoteFile {
    /// For bytes from `from`, `length` of them.
    async fn ask(&self, from: u64, length: u64) -> anyhow::Result<Response> {
        let range = format!("bytes={from}-{}", from + length.saturating_sub(1));
        let asked = self.client.get(self.url.clone()).header(header::RANGE, range).send().await;
        // the error's own text holds the address, and that the signature
        asked.map_err(|error| anyhow::Error::new(error.without_url())).context("the server did not answer")
    }

    async fn fill(&self, offset: u64, buffer: &mut [u8]) -> anyhow::Result<()> {
        let mut answer = self.ask(offset, buffer.len() as u64).await?;
        if answer.status() != StatusCode::PARTIAL_CONTENT {
            bail!("the server answers {}", answer.status());
        }
        if size_of(answer.headers()) != Some(self.size_bytes) || etag_of(answer.headers()) != self.etag {
            bail!("the file was replaced while it was read");
        }
        let mut rest = buffer;
        while let Some(chunk) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
            let (filled, left) =
                rest.split_at_mut_checked(chunk.len()).context("the server sends more than was asked for")?;
            filled.copy_from_slice(&chunk);
            rest = left;
        }
        if !rest.is_empty() {
            bail!("the server sends less than was asked for");
        }
        Ok(())
    }
}

impl RangeRead for RemoteFile {
    fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    fn read_exact_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.runtime.block_on(self.fill(offset, buffer)).map_err(io::Error::other)
    }
}

/// N of `Content-Range: bytes 0-1/N`.
fn size_of(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_RANGE)?.to_str().ok()?.rsplit_once('/')?.1.trim().parse().ok()
}

fn etag_of(headers: &HeaderMap) -> Option<String> {
    Some(headers.get(header::ETAG)?.to_str().ok()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_what_gives_access() {
        assert!(is_address("HTTPS://store/ws-1/a.JPG") && !is_address("a://b") && !is_address("DJI_0001.JPG"));
        assert_eq!(
            shown("https://user:pass@store/ws-1/a%20b.JPG?X-Amz-Signature=secret#x"),
            "https://store/ws-1/a%20b.JPG"
        );
        assert_eq!(shown("http://[/a?X-Amz-Signature=secret"), "http://[/a");
    }
}
