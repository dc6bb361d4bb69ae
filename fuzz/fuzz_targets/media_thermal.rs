//! Any bytes as a thermal picture: no panic, and a plane that is found has as many values as pixels and can be exported.
#![no_main]

use eyrie_media::thermal;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut bytes = data;
    let found = thermal::read(&mut bytes).expect("bytes in memory can be read");
    let mut bytes = data;
    match thermal::plane(&mut bytes) {
        Ok(plane) => {
            assert!(found.is_some_and(|found| found.plane == Some(plane.summary())));
            assert_eq!(plane.values.len() as u64, u64::from(plane.width_px) * u64::from(plane.height_px));
            let (mut png, mut tiff) = (Vec::new(), Vec::new());
            plane.to_png16(&mut png).expect("memory");
            plane.to_tiff16(&mut tiff).expect("memory");
            assert!(tiff.len() > plane.values.len() * 2 && png.len() > plane.values.len() * 2);
            assert!(plane.note.is_ascii());
        }
        Err(_) => assert!(found.is_none_or(|found| found.plane.is_none())),
    }
});
