// Two pictures of one place over each other, with an edge between them that is drawn to and fro: two dates, or two cameras of one
// trigger. Both are zoomed and moved together.
import { useQuery } from "@tanstack/react-query";
import { X } from "lucide-react";
import { useLayoutEffect, useRef, useState, type CSSProperties } from "react";
import { mediaUrl, type MediaDetail, type MediaItem } from "../api/client";
import { media } from "../api/queries";
import { t } from "../i18n";
import { useHere } from "../shell/context";
import { useTimes } from "../ui/site";
import { previewUrl } from "./photo";
import { useZoom } from "./zoom";

type Props = { item: MediaDetail; other: MediaItem; open: (item: MediaItem) => void; close: () => void };

export function Compare({ item, other, open, close }: Props) {
  const { dateTime } = useTimes();
  const { ws } = useHere();
  const [edge, setEdge] = useState(50);
  const [failed, setFailed] = useState<MediaItem | null>(null);
  const ref = useRef<HTMLDivElement>(null);
  const zoom = useZoom(ref);
  const stage = useSize(ref);
  const detail = useQuery(media(ws, other.id)).data;
  const sameTrigger = item.capture_uuid !== null && item.capture_uuid === other.capture_uuid;
  const label = (one: MediaItem) => (sameTrigger || !one.captured_at ? cameraWord(one) : dateTime(one.captured_at));
  const sizes = sameTrigger ? fitted(stage, item, detail) : null;
  const picture = (one: MediaItem, size: CSSProperties | undefined) => (
    <div className="sized" style={size}>
      <img src={previewUrl(ws, one)} alt={`${one.name}, ${label(one)}`} draggable={false} onError={() => setFailed(one)} />
      {zoom.near && <img src={mediaUrl(ws, one.id, "content")} alt="" aria-hidden draggable={false} />}
    </div>
  );
  return (
    <div className="compare" role="group" aria-label={t.look.compared(label(item), label(other))} data-other={other.id}>
      <div ref={ref} className={`photo${zoom.scale > 1 ? " zoomed" : ""}`} {...zoom.handlers}>
        <div className="moved" style={zoom.style}>{picture(item, sizes?.[0])}</div>
        {/* the edge stays where it is on the screen while the pictures move under it */}
        <div className="over" style={{ clipPath: `inset(0 0 0 ${edge}%)` }}>
          <div className="moved" style={zoom.style}>{picture(other, sizes?.[1])}</div>
        </div>
      </div>
      <div className="edge" style={{ left: `${edge}%` }} aria-hidden><span /></div>
      <Grip edge={edge} setEdge={setEdge} stage={ref} text={t.look.shares(label(item), Math.round(edge))} />
      <span className="side before">{label(item)}</span>
      <button className="side after" onClick={() => open(other)} title={t.look.openOther}>{label(other)}</button>
      <button className="side end" onClick={close} title={`${t.look.endCompare} (C)`}><X className="icon" aria-hidden />{t.look.endCompare}</button>
      {failed && <p className="side failed" role="alert">{t.look.noPreview(failed.name)}</p>}
    </div>
  );
}

/** The handle: drawn with the pointer, or moved with the keys of a slider. */
function Grip({ edge, setEdge, stage, text }: { edge: number; setEdge: (edge: number) => void; stage: React.RefObject<HTMLElement | null>; text: string }) {
  const held = useRef(false);
  const to = (clientX: number) => {
    const box = stage.current?.getBoundingClientRect();
    if (box && box.width > 0) setEdge(Math.min(100, Math.max(0, ((clientX - box.left) / box.width) * 100)));
  };
  return (
    <button
      className="grip" role="slider" aria-label={t.look.edge} aria-orientation="horizontal" aria-valuemin={0} aria-valuemax={100} aria-valuenow={Math.round(edge)} aria-valuetext={text} style={{ left: `${edge}%` }}
      onPointerDown={(event) => (event.currentTarget.setPointerCapture(event.pointerId), (held.current = true))}
      onPointerMove={(event) => held.current && to(event.clientX)}
      onPointerUp={() => (held.current = false)} onPointerCancel={() => (held.current = false)}
      onKeyDown={(event) => {
        const wanted = { ArrowLeft: edge - 5, ArrowRight: edge + 5, Home: 0, End: 100, PageUp: edge + 25, PageDown: edge - 25 }[event.key];
        if (wanted === undefined) return;
        event.preventDefault();
        event.stopPropagation();
        setEdge(Math.min(100, Math.max(0, wanted)));
      }}
    />
  );
}

export const cameraWord = (item: MediaItem) =>
  (t.filters.cameras as Record<string, string>)[item.camera ?? ""] ?? item.camera ?? t.kinds.one[item.kind];

type Size = { width: number; height: number };

function useSize(ref: React.RefObject<HTMLElement | null>): Size {
  const [size, setSize] = useState<Size>({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    const watch = new ResizeObserver(() => setSize({ width: element.clientWidth, height: element.clientHeight }));
    watch.observe(element);
    return () => watch.disconnect();
  }, [ref]);
  return size;
}

/** Cameras of one trigger see more or less of the scene: each is drawn as large as its focal length says, so that things lie on themselves. */
function fitted(stage: Size, item: MediaDetail, other: MediaDetail | undefined): [CSSProperties, CSSProperties] | null {
  if (!other || stage.width === 0) return null;
  const focal = [focalLength(item), focalLength(other)] as const;
  if (!focal[0] || !focal[1] || !item.width_px || !item.height_px || !other.width_px || !other.height_px) return null;
  const scale = Math.min(stage.width / item.width_px, stage.height / item.height_px);
  // focal lengths "of 35 mm film" compare diagonals
  const diagonal = Math.hypot(item.width_px, item.height_px) * scale * (focal[0] / focal[1]);
  const otherScale = diagonal / Math.hypot(other.width_px, other.height_px);
  const size = (one: MediaDetail, by: number) => ({ width: (one.width_px ?? 0) * by, height: (one.height_px ?? 0) * by });
  return [size(item, scale), size(other, otherScale)];
}

function focalLength(item: MediaDetail): number | null {
  const { photo } = item.metadata as { photo?: { exposure?: { focal_length_35mm_mm?: number | null; digital_zoom?: number | null } } };
  const length = photo?.exposure?.focal_length_35mm_mm;
  return typeof length === "number" && length > 0 ? length : null;
}
