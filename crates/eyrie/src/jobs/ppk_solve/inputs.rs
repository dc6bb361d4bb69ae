//! Which files go into a solution.

use eyrie_catalogue::{Media, MediaStatus};
use eyrie_media::gnss::Ecef;
use eyrie_media::ppk::{PpkSet, Role};
use eyrie_media::rinex::{Rinex, RinexType};
use eyrie_media::rtcm::Rtcm;
use serde::de::DeserializeOwned;
use uuid::Uuid;

/// A file to fetch.
#[derive(Clone, Debug)]
pub struct Input {
    pub media_id: Uuid,
    pub name: String,
    pub bucket: String,
    pub object_key: String,
    pub size_bytes: u64,
    /// RTCM 3, to be converted; RINEX otherwise.
    pub is_rtcm: bool,
}

impl Input {
    fn of(media: &Media) -> Self {
        Self {
            media_id: media.id,
            name: media.name.clone(),
            bucket: media.bucket.clone(),
            object_key: media.object_key.clone(),
            size_bytes: media.size_bytes.and_then(|size| u64::try_from(size).ok()).unwrap_or(0),
            is_rtcm: media.metadata.get("rtcm").is_some(),
        }
    }
}

/// All that a solution is made of.
#[derive(Clone, Debug)]
pub struct Inputs {
    pub rover: Input,
    pub base: Input,
    pub navigation: Vec<Input>,
    /// Where the base's antenna stands; RTKLIB averages single positions when it is not told.
    pub base_ecef: Option<[f64; 3]>,
    pub warnings: Vec<String>,
}

impl Inputs {
    pub fn size_bytes(&self) -> u64 {
        let all = self.navigation.iter().chain([&self.rover, &self.base]);
        all.fold(0, |sum, input| sum.saturating_add(input.size_bytes))
    }
}

/// Finds what a solution needs among the flight's `files`. `base` is the file that was asked for, when `asked`.
///
/// # Errors
/// What lacks, in words.
pub fn choose(set: &PpkSet, files: &[Media], base: Option<&Media>, asked: bool) -> Result<Inputs, String> {
    let mut warnings = Vec::new();
    let base = match (base, asked) {
        (Some(base), _) => base,
        (None, true) => return Err("the base's file is not in this workspace".into()),
        (None, false) => of_role(set, files, Role::Corrections)
            .or_else(|| of_role(set, files, Role::BaseObservations))
            .ok_or("the flight has no corrections (.dat): name a file with the base's observations")?,
    };
    if base.status != MediaStatus::Stored || base.trashed_at.is_some() {
        return Err("the base's file is not in the store".into());
    }
    let rinex: Option<Rinex> = part(base, "rinex");
    let rtcm: Option<Rtcm> = part(base, "rtcm");
    let base_ecef = match (&rinex, &rtcm) {
        (Some(rinex), _) if rinex.compact => {
            return Err("the base's file is compact RINEX: unpack it with crx2rnx".into());
        }
        (Some(rinex), _) if rinex.kind == RinexType::Observation => antenna(rinex),
        (_, Some(rtcm)) => rtcm.stations.iter().find_map(|station| station.position.and(station.ecef)),
        _ => {
            let why = base.warnings.iter().map(|warning| format!("; {warning}")).collect::<String>();
            return Err(format!("the base's file holds neither RINEX observations nor RTCM 3{why}"));
        }
    };
    if base_ecef.is_none() {
        warnings.push(
            "the base's file does not tell its position: the result is shifted by the error of its average".into(),
        );
    }
    // the base may be one of the flight's own files
    let is_rover = |media: &&Media| media.id != base.id;
    let rover = of_role_where(set, files, Role::Observations, is_rover)
        .or_else(|| of_role_where(set, files, Role::BaseObservations, is_rover))
        .or_else(|| {
            of_role_where(set, files, Role::RawLog, |media| is_rover(media) && part::<Rtcm>(media, "rtcm").is_some())
        })
        .ok_or("the flight has no observations of the aircraft (.obs, .rtk or _PPKRAW.bin)")?;
    let is_nav = |media: &&Media| role(set, media) == Some(Role::Navigation);
    let navigation: Vec<_> = files.iter().filter(is_nav).map(Input::of).collect();
    if navigation.is_empty() {
        warnings.push("the flight has no broadcast ephemerides (.nav): those in the RTCM 3 streams are taken".into());
    }
    Ok(Inputs {
        rover: Input::of(rover),
        base: Input::of(base),
        navigation,
        base_ecef: base_ecef.map(|at| [at.x_m, at.y_m, at.z_m]),
        warnings,
    })
}

/// The marker's position in the header, and the antenna above it.
fn antenna(rinex: &Rinex) -> Option<Ecef> {
    let marker = rinex.approx_position?;
    match rinex.antenna_delta_m {
        Some([up, east, north]) if up != 0.0 || east != 0.0 || north != 0.0 => {
            Some(marker.moved(north, east, -up)?.ecef())
        }
        _ => rinex.approx_ecef,
    }
}

fn role(set: &PpkSet, media: &Media) -> Option<Role> {
    let id = media.id.to_string();
    set.files.iter().find(|file| file.media_id == id).map(|file| file.role)
}

fn of_role<'a>(set: &PpkSet, files: &'a [Media], wanted: Role) -> Option<&'a Media> {
    of_role_where(set, files, wanted, |_| true)
}

/// The largest of several: a set cut into pieces has one that covers most.
fn of_role_where<'a>(
    set: &PpkSet,
    files: &'a [Media],
    wanted: Role,
    is_wanted: impl Fn(&&Media) -> bool,
) -> Option<&'a Media> {
    let of_role = files.iter().filter(|media| role(set, media) == Some(wanted)).filter(is_wanted);
    of_role.max_by_key(|media| media.size_bytes)
}

fn part<T: DeserializeOwned>(media: &Media, name: &str) -> Option<T> {
    serde_json::from_value(media.metadata.get(name)?.clone()).ok()
}
