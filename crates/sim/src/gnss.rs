//! The files a flight's PPK set is made of, and the correction stream: text and frames with the right form and checksums.

use std::fmt::Write as _;

use jiff::Timestamp;

use crate::photo::Shot;

/// GPS time runs ahead of UTC by this, since 2017.
const LEAP_S: i64 = 18;
/// 1980-01-06T00:00:00Z.
const GPS_EPOCH_S: i64 = 315_964_800;
const WEEK_S: i64 = 604_800;

/// GPS week and seconds of week.
fn gps_time(at: Timestamp) -> (i64, f64) {
    let since = at.as_second() + LEAP_S - GPS_EPOCH_S;
    (since / WEEK_S, (since % WEEK_S) as f64 + f64::from(at.subsec_nanosecond()) / 1e9)
}

/// `_Timestamp.MRK`: a line for each exposure.
pub(crate) fn mrk(shots: &[Shot]) -> Vec<u8> {
    let mut text = String::new();
    for (index, shot) in shots.iter().enumerate() {
        let (week, tow) = gps_time(shot.at);
        let _ = writeln!(
            text,
            "{}\t{tow:.6}\t[{week}]\t{:5},N\t{:5},E\t{:5},V\t{:.8},Lat\t{:.8},Lon\t{:.3},Ellh\t0.012104, 0.011043, 0.022130\t50,Q",
            index + 1,
            21,
            -3,
            189,
            shot.lat,
            shot.lng,
            shot.absolute_altitude_m
        );
    }
    text.into_bytes()
}

/// `_PPKOBS.obs`: RINEX 3.03 observations at 5 Hz.
pub(crate) fn observations(start: Timestamp, seconds: u32) -> Vec<u8> {
    let mut text = String::new();
    let mut line = |content: &str, label: &str| {
        let _ = writeln!(text, "{content:<60}{label:<20}");
    };
    line("     3.03           OBSERVATION DATA    M: MIXED", "RINEX VERSION / TYPE");
    line("eyrie-sim                                                   ", "PGM / RUN BY / DATE");
    line("AIRCRAFT", "MARKER NAME");
    line("G    4 C1C L1C C2W L2W", "SYS / # / OBS TYPES");
    line("     0.200", "INTERVAL");
    line("", "END OF HEADER");
    for epoch in 0..seconds * 5 {
        let at = start.as_second() + LEAP_S + i64::from(epoch / 5);
        let time = Timestamp::from_second(at).unwrap_or(start).strftime("%Y %m %d %H %M %S").to_string();
        let _ = writeln!(text, "> {time}.{:07}  0  4", (epoch % 5) * 2_000_000);
        for satellite in [3, 8, 14, 22] {
            let range = 20_000_000.0 + f64::from(satellite) * 131_072.5 + f64::from(epoch) * 71.3;
            let _ = writeln!(
                text,
                "G{satellite:02}{range:14.3}  {:14.3}  {:14.3}  {:14.3}",
                range / 0.1903,
                range + 3.2,
                range / 0.2442
            );
        }
    }
    text.into_bytes()
}

/// `_PPKNAV.nav`: RINEX 3.03 broadcast ephemeris of one satellite.
pub(crate) fn navigation(start: Timestamp) -> Vec<u8> {
    let mut text = format!(
        "{:<60}{:<20}\n{:<60}{:<20}\n",
        "     3.03           N: GNSS NAV DATA    G: GPS", "RINEX VERSION / TYPE", "", "END OF HEADER"
    );
    let _ = writeln!(
        text,
        "G03 {} 1.234567890123D-04 2.273736754432D-13 0.000000000000D+00",
        start.strftime("%Y %m %d %H 00 00")
    );
    for row in 0..7 {
        let _ = writeln!(text, "    {} {} {} {}", number(row), number(row + 1), number(row + 2), number(row + 3));
    }
    text.into_bytes()
}

fn number(seed: i32) -> String {
    format!("{}.{:012}D+0{}", seed % 9 + 1, i64::from(seed) * 73_301_921 % 1_000_000_000_000, seed % 5)
}

/// RTCM 3 frames at 1 Hz: 1006 (station) and 1075 (GPS MSM5, an empty mask). Both an aircraft's `.rtk` and a base's `.dat`.
pub(crate) fn rtcm(start: Timestamp, seconds: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    for second in 0..seconds {
        if second % 10 == 0 {
            bytes.extend(frame(1006, 21, u64::from(second)));
        }
        let (_, tow) = gps_time(start);
        bytes.extend(frame(1075, 24, (tow as u64 + u64::from(second)) * 1_000));
    }
    bytes
}

fn frame(message: u16, length: usize, content: u64) -> Vec<u8> {
    let mut payload = vec![0; length];
    payload[..2].copy_from_slice(&(message << 4).to_be_bytes());
    payload[3..11].copy_from_slice(&content.to_be_bytes());
    let mut bytes = vec![0xD3, (length >> 8) as u8, length as u8];
    bytes.extend(payload);
    let crc = bytes.iter().fold(0u32, |mut crc, byte| {
        crc ^= u32::from(*byte) << 16;
        for _ in 0..8 {
            crc = if crc & 0x80_0000 != 0 { (crc << 1) ^ 0x186_4CFB } else { crc << 1 };
        }
        crc & 0xFF_FFFF
    });
    bytes.extend(&crc.to_be_bytes()[1..]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gps_time_has_its_week_and_leap_seconds() {
        let at: Timestamp = "2018-10-24T00:00:00Z".parse().unwrap();
        assert_eq!(gps_time(at), (2024, 3.0 * 86_400.0 + 18.0));
    }

    #[test]
    fn made_files_are_known_by_their_content() {
        let at: Timestamp = "2026-05-10T08:15:30Z".parse().unwrap();
        for (name, bytes, kind) in [
            ("x.obs", observations(at, 2), eyrie_media::Kind::Ppk),
            ("x.nav", navigation(at), eyrie_media::Kind::Ppk),
            ("x.rtk", rtcm(at, 3), eyrie_media::Kind::Ppk),
            ("x.dat", rtcm(at, 3), eyrie_media::Kind::Rtcm),
        ] {
            let found = eyrie_media::sniff(name, &bytes);
            assert_eq!((found.kind, found.warnings), (kind, vec![]), "{name}");
            assert_ne!(
                eyrie_media::sniff("unnamed", &bytes).kind,
                eyrie_media::Kind::Other,
                "{name} is known without its name"
            );
        }
    }
}
