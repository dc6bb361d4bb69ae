use proptest::prelude::*;

use super::frame::frame;
use super::*;

/// Writes fields of some bits each.
fn bits(fields: &[(u64, usize)]) -> Vec<u8> {
    let (mut bytes, mut at) = (Vec::new(), 0);
    for (value, width) in fields {
        for bit in (0..*width).rev() {
            if at % 8 == 0 {
                bytes.push(0_u8);
            }
            *bytes.last_mut().unwrap() |= ((value >> bit & 1) as u8) << (7 - at % 8);
            at += 1;
        }
    }
    bytes
}

fn msm(number: u64, time_ms: u64, satellites: u64) -> Vec<u8> {
    frame(&bits(&[(number, 12), (7, 12), (time_ms, 30), (0, 19), (satellites, 64), (1, 32)]))
}

#[test]
fn epochs_roll_over_with_the_week() {
    let mut bytes = Vec::new();
    for n in 0..50 {
        let ms = (604_795_000 + n * 200) % 604_800_000;
        bytes.extend(msm(1075, ms, 0b11 << 62));
        bytes.extend(msm(1125, (ms + 604_800_000 - 14_000) % 604_800_000, 1));
        // a Saturday becomes a Sunday in Moscow three hours earlier than at Greenwich
        let glonass = (ms + 604_800_000 + 3 * 3_600_000 - 18_000) % 604_800_000;
        bytes.extend(msm(1085, ((glonass / 86_400_000) << 27) | (glonass % 86_400_000), 1));
    }
    let found = read(&mut &bytes[..]);
    assert_eq!(found.epochs.epochs, 50);
    assert_eq!((found.epochs.interval_s, found.epochs.gap_count), (Some(0.2), 0));
    assert_eq!((found.first_tow_s, found.last_tow_s), (Some(604_795.0), Some(4.8)));
    assert!((found.epochs.span_s - 9.8).abs() < 1e-9);
    let systems: Vec<_> = found.satellites.iter().map(|count| (count.system.as_str(), count.satellites)).collect();
    assert_eq!(systems, [("gps", 2), ("glonass", 1), ("beidou", 1)]);
    assert_eq!(found.satellites[0].mean_per_epoch, 2.0);
    assert_eq!(found.stations.len(), 1);
    assert_eq!(found.warnings, Vec::<String>::new());
}

#[test]
fn equipment_and_date_are_read() {
    let text = |text: &str| {
        let mut fields = vec![(text.len() as u64, 8)];
        fields.extend(text.bytes().map(|byte| (u64::from(byte), 8)));
        fields
    };
    let mut fields = vec![(1033, 12), (4, 12)];
    fields.extend(text("DJI_DRTK2"));
    fields.push((0, 8));
    for word in ["A1", "RX \x07", "1.2", ""] {
        fields.extend(text(word));
    }
    let mut bytes = frame(&bits(&fields));
    bytes.extend(frame(&bits(&[(1013, 12), (4, 12), (58_415, 16), (16_077, 17), (0, 5), (18, 8)])));
    bytes.extend(frame(&bits(&[(1006, 12), (4, 12), (0, 40)])));
    let found = read(&mut &bytes[..]);
    let station = &found.stations[0];
    assert_eq!((station.antenna.as_deref(), station.antenna_serial.as_deref()), (Some("DJI_DRTK2"), Some("A1")));
    assert_eq!((station.receiver.as_deref(), station.receiver_serial.as_deref()), (Some("RX \u{fffd}"), None));
    assert_eq!(found.date.unwrap().utc().to_string(), "2018-10-24T04:27:57Z");
    assert_eq!(found.warnings, ["1 messages shorter than their content"]);
}

#[test]
fn many_stations_stay_few() {
    let bytes: Vec<u8> = (0..100).flat_map(|id| frame(&bits(&[(1005, 12), (id, 12), (0, 64), (0, 64)]))).collect();
    let found = read(&mut &bytes[..]);
    assert_eq!(found.stations.len(), MAX_STATIONS);
    assert_eq!(found.stations[0].position, None, "zero is no place");
}

proptest! {
    #[test]
    fn any_payload_of_any_number_is_read(number in 1000_u64..1240, body in proptest::collection::vec(any::<u8>(), 0..200)) {
        let mut payload = bits(&[(number, 12), (0, 4)]);
        payload.extend(body);
        let found = read(&mut &frame(&payload)[..]);
        prop_assert_eq!(found.frames, 1);
        prop_assert_eq!(found.messages[0].number as u64, number);
    }
}
