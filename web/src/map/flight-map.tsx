// A flight on the map: the way it took from picture to picture, each with its view; map and strip choose together.
import type { FeatureCollection } from "geojson";
import type { GeoJSONSource, Map as MapLibre } from "maplibre-gl";
import { useEffect, useRef } from "react";
import { useQuery } from "@tanstack/react-query";
import type { MediaItem } from "../api/client";
import { footprints } from "../api/queries";
import { t } from "../i18n";
import { useHere } from "../shell/context";
import { addGround, addWedge, colours, makeMap, NO_GROUND } from "./base";

type Placed = MediaItem & { position: NonNullable<MediaItem["position"]> };
const placed = (items: MediaItem[]) => items.filter((item): item is Placed => item.position !== null);

export default function FlightMap({ items, current, choose, bounds }: {
  items: MediaItem[]; current: string | null; choose: (id: string) => void; bounds: [number, number, number, number];
}) {
  const ref = useRef<HTMLDivElement>(null);
  const map = useRef<MapLibre | null>(null);
  const { ws } = useHere();
  const flight_id = items[0]?.flight_id ?? undefined;
  const ground = useQuery(footprints(ws, { filter: { flight_id } }, flight_id !== undefined)).data ?? NO_GROUND;
  const latest = useRef({ items, current, choose, ground });
  latest.current = { items, current, choose, ground };

  useEffect(() => {
    if (!ref.current) return;
    const made = makeMap(ref.current, { bounds, label: t.map.ofFlight }, (ready) => {
      const c = colours();
      addWedge(ready);
      ready.addSource("way", { type: "geojson", data: way(latest.current.items) });
      ready.addSource("shots", { type: "geojson", data: shots(latest.current.items) });
      addGround(ready, latest.current.ground, latest.current.current);
      ready.addLayer({ id: "way", type: "line", source: "way", layout: { "line-join": "round", "line-cap": "round" }, paint: { "line-color": c.track, "line-width": 2, "line-opacity": 0.55 } });
      ready.addLayer({ id: "views", type: "symbol", source: "shots", filter: ["has", "yaw"], layout: { "icon-image": "wedge", "icon-size": 1.7, "icon-rotate": ["get", "yaw"], "icon-rotation-alignment": "map", "icon-allow-overlap": true, "icon-ignore-placement": true } });
      ready.addLayer({ id: "dots", type: "circle", source: "shots", paint: { "circle-radius": 4.5, "circle-color": c.accent, "circle-stroke-color": c.halo, "circle-stroke-width": 1.5 } });
      ready.addLayer({ id: "chosen", type: "circle", source: "shots", filter: ["==", ["get", "id"], latest.current.current ?? ""], paint: { "circle-radius": 8, "circle-color": c.halo, "circle-stroke-color": c.accent, "circle-stroke-width": 4 } });
    });
    made.on("click", "dots", (event) => {
      const id: unknown = event.features?.[0]?.properties.id;
      if (typeof id === "string") latest.current.choose(id);
    });
    made.on("mouseenter", "dots", () => (made.getCanvas().style.cursor = "pointer"));
    made.on("mouseleave", "dots", () => (made.getCanvas().style.cursor = ""));
    map.current = made;
    return () => made.remove();
  }, [bounds.join()]);

  useEffect(() => {
    const source = (id: string) => map.current?.getSource(id) as GeoJSONSource | undefined;
    source("way")?.setData(way(items));
    source("shots")?.setData(shots(items));
  }, [items]);
  useEffect(() => void (map.current?.getSource("ground") as GeoJSONSource | undefined)?.setData(ground), [ground]);
  useEffect(() => {
    if (map.current?.getLayer("ground-chosen")) map.current.setFilter("ground-chosen", ["==", ["get", "media_id"], current ?? ""]);
    if (map.current?.getLayer("chosen")) map.current.setFilter("chosen", ["==", ["get", "id"], current ?? ""]);
    const item = placed(items).find((one) => one.id === current);
    if (item && map.current && !map.current.getBounds().contains([item.position.lng, item.position.lat])) {
      map.current.easeTo({ center: [item.position.lng, item.position.lat], duration: matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 160 });
    }
  }, [current, items]);
  return <div className="flight-map" ref={ref} data-ground={ground.features.length} title={ground.features.length > 0 ? t.map.estimate : undefined} />;
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
