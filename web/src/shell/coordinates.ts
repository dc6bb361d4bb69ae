// A place as people write it: "47.3769, 8.5417", "47.3769° N 8.5417° E", "N 47°22.614' E 8°32.502'", "47°22'36.8"N 8°32'30.1"E".
import { language } from "../i18n";

export type Place = { lat: number; lng: number };

const NUMBER = String.raw`\d{1,3}(?:\.\d+)?`;
// a sign, degrees, minutes, seconds
const BODY = String.raw`([-−+])?(${NUMBER})\s*([°º])?\s*(?:(${NUMBER})\s*['′’]\s*)?(?:(${NUMBER})\s*(?:"|″|”|'')\s*)?`;
const LETTER = "([NSEWO])";
const BEFORE = new RegExp(`^${LETTER}\\s*${BODY}\\s*[,;/]?\\s*${LETTER}\\s*${BODY}$`, "i");
const BEHIND = new RegExp(`^${BODY}\\s*${LETTER}?(?:\\s*[,;/]\\s*|\\s+|(?<=[NSEWO"″”'′’°º]))${BODY}\\s*${LETTER}?$`, "i");

type Half = { degrees: number; axis: "lat" | "lng" | null; sure: boolean };

function half(letter: string | undefined, [sign, whole = "", mark, minutes, seconds]: (string | undefined)[]): Half | null {
  const [degrees = NaN, minute = NaN, second = NaN] = [whole, minutes ?? "0", seconds ?? "0"].map(Number);
  const side = letter?.toUpperCase();
  // a sign beside a letter, sixty minutes, a fraction of a degree that goes on
  if ((side && sign) || minute >= 60 || second >= 60 || ((minutes ?? seconds) !== undefined && whole.includes("."))) return null;
  const size = degrees + minute / 60 + second / 3_600;
  const west = side === "W" || (side === "O" && language !== "de");
  const negative = side === "S" || west || sign === "-" || sign === "−";
  const axis = side === undefined ? null : side === "N" || side === "S" ? "lat" : "lng";
  return { degrees: negative ? -size : size, axis, sure: side !== undefined || mark !== undefined || whole.includes(".") };
}

/** Latitude first where no letter says otherwise; none for what may just as well be two numbers. */
export function placeIn(text: string): Place | null {
  const before = BEFORE.exec(text.trim());
  const found = before ?? BEHIND.exec(text.trim());
  if (!found) return null;
  const [a, b] = before ? [half(found[1], found.slice(2, 7)), half(found[7], found.slice(8))] : [half(found[6], found.slice(1, 6)), half(found[12], found.slice(7, 12))];
  if (!a?.sure || !b?.sure || (a.axis === null) !== (b.axis === null) || (a.axis !== null && a.axis === b.axis)) return null;
  const [lat, lng] = a.axis === "lng" ? [b.degrees, a.degrees] : [a.degrees, b.degrees];
  return Math.abs(lat) <= 90 && Math.abs(lng) <= 180 ? { lat, lng } : null;
}

const METRES_A_DEGREE = 111_320;

/** west, south, east, north so many metres around a place. */
export function around({ lat, lng }: Place, metres: number): [number, number, number, number] {
  const high = metres / METRES_A_DEGREE;
  const wide = high / Math.max(0.01, Math.cos((lat * Math.PI) / 180));
  return [Math.max(-180, lng - wide), Math.max(-90, lat - high), Math.min(180, lng + wide), Math.min(90, lat + high)];
}
