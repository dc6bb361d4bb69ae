use proptest::prelude::*;

use super::*;

fn header(first: &str, lines: &[(&str, &str)]) -> String {
    let mut text = format!("{first}\n");
    for (content, label) in lines {
        text += &format!("{content:<60}{label}\n");
    }
    text + &format!("{:<60}END OF HEADER\n", "")
}

const V2: &str = "     2.11           OBSERVATION DATA    M (MIXED)           RINEX VERSION / TYPE";
const V3: &str = "     3.03           OBSERVATION DATA    M                   RINEX VERSION / TYPE";

fn read_text(text: &str) -> Rinex {
    read(&mut text.as_bytes())
}

fn v3_epoch(second: f64, flag: u32, satellites: &[&str]) -> String {
    let mut text = format!("> 2024 06 24 08 20 {second:010.7}  {flag} {:2}\n", satellites.len());
    for satellite in satellites {
        text += &format!("{satellite}  21586710.516 5 113440102.155 5\n");
    }
    text
}

#[test]
fn version_3_with_events_inside() {
    let mut text = header(
        V3,
        &[
            ("  0.20", "INTERVAL"),
            ("1582                DJI                 1.0", "REC # / TYPE / VERS"),
            (" -3817680.9841  3562840.0688  3650158.4543", "APPROX POSITION XYZ"),
            ("G    4 C1C L1C C2W L2W", "SYS / # / OBS TYPES"),
            ("  2024     6    24     8    20    0.0000000     GPS", "TIME OF FIRST OBS"),
        ],
    );
    text += &v3_epoch(0.0, 0, &["G05", "R 1", "C26"]);
    text += &v3_epoch(0.2, 1, &["G05", "G06"]);
    text +=
        "> 2024 06 24 08 20 00.3000000  4  1\nsomething                                                   COMMENT\n";
    text += ">                              3  1\nnew                                                         MARKER NAME\n";
    text += &v3_epoch(0.2, 6, &["G05"]);
    text += &v3_epoch(1.0, 0, &["G05"]);
    let found = read_text(&text.replace('\n', "\r\n"));
    assert_eq!((found.version, found.kind, found.system.as_deref()), (3.03, RinexType::Observation, Some("mixed")));
    assert_eq!(found.epochs.epochs, 3);
    assert_eq!((found.epochs.interval_s, found.epochs.gap_count), (Some(0.2), 1));
    assert_eq!(found.epochs.missing_epochs, 3);
    assert_eq!((found.event_records, found.power_failures), (2, 1));
    assert_eq!(found.satellites_per_epoch, Some(PerEpoch { min: 1, mean: 2.0, max: 3 }));
    let systems: Vec<_> = found.satellites.iter().map(|count| (count.system.as_str(), count.satellites)).collect();
    assert_eq!(systems, [("gps", 2), ("glonass", 1), ("beidou", 1)]);
    assert_eq!(found.receiver.unwrap().model.as_deref(), Some("DJI"));
    assert_eq!(found.last_epoch.unwrap().civil(), (2024, 6, 24, 8, 20, 1.0));
    assert!(found.warnings.is_empty(), "{:?}", found.warnings);
}

#[test]
fn version_2_with_many_satellites_and_cut_lines() {
    let mut text = header(V2, &[("     7    L1    L2    C1    P2    P1    S1    S2", "# / TYPES OF OBSERV")]);
    let names: String = (1..=14).map(|n| format!("G{n:02}")).collect();
    for second in [0, 30] {
        text += &format!(" 05  3 24 13 10 {second:2}.0000000  0 14{}\n{:32}{}\n", &names[..36], "", &names[36..]);
        for n in 0..14 {
            text += if n % 2 == 0 { "  23629347.915\n\n" } else { "  23629347.915            .300 8\n  1.000\n" };
        }
    }
    // a header line inside: from here on four types in one line a satellite
    text += "                            4  1\n     4    L1    L2    C1    P2                              # / TYPES OF OBSERV\n";
    text += " 05  3 24 13 11  0.0000000  0  2  5R 9\n 1.0\n 2.0\n";
    let found = read_text(&text);
    assert_eq!(found.warnings, Vec::<String>::new());
    assert_eq!((found.epochs.epochs, found.epochs.interval_s), (3, Some(30.0)));
    assert_eq!(found.first_epoch.unwrap().civil(), (2005, 3, 24, 13, 10, 0.0));
    let systems: Vec<_> = found.satellites.iter().map(|count| (count.system.as_str(), count.satellites)).collect();
    assert_eq!(systems, [("gps", 14), ("glonass", 1)]);
    assert_eq!(found.observation_types[0].codes.len(), 7);
    assert_eq!(found.event_records, 1);
}

#[test]
fn navigation_of_versions_2_3_and_4() {
    let lines = "    7.200000000000D+01-9.821875000000D+01 4.293035965037D-09 1.714815412488D+00\n".repeat(7);
    let v2 = header("     2.10           N: GPS NAV DATA                         RINEX VERSION / TYPE", &[])
        + &format!(" 6 99  9  2 17 51 44.0 -.839701388031D-03 -.165982783074D-10  .000000000000D+00\n{lines}")
        + &format!("13 99  9  2 19  0  0.0  .490025617182D-03  .204636307899D-11  .000000000000D+00\n{lines}");
    let found = read_text(&v2);
    assert_eq!(found.records, [RecordCount { system: "gps".into(), records: 2, satellites: 2 }]);
    assert_eq!(found.first_epoch.unwrap().civil(), (1999, 9, 2, 17, 51, 44.0));

    let glonass = header("     2.10           G: GLONASS NAV DATA                     RINEX VERSION / TYPE", &[])
        + &format!(
            " 3 98  2 15  0 15  0.0  .163525342941D-03  .363797880709D-11  .108000000000D+05\n{}",
            &lines[..3 * 80]
        );
    let found = read_text(&glonass);
    assert_eq!(found.records, [RecordCount { system: "glonass".into(), records: 1, satellites: 1 }]);
    assert_eq!(found.first_epoch.unwrap().utc().to_string(), "1998-02-15T00:15:00Z");

    // 2.12 knows a type for Galileo, and some of its writers put the system's letter in front
    for (first, record, system) in [
        ("     2.12           E: Galileo NAV DATA", " 5 18  7 29  2 50  0.0 2.207611105405D-04", "galileo"),
        ("     2.12           N                   J", "J 1 18  7 29  2 50  0.0 2.207611105405D-04", "qzss"),
    ] {
        let found =
            read_text(&(header(&format!("{first:<60}RINEX VERSION / TYPE"), &[]) + &format!("{record}\n{lines}")));
        assert_eq!(found.records, [RecordCount { system: system.into(), records: 1, satellites: 1 }]);
        assert_eq!(found.first_epoch.unwrap().civil(), (2018, 7, 29, 2, 50, 0.0), "{system}");
    }

    let v4 = header("     4.01           NAVIGATION DATA     M                   RINEX VERSION / TYPE", &[])
        + &format!("> EPH G05 LNAV\nG05 2024 06 24 10 00 00-1.774230040610E-04\n{lines}")
        + "> STO G   GPUT\n    2024 06 24 10 00 00 GPUT\n"
        + &format!("> EPH C26 D1\nC26 2024 06 24 10 00 00-1.774230040610E-04\n{lines}");
    let found = read_text(&v4);
    assert_eq!(found.records.len(), 2);
    assert_eq!(found.last_epoch.unwrap().civil(), (2024, 6, 24, 10, 0, 14.0), "BeiDou's scale lags by 14 s");
}

#[test]
fn a_header_without_end_and_compact_files() {
    let text = format!("{V3}\n{}", v3_epoch(0.0, 0, &["G01"]));
    let found = read_text(&text);
    assert_eq!(found.epochs.epochs, 1);
    assert_eq!(found.warnings, ["the header has no end"]);

    let compact = format!(
        "{:<20}{:<40}CRINEX VERS   / TYPE\n{V3}\n{:<60}END OF HEADER\n&24 6 24",
        "3.0", "COMPACT RINEX FORMAT", ""
    );
    let found = read_text(&compact);
    assert!(found.compact);
    assert_eq!(found.epochs.epochs, 0);
    assert_eq!(found.warnings.len(), 1);
    assert_eq!(read_text("").warnings[0], "the file does not begin as RINEX does");
}

#[test]
fn glonass_epochs_are_set_to_gps_time() {
    let first = "     3.03           OBSERVATION DATA    R                   RINEX VERSION / TYPE";
    let found = read_text(&(header(first, &[]) + &v3_epoch(0.0, 0, &["R01"])));
    assert_eq!(found.first_epoch.unwrap().civil(), (2024, 6, 24, 8, 20, 18.0));
}

#[test]
fn minor_versions_are_read_alike() {
    for (version, system) in [
        ("2.10", 'G'),
        ("2.11", 'M'),
        ("2.12", 'M'),
        ("3.00", 'M'),
        ("3.02", 'M'),
        ("3.03", 'G'),
        ("3.04", 'M'),
        ("3.05", 'M'),
        ("4.00", 'M'),
        ("4.01", 'M'),
        ("4.02", 'M'),
    ] {
        let first = format!("{version:>9}           {:<20}{system:<20}RINEX VERSION / TYPE", "OBSERVATION DATA");
        let text = if version.starts_with('2') {
            let mut text = header(&first, &[("     2    C1    L1", "# / TYPES OF OBSERV")]);
            for second in [0, 1, 2] {
                text += &format!(
                    " 24  6 24  8 20 {second:2}.0000000  0  2G 5G06\n  21586710.516   113440102.155\n  21586710.516   113440102.155\n"
                );
            }
            text
        } else {
            let mut text = header(&first, &[("G    2 C1C L1C", "SYS / # / OBS TYPES")]);
            (0..3).for_each(|second| text += &v3_epoch(second.into(), 0, &["G05", "G06"]));
            text
        };
        let found = read_text(&text);
        assert_eq!(found.warnings, Vec::<String>::new(), "{version}");
        assert_eq!(
            (found.version, found.epochs.epochs, found.epochs.interval_s),
            (version.parse().unwrap(), 3, Some(1.0))
        );
        assert_eq!(found.satellites[0].satellites, 2, "{version}");
        assert_eq!(crate::sniff("DJI_PPKOBS.obs", text.as_bytes()).format, crate::Format::RinexObservation);
    }
    let found =
        read_text(&header("     5.00           OBSERVATION DATA    M                   RINEX VERSION / TYPE", &[]));
    assert!(found.warnings.iter().any(|warning| warning.contains("version 5 is not known")), "{:?}", found.warnings);
}

/// What receivers do in the air: epochs without satellites, without a time, cut at the end of the log.
#[test]
fn blank_and_cut_epochs() {
    let mut text = header(V3, &[("G    2 C1C L1C", "SYS / # / OBS TYPES")]);
    text += &v3_epoch(0.0, 0, &["G05"]);
    text += "> 2024 06 24 08 20 01.0000000  0  0\n";
    text += ">                              4  2\nnothing                                                     COMMENT\nagain                                                       COMMENT\n";
    text += "> 2024 06 24 08 20 02.0000000  0  2      -0.000000000123\nG05  21586710.516\nG06\n";
    text += "> 2024 06 24 08 20 61.0000000  0  1\nG05  21586710.516\n";
    text += "> 2024 06 24 08 20 03.0000000  0 12\nG05  215867";
    let found = read_text(&text);
    assert_eq!((found.epochs.epochs, found.event_records), (4, 1));
    assert_eq!(found.satellites_per_epoch.map(|count| (count.min, count.max)), Some((0, 2)));
    assert_eq!(found.warnings, ["1 epochs have no readable time", "1 epochs have fewer satellites than they say"]);

    let mut text = header(V2, &[("     1    C1", "# / TYPES OF OBSERV")]);
    text += " 24  6 24  8 20  0.0000000  0  1G05\n  21586710.516\n";
    text += " 24  6 24  8 20  1.0000000  0  0\n";
    text += " 24  6 24  8 20  2.0000000  5  0\n";
    text += " 24  6 24  8 20  2.0000000  1  1G05         -.000000123\n  21586710.516\n";
    let found = read_text(&text);
    assert_eq!((found.epochs.epochs, found.event_records, found.power_failures), (3, 1, 1));
    assert_eq!(found.warnings, Vec::<String>::new());
}

#[test]
fn hatanaka_is_recognised_in_both_versions_and_said_to_be_unread() {
    for (version, name) in [("1.0", "base.24d"), ("3.0", "BASE.crx"), ("3.1", "x.obs")] {
        let text = format!(
            "{version:<20}{:<40}CRINEX VERS   / TYPE\nRNX2CRX ver.4.1.0                       24-Jun-24 10:41     CRINEX PROG / DATE\n{V3}\n{:<60}END OF HEADER\n&24 6 24",
            "COMPACT RINEX FORMAT", ""
        );
        let found = read_text(&text);
        assert!(found.compact && found.warnings[0].contains("Hatanaka"), "{version}: {:?}", found.warnings);
        assert_eq!(found.version, 3.03);
        assert_eq!(crate::sniff(name, text.as_bytes()).kind, crate::Kind::Ppk, "{name}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read(which in 0_usize..3, bytes: Vec<u8>) {
        let mut file = header([V2, V3, ""][which], &[]).into_bytes();
        file.extend(bytes);
        let found = read(&mut &file[..]);
        prop_assert!(found.warnings.len() <= crate::gnss::MAX_WARNINGS);
    }

    #[test]
    fn epochs_that_are_written_are_counted(seconds in proptest::collection::btree_set(0_u32..600, 1..60), count in 1_usize..30) {
        let names: Vec<String> = (1..=count).map(|n| format!("E{n:02}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut text = header(V3, &[]);
        for second in &seconds {
            text += &v3_epoch(f64::from(*second) / 10.0, 0, &names);
        }
        let found = read_text(&text);
        prop_assert_eq!(found.epochs.epochs, seconds.len() as u64);
        prop_assert_eq!(found.satellites[0].satellites as usize, count);
    }
}
