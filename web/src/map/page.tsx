// Everything with a place on one map: heaps of pictures that fall apart as one comes nearer, filters shared with the gallery.
import { useQuery } from "@tanstack/react-query";
import type { FeatureCollection, Point } from "geojson";
import * as maplibre from "maplibre-gl";
import type { GeoJSONSource, Map as MapLibre } from "maplibre-gl";
import { Images, MapPinOff, SquareDashedMousePointer, X } from "lucide-react";
import { useEffect, useMemo, useRef, useState, type PointerEvent as ReactPointerEvent } from "react";
import { Link, useLocation, useSearchParams } from "wouter";
import type { MediaItem } from "../api/client";
import { docks, mediaAll } from "../api/queries";
import { filterOf, filterSearch } from "../gallery/days";
import { Filters } from "../gallery/filters";
import { isPictured, Picture, thumbnailUrl } from "../gallery/picture";
import { t } from "../i18n";
import { useHere, useWsPath } from "../shell/context";
import { coordinates, dateTime, metres, number } from "../ui/format";
import { copy, Failure, Moment, toast, Working } from "../ui/parts";
import { colours, makeMap } from "./base";

const MOST = 10_000;
const PINS = 40;
const PIN_ZOOM = 17;

type Placed = MediaItem & { position: NonNullable<MediaItem["position"]> };

export default function MapPage() {
  const { ws } = useHere();
  const path = useWsPath();
  const [, go] = useLocation();
  const [search, setSearch] = useSearchParams();
  const address = search.toString();
  const filter = useMemo(() => filterOf(new URLSearchParams(address)), [address]);
  const query = useQuery(mediaAll(ws, { ...filter, bbox: filter.bbox ?? "-180,-90,180,90" }, MOST));
  const dockList = useQuery(docks(ws));
  const items = useMemo(() => (query.data ?? []).filter((item): item is Placed => item.position !== null), [query.data]);
  const byId = useMemo(() => new Map(items.map((item) => [item.id, item])), [items]);
  const [chosen, setChosen] = useState<string | null>(null);
  const [centre, setCentre] = useState<{ lat: number; lng: number } | null>(null);
  const ref = useRef<HTMLDivElement>(null);
  const map = useRef<MapLibre | null>(null);
  const latest = useRef({ items, byId, ws, bbox: filter.bbox });
  latest.current = { items, byId, ws, bbox: filter.bbox };

  useEffect(() => {
    if (!ref.current) return;
    const view = lastView.get(ws);
    const pins = new Map<string, maplibre.Marker>();
    const bare = new Set<string>();
    const showPins = () => {
      const wanted = new Map<string, [number, number]>();
      if (made.getZoom() >= PIN_ZOOM && made.getLayer("dots")) {
        for (const one of made.queryRenderedFeatures({ layers: ["dots"] })) {
          const id: unknown = one.properties.id;
          if (typeof id === "string" && wanted.size < PINS) wanted.set(id, (one.geometry as Point).coordinates as [number, number]);
        }
      }
      for (const [id, pin] of pins) if (!wanted.has(id)) pins.delete(id), pin.remove();
      for (const [id, at] of wanted) {
        const item = latest.current.byId.get(id);
        if (pins.has(id) || !item || !isPictured(item) || bare.has(id)) continue;
        const element = pinOf(latest.current.ws, item, () => setChosen(id));
        const pin = new maplibre.Marker({ element }).setLngLat(at).addTo(made);
        // without a thumbnail the dot says it better
        element.querySelector("img")?.addEventListener("error", () => (bare.add(id), pins.delete(id), pin.remove()));
        pins.set(id, pin);
      }
    };
    const made = makeMap(ref.current, { ...(view ?? {}), label: t.map.title }, (ready) => {
      const c = colours();
      ready.addSource("area", { type: "geojson", data: area(latest.current.bbox) });
      ready.addLayer({ id: "area", type: "fill", source: "area", paint: { "fill-color": c.accent, "fill-opacity": 0.08 } });
      ready.addLayer({ id: "area-edge", type: "line", source: "area", paint: { "line-color": c.accent, "line-width": 2, "line-dasharray": [2, 1.5] } });
      ready.addSource("media", { type: "geojson", data: points(latest.current.items), cluster: true, clusterRadius: 46, clusterMaxZoom: 17 });
      ready.addLayer({
        id: "heaps", type: "circle", source: "media", filter: ["has", "point_count"],
        paint: { "circle-color": c.accent, "circle-opacity": 0.88, "circle-radius": ["interpolate", ["linear"], ["log10", ["get", "point_count"]], 0, 13, 4, 34], "circle-stroke-color": c.halo, "circle-stroke-width": 2 },
      });
      ready.addLayer({
        id: "numbers", type: "symbol", source: "media", filter: ["has", "point_count"],
        layout: { "text-field": ["get", "point_count_abbreviated"], "text-size": 13, "text-font": ["Inter Variable", "sans-serif"], "text-allow-overlap": true },
        paint: { "text-color": c.halo },
      });
      ready.addLayer({ id: "dots", type: "circle", source: "media", filter: ["!", ["has", "point_count"]], paint: { "circle-radius": 6, "circle-color": c.accent, "circle-stroke-color": c.halo, "circle-stroke-width": 2 } });
      if (!view && !lastView.has(ws)) fit(ready, latest.current.items);
    });
    made.on("click", "heaps", (event) => {
      const heap = event.features?.[0];
      const id: unknown = heap?.properties.cluster_id;
      if (!heap || typeof id !== "number") return;
      const at = (heap.geometry as Point).coordinates as [number, number];
      void (made.getSource("media") as GeoJSONSource).getClusterExpansionZoom(id).then((zoom) => made.easeTo({ center: at, zoom: zoom + 0.3, duration: calm() }));
    });
    made.on("click", "dots", (event) => {
      const id: unknown = event.features?.[0]?.properties.id;
      if (typeof id === "string") setChosen(id);
    });
    for (const layer of ["heaps", "dots"]) {
      made.on("mouseenter", layer, () => (made.getCanvas().style.cursor = "pointer"));
      made.on("mouseleave", layer, () => (made.getCanvas().style.cursor = ""));
    }
    made.on("idle", showPins);
    made.on("mousemove", (event) => setCentre(event.lngLat));
    made.on("moveend", () => {
      const { lng, lat } = made.getCenter();
      setCentre({ lng, lat });
      lastView.set(ws, { center: [lng, lat], zoom: made.getZoom() });
    });
    map.current = made;
    return () => made.remove();
  }, [ws]);

  const fitted = useRef(lastView.has(ws));
  useEffect(() => {
    (map.current?.getSource("media") as GeoJSONSource | undefined)?.setData(points(items));
    if (!fitted.current && items.length > 0 && map.current) {
      fitted.current = true;
      fit(map.current, items);
    }
  }, [items]);

  const inGallery = () => {
    const bounds = map.current?.getBounds();
    if (!bounds) return;
    const clamp = (value: number, most: number) => Math.max(-most, Math.min(most, value)).toFixed(6);
    const next = new URLSearchParams(filterSearch(search));
    next.set("bbox", [clamp(bounds.getWest(), 180), clamp(bounds.getSouth(), 90), clamp(bounds.getEast(), 180), clamp(bounds.getNorth(), 90)].join());
    go(path(`gallery?${next.toString()}`));
  };
  const [drawing, setDrawing] = useState(false);
  const choose = (from: [number, number], to: [number, number]) => {
    setDrawing(false);
    const a = map.current?.unproject(from);
    const b = map.current?.unproject(to);
    if (!a || !b) return;
    const next = new URLSearchParams(search);
    const edges = [Math.min(a.lng, b.lng), Math.min(a.lat, b.lat), Math.max(a.lng, b.lng), Math.max(a.lat, b.lat)];
    next.set("bbox", edges.map((edge) => edge.toFixed(6)).join());
    setSearch(next);
  };
  useEffect(() => {
    (map.current?.getSource("area") as GeoJSONSource | undefined)?.setData(area(filter.bbox));
  }, [filter.bbox]);
  const item = chosen ? byId.get(chosen) : undefined;

  return (
    <div className="map-page">
      <h1 className="visually-hidden">{t.places.map}</h1>
      <div className="map" ref={ref} />
      {drawing && <Draw choose={choose} cancel={() => setDrawing(false)} />}
      <div className="over">
        <Filters search={search} setSearch={setSearch} />
        <button className="button" aria-pressed={drawing} title={t.map.drawHelp} onClick={() => setDrawing(!drawing)}>
          <SquareDashedMousePointer className="icon" aria-hidden />
          {t.map.draw}
        </button>
        <button className="button" onClick={inGallery}>
          <Images className="icon" aria-hidden />
          {t.map.inGallery}
        </button>
        <span className="plate num" role="status">
          {query.isPending ? <><Working />{t.common.loading}</> : t.map.placed(number(items.length))}
          {items.length >= MOST && <span className="quiet">{t.map.cut(number(MOST))}</span>}
        </span>
        {query.isSuccess && items.length === 0 && <span className="plate"><MapPinOff className="icon" aria-hidden />{t.map.none}</span>}
      </div>
      {query.isError && <div className="map-card"><Failure error={query.error} retry={() => void query.refetch()} /></div>}
      {centre && (
        <button className="coords num" title={t.common.copyThat(t.item.place)} onClick={() => void copy(coordinates(centre.lat, centre.lng)).then((done) => done && toast(t.common.copied))}>
          {coordinates(centre.lat, centre.lng)}
        </button>
      )}
      {item && (
        <div className="map-card">
          <Link className="shot" href={path(`media/${item.id}${filterSearch(search)}`)} aria-label={item.name}><Picture ws={ws} item={item} /></Link>
          <button className="close button icon-only slim" aria-label={t.common.close} onClick={() => setChosen(null)}><X className="icon" aria-hidden /></button>
          <div className="words">
            <Link className="clip" href={path(`media/${item.id}${filterSearch(search)}`)}>{item.name}</Link>
            <span className="quiet">
              {item.captured_at && <Moment at={item.captured_at}>{dateTime(item.captured_at)}</Moment>}
              {" · "}
              {dockList.data?.items.find((dock) => dock.sn === item.gateway_sn)?.callsign ?? item.gateway_sn}
            </span>
            {typeof item.position.relative_altitude_m === "number" && <span className="quiet">{t.item.aboveTakeOff(metres(item.position.relative_altitude_m))}</span>}
          </div>
        </div>
      )}
    </div>
  );
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

function fit(map: MapLibre, items: Placed[]) {
  if (items.length === 0) return;
  const bounds = new maplibre.LngLatBounds();
  for (const { position } of items) bounds.extend([position.lng, position.lat]);
  map.fitBounds(bounds, { padding: 96, maxZoom: 17, animate: false });
}

function points(items: Placed[]): FeatureCollection {
  return {
    type: "FeatureCollection",
    features: items.map((item) => ({ type: "Feature", properties: { id: item.id }, geometry: { type: "Point", coordinates: [item.position.lng, item.position.lat] } })),
  };
}

function pinOf(ws: string, item: MediaItem, press: () => void): HTMLElement {
  const pin = document.createElement("button");
  pin.className = "pin";
  pin.setAttribute("aria-label", item.name);
  pin.addEventListener("click", (event) => {
    event.stopPropagation();
    press();
  });
  const image = document.createElement("img");
  image.src = thumbnailUrl(ws, item);
  image.alt = "";
  pin.append(image);
  return pin;
}
