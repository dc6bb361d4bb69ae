// Values in words: always with their unit, in the language of the page. Moments are in times.ts.
import { t } from "../i18n";
import { locale } from "./times";

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
  return `${number(value, value < 10 && unit > 0 ? 1 : 0)}\u00a0${units[unit]}`;
}

export const metres = (value: number) => `${number(value, Math.abs(value) < 100 ? 1 : 0)} m`;
export const degrees = (value: number) => `${number(value, 1)}°`;
export const milliseconds = (value: number) => (value < 1000 ? `${number(value, value < 10 ? 1 : 0)} ms` : `${number(value / 1000, 1)} s`);
/** To a millimetre, for what was solved. */
export const exactCoordinates = (lat: number, lng: number) => `${lat.toFixed(8)}, ${lng.toFixed(8)}`;
export const centimetres = (metres: number) => `${number(metres * 100, 1)} cm`;
export const coordinates = (lat: number, lng: number) => `${lat.toFixed(6)}, ${lng.toFixed(6)}`;
