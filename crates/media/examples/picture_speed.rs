//! What pictures cost: `cargo run --release -p eyrie-media --example picture_speed [PHOTO.JPG]`.
//!
//! A photo of 20 megapixels with an embedded preview as a dock's camera writes it (made here, or the file named): its
//! thumbnail against decoding all of it. Then the memory of the worst pictures that are not refused, each in a process of its own.
//! The last line is one JSON object: the bench table reads it.

use std::process::Command;
use std::time::Instant;

use eyrie_media::picture::{
    Coding, PREVIEW_PX, Picture, PictureError, THUMBNAIL_PX, embedded_picture, look, whole_picture,
};

const ROUNDS: u32 = 5;
/// Levels of noise: they make the photo 8 MB, as the cameras' 20 megapixels are. A preview of a thirtieth of the pixels is smoother.
const SENSOR_GRAIN: u32 = 72;
const PREVIEW_GRAIN: u32 = 12;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let argument = std::env::args().nth(1);
    if let Some(claim) = argument.as_deref().and_then(|argument| argument.strip_prefix("claim=")) {
        return worst_case(claim);
    }
    let photo = match argument {
        Some(path) => std::fs::read(path)?,
        None => with_preview(
            &landscape(5280, 3956, SENSOR_GRAIN).encode(Coding::Jpeg)?,
            &landscape(960, 720, PREVIEW_GRAIN).encode(Coding::Jpeg)?,
        ),
    };
    let seen = look(&mut photo.as_slice())?;
    println!("a photo of {} x {} pixels, {} bytes", seen.width_px, seen.height_px, photo.len());
    let full = time("decode all of it", || whole_picture(&mut photo.as_slice(), &seen, u32::MAX).map(drop));
    let pixels = time("thumbnail's pixels from the embedded preview", || {
        let seen = look(&mut photo.as_slice())?;
        embedded_picture(&mut photo.as_slice(), &seen, THUMBNAIL_PX).map(drop).ok_or(PictureError::NotAPicture)
    });
    let thumbnail = time("the same, coded as WebP", || {
        let seen = look(&mut photo.as_slice())?;
        let picture = embedded_picture(&mut photo.as_slice(), &seen, THUMBNAIL_PX).ok_or(PictureError::NotAPicture)?;
        picture.encode(Coding::WebP).map(drop)
    });
    let without = time("thumbnail without an embedded preview", || {
        whole_picture(&mut photo.as_slice(), &seen, THUMBNAIL_PX)?.encode(Coding::WebP).map(drop)
    });
    let preview = time("preview of 2,048 pixels as WebP", || {
        whole_picture(&mut photo.as_slice(), &seen, PREVIEW_PX)?.encode(Coding::WebP).map(drop)
    });
    println!(
        "of decoding all of it: {:.3} for the thumbnail's pixels, {:.3} with WebP, {:.2} without a preview, {:.2} for the preview",
        pixels / full,
        thumbnail / full,
        without / full,
        preview / full
    );
    let mut worst_kb = 0;
    for claim in ["17800x17800 baseline", "5000x5000 progressive", "65000x65000 baseline"] {
        let child = Command::new(std::env::current_exe()?).arg(format!("claim={claim}")).output()?;
        let told = String::from_utf8_lossy(&child.stdout).into_owned();
        print!("{told}");
        let peak_kb = told.rsplit("at most ").next().and_then(|peak| peak.split(' ').next()?.parse::<u64>().ok());
        worst_kb = worst_kb.max(peak_kb.unwrap_or(0));
    }
    let row = serde_json::json!({
        "full_ms": full, "pixels_ms": pixels, "thumbnail_ms": thumbnail, "without_ms": without, "preview_ms": preview, "worst_kb": worst_kb,
    });
    println!("{row}");
    Ok(())
}

/// Milliseconds of a round, printed.
fn time(what: &str, work: impl Fn() -> Result<(), PictureError>) -> f64 {
    let started = Instant::now();
    for _ in 0..ROUNDS {
        if let Err(error) = work() {
            println!("{what}: {error}");
            return f64::NAN;
        }
    }
    let ms = started.elapsed().as_secs_f64() * 1e3 / f64::from(ROUNDS);
    println!("{ms:9.1} ms  {what}");
    ms
}

/// Hills in the distance: smooth, with as many levels of noise.
fn landscape(width: u32, height: u32, grain_levels: u32) -> Picture {
    let mut grain = 1_u32;
    let mut rgb = Vec::with_capacity((width * height * 3) as usize);
    for y in 0..height {
        for x in 0..width {
            grain = grain.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (u, v) = (f64::from(x) / f64::from(width), f64::from(y) / f64::from(height));
            let hill = ((u * 19.0).sin() * (v * 23.0).cos() * 40.0) as i32 + ((grain >> 16) % grain_levels) as i32;
            rgb.extend([90 + hill, 120 + hill, 70 + hill / 2].map(|channel| channel.clamp(0, 255) as u8));
        }
    }
    Picture::new(width, height, rgb).expect("three bytes a pixel")
}

/// The main picture with another behind it that an MPF index names (CIPA DC-007).
fn with_preview(main: &[u8], preview: &[u8]) -> Vec<u8> {
    let mut index = b"MPF\0II\x2A\0\x08\0\0\0\x01\0\x02\xB0\x07\0\x20\0\0\0\x1A\0\0\0\0\0\0\0".to_vec();
    let segment_bytes = index.len() + 2 * 16 + 4;
    // offsets count from the TIFF header: behind SOI, marker, length and "MPF\0"
    let offset = main.len() + segment_bytes - 10;
    for (size, offset) in [(main.len() + segment_bytes, 0), (preview.len(), offset)] {
        for word in [0, size as u32, offset as u32, 0] {
            index.extend(word.to_le_bytes());
        }
    }
    let length = ((index.len() + 2) as u16).to_be_bytes();
    let (start, rest) = main.split_at(2);
    [start, &[0xFF, 0xE2], &length, &index, rest, preview].concat()
}

/// Makes a preview of a small file that claims a size, and prints what the process held at most.
fn worst_case(claim: &str) -> Result<(), Box<dyn std::error::Error>> {
    let (size, kind) = claim.split_once(' ').ok_or("SIZE KIND")?;
    let (width, height) = size.split_once('x').ok_or("WxH")?;
    let (width, height): (u16, u16) = (width.parse()?, height.parse()?);
    let mut jpeg = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut jpeg, 80);
    encoder.set_progressive(kind == "progressive");
    encoder.encode(&[128; 64 * 64 * 3], 64, 64, jpeg_encoder::ColorType::Rgb)?;
    let frame = jpeg.windows(2).position(|pair| matches!(pair, [0xFF, 0xC0..=0xC2])).ok_or("no frame")?;
    jpeg.get_mut(frame + 5..frame + 7).ok_or("no frame")?.copy_from_slice(&height.to_be_bytes());
    jpeg.get_mut(frame + 7..frame + 9).ok_or("no frame")?.copy_from_slice(&width.to_be_bytes());
    let started = Instant::now();
    let mut reader = jpeg.as_slice();
    let made = look(&mut reader).and_then(|seen| whole_picture(&mut reader, &seen, PREVIEW_PX));
    let said = made.map_or_else(|error| error.to_string(), |picture| format!("{picture:?}"));
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("unknown").trim();
    println!("{:9.1} ms  claims {claim}: {said}; at most {peak}", started.elapsed().as_secs_f64() * 1e3);
    Ok(())
}
