// The grid: only what is in sight is drawn. Heights come from counts, so its geometry is known before anything is read, which
// is why no general virtualiser stands here; days are read as they come near.
import { useQueries, useQuery, useQueryClient } from "@tanstack/react-query";
import { Check, Layers, TriangleAlert } from "lucide-react";
import { memo, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent, type MouseEvent, type PointerEvent } from "react";
import type { MediaItem } from "../api/client";
import { docks, mediaAll, mediaSoFar, type MediaFilter } from "../api/queries";
import { t } from "../i18n";
import { deviceName, dockName } from "../flights/summary";
import { isDamaged } from "../item/trouble";
import { useHere } from "../shell/context";
import { afterG } from "../shell/g";
import { isTyping } from "../ui/parts";
import { useTimes } from "../ui/site";
import type { Times } from "../ui/times";
import { dayFilter, type Day } from "./days";
import { fold } from "./fold";
import { at, laySections, type Laid, type Measure } from "./layout";
import { aspect, Picture } from "./picture";
import { Scrubber } from "./scrubber";
import { useSelectAll, useSelecting, type Selection } from "./select";

const OVERSCAN = 600;
/** A press of this length, within this distance, is a long one. */
const HOLD_MS = 450;
const HOLD_PX = 10;
const NONE: number[] = [];
const dataOf = (results: { data?: MediaItem[] }[]) => results.map((result) => result.data);
/** Where a gallery was when it was left, by its address: going back shows the same pictures. */
const places = new Map<string, { key: string; offset: number; focus?: string }>();

export function Grid({ ws, filter, days, trashed, note, open, selection, place }: {
  ws: string; filter: MediaFilter; days: Day[]; trashed?: boolean; open: (item: MediaItem) => void; selection: Selection; place: string;
  /** A few words on the picture. */
  note?: (item: MediaItem) => string | null;
}) {
  const times = useTimes();
  const root = useRef<HTMLDivElement>(null);
  const { width, view, scroller } = useView(root);
  const known = useRef(new Map<string, MediaItem[]>());
  const seen = useRef(new Map<string, MediaItem[]>());
  /** Days that were read to their end. */
  const read = useRef(new Map<string, MediaItem[]>());
  /** Those that a shown item stands for. */
  const others = useRef(new Map<string, MediaItem[]>());
  const aspects = useRef(new Map<string, number[]>());
  /** How many of a day are still to be read. */
  const unread = useRef(new Map<string, number>());
  const laid = useRef<Laid>(new Map());
  const [active, setActive] = useState<string | null>(places.get(place)?.focus ?? null);
  const measure = useMemo<Measure>(() => {
    const phone = width < 560;
    return { width, rowHeight: phone ? 118 : width < 1700 ? 190 : 236, gap: phone ? 2 : 4, head: phone ? 44 : 52, below: phone ? 8 : 16 };
  }, [width]);

  // which days are in sight, from the geometry that is known so far
  const [version, setVersion] = useState(0);
  const sections = useMemo(
    () => (width > 0 ? laySections(days.map(({ key, count }) => ({ key, count: (known.current.get(key)?.length ?? 0) + (unread.current.get(key) ?? count), aspects: aspects.current.get(key) ?? NONE })), measure, laid.current) : []),
    [days, measure, width, version],
  );
  const first = at(sections, view.top - OVERSCAN);
  let last = first;
  while (last + 1 < sections.length && (sections[last + 1]?.top ?? 0) < view.top + view.height + OVERSCAN) last += 1;
  const near = sections.length > 0 ? days.slice(first, last + 1) : [];

  const whole = useQueries({
    queries: near.map((day) => ({ ...mediaAll(ws, dayFilter(filter, day, trashed)), placeholderData: read.current.get(day.key) })),
    combine: dataOf,
  });
  // a day of thousands shows its first ones before its last ones are read
  const parts = useQueries({ queries: near.map((day) => mediaSoFar(ws, dayFilter(filter, day, trashed))), combine: dataOf });
  const learn = (day: Day, items: MediaItem[], all: boolean) => {
    seen.current.set(day.key, items);
    if (all) read.current.set(day.key, items);
    const folded = fold(items);
    known.current.set(day.key, folded.items);
    unread.current.set(day.key, all ? 0 : Math.max(0, day.count - items.length));
    aspects.current.set(day.key, folded.items.map(aspect));
    for (const [id, group] of folded.others) others.current.set(id, group);
  };
  useLayoutEffect(() => {
    let changed = false;
    near.forEach((day, n) => {
      const items = whole[n] ?? parts[n];
      if (items && seen.current.get(day.key) !== items) {
        learn(day, items, whole[n] !== undefined);
        changed = true;
      }
    });
    if (changed) setVersion((one) => one + 1);
  });

  // what was at the top stays there when a day above it changes its height
  const anchor = useRef<{ key: string; offset: number } | null>(places.get(place) ?? null);
  useLayoutEffect(() => {
    const element = scroller.current;
    const section = anchor.current && sections.find((one) => one.key === anchor.current?.key);
    if (!element || !section || !anchor.current || !root.current) return;
    const wanted = root.current.offsetTop + section.top + anchor.current.offset;
    if (Math.abs(element.scrollTop - wanted) > 1) element.scrollTop = wanted;
  }, [sections, scroller]);
  useEffect(() => {
    const section = sections[at(sections, view.top)];
    if (section && view.height > 0) anchor.current = view.top > 0 ? { key: section.key, offset: view.top - section.top } : null;
    if (anchor.current) places.set(place, { ...anchor.current, focus: active ?? undefined });
    else if (view.height > 0) places.delete(place);
  }, [view, sections, place, active]);

  /** Everything that was read, in order; asked for by a key or a press, never while scrolling. */
  const flat = useCallback(() => days.flatMap((day) => known.current.get(day.key) ?? []), [days]);
  const group = useCallback((item: MediaItem) => [item, ...(others.current.get(item.id) ?? [])], []);
  const client = useQueryClient();
  const ready = useCallback(
    async (from: string, to: string) => {
      const ends = [from, to].map((id) => days.findIndex((day) => known.current.get(day.key)?.some((one) => one.id === id)));
      if (ends.some((end) => end < 0)) return;
      const missing = days.slice(Math.min(...ends), Math.max(...ends) + 1).filter((day) => !read.current.has(day.key));
      if (missing.length === 0) return;
      await eachInTurn(missing, async (day) => learn(day, await client.fetchQuery(mediaAll(ws, dayFilter(filter, day, trashed))), true));
      setVersion((one) => one + 1);
    },
    [days, client, ws, filter, trashed],
  );
  const { toggle, extend, endRun } = useSelecting(selection, flat, group, ready);
  const found = useMemo(() => (trashed ? { ...filter, trashed } : filter), [filter, trashed]);
  useSelectAll(ws, found, days.reduce((sum, day) => sum + day.count, 0), selection);

  const focus = useCallback(
    (item: MediaItem | undefined) => {
      if (!item || !scroller.current || !root.current) return;
      setActive(item.id);
      for (const section of sections) {
        const index = (known.current.get(section.key) ?? []).findIndex((one) => one.id === item.id);
        if (index < 0) continue;
        const row = section.rows[at(section.rows.map((one) => ({ top: one.first })), index)];
        if (!row) return;
        const top = root.current.offsetTop + section.top + row.top;
        const element = scroller.current;
        if (top < element.scrollTop + 56) element.scrollTop = top - 72;
        else if (top + row.height > element.scrollTop + element.clientHeight) element.scrollTop = top + row.height - element.clientHeight + 24;
        break;
      }
      requestAnimationFrame(() => requestAnimationFrame(() => document.getElementById(`tile-${item.id}`)?.focus({ preventScroll: true })));
    },
    [sections, scroller],
  );

  const move = (event: KeyboardEvent, item: MediaItem) => {
    const all = flat();
    const index = all.findIndex((one) => one.id === item.id);
    const steps: Record<string, () => MediaItem | undefined> = {
      ArrowRight: () => all[index + 1],
      ArrowLeft: () => all[index - 1],
      ArrowDown: () => below(item, 1),
      ArrowUp: () => below(item, -1),
      Home: () => all[0],
      End: () => all.at(-1),
    };
    const step = steps[event.key];
    if (step) {
      event.preventDefault();
      const next = step();
      if (next && event.shiftKey) extend(item, next);
      else endRun();
      focus(next);
    } else if (event.key === " " || (event.key.toLowerCase() === "x" && !event.ctrlKey && !event.metaKey && !event.altKey)) {
      event.preventDefault();
      toggle(item, event.shiftKey);
    }
  };

  /** The picture above or below: in the next row, nearest to the middle of this one. */
  const below = (item: MediaItem, by: 1 | -1): MediaItem | undefined => {
    const all = sections.flatMap((section) => section.rows.map((row) => ({ section, row })));
    const middle = (box: { left: number; width: number }) => box.left + box.width / 2;
    for (const [n, { section, row }] of all.entries()) {
      const items = known.current.get(section.key) ?? [];
      const index = row.boxes.findIndex((_, one) => items[row.first + one]?.id === item.id);
      const box = row.boxes[index];
      if (!box) continue;
      const target = all[n + by];
      if (!target) return undefined;
      const distance = target.row.boxes.map((one) => Math.abs(middle(one) - middle(box)));
      return known.current.get(target.section.key)?.[target.row.first + distance.indexOf(Math.min(...distance))];
    }
    return undefined;
  };

  // Immich's letters for going through time
  useEffect(() => {
    const press = (event: globalThis.KeyboardEvent) => {
      const unit = UNITS[event.key.toLowerCase()]?.(times);
      if (!unit || isTyping(event) || afterG() || (event.shiftKey && selection.ids.size > 0)) return;
      const now = at(sections, view.top + 1);
      const one = (n: number) => unit(days[n]?.from ?? null);
      let to = now;
      if (event.shiftKey) {
        // to the beginning of this one, or of the one before where one stands there
        if (view.top - (sections[now]?.top ?? 0) < 2) to = Math.max(0, now - 1);
        while (to > 0 && one(to - 1) === one(to)) to -= 1;
      } else {
        while (to < days.length - 1 && one(to) === one(now)) to += 1;
      }
      const section = sections[to];
      if (!section) return;
      event.preventDefault();
      scroller.current?.scrollTo({ top: (root.current?.offsetTop ?? 0) + section.top });
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  });

  const acts = useRef<Acts>({ open, toggle, onKey: move });
  acts.current = { open, toggle, onKey: move };
  const total = sections.length > 0 ? (sections.at(-1)?.top ?? 0) + (sections.at(-1)?.height ?? 0) : 0;
  const shown = near.map((day) => known.current.get(day.key) ?? []);
  const focusable = active && shown.some((items) => items.some((one) => one.id === active)) ? active : shown.find((items) => items.length > 0)?.[0]?.id;

  return (
    <div className="grid-root" ref={root} style={{ height: total || undefined }} data-total={days.reduce((sum, day) => sum + day.count, 0)}>
      {near.map((day, n) => {
        const section = sections[first + n];
        if (!section) return null;
        const items = known.current.get(day.key);
        const from = Math.max(0, at(section.rows, view.top - OVERSCAN - section.top));
        return (
          <section key={day.key} className="grid-day" style={{ transform: `translateY(${section.top}px)`, height: section.height }} aria-label={day.from ? times.day(day.from) : t.gallery.undated}>
            <DayHead day={day} items={read.current.get(day.key)} selection={selection} />
            {section.rows.slice(from, at(section.rows, view.top + view.height + OVERSCAN - section.top) + 1).map((row) =>
              row.boxes.map((box, one) => {
                const item = items?.[row.first + one];
                if (!item) return <span key={`${row.first + one}`} className="cell empty" style={{ left: box.left, top: row.top, width: box.width, height: row.height }} />;
                return (
                  <Tile
                    key={item.id} ws={ws} item={item} note={note?.(item)} left={box.left} top={row.top} width={box.width} height={row.height}
                    picked={selection.ids.has(item.id)} picking={selection.ids.size > 0} stands={others.current.get(item.id)?.length ?? 0} tab={item.id === focusable} acts={acts} onFocus={setActive}
                  />
                );
              }),
            )}
          </section>
        );
      })}
      <Scrubber days={days} sections={sections} view={view} scroller={scroller} top={() => root.current?.offsetTop ?? 0} />
    </div>
  );
}

/** What `d`, `m` and `y` tell apart. */
const UNITS: Record<string, ((times: Times) => (from: string | null) => string | null) | undefined> = {
  d: ({ localDate }) => (from) => from && localDate(from),
  m: ({ localDate }) => (from) => from && localDate(from).slice(0, 7),
  y: ({ localDate }) => (from) => from && localDate(from).slice(0, 4),
};

/** A few at a time; ends with the first failure. */
async function eachInTurn<T>(all: T[], work: (one: T) => Promise<void>) {
  for (let n = 0; n < all.length; n += 4) await Promise.all(all.slice(n, n + 4).map(work));
}

/** A day, a dock's day, or a flight by its dock and first moment. */
function useSectionWords() {
  const { clock, relativeDay } = useTimes();
  const { ws } = useHere();
  const dockList = useQuery(docks(ws)).data?.items;
  return (day: Day, items?: MediaItem[]) => {
    if (!day.from) return t.gallery.undated;
    if (!day.of) return relativeDay(day.from);
    if (day.of.by === "gateway_sn") return `${dockName(dockList, day.of.id || null)} · ${relativeDay(day.from)}`;
    if (!day.of.id) return `${t.gallery.noFlight} · ${relativeDay(day.from)}`;
    const first = items?.at(-1)?.captured_at;
    const when = first ? `${relativeDay(first)}, ${clock(first)}` : relativeDay(day.from);
    return items?.[0] ? `${deviceName(dockList, items[0].gateway_sn, items[0].source)} · ${when}` : when;
  };
}

function DayHead({ day, items, selection }: { day: Day; items?: MediaItem[]; selection: Selection }) {
  const words = useSectionWords();
  const all = items !== undefined && items.length > 0 && items.every((item) => selection.ids.has(item.id));
  return (
    <div className="grid-head">
      <h2>{words(day, items)}</h2>
      <span className="quiet num">{t.gallery.files(day.count)}</span>
      {items && (
        <button
          className="link small pick-day"
          onClick={() => {
            const next = new Map(selection.ids);
            for (const item of items) {
              if (all) next.delete(item.id);
              else next.set(item.id, item);
            }
            selection.set(next);
          }}
        >
          {t.gallery.selectSection(day.of?.by === "flight_id" && day.of.id ? "flight" : "day", all)}
        </button>
      )}
    </div>
  );
}

/** What a tile can do; always the present ones, so that a tile is drawn again only when it looks different. */
type Acts = { open: (item: MediaItem) => void; toggle: (item: MediaItem, range: boolean) => void; onKey: (event: KeyboardEvent, item: MediaItem) => void };

const Tile = memo(function Tile({ ws, item, note, left, top, width, height, picked, picking, stands, tab, acts, onFocus }: {
  ws: string; item: MediaItem; note?: string | null; left: number; top: number; width: number; height: number; picked: boolean; picking: boolean; stands: number; tab: boolean;
  acts: React.RefObject<Acts>; onFocus: (id: string) => void;
}) {
  const { dateTime } = useTimes();
  // a long press selects where there is no mouse to hover with
  const held = useRef<{ timer: number; x: number; y: number } | null>(null);
  const wasHeld = useRef(false);
  const release = () => {
    if (held.current) clearTimeout(held.current.timer);
    held.current = null;
  };
  const hold = (event: PointerEvent) => {
    wasHeld.current = false;
    if (event.pointerType !== "touch") return;
    const timer = window.setTimeout(() => {
      held.current = null;
      wasHeld.current = true;
      acts.current.toggle(item, false);
    }, HOLD_MS);
    held.current = { timer, x: event.clientX, y: event.clientY };
  };
  const wander = (event: PointerEvent) => {
    if (held.current && Math.hypot(event.clientX - held.current.x, event.clientY - held.current.y) > HOLD_PX) release();
  };
  const press = (event: MouseEvent) => {
    if (wasHeld.current) wasHeld.current = false;
    else if (picking || event.shiftKey || event.ctrlKey || event.metaKey) acts.current.toggle(item, event.shiftKey);
    else acts.current.open(item);
  };
  const flag = item.status === "missing" ? t.item.missing : item.status === "stored" && isDamaged(item) ? t.item.damaged : null;
  return (
    <div className={`cell${picked ? " picked" : ""}${picking ? " picking" : ""}`} style={{ left, top, width, height }}>
      <button
        id={`tile-${item.id}`}
        className="open"
        tabIndex={tab ? 0 : -1}
        aria-label={`${item.name}${item.captured_at ? `, ${dateTime(item.captured_at)}` : ""}${stands > 0 ? `, ${t.gallery.oneTrigger(stands + 1)}` : ""}${flag ? `, ${flag}` : ""}${note ? `, ${note}` : ""}${picked ? `, ${t.gallery.selected}` : ""}`}
        onClick={press} onPointerDown={hold} onPointerMove={wander} onPointerUp={release} onPointerCancel={release} onContextMenu={(event) => wasHeld.current && event.preventDefault()}
        onKeyDown={(event) => acts.current.onKey(event, item)}
        onFocus={() => onFocus(item.id)}
      >
        <Picture ws={ws} item={item} eager />
        {note && <span className="goes-badge num" data-note={note} />}
        {stands > 0 && <span className="stack-badge num" title={t.gallery.oneTrigger(stands + 1)}><Layers className="icon" aria-hidden />{stands + 1}</span>}
        {/* in words in the tile's name: a second text beside a name tile would be read as one with it */}
        {flag && <span className={item.status === "missing" ? "flag failed" : "flag"} title={flag}><TriangleAlert className="icon" aria-hidden /></span>}
      </button>
      <button className="pick" tabIndex={-1} aria-label={t.gallery.select(item.name)} aria-pressed={picked} onClick={(event) => acts.current.toggle(item, event.shiftKey)}>
        <Check className="icon" aria-hidden />
      </button>
    </div>
  );
});

/** Width of the grid and what of it is in sight, relative to its top. */
function useView(root: React.RefObject<HTMLDivElement | null>) {
  const scroller = useRef<HTMLElement | null>(null);
  const [width, setWidth] = useState(0);
  const [view, setView] = useState({ top: 0, height: 0 });
  useLayoutEffect(() => {
    const element = root.current;
    const main = element?.closest<HTMLElement>(".main");
    if (!element || !main) return;
    scroller.current = main;
    let frame = 0;
    const read = () => {
      frame = 0;
      setView({ top: Math.max(0, main.scrollTop - element.offsetTop), height: main.clientHeight });
    };
    const later = () => (frame ||= requestAnimationFrame(read));
    const watch = new ResizeObserver(() => {
      setWidth(element.clientWidth);
      read();
    });
    watch.observe(element);
    watch.observe(main);
    main.addEventListener("scroll", later, { passive: true });
    setWidth(element.clientWidth);
    return () => {
      cancelAnimationFrame(frame);
      watch.disconnect();
      main.removeEventListener("scroll", later);
    };
  }, [root]);
  return { width, view, scroller };
}
