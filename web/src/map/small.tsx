// Where one picture was taken and where it looked.
import type { Map as MapLibre } from "maplibre-gl";
import { useEffect, useRef } from "react";
import { useQuery } from "@tanstack/react-query";
import type { GeoJSONSource } from "maplibre-gl";
import type { MediaItem } from "../api/client";
import { footprints } from "../api/queries";
import { t } from "../i18n";
import { useHere } from "../shell/context";
import { addGround, addWedge, colours, makeMap, NO_GROUND } from "./base";

export default function SmallMap({ item }: { item: MediaItem }) {
  const ref = useRef<HTMLDivElement>(null);
  const map = useRef<MapLibre | null>(null);
  const { ws } = useHere();
  const ground = useQuery(footprints(ws, { id: item.id })).data ?? NO_GROUND;
  const latest = useRef(item);
  latest.current = item;
  const shown = useRef(ground);
  shown.current = ground;
  const lat = item.position?.lat;
  const lng = item.position?.lng;
  useEffect(() => {
    if (!ref.current) return;
    const made = makeMap(ref.current, { center: [lng ?? 0, lat ?? 0], zoom: 16.5, controls: false, label: t.map.ofItem }, (ready) => {
      const c = colours();
      addWedge(ready);
      addGround(ready, shown.current);
      ready.addSource("here", { type: "geojson", data: point(latest.current) });
      ready.addLayer({ id: "view", type: "symbol", source: "here", filter: ["has", "yaw"], layout: { "icon-image": "wedge", "icon-size": 2, "icon-rotate": ["get", "yaw"], "icon-rotation-alignment": "map", "icon-allow-overlap": true } });
      ready.addLayer({ id: "dot", type: "circle", source: "here", paint: { "circle-radius": 6, "circle-color": c.accent, "circle-stroke-color": c.halo, "circle-stroke-width": 2 } });
    });
    map.current = made;
    return () => made.remove();
  }, []);
  useEffect(() => {
    const source = map.current?.getSource("here") as { setData?: (data: GeoJSON.Feature) => void } | undefined;
    source?.setData?.(point(item));
    if (lat !== undefined && lng !== undefined) map.current?.jumpTo({ center: [lng, lat] });
  }, [item, lat, lng]);
  useEffect(() => {
    (map.current?.getSource("ground") as GeoJSONSource | undefined)?.setData(ground);
    const edges = ground.features[0]?.geometry;
    // the whole footprint is in sight, as far as it is not a horizon's
    if (map.current && edges?.type === "Polygon") {
      const ring = edges.coordinates[0] ?? [];
      const lngs = ring.map(([x]) => x ?? 0);
      const lats = ring.map(([, y]) => y ?? 0);
      map.current.fitBounds([Math.min(...lngs), Math.min(...lats), Math.max(...lngs), Math.max(...lats)], { padding: 24, maxZoom: 18, animate: false });
    }
  }, [ground]);
  return (
    <>
      <div className="small-map" ref={ref} data-ground={ground.features.length} />
      {ground.features.length > 0 && <p className="quiet map-note">{t.map.estimate}</p>}
    </>
  );
}

function point(item: MediaItem): GeoJSON.Feature {
  const yaw = item.gimbal?.yaw_deg;
  return {
    type: "Feature",
    properties: typeof yaw === "number" ? { yaw } : {},
    geometry: { type: "Point", coordinates: [item.position?.lng ?? 0, item.position?.lat ?? 0] },
  };
}
