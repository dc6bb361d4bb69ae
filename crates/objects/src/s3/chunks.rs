//! Bounds on an `aws-chunked` body before `s3s` decodes it.
//!
//! `s3s` gathers a whole chunk in memory, whatever its size. A signed chunk has to be gathered, since its signature
//! stands before it, so those over a limit are refused. An unsigned chunk (some clients send the whole file as one) is
//! rewritten into small ones as its bytes arrive, which changes nothing of what it says.

use std::collections::VecDeque;

use bytes::{Buf, Bytes};

/// Longest line before a chunk: a size and a signature.
const MAX_LINE_BYTES: usize = 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ChunkError {
    #[error("a signed chunk is larger than this server takes")]
    TooLarge,
    #[error("the body is larger than this server takes")]
    BodyTooLarge,
    #[error("the line before a chunk is malformed")]
    Malformed,
}

impl ChunkError {
    pub(super) const ALL: [Self; 3] = [Self::TooLarge, Self::BodyTooLarge, Self::Malformed];
}

/// Follows the chunks of one body.
pub(super) struct Chunks {
    /// `None`: unsigned chunks, rewritten.
    max_signed_chunk: Option<u64>,
    /// What the chunks may hold together.
    room: u64,
    state: State,
    line: Vec<u8>,
}

enum State {
    Line,
    Data {
        left: u64,
    },
    /// The line end behind a chunk's data.
    DataEnd,
    /// Behind the empty last chunk: trailers, which `s3s` bounds.
    Trailers,
}

impl Chunks {
    pub(super) fn signed(max_chunk: usize, max_body: u64) -> Self {
        Self { max_signed_chunk: Some(max_chunk as u64), room: max_body, state: State::Line, line: Vec::new() }
    }

    pub(super) fn unsigned(max_body: u64) -> Self {
        Self { max_signed_chunk: None, room: max_body, state: State::Line, line: Vec::new() }
    }

    /// Takes the next bytes of the body and puts what is to be passed on into `out`.
    pub(super) fn push(&mut self, bytes: Bytes, out: &mut VecDeque<Bytes>) -> Result<(), ChunkError> {
        let rewrite = self.max_signed_chunk.is_none();
        if !rewrite {
            out.push_back(bytes.clone());
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            match self.state {
                State::Line => self.push_line(&mut rest, out)?,
                State::Data { left } => {
                    let take = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                    let data = rest.split_to(take);
                    if rewrite {
                        out.extend([Bytes::from(format!("{take:x}\r\n")), data, Bytes::from_static(b"\r\n")]);
                    }
                    let left = left - take as u64;
                    self.state = if left == 0 { State::DataEnd } else { State::Data { left } };
                }
                State::DataEnd => match rest.get_u8() {
                    b'\r' => {}
                    b'\n' => self.state = State::Line,
                    _ => return Err(ChunkError::Malformed),
                },
                State::Trailers => {
                    let trailers = std::mem::take(&mut rest);
                    if rewrite {
                        out.push_back(trailers);
                    }
                }
            }
        }
        Ok(())
    }

    fn push_line(&mut self, rest: &mut Bytes, out: &mut VecDeque<Bytes>) -> Result<(), ChunkError> {
        let end = rest.iter().position(|byte| *byte == b'\n').map(|at| at + 1);
        let part = rest.split_to(end.unwrap_or(rest.len()));
        if self.line.len() + part.len() > MAX_LINE_BYTES {
            return Err(ChunkError::Malformed);
        }
        self.line.extend_from_slice(&part);
        if end.is_none() {
            return Ok(());
        }
        let size = chunk_size(&self.line).ok_or(ChunkError::Malformed)?;
        self.line.clear();
        if self.max_signed_chunk.is_some_and(|max| size > max) {
            return Err(ChunkError::TooLarge);
        }
        self.room = self.room.checked_sub(size).ok_or(ChunkError::BodyTooLarge)?;
        self.state = if size == 0 { State::Trailers } else { State::Data { left: size } };
        if size == 0 && self.max_signed_chunk.is_none() {
            out.push_back(Bytes::from_static(b"0\r\n"));
        }
        Ok(())
    }
}

/// The size in `SIZE[;extension]\r\n`, hexadecimal.
fn chunk_size(line: &[u8]) -> Option<u64> {
    let line = line.strip_suffix(b"\r\n")?;
    let digits = line.split(|byte| *byte == b';').next()?;
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u64::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run(mut chunks: Chunks, body: &[u8], pieces: usize) -> Result<Vec<u8>, ChunkError> {
        let mut out = VecDeque::new();
        for piece in body.chunks(pieces) {
            chunks.push(Bytes::copy_from_slice(piece), &mut out)?;
        }
        Ok(out.into_iter().flatten().collect())
    }

    const SIGNED: &[u8] =
        b"5;chunk-signature=aa\r\nhello\r\n0;chunk-signature=bb\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n";

    #[test]
    fn signed_chunks_pass_unchanged_up_to_the_limit() {
        for pieces in 1..SIGNED.len() {
            assert_eq!(run(Chunks::signed(5, 5), SIGNED, pieces).unwrap(), SIGNED);
            assert_eq!(run(Chunks::signed(4, 5), SIGNED, pieces), Err(ChunkError::TooLarge));
            assert_eq!(run(Chunks::signed(5, 4), SIGNED, pieces), Err(ChunkError::BodyTooLarge));
        }
    }

    #[test]
    fn an_unsigned_chunk_becomes_small_ones() {
        let body = b"a\r\n0123456789\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n";
        let expected = b"5\r\n01234\r\n5\r\n56789\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n";
        let mut chunks = Chunks::unsigned(10);
        let mut out = VecDeque::new();
        for piece in [&body[..8], &body[8..]] {
            chunks.push(Bytes::copy_from_slice(piece), &mut out).unwrap();
        }
        assert_eq!(out.into_iter().flatten().collect::<Vec<u8>>(), expected);
    }

    #[test]
    fn malformed_lines_are_refused() {
        for body in ["\r\n", "x\r\n", "5\n", "-5\r\nhello\r\n", "5\r\nhelloX", "fffffffffffffffff\r\n"] {
            assert_eq!(run(Chunks::unsigned(100), body.as_bytes(), 3), Err(ChunkError::Malformed), "{body:?}");
        }
        assert_eq!(run(Chunks::unsigned(100), &[b'0'; 2000], 7), Err(ChunkError::Malformed));
        assert_eq!(run(Chunks::unsigned(100), b"ffffffffffffffff\r\n", 7), Err(ChunkError::BodyTooLarge));
    }

    proptest! {
        #[test]
        fn any_bytes_give_an_answer(body: Vec<u8>, pieces in 1_usize..9) {
            let _ = run(Chunks::unsigned(1000), &body, pieces);
            let _ = run(Chunks::signed(100, 1000), &body, pieces);
        }
    }
}
