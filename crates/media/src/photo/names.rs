//! DJI's file names: `DJI_20261123061422_0012_W_Roof3.JPG`.

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

/// Reads a name; what is not as DJI writes it is left out.
pub fn name_parts(name: &str) -> NameParts {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let mut parts = NameParts::default();
    let Some(rest) = stem.strip_prefix("DJI_") else { return parts };
    let mut words = rest.split('_').peekable();
    if let Some(local) = words.peek().and_then(|word| local_time(word)) {
        parts.local = Some(local);
        words.next();
    }
    if let Some(number) = words.peek().filter(|word| word.len() == 4).and_then(|word| word.parse().ok()) {
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
        "T" => Some(Lens::Thermal),
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
    }
}
