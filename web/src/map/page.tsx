// Everything with a place on one map: tiles from the server, in which files lie in heaps that fall apart as one comes nearer. Filters are
// shared with the gallery; a press on a bare spot asks who saw it.
import { useQuery } from "@tanstack/react-query";
import type { FeatureCollection, Point } from "geojson";
import * as maplibre from "maplibre-gl";
import type { GeoJSONSource, Map as MapLibre, MapGeoJSONFeature, VectorTileSource } from "maplibre-gl";
import { Eye, Images, MapPinOff, Scan, SquareDashedMousePointer, X } from "lucide-react";
import { useEffect, useMemo, useRef, useState, type PointerEvent as ReactPointerEvent } from "react";
import { Link, useLocation, useSearchParams } from "wouter";
import { mediaUrl } from "../api/client";
import { docks, media, mediaPage, searchOf } from "../api/queries";
import { filterOf, filterSearch } from "../gallery/days";
import { Filters } from "../gallery/filters";
import { Picture } from "../gallery/picture";
import { t } from "../i18n";
import { useHere, useWsPath } from "../shell/context";
import { coordinates, metres, number } from "../ui/format";
import { SiteZone, useTimes, ZoneNote } from "../ui/site";
import { copy, Failure, Moment, toast, Working } from "../ui/parts";
import { addWedge, colours, makeMap } from "./base";
import { SeenPanel } from "./seen";

/** How long the map rests before its view is written down. */
const REST_MS = 400;
const PINS = 40;
const PIN_ZOOM = 15.5;
/** The server's tiles end here; nearer, they are enlarged. */
const TILES_TO = 19;
/** Farther away a spot is a town. */
const ASK_FROM = 9;
const PICTURED = new Set(["photo", "video", "panorama", "thermal"]);
/** A heap that zooming does not take apart, degrees. */
const SMALL_HEAP_DEG = 0.000_05;

type Bounds = [number, number, number, number];
type Heap = { yaw_deg?: number; id?: string; kind?: string; etag?: string; count: number; area?: string; partial?: number };
type Chosen = { id: string; count: number; area: Bounds | null };

export default function MapPage() {
  const times = useTimes();
  const { ws } = useHere();
  const path = useWsPath();
  const [, go] = useLocation();
  const [search, setSearch] = useSearchParams();
  const address = search.toString();
  const filter = useMemo(() => filterOf(new URLSearchParams(address), times), [address, times]);
  const dockList = useQuery(docks(ws));
  const [ground, setGround] = useState(() => localStorage.getItem("eyrie.ground") === "1");
  const tiles = tilesUrl(ws, filter, ground);
  // read again whenever files came or changed: then the tiles are, too
  const newest = useQuery(mediaPage(ws, filter, 1));
  const [chosen, setChosen] = useState<Chosen | null>(() => {
    const id = search.get("open");
    return id ? { id, count: 1, area: null } : null;
  });
  const [centre, setCentre] = useState<Place | null>(null);
  const [view, setView] = useState<{ count: number; partial: boolean } | null>(null);
  const ref = useRef<HTMLDivElement>(null);
  const map = useRef<MapLibre | null>(null);
  const seen = useMemo(() => placeOf(search.get("seen")), [search]);
  const ask = (place: Place | null) =>
    setSearch((before) => {
      const next = new URLSearchParams(before);
      if (place) next.set("seen", `${place.lat.toFixed(6)},${place.lng.toFixed(6)}`);
      else next.delete("seen");
      return next;
    });
  /** What is open and what is in sight is in the address, too; going back leaves the map and not each step on it. */
  const keepInAddress = (word: "view" | "open", value: string | null) =>
    setSearch(
      (before) => {
        const next = new URLSearchParams(before);
        if (value) next.set(word, value);
        else next.delete(word);
        return next;
      },
      { replace: true },
    );
  const show = (next: Chosen | null) => (setChosen(next), keepInAddress("open", next?.id ?? null));
  /** The view that the page itself put into the address. */
  const written = useRef(search.get("view"));
  const latest = useRef({ ws, tiles, bbox: filter.bbox, seen, ask, ground, show, keepInAddress, view: viewOf(search.get("view")) });
  latest.current = { ws, tiles, bbox: filter.bbox, seen, ask, ground, show, keepInAddress, view: latest.current.view };

  useEffect(() => {
    if (!ref.current) return;
    const asked = latest.current.seen;
    const kept = latest.current.view ?? (asked ? { center: [asked.lng, asked.lat] as [number, number], zoom: 17 } : lastView.get(ws));
    let moved: ReturnType<typeof setTimeout> | undefined;
    const pins = new Map<string, maplibre.Marker>();
    const bare = new Set<string>();
    let fits = kept ? 0 : MOST_FITS;
    const showPins = () => {
      const wanted = new Map<string, MapGeoJSONFeature>();
      if (made.getZoom() >= PIN_ZOOM && made.getLayer("dots")) {
        for (const one of made.queryRenderedFeatures({ layers: ["dots", "heaps"] })) {
          const heap = one.properties as Heap;
          if (heap.id && PICTURED.has(heap.kind ?? "") && wanted.size < PINS) wanted.set(`${heap.id} ${heap.count}`, one);
        }
      }
      for (const [key, pin] of pins) if (!wanted.has(key)) pins.delete(key), pin.remove();
      for (const [key, one] of wanted) {
        if (pins.has(key) || bare.has(key)) continue;
        const element = pinOf(latest.current.ws, one.properties as Heap, () => press(made, one, (next) => latest.current.show(next)));
        const pin = new maplibre.Marker({ element }).setLngLat((one.geometry as Point).coordinates as [number, number]).addTo(made);
        // without a thumbnail the dot says it better
        element.querySelector("img")?.addEventListener("error", () => (bare.add(key), pins.delete(key), pin.remove()));
        pins.set(key, pin);
      }
    };
    const made = makeMap(ref.current, { ...(kept ?? {}), label: t.map.title }, (ready) => {
      const c = colours();
      const { bbox, tiles, seen, ground } = latest.current;
      addWedge(ready);
      ready.addSource("area", { type: "geojson", data: area(bbox) });
      ready.addLayer({ id: "area", type: "fill", source: "area", paint: { "fill-color": c.accent, "fill-opacity": 0.08 } });
      ready.addLayer({ id: "area-edge", type: "line", source: "area", paint: { "line-color": c.accent, "line-width": 2, "line-dasharray": [2, 1.5] } });
      ready.addSource("media", { type: "vector", tiles: [tiles], maxzoom: TILES_TO });
      const visibility = ground ? "visible" : "none";
      ready.addLayer({ id: "ground", type: "fill", source: "media", "source-layer": "footprints", layout: { visibility }, paint: { "fill-color": c.accent, "fill-opacity": 0.06 } });
      ready.addLayer({ id: "ground-edge", type: "line", source: "media", "source-layer": "footprints", layout: { visibility }, paint: { "line-color": c.accent, "line-width": 1, "line-opacity": 0.45 } });
      const heap = [">", ["get", "count"], 1] as maplibre.FilterSpecification;
      ready.addLayer({
        id: "heaps", type: "circle", source: "media", "source-layer": "media", filter: heap,
        paint: { "circle-color": c.accent, "circle-opacity": 0.88, "circle-radius": ["interpolate", ["linear"], ["log10", ["get", "count"]], 0, 11, 4, 26, 7, 32], "circle-stroke-color": c.halo, "circle-stroke-width": 2 },
      });
      ready.addLayer({
        id: "numbers", type: "symbol", source: "media", "source-layer": "media", filter: heap,
        layout: { "text-field": SHORT_NUMBER, "text-size": 13, "text-font": ["Inter Variable", "sans-serif"], "text-allow-overlap": true },
        paint: { "text-color": c.halo },
      });
      ready.addLayer({ id: "dots", type: "circle", source: "media", "source-layer": "media", filter: ["==", ["get", "count"], 1], paint: { "circle-radius": 6, "circle-color": c.accent, "circle-stroke-color": c.halo, "circle-stroke-width": 2 } });
      ready.addLayer(
        { id: "views", type: "symbol", source: "media", "source-layer": "media", minzoom: 13, filter: ["has", "yaw_deg"], layout: { "icon-image": "wedge", "icon-size": 1.6, "icon-rotate": ["get", "yaw_deg"], "icon-rotation-alignment": "map", "icon-allow-overlap": true, "icon-ignore-placement": true } },
        "dots",
      );
      ready.addSource("seen", { type: "geojson", data: spot(seen) });
      ready.addLayer({ id: "seen", type: "circle", source: "seen", paint: { "circle-radius": 9, "circle-opacity": 0, "circle-stroke-color": c.ink, "circle-stroke-width": 2.5 } });
      ready.addLayer({ id: "seen-dot", type: "circle", source: "seen", paint: { "circle-radius": 2.5, "circle-color": c.ink } });
    });
    made.on("click", (event) => {
      const hit = made.getLayer("dots") && made.queryRenderedFeatures(event.point, { layers: ["heaps", "dots"] })[0];
      if (hit) return press(made, hit, (next) => latest.current.show(next));
      latest.current.show(null);
      if (made.getZoom() < ASK_FROM) toast(t.map.seen.zoomIn);
      else latest.current.ask(wrapped(event.lngLat));
    });
    for (const layer of ["heaps", "dots"]) {
      made.on("mouseenter", layer, () => (made.getCanvas().style.cursor = "pointer"));
      made.on("mouseleave", layer, () => (made.getCanvas().style.cursor = ""));
    }
    made.on("idle", () => {
      showPins();
      if (!made.getSource("media") || !made.isSourceLoaded("media")) return;
      const inView = made.queryRenderedFeatures({ layers: ["heaps", "dots"] });
      // heaps of the whole world are wide: each fit tells better where the files are
      const wanted = inView.length > 0 && fits > 0 ? extent(inView) : null;
      if (wanted) {
        const before = made.getZoom();
        const camera = made.cameraForBounds(wanted, { padding: 96, maxZoom: 17 });
        // a heap stands where its files are, its cell may reach far beside them
        const alone = inView.length === 1 && inView[0] ? ((inView[0].geometry as Point).coordinates as [number, number]) : undefined;
        if (camera) made.jumpTo({ center: alone ?? camera.center, zoom: camera.zoom });
        fits = made.getZoom() - before > 0.25 ? fits - 1 : 0;
      } else {
        fits = 0;
      }
      const once = new Map(inView.map((one) => [`${(one.properties as Heap).id} ${(one.geometry as Point).coordinates.join()}`, one.properties as Heap]));
      const count = [...once.values()].reduce((sum, heap) => sum + heap.count, 0);
      setView({ count, partial: [...once.values()].some((heap) => heap.partial) });
      if (ref.current) Object.assign(ref.current.dataset, { files: String(count), heaps: String(once.size) });
    });
    made.on("mousemove", (event) => setCentre(wrapped(event.lngLat)));
    made.on("moveend", () => {
      const { lng, lat } = made.getCenter();
      setCentre(wrapped({ lng, lat }));
      lastView.set(ws, { center: [lng, lat], zoom: made.getZoom() });
      clearTimeout(moved);
      moved = setTimeout(() => {
        written.current = `${lat.toFixed(6)},${lng.toFixed(6)},${made.getZoom().toFixed(2)}`;
        latest.current.keepInAddress("view", written.current);
      }, REST_MS);
    });
    map.current = made;
    return () => {
      clearTimeout(moved);
      made.remove();
    };
  }, [ws]);

  const drawn = useRef(tiles);
  useEffect(() => {
    const source = map.current?.getSource("media") as VectorTileSource | undefined;
    if (!source) return;
    if (drawn.current === tiles) map.current?.refreshTiles("media");
    else source.setTiles([tiles]);
    drawn.current = tiles;
  }, [tiles, newest.dataUpdatedAt]);
  useEffect(() => {
    localStorage.setItem("eyrie.ground", ground ? "1" : "0");
    for (const layer of ["ground", "ground-edge"]) {
      if (map.current?.getLayer(layer)) map.current.setLayoutProperty(layer, "visibility", ground ? "visible" : "none");
    }
  }, [ground]);
  useEffect(() => {
    (map.current?.getSource("seen") as GeoJSONSource | undefined)?.setData(spot(seen));
    // a spot that was asked for by its coordinates
    if (seen && map.current && !map.current.getBounds().contains([seen.lng, seen.lat])) map.current.jumpTo({ center: [seen.lng, seen.lat], zoom: Math.max(17, map.current.getZoom()) });
  }, [seen?.lat, seen?.lng]);

  const asked = search.get("view");
  useEffect(() => {
    // a view that was asked for while the map was open; its own is where it is already
    const wanted = asked === written.current ? undefined : viewOf(asked);
    written.current = asked;
    if (wanted) map.current?.jumpTo(wanted);
  }, [asked]);

  const inGallery = (edges: Bounds | undefined) => {
    if (!edges) return;
    const clamp = (value: number, most: number) => Math.max(-most, Math.min(most, value)).toFixed(6);
    const next = new URLSearchParams(filterSearch(search));
    next.set("bbox", [clamp(edges[0], 180), clamp(edges[1], 90), clamp(edges[2], 180), clamp(edges[3], 90)].join());
    go(path(`gallery?${next.toString()}`));
  };
  const inSight = () => map.current?.getBounds().toArray().flat() as Bounds | undefined;
  const [drawing, setDrawing] = useState(search.has("draw"));
  const choose = (from: Corner, to: Corner) => {
    setDrawing(false);
    const a = map.current?.unproject(from);
    const b = map.current?.unproject(to);
    if (!a || !b) return;
    const next = new URLSearchParams(search);
    next.delete("draw");
    const edges = [Math.min(a.lng, b.lng), Math.min(a.lat, b.lat), Math.max(a.lng, b.lng), Math.max(a.lat, b.lat)];
    next.set("bbox", edges.map((edge) => edge.toFixed(6)).join());
    setSearch(next);
  };
  useEffect(() => {
    (map.current?.getSource("area") as GeoJSONSource | undefined)?.setData(area(filter.bbox));
  }, [filter.bbox]);
  const dockName = (sn: string | null) => dockList.data?.items.find((dock) => dock.sn === sn)?.callsign ?? sn ?? "";
  const near = map.current ? map.current.getZoom() >= ASK_FROM : false;

  return (
    <div className={`map-page${seen ? " with-seen" : ""}`}>
      <h1 className="visually-hidden">{t.map.title}</h1>
      <div className="map" ref={ref} />
      {drawing && <Draw choose={choose} cancel={() => setDrawing(false)} />}
      <div className="over">
        <Filters search={search} setSearch={setSearch} />
        <button className="button" aria-pressed={drawing} title={t.map.drawHelp} onClick={() => setDrawing(!drawing)}>
          <SquareDashedMousePointer className="icon" aria-hidden />
          <span className="wide">{t.map.draw}</span>
        </button>
        <button className="button" aria-pressed={ground} title={t.map.groundHelp} onClick={() => setGround(!ground)}>
          <Scan className="icon" aria-hidden />
          <span className="wide">{t.map.ground}</span>
        </button>
        <button className="button" title={near ? t.map.seen.askHelp : t.map.seen.zoomIn} disabled={!near} onClick={() => map.current && ask(wrapped(map.current.getCenter()))}>
          <Eye className="icon" aria-hidden />
          <span className="wide">{t.map.seen.ask}</span>
        </button>
        <button className="button" onClick={() => (filter.bbox ? go(path(`gallery${filterSearch(search)}`)) : inGallery(inSight()))}>
          <Images className="icon" aria-hidden />
          <span className="wide">{t.map.inGallery}</span>
        </button>
        <span className="plate num" role="status">
          {view === null ? <><Working />{t.common.loading}</> : view.count === 0 ? <><MapPinOff className="icon" aria-hidden />{t.map.none}</> : t.map.placed(number(view.count))}
          {view?.partial && <span className="quiet" title={t.map.partialHelp}>{t.map.partial}</span>}
        </span>
      </div>
      {newest.isError && <div className="map-card"><Failure error={newest.error} retry={() => void newest.refetch()} /></div>}
      {centre && (
        <button className="coords num" title={t.common.copyThat(t.item.place)} onClick={() => void copy(coordinates(centre.lat, centre.lng)).then((done) => done && toast(t.common.copied))}>
          {coordinates(centre.lat, centre.lng)}
        </button>
      )}
      {chosen && <Card key={chosen.id} chosen={chosen} search={search} dockName={dockName} inGallery={inGallery} close={() => show(null)} />}
      {seen && <SeenPanel place={seen} filter={filter} keep={filterSearch(search)} dockName={dockName} close={() => ask(null)} />}
    </div>
  );
}

/** One file, or the newest of a heap that lies too close to be taken apart. */
function Card({ chosen, search, dockName, inGallery, close }: {
  chosen: Chosen; search: URLSearchParams; dockName: (sn: string | null) => string; inGallery: (edges: Bounds | undefined) => void; close: () => void;
}) {
  const { ws } = useHere();
  const path = useWsPath();
  const query = useQuery(media(ws, chosen.id));
  const item = query.data;
  const href = path(`media/${chosen.id}${filterSearch(search)}`);
  if (query.isError) return <div className="map-card"><Failure error={query.error} retry={() => void query.refetch()} /></div>;
  return (
    <div className="map-card">
      <Link className="shot" href={href} aria-label={item?.name ?? t.common.loading}>{item && <Picture ws={ws} item={item} />}</Link>
      <button className="close button icon-only slim" aria-label={t.common.close} onClick={close}><X className="icon" aria-hidden /></button>
      <div className="words">
        <Link className="clip" href={href}>{item?.name ?? t.common.loading}</Link>
        <span className="quiet">
          {item?.captured_at && <SiteZone zone={item.time_zone} found="file"><Taken at={item.captured_at} /></SiteZone>}
          {item && ` · ${dockName(item.gateway_sn)}`}
        </span>
        {typeof item?.position?.relative_altitude_m === "number" && <span className="quiet">{t.item.aboveTakeOff(metres(item.position.relative_altitude_m))}</span>}
        {chosen.count > 1 && chosen.area && (
          <button className="button" onClick={() => inGallery(grown(chosen.area as Bounds))}><Images className="icon" aria-hidden />{t.map.heapInGallery(chosen.count)}</button>
        )}
      </div>
    </div>
  );
}

function Taken({ at }: { at: string }) {
  const { dateTime } = useTimes();
  return <><Moment at={at}>{dateTime(at)}</Moment> <ZoneNote at={at} short /></>;
}

type Place = { lat: number; lng: number };

/** How often the first look is made narrower. */
const MOST_FITS = 12;

/** 1234 as 1.2k. */
const SHORT_NUMBER = [
  "case",
  ["<", ["get", "count"], 1000], ["to-string", ["get", "count"]],
  ["<", ["get", "count"], 10000], ["concat", ["to-string", ["/", ["floor", ["/", ["get", "count"], 100]], 10]], "k"],
  ["<", ["get", "count"], 1000000], ["concat", ["to-string", ["floor", ["/", ["get", "count"], 1000]]], "k"],
  ["concat", ["to-string", ["/", ["floor", ["/", ["get", "count"], 100000]], 10]], "M"],
] as maplibre.ExpressionSpecification;

function tilesUrl(ws: string, filter: object, ground: boolean): string {
  const search = searchOf({ ...filter, ...(ground ? { footprints: true } : {}) });
  return `${location.origin}/api/v1/workspaces/${encodeURIComponent(ws)}/tiles/{z}/{x}/{y}.mvt${search && `?${search}`}`;
}

/** A heap is gone into, a file is shown; so is a heap that lies on one spot. */
function press(map: MapLibre, one: MapGeoJSONFeature, show: (chosen: Chosen) => void) {
  const heap = one.properties as Heap;
  const at = (one.geometry as Point).coordinates as [number, number];
  const edges = boundsOf(heap.area);
  const small = edges !== null && edges[2] - edges[0] < SMALL_HEAP_DEG && edges[3] - edges[1] < SMALL_HEAP_DEG;
  if (heap.count === 1 || small || map.getZoom() > TILES_TO + 1) {
    if (heap.id) show({ id: heap.id, count: heap.count, area: edges });
    return;
  }
  const camera = edges && map.cameraForBounds(edges, { padding: 80 });
  // a cell is wider than what lies in it: at least one step nearer
  const zoom = Math.max(Math.min(camera?.zoom ?? 0, map.getZoom() + 5), map.getZoom() + 1.5);
  map.easeTo({ center: at, zoom: Math.min(zoom, 21), duration: calm() });
}

function boundsOf(text: string | undefined): Bounds | null {
  const edges = (text ?? "").split(",").map(Number);
  return edges.length === 4 && edges.every(Number.isFinite) ? (edges as Bounds) : null;
}

const grown = ([west, south, east, north]: Bounds): Bounds => [west - 1e-6, south - 1e-6, east + 1e-6, north + 1e-6];

function extent(features: MapGeoJSONFeature[]): maplibre.LngLatBounds {
  const bounds = new maplibre.LngLatBounds();
  for (const one of features) {
    const [lng = 0, lat = 0] = (one.geometry as Point).coordinates;
    const [west, south, east, north] = boundsOf((one.properties as Heap).area) ?? [lng, lat, lng, lat];
    bounds.extend([west, south]).extend([east, north]);
  }
  return bounds;
}

const wrapped = ({ lng, lat }: Place): Place => ({ lng: ((((lng + 180) % 360) + 360) % 360) - 180, lat });

function placeOf(text: string | null): Place | null {
  const [lat, lng] = (text ?? "").split(",").map(Number);
  return lat !== undefined && lng !== undefined && Math.abs(lat) <= 90 && Math.abs(lng) <= 180 ? { lat, lng } : null;
}

/** `47.376900,8.541700,16.50`: the middle and the zoom. */
function viewOf(text: string | null): { center: [number, number]; zoom: number } | undefined {
  const place = placeOf(text);
  const zoom = Number((text ?? "").split(",")[2] ?? NaN);
  return place && Number.isFinite(zoom) ? { center: [place.lng, place.lat], zoom } : undefined;
}

function spot(place: Place | null): FeatureCollection {
  const features: GeoJSON.Feature[] = place ? [{ type: "Feature", properties: {}, geometry: { type: "Point", coordinates: [place.lng, place.lat] } }] : [];
  return { type: "FeatureCollection", features };
}

type Corner = [number, number];

/** A sheet over the map on which one drags a rectangle. */
function Draw({ choose, cancel }: { choose: (from: Corner, to: Corner) => void; cancel: () => void }) {
  const [corners, setCorners] = useState<[Corner, Corner] | null>(null);
  useEffect(() => {
    const press = (event: KeyboardEvent) => event.key === "Escape" && cancel();
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  });
  const at = (event: ReactPointerEvent): Corner => {
    const box = event.currentTarget.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const [a, b] = corners ?? [[0, 0], [0, 0]];
  const box = { left: Math.min(a[0], b[0]), top: Math.min(a[1], b[1]), width: Math.abs(a[0] - b[0]), height: Math.abs(a[1] - b[1]) };
  return (
    <div
      className="draw"
      onPointerDown={(event) => (event.currentTarget.setPointerCapture(event.pointerId), setCorners([at(event), at(event)]))}
      onPointerMove={(event) => corners && setCorners([corners[0], at(event)])}
      onPointerUp={() => (box.width > 4 && box.height > 4 ? choose(a, b) : setCorners(null))}
    >
      {corners && <span style={box} />}
    </div>
  );
}

/** The area of a filter as a polygon. */
function area(bbox: string | undefined): FeatureCollection {
  const [west, south, east, north] = (bbox ?? "").split(",").map(Number);
  if (west === undefined || south === undefined || east === undefined || north === undefined || Number.isNaN(west + south + east + north)) {
    return { type: "FeatureCollection", features: [] };
  }
  const ring = [[west, south], [east, south], [east, north], [west, north], [west, south]];
  return { type: "FeatureCollection", features: [{ type: "Feature", properties: {}, geometry: { type: "Polygon", coordinates: [ring] } }] };
}

/** Where each workspace's map was left. */
const lastView = new Map<string, { center: [number, number]; zoom: number }>();
const calm = () => (matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 300);

function pinOf(ws: string, heap: Heap, act: () => void): HTMLElement {
  const pin = document.createElement("button");
  pin.className = "pin";
  pin.setAttribute("aria-label", t.map.heap(heap.count));
  pin.addEventListener("click", (event) => {
    event.stopPropagation();
    act();
  });
  if (typeof heap.yaw_deg === "number") {
    const look = document.createElement("i");
    look.style.rotate = `${heap.yaw_deg}deg`;
    pin.append(look);
  }
  const image = document.createElement("img");
  image.src = `${mediaUrl(ws, heap.id ?? "", "thumbnail")}${heap.etag ? `?v=${encodeURIComponent(heap.etag)}` : ""}`;
  image.alt = "";
  pin.append(image);
  if (heap.count > 1) {
    const badge = document.createElement("span");
    badge.textContent = number(heap.count);
    pin.append(badge);
  }
  return pin;
}
