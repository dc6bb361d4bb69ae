//! Fingerprints: found in any case, in their workspace, while the file is stored.

use eyrie_catalogue::{Media, MediaSource, MediaStatus, PilotFile};

use crate::common::{Fixture, at, photo, report, workspace};

fn tiny(n: usize) -> String {
    format!("{n:032x}_2026_6_1_8_5_{}", n % 60)
}

fn pilot_photo(fixture: &Fixture, n: usize) -> Media {
    Media {
        source: MediaSource::Pilot,
        fingerprint: Some(format!("{n:032X}")),
        pilot: PilotFile { tiny_fingerprint: Some(tiny(n)), ..PilotFile::default() },
        ..photo(fixture.workspace_id, &format!("pilot/RC1/{n}.JPG"))
    }
}

#[tokio::test]
async fn a_fingerprint_is_found_in_any_case_in_its_workspace() {
    let fixture = Fixture::new().await;
    let catalogue = &fixture.catalogue;
    let media = pilot_photo(&fixture, 0xabc);
    catalogue.ingest(&[report(media.clone())]).await.expect("kept");
    for text in [format!("{:032x}", 0xabc), format!("{:032X}", 0xabc)] {
        let found = catalogue.stored_by_fingerprint(fixture.workspace_id, &text).await.expect("read");
        assert_eq!(found.iter().map(|object| object.media_id).collect::<Vec<_>>(), [media.id], "{text}");
        assert_eq!((&found[0].object_key, found[0].size_bytes), (&media.object_key, media.size_bytes));
    }
    assert!(catalogue.stored_by_fingerprint(fixture.workspace_id, "abc").await.expect("read").is_empty());
    let other = workspace("other");
    catalogue.add_workspace(&other).await.expect("a new workspace");
    let elsewhere = catalogue.stored_by_fingerprint(other.id, &format!("{:032x}", 0xabc)).await.expect("read");
    assert!(elsewhere.is_empty());
    catalogue.set_media_status(media.id, MediaStatus::Missing, at(300)).await.expect("missing");
    let gone = catalogue.stored_by_fingerprint(fixture.workspace_id, &format!("{:032x}", 0xabc)).await.expect("read");
    assert!(gone.is_empty());
}

#[tokio::test]
async fn many_tiny_fingerprints_are_looked_up_at_once() {
    let fixture = Fixture::new().await;
    let catalogue = &fixture.catalogue;
    let reports: Vec<_> = (0..300).map(|n| report(pilot_photo(&fixture, n))).collect();
    catalogue.ingest(&reports).await.expect("kept");
    // every second one is known; one is written in capitals; one is asked twice
    let mut asked: Vec<_> = (0..6_000).map(|n| tiny(if n < 600 && n % 2 == 0 { n / 2 } else { 10_000 + n })).collect();
    asked[0] = asked[0].to_uppercase();
    asked.push(tiny(7));
    let found = catalogue.stored_by_tiny_fingerprint(fixture.workspace_id, &asked).await.expect("read");
    let mut known: Vec<_> = found.iter().map(|(n, _, key)| (asked[*n].to_lowercase(), key.clone())).collect();
    known.sort();
    let mut expected: Vec<_> = (0..300).map(|n| (tiny(n), format!("pilot/RC1/{n}.JPG"))).collect();
    expected.sort();
    assert_eq!(known, expected);
    let other = workspace("other");
    catalogue.add_workspace(&other).await.expect("a new workspace");
    assert!(catalogue.stored_by_tiny_fingerprint(other.id, &asked).await.expect("read").is_empty());
    assert!(catalogue.stored_by_tiny_fingerprint(fixture.workspace_id, &[]).await.expect("read").is_empty());
}

#[tokio::test]
async fn only_a_stored_file_counts() {
    let fixture = Fixture::new().await;
    let catalogue = &fixture.catalogue;
    let media = pilot_photo(&fixture, 1);
    let quarantined = Media { status: MediaStatus::Quarantined, ..pilot_photo(&fixture, 2) };
    catalogue.ingest(&[report(media.clone()), report(quarantined)]).await.expect("kept");
    let asked = [tiny(1), tiny(2)];
    let found = catalogue.stored_by_tiny_fingerprint(fixture.workspace_id, &asked).await.expect("read");
    assert_eq!(found, [(0, media.bucket.clone(), media.object_key.clone())]);
    catalogue.set_media_status(media.id, MediaStatus::Missing, at(300)).await.expect("missing");
    assert!(catalogue.stored_by_tiny_fingerprint(fixture.workspace_id, &asked).await.expect("read").is_empty());
}
