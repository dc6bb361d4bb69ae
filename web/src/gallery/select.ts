// Selecting by keys: one, a range that grows and shrinks with Shift and the arrows, all that the filter finds.
import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef } from "react";
import type { MediaItem } from "../api/client";
import { mediaAll, type MediaFilter } from "../api/queries";
import { t } from "../i18n";
import { number } from "../ui/format";
import { toast } from "../ui/parts";

export type Selection = { ids: ReadonlyMap<string, MediaItem>; set: (next: Map<string, MediaItem>) => void };

/** As many as a zip takes. */
const MOST = 20_000;

/** `flat`: the shown items in order. `group`: an item and those that it stands for. `ready`: everything between two items is read. */
export function useSelecting(selection: Selection, flat: () => MediaItem[], group: (item: MediaItem) => MediaItem[], ready: (from: string, to: string) => Promise<void>) {
  const latest = useRef(selection);
  latest.current = selection;
  const lastPicked = useRef<string | null>(null);
  /** What was selected before Shift and an arrow began to select from `from`, and what it has made of that. */
  const run = useRef<{ from: string; before: ReadonlyMap<string, MediaItem>; made: ReadonlyMap<string, MediaItem> } | null>(null);

  const between = useCallback(
    (from: string, to: string, base: ReadonlyMap<string, MediaItem>) => {
      const all = flat();
      const ends = [all.findIndex((one) => one.id === from), all.findIndex((one) => one.id === to)];
      const next = new Map(base);
      if (ends.some((end) => end < 0)) return null;
      for (const item of all.slice(Math.min(...ends), Math.max(...ends) + 1)) for (const each of group(item)) next.set(each.id, each);
      return next;
    },
    [flat, group],
  );

  const toggle = useCallback(
    (item: MediaItem, range: boolean) => {
      const from = lastPicked.current;
      lastPicked.current = item.id;
      const one = () => {
        const next = new Map(latest.current.ids);
        const drop = next.has(item.id);
        for (const each of group(item)) {
          if (drop) next.delete(each.id);
          else next.set(each.id, each);
        }
        latest.current.set(next);
      };
      if (!range || !from) return one();
      // days between the two may not have been in sight yet
      ready(from, item.id).then(
        () => {
          const next = between(from, item.id, latest.current.ids);
          if (next) latest.current.set(next);
          else one();
        },
        () => toast(t.gallery.notAll),
      );
    },
    [between, group, ready],
  );

  /** Shift and an arrow went from one item to the next. */
  const extend = useCallback(
    (item: MediaItem, to: MediaItem) => {
      // another way of selecting came between: a new run begins here
      if (run.current?.made !== selection.ids) run.current = { from: item.id, before: selection.ids, made: selection.ids };
      const next = between(run.current.from, to.id, run.current.before);
      if (!next) return;
      run.current.made = next;
      lastPicked.current = to.id;
      selection.set(next);
    },
    [between, selection],
  );
  const endRun = useCallback(() => (run.current = null), []);
  return { toggle, extend, endRun };
}

/** Ctrl or Cmd and A select all that the filter finds, also what was not read yet; Esc selects nothing. */
export function useSelectAll(ws: string, filter: MediaFilter & { trashed?: boolean }, total: number, selection: Selection) {
  const client = useQueryClient();
  const now = useRef({ filter, selection });
  now.current = { filter, selection };
  useEffect(() => {
    const all = async () => {
      const wanted = now.current.filter;
      try {
        const items = await client.fetchQuery(mediaAll(ws, wanted, MOST));
        // the filter changed while it was read
        if (now.current.filter !== wanted) return;
        now.current.selection.set(new Map(items.slice(0, MOST).map((item) => [item.id, item])));
        if (total > MOST) toast(t.gallery.most(number(MOST)));
      } catch {
        toast(t.gallery.notAll);
      }
    };
    const press = (event: KeyboardEvent) => {
      const target = event.target;
      const typing = target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
      if (typing || event.altKey || event.shiftKey || document.querySelector("dialog[open]")) return;
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "a") {
        event.preventDefault();
        void all();
      } else if (event.key === "Escape" && now.current.selection.ids.size > 0) {
        now.current.selection.set(new Map());
      }
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [client, ws, total]);
}
