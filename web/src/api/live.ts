// What changes in the workspace, as the server tells it: objects in the cache are replaced in place, lists of files are read
// again at most once a second. Nothing is replayed, so a connection that comes back reads everything again.
import { useQueryClient, type InfiniteData, type QueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import type { DockItem, FlightItem, MediaItem } from "./client";

export type Live = "connecting" | "live" | "lost";
const REFRESH_MS = 1_000;
const GIVE_UP_MS = 4_000;

type Page<T> = { items: T[]; next_cursor: string | null };

export function useLive(ws: string): Live {
  const client = useQueryClient();
  const [state, setState] = useState<Live>("connecting");
  useEffect(() => {
    let source: EventSource | undefined;
    let lost = false;
    let retry: ReturnType<typeof setTimeout> | undefined;
    const stale = new Set<string>();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const refresh = (noun: string) => {
      stale.add(noun);
      timer ??= setTimeout(() => {
        timer = undefined;
        for (const one of stale) void client.invalidateQueries({ queryKey: [ws, one] });
        stale.clear();
      }, REFRESH_MS);
    };
    const on = <T>(names: string[], then: (object: T) => void) =>
      names.forEach((name) => source?.addEventListener(name, (event) => then(JSON.parse((event as MessageEvent<string>).data) as T)));

    const connect = () => {
      source = new EventSource(`/api/v1/workspaces/${encodeURIComponent(ws)}/events`);
      source.onopen = () => {
        setState("live");
        if (lost) void client.invalidateQueries({ queryKey: [ws] });
        lost = false;
      };
      source.onerror = () => {
        lost = true;
        setState("lost");
        // a refusal (a login that is over) ends it for the browser; we look again later
        if (source?.readyState === EventSource.CLOSED) {
          void client.invalidateQueries({ queryKey: ["session"] });
          retry = setTimeout(connect, GIVE_UP_MS);
        }
      };
      on<FlightItem>(["flight.updated"], (flight) => (putFlight(client, ws, flight), ["flight counts", "flights found"].forEach(refresh)));
      on<DockItem>(["dock.online", "dock.offline"], (dock) => {
        client.setQueryData([ws, "dock", dock.sn], dock);
        client.setQueryData<Page<DockItem>>([ws, "docks"], (page) => page && { ...page, items: page.items.map((one) => (one.sn === dock.sn ? dock : one)) });
        refresh("docks");
      });
      on<MediaItem>(["media.stored", "media.updated", "media.missing"], (media) => {
        client.setQueryData([ws, "item", media.id], (known: object | undefined) => known && { ...known, ...media });
        refresh("media");
        refresh("trash");
        refresh("item");
      });
      on(["media.deleted"], () => ["media", "trash", "flight", "flights", "flights found", "flight counts"].forEach(refresh));
      on(["job.updated"], () => refresh("jobs"));
      on(["reload"], () => void client.invalidateQueries({ queryKey: [ws] }));
    };
    connect();
    return () => {
      source?.close();
      clearTimeout(timer);
      clearTimeout(retry);
    };
  }, [client, ws]);
  return state;
}

function putFlight(client: QueryClient, ws: string, flight: FlightItem) {
  client.setQueryData([ws, "flight", flight.flight_id], flight);
  let known = false;
  client.setQueriesData<InfiniteData<Page<FlightItem>>>({ queryKey: [ws, "flights"] }, (data) => {
    if (!data) return data;
    const pages = data.pages.map((page) => ({
      ...page,
      items: page.items.map((one) => {
        if (one.flight_id !== flight.flight_id) return one;
        known = true;
        return flight;
      }),
    }));
    return { ...data, pages };
  });
  if (!known) void client.invalidateQueries({ queryKey: [ws, "flights"] });
}
