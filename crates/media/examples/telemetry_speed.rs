//! A video's telemetry against reading the file once: `cargo run --release -p eyrie-media --example telemetry_speed FILE`.
//!
//! Prints one JSON object. The file is read through twice and the faster time counts, so that both find it in memory.

use std::fs::File;
use std::io::{self, Read as _};
use std::time::Instant;

use eyrie_media::{FileRange, RangeRead, video};

/// Counts what is asked for.
struct Counting {
    inner: FileRange,
    bytes: u64,
    reads: u64,
}

impl RangeRead for Counting {
    fn size_bytes(&self) -> u64 {
        self.inner.size_bytes()
    }

    fn read_exact_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        (self.bytes, self.reads) = (self.bytes + buffer.len() as u64, self.reads + 1);
        self.inner.read_exact_at(offset, buffer)
    }
}

fn main() -> io::Result<()> {
    let path = std::env::args_os().nth(1).ok_or_else(|| io::Error::other("which file?"))?;
    let mut sequential_s = f64::INFINITY;
    for _ in 0..2 {
        let (mut file, mut buffer, start) = (File::open(&path)?, vec![0; 1 << 20], Instant::now());
        while file.read(&mut buffer)? > 0 {}
        sequential_s = sequential_s.min(start.elapsed().as_secs_f64());
    }
    let mut counting = Counting { inner: FileRange::new(File::open(&path)?)?, bytes: 0, reads: 0 };
    let start = Instant::now();
    let samples = video::track(&mut counting)?.map_or(0, |track| track.samples.len());
    let (track_s, size) = (start.elapsed().as_secs_f64(), counting.size_bytes());
    let (bytes, reads) = (counting.bytes, counting.reads);
    println!(
        "{}",
        serde_json::json!({"size_bytes": size, "samples": samples, "read_bytes": bytes, "reads": reads, "track_s": track_s, "sequential_s": sequential_s})
    );
    Ok(())
}
