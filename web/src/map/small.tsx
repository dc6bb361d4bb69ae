// Where one picture was taken and where it looked.
import type { Map as MapLibre } from "maplibre-gl";
import { useEffect, useRef } from "react";
import type { MediaItem } from "../api/client";
import { t } from "../i18n";
import { addWedge, colours, makeMap } from "./base";

export default function SmallMap({ item }: { item: MediaItem }) {
  const ref = useRef<HTMLDivElement>(null);
  const map = useRef<MapLibre | null>(null);
  const latest = useRef(item);
  latest.current = item;
  const lat = item.position?.lat;
  const lng = item.position?.lng;
  useEffect(() => {
    if (!ref.current) return;
    const made = makeMap(ref.current, { center: [lng ?? 0, lat ?? 0], zoom: 16.5, controls: false, label: t.map.ofItem }, (ready) => {
      const c = colours();
      addWedge(ready);
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
  return <div className="small-map" ref={ref} />;
}

function point(item: MediaItem): GeoJSON.Feature {
  const yaw = item.gimbal?.yaw_deg;
  return {
    type: "Feature",
    properties: typeof yaw === "number" ? { yaw } : {},
    geometry: { type: "Point", coordinates: [item.position?.lng ?? 0, item.position?.lat ?? 0] },
  };
}
