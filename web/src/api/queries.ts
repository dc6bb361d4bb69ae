// What the pages read, as queries with keys of one shape: [workspace, noun, ...]; `live.ts` knows them.
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { api, mediaUrl, ok, Refusal, type MediaDetail, type MediaItem, type Schemas } from "./client";

/** What a list of media may be narrowed to; the same words as in the address and in the API. */
export type MediaFilter = {
  flight_id?: string;
  gateway_sn?: string;
  source?: Schemas["MediaSource"];
  album_id?: string;
  kind?: string;
  camera?: string;
  drone_model_key?: string;
  min_relative_altitude_m?: number;
  max_relative_altitude_m?: number;
  min_absolute_altitude_m?: number;
  max_absolute_altitude_m?: number;
  capture_uuid?: string;
  from?: string;
  to?: string;
  bbox?: string;
  q?: string;
  status?: "missing" | "quarantined" | "all";
};
type ListFilter = MediaFilter & { trashed?: boolean; undated?: boolean };

export const session = queryOptions({
  queryKey: ["session"],
  queryFn: () => ok(api.GET("/api/v1/session")),
  retry: false,
  staleTime: 60_000,
});

/** How one can log in; asked by the login page alone. */
export const loginOptions = queryOptions({
  queryKey: ["login-options"],
  queryFn: () => ok(api.GET("/oidc/options")),
  retry: false,
});

export const workspaces = queryOptions({
  queryKey: ["workspaces"],
  queryFn: () => ok(api.GET("/api/v1/workspaces", { params: { query: { limit: 1000 } } })),
});

export type FlightFilter = { gateway_sn?: string; source?: Schemas["MediaSource"]; state?: Schemas["FlightState"]; from?: string; to?: string; q?: string };

const FLIGHTS_A_PAGE = 30;
/** A list that is narrowed by more than its dock is read again when a flight changes; others take the flight in place. */
export const flights = (ws: string, filter: FlightFilter = {}) =>
  infiniteQueryOptions({
    queryKey: [ws, filter.source || filter.state || filter.from || filter.q ? "flights found" : "flights", filter],
    queryFn: ({ pageParam }) =>
      ok(api.GET("/api/v1/workspaces/{ws}/flights", { params: { path: { ws }, query: { ...filter, limit: FLIGHTS_A_PAGE, cursor: pageParam } } })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    // silence makes a flight stalled, and nobody says so
    refetchInterval: 60_000,
  });

const NAMED = 5;
/** The newest flights in whose route's name or id a text occurs. */
export const flightsNamed = (ws: string, q: string) =>
  queryOptions({
    queryKey: [ws, "flights named", q],
    enabled: q.length > 1,
    queryFn: ({ signal }) => ok(api.GET("/api/v1/workspaces/{ws}/flights", { params: { path: { ws }, query: { q, limit: NAMED } }, signal })),
  });

/** What uploads and what stands still, over all flights. */
export const flightCounts = (ws: string) =>
  queryOptions({
    queryKey: [ws, "flight counts"],
    queryFn: () => ok(api.GET("/api/v1/workspaces/{ws}/flights/counts", { params: { path: { ws } } })),
    refetchInterval: 60_000,
  });

export const flight = (ws: string, flight_id: string) =>
  queryOptions({
    queryKey: [ws, "flight", flight_id],
    queryFn: () => ok(api.GET("/api/v1/workspaces/{ws}/flights/{flight_id}", { params: { path: { ws, flight_id } } })),
  });

export const docks = (ws: string) =>
  queryOptions({
    queryKey: [ws, "docks"],
    queryFn: () => ok(api.GET("/api/v1/workspaces/{ws}/docks", { params: { path: { ws }, query: { limit: 1000 } } })),
  });

export const dock = (ws: string, sn: string) =>
  queryOptions({
    queryKey: [ws, "dock", sn],
    queryFn: () => ok(api.GET("/api/v1/workspaces/{ws}/docks/{sn}", { params: { path: { ws, sn } } })),
  });

/** What is typed in on its screen, without the password; for administrators. */
export const dockSetUp = (ws: string, sn: string) =>
  queryOptions({
    queryKey: [ws, "dock-set-up", sn],
    queryFn: () => ok(api.GET("/api/v1/workspaces/{ws}/docks/{sn}/set-up", { params: { path: { ws, sn } } })),
    staleTime: Infinity,
  });

export const controllers = (ws: string) =>
  queryOptions({
    queryKey: [ws, "controllers"],
    queryFn: () => ok(api.GET("/api/v1/workspaces/{ws}/controllers", { params: { path: { ws } } })),
  });

export const albums = (ws: string) =>
  infiniteQueryOptions({
    queryKey: [ws, "albums"],
    queryFn: ({ pageParam }) => ok(api.GET("/api/v1/workspaces/{ws}/albums", { params: { path: { ws }, query: { limit: 100, cursor: pageParam } } })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
  });

export const album = (ws: string, id: string) =>
  queryOptions({
    queryKey: [ws, "album", id],
    queryFn: () => ok(api.GET("/api/v1/workspaces/{ws}/albums/{id}", { params: { path: { ws, id } } })),
  });

export const shares = (ws: string) =>
  infiniteQueryOptions({
    queryKey: [ws, "shares"],
    queryFn: ({ pageParam }) => ok(api.GET("/api/v1/workspaces/{ws}/shares", { params: { path: { ws }, query: { limit: 100, cursor: pageParam } } })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
  });

/** What came through a share link. */
export const visits = (ws: string, id: string) =>
  infiniteQueryOptions({
    queryKey: [ws, "visits", id],
    queryFn: ({ pageParam }) => ok(api.GET("/api/v1/workspaces/{ws}/shares/{id}/visits", { params: { path: { ws, id }, query: { limit: 100, cursor: pageParam } } })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
  });

/** What the files take, by month, dock and kind. */
export const trash = (ws: string) =>
  queryOptions({
    queryKey: [ws, "trash"],
    queryFn: () => ok(api.GET("/api/v1/workspaces/{ws}/trash", { params: { path: { ws } } })),
  });

export const retentionRules = (ws: string) =>
  queryOptions({
    queryKey: [ws, "retention", "rules"],
    queryFn: () => ok(api.GET("/api/v1/workspaces/{ws}/retention-rules", { params: { path: { ws } } })),
  });

/** A dry run; nothing is changed. */
export const retentionPreview = (ws: string, body: Schemas["RetentionPreviewRequest"]) =>
  queryOptions({
    queryKey: [ws, "retention", "preview", body],
    queryFn: () => ok(api.POST("/api/v1/workspaces/{ws}/retention-rules/preview", { params: { path: { ws } }, body })),
    staleTime: 0,
  });

export const holds = (ws: string) =>
  infiniteQueryOptions({
    queryKey: [ws, "holds"],
    queryFn: ({ pageParam }) => ok(api.GET("/api/v1/workspaces/{ws}/legal-holds", { params: { path: { ws }, query: { limit: 100, cursor: pageParam } } })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
  });

export const storage = (ws: string) =>
  queryOptions({
    queryKey: [ws, "storage"],
    queryFn: () => ok(api.GET("/api/v1/workspaces/{ws}/storage", { params: { path: { ws } } })),
  });

export const trace = (ws: string, sn: string, limit = 100) =>
  infiniteQueryOptions({
    queryKey: [ws, "trace", sn, limit],
    queryFn: ({ pageParam }) =>
      ok(api.GET("/api/v1/workspaces/{ws}/docks/{sn}/trace", { params: { path: { ws, sn }, query: { limit, cursor: pageParam } } })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
  });

export const mediaCounts = (ws: string, filter: ListFilter, step_s = 3600, by?: "gateway_sn" | "flight_id") =>
  queryOptions({
    queryKey: [ws, "media", "counts", filter, step_s, by],
    queryFn: () => ok(api.GET("/api/v1/workspaces/{ws}/media/counts", { params: { path: { ws }, query: { ...filter, step_s, by } } })),
  });

/** One page of media. */
export const mediaPage = (ws: string, filter: ListFilter, limit: number) =>
  queryOptions({
    queryKey: [ws, "media", "page", filter, limit],
    queryFn: () => ok(api.GET("/api/v1/workspaces/{ws}/media", { params: { path: { ws }, query: { ...filter, limit } } })) as Promise<MediaPage>,
  });

export type MediaPage = { items: MediaItem[]; next_cursor: string | null };

const MEDIA_A_REQUEST = 500;
/** What fills a window: its pictures need not wait until hundreds more are described. */
const MEDIA_AT_FIRST = 100;
/** All media of a filter, read page after page; meant for a day or a flight, and cut at `most`. */
export const mediaAll = (ws: string, filter: ListFilter, most = 20_000) =>
  queryOptions({
    queryKey: [ws, "media", "all", filter],
    queryFn: async ({ client, queryKey, signal }) => {
      const items: MediaItem[] = [];
      const soFar = mediaSoFar(ws, filter).queryKey;
      const known = client.getQueryData(soFar)?.length ?? 0;
      let cursor: string | undefined;
      do {
        const query = { ...filter, limit: cursor ? MEDIA_A_REQUEST : MEDIA_AT_FIRST, cursor };
        const page = await ok(api.GET("/api/v1/workspaces/{ws}/media", { params: { path: { ws }, query }, signal }));
        items.push(...page.items);
        cursor = page.next_cursor ?? undefined;
        if (cursor && items.length > known && client.getQueryData(queryKey) === undefined) client.setQueryData(soFar, [...items]);
      } while (cursor && items.length < most);
      return items;
    },
  });

/** What the first reading of {@link mediaAll} has found so far: nothing when it was read whole. Never asks by itself. */
export const mediaSoFar = (ws: string, filter: ListFilter) =>
  queryOptions({ queryKey: [ws, "media", "so far", filter], queryFn: (): MediaItem[] => [], enabled: false, gcTime: 0 });

/** The ground that one file shows, or that of a filter's files: GeoJSON polygons with `media_id`, and `t_s` in videos. */
export const footprints = (ws: string, of: { id: string } | { filter: ListFilter }, enabled = true) =>
  queryOptions({
    queryKey: [ws, "media", "footprints", of],
    enabled,
    staleTime: 60_000,
    queryFn: async (): Promise<Ground> => {
      const path = "id" in of ? `media/${of.id}/footprints` : `media/footprints?${searchOf(of.filter)}`;
      const response = await fetch(`/api/v1/workspaces/${encodeURIComponent(ws)}/${path}`);
      if (!response.ok) throw new Refusal(response.status, response.statusText);
      return (await response.json()) as Ground;
    },
  });
export type Ground = GeoJSON.FeatureCollection<GeoJSON.Polygon, { media_id: string; kind: string; t_s: number | null; cut: boolean }>;

/** A filter as the query of an address. */
export const searchOf = (filter: object) => new URLSearchParams(Object.entries(filter).filter(([, value]) => value !== undefined) as [string, string][]).toString();

const SEEN_A_PAGE = 50;
/** Who saw a place, the newest first. */
export const seenAt = (ws: string, place: { lat: number; lng: number }, filter: MediaFilter) =>
  infiniteQueryOptions({
    queryKey: [ws, "media", "seen", place, filter],
    queryFn: ({ pageParam, signal }) =>
      ok(api.GET("/api/v1/workspaces/{ws}/seen-at", { params: { path: { ws }, query: { ...filter, ...place, limit: SEEN_A_PAGE, cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
  });

export const media = (ws: string, id: string) =>
  queryOptions({
    queryKey: [ws, "item", id],
    queryFn: () => ok(api.GET("/api/v1/workspaces/{ws}/media/{id}", { params: { path: { ws, id } } })) as Promise<MediaDetail>,
  });

// what belongs to one item or flight
/** The best picture of each other flight at the same place with the same view. */
export const samePlace = (ws: string, id: string) =>
  queryOptions({
    queryKey: [ws, "media", "same-place", id],
    staleTime: 60_000,
    queryFn: () => ok(api.GET("/api/v1/workspaces/{ws}/media/{id}/same-place", { params: { path: { ws, id } } })),
  });

/** "there", or why there is no smaller copy of a video. The redirect to the copy is not followed. */
export const proxy = (ws: string, id: string, enabled: boolean) =>
  queryOptions({
    queryKey: [ws, "proxy", id],
    enabled,
    queryFn: async () => {
      const response = await fetch(mediaUrl(ws, id, "proxy"), { redirect: "manual" });
      if (response.type === "opaqueredirect") return "there";
      const problem = (await response.json().catch(() => ({}))) as { detail?: string };
      return problem.detail ?? response.statusText;
    },
  });

/** Asked again each second until it is over. */
export const job = (ws: string, id: string | null) =>
  queryOptions({
    queryKey: [ws, "jobs", "one", id],
    enabled: id !== null,
    queryFn: () => ok(api.GET("/api/v1/workspaces/{ws}/jobs/{id}", { params: { path: { ws, id: id ?? "" } } })),
    refetchInterval: (query) => (query.state.data && (query.state.data.state === "done" || query.state.data.state === "dead") ? false : 1_000),
  });

export const ppk = (ws: string, flight_id: string) =>
  queryOptions({
    queryKey: [ws, "ppk", flight_id],
    queryFn: () => ok(api.GET("/api/v1/workspaces/{ws}/flights/{flight_id}/ppk", { params: { path: { ws, flight_id } } })),
  });

export const jobs = (ws: string, state?: string) =>
  infiniteQueryOptions({
    queryKey: [ws, "jobs", { state }],
    queryFn: ({ pageParam }) =>
      ok(api.GET("/api/v1/workspaces/{ws}/jobs", { params: { path: { ws }, query: { state: state as never, limit: 100, cursor: pageParam } } })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
  });

export const users = (ws: string) =>
  queryOptions({
    queryKey: [ws, "users"],
    queryFn: () => ok(api.GET("/api/v1/workspaces/{ws}/users", { params: { path: { ws }, query: { limit: 1000 } } })),
  });
export const tokens = (ws: string) =>
  queryOptions({
    queryKey: [ws, "tokens"],
    queryFn: () => ok(api.GET("/api/v1/workspaces/{ws}/tokens", { params: { path: { ws }, query: { limit: 1000 } } })),
  });
export const s3Keys = (ws: string) =>
  queryOptions({
    queryKey: [ws, "s3-keys"],
    queryFn: () => ok(api.GET("/api/v1/workspaces/{ws}/s3-keys", { params: { path: { ws }, query: { limit: 1000 } } })),
  });
/** `action` may be a noun: everything that was done to it. */
/** Of a workspace; with `whole` of the server, for its administrator. */
export const audit = (ws: string, filter: { actor?: string; action?: string; from?: string; to?: string } = {}, whole = false) =>
  infiniteQueryOptions({
    queryKey: [ws, "audit", whole, filter],
    queryFn: ({ pageParam }) => {
      const query = { ...filter, limit: 100, cursor: pageParam };
      return ok(whole ? api.GET("/api/v1/audit", { params: { query } }) : api.GET("/api/v1/workspaces/{ws}/audit", { params: { path: { ws }, query } }));
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
  });

/** Of the whole server, for its administrator. */
export const settings = queryOptions({
  queryKey: ["settings"],
  queryFn: () => ok(api.GET("/api/v1/settings")),
  staleTime: Infinity,
});

export const health = queryOptions({
  queryKey: ["readyz"],
  queryFn: async () => {
    const { data, error, response } = await api.GET("/readyz");
    const body = data ?? error;
    if (!body || typeof body !== "object" || !("ready" in body)) throw new Error(response.statusText);
    return body;
  },
  refetchInterval: 10_000,
});
