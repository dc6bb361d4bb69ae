// What lies below the files besides the outlines of the world: tiles of a server or a PMTiles file, as the operator named them.
import * as maplibre from "maplibre-gl";
import type { LayerSpecification, Map as MapLibre, SourceSpecification } from "maplibre-gl";
import { api, ok } from "../api/client";
import { colours } from "./base";

type Background = { source: SourceSpecification; vector: boolean; layers: Set<string> | null };

let asked: Promise<Background | null> | undefined;

/** Null when only the outlines are there. Asked once; again after a failure. */
function readBackground(): Promise<Background | null> {
  asked ??= read();
  asked.catch(() => (asked = undefined));
  return asked;
}

async function read(): Promise<Background | null> {
  const map = await ok(api.GET("/api/v1/map"));
  if (map.pmtiles) return readPmtiles(location.origin + map.pmtiles);
  if (!map.tiles) return null;
  const { url, vector, attribution, max_zoom } = map.tiles;
  const tiles = { tiles: [url], maxzoom: max_zoom, attribution: escaped(attribution) };
  return { source: vector ? { type: "vector", ...tiles } : { type: "raster", tileSize: 256, ...tiles }, vector, layers: null };
}

const MVT = 1;
let protocol: { add: (archive: never) => void } | undefined;

async function readPmtiles(url: string): Promise<Background> {
  const { PMTiles, Protocol } = await import("pmtiles");
  const archive = new PMTiles(url);
  if (!protocol) {
    const made = new Protocol({ metadata: true });
    maplibre.addProtocol("pmtiles", made.tile);
    protocol = made as { add: (archive: never) => void };
  }
  protocol.add(archive as never);
  const [header, metadata] = await Promise.all([archive.getHeader(), archive.getMetadata() as Promise<Metadata | null>]);
  const vector = header.tileType === MVT;
  const source = { url: `pmtiles://${url}`, attribution: escaped(metadata?.attribution ?? "") };
  const layers = metadata?.vector_layers?.map((layer) => layer.id);
  return { source: vector ? { type: "vector", ...source } : { type: "raster", tileSize: 256, ...source }, vector, layers: layers ? new Set(layers) : null };
}

type Metadata = { attribution?: string; vector_layers?: { id: string }[] };

/** An attribution is text, whatever it contains. */
function escaped(text: string): string {
  const element = document.createElement("span");
  element.textContent = text.replace(/<[^>]*>/g, "");
  return element.innerHTML;
}

/** Puts the background below everything but the outlines; `below` is the first layer above it. */
export async function addBackground(map: MapLibre, below: string) {
  const background = await readBackground();
  if (!background || map.getSource("background") || !map.getLayer(below)) return;
  map.addSource("background", background.source);
  if (!background.vector) {
    map.addLayer({ id: "background", type: "raster", source: "background" }, below);
  } else {
    for (const layer of vectorLayers()) {
      const name = "source-layer" in layer ? layer["source-layer"] : undefined;
      if (!background.layers || !name || background.layers.has(name)) map.addLayer(layer, below);
    }
  }
  for (const id of ["grid", "borders"]) map.setLayoutProperty(id, "visibility", "none");
}

/** Muted, and good for both common schemas: Protomaps' names and OpenMapTiles'. */
function vectorLayers(): LayerSpecification[] {
  const c = colours();
  const source = "background";
  const layers: LayerSpecification[] = [{ id: "bg-land", type: "background", paint: { "background-color": c.land } }];
  for (const name of ["landcover", "landuse", "park", "natural"]) {
    layers.push({ id: `bg-${name}`, type: "fill", source, "source-layer": name, filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": c.green, "fill-opacity": 0.5 } });
  }
  layers.push({ id: "bg-water", type: "fill", source, "source-layer": "water", filter: ["==", ["geometry-type"], "Polygon"], paint: { "fill-color": c.water } });
  for (const name of ["waterway", "physical_line"]) layers.push({ id: `bg-${name}`, type: "line", source, "source-layer": name, paint: { "line-color": c.water, "line-width": 1.5 } });
  for (const name of ["building", "buildings"]) layers.push({ id: `bg-${name}`, type: "fill", source, "source-layer": name, minzoom: 13, paint: { "fill-color": c.border, "fill-opacity": 0.6 } });
  for (const name of ["transportation", "roads"]) {
    layers.push({ id: `bg-${name}`, type: "line", source, "source-layer": name, paint: { "line-color": c.road, "line-width": ["interpolate", ["exponential", 1.5], ["zoom"], 6, 0.4, 13, 1.2, 18, 8] } });
  }
  for (const name of ["boundary", "boundaries"]) layers.push({ id: `bg-${name}`, type: "line", source, "source-layer": name, paint: { "line-color": c.border, "line-width": 1 } });
  for (const name of ["place", "places"]) {
    layers.push({
      id: `bg-${name}`, type: "symbol", source, "source-layer": name,
      layout: { "text-field": ["coalesce", ["get", "name"], ""], "text-font": ["Inter Variable", "sans-serif"], "text-size": 12 },
      paint: { "text-color": c.ink, "text-halo-color": c.land, "text-halo-width": 1.2 },
    });
  }
  return layers;
}
