//! How fast subtitles are read: `cargo run --release -p eyrie-media --example srt_speed [FILE.SRT]`.
//!
//! Without a file, an hour at 30 frames a second as a Mavic 3 Enterprise writes it. The best of five runs counts: others
//! were disturbed.

use std::time::Instant;

use eyrie_media::srt;

fn main() -> std::io::Result<()> {
    let bytes = match std::env::args_os().nth(1) {
        Some(path) => std::fs::read(path)?,
        None => an_hour(),
    };
    let mut best_s = f64::INFINITY;
    let mut records = 0;
    for _ in 0..5 {
        let start = Instant::now();
        records = srt::read(&bytes).record_count;
        best_s = best_s.min(start.elapsed().as_secs_f64());
    }
    let mb = bytes.len() as f64 / 1e6;
    // one JSON object: the bench table reads it
    println!("{}", serde_json::json!({"records": records, "mb": mb, "seconds": best_s, "mb_s": mb / best_s}));
    Ok(())
}

fn an_hour() -> Vec<u8> {
    let record = |n: u32| {
        let ms = n * 33;
        let (h, m, s) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60);
        format!(
            "{n}\n{h:02}:{m:02}:{s:02},{:03} --> {h:02}:{m:02}:{s:02},{:03}\n<font size=\"28\">FrameCnt: {n}, DiffTime: 33ms\n\
             2026-05-10 10:{m:02}:{s:02}.{:03}\n[iso: 100] [shutter: 1/8000.0] [fnum: 2.8] [ev: 0] [ct: 5115] [color_md: default] \
             [focal_len: 24.00] [dzoom_ratio: 1.00], [latitude: 47.{n:06}] [longitude: 8.{n:06}] [rel_alt: 55.100 abs_alt: 485.400] \
             [gb_yaw: -4.5 gb_pitch: -90.0 gb_roll: 0.0] </font>\n\n",
            ms % 1_000,
            ms % 1_000,
            ms % 1_000
        )
    };
    (1..=108_000).map(record).collect::<String>().into_bytes()
}
