//! The real thermal pictures of `EYRIE_SAMPLES` (see its MANIFEST).

use std::path::{Path, PathBuf};
use std::process::Command;

use eyrie_media::FileRange;
use eyrie_media::thermal::{self, Layout, Parameters, PlaneSummary, RawParameters, Thermal};

fn samples(folder: &str) -> Vec<PathBuf> {
    let Some(root) = std::env::var_os("EYRIE_SAMPLES") else {
        eprintln!("EYRIE_SAMPLES is not set: real files are not read");
        return Vec::new();
    };
    let folder = Path::new(&root).join(folder);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

fn open(path: &Path) -> FileRange {
    FileRange::new(std::fs::File::open(path).expect("the sample")).expect("its size")
}

fn read(path: &Path) -> Thermal {
    thermal::read(&mut open(path)).expect("the sample is read").expect("something thermal")
}

/// 640 x 512; least, greatest and mean value.
type Values = (u16, u16, f64);

/// A file, its values, layout and parameters, the sensor's serial number, bytes of calibration.
type Want = (&'static str, Values, Layout, Option<Parameters>, Option<&'static str>, u64);

fn summary((min_raw, max_raw, mean_raw): Values) -> Option<PlaneSummary> {
    Some(PlaneSummary { width_px: 640, height_px: 512, min_raw, max_raw, mean_raw })
}

const H20T: Parameters = Parameters {
    object_distance_m: Some(5.0),
    relative_humidity_percent: Some(70.0),
    emissivity: Some(1.0),
    reflected_temperature_c: Some(23.0),
    ambient_temperature_c: None,
    raw: Some(RawParameters {
        object_distance: 5,
        relative_humidity: 70,
        emissivity: 100,
        reflected_temperature: 230,
        ambient: Some(21),
    }),
};
const M30T: Parameters = Parameters {
    object_distance_m: Some(5.0),
    relative_humidity_percent: Some(50.0),
    emissivity: Some(0.95),
    reflected_temperature_c: Some(25.0),
    ambient_temperature_c: Some(25.0),
    raw: None,
};
const M30T_SENSOR: Option<&str> = Some("4X9SJBK02AA04M");
const M3TD_SENSOR: Option<&str> = Some("5L4HM3201AA083");

/// The values were counted by another program, which joined the segments itself.
#[test]
fn planes_and_parameters_of_three_cameras() {
    let want: [Want; 8] = [
        ("H20T_DJI_0001_R.JPG", (13_537, 20_670, 17_059.59), Layout::Aa551206, Some(H20T), None, 32_768),
        ("M30T_DJI_0001_R.JPG", (18_452, 18_988, 18_534.693), Layout::_2c012000, Some(M30T), M30T_SENSOR, 23_818),
        ("M30T_DJI_0002_R.JPG", (18_736, 19_280, 18_805.487), Layout::_2c012000, Some(M30T), M30T_SENSOR, 23_818),
        ("M3TD_DJI_0001_R.JPG", (4_642, 4_877, 4_707.612), Layout::Hirp, None, M3TD_SENSOR, 16_485),
        ("M3TD_DJI_0002_R.JPG", (4_755, 5_440, 4_826.82), Layout::Hirp, None, M3TD_SENSOR, 16_485),
        ("M3TD_DJI_0003_R.JPG", (2_419, 2_489, 2_430.783), Layout::Hirp, None, M3TD_SENSOR, 16_485),
        ("M3TD_DJI_0004_R.JPG", (4_747, 5_429, 4_815.86), Layout::Hirp, None, M3TD_SENSOR, 16_485),
        ("M3TD_DJI_0005_R.JPG", (2_424, 2_526, 2_437.394), Layout::Hirp, None, M3TD_SENSOR, 16_485),
    ];
    let files = samples("thermal");
    for (name, values, layout, parameters, serial, calibration) in want {
        let Some(path) = files.iter().find(|path| path.ends_with(name)) else { continue };
        let found = read(path);
        assert_eq!(found.plane, summary(values), "{name}");
        assert_eq!((found.layout, found.parameters), (Some(layout), parameters), "{name}");
        assert_eq!(found.sensor_serial.as_deref(), serial, "{name}");
        assert_eq!(found.sensor_model.as_deref(), name.starts_with("M30T").then_some("Mini_640"), "{name}");
        assert_eq!(found.calibration_size_bytes, Some(calibration), "{name}");
        assert_eq!(found.warnings, Vec::<String>::new(), "{name}");
    }
}

#[test]
fn the_photos_of_one_flight_hold_planes_too() {
    let want = [
        (2, 17_694, 15_724.326),
        (2, 18_180, 15_698.141),
        (21, 18_021, 15_667.504),
        (6, 17_843, 15_620.659),
        (18, 19_675, 15_580.784),
        (6, 18_428, 15_611.878),
    ];
    for (path, values) in samples("photos").iter().zip(want) {
        let found = read(path);
        assert_eq!((found.plane, found.parameters), (summary(values), Some(H20T)), "{}", path.display());
    }
}

fn exiftool(arguments: &[&str], file: &Path) -> Option<Vec<u8>> {
    match Command::new("exiftool").args(arguments).arg(file).output() {
        Ok(output) => Some(output.stdout),
        Err(error) => {
            eprintln!("exiftool cannot be run ({error}): nothing is compared");
            None
        }
    }
}

#[test]
fn exiftool_finds_the_same_plane_and_reads_what_is_exported() {
    for path in samples("thermal").iter().chain(&samples("photos")) {
        let Some(theirs) = exiftool(&["-b", "-ThermalData"], path) else { return };
        let plane = thermal::plane(&mut open(path)).expect("a plane");
        let ours: Vec<u8> = plane.values.iter().flat_map(|value| value.to_le_bytes()).collect();
        assert!(ours == theirs, "{}", path.display());
    }
    let Some(path) = samples("thermal").into_iter().next() else { return };
    let plane = thermal::plane(&mut open(&path)).expect("a plane");
    let folder = std::env::temp_dir().join(format!("eyrie-thermal-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let (png, tiff) = (folder.join("plane.png"), folder.join("plane.tif"));
    plane.to_png16(&mut std::fs::File::create(&png).expect("a file")).expect("written");
    plane.to_tiff16(&mut std::fs::File::create(&tiff).expect("a file")).expect("written");
    for (file, bits, note) in [(&png, "BitDepth", "Description"), (&tiff, "BitsPerSample", "ImageDescription")] {
        let tags = ["-j", "-n", "-validate", "-ImageWidth", "-ImageHeight", &format!("-{bits}"), &format!("-{note}")];
        let Some(theirs) = exiftool(&tags, file) else { return };
        let theirs: serde_json::Value = serde_json::from_slice(&theirs).expect("exiftool's JSON");
        let theirs = &theirs[0];
        assert_eq!((&theirs["ImageWidth"], &theirs["ImageHeight"]), (&640.into(), &512.into()));
        assert_eq!(theirs[bits], 16, "{theirs}");
        assert_eq!(theirs[note], plane.note.as_str());
        assert_eq!(theirs["Validate"], "0 0 0", "{theirs}");
    }
    std::fs::remove_dir_all(&folder).expect("the folder goes");
}
