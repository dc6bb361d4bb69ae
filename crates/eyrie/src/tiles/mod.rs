//! Tiles of the library's map: heaps of files at low zoom, single files at high zoom, the ground that photos show.
//!
//! A tile has at most [`GRID`] x [`GRID`] heaps ([`FINE_GRID`] from [`FINE_FROM`] on), each with its number, its kinds, and the newest file
//! for its face. Where the numbers come from is the catalogue's business (`catalogue::map`), except for one: a filter that only a
//! walk can answer is walked once for all tiles of a view, and kept until the workspace changes.

mod mercator;
pub mod mvt;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use eyrie_catalogue::{Catalogue, MapCell, MapCells, MediaFilter, MediaKind, Result};
use eyrie_media::ground;
use parking_lot::Mutex;
use tokio::sync::OnceCell;
use uuid::Uuid;

pub use mercator::{MAX_ZOOM, Tile};
use mvt::{Layer, Value};

/// Heaps along a tile's side, where a tile is 512 pixels on the screen.
const GRID: f64 = 8.0;
/// So near, files are shown one by one unless they lie within a few pixels.
const FINE_GRID: f64 = 48.0;
const FINE_FROM: u32 = 17;
/// Cells of the catalogue along a heap, as a power of two.
const CELLS_A_HEAP: u32 = 1;
/// Footprints in a tile, and from which zoom on: below, they are specks.
const MOST_FOOTPRINTS: u32 = 300;
const FOOTPRINTS_FROM: u32 = 15;
/// Part of a tile's side that polygons reach over its edge, so that their outlines do not show there.
const MARGIN: f64 = 1.0 / 32.0;
/// Selections that are kept; each has some megabytes at most.
const KEPT_SELECTIONS: usize = 4;

/// Selections that were walked lately.
#[derive(Default)]
pub struct Selections {
    kept: Mutex<Vec<(String, Arc<OnceCell<MapCells>>)>>,
}

impl Selections {
    /// Walks it once, however many tiles ask at the same time. `key` names workspace, filter and the workspace's version.
    async fn get(
        &self,
        catalogue: &Catalogue,
        workspace_id: Uuid,
        filter: &MediaFilter,
        key: &str,
    ) -> Result<Arc<OnceCell<MapCells>>> {
        let cell = {
            let mut kept = self.kept.lock();
            let found = kept.iter().position(|(known, _)| known == key).map(|n| kept.remove(n));
            let entry = found.unwrap_or_else(|| (key.to_owned(), Arc::default()));
            let cell = Arc::clone(&entry.1);
            kept.push(entry);
            if kept.len() > KEPT_SELECTIONS {
                kept.remove(0);
            }
            cell
        };
        cell.get_or_try_init(|| catalogue.map_selection(workspace_id, filter)).await?;
        Ok(cell)
    }
}

/// What a tile is made of.
pub struct Wanted<'a> {
    pub workspace_id: Uuid,
    pub filter: &'a MediaFilter,
    pub tile: Tile,
    pub footprints: bool,
    /// Names workspace, filter and version.
    pub key: &'a str,
}

/// The tile's bytes; empty when nothing is there.
///
/// # Errors
/// The catalogue's.
pub async fn make(catalogue: &Catalogue, selections: &Selections, wanted: &Wanted<'_>) -> Result<Vec<u8>> {
    let Wanted { workspace_id, filter, tile, .. } = *wanted;
    let view = tile.bounds();
    let level = tile.z + GRID.log2() as u32 + CELLS_A_HEAP;
    let found = match catalogue.map_cells(workspace_id, filter, view, level).await? {
        Some(found) => found,
        None => {
            let all = selections.get(catalogue, workspace_id, filter, wanted.key).await?;
            all.get().map(|all| inside(all, view)).unwrap_or_default()
        }
    };
    let heaps = heaps(&found.cells, tile);
    let mut layers = vec![media_layer(catalogue, workspace_id, heaps, tile, found.whole).await?];
    if wanted.footprints && tile.z >= FOOTPRINTS_FROM {
        layers.insert(0, footprint_layer(catalogue, wanted).await?);
    }
    Ok(mvt::tile(&layers))
}

/// The part of a selection that lies in a view.
fn inside(all: &MapCells, [west, south, east, north]: [f64; 4]) -> MapCells {
    let holds = |cell: &&MapCell| (west..=east).contains(&cell.lng) && (south..=north).contains(&cell.lat);
    MapCells { cells: all.cells.iter().filter(holds).cloned().collect(), whole: all.whole }
}

/// Files that a tile shows as one.
#[derive(Debug, Default)]
struct Heap {
    count: i64,
    kinds: BTreeMap<&'static str, i64>,
    /// Middle in tile units, times the count.
    sum_x: f64,
    sum_y: f64,
    /// west, south, east, north.
    bounds: Option<[f64; 4]>,
    num: Option<i64>,
}

/// By the heap's place in the tile's grid.
fn heaps(cells: &[MapCell], tile: Tile) -> BTreeMap<(i64, i64), Heap> {
    let grid = if tile.z >= FINE_FROM { FINE_GRID } else { GRID };
    let mut heaps: BTreeMap<(i64, i64), Heap> = BTreeMap::new();
    for cell in cells {
        let (x, y) = tile.place(cell.lng, cell.lat);
        // each cell belongs to the one tile that its middle is in
        if !(0.0..1.0).contains(&x) || !(0.0..1.0).contains(&y) {
            continue;
        }
        let heap = heaps.entry(((x * grid) as i64, (y * grid) as i64)).or_default();
        heap.count += cell.count;
        *heap.kinds.entry(cell.kind.as_str()).or_default() += cell.count;
        heap.sum_x += x * cell.count as f64;
        heap.sum_y += y * cell.count as f64;
        let bounds = heap.bounds.get_or_insert(cell.bounds);
        let [west, south, east, north] = cell.bounds;
        *bounds = [bounds[0].min(west), bounds[1].min(south), bounds[2].max(east), bounds[3].max(north)];
        // a face is a picture, when there is one
        let is_picture = cell.kind != MediaKind::Other;
        heap.num = if is_picture { heap.num.max(cell.num) } else { heap.num.or(cell.num) };
    }
    heaps
}

async fn media_layer(
    catalogue: &Catalogue,
    workspace_id: Uuid,
    heaps: BTreeMap<(i64, i64), Heap>,
    tile: Tile,
    whole: bool,
) -> Result<Layer> {
    let nums: Vec<i64> = heaps.values().filter_map(|heap| heap.num).collect();
    let heads = catalogue.map_heads(workspace_id, &nums).await?;
    let heads: HashMap<i64, _> = heads.into_iter().map(|head| (head.num, head)).collect();
    let mut layer = Layer::new("media");
    for heap in heaps.into_values() {
        let place = tile.units(heap.sum_x / heap.count as f64, heap.sum_y / heap.count as f64);
        let mut tags = vec![("count", Value::Whole(heap.count.unsigned_abs()))];
        if let Some(head) = heap.num.and_then(|num| heads.get(&num)) {
            tags.push(("id", Value::Text(head.id.to_string())));
            tags.push(("kind", Value::Text(head.kind.as_str().to_owned())));
            tags.extend(head.etag.clone().map(|etag| ("etag", Value::Text(etag))));
            tags.extend(head.gimbal_yaw_deg.filter(|_| heap.count == 1).map(|yaw| ("yaw_deg", Value::Decimal(yaw))));
        }
        if heap.count > 1 {
            tags.extend(heap.kinds.into_iter().map(|(kind, count)| (kind, Value::Whole(count.unsigned_abs()))));
            if let Some([west, south, east, north]) = heap.bounds {
                tags.push(("area", Value::Text(format!("{west:.7},{south:.7},{east:.7},{north:.7}"))));
            }
        }
        if !whole {
            tags.push(("partial", Value::Whole(1)));
        }
        layer.point(place, &tags);
    }
    Ok(layer)
}

async fn footprint_layer(catalogue: &Catalogue, wanted: &Wanted<'_>) -> Result<Layer> {
    let tile = wanted.tile;
    let found = catalogue.footprints_in(wanted.workspace_id, wanted.filter, tile.bounds(), MOST_FOOTPRINTS).await?;
    let mut layer = Layer::new("footprints");
    for place in found {
        let id = place.media_id.to_string();
        for print in ground::moments(&place.piece.views).filter_map(|moment| moment.footprint()) {
            let ring: Vec<(f64, f64)> = print.ring.iter().map(|[lng, lat]| tile.place_near(*lng, *lat)).collect();
            let ring = mercator::clip(&ring, -MARGIN, 1.0 + MARGIN);
            let ring: Vec<(i32, i32)> = ring.into_iter().map(|(x, y)| tile.units(x, y)).collect();
            let tags = [("id", Value::Text(id.clone())), ("cut", Value::Whole(u64::from(print.cut)))];
            layer.polygon(&ring, &tags);
        }
    }
    Ok(layer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(lng: f64, lat: f64, num: i64) -> MapCell {
        MapCell { lng, lat, count: 1, kind: MediaKind::Photo, num: Some(num), bounds: [lng, lat, lng, lat] }
    }

    #[test]
    fn a_heap_has_its_number_its_middle_and_the_newest_face() {
        let tile = Tile::new(4, 8, 5).expect("a tile");
        let [west, south, east, north] = tile.bounds();
        let cells = [
            file(west + 0.1, north - 0.1, 3),
            file(west + 0.3, north - 0.1, 7),
            MapCell { count: 2, kind: MediaKind::Video, num: None, ..file(west + 0.2, north - 0.1, 0) },
            file(east - 0.1, south + 0.1, 9),
            file(east + 0.1, south + 0.1, 10),
        ];
        let found = heaps(&cells, tile);
        assert_eq!(found.len(), 2, "what lies beside the tile is another tile's");
        let heap = &found[&(0, 0)];
        assert_eq!((heap.count, heap.num), (4, Some(7)));
        assert_eq!(heap.kinds.iter().map(|(kind, n)| (*kind, *n)).collect::<Vec<_>>(), [("photo", 2), ("video", 2)]);
        assert!((heap.sum_x / 4.0 - 0.2 / 22.5).abs() < 1e-9, "{}", heap.sum_x);
    }

    #[test]
    fn near_files_stay_apart() {
        let tile = Tile::new(18, 137_000, 87_000).expect("a tile");
        let [west, south, east, north] = tile.bounds();
        let (width, height) = (east - west, north - south);
        let cells = [0.1, 0.15, 0.2].map(|part| file(west + width * part, south + height * part, 1));
        assert_eq!(heaps(&cells, tile).len(), 3);
        assert_eq!(heaps(&cells, Tile { z: 16, x: 137_000 >> 2, y: 87_000 >> 2 }).len(), 1);
    }
}
