//! Formats that are known by their first bytes and not read: what to tell of such a file.

/// What the content is, in words that follow "is"; `None` when nobody here knows.
pub(super) fn name_of(head: &[u8]) -> Option<&'static str> {
    const MAGICS: [(&[u8], &str); 18] = [
        (&[0x1F, 0x8B], "a gzip archive: unpack it to have it read"),
        (&[0x1F, 0x9D], "compressed (.Z): unpack it to have it read"),
        (b"BZh", "a bzip2 archive: unpack it to have it read"),
        (&[0xFD, b'7', b'z', b'X', b'Z', 0], "an xz archive: unpack it to have it read"),
        (&[0x28, 0xB5, 0x2F, 0xFD], "a zstd archive: unpack it to have it read"),
        (b"PK\x03\x04", "a zip archive: unpack it to have it read"),
        (&[b'7', b'z', 0xBC, 0xAF, 0x27, 0x1C], "a 7-Zip archive: unpack it to have it read"),
        (b"Rar!", "a RAR archive: unpack it to have it read"),
        (b"%PDF", "a PDF document, which is not read"),
        (b"LASF", "a LAS point cloud, which is not read"),
        (b"GIF8", "a GIF picture, which is not read"),
        (b"8BPS", "a Photoshop picture, which is not read"),
        (b"OggS", "an Ogg recording, which is not read"),
        (b"ID3", "an MP3 recording, which is not read"),
        (b"fLaC", "a FLAC recording, which is not read"),
        (b"<?xml", "XML, which is not read"),
        (b"{\n", "JSON, which is not read"),
        (b"{\"", "JSON, which is not read"),
    ];
    if let Some((_, name)) = MAGICS.iter().find(|(magic, _)| head.starts_with(magic)) {
        return Some(name);
    }
    match head {
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("a WebP picture, which is not read"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'A', b'V', b'I', b' ', ..] => Some("an AVI video, which is not read"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'A', b'V', b'E', ..] => Some("a WAVE recording, which is not read"),
        _ => satellite_text(head).or_else(|| is_rtcm_2(head).then_some("RTCM 2, which is not read")),
    }
}

/// Products of the satellite services, which lie beside RINEX.
fn satellite_text(head: &[u8]) -> Option<&'static str> {
    let line = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let labelled = |label: &[u8]| line.get(60..).is_some_and(|rest| rest.starts_with(label));
    match line {
        [b'#', b'a'..=b'd', b'P' | b'V', b'1' | b'2', b'0' | b'9', ..] => Some("SP3 orbits, which are not read"),
        _ if labelled(b"IONEX VERSION") => Some("an IONEX map, which is not read"),
        _ if labelled(b"ANTEX VERSION") => Some("an ANTEX antenna file, which is not read"),
        _ => None,
    }
}

/// Every byte carries six bits below the same two: no text looks so, which has blanks.
fn is_rtcm_2(head: &[u8]) -> bool {
    const ENOUGH_BYTES: usize = 64;
    // a receiver may have said something before
    head.windows(ENOUGH_BYTES).step_by(ENOUGH_BYTES).take(64).any(|part| {
        let letters = part.iter().filter(|byte| byte.is_ascii_lowercase()).count();
        part.iter().all(|byte| (0x40..0x80).contains(byte)) && letters < ENOUGH_BYTES / 2
    })
}
