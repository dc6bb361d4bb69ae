// The strip of a flight: every picture at its place in the width of all, and only those near what is in sight drawn. A flight has thousands.
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { Link } from "wouter";
import type { MediaItem } from "../api/client";
import { Picture } from "../gallery/picture";
import { t } from "../i18n";
import { useHere } from "../shell/context";
import { useTimes } from "../ui/site";

const WIDTH = 134;
const GAP = 3;
const STEP = WIDTH + GAP;
/** Drawn on each side beyond what is in sight. */
const BEYOND = 6;

export function Film({ items, current, choose, link }: { items: MediaItem[]; current: string | null; choose: (id: string) => void; link: (item: MediaItem) => string }) {
  const { ws } = useHere();
  const { clockSeconds } = useTimes();
  const ref = useRef<HTMLDivElement>(null);
  const [range, setRange] = useState({ from: 0, to: 0 });
  const read = useCallback(() => {
    const { scrollLeft = 0, clientWidth = 0 } = ref.current ?? {};
    const from = Math.max(0, Math.floor(scrollLeft / STEP) - BEYOND);
    const to = Math.ceil((scrollLeft + clientWidth) / STEP) + BEYOND;
    setRange((now) => (now.from === from && now.to === to ? now : { from, to }));
  }, []);
  useLayoutEffect(() => {
    if (!ref.current) return;
    const watch = new ResizeObserver(read);
    watch.observe(ref.current);
    read();
    return () => watch.disconnect();
  }, [read]);
  // what was chosen on the map comes into sight
  useEffect(() => {
    const film = ref.current;
    const at = items.findIndex((item) => item.id === current);
    if (!film || at < 0) return;
    const left = at * STEP;
    if (left < film.scrollLeft) film.scrollLeft = left;
    else if (left + STEP + GAP > film.scrollLeft + film.clientWidth) film.scrollLeft = left + STEP + GAP - film.clientWidth;
  }, [current, items]);
  return (
    <div className="film" ref={ref} role="group" aria-label={t.flights.strip} data-total={items.length} onScroll={read}>
      <div className="reel" style={{ width: items.length * STEP }}>
        {items.slice(range.from, range.to).map((item, n) => (
          <Link
            key={item.id} className="frame" href={link(item)} aria-current={item.id === current} aria-label={`${item.name}${item.captured_at ? `, ${clockSeconds(item.captured_at)}` : ""}`}
            style={{ left: (range.from + n) * STEP, width: WIDTH }} onMouseEnter={() => choose(item.id)} onFocus={() => choose(item.id)}
          >
            <Picture ws={ws} item={item} bare />
          </Link>
        ))}
      </div>
    </div>
  );
}
