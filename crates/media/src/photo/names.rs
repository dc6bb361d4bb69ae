//! DJI's names: files like `DJI_20261123061422_0012_W_Roof3.JPG`, folders like `DJI_202611230614_003_Roof`.

use jiff::civil::DateTime;
use serde::Serialize;

/// The camera that a name's letter stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Lens {
    Visible,
    Wide,
    Zoom,
    Thermal,
    Multispectral,
}

impl Lens {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Visible => "visible",
            Self::Wide => "wide",
            Self::Zoom => "zoom",
            Self::Thermal => "thermal",
            Self::Multispectral => "multispectral",
        }
    }
}

/// What a name tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct NameParts {
    /// Local time of the aircraft's clock.
    pub local: Option<DateTime>,
    /// Counts the pictures of a card's folder.
    pub number: Option<u32>,
    pub lens: Option<Lens>,
    /// The waypoint's name, as the route's author gave it.
    pub waypoint: Option<String>,
}

/// What a flight's folder tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FolderParts {
    /// Local time of the aircraft's clock, to the minute.
    pub local: Option<DateTime>,
    /// Counts the folders of a card.
    pub number: Option<u32>,
    /// The mission's name, as its author gave it.
    pub mission: Option<String>,
}

/// Reads a file's name, with or without its path; what is not as DJI writes it is left out.
pub fn name_parts(name: &str) -> NameParts {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let mut parts = NameParts::default();
    let Some(rest) = stem.strip_prefix("DJI_") else {
        parts.number = old_survey_number(stem);
        return parts;
    };
    let mut words = rest.split('_').peekable();
    if let Some(local) = words.peek().and_then(|word| local_time(word)) {
        parts.local = Some(local);
        words.next();
    }
    if let Some(number) = words.peek().and_then(|word| number(word, 4)) {
        parts.number = Some(number);
        words.next();
    }
    if let Some(lens) = words.peek().and_then(|word| lens(word)) {
        parts.lens = Some(lens);
        words.next();
        if lens == Lens::Multispectral && words.peek().is_some_and(|band| matches!(*band, "G" | "R" | "RE" | "NIR")) {
            words.next();
        }
    }
    let waypoint = words.collect::<Vec<_>>().join("_");
    parts.waypoint = Some(waypoint).filter(|waypoint| !waypoint.is_empty());
    parts
}

/// Reads a folder's name: `DJI_YYYYMMDDhhmm_NNN_<mission>`.
pub fn folder_parts(name: &str) -> FolderParts {
    let mut parts = FolderParts::default();
    let Some(rest) = name.strip_prefix("DJI_") else { return parts };
    let mut words = rest.splitn(3, '_');
    parts.local = words.next().filter(|word| word.len() == 12).and_then(|word| local_time(&format!("{word}00")));
    if parts.local.is_some() {
        parts.number = words.next().and_then(|word| number(word, 3));
        parts.mission = words.next().filter(|mission| !mission.is_empty()).map(str::to_owned);
    }
    parts
}

/// `100_0004_0017` of a Phantom 4 RTK: folder, flight, picture.
fn old_survey_number(stem: &str) -> Option<u32> {
    let mut words = stem.split('_');
    let (folder, flight, picture) = (words.next()?, words.next()?, words.next()?);
    number(folder, 3).and(number(flight, 4)).and(number(picture, 4)).filter(|_| words.next().is_none())
}

/// So many digits, or more when the count went on.
fn number(word: &str, digits: usize) -> Option<u32> {
    let all_digits = word.len() >= digits && word.len() <= 9 && word.bytes().all(|byte| byte.is_ascii_digit());
    all_digits.then(|| word.parse().ok())?
}

fn local_time(word: &str) -> Option<DateTime> {
    if word.len() != 14 || !word.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    DateTime::strptime("%Y%m%d%H%M%S", word).ok()
}

fn lens(word: &str) -> Option<Lens> {
    match word {
        "V" | "D" => Some(Lens::Visible),
        "W" => Some(Lens::Wide),
        "Z" => Some(Lens::Zoom),
        // R is the radiometric picture of older payloads
        "T" | "R" => Some(Lens::Thermal),
        "MS" => Some(Lens::Multispectral),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_docks_cards_and_others() {
        let parts = name_parts("DJI_20261123061422_0012_W_Roof_3.JPG");
        assert_eq!(parts.local.map(|at| at.to_string()).as_deref(), Some("2026-11-23T06:14:22"));
        assert_eq!((parts.number, parts.lens, parts.waypoint.as_deref()), (Some(12), Some(Lens::Wide), Some("Roof_3")));
        assert_eq!(name_parts("DJI_0042.JPG").number, Some(42));
        let bands = name_parts("DJI_20261123061422_0001_MS_NIR.TIF");
        assert_eq!((bands.lens, bands.waypoint), (Some(Lens::Multispectral), None));
        assert_eq!(name_parts("DJI_20261399061422_0001_T.JPG").local, None);
        assert_eq!(name_parts("holiday.jpg"), NameParts::default());
        let parts = name_parts("wayline/DJI_202611230614_003_x.y/DJI_20261123061422_12345_T.JPG");
        assert_eq!((parts.number, parts.lens, parts.waypoint), (Some(12_345), Some(Lens::Thermal), None));
        assert_eq!(name_parts("100_0004_0017.JPG").number, Some(17));
        assert_eq!(name_parts("100_0004_Timestamp.MRK").number, None);
        let radiometric = name_parts("DJI_0001_R.JPG");
        assert_eq!((radiometric.number, radiometric.lens), (Some(1), Some(Lens::Thermal)));
    }

    #[test]
    fn folders_of_flights() {
        let parts = folder_parts("DJI_202611230614_003_Roof_2");
        assert_eq!(parts.local.map(|at| at.to_string()).as_deref(), Some("2026-11-23T06:14:00"));
        assert_eq!((parts.number, parts.mission.as_deref()), (Some(3), Some("Roof_2")));
        assert_eq!(folder_parts("DJI_202611230614_003").mission, None);
        for other in ["DJI_20261123061_003_x", "DJI_202613230614_003_x", "DCIM", ""] {
            assert_eq!(folder_parts(other), FolderParts::default(), "{other}");
        }
    }
}
