//! Real files of others, from the folder in `EYRIE_SAMPLES`. Expected values were counted by an independent script.

use std::fs::File;
use std::path::PathBuf;

use eyrie_media::mrk::{Quality, QualityCount};
use eyrie_media::rinex::RinexType;
use eyrie_media::{FileRange, Format, Kind, RangeRead, eventlog, mrk, rinex, rtcm, understand};

fn sample(path: &str) -> Option<FileRange> {
    let Some(folder) = std::env::var_os("EYRIE_SAMPLES") else {
        eprintln!("skipped: EYRIE_SAMPLES does not name the folder of sample files");
        return None;
    };
    let path = PathBuf::from(folder).join(path);
    Some(
        FileRange::new(File::open(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
            .expect("a size"),
    )
}

fn counts(found: &rtcm::Rtcm) -> Vec<(u16, u64)> {
    found.messages.iter().map(|message| (message.number, message.count)).collect()
}

/// A source that notes how much is asked of it at once.
struct Counting<R> {
    inner: R,
    largest: usize,
}

impl<R: RangeRead> RangeRead for Counting<R> {
    fn size_bytes(&self) -> u64 {
        self.inner.size_bytes()
    }

    fn read_exact_at(&mut self, offset: u64, buffer: &mut [u8]) -> std::io::Result<()> {
        self.largest = self.largest.max(buffer.len());
        self.inner.read_exact_at(offset, buffer)
    }
}

#[test]
fn the_correction_stream_has_no_failure() {
    let Some(mut file) = sample("rtcm/testglo.rtcm3") else { return };
    let found = rtcm::read(&mut file);
    assert_eq!(found.crc_failures, 0);
    assert_eq!(counts(&found), [(1004, 186), (1005, 19), (1012, 186), (1019, 19), (1020, 19)]);
    assert_eq!((found.frames, found.gap_bytes, found.cut_bytes), (429, 58, 0));
    assert_eq!((found.epochs.epochs, found.epochs.interval_s), (186, Some(1.0)));
    assert_eq!(found.stations.len(), 1);
    assert!(found.stations[0].position.is_some(), "{:?}", found.stations);
}

#[test]
fn the_aircrafts_log_is_read_in_small_pieces() {
    let Some(file) = sample("ppk/p4rtk/100_0004_PPKRAW.bin") else { return };
    let mut file = Counting { inner: file, largest: 0 };
    let found = rtcm::read(&mut file);
    assert!(file.largest <= 64 * 1024);
    assert_eq!((found.frames, found.crc_failures, found.gap_bytes, found.cut_bytes), (9_401, 0, 0, 104));
    let expected =
        [(1006, 7), (1019, 7), (1020, 7), (1045, 7), (1075, 2342), (1085, 2342), (1095, 2341), (1125, 2341), (4011, 7)];
    assert_eq!(counts(&found), expected);
    assert_eq!(found.epochs.interval_s, Some(0.2));
    assert!((467.0..470.0).contains(&found.epochs.span_s), "{}", found.epochs.span_s);
    let systems: Vec<_> = found.satellites.iter().map(|count| count.system.as_str()).collect();
    assert_eq!(systems, ["gps", "glonass", "galileo", "beidou"]);
    let Some(mut events) = sample("ppk/p4rtk/100_0004_Timestamp.MRK") else { return };
    let events = mrk::read(&mut events).events;
    let (first, last) = (events.first().expect("events").time.tow_s(), events.last().expect("events").time.tow_s());
    assert!(found.first_tow_s < Some(first) && found.last_tow_s > Some(last), "the log covers the exposures");
}

#[test]
fn the_exposures_and_the_event_log_agree() {
    let Some(mut file) = sample("ppk/p4rtk/100_0004_Timestamp.MRK") else { return };
    let found = mrk::read(&mut file);
    assert_eq!((found.event_count, found.missing_numbers), (163, 0));
    assert_eq!(found.qualities, [QualityCount { quality: Quality::Single, count: 163 }]);
    let arm = found.lever_arm_m.expect("lever arms");
    assert!((arm.min - 0.192_535_7).abs() < 1e-6 && (arm.max - 0.195_320_2).abs() < 1e-6, "{arm:?}");
    let spacing = found.spacing.expect("spacing");
    assert!((spacing.min - 2.770_616).abs() < 1e-6 && (spacing.max - 2.833_396).abs() < 1e-6, "{spacing:?}");
    assert_eq!(found.first_at.expect("a time").to_string(), "2018-10-24T04:27:57.301059Z");
    assert!(found.warnings.is_empty(), "{:?}", found.warnings);

    let Some(mut file) = sample("ppk/p4rtk/100_0004_EVENTLOG.bin") else { return };
    let log = eventlog::read(&mut file);
    assert_eq!((log.event_count, log.other_bytes), (163, 0));
    for (event, logged) in found.events.iter().zip(&log.events) {
        assert_eq!(event.sequence, logged.sequence);
        assert!((event.time.seconds() - logged.time.seconds()).abs() < 2e-6, "{event:?} {logged:?}");
    }
}

#[test]
fn the_static_pair_is_described() {
    for (name, serial, expected) in [
        (
            "rover.obs",
            "3604480",
            [("gps", 12, 11.64), ("glonass", 8, 8.0), ("galileo", 9, 8.18), ("beidou", 26, 26.0), ("qzss", 3, 3.0)],
        ),
        (
            "base.obs",
            "3605054",
            [("gps", 12, 11.65), ("glonass", 9, 9.0), ("galileo", 9, 9.0), ("beidou", 25, 25.0), ("qzss", 2, 2.0)],
        ),
    ] {
        let Some(mut file) = sample(&format!("ppk/static_pair/{name}")) else { return };
        let found = rinex::read(&mut file);
        assert_eq!((found.version, found.kind), (3.04, RinexType::Observation));
        assert_eq!((found.epochs.epochs, found.epochs.interval_s, found.epochs.gap_count), (301, Some(1.0), 0));
        let receiver = found.receiver.expect("a receiver");
        assert_eq!((receiver.serial.as_deref(), receiver.model.as_deref()), (Some(serial), Some("SEPT MOSAIC-X5")));
        let systems: Vec<_> = found
            .satellites
            .iter()
            .map(|count| (count.system.as_str(), count.satellites, count.mean_per_epoch))
            .collect();
        assert_eq!(systems, expected);
        assert_eq!(found.first_epoch.expect("an epoch").civil(), (2024, 6, 24, 8, 20, 0.0));
        assert_eq!(found.last_epoch.expect("an epoch").civil(), (2024, 6, 24, 8, 25, 0.0));
        let at = found.approx_position.expect("a position");
        assert!((at.lat - 35.134_7).abs() < 1e-4 && (at.lng - 136.977_6).abs() < 1e-4, "{at:?}");
        assert!(found.warnings.is_empty(), "{:?}", found.warnings);
    }
    let Some(mut file) = sample("ppk/static_pair/base.nav") else { return };
    let found = rinex::read(&mut file);
    let records: Vec<_> =
        found.records.iter().map(|count| (count.system.as_str(), count.records, count.satellites)).collect();
    assert_eq!(
        records,
        [("gps", 13, 13), ("glonass", 19, 10), ("galileo", 67, 14), ("beidou", 32, 32), ("qzss", 3, 3)]
    );
    assert_eq!(found.leap_s, Some(18));
    assert!(found.warnings.is_empty(), "{:?}", found.warnings);
}

#[test]
fn every_sample_is_told_by_its_content() {
    for (path, kind, format) in [
        ("ppk/p4rtk/100_0004_PPKRAW.bin", Kind::Ppk, Format::Rtcm3),
        ("ppk/p4rtk/100_0004_EVENTLOG.bin", Kind::Ppk, Format::EventLog),
        ("ppk/p4rtk/100_0004_Timestamp.MRK", Kind::Ppk, Format::Mrk),
        ("ppk/static_pair/base.nav", Kind::Ppk, Format::RinexNavigation),
        ("ppk/static_pair/rover_rtk.pos", Kind::Ppk, Format::Solution),
        ("rtcm/testglo.rtcm3", Kind::Rtcm, Format::Rtcm3),
        ("thermal/M30T_DJI_0001_R.JPG", Kind::Thermal, Format::Jpeg),
        ("srt/MAVIC3.srt", Kind::Subtitle, Format::Subtitle),
        ("srt/air2s.srt", Kind::Subtitle, Format::Subtitle),
        ("srt/broken_incomplete.SRT", Kind::Subtitle, Format::Subtitle),
        ("srt/mavic_2_style.SRT", Kind::Subtitle, Format::Subtitle),
        ("srt/mavic_air.SRT", Kind::Subtitle, Format::Subtitle),
        ("srt/mavic_air2.srt", Kind::Subtitle, Format::Subtitle),
        ("srt/mavic_mini.SRT", Kind::Subtitle, Format::Subtitle),
        ("srt/mavic_pro.SRT", Kind::Subtitle, Format::Subtitle),
        ("srt/mix_p4rtk_mavic2pro.srt", Kind::Subtitle, Format::Subtitle),
        ("srt/old_format.SRT", Kind::Subtitle, Format::Subtitle),
        ("srt/p4_rtk.SRT", Kind::Subtitle, Format::Subtitle),
        ("srt/p4p_sample.SRT", Kind::Subtitle, Format::Subtitle),
    ] {
        let Some(mut file) = sample(path) else { return };
        let name = path.rsplit('/').next().expect("a name");
        let head = eyrie_media::read_range(&mut file, 0, eyrie_media::HEAD_BYTES).expect("read");
        let found = eyrie_media::sniff(name, &head);
        assert_eq!((found.kind, found.format, found.warnings), (kind, format, vec![]), "{path}");
        // a name that says nothing changes nothing, but that RTCM without one is taken for corrections
        let nameless = eyrie_media::sniff("x", &head);
        assert_eq!(nameless.format, format, "{path}");
        let understood = understand::understand(name, &mut file).expect("read");
        assert_eq!(understood.kind, kind);
    }
}
