// What is selected, also in the address while it is little: a link shows another person the same pictures marked.
import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { useSearchParams } from "wouter";
import type { MediaDetail, MediaItem } from "../api/client";
import { media } from "../api/queries";
import { inTurns } from "./turns";

const WORD = "selected";
/** More make an address that mail programs cut. */
const MOST = 50;
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export type Picked = Map<string, MediaItem>;

/** An address without its selection: what the list itself depends on. */
export function withoutPicked(search: URLSearchParams): string {
  const rest = new URLSearchParams(search);
  rest.delete(WORD);
  return rest.toString();
}

/** The selection in a list; `list` says which one that is, and another one begins with nothing selected. */
export function usePicked(ws: string, list: string): [Picked, (next: Picked) => void] {
  const client = useQueryClient();
  const [search, setSearch] = useSearchParams();
  const said = search.get(WORD) ?? "";
  const [picked, setPicked] = useState<Picked>(new Map());
  /** What this page put into the address itself. */
  const written = useRef("");
  const shown = useRef(list);

  const set = useCallback(
    (next: Picked) => {
      setPicked(next);
      const words = next.size <= MOST ? [...next.keys()].join() : "";
      if (words === written.current) return;
      written.current = words;
      setSearch(
        (before) => {
          const after = new URLSearchParams(before);
          if (words) after.set(WORD, words);
          else after.delete(WORD);
          return after;
        },
        { replace: true },
      );
    },
    [setSearch],
  );

  useEffect(() => {
    const another = shown.current !== list;
    shown.current = list;
    if (said === written.current) {
      if (another) set(new Map());
      return;
    }
    written.current = said;
    const ids = said.split(",").filter((id) => ID.test(id)).slice(0, MOST);
    const found = new Map<string, MediaDetail>();
    const read = async (id: string) => {
      const item = await client.fetchQuery(media(ws, id));
      if (item.trashed_at === null) found.set(id, item);
    };
    void inTurns(ids, read).then(() => {
      // something else was selected meanwhile
      if (written.current !== said) return;
      set(new Map(ids.flatMap((id) => found.get(id) ?? []).map((item) => [item.id, item])));
    });
  }, [client, ws, list, said, set]);
  return [picked, set];
}
