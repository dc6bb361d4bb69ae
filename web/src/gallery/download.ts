// What leaves the library for a disk: one file as it is, several as a zip, a selection as a list for other programs.
import { api, mediaUrl, ok, Refusal, type MediaItem } from "../api/client";
import { t } from "../i18n";
import { toast } from "../ui/parts";

/** Hands an address to the browser's own downloads, which show progress and resume. */
function fetchUrl(url: string, name = "") {
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
}

export function downloadFile(ws: string, item: MediaItem) {
  fetchUrl(`${mediaUrl(ws, item.id, "content")}?download=true`, item.name);
}

/** Plans a zip and starts its download. Never throws: what went wrong is told. */
export async function downloadZip(ws: string, wanted: { media_ids: string[] } | { flight_id: string } | { filter: Record<string, string>; name?: string }) {
  try {
    const made = await ok(api.POST("/api/v1/workspaces/{ws}/archives", { params: { path: { ws } }, body: { media_ids: null, flight_id: null, name: null, ...wanted } }));
    fetchUrl(made.url);
  } catch (error) {
    toast(t.download.failed(error instanceof Refusal && error.status > 0 ? error.detail : t.download.noAnswer));
  }
}

export type ListFormat = "csv" | "geojson" | "kml";

/** Saves files' names, times and places for a spreadsheet or a GIS. Never throws. */
export async function downloadList(ws: string, media_ids: string[], format: ListFormat) {
  try {
    const call = api.POST("/api/v1/workspaces/{ws}/media/export", { params: { path: { ws } }, body: { media_ids, format }, parseAs: "blob" });
    const url = URL.createObjectURL((await ok(call)) as unknown as Blob);
    fetchUrl(url, `media.${format}`);
    setTimeout(() => URL.revokeObjectURL(url), 60_000);
  } catch (error) {
    toast(t.download.failed(error instanceof Refusal && error.status > 0 ? error.detail : t.download.noAnswer));
  }
}
