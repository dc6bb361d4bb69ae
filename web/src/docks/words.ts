// What docks and the server say to each other, in words.
import type { DockItem, TraceItem } from "../api/client";
import { t } from "../i18n";
import type { Tone } from "../ui/parts";

export const methodWord = (method: string | null) => (method === null ? t.trace.unnamed : ((t.trace.methods as Record<string, string>)[method] ?? t.trace.unknown(method)));

export const dockTone = (dock: DockItem): Tone => (dock.disabled ? "failed" : dock.online ? "good" : dock.last_seen_at ? "attention" : "idle");
export const dockState = (dock: DockItem) =>
  dock.disabled ? t.docks.disabled : dock.online ? t.docks.online : dock.last_seen_at ? t.docks.offline : t.docks.neverSeen;

export const stepWord = (code: number | null) => (code === null ? null : ((t.docks.steps as Record<number, string>)[code] ?? null));

/** The file that a report names. */
export function fileOf(entry: TraceItem): string | null {
  const asked = entry.asked as { file?: { name?: unknown; object_key?: unknown } } | null;
  const name = asked?.file?.name ?? asked?.file?.object_key;
  return typeof name === "string" ? name.slice(name.lastIndexOf("/") + 1) : null;
}

export const MODELS: Record<string, string> = { "3-1-0": "DJI Dock", "3-2-0": "DJI Dock 2", "3-3-0": "DJI Dock 3" };
export const modelWord = (key: string | null) => (key === null ? null : (MODELS[key] ?? key));
const AIRCRAFT: Record<string, string> = {
  "0-60-0": "Matrice 300 RTK", "0-67-0": "Matrice 30", "0-67-1": "Matrice 30T", "0-77-0": "Mavic 3E", "0-77-1": "Mavic 3T", "0-89-0": "Matrice 350 RTK",
  "0-91-0": "Matrice 3D", "0-91-1": "Matrice 3TD", "0-99-0": "Matrice 4E", "0-99-1": "Matrice 4T", "0-100-0": "Matrice 4D", "0-100-1": "Matrice 4TD",
};
export const aircraftWord = (key: string | null) => (key === null ? null : (AIRCRAFT[key] ?? key));
