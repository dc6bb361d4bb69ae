// Values in words: always with their unit, in the language of the page and the zone of the machine that looks.
import { language, t } from "../i18n";

const locale = () => (language === "de" ? "de-DE" : "en-GB");
export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

const formats = new Map<string, Intl.DateTimeFormat>();
function date(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = locale() + JSON.stringify(options);
  let format = formats.get(key);
  if (!format) formats.set(key, (format = new Intl.DateTimeFormat(locale(), options)));
  return format;
}

export const clock = (at: string | Date) => date({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(new Date(at));
export const clockSeconds = (at: string | Date) =>
  date({ hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }).format(new Date(at));
export const day = (at: string | Date) => date({ weekday: "short", day: "numeric", month: "short", year: "numeric" }).format(new Date(at));
export const monthYear = (at: string | Date) => date({ month: "short", year: "numeric" }).format(new Date(at));
export const dateTime = (at: string | Date) =>
  date({ day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(new Date(at));
export const dateTimeSeconds = (at: string | Date) =>
  date({ day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" }).format(new Date(at));
/** The zone's short name at a time: summer has another. */
export const zoneName = (at: string | Date = new Date()) =>
  date({ timeZoneName: "short" }).formatToParts(new Date(at)).find((part) => part.type === "timeZoneName")?.value ?? zone;

/** The beginning of a local day. */
export function startOfDay(at: string | Date): Date {
  const start = new Date(at);
  start.setHours(0, 0, 0, 0);
  return start;
}

export function relativeDay(at: string | Date): string {
  const days = Math.round((startOfDay(new Date()).getTime() - startOfDay(at).getTime()) / 86_400_000);
  if (days === 0) return t.time.today;
  if (days === 1) return t.time.yesterday;
  return day(at);
}

export function ago(at: string | Date, now = Date.now()): string {
  const seconds = Math.max(0, (now - new Date(at).getTime()) / 1000);
  const format = new Intl.RelativeTimeFormat(locale(), { numeric: "auto", style: "short" });
  if (seconds < 60) return t.time.justNow;
  if (seconds < 3600) return format.format(-Math.floor(seconds / 60), "minute");
  if (seconds < 86_400) return format.format(-Math.floor(seconds / 3600), "hour");
  return format.format(-Math.floor(seconds / 86_400), "day");
}

export function duration(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export const number = (value: number, digits = 0) =>
  new Intl.NumberFormat(locale(), { maximumFractionDigits: digits, minimumFractionDigits: 0 }).format(value);

export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${number(value, value < 10 && unit > 0 ? 1 : 0)} ${units[unit]}`;
}

export const metres = (value: number) => `${number(value, Math.abs(value) < 100 ? 1 : 0)} m`;
export const degrees = (value: number) => `${number(value, 1)}°`;
export const milliseconds = (value: number) => (value < 1000 ? `${number(value, value < 10 ? 1 : 0)} ms` : `${number(value / 1000, 1)} s`);
/** To a millimetre, for what was solved. */
export const exactCoordinates = (lat: number, lng: number) => `${lat.toFixed(8)}, ${lng.toFixed(8)}`;
export const centimetres = (metres: number) => `${number(metres * 100, 1)} cm`;
export const coordinates = (lat: number, lng: number) => `${lat.toFixed(6)}, ${lng.toFixed(6)}`;

/** A local day as `2026-11-23`. */
export const localDate = (at: Date) => `${String(at.getFullYear()).padStart(4, "0")}-${String(at.getMonth() + 1).padStart(2, "0")}-${String(at.getDate()).padStart(2, "0")}`;

/** `2026-11-23` in this zone as a moment, `days` later; none when it is no date. */
export function momentOf(date: string, days: number): string | undefined {
  const parts = /^(\d{4})-(\d{2})-(\d{2})$/.exec(date);
  if (!parts) return undefined;
  const time = new Date(Number(parts[1]), Number(parts[2]) - 1, Number(parts[3]) + days);
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}
