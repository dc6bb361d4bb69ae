// A flight on the map: the way it took from picture to picture, each with its view; map and strip choose together.
import type { FeatureCollection } from "geojson";
import type { GeoJSONSource, Map as MapLibre } from "maplibre-gl";
import { useEffect, useMemo, useRef } from "react";
import { useQueries, useQuery } from "@tanstack/react-query";
import type { MediaItem } from "../api/client";
import { footprints } from "../api/queries";
import { line, telemetry, type Track } from "../api/telemetry";
import { t } from "../i18n";
import { useHere } from "../shell/context";
import { addGround, addWedge, colours, makeMap, NO_GROUND } from "./base";

type Placed = MediaItem & { position: NonNullable<MediaItem["position"]> };
/** Videos whose way is drawn: each is read whole, and a flight has few. */
const MOST_WAYS = 12;
const tracksOf = (results: { data?: Track | null }[]) => results.map((result) => result.data);
const placed = (items: MediaItem[]) => items.filter((item): item is Placed => item.position !== null);

export default function FlightMap({ items, current, choose, bounds }: {
  items: MediaItem[]; current: string | null; choose: (id: string) => void; bounds: [number, number, number, number];
}) {
  const ref = useRef<HTMLDivElement>(null);
  const map = useRef<MapLibre | null>(null);
  const { ws } = useHere();
  const flight_id = items[0]?.flight_id ?? undefined;
  const ground = useQuery(footprints(ws, { filter: { flight_id } }, flight_id !== undefined)).data ?? NO_GROUND;
  const videos = useMemo(() => items.filter((item) => item.kind === "video").slice(0, MOST_WAYS), [items]);
  const ways = useQueries({
    queries: videos.map((item) => telemetry(ws, item.id, true)),
    combine: tracksOf,
  });
  const flown = useMemo<FeatureCollection>(() => {
    const features = videos.map((item, n) => {
      const track = ways[n];
      return track ? { ...line(track, Infinity), properties: { id: item.id } } : null;
    });
    return { type: "FeatureCollection", features: features.filter((one) => one !== null) };
  }, [videos, ways]);
  const latest = useRef({ items, current, choose, ground, flown });
  latest.current = { items, current, choose, ground, flown };

  useEffect(() => {
    if (!ref.current) return;
    const made = makeMap(ref.current, { bounds, label: t.map.ofFlight }, (ready) => {
      const c = colours();
      addWedge(ready);
      ready.addSource("way", { type: "geojson", data: way(latest.current.items) });
      ready.addSource("shots", { type: "geojson", data: shots(latest.current.items) });
      addGround(ready, latest.current.ground, latest.current.current);
      ready.addSource("flown", { type: "geojson", data: latest.current.flown });
      const round = { "line-join": "round", "line-cap": "round" } as const;
      ready.addLayer({ id: "flown", type: "line", source: "flown", layout: round, paint: { "line-color": c.track, "line-width": 4, "line-opacity": 0.45 } });
      ready.addLayer({ id: "flown-chosen", type: "line", source: "flown", layout: round, filter: ["==", ["get", "id"], latest.current.current ?? ""], paint: { "line-color": c.track, "line-width": 5 } });
      ready.addLayer({ id: "way", type: "line", source: "way", layout: round, paint: { "line-color": c.track, "line-width": 2, "line-opacity": 0.55, "line-dasharray": [1, 2] } });
      ready.addLayer({ id: "views", type: "symbol", source: "shots", filter: ["has", "yaw"], layout: { "icon-image": "wedge", "icon-size": 1.7, "icon-rotate": ["get", "yaw"], "icon-rotation-alignment": "map", "icon-allow-overlap": true, "icon-ignore-placement": true } });
      ready.addLayer({ id: "dots", type: "circle", source: "shots", paint: { "circle-radius": 4.5, "circle-color": c.accent, "circle-stroke-color": c.halo, "circle-stroke-width": 1.5 } });
      ready.addLayer({ id: "chosen", type: "circle", source: "shots", filter: ["==", ["get", "id"], latest.current.current ?? ""], paint: { "circle-radius": 8, "circle-color": c.halo, "circle-stroke-color": c.accent, "circle-stroke-width": 4 } });
    });
    made.on("click", (event) => {
      // a dot lies over the ways
      const hit = made.getLayer("dots") && made.queryRenderedFeatures(event.point, { layers: ["dots", "flown"] })[0];
      const id: unknown = hit && hit.properties.id;
      if (typeof id === "string") latest.current.choose(id);
    });
    for (const layer of ["dots", "flown"]) {
      made.on("mouseenter", layer, () => (made.getCanvas().style.cursor = "pointer"));
      made.on("mouseleave", layer, () => (made.getCanvas().style.cursor = ""));
    }
    map.current = made;
    return () => made.remove();
  }, [bounds.join()]);

  useEffect(() => {
    const source = (id: string) => map.current?.getSource(id) as GeoJSONSource | undefined;
    source("way")?.setData(way(items));
    source("shots")?.setData(shots(items));
  }, [items]);
  useEffect(() => void (map.current?.getSource("flown") as GeoJSONSource | undefined)?.setData(flown), [flown]);
  useEffect(() => void (map.current?.getSource("ground") as GeoJSONSource | undefined)?.setData(ground), [ground]);
  useEffect(() => {
    if (map.current?.getLayer("ground-chosen")) map.current.setFilter("ground-chosen", ["==", ["get", "media_id"], current ?? ""]);
    if (map.current?.getLayer("flown-chosen")) map.current.setFilter("flown-chosen", ["==", ["get", "id"], current ?? ""]);
    if (map.current?.getLayer("chosen")) map.current.setFilter("chosen", ["==", ["get", "id"], current ?? ""]);
    const item = placed(items).find((one) => one.id === current);
    if (item && map.current && !map.current.getBounds().contains([item.position.lng, item.position.lat])) {
      map.current.easeTo({ center: [item.position.lng, item.position.lat], duration: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 160 });
    }
  }, [current, items]);
  return <div className="flight-map" ref={ref} data-ground={ground.features.length} data-flown={flown.features.length} title={ground.features.length > 0 ? t.map.estimate : undefined} />;
}

function way(items: MediaItem[]): GeoJSON.Feature {
  return { type: "Feature", properties: {}, geometry: { type: "LineString", coordinates: placed(items).map(({ position }) => [position.lng, position.lat]) } };
}

function shots(items: MediaItem[]): FeatureCollection {
  return {
    type: "FeatureCollection",
    features: placed(items).map((item) => ({
      type: "Feature",
      properties: { id: item.id, ...(typeof item.gimbal?.yaw_deg === "number" ? { yaw: item.gimbal.yaw_deg } : {}) },
      geometry: { type: "Point", coordinates: [item.position.lng, item.position.lat] },
    })),
  };
}
