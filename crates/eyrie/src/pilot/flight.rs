//! Which flight a file of Pilot 2 belongs to. Pilot 2 names none.
//!
//! Shots of a wayline say so: `path` is the folder of that wayline's run, `DJI_{yyyyMMddHHmm}_{nnn}_{route}`, or at least they
//! share a file group. Their flight's id follows from the name alone. Everything else is grouped by aircraft and capture
//! time, in the catalogue's commit. See `docs/decisions/pilot-flights.md`.

use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid};

/// What is known of a file that tells its flight.
pub(super) struct Clues<'a> {
    pub(super) workspace_id: Uuid,
    pub(super) gateway_sn: &'a str,
    pub(super) aircraft_sn: Option<&'a str>,
    pub(super) drone_model_key: Option<&'a str>,
    pub(super) path: Option<&'a str>,
    pub(super) file_group_id: Option<&'a str>,
}

/// The answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Belongs {
    /// To this flight of a wayline, and the name of its run where that is known.
    ToFlight { flight_id: String, track_id: Option<String> },
    /// To a flight of this group, by its capture time.
    ToGroup(String),
}

pub(super) fn belongs(clues: &Clues<'_>) -> Belongs {
    let aircraft = aircraft(clues);
    let named = |kind: &str, name: &str| flight_id(clues.workspace_id, &[&aircraft, kind, name]);
    if let Some(run) = clues.path.and_then(wayline_run) {
        return Belongs::ToFlight { flight_id: named("path", run), track_id: Some(run.to_owned()) };
    }
    match clues.file_group_id {
        Some(group) => Belongs::ToFlight { flight_id: named("group", group), track_id: None },
        None => Belongs::ToGroup(aircraft),
    }
}

/// The aircraft where it is said; otherwise what was behind this controller. What the controller holds now is not asked:
/// files may be uploaded on another day, beside another aircraft.
fn aircraft(clues: &Clues<'_>) -> String {
    match clues.aircraft_sn {
        Some(sn) => format!("aircraft/{sn}"),
        None => format!("controller/{}/{}", clues.gateway_sn, clues.drone_model_key.unwrap_or_default()),
    }
}

/// The folder of a wayline's run, when the path's last part is one.
fn wayline_run(path: &str) -> Option<&str> {
    let folder = path.trim_end_matches('/').rsplit('/').next()?;
    let mut parts = folder.strip_prefix("DJI_")?.splitn(3, '_');
    let digits = |part: Option<&str>, length: std::ops::RangeInclusive<usize>| {
        part.is_some_and(|part| length.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let minute_or_second = digits(parts.next(), 12..=14);
    let counter = digits(parts.next(), 1..=6);
    let route = parts.next().is_some_and(|route| !route.is_empty());
    (minute_or_second && counter && route).then_some(folder)
}

/// A UUID that follows from the texts alone (version 8, RFC 9562).
fn flight_id(workspace_id: Uuid, texts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    hasher.update(workspace_id.as_bytes());
    for text in texts {
        hasher.update((text.len() as u64).to_be_bytes());
        hasher.update(text);
    }
    let digest: [u8; 32] = hasher.finalize().into();
    let (first, _) = digest.split_first_chunk::<16>().expect("32 are more than 16");
    Builder::from_custom_bytes(*first).into_uuid().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clues() -> Clues<'static> {
        Clues {
            workspace_id: Uuid::from_u128(1),
            gateway_sn: "RC1",
            aircraft_sn: Some("A1"),
            drone_model_key: Some("0-67-0"),
            path: None,
            file_group_id: None,
        }
    }

    #[test]
    fn a_wayline_is_told_by_its_folder() {
        let run = "DJI_202606011005_003_Quarry north";
        for path in [run.to_owned(), format!("{run}/"), format!("a/b/{run}")] {
            assert_eq!(wayline_run(&path), Some(run), "{path}");
        }
        for path in [
            "",
            "/",
            "DJI_202606011005_003",
            "DJI_202606011005_003_",
            "DJI_2026_003_x",
            "DCIM/100MEDIA",
            "DJI_20260601100é_1_x",
        ] {
            assert_eq!(wayline_run(path), None, "{path}");
        }
    }

    #[test]
    fn a_named_flight_follows_from_name_aircraft_and_workspace() {
        let of = |change: fn(&mut Clues<'static>)| {
            let mut clues = Clues { path: Some("DJI_202606011005_003_R"), ..clues() };
            change(&mut clues);
            belongs(&clues)
        };
        let same = of(|_| {});
        assert!(matches!(&same, Belongs::ToFlight { flight_id: id, track_id: Some(run) }
                if run == "DJI_202606011005_003_R" && Uuid::parse_str(id).is_ok_and(|id| id.get_version_num() == 8)));
        assert_eq!(of(|clues| clues.gateway_sn = "RC2"), same, "another controller, the same aircraft");
        assert_eq!(of(|clues| clues.file_group_id = Some("g")), same);
        for other in [
            of(|clues| clues.workspace_id = Uuid::from_u128(2)),
            of(|clues| clues.aircraft_sn = Some("A2")),
            of(|clues| clues.aircraft_sn = None),
            of(|clues| clues.path = Some("DJI_202606011005_004_R")),
            of(|clues| (clues.path, clues.file_group_id) = (None, Some("DJI_202606011005_003_R"))),
        ] {
            assert_ne!(other, same);
        }
    }

    #[test]
    fn what_names_no_flight_goes_by_aircraft() {
        assert_eq!(belongs(&clues()), Belongs::ToGroup("aircraft/A1".into()));
        let unknown = Clues { aircraft_sn: None, ..clues() };
        assert_eq!(belongs(&unknown), Belongs::ToGroup("controller/RC1/0-67-0".into()));
    }
}
