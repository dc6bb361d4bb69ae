//! Any bytes as telemetry samples of a sound video: no panic, a moment for a sample, positions on Earth.
#![no_main]

use eyrie_media::video;
use libfuzzer_sys::fuzz_target;

const MAX_SAMPLES: usize = 8;

fuzz_target!(|data: &[u8]| {
    let Some((shape, rest)) = data.split_first() else { return };
    let (entry, handler) = if shape & 0x80 == 0 { (b"djmd", b"meta") } else { (b"tx3g", b"sbtl") };
    let count = usize::from(shape & 0x07) + 1;
    let samples: Vec<&[u8]> = rest.chunks(rest.len().div_ceil(count).max(1)).take(MAX_SAMPLES).collect();
    let file = file(entry, handler, &samples);
    let (mut one, mut two) = (file.as_slice(), file.as_slice());
    let read = video::read(&mut one).expect("bytes in memory can be read");
    assert!(!read.truncated);
    if let Some(track) = video::track(&mut two).expect("bytes in memory can be read") {
        assert!(track.samples.len() <= samples.len());
        assert!(track.samples.is_sorted_by_key(|sample| sample.t_s));
        let places = || track.samples.iter().filter_map(|sample| sample.position);
        assert!(places().all(|place| place.lat.abs() <= 90.0 && place.lng.abs() <= 180.0));
    }
});

/// A video whose one track has these samples.
fn file(entry: &[u8; 4], handler: &[u8; 4], samples: &[&[u8]]) -> Vec<u8> {
    let count = samples.len() as u32;
    let ftyp = boxed(b"ftyp", &[b"isom", &words(&[512])]);
    let mdat = boxed(b"mdat", samples);
    let sizes: Vec<u32> = samples.iter().map(|sample| sample.len() as u32).collect();
    let stbl = boxed(
        b"stbl",
        &[
            &boxed(b"stsd", &[&words(&[0, 1]), &boxed(entry, &[&[0; 8]])]),
            &boxed(b"stts", &[&words(&[0, 1, count, 1_001])]),
            &boxed(b"stsc", &[&words(&[0, 1, 1, count, 1])]),
            &boxed(b"stsz", &[&words(&[0, 0, count]), &words(&sizes)]),
            &boxed(b"stco", &[&words(&[0, 1, ftyp.len() as u32 + 8])]),
        ],
    );
    let mdhd = boxed(b"mdhd", &[&words(&[0, 0, 0, 30_000, count * 1_001, 0])]);
    let hdlr = boxed(b"hdlr", &[&words(&[0, 0]), handler, &words(&[0, 0, 0])]);
    let trak = boxed(b"trak", &[&boxed(b"mdia", &[&mdhd, &hdlr, &boxed(b"minf", &[&stbl])])]);
    let mvhd = boxed(b"mvhd", &[&words(&[0, 3_878_000_000, 3_878_000_000, 1_000, count * 33]), &[0; 80]]);
    [ftyp, mdat, boxed(b"moov", &[&mvhd, &trak])].concat()
}

fn boxed(kind: &[u8; 4], parts: &[&[u8]]) -> Vec<u8> {
    let inside = parts.concat();
    [&words(&[inside.len() as u32 + 8]), kind.as_slice(), &inside].concat()
}

fn words(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_be_bytes()).collect()
}
