// Which files a person should look at, as the server counts them for a flight.
import type { MediaItem } from "../api/client";

/** Kept as it came, of a format that no reader here knows: nothing is wrong with it. */
export const isUnknown = (item: MediaItem) =>
  item.kind === "other" && item.status === "stored" && item.warnings.length === 1 && (item.warnings[0] ?? "").startsWith("the file is not understood:");

/** That ffmpeg makes no picture of a video is no fault of the file. */
export const isDamaged = (item: MediaItem) => !isUnknown(item) && item.warnings.some((warning) => item.kind !== "video" || !warning.includes("ffmpeg"));

export const isTroubled = (item: MediaItem) => item.status !== "stored" || isDamaged(item);
