// A photo that fills the stage, sharper as one comes nearer: placeholder, preview, and the original when zoomed.
import { FileQuestion, LoaderCircle } from "lucide-react";
import { useEffect, useRef, useState, type PointerEvent } from "react";
import { mediaUrl, type MediaItem } from "../api/client";
import { thumbnailUrl } from "../gallery/picture";
import { t } from "../i18n";
import { useHere } from "../shell/context";
import { isTyping } from "../ui/parts";

type Zoom = { scale: number; x: number; y: number };
const WHOLE: Zoom = { scale: 1, x: 0, y: 0 };
const MAX_SCALE = 16;

export function Photo({ item }: { item: MediaItem }) {
  const { ws } = useHere();
  const preview = `${mediaUrl(ws, item.id, "preview")}?v=${encodeURIComponent(item.updated_at)}`;
  const original = mediaUrl(ws, item.id, "content");
  const [zoom, setZoom] = useState(WHOLE);
  const [base, setBase] = useState<"preview" | "original" | "none">("preview");
  const [loaded, setLoaded] = useState(false);
  const [sharp, setSharp] = useState(false);
  const [thumbnail, setThumbnail] = useState(true);
  const ref = useRef<HTMLDivElement>(null);
  const pointers = useRef(new Map<number, { x: number; y: number }>());

  /** Zooms by `factor` around a point of the stage, never beyond the picture's edges. */
  const around = (factor: number, clientX: number, clientY: number) =>
    setZoom((before) => {
      const box = ref.current?.getBoundingClientRect();
      if (!box) return before;
      const scale = Math.min(MAX_SCALE, Math.max(1, before.scale * factor));
      const x = clientX - box.left - box.width / 2;
      const y = clientY - box.top - box.height / 2;
      const ratio = scale / before.scale;
      return inside({ scale, x: x - (x - before.x) * ratio, y: y - (y - before.y) * ratio }, box);
    });
  const middle = (factor: number) => {
    const box = ref.current?.getBoundingClientRect();
    if (box) around(factor, box.left + box.width / 2, box.top + box.height / 2);
  };

  useEffect(() => {
    const element = ref.current;
    const wheel = (event: WheelEvent) => {
      event.preventDefault();
      around(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.002)), event.clientX, event.clientY);
    };
    const press = (event: KeyboardEvent) => {
      if (isTyping(event)) return;
      if (event.key === "+" || event.key === "=") middle(1.5);
      else if (event.key === "-") middle(1 / 1.5);
      else if (event.key === "0") setZoom(WHOLE);
    };
    element?.addEventListener("wheel", wheel, { passive: false });
    document.addEventListener("keydown", press);
    return () => {
      element?.removeEventListener("wheel", wheel);
      document.removeEventListener("keydown", press);
    };
  });

  const down = (event: PointerEvent) => {
    event.currentTarget.setPointerCapture(event.pointerId);
    pointers.current.set(event.pointerId, { x: event.clientX, y: event.clientY });
  };
  const move = (event: PointerEvent) => {
    const known = pointers.current;
    const last = known.get(event.pointerId);
    if (!last) return;
    const others = [...known].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
    const other = others[0];
    if (other) {
      const distance = (point: { x: number; y: number }) => Math.hypot(point.x - other.x, point.y - other.y) || 1;
      around(distance({ x: event.clientX, y: event.clientY }) / distance(last), (event.clientX + other.x) / 2, (event.clientY + other.y) / 2);
    } else if (zoom.scale > 1) {
      const box = ref.current?.getBoundingClientRect();
      if (box) setZoom((before) => inside({ ...before, x: before.x + event.clientX - last.x, y: before.y + event.clientY - last.y }, box));
    }
    known.set(event.pointerId, { x: event.clientX, y: event.clientY });
  };
  const up = (event: PointerEvent) => pointers.current.delete(event.pointerId);

  if (base === "none") return <NoPicture item={item} />;
  const style = { transform: `translate(${zoom.x}px, ${zoom.y}px) scale(${zoom.scale})` };
  return (
    <div
      ref={ref} className={`photo${zoom.scale > 1 ? " zoomed" : ""}`} onPointerDown={down} onPointerMove={move} onPointerUp={up} onPointerCancel={up}
      onDoubleClick={(event) => (zoom.scale > 1 ? setZoom(WHOLE) : around(3, event.clientX, event.clientY))}
    >
      {!loaded && thumbnail && <img className="under" src={thumbnailUrl(ws, item)} alt="" aria-hidden onError={() => setThumbnail(false)} />}
      <img
        className={loaded ? "" : "waiting"} src={base === "preview" ? preview : original} alt={item.name} draggable={false} style={style}
        onLoad={() => setLoaded(true)} onError={() => setBase(base === "preview" ? "original" : "none")}
      />
      {zoom.scale > 1.2 && base === "preview" && (
        <img className={sharp ? "" : "waiting"} src={original} alt="" aria-hidden draggable={false} style={style} onLoad={() => setSharp(true)} />
      )}
      {zoom.scale > 1.2 && base === "preview" && !sharp && (
        <span className="sharpening"><LoaderCircle className="icon spin" aria-hidden />{t.item.loadingOriginal}</span>
      )}
      {zoom.scale > 1 && <button className="whole" onClick={() => setZoom(WHOLE)}>{Math.round(zoom.scale * 100)} %</button>}
    </div>
  );
}

function inside({ scale, x, y }: Zoom, box: DOMRect): Zoom {
  const reach = { x: (box.width * (scale - 1)) / 2, y: (box.height * (scale - 1)) / 2 };
  return { scale, x: Math.min(reach.x, Math.max(-reach.x, x)), y: Math.min(reach.y, Math.max(-reach.y, y)) };
}

/** What stands in a picture's place, and why. */
export function NoPicture({ item }: { item: MediaItem }) {
  return (
    <div className="no-picture">
      <FileQuestion className="icon" aria-hidden />
      <p><strong>{item.status === "missing" ? t.item.isMissing : item.status === "quarantined" ? t.item.isQuarantined : t.item.noPicture[item.kind] ?? t.item.noPicture.other}</strong></p>
      <p>{item.status === "missing" ? t.item.isMissingHelp : item.status === "quarantined" ? t.item.isQuarantinedHelp : item.warnings.length > 0 ? item.warnings.join(". ") : t.item.rawHelp}</p>
    </div>
  );
}
