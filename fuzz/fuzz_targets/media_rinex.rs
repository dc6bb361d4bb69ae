#![no_main]
//! Any bytes as RINEX, as they are and behind each version's first line.

use libfuzzer_sys::fuzz_target;

const FIRST: [&str; 5] = [
    "",
    "     2.11           OBSERVATION DATA    M (MIXED)           RINEX VERSION / TYPE\n",
    "     3.04           OBSERVATION DATA    M                   RINEX VERSION / TYPE\n",
    "     2.10           N: GPS NAV DATA                         RINEX VERSION / TYPE\n",
    "     4.01           NAVIGATION DATA     M                   RINEX VERSION / TYPE\n",
];

fuzz_target!(|bytes: &[u8]| {
    let Some((which, body)) = bytes.split_first() else { return };
    let mut file = FIRST[usize::from(*which) % FIRST.len()].as_bytes().to_vec();
    file.extend_from_slice(body);
    let found = eyrie_media::rinex::read(&mut &file[..]);
    assert!(found.epochs.gaps.len() <= 100);
    assert!(found.warnings.len() <= 20);
    let text = serde_json::to_string(&found).expect("serializes");
    let _: eyrie_media::rinex::Rinex = serde_json::from_str(&text).expect("reads back");
});
