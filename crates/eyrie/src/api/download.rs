//! Answers that are written while they are sent: nothing of an export is ever whole in memory.

use std::io::{self, BufWriter, Write};

use axum::body::{Body, Bytes};
use axum::response::Response;
use http::{HeaderValue, header};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// Written at once, bytes.
const CHUNK_BYTES: usize = 32 * 1024;
/// Chunks that wait for a slow client.
const CHUNKS_WAITING: usize = 4;
/// Longest file name that is offered, characters.
const MAX_NAME_CHARS: usize = 120;

/// Sends what `write` writes, from a blocking thread. An error of `write` breaks the connection off, so that a client
/// does not take half an export for a whole one.
pub fn streamed(
    content_type: &'static str,
    file_name: &str,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static,
) -> Response {
    let (sender, receiver) = mpsc::channel(CHUNKS_WAITING);
    tokio::task::spawn_blocking(move || {
        let mut out = BufWriter::with_capacity(CHUNK_BYTES, Channel(sender.clone()));
        match write(&mut out).and_then(|()| out.flush()) {
            Ok(()) => {}
            // the client went away
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
            Err(error) => {
                tracing::warn!(%error, "an export broke off");
                let _ = sender.blocking_send(Err(error));
            }
        }
        // what is left in the buffer of a failed export is not sent
        drop(out.into_parts());
    });
    let mut response = Response::new(Body::from_stream(ReceiverStream::new(receiver)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CONTENT_DISPOSITION, attachment(file_name));
    response
}

/// RFC 6266, with the name reduced to what every client understands.
pub fn attachment(file_name: &str) -> HeaderValue {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let name: String = file_name.chars().take(MAX_NAME_CHARS).map(|c| if plain(c) { c } else { '_' }).collect();
    HeaderValue::try_from(format!("attachment; filename=\"{name}\"")).unwrap_or(HeaderValue::from_static("attachment"))
}

struct Channel(mpsc::Sender<io::Result<Bytes>>);

impl Write for Channel {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes)));
        sent.map(|()| bytes.len()).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn what_is_written_arrives_and_an_error_breaks_off() {
        let whole = streamed("text/plain", "a.txt", |out| out.write_all(&[7; 100_000]));
        assert_eq!(whole.into_body().collect().await.expect("whole").to_bytes().len(), 100_000);
        let broken = streamed("text/plain", "a.txt", |out| {
            out.write_all(b"half")?;
            Err(io::Error::other("the disk is gone"))
        });
        assert!(broken.into_body().collect().await.is_err());
    }

    #[test]
    fn a_name_cannot_leave_its_header() {
        assert_eq!(attachment("a\"; x=\r\n\u{e4}.gpx"), "attachment; filename=\"a___x____.gpx\"");
    }
}
