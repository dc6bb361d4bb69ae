//! How fast the catalogue is on this machine: `cargo run --release -p eyrie-catalogue --example measure [ROWS] [BATCH]`.
//! Fills a temporary database with reports as docks send them, then times the first pages of the library.

use std::time::{Duration, Instant};

use eyrie_catalogue::{
    Catalogue, CatalogueConfig, IngestReport, Media, MediaFilter, MediaKind, MediaSource, MediaStatus, NewJob,
    Position, Processing, RawEvent, Workspace,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;

const FILES_A_FLIGHT: u64 = 200;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse::<u64>());
    let rows = arguments.next().transpose()?.unwrap_or(20_000);
    let batch = arguments.next().transpose()?.unwrap_or(64);
    let dir = tempfile::tempdir()?;
    let config = CatalogueConfig {
        url: format!("sqlite://{}", dir.path().join("eyrie.db").display()),
        backup_dir: dir.path().into(),
    };
    let catalogue = Catalogue::open(&config, true).await?;
    let workspace = Workspace {
        id: Uuid::from_u128(1),
        name: "default".into(),
        bucket: "default".into(),
        organization_id: String::new(),
        binding_code: String::new(),
        created_at: Timestamp::UNIX_EPOCH,
    };
    catalogue.add_workspace(&workspace).await?;

    let (started, mut n, mut slowest) = (Instant::now(), 0, Duration::ZERO);
    while n < rows {
        let reports: Vec<_> = (n..(n + batch).min(rows)).map(|n| report(workspace.id, n)).collect();
        n += reports.len() as u64;
        let began = Instant::now();
        catalogue.ingest(&reports).await?;
        slowest = slowest.max(began.elapsed());
    }
    let took = started.elapsed().as_secs_f64();
    println!("{rows} reports in batches of {batch}: {:.0} a second, slowest batch {slowest:?}", rows as f64 / took);

    let stored = MediaFilter { status: Some(MediaStatus::Stored), ..MediaFilter::default() };
    let tile = |half: f64| Some([13.0 - half, 52.0 - half, 13.0 + half, 52.0 + half]);
    for (name, filter) in [
        ("stored", stored.clone()),
        ("one kind", MediaFilter { kinds: vec![MediaKind::Ppk], ..stored.clone() }),
        ("one dock", MediaFilter { gateway_sn: Some("DOCK3".into()), ..stored.clone() }),
        ("one flight", MediaFilter { flight_id: Some("flight-7".into()), ..stored.clone() }),
        ("missing", MediaFilter { status: Some(MediaStatus::Missing), ..MediaFilter::default() }),
        ("small box", MediaFilter { bbox: tile(0.001), ..stored.clone() }),
        ("middle box", MediaFilter { bbox: tile(0.05), ..stored.clone() }),
        ("large box", MediaFilter { bbox: tile(40.0), ..stored.clone() }),
        ("rare name", MediaFilter { q: Some("0000007".into()), ..stored.clone() }),
    ] {
        let mut times = Vec::new();
        let mut found = 0;
        for _ in 0..21 {
            let began = Instant::now();
            found = catalogue.list_media(workspace.id, &filter, None, 100).await?.items.len();
            times.push(began.elapsed());
        }
        times.sort();
        println!("page {name}: {found} rows, median {:?}", times[10]);
    }
    let mut times = Vec::new();
    let mut found = 0;
    for n in 0..21_u32 {
        let place = [13.01 + f64::from(n) / 10.0, 52.01 + f64::from(n) / 10.0];
        let began = Instant::now();
        found = catalogue.shots_near(workspace.id, place, 15.0, MediaKind::Photo, None).await?.shots.len();
        times.push(began.elapsed());
    }
    times.sort();
    println!("same place: {found} rows, median {:?}, slowest {:?}", times[10], times[20]);
    let began = Instant::now();
    let flights = catalogue.list_flights(workspace.id, &Default::default(), None, 100).await?.items.len();
    println!("page flights: {flights} rows, {:?}", began.elapsed());
    let began = Instant::now();
    for _ in 0..10_000 {
        catalogue.change_counter().await?;
    }
    println!("change counter: {:?}", began.elapsed() / 10_000);
    catalogue.close().await;
    Ok(())
}

fn report(workspace_id: Uuid, n: u64) -> IngestReport {
    let now = Timestamp::UNIX_EPOCH + SignedDuration::from_millis(1_700_000_000_000 + n as i64 * 500);
    let id = |kind: u64| {
        Uuid::from_u128((u128::from(n) << 80) | (u128::from(kind) << 64) | u128::from(n.wrapping_mul(0x9E37_79B9)))
    };
    let flight = n / FILES_A_FLIGHT;
    let dock = flight % 20;
    let kind = if n.is_multiple_of(100) { MediaKind::Ppk } else { MediaKind::Photo };
    // each dock's site lies elsewhere; photos scatter over two kilometres of it
    let scatter = |salt: u64| (n.wrapping_mul(salt) >> 7) % 20_000;
    let position = Position {
        lat: 52.0 + dock as f64 / 10.0 + scatter(0x9E37_79B9_7F4A_7C15) as f64 / 1e6,
        lng: 13.0 + dock as f64 / 10.0 + scatter(0xBF58_476D_1CE4_E5B9) as f64 / 1e6,
        absolute_altitude_m: Some(120.0),
        relative_altitude_m: Some(80.0),
    };
    let media = Media {
        id: id(1),
        workspace_id,
        gateway_sn: Some(format!("DOCK{dock}")),
        source: MediaSource::Dock,
        flight_id: Some(format!("flight-{flight}")),
        name: format!("DJI_{n:07}_V.JPG"),
        kind,
        bucket: "default".into(),
        object_key: format!("docks/DOCK{dock}/flight-{flight}/DJI_{n:07}_V.JPG"),
        size_bytes: Some(8_000_000),
        etag: Some("0123456789abcdef0123456789abcdef".into()),
        status: if n % 1_000 == 7 { MediaStatus::Missing } else { MediaStatus::Stored },
        captured_at: Some(now),
        captured_local: None,
        position: Some(position),
        gimbal_yaw_deg: Some(12.5),
        gimbal_pitch_deg: None,
        gimbal_roll_deg: None,
        drone_model_key: Some("0-91-0".into()),
        payload_model_key: Some("1-80-0".into()),
        is_original: Some(true),
        fingerprint: None,
        path: Some("DJI_202211041001_001_V.JPG".into()),
        pilot: Default::default(),
        processing: Processing::Pending,
        warnings: Vec::new(),
        metadata: json!({}),
        created_at: now,
        updated_at: now,
        trashed_at: None,
        picture: None,
    };
    let event = RawEvent {
        id: id(2),
        gateway_sn: format!("DOCK{dock}"),
        workspace_id: Some(workspace_id),
        method: Some("file_upload_callback".into()),
        tid: id(4).to_string(),
        bid: id(5).to_string(),
        topic: format!("thing/product/DOCK{dock}/events"),
        payload: "x".repeat(900),
        received_at: now,
    };
    let job = NewJob {
        id: id(3),
        workspace_id: Some(workspace_id),
        kind: "extract_metadata".into(),
        media_id: None,
        flight_id: media.flight_id.clone(),
        payload: json!({}),
        run_after: now,
        max_attempts: 5,
    };
    IngestReport { event: Some(event), media: Some(media), flight: None, jobs: vec![job], now }
}
