//! Recordings whose index was never written.

use super::*;

/// Noise that never ends, as coded pictures are: the same for each seed.
fn noise(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    std::iter::repeat_with(next).take(count).collect()
}

/// The placeholder that a recorder leaves where the size of its data goes.
fn mdat(size: u64) -> Vec<u8> {
    [FTYP, &1_u32.to_be_bytes(), b"mdat", &size.to_be_bytes()].concat()
}

#[test]
fn frames_are_found_in_the_noise_of_pictures() {
    for placeholder in [0, 1 << 34] {
        let mut file = mdat(placeholder);
        for n in 1..=40_u64 {
            if n == 1 {
                file.extend(djmd_header(M30.protocol));
            }
            // the fifth frame has no fix; the receiver lost its position
            if n == 5 {
                file.extend(nested(&[3, 1], [number(1, 5), number(2, 5 * 33_367)].concat()));
            } else {
                file.extend(djmd_frame(&M30, n, 47.5 + n as f64 / 1e5, 8.25));
            }
            file.extend(noise(n, 70_000));
        }
        // a frame that was half written
        let last = djmd_frame(&M30, 41, 47.5, 8.25);
        file.extend(&last[..5]);
        let (video, track) = read_all(&file);
        assert!(video.truncated && video.warnings[0].contains("no index (moov)"), "{:?}", video.warnings);
        assert_eq!(video.telemetry, [TrackSource::Djmd]);
        assert!((video.first_position.expect("a position").lat - 47.500_01).abs() < 1e-9);
        let track = track.expect("a track");
        assert_eq!(track.samples.len(), 40);
        assert_eq!(track.samples.iter().filter(|sample| sample.position.is_none()).count(), 1);
        for (n, sample) in track.samples.iter().enumerate() {
            assert!((sample.t_s - n as f64 * 0.033_367).abs() < 1e-6, "{n}: {}", sample.t_s);
            assert_eq!(sample.at, None, "no clock is left");
            if let Some(place) = sample.position {
                assert!((place.lat - 47.5 - (n + 1) as f64 / 1e5).abs() < 1e-9);
            }
        }
        assert_eq!(track.warnings, ["the recording has no index (moov): 40 moments were found by searching it"]);
    }
}

#[test]
fn a_large_recording_is_searched_in_windows() {
    const SIZE: u64 = 1 << 30;
    const FRAMES: u64 = 2_550;
    let mut pieces = vec![(0, mdat(0))];
    for n in 0..FRAMES {
        let header = if n == 0 { djmd_header(M30.protocol) } else { Vec::new() };
        pieces.push((32 + n * (SIZE / FRAMES), [header, djmd_frame(&M30, n + 1, 47.5, 8.25)].concat()));
    }
    let mut file = Virtual { size_bytes: SIZE, pieces, read_bytes: 0, reads: 0 };
    let video = read(&mut file).expect("made");
    assert!(video.first_position.is_some() && file.read_bytes < 2 << 20, "{} bytes", file.read_bytes);
    let track = track(&mut file).expect("made").expect("a track");
    assert!(file.read_bytes < 68 << 20, "{} bytes", file.read_bytes);
    // from the first moment to nearly the last
    assert!((120..=200).contains(&track.samples.len()), "{} samples", track.samples.len());
    assert!(track.samples.last().is_some_and(|last| last.t_s > 84.0));
    assert!(track.samples.is_sorted_by(|a, b| a.t_s < b.t_s));
    assert!(track.warnings[0].ends_with("64 of 1023 MiB at even distances; those between are not shown"), "{track:?}");
}

#[test]
fn texts_of_a_cut_recording_are_found() {
    let mut file = mdat(0);
    for n in 1..=9 {
        let sample = tx3g_sample(n);
        file.extend(noise(n.into(), 5_000));
        file.extend(sample);
    }
    let (video, track) = read_all(&file);
    assert_eq!(video.telemetry, [TrackSource::Tx3g]);
    let track = track.expect("a track");
    assert_eq!((track.source, track.samples.len()), (TrackSource::Tx3g, 9));
    assert!((track.samples[8].t_s - 0.008).abs() < 1e-9);
    assert!(track.samples.iter().all(|sample| sample.position.is_some()));
}

#[test]
fn nothing_is_made_up() {
    let file = [mdat(0), noise(7, 3_000_000)].concat();
    let (video, track) = read_all(&file);
    assert_eq!((track, video.first_position, video.telemetry), (None, None, Vec::new()));
    assert_eq!(
        video.warnings.last().map(String::as_str),
        Some("no telemetry was found at the beginning of the recording")
    );
    // a frame of another recording, whose clock does not go on from here
    let first = [djmd_header(M30.protocol), djmd_frame(&M30, 100, 47.5, 8.25)].concat();
    let stray = [nested(&[3, 1], [number(1, 101), number(2, 1 << 50)].concat())].concat();
    let file = [mdat(0), first, noise(3, 1_000), stray, djmd_frame(&M30, 7, 1.0, 1.0)].concat();
    let (_, track) = read_all(&file);
    assert_eq!(track.map(|track| track.samples.len()), Some(1));
}

proptest::proptest! {
    #[test]
    fn any_data_is_searched(bytes: Vec<u8>, at in 0_usize..200) {
        let mut file = [mdat(0), djmd_header(M30.protocol), djmd_frame(&M30, 1, 47.5, 8.25), djmd_frame(&M30, 2, 47.5, 8.25)].concat();
        let at = at.min(file.len());
        file.splice(at..at, bytes);
        let (_, track) = read_all(&file);
        proptest::prop_assert!(track.is_none_or(|track| track.samples.len() <= 2 || track.samples.is_sorted_by(|a, b| a.t_s < b.t_s)));
    }
}
