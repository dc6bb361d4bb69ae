// The one way to the server: a client whose paths, parameters and answers are generated from openapi.json.
import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];
export type MediaItem = Schemas["MediaItem"] & Partial<{ width_px: number | null; height_px: number | null; thumbhash: string | null }>;
export type MediaDetail = Schemas["MediaDetail"] & MediaItem;
export type FlightItem = Schemas["FlightItem"];
export type DockItem = Schemas["DockItem"];
export type JobItem = Schemas["JobItem"];
export type TraceItem = Schemas["TraceItem"];
export type SessionItem = Schemas["SessionItem"];
export type Role = Schemas["Role"];
export type MediaKind = Schemas["MediaKind"];

export const api = createClient<paths>({ baseUrl: location.origin, credentials: "same-origin" });

/** A refusal of the server (RFC 9457), or the network's silence (`status` 0). */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly detail: string,
    readonly requestId: string | null = null,
  ) {
    super(detail);
  }
}

type Answer<T> = { data?: T; error?: unknown; response: Response };

/** The body of a good answer; throws a `Refusal` otherwise. */
export async function ok<T>(pending: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await pending;
  } catch {
    throw new Refusal(0, "");
  }
  const { data, error, response } = answer;
  if (response.ok) return data as T;
  const detail = typeof error === "object" && error && "detail" in error ? String(error.detail) : response.statusText;
  throw new Refusal(response.status, detail, response.headers.get("x-request-id"));
}

/** The address of a picture or file of a media item. */
export function mediaUrl(ws: string, id: string, what: "thumbnail" | "preview" | "content" | "proxy" | "telemetry"): string {
  return `/api/v1/workspaces/${encodeURIComponent(ws)}/media/${id}/${what}`;
}
