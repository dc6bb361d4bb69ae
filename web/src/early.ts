// What the first page needs is asked for before anything is drawn: its code, who is logged in and its first list come side by side
// instead of one after the other.
import type { QueryClient } from "@tanstack/react-query";
import { docks, flightCounts, session, workspaces } from "./api/queries";
import { countsOf } from "./gallery/days";

/** Code that comes with its page. */
export const code = {
  flight: () => import("./flights/flight"),
  gallery: () => import("./gallery/gallery"),
  albums: () => import("./albums/albums"),
  album: () => import("./albums/album"),
  links: () => import("./share/links"),
  stranger: () => import("./share/stranger"),
  trash: () => import("./gallery/trash"),
  item: () => import("./item/item"),
  map: () => import("./map/page"),
  docks: () => import("./docks/docks"),
  dock: () => import("./docks/dock"),
  admin: () => import("./admin/admin"),
};

/** By the word behind the workspace: the list's code, and that of one of it. */
const sections: Record<string, [list?: keyof typeof code, one?: keyof typeof code]> = {
  flights: [undefined, "flight"], gallery: ["gallery"], media: [undefined, "item"], map: ["map"], albums: ["albums", "album"], shares: ["links"], docks: ["docks", "dock"],
  trash: ["trash"], admin: ["admin", "admin"],
};

export function askEarly(client: QueryClient) {
  const [, place, name, section = "", id] = location.pathname.split("/");
  if (place === "share") return void code.stranger().catch(() => undefined);
  if (place !== "w" || !name) return;
  void client.prefetchQuery(session);
  void client.prefetchQuery(workspaces);
  const wanted = sections[section]?.[id ? 1 : 0];
  // a page whose code does not come says so when it is drawn
  if (wanted) code[wanted]().catch(() => undefined);
  let ws: string;
  try {
    ws = decodeURIComponent(name);
  } catch {
    return;
  }
  if (section === "flights" && !id) void client.prefetchQuery(flightCounts(ws));
  if (section === "flights" || section === "docks") void client.prefetchQuery(docks(ws));
  const counts = section === "gallery" && countsOf(ws, new URLSearchParams(location.search));
  if (counts) void client.prefetchQuery(counts);
}
