// The map that works without internet: outlines of the world from a package, a metric grid where those end, a scale.
import "maplibre-gl/dist/maplibre-gl.css";
import "../styles/map.css";
import type { Feature, FeatureCollection, LineString } from "geojson";
import * as maplibre from "maplibre-gl";
import type { LngLatBoundsLike, Map as MapLibre, StyleSpecification } from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?url";
import { feature, mesh } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import worldUrl from "world-atlas/countries-50m.json?url";
import { t } from "../i18n";
import { isDark } from "../theme";
import { addBackground } from "./background";

maplibre.setWorkerUrl(workerUrl);

type World = { land: FeatureCollection; borders: Feature };
let world: Promise<World> | undefined;

function readWorld(): Promise<World> {
  world ??= fetch(worldUrl)
    .then((response) => response.json() as Promise<Topology<{ countries: GeometryCollection; land: GeometryCollection }>>)
    .then((topology) => ({
      land: feature(topology, topology.objects.land),
      borders: { type: "Feature", properties: {}, geometry: mesh(topology, topology.objects.countries, (a, b) => a !== b) },
    }));
  world.catch(() => (world = undefined));
  return world;
}

export const colours = (dark = isDark()) =>
  dark
    ? { water: "#12181b", land: "#1d2427", border: "#39454a", grid: "#2a3337", accent: "#6cc6d0", ink: "#eff2f3", halo: "#12181b", track: "#93dbe3", green: "#1c2b25", road: "#323b3f" }
    : { water: "#dfe7ea", land: "#f4f4f1", border: "#c5cac8", grid: "#dde0dd", accent: "#0d5f6b", ink: "#161b1c", halo: "#ffffff", track: "#0d5f6b", green: "#e4ecdf", road: "#ffffff" };

/** Nearer than this the outlines have nothing more to tell, and cutting them finer would only take time. */
const WORLD_MAX_ZOOM = 7;
const EMPTY: FeatureCollection = { type: "FeatureCollection", features: [] };

/** The background goes below this one. */
const ABOVE_BACKGROUND = "above-background";

function style(): StyleSpecification {
  const c = colours();
  return {
    version: 8,
    sources: {
      land: { type: "geojson", data: EMPTY, attribution: "Natural Earth", maxzoom: WORLD_MAX_ZOOM },
      borders: { type: "geojson", data: EMPTY, maxzoom: WORLD_MAX_ZOOM },
      grid: { type: "geojson", data: EMPTY },
    },
    layers: [
      { id: "water", type: "background", paint: { "background-color": c.water } },
      { id: "land", type: "fill", source: "land", paint: { "fill-color": c.land } },
      { id: "grid", type: "line", source: "grid", paint: { "line-color": c.grid, "line-width": 1 } },
      { id: "borders", type: "line", source: "borders", paint: { "line-color": c.border, "line-width": 1 } },
      { id: ABOVE_BACKGROUND, type: "background", layout: { visibility: "none" } },
    ],
  };
}

export type MapOptions = { bounds?: LngLatBoundsLike; center?: [number, number]; zoom?: number; controls?: boolean; label?: string };

/** A map in `container`; `ready` is called once its layers can be added, and again after the theme changed. */
export function makeMap(container: HTMLElement, options: MapOptions, ready: (map: MapLibre) => void): MapLibre {
  const map = new maplibre.Map({
    container,
    style: style(),
    bounds: options.bounds,
    fitBoundsOptions: { padding: 48, maxZoom: 18 },
    center: options.center ?? [10, 30],
    zoom: options.zoom ?? 1.2,
    minZoom: 0.5,
    maxZoom: 22,
    attributionControl: { compact: false },
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    fadeDuration: 0,
    locale: { "Map.Title": options.label ?? t.map.title, "NavigationControl.ZoomIn": t.map.zoomIn, "NavigationControl.ZoomOut": t.map.zoomOut },
  });
  map.touchZoomRotate.disableRotation();
  if (options.controls !== false) map.addControl(new maplibre.NavigationControl({ showCompass: false }), "top-right");
  map.addControl(new maplibre.ScaleControl({ maxWidth: 120 }), "bottom-left");

  const setGrid = () => (map.getSource("grid") as maplibre.GeoJSONSource | undefined)?.setData(grid(map));
  const fill = () => {
    setGrid();
    ready(map);
    // without an answer the outlines stay
    addBackground(map, ABOVE_BACKGROUND).catch(() => undefined);
    // what one came for is drawn first
    map.once("idle", () => {
      void readWorld().then(({ land, borders }) => {
        (map.getSource("land") as maplibre.GeoJSONSource | undefined)?.setData(land);
        (map.getSource("borders") as maplibre.GeoJSONSource | undefined)?.setData(borders);
      });
    });
  };
  map.once("load", fill);
  // whether everything is drawn, for whoever waits for it
  map.on("idle", () => (container.dataset.idle = String(map.getLayer("land") ? map.queryRenderedFeatures({ layers: ["land"] }).length : 0)));
  map.on("movestart", () => delete container.dataset.idle);
  map.on("moveend", setGrid);
  const restyle = () => {
    map.setStyle(style(), { diff: false });
    map.once("styledata", fill);
  };
  const system = matchMedia("(prefers-color-scheme: dark)");
  window.addEventListener("eyrie-theme", restyle);
  system.addEventListener("change", restyle);
  map.once("remove", () => {
    window.removeEventListener("eyrie-theme", restyle);
    system.removeEventListener("change", restyle);
  });
  return map;
}

/** The ground that files show: drawn faintly, since it is an estimate. */
export function addGround(map: MapLibre, data: FeatureCollection, chosen?: string | null) {
  const c = colours();
  map.addSource("ground", { type: "geojson", data });
  map.addLayer({ id: "ground", type: "fill", source: "ground", paint: { "fill-color": c.accent, "fill-opacity": 0.07 } });
  map.addLayer({ id: "ground-edge", type: "line", source: "ground", paint: { "line-color": c.accent, "line-width": 1, "line-opacity": 0.3 } });
  map.addLayer({ id: "ground-chosen", type: "line", source: "ground", filter: ["==", ["get", "media_id"], chosen ?? ""], paint: { "line-color": c.accent, "line-width": 2.5 } });
}
export const NO_GROUND = EMPTY;

const METRES_A_DEGREE = 111_320;
const GRID_FROM_ZOOM = 8;
const WANTED_PX = 110;

/** Lines a round number of metres apart (1, 2, 5 and their tens), where outlines tell nothing more. */
function grid(map: MapLibre): FeatureCollection {
  if (map.getZoom() < GRID_FROM_ZOOM) return EMPTY;
  const bounds = map.getBounds();
  const lat = map.getCenter().lat;
  const perPixel = (156_543.034 * Math.cos((lat * Math.PI) / 180)) / 2 ** map.getZoom() / 2;
  const wanted = perPixel * WANTED_PX;
  const ten = 10 ** Math.floor(Math.log10(wanted));
  const step = [1, 2, 5, 10].map((n) => n * ten).find((n) => n >= wanted) ?? ten * 10;
  const stepLat = step / METRES_A_DEGREE;
  const stepLng = stepLat / Math.max(0.05, Math.cos((Math.round(lat) * Math.PI) / 180));
  const features: Feature<LineString>[] = [];
  const line = (from: [number, number], to: [number, number]) =>
    features.push({ type: "Feature", properties: {}, geometry: { type: "LineString", coordinates: [from, to] } });
  for (let x = Math.floor(bounds.getWest() / stepLng) * stepLng; x <= bounds.getEast(); x += stepLng) line([x, bounds.getSouth()], [x, bounds.getNorth()]);
  for (let y = Math.floor(bounds.getSouth() / stepLat) * stepLat; y <= bounds.getNorth(); y += stepLat) line([bounds.getWest(), y], [bounds.getEast(), y]);
  return { type: "FeatureCollection", features };
}

const WEDGE_PX = 48;

/** A wedge that points north: where a camera looked, turned by its yaw. */
export function addWedge(map: MapLibre) {
  if (map.hasImage("wedge")) return;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = WEDGE_PX;
  const context = canvas.getContext("2d");
  if (!context) return;
  const middle = WEDGE_PX / 2;
  const fade = context.createRadialGradient(middle, middle, 4, middle, middle, middle);
  const { accent } = colours();
  fade.addColorStop(0, accent);
  fade.addColorStop(1, `${accent}00`);
  context.fillStyle = fade;
  context.beginPath();
  context.moveTo(middle, middle);
  context.arc(middle, middle, middle, (-120 / 180) * Math.PI, (-60 / 180) * Math.PI);
  context.fill();
  map.addImage("wedge", context.getImageData(0, 0, WEDGE_PX, WEDGE_PX), { pixelRatio: 2 });
}
