// A photo that fills the stage, sharper as one comes nearer: placeholder, preview, and the original when zoomed.
import { FileQuestion, LoaderCircle } from "lucide-react";
import { useRef, useState } from "react";
import { mediaUrl, type MediaItem } from "../api/client";
import { thumbnailUrl } from "../gallery/picture";
import { t } from "../i18n";
import { useHere } from "../shell/context";
import { isUnknown } from "./trouble";
import { useZoom } from "./zoom";

export const previewUrl = (ws: string, item: MediaItem) => `${mediaUrl(ws, item.id, "preview")}?v=${encodeURIComponent(item.etag ?? item.updated_at)}`;

export function Photo({ item, onSwipe }: { item: MediaItem; onSwipe?: (by: -1 | 1) => void }) {
  const { ws } = useHere();
  const original = mediaUrl(ws, item.id, "content");
  const [base, setBase] = useState<"preview" | "original" | "none">("preview");
  const [loaded, setLoaded] = useState(false);
  const [sharp, setSharp] = useState(false);
  const [thumbnail, setThumbnail] = useState(true);
  const ref = useRef<HTMLDivElement>(null);
  const zoom = useZoom(ref, onSwipe);

  if (base === "none") return <NoPicture item={item} />;
  return (
    <div ref={ref} className={`photo${zoom.scale > 1 ? " zoomed" : ""}`} {...zoom.handlers}>
      {!loaded && thumbnail && <img className="under" src={thumbnailUrl(ws, item)} alt="" aria-hidden onError={() => setThumbnail(false)} />}
      <img
        className={loaded ? "" : "waiting"} src={base === "preview" ? previewUrl(ws, item) : original} alt={item.name} draggable={false} style={zoom.style}
        onLoad={() => setLoaded(true)} onError={() => setBase(base === "preview" ? "original" : "none")}
      />
      {zoom.near && base === "preview" && (
        <img className={sharp ? "sharp" : "waiting"} src={original} alt="" aria-hidden draggable={false} style={zoom.style} onLoad={() => setSharp(true)} />
      )}
      {zoom.near && base === "preview" && !sharp && (
        <span className="sharpening"><LoaderCircle className="icon spin" aria-hidden />{t.item.loadingOriginal}</span>
      )}
      {zoom.scale > 1 && <button className="whole" onClick={zoom.whole}>{Math.round(zoom.scale * 100)} %</button>}
    </div>
  );
}

/** What stands in a picture's place, and why. */
export function NoPicture({ item }: { item: MediaItem }) {
  return (
    <div className="no-picture">
      <FileQuestion className="icon" aria-hidden />
      <p><strong>{item.status === "missing" ? t.item.isMissing : item.status === "quarantined" ? t.item.isQuarantined : t.item.noPicture[item.kind] ?? t.item.noPicture.other}</strong></p>
      <p>{item.status === "missing" ? t.item.isMissingHelp : item.status === "quarantined" ? t.item.isQuarantinedHelp : item.warnings.length > 0 && !isUnknown(item) ? item.warnings.join(". ") : t.item.rawHelp}</p>
    </div>
  );
}
