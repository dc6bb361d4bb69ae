//! How long the page's questions take in a large library: `cargo run --release -p eyrie-catalogue --example library_queries [ROWS]`.
//!
//! Fills a database below `target/` (about 1.2 kB a row; removed at the end) past the ingest, with rows, indexes and counted cells as
//! ingest makes them, then asks each question many times with changing arguments and prints median and p99.
//! 20 docks on 20 sites of 2 km; each file is a photo with a footprint of some 100 m.

use std::future::Future;
use std::path::Path;
use std::time::{Duration, Instant};

use eyrie_catalogue::{Catalogue, CatalogueConfig, MediaFilter, MediaKind, MediaStatus, Workspace};
use jiff::{SignedDuration, Timestamp};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Row as _};
use uuid::Uuid;

const BEGIN_S: i64 = 1_600_000_000;
/// Five years, whatever the number of rows.
const SPAN_S: i64 = 5 * 365 * 86_400;
const ASKED: u32 = 200;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rows: i64 = std::env::args().nth(1).map(|text| text.parse()).transpose()?.unwrap_or(10_000);
    std::fs::create_dir_all("target")?;
    let dir = tempfile::Builder::new().prefix("library-queries-").tempdir_in("target")?;
    let file = dir.path().join("eyrie.db");
    let config = CatalogueConfig { url: format!("sqlite://{}", file.display()), backup_dir: dir.path().into() };
    let workspace_id = Uuid::from_u128(1);
    let catalogue = Catalogue::open(&config, true).await?;
    let workspace = Workspace {
        id: workspace_id,
        name: "default".into(),
        bucket: "default".into(),
        organization_id: String::new(),
        binding_code: String::new(),
        created_at: Timestamp::UNIX_EPOCH,
    };
    catalogue.add_workspace(&workspace).await?;
    catalogue.close().await;
    let began = Instant::now();
    fill(&file, rows).await?;
    let size_bytes = std::fs::metadata(&file)?.len();
    println!("{rows} rows, {:.1} GB, filled in {:.0} s", size_bytes as f64 / 1e9, began.elapsed().as_secs_f64());

    let catalogue = Catalogue::open(&config, false).await?;
    ask(&catalogue, workspace_id).await?;
    catalogue.close().await;
    Ok(())
}

async fn fill(file: &Path, rows: i64) -> sqlx::Result<()> {
    let options = SqliteConnectOptions::new().filename(file).foreign_keys(false);
    let options = options.journal_mode(SqliteJournalMode::Off).synchronous(SqliteSynchronous::Off);
    let options =
        options.pragma("cache_size", "-400000").pragma("temp_store", "FILE").pragma("wal_autocheckpoint", "20000");
    let mut db = options.connect().await?;
    let run = async |db: &mut SqliteConnection, sql: String| {
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(db).await.map(drop)
    };
    // triggers and indexes come back when the rows are there
    let kept = "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL AND (type = 'trigger' OR \
                (type = 'index' AND tbl_name IN ('media', 'footprints')))";
    let kept = sqlx::query(kept).fetch_all(&mut db).await?;
    for row in &kept {
        run(&mut db, format!("DROP {} {}", row.try_get::<String, _>(0)?, row.try_get::<String, _>(1)?)).await?;
    }
    let step = SPAN_S * 1_000_000 / rows.max(1);
    // a flight of 200 files at one dock; within a flight the places go along its lines
    let insert = format!(
        "WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n LIMIT {rows})
         INSERT INTO media (num, id, workspace_id, gateway_sn, source, flight_id, name, folded_name, kind, bucket, object_key,
            size_bytes, etag, status, captured_at, sort_at, lat, lng, absolute_altitude_m, relative_altitude_m, gimbal_yaw_deg,
            drone_model_key, is_original, processing, warnings, metadata, created_at, updated_at)
         SELECT n + 1, randomblob(16), x'00000000000000000000000000000001', 'DOCK' || (n / 200 % 20), 'dock', 'flight-' || (n / 200),
            printf('DJI_%08d_V.JPG', n), printf('dji_%08d_v.jpg', n),
            CASE WHEN n % 100 = 0 THEN 'ppk' WHEN n % 25 = 1 THEN 'video' WHEN n % 3 = 0 THEN 'thermal' ELSE 'photo' END,
            'default', printf('docks/DOCK%d/flight-%d/DJI_%08d_V.JPG', n / 200 % 20, n / 200, n), 8000000,
            '0123456789abcdef0123456789abcdef', CASE WHEN n % 1000 = 7 THEN 'missing' ELSE 'stored' END,
            {BEGIN_S}000000 + n * {step}, {BEGIN_S}000000 + n * {step},
            47.0 + (n / 200 % 20) * 0.3 + abs(random() % 20000) / 1e6, 8.0 + (n / 200 % 20) * 0.4 + abs(random() % 20000) / 1e6,
            500.0 + n % 50, 40.0 + n % 80, n % 360, '0-91-1', 1, 'done', '[]',
            CASE WHEN n % 3 = 0 THEN '{{\"camera\":\"thermal\"}}' ELSE '{{\"camera\":\"wide\"}}' END, {BEGIN_S}000000, {BEGIN_S}000000 FROM n"
    );
    run(&mut db, insert).await?;
    println!("rows are there");
    run(&mut db, "INSERT INTO media_area SELECT num, lng, lng, lat, lat FROM media ORDER BY lat".into()).await?;
    let footprints = "INSERT INTO footprints SELECT num, num, NULL, NULL, zeroblob(26) FROM media WHERE kind <> 'ppk';
        INSERT INTO footprint_area SELECT num, lng - 0.0007, lng + 0.0007, lat - 0.0004, lat + 0.0004 FROM media WHERE kind <> 'ppk' ORDER BY lat;";
    run(&mut db, footprints.into()).await?;
    println!("places are there");
    for row in kept.iter().filter(|row| row.try_get::<&str, _>(0).is_ok_and(|kind| kind == "index")) {
        run(&mut db, row.try_get(2)?).await?;
    }
    // what the triggers would have counted: the migrations' own statements count what is there
    for table in ["media_cells", "media_versions", "media_counts", "media_quarters"] {
        run(&mut db, format!("DELETE FROM {table}")).await?;
    }
    let counted = concat!(
        include_str!("../migrations/sqlite/0007_map.sql"),
        include_str!("../migrations/sqlite/0009_quarters.sql")
    );
    let counted = counted.split(";\n").filter(|sql| !sql.contains("new."));
    for statement in counted.filter(|sql| sql.trim_start().starts_with("INSERT INTO media_")) {
        run(&mut db, statement.into()).await?;
    }
    run(&mut db, "INSERT INTO media_counts SELECT workspace_id, status, count(*) FROM media GROUP BY 1, 2".into())
        .await?;
    for row in kept.iter().filter(|row| row.try_get::<&str, _>(0).is_ok_and(|kind| kind == "trigger")) {
        run(&mut db, row.try_get(2)?).await?;
    }
    run(&mut db, "PRAGMA journal_mode = WAL".into()).await
}

async fn ask(catalogue: &Catalogue, ws: Uuid) -> Result<(), Box<dyn std::error::Error>> {
    let pictures = vec![MediaKind::Photo, MediaKind::Video, MediaKind::Panorama, MediaKind::Thermal];
    let stored = MediaFilter { status: Some(MediaStatus::Stored), kinds: pictures, ..MediaFilter::default() };
    let dock = |n: u32| MediaFilter { gateway_sn: Some(format!("DOCK{}", n % 20)), ..stored.clone() };
    let time = |s: i64| Timestamp::UNIX_EPOCH + SignedDuration::from_secs(BEGIN_S + s);
    let month = |n: u32| {
        let from = i64::from(n) * 7_919 * 86_400 % (SPAN_S - 31 * 86_400);
        MediaFilter { from: Some(time(from)), to: Some(time(from + 30 * 86_400)), ..stored.clone() }
    };
    let high = MediaFilter { relative_altitude_m: [Some(100.0), None], ..stored.clone() };
    let site = |n: u32| (8.0 + f64::from(n % 20) * 0.4 + 0.01, 47.0 + f64::from(n % 20) * 0.3 + 0.01);
    let square = |(lng, lat): (f64, f64), half: f64| [lng - half, lat - half, lng + half, lat + half];
    let page = async |filter: MediaFilter| {
        Ok::<_, eyrie_catalogue::CatalogueError>(catalogue.list_media(ws, &filter, None, 100).await?.items.len())
    };

    measure("list, newest", async |_| page(stored.clone()).await).await?;
    measure("list, one dock", async |n| page(dock(n)).await).await?;
    measure("list, one month", async |n| page(month(n)).await).await?;
    measure("list, above 100 m", async |_| page(high.clone()).await).await?;
    measure("list, 100 m square", async |n| {
        page(MediaFilter { bbox: Some(square(site(n), 0.0005)), ..stored.clone() }).await
    })
    .await?;
    let tile = async |filter: MediaFilter, view: [f64; 4], level: u32| {
        let cells = match catalogue.map_cells(ws, &filter, view, level).await? {
            Some(found) => found.cells,
            None => catalogue.map_selection(ws, &filter).await?.cells,
        };
        // as many faces as a tile has heaps
        let most = if level > 20 { 2_304 } else { 64 };
        let nums: Vec<i64> = cells.iter().filter_map(|cell| cell.num).take(most).collect();
        Ok::<_, eyrie_catalogue::CatalogueError>(catalogue.map_heads(ws, &nums).await?.len())
    };
    let world = [-180.0, -85.0, 180.0, 85.0];
    measure("tile, world", async |_| tile(stored.clone(), world, 4).await).await?;
    measure("tile, zoom 6", async |_| tile(stored.clone(), [5.6, 45.0, 11.25, 48.9], 10).await).await?;
    measure("tile, zoom 12, a site", async |n| tile(stored.clone(), square(site(n), 0.044), 16).await).await?;
    measure("tile, zoom 16, a site", async |n| tile(stored.clone(), square(site(n), 0.002_7), 20).await).await?;
    measure("tile, zoom 18, a site", async |n| tile(stored.clone(), square(site(n), 0.000_7), 22).await).await?;
    measure("tile, world, one dock", async |n| tile(dock(n), world, 4).await).await?;
    measure("tile, world, one month (walked)", async |n| tile(month(n), world, 4).await).await?;
    measure("tile, world, above 100 m (walked)", async |_| tile(high.clone(), world, 4).await).await?;
    measure("version of the map (304)", async |_| Ok(catalogue.map_version(ws).await? as usize)).await?;
    let spot = async |n: u32| {
        let (lng, lat) = site(n);
        Ok(catalogue.sights(ws, &stored, [lng + f64::from(n % 17) * 1e-4, lat], None, 50).await?.items.len())
    };
    measure("who saw a spot, first 50", spot).await?;
    let ground = async |n: u32| Ok(catalogue.footprints_in(ws, &stored, square(site(n), 0.002_7), 300).await?.len());
    measure("footprints of a tile", ground).await?;
    let counts = async |filter: MediaFilter| {
        Ok::<_, eyrie_catalogue::CatalogueError>(
            catalogue.count_media_over_time(ws, &filter, 3_600, None).await?.slots.len(),
        )
    };
    measure("counts, one month", async |n| counts(month(n)).await).await?;
    measure("counts, everything", async |_| counts(stored.clone()).await).await?;
    Ok(())
}

/// Asks until it was asked often enough, or for ten seconds.
async fn measure<F: Future<Output = eyrie_catalogue::Result<usize>>>(
    name: &str,
    mut question: impl FnMut(u32) -> F,
) -> eyrie_catalogue::Result<()> {
    let (mut times, began, mut found) = (Vec::new(), Instant::now(), 0);
    for n in 0..ASKED {
        let asked = Instant::now();
        found = found.max(question(n).await?);
        times.push(asked.elapsed());
        if began.elapsed() > Duration::from_secs(10) {
            break;
        }
    }
    times.sort();
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e3;
    println!("{name:36} {found:6} found  median {:8.2} ms  p99 {:8.2} ms  ({} times)", at(0.5), at(0.99), times.len());
    Ok(())
}
