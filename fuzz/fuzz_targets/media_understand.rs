#![no_main]
//! Any bytes under any name through the one call that the server and `eyrie media inspect` make.

use eyrie_media::understand::understand;
use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 16] = [
    "DJI_20261123061422_0001_V.MP4",
    "DJI_20261123061422_0001_V.SRT",
    "DJI_20261123061422_0001_T.JPG",
    "DJI_20261123061422_0001_W.JPG",
    "a.DNG",
    "a.png",
    "a_PPKOBS.obs",
    "a_PPKNAV.nav",
    "a_Timestamp.MRK",
    "a_PPKRAW.bin",
    "a_EVENTLOG.bin",
    "a.rtk",
    "base.dat",
    "a.pos",
    "a.24o",
    "",
];

fuzz_target!(|data: &[u8]| {
    let Some((name, mut bytes)) = data.split_first() else { return };
    let name = NAMES[usize::from(*name) % NAMES.len()];
    let understood = understand(name, &mut bytes).expect("bytes in memory can be read");
    if let Some(found) = understood.position {
        assert!(found.value.lat.abs() <= 90.0 && found.value.lng.abs() <= 180.0);
    }
    assert!(understood.details.is_object());
    // what is written into the catalogue is JSON that reads back
    let text = serde_json::to_string(&understood).expect("serializes");
    let _: serde_json::Value = serde_json::from_str(&text).expect("reads back");
    assert!(understood.warnings.len() < 200, "{:?}", understood.warnings);
});
