// Coming nearer to a picture: wheel, two fingers, double press and keys; the picture stays within its stage.
import { useEffect, useRef, useState, type MouseEvent, type PointerEvent, type RefObject } from "react";
import { isTyping } from "../ui/parts";

export type Zoom = { scale: number; x: number; y: number };
const WHOLE: Zoom = { scale: 1, x: 0, y: 0 };
const MAX_SCALE = 16;
/** From here on the original is worth its bytes. */
const NEAR = 1.2;
const STEP = 3;
const SWIPE_PX = 50;

/** `onSwipe`: a finger drew the whole picture aside, -1 to the left. */
export function useZoom(ref: RefObject<HTMLElement | null>, onSwipe?: (by: -1 | 1) => void) {
  const [zoom, setZoom] = useState(WHOLE);
  const pointers = useRef(new Map<number, { x: number; y: number }>());
  /** Where the one finger went down that may become a swipe. */
  const swipe = useRef<{ x: number; y: number } | null>(null);

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
  const whole = () => setZoom(WHOLE);

  useEffect(() => {
    const element = ref.current;
    const wheel = (event: WheelEvent) => {
      event.preventDefault();
      around(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.002)), event.clientX, event.clientY);
    };
    const press = (event: KeyboardEvent) => {
      if (isTyping(event) || (event.target instanceof HTMLElement && event.target.closest(".maplibregl-map"))) return;
      if (event.key === "+" || event.key === "=") middle(1.5);
      else if (event.key === "-") middle(1 / 1.5);
      else if (event.key === "0") whole();
      else if (event.key.toLowerCase() === "z") {
        if (zoom.scale > 1) whole();
        else middle(STEP);
      }
    };
    element?.addEventListener("wheel", wheel, { passive: false });
    document.addEventListener("keydown", press);
    return () => {
      element?.removeEventListener("wheel", wheel);
      document.removeEventListener("keydown", press);
    };
  });

  const onPointerDown = (event: PointerEvent) => {
    event.currentTarget.setPointerCapture(event.pointerId);
    pointers.current.set(event.pointerId, { x: event.clientX, y: event.clientY });
    const alone = event.pointerType === "touch" && pointers.current.size === 1 && zoom.scale === 1;
    swipe.current = alone ? { x: event.clientX, y: event.clientY } : null;
  };
  const onPointerMove = (event: PointerEvent) => {
    const known = pointers.current;
    const last = known.get(event.pointerId);
    if (!last) return;
    const other = [...known].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const distance = (point: { x: number; y: number }) => Math.hypot(point.x - other.x, point.y - other.y) || 1;
      around(distance({ x: event.clientX, y: event.clientY }) / distance(last), (event.clientX + other.x) / 2, (event.clientY + other.y) / 2);
    } else if (zoom.scale > 1) {
      const box = ref.current?.getBoundingClientRect();
      if (box) setZoom((before) => inside({ ...before, x: before.x + event.clientX - last.x, y: before.y + event.clientY - last.y }, box));
    }
    known.set(event.pointerId, { x: event.clientX, y: event.clientY });
  };
  const onPointerCancel = (event: PointerEvent) => {
    pointers.current.delete(event.pointerId);
    swipe.current = null;
  };
  const onPointerUp = (event: PointerEvent) => {
    const from = swipe.current;
    onPointerCancel(event);
    if (!from) return;
    const [x, y] = [event.clientX - from.x, event.clientY - from.y];
    if (Math.abs(x) > SWIPE_PX && Math.abs(x) > 2 * Math.abs(y)) onSwipe?.(x < 0 ? -1 : 1);
  };
  const onDoubleClick = (event: MouseEvent) => (zoom.scale > 1 ? whole() : around(STEP, event.clientX, event.clientY));

  return {
    scale: zoom.scale,
    near: zoom.scale > NEAR,
    whole,
    style: { transform: `translate(${zoom.x}px, ${zoom.y}px) scale(${zoom.scale})` },
    handlers: { onPointerDown, onPointerMove, onPointerUp, onPointerCancel, onDoubleClick },
  };
}

function inside({ scale, x, y }: Zoom, box: DOMRect): Zoom {
  const reach = { x: (box.width * (scale - 1)) / 2, y: (box.height * (scale - 1)) / 2 };
  return { scale, x: Math.min(reach.x, Math.max(-reach.x, x)), y: Math.min(reach.y, Math.max(-reach.y, y)) };
}
