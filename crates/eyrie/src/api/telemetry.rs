//! What flew with a file: the track of a video, of a flight, and a selection of files as points for other programs.

use std::io::{self, Write};
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use eyrie_catalogue::{Media, MediaFilter, MediaKind, MediaStatus};
use eyrie_media::export::{self, Point, PointsFormat};
use eyrie_media::track::{Attitude, Place, Sample, Track, TrackSource};
use eyrie_media::video;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tokio::runtime::Handle;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::archives::selected;
use super::auth::{Scope, Viewer};
use super::download::streamed;
use super::extract::{Json as Body, PathParams, QueryParams, blank_is_none};
use super::media::MediaQuery;
use super::problem::{Kind, Problem};
use crate::app::App;
use crate::jobs::extract_metadata::subtitle::{read_subtitle, subtitle_of};
use crate::object_range;

/// Rows that an export reads at a time.
const PAGE: u32 = 500;
/// Files of one flight whose track is written; a flight of a dock has some hundreds.
const MAX_FLIGHT_FILES: usize = 20_000;
/// An aircraft's clock that differs by less than this from a zone's whole quarter of an hour is in that zone.
const CLOCK_SLACK_S: f64 = 300.0;
const QUARTER_S: f64 = 900.0;
const MAX_OFFSET_S: f64 = 14.0 * 3_600.0;

/// How a track is written.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TrackFormat {
    #[default]
    Json,
    Geojson,
    Gpx,
    Kml,
    Csv,
    Srt,
}

impl From<TrackFormat> for export::Format {
    fn from(format: TrackFormat) -> Self {
        match format {
            TrackFormat::Json => Self::Json,
            TrackFormat::Geojson => Self::GeoJson,
            TrackFormat::Gpx => Self::Gpx,
            TrackFormat::Kml => Self::Kml,
            TrackFormat::Csv => Self::Csv,
            TrackFormat::Srt => Self::Srt,
        }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TelemetryQuery {
    /// `json` when left out.
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(required = false, inline)]
    format: Option<TrackFormat>,
}

/// The telemetry of a video or of a subtitle file
///
/// Read from the video's own `djmd` or `tx3g` track, from the `.SRT` beside it, or from what `udta` says once. `source`
/// names which. Moments without a fix stay in JSON and CSV without a position.
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/media/{id}/telemetry", tag = "media",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("id" = Uuid, Path), TelemetryQuery),
    responses((status = 200, description = "The track in the wanted format", content(
        (Value = "application/json"), (Value = "application/geo+json"), (String = "application/gpx+xml"),
        (String = "application/vnd.google-earth.kml+xml"), (String = "text/csv"), (String = "application/x-subrip")))))]
pub async fn get_media_telemetry(
    scope: Scope<Viewer>,
    State(app): State<Arc<App>>,
    PathParams((_ws, id)): PathParams<(String, Uuid)>,
    QueryParams(query): QueryParams<TelemetryQuery>,
) -> Result<Response, Problem> {
    let media = app.catalogue.media(scope.workspace.id, id).await?;
    let media = media.filter(|media| media.trashed_at.is_none()).ok_or_else(Problem::not_found)?;
    let none = || Problem::new(Kind::NotFound, "the file carries no telemetry that can be read");
    if media.status != MediaStatus::Stored {
        return Err(Problem::new(Kind::NotFound, "the file's object is not in the store"));
    }
    let track = track_of(&app, &media).await.map_err(Problem::internal)?.ok_or_else(none)?;
    let format = export::Format::from(query.format.unwrap_or_default());
    let stem = media.name.rsplit_once('.').map_or(media.name.as_str(), |(stem, _)| stem).to_owned();
    let file_name = format!("{stem}.{}", format.as_str());
    Ok(streamed(format.content_type(), &file_name, move |out| {
        let mut out = out;
        export::write(format, track.source, &track.samples, &stem, &mut out)
    }))
}

/// The track of a flight: where its photos were taken and its videos flew, in the order of time
///
/// The same formats as a video's telemetry, with `source` `flight`; `t_s` counts from the first moment.
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/flights/{flight_id}/telemetry", tag = "flights",
    params(("ws" = String, Path, description = "id or name of the workspace"), ("flight_id" = String, Path), TelemetryQuery),
    responses((status = 200, description = "The track in the wanted format", content(
        (Value = "application/json"), (Value = "application/geo+json"), (String = "application/gpx+xml"),
        (String = "application/vnd.google-earth.kml+xml"), (String = "text/csv"), (String = "application/x-subrip")))))]
pub async fn get_flight_telemetry(
    scope: Scope<Viewer>,
    State(app): State<Arc<App>>,
    PathParams((_ws, flight_id)): PathParams<(String, String)>,
    QueryParams(query): QueryParams<TelemetryQuery>,
) -> Result<Response, Problem> {
    app.catalogue.flight(scope.workspace.id, &flight_id).await?.ok_or_else(Problem::not_found)?;
    let files = timed_files(&app, scope.workspace.id, &flight_id).await?;
    let Some(begin) = files.first().and_then(|media| media.captured_at) else {
        return Err(Problem::new(Kind::NotFound, "no file of the flight has a time"));
    };
    let format = export::Format::from(query.format.unwrap_or_default());
    let file_name = format!("flight-{flight_id}.{}", format.as_str());
    let runtime = Handle::current();
    Ok(streamed(format.content_type(), &file_name, move |out| {
        let mut out = out;
        let (videos, photos) = files.into_iter().partition::<Vec<_>, _>(|media| media.kind == MediaKind::Video);
        // one video's samples are in memory at a time
        let videos = videos.into_iter().flat_map(|media| runtime.block_on(moments_of(&app, &media, begin)));
        let photos = photos.into_iter().map(|media| moment_of(&media, begin));
        export::write(format, TrackSource::Flight, in_order(videos, photos), &flight_id, &mut out)
    }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ExportQuery {
    /// `geojson` when left out.
    #[serde(default, deserialize_with = "blank_is_none")]
    #[param(required = false, inline)]
    format: Option<SelectionFormat>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SelectionFormat {
    #[default]
    Geojson,
    Kml,
    Csv,
}

/// A selection of files as points: GeoJSON, KML or CSV
///
/// Takes the list's filters. GeoJSON and CSV have files without a position too.
#[utoipa::path(get, path = "/api/v1/workspaces/{ws}/media/export", tag = "media",
    params(("ws" = String, Path, description = "id or name of the workspace"), MediaQuery, ExportQuery),
    responses((status = 200, description = "Every file of the selection", content(
        (Value = "application/geo+json"), (String = "application/vnd.google-earth.kml+xml"), (String = "text/csv")))))]
pub async fn export_media(
    scope: Scope<Viewer>,
    State(app): State<Arc<App>>,
    QueryParams(query): QueryParams<MediaQuery>,
    QueryParams(export): QueryParams<ExportQuery>,
) -> Result<Response, Problem> {
    let (workspace_id, filter) = (scope.workspace.id, MediaFilter::from(query));
    // a wrong filter is told before the answer begins
    let first = app.catalogue.list_media(workspace_id, &filter, None, PAGE).await?;
    let base = format!("{}/api/v1/workspaces/{workspace_id}/media", app.urls.http);
    let runtime = Handle::current();
    let rows = move || {
        let (mut items, mut cursor) = (first.items.into_iter(), first.next_cursor);
        std::iter::from_fn(move || -> Option<io::Result<Media>> {
            if let Some(media) = items.next() {
                return Some(Ok(media));
            }
            let next = runtime.block_on(app.catalogue.list_media(workspace_id, &filter, Some(&cursor.take()?), PAGE));
            match next {
                Ok(page) => {
                    (items, cursor) = (page.items.into_iter(), page.next_cursor);
                    items.next().map(Ok)
                }
                Err(error) => Some(Err(io::Error::other(error))),
            }
        })
    };
    Ok(exported(export.format.unwrap_or_default(), rows, base))
}

/// Files by their ids.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = SelectedFilesRequest)]
#[serde(deny_unknown_fields)]
pub struct SelectedFiles {
    /// At most 20,000.
    #[schema(max_items = 20_000)]
    pub media_ids: Vec<Uuid>,
    /// `geojson` when left out.
    #[serde(default)]
    #[schema(inline)]
    pub format: SelectionFormat,
}

/// Files that were selected by hand as points: GeoJSON, KML or CSV
#[utoipa::path(post, path = "/api/v1/workspaces/{ws}/media/export", tag = "media",
    params(("ws" = String, Path, description = "id or name of the workspace")), request_body = SelectedFiles,
    responses((status = 200, description = "Every file of the selection", content(
        (Value = "application/geo+json"), (String = "application/vnd.google-earth.kml+xml"), (String = "text/csv")))))]
pub async fn export_selected(
    scope: Scope<Viewer>,
    State(app): State<Arc<App>>,
    Body(wanted): Body<SelectedFiles>,
) -> Result<Response, Problem> {
    let files = selected(&app, scope.workspace.id, wanted.media_ids).await?;
    let base = format!("{}/api/v1/workspaces/{}/media", app.urls.http, scope.workspace.id);
    Ok(exported(wanted.format, move || files.into_iter().map(Ok), base))
}

fn exported<I>(format: SelectionFormat, rows: impl FnOnce() -> I + Send + 'static, base: String) -> Response
where
    I: Iterator<Item = io::Result<Media>>,
{
    match format {
        SelectionFormat::Geojson => points(PointsFormat::GeoJson, rows, base),
        SelectionFormat::Kml => points(PointsFormat::Kml, rows, base),
        SelectionFormat::Csv => streamed("text/csv; charset=utf-8", "media.csv", move |out| {
            writeln!(out, "{CSV_HEAD}")?;
            rows().try_for_each(|media| write_row(out, &media?))
        }),
    }
}

fn points<I>(format: PointsFormat, rows: impl FnOnce() -> I + Send + 'static, base: String) -> Response
where
    I: Iterator<Item = io::Result<Media>>,
{
    streamed(format.content_type(), &format!("media.{}", format.as_str()), move |out| {
        let mut failed = None;
        let points = rows().map_while(|media| match media {
            Ok(media) => Some(point(&media, &base)),
            Err(error) => {
                failed = Some(error);
                None
            }
        });
        let mut out = out;
        export::write_points(format, points, &mut out)?;
        // half a selection must not look like a whole one
        failed.map_or(Ok(()), Err)
    })
}

fn point(media: &Media, base: &str) -> Point {
    Point {
        id: media.id.to_string(),
        name: media.name.clone(),
        kind: media.kind.as_str().to_owned(),
        place: place(media),
        at: media.captured_at,
        gimbal: gimbal(media),
        link: Some(format!("{base}/{}/content", media.id)),
    }
}

const CSV_HEAD: &str = "id,name,kind,captured_at,lat,lng,absolute_altitude_m,relative_altitude_m,gimbal_yaw_deg,\
                        gimbal_pitch_deg,gimbal_roll_deg,flight_id,gateway_sn,size_bytes,object_key";

fn write_row(out: &mut dyn Write, media: &Media) -> io::Result<()> {
    let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
    let text = |value: Option<&str>| csv_text(value.unwrap_or_default());
    let place = media.position;
    let fields = [
        media.id.to_string(),
        csv_text(&media.name),
        media.kind.as_str().to_owned(),
        media.captured_at.map_or(String::new(), |at| at.to_string()),
        number(place.map(|place| place.lat)),
        number(place.map(|place| place.lng)),
        number(place.and_then(|place| place.absolute_altitude_m)),
        number(place.and_then(|place| place.relative_altitude_m)),
        number(media.gimbal_yaw_deg),
        number(media.gimbal_pitch_deg),
        number(media.gimbal_roll_deg),
        text(media.flight_id.as_deref()),
        text(media.gateway_sn.as_deref()),
        media.size_bytes.map_or(String::new(), |size| size.to_string()),
        csv_text(&media.object_key),
    ];
    writeln!(out, "{}", fields.join(","))
}

/// RFC 4180. A text that a spreadsheet would run as a formula is a text.
fn csv_text(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

/// The track inside a video, else that of the subtitles beside it; a subtitle file's own.
///
/// A recording that lost its own clock has the times that the library has for it.
pub async fn track_of(app: &App, media: &Media) -> io::Result<Option<Track>> {
    let mut track = recorded(app, media).await?;
    if let (Some(track), Some(begin)) = (&mut track, media.captured_at)
        && track.samples.iter().all(|sample| sample.at.is_none())
    {
        for sample in &mut track.samples {
            let since = SignedDuration::from_micros((sample.t_s * 1e6).round() as i64);
            sample.at = begin.checked_add(since).ok();
        }
    }
    Ok(track)
}

async fn recorded(app: &App, media: &Media) -> io::Result<Option<Track>> {
    match media.kind {
        MediaKind::Subtitle => subtitle_track(app, media, media.captured_at).await,
        MediaKind::Video => {
            let size_bytes = u64::try_from(media.size_bytes.unwrap_or(0)).unwrap_or(0);
            let mut range = object_range::open(Arc::clone(&app.store), &media.bucket, &media.object_key, size_bytes);
            let read = tokio::task::spawn_blocking(move || video::track(&mut range));
            let inside = read.await.unwrap_or_else(|panic| Err(io::Error::other(panic)))?;
            let has_place = |track: &Track| track.samples.iter().any(|sample| sample.position.is_some());
            let many = |track: &Track| track.samples.len() > 1;
            if inside.as_ref().is_some_and(|track| has_place(track) && many(track)) {
                return Ok(inside);
            }
            let beside = match subtitle_of(app, media).await.map_err(io::Error::other)? {
                Some(subtitle) => subtitle_track(app, &subtitle, media.captured_at).await?,
                None => None,
            };
            Ok(match (inside, beside) {
                (Some(inside), Some(beside)) if has_place(&inside) && !has_place(&beside) => Some(inside),
                (inside, beside) => beside.or(inside),
            })
        }
        _ => Ok(None),
    }
}

/// A subtitle file has the aircraft's local time: its zone is found by the video's UTC.
async fn subtitle_track(app: &App, subtitle: &Media, begin: Option<Timestamp>) -> io::Result<Option<Track>> {
    let mut srt = read_subtitle(app, subtitle).await?;
    if srt.track.samples.is_empty() {
        return Ok(None);
    }
    let local = srt.first_local.and_then(|local| jiff::tz::Offset::UTC.to_timestamp(local).ok());
    if let Some(offset_s) = local.zip(begin).and_then(|(local, begin)| zone_offset_s(local, begin)) {
        srt.set_utc_offset(offset_s);
    }
    Ok(Some(srt.track))
}

/// Seconds east of UTC of a clock that showed `local` (written as if it were UTC) at `begin`.
fn zone_offset_s(local: Timestamp, begin: Timestamp) -> Option<i32> {
    let apart_s = local.duration_since(begin).as_secs_f64();
    let offset_s = (apart_s / QUARTER_S).round() * QUARTER_S;
    ((apart_s - offset_s).abs() <= CLOCK_SLACK_S && offset_s.abs() <= MAX_OFFSET_S).then_some(offset_s as i32)
}

/// Photos with a place and videos of a flight that have a time, the first one first.
async fn timed_files(app: &App, workspace_id: Uuid, flight_id: &str) -> Result<Vec<Media>, Problem> {
    let filter = MediaFilter {
        flight_id: Some(flight_id.to_owned()),
        status: Some(MediaStatus::Stored),
        ..MediaFilter::default()
    };
    let (mut files, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let page = app.catalogue.list_media(workspace_id, &filter, cursor.as_deref(), PAGE).await?;
        files.extend(page.items.into_iter().filter(|media| {
            let pictures = matches!(media.kind, MediaKind::Photo | MediaKind::Thermal | MediaKind::Panorama);
            media.captured_at.is_some() && (media.kind == MediaKind::Video || (pictures && media.position.is_some()))
        }));
        cursor = page.next_cursor;
        if cursor.is_none() || files.len() >= MAX_FLIGHT_FILES {
            break;
        }
    }
    files.sort_by_key(|media| (media.captured_at, media.id));
    Ok(files)
}

/// Both in the order of time. A payload records with all of its cameras at once: what another video told already, of the same
/// moments, is left out.
fn in_order(
    videos: impl Iterator<Item = Sample>,
    photos: impl Iterator<Item = Sample>,
) -> impl Iterator<Item = Sample> {
    let mut told_s = f64::NEG_INFINITY;
    let videos = videos.filter(move |sample| {
        let is_new = sample.t_s > told_s;
        told_s = told_s.max(sample.t_s);
        is_new
    });
    let (mut videos, mut photos) = (videos.peekable(), photos.peekable());
    std::iter::from_fn(move || match (videos.peek(), photos.peek()) {
        (Some(video), Some(photo)) if photo.t_s < video.t_s => photos.next(),
        (None, _) => photos.next(),
        _ => videos.next(),
    })
}

fn moment_of(media: &Media, begin: Timestamp) -> Sample {
    let since = media.captured_at.map_or(0.0, |at| at.duration_since(begin).as_secs_f64());
    Sample { t_s: since, at: media.captured_at, position: place(media), gimbal: gimbal(media), ..Sample::default() }
}

/// A video's track in the flight's time; a video that cannot be read is left out.
async fn moments_of(app: &App, media: &Media, begin: Timestamp) -> Vec<Sample> {
    let since = media.captured_at.map_or(0.0, |at| at.duration_since(begin).as_secs_f64());
    let track = match track_of(app, media).await {
        Ok(track) => track,
        Err(error) => {
            tracing::warn!(%error, media.id = %media.id, "a video is left out of its flight's track");
            None
        }
    };
    let samples = track.map(|track| track.samples).unwrap_or_default();
    if samples.is_empty() {
        return media.position.map(|_| moment_of(media, begin)).into_iter().collect();
    }
    samples.into_iter().map(|sample| Sample { t_s: since + sample.t_s, ..sample }).collect()
}

fn place(media: &Media) -> Option<Place> {
    media.position.map(|place| Place {
        lat: place.lat,
        lng: place.lng,
        absolute_altitude_m: place.absolute_altitude_m,
        relative_altitude_m: place.relative_altitude_m,
    })
}

fn gimbal(media: &Media) -> Option<Attitude> {
    let gimbal =
        Attitude { yaw_deg: media.gimbal_yaw_deg, pitch_deg: media.gimbal_pitch_deg, roll_deg: media.gimbal_roll_deg };
    (gimbal != Attitude::default()).then_some(gimbal)
}

#[cfg(test)]
mod tests {
    use eyrie_media::track::Camera;

    use super::*;

    #[test]
    fn a_clock_s_zone_is_found_by_a_known_moment() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        let utc = at("2026-11-23T05:14:22Z");
        assert_eq!(zone_offset_s(at("2026-11-23T06:14:25Z"), utc), Some(3_600));
        assert_eq!(zone_offset_s(at("2026-11-23T10:59:00Z"), utc), Some(20_700));
        assert_eq!(zone_offset_s(at("2026-11-22T21:14:22Z"), utc), Some(-28_800));
        assert_eq!(zone_offset_s(at("2026-11-23T06:21:30Z"), utc), None);
        assert_eq!(zone_offset_s(at("2027-11-23T05:14:22Z"), utc), None);
    }

    #[test]
    fn a_flight_is_told_in_the_order_of_time_and_each_moment_once() {
        let sample = |t_s: f64, iso: f64| Sample {
            t_s,
            camera: Some(Camera { iso: Some(iso), ..Camera::default() }),
            ..Sample::default()
        };
        // two cameras record at once, the second a little longer, and photos are taken before, meanwhile and behind
        let videos = [(1.0, 1.0), (2.0, 1.0), (3.0, 1.0), (1.0, 2.0), (2.5, 2.0), (3.5, 2.0), (9.0, 3.0)];
        let photos = [(0.0, 0.0), (2.0, 0.0), (2.2, 0.0), (10.0, 0.0)];
        let samples =
            |of: &[(f64, f64)]| of.iter().map(|(t_s, iso)| sample(*t_s, *iso)).collect::<Vec<_>>().into_iter();
        let told: Vec<(f64, f64)> = in_order(samples(&videos), samples(&photos))
            .map(|sample| (sample.t_s, sample.camera.and_then(|camera| camera.iso).expect("marked")))
            .collect();
        let want = [
            (0.0, 0.0),
            (1.0, 1.0),
            (2.0, 1.0),
            (2.0, 0.0),
            (2.2, 0.0),
            (3.0, 1.0),
            (3.5, 2.0),
            (9.0, 3.0),
            (10.0, 0.0),
        ];
        assert_eq!(told, want);
        assert_eq!(in_order(samples(&[]), samples(&photos)).count(), 4);
        assert_eq!(in_order(samples(&videos), samples(&[])).count(), 5);
    }

    #[test]
    fn a_name_is_never_a_formula() {
        assert_eq!(csv_text("=1+1"), "'=1+1");
        assert_eq!(csv_text("a,\"b\""), "\"a,\"\"b\"\"\"");
        assert_eq!(csv_text("DJI_0001.JPG"), "DJI_0001.JPG");
    }
}
