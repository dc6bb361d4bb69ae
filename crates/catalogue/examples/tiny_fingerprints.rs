//! How long 10,000 tiny fingerprints take among many stored ones: `cargo run --release -p eyrie-catalogue --example
//! tiny_fingerprints [STORED] [CALLS] [FOLDER]`. Fills a database in FOLDER (a temporary one when left out; one that is there is used
//! as it is) as Pilot 2 does, then asks with none, a half and all known.
//! The look at the objects is not in it.

use std::time::Instant;

use eyrie_catalogue::{
    Catalogue, CatalogueConfig, IngestReport, Media, MediaKind, MediaSource, MediaStatus, PilotFile, Processing,
    Workspace,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use uuid::Uuid;

const ASKED: u64 = 10_000;
const BATCH: u64 = 5_000;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(3).map(std::path::PathBuf::from);
    let mut arguments = std::env::args().skip(1).take(2).map(|text| text.parse::<u64>());
    let stored = arguments.next().transpose()?.unwrap_or(1_000_000);
    let calls = arguments.next().transpose()?.unwrap_or(200);
    let temporary = tempfile::tempdir()?;
    let folder = folder.unwrap_or_else(|| temporary.path().to_owned());
    let url = format!("sqlite://{}", folder.join("eyrie.db").display());
    let catalogue = Catalogue::open(&CatalogueConfig { url, backup_dir: folder }, true).await?;
    let workspace = Workspace {
        id: Uuid::from_u128(1),
        name: "default".into(),
        bucket: "default".into(),
        organization_id: String::new(),
        binding_code: String::new(),
        created_at: Timestamp::UNIX_EPOCH,
    };
    let began = Instant::now();
    let filled = catalogue.add_workspace(&workspace).await.is_err();
    for first in (0..if filled { 0 } else { stored }).step_by(BATCH as usize) {
        let reports: Vec<_> = (first..(first + BATCH).min(stored)).map(|n| report(workspace.id, n)).collect();
        catalogue.ingest(&reports).await?;
    }
    println!("{stored} stored in {:.0} s", began.elapsed().as_secs_f64());
    for (what, known) in [("none known", 0), ("half known", 2), ("all known", 1)] {
        let mut times = Vec::new();
        for call in 0..calls {
            // another part of the card each time, as other crews have
            let first = spread(call) % stored.saturating_sub(ASKED).max(1);
            let fingerprint = |n: u64| {
                if known > 0 && n.is_multiple_of(known) { tiny(first + n) } else { tiny(stored + first + n) }
            };
            let asked: Vec<_> = (0..ASKED).map(fingerprint).collect();
            let began = Instant::now();
            let found = catalogue.stored_by_tiny_fingerprint(workspace.id, &asked).await?;
            times.push(began.elapsed());
            let expected = ASKED.checked_div(known).unwrap_or(0);
            assert_eq!(found.len() as u64, expected, "every stored one is found, no other");
        }
        times.sort();
        let at = |share: usize| times[(times.len() * share / 100).min(times.len() - 1)];
        println!("{ASKED} asked, {what}: median {:?}, p99 {:?}", at(50), at(99));
    }
    catalogue.close().await;
    Ok(())
}

/// Fingerprints have no order: neighbours on a card are far apart in an index.
fn spread(n: u64) -> u64 {
    let n = (n ^ (n >> 31)).wrapping_mul(0x7FB5_D329_728E_A185);
    (n ^ (n >> 27)).wrapping_mul(0x81DA_DEF4_BC2D_D44D) ^ n >> 33
}

fn tiny(n: u64) -> String {
    let seconds = n % 86_400;
    format!(
        "{:016x}{:016x}_2026_6_{}_{}_{}_{}",
        spread(n),
        spread(!n),
        n / 86_400 % 28 + 1,
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60
    )
}

fn report(workspace_id: Uuid, n: u64) -> IngestReport {
    let now = Timestamp::UNIX_EPOCH + SignedDuration::from_millis(1_700_000_000_000 + n as i64 * 500);
    let name = format!("DJI_{n:07}_V.JPG");
    let media = Media {
        id: Uuid::from_u128((u128::from(n) << 64) | u128::from(spread(n))),
        workspace_id,
        gateway_sn: Some(format!("RC{}", n % 20)),
        source: MediaSource::Pilot,
        flight_id: None,
        object_key: format!("pilot/RC{}/{name}", n % 20),
        name,
        kind: MediaKind::Photo,
        bucket: "default".into(),
        size_bytes: Some(8_000_000),
        etag: Some("0123456789abcdef0123456789abcdef".into()),
        status: MediaStatus::Stored,
        captured_at: Some(now),
        captured_local: None,
        position: None,
        gimbal_yaw_deg: None,
        gimbal_pitch_deg: None,
        gimbal_roll_deg: None,
        drone_model_key: Some("0-67-0".into()),
        payload_model_key: Some("1-53-0".into()),
        is_original: Some(true),
        fingerprint: Some(format!("{:032X}", spread(n))),
        path: None,
        pilot: PilotFile { tiny_fingerprint: Some(tiny(n)), ..PilotFile::default() },
        processing: Processing::Done,
        warnings: Vec::new(),
        metadata: json!({}),
        created_at: now,
        updated_at: now,
        trashed_at: None,
        picture: None,
    };
    IngestReport { event: None, media: Some(media), flight: None, jobs: Vec::new(), now }
}
