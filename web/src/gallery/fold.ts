// The pictures of one trigger (wide, zoom, thermal) as one: the widest stands for all.
import type { MediaItem } from "../api/client";

const ORDER = ["wide", "visible", "zoom", "thermal"];
const rank = (item: MediaItem) => {
  const at = ORDER.indexOf(item.camera ?? "");
  return at < 0 ? ORDER.length : at;
};
export const byCamera = (a: MediaItem, b: MediaItem) => rank(a) - rank(b);

export type Folded = { items: MediaItem[]; others: Map<string, MediaItem[]> };

/** Keeps the order; `others` has those that each shown item stands for. */
export function fold(all: MediaItem[]): Folded {
  const groups = new Map<string, MediaItem[]>();
  for (const item of all) {
    if (item.capture_uuid === null) continue;
    const group = groups.get(item.capture_uuid);
    if (group) group.push(item);
    else groups.set(item.capture_uuid, [item]);
  }
  const others = new Map<string, MediaItem[]>();
  const items = all.filter((item) => {
    const group = item.capture_uuid === null ? undefined : groups.get(item.capture_uuid);
    if (!group || group.length < 2) return true;
    const first = group.reduce((best, one) => (byCamera(one, best) < 0 ? one : best));
    if (first !== item) return false;
    others.set(item.id, group.filter((one) => one !== item));
    return true;
  });
  return { items, others };
}
