//! A media row to and from its columns.

use std::fmt::Write as _;

use crate::fingerprint::tiny_hash;
use crate::sqlite::{Query, Row, Write, chunks};
use crate::value::{Columns as _, OrConstraint as _, us, us_opt};
use crate::{Media, PilotFile, Position, Result};

/// Where rows without a capture time sort: after all others.
pub(crate) const NO_TIME: i64 = i64::MIN;

pub(crate) fn media(row: &Row) -> Result<Media> {
    let place: (Option<f64>, Option<f64>) = (row.get("lat")?, row.get("lng")?);
    let position = match place {
        (Some(lat), Some(lng)) => Some(Position {
            lat,
            lng,
            absolute_altitude_m: row.get("absolute_altitude_m")?,
            relative_altitude_m: row.get("relative_altitude_m")?,
        }),
        _ => None,
    };
    Ok(Media {
        id: row.get("id")?,
        workspace_id: row.get("workspace_id")?,
        gateway_sn: row.get("gateway_sn")?,
        source: row.word("source")?,
        flight_id: row.get("flight_id")?,
        name: row.get("name")?,
        kind: row.word("kind")?,
        bucket: row.get("bucket")?,
        object_key: row.get("object_key")?,
        size_bytes: row.get("size_bytes")?,
        etag: row.get("etag")?,
        status: row.word("status")?,
        captured_at: row.time_opt("captured_at")?,
        captured_local: row.get("captured_local")?,
        position,
        gimbal_yaw_deg: row.get("gimbal_yaw_deg")?,
        gimbal_pitch_deg: row.get("gimbal_pitch_deg")?,
        gimbal_roll_deg: row.get("gimbal_roll_deg")?,
        drone_model_key: row.get("drone_model_key")?,
        payload_model_key: row.get("payload_model_key")?,
        is_original: row.get("is_original")?,
        fingerprint: row.get("fingerprint")?,
        path: row.get("path")?,
        pilot: PilotFile {
            aircraft_sn: row.get("aircraft_sn")?,
            file_group_id: row.get("file_group_id")?,
            sub_file_type: row.get("sub_file_type")?,
            tiny_fingerprint: row.get("tiny_fingerprint")?,
            flight_group: row.get("flight_group")?,
        },
        processing: row.word("processing")?,
        warnings: row.json("warnings")?,
        metadata: row.json("metadata")?,
        picture: super::picture::facts(row)?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        trashed_at: row.time_opt("trashed_at")?,
    })
}

/// The row as it can be stored: a position that is no place on Earth is not known, and times have microseconds.
pub(crate) fn sound(media: &Media) -> Media {
    let number = |value: Option<f64>| value.filter(|value| value.is_finite());
    let position = media.position.filter(|at| (-90.0..=90.0).contains(&at.lat) && (-180.0..=180.0).contains(&at.lng));
    let micros = |time: jiff::Timestamp| jiff::Timestamp::from_microsecond(us(time)).unwrap_or(time);
    Media {
        position: position.map(|position| Position {
            absolute_altitude_m: number(position.absolute_altitude_m),
            relative_altitude_m: number(position.relative_altitude_m),
            ..position
        }),
        gimbal_yaw_deg: number(media.gimbal_yaw_deg),
        gimbal_pitch_deg: number(media.gimbal_pitch_deg),
        gimbal_roll_deg: number(media.gimbal_roll_deg),
        captured_at: media.captured_at.map(micros),
        created_at: micros(media.created_at),
        updated_at: micros(media.updated_at),
        trashed_at: media.trashed_at.map(micros),
        ..media.clone()
    }
}

const COLUMNS: &str = "id, workspace_id, gateway_sn, source, flight_id, name, folded_name, kind, bucket, object_key, size_bytes, etag, status,
    captured_at, sort_at, captured_local, lat, lng, absolute_altitude_m, relative_altitude_m, gimbal_yaw_deg,
    gimbal_pitch_deg, gimbal_roll_deg, drone_model_key, payload_model_key, is_original, fingerprint, path, processing,
    warnings, metadata, created_at, updated_at, trashed_at, aircraft_sn, file_group_id, tiny_fingerprint,
    tiny_fingerprint_hash, flight_group, sub_file_type";

/// Adds rows. The caller has made them [`sound`], and knows that their objects have none yet.
///
/// # Errors
/// `NotFound` for a workspace, `Exists` for an id; the first row is named when there are several.
pub(crate) async fn insert(write: &mut Write, rows: &[Media]) -> Result<()> {
    let columns = COLUMNS.split(',').count();
    for chunk in chunks(rows) {
        let mut sql = format!("INSERT INTO media ({COLUMNS}) VALUES ");
        for n in 0..chunk.len() * columns {
            let before = match (n, n % columns) {
                (0, _) => "(",
                (_, 0) => "), (",
                _ => ", ",
            };
            let _ = write!(sql, "{before}${}", n + 1);
        }
        sql.push(')');
        // the text is made of column names and numbers alone
        let query = chunk.iter().fold(sqlx::query(sqlx::AssertSqlSafe(sql)), bind);
        let (id, workspace_id) = (chunk[0].id, chunk[0].workspace_id);
        write.execute(query).await.or_exists("media", id).or_not_found("workspace", workspace_id)?;
    }
    Ok(())
}

/// Writes all columns of the row with this id.
pub(crate) async fn update(write: &mut Write, media: &Media) -> Result<()> {
    let update = sqlx::query(
        "UPDATE media SET workspace_id = $2, gateway_sn = $3, source = $4, flight_id = $5, name = $6, folded_name = $7,
         kind = $8, bucket = $9, object_key = $10, size_bytes = $11, etag = $12, status = $13, captured_at = $14,
         sort_at = $15, captured_local = $16, lat = $17, lng = $18, absolute_altitude_m = $19, relative_altitude_m = $20,
         gimbal_yaw_deg = $21, gimbal_pitch_deg = $22, gimbal_roll_deg = $23, drone_model_key = $24,
         payload_model_key = $25, is_original = $26, fingerprint = $27, path = $28, processing = $29, warnings = $30,
         metadata = $31, created_at = $32, updated_at = $33, trashed_at = $34, aircraft_sn = $35,
         file_group_id = $36, tiny_fingerprint = $37, tiny_fingerprint_hash = $38, flight_group = $39, sub_file_type = $40 WHERE id = $1",
    );
    write.execute(bind(update, media)).await.map(drop)
}

fn bind<'q>(query: Query<'q>, media: &Media) -> Query<'q> {
    let warnings =
        if media.warnings.is_empty() { "[]".to_owned() } else { serde_json::json!(media.warnings).to_string() };
    query
        .bind(media.id)
        .bind(media.workspace_id)
        .bind(media.gateway_sn.clone())
        .bind(media.source.as_str())
        .bind(media.flight_id.clone())
        .bind(media.name.clone())
        .bind(media.name.to_lowercase())
        .bind(media.kind.as_str())
        .bind(media.bucket.clone())
        .bind(media.object_key.clone())
        .bind(media.size_bytes)
        .bind(media.etag.clone())
        .bind(media.status.as_str())
        .bind(us_opt(media.captured_at))
        .bind(media.captured_at.map_or(NO_TIME, us))
        .bind(media.captured_local.clone())
        .bind(media.position.map(|position| position.lat))
        .bind(media.position.map(|position| position.lng))
        .bind(media.position.and_then(|position| position.absolute_altitude_m))
        .bind(media.position.and_then(|position| position.relative_altitude_m))
        .bind(media.gimbal_yaw_deg)
        .bind(media.gimbal_pitch_deg)
        .bind(media.gimbal_roll_deg)
        .bind(media.drone_model_key.clone())
        .bind(media.payload_model_key.clone())
        .bind(media.is_original)
        .bind(media.fingerprint.clone())
        .bind(media.path.clone())
        .bind(media.processing.as_str())
        .bind(warnings)
        .bind(media.metadata.to_string())
        .bind(us(media.created_at))
        .bind(us(media.updated_at))
        .bind(us_opt(media.trashed_at))
        .bind(media.pilot.aircraft_sn.clone())
        .bind(media.pilot.file_group_id.clone())
        .bind(media.pilot.tiny_fingerprint.clone())
        .bind(media.pilot.tiny_fingerprint.as_deref().map(|text| tiny_hash(media.workspace_id, text)))
        .bind(media.pilot.flight_group.clone())
        .bind(media.pilot.sub_file_type)
}
