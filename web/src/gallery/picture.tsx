// A small picture of a file: its average colour first, then the thumbnail, or a tile with its name where there is none.
import { Box, Clapperboard, Film, FileText, Image, ImageOff, Satellite, Thermometer, type LucideIcon } from "lucide-react";
import { memo, useState } from "react";
import { thumbHashToApproximateAspectRatio, thumbHashToDataURL } from "thumbhash";
import { mediaUrl, type MediaItem, type MediaKind } from "../api/client";
import { t } from "../i18n";

const kindIcons: Record<MediaKind, LucideIcon> = {
  photo: Image, video: Film, panorama: Image, thermal: Thermometer, subtitle: FileText, ppk: Satellite, rtcm: Satellite, other: Box,
};
const PICTURED = new Set<MediaKind>(["photo", "video", "panorama", "thermal"]);

export const isPictured = (item: MediaItem) => PICTURED.has(item.kind) && item.status === "stored";

const DEFAULT_ASPECT = 4 / 3;
/** Wider and taller pictures are cut in a grid: a 1:8 panorama would be a line. */
const WIDEST = 3.2;
const TALLEST = 0.5;

export function aspect(item: { kind: MediaKind; width_px?: number | null; height_px?: number | null; thumbhash?: string | null }): number {
  const { width_px: width, height_px: height } = item;
  let ratio = DEFAULT_ASPECT;
  if (width && height) ratio = width / height;
  else if (item.thumbhash) ratio = thumbHashToApproximateAspectRatio(bytesOf(item.thumbhash));
  else if (item.kind === "video") ratio = 16 / 9;
  return Math.min(WIDEST, Math.max(TALLEST, ratio));
}

function bytesOf(base64: string): Uint8Array {
  try {
    return Uint8Array.from(atob(base64.replace(/-/g, "+").replace(/_/g, "/")), (char) => char.charCodeAt(0));
  } catch {
    return new Uint8Array(8);
  }
}

/** The blurred placeholder as a CSS background. */
export const placeholderOf = (thumbhash: string | null) => (thumbhash ? `url(${thumbHashToDataURL(bytesOf(thumbhash))})` : undefined);

export const thumbnailUrl = (ws: string, item: MediaItem) => `${mediaUrl(ws, item.id, "thumbnail")}?v=${encodeURIComponent(item.updated_at)}`;

export const Picture = memo(function Picture({ ws, item, eager, bare }: { ws: string; item: MediaItem; eager?: boolean; bare?: boolean }) {
  const url = isPictured(item) ? thumbnailUrl(ws, item) : null;
  const [failed, setFailed] = useState<string | null>(null);
  const Glyph = item.status === "missing" ? ImageOff : item.kind === "video" ? Clapperboard : kindIcons[item.kind];
  if (!url || failed === url)
    return (
      <span className="picture tile">
        <Glyph className="icon" aria-hidden />
        {!bare && <span className="name">{item.name}</span>}
      </span>
    );
  // no fading, no blur: hundreds pass by in a second, and every moving layer costs a frame
  return (
    <span className="picture" style={{ backgroundColor: item.average_color ?? undefined }}>
      <img src={url} alt="" loading={eager ? "eager" : "lazy"} decoding="async" draggable={false} onError={() => setFailed(url)} />
      {item.kind === "video" && (
        <span className="badge" title={t.kinds.video}>
          <Film className="icon" aria-hidden />
        </span>
      )}
    </span>
  );
});
