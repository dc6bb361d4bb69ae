// Moments in words, in the zone of the place that they are of. Which zone that is says the page: `useTimes` in site.tsx.
import { language, t } from "../i18n";

export const browserZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
export const locale = () => (language === "de" ? "de-DE" : "en-GB");

/** False for a zone that this browser has not heard of. */
export function isZone(zone: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat("en", { timeZone: zone }));
  } catch {
    return false;
  }
}

export type Times = ReturnType<typeof make>;
const made = new Map<string, Times>();

/** The words for one zone, in the language of the page. */
export function timesIn(zone: string): Times {
  const key = `${language} ${zone}`;
  let times = made.get(key);
  if (!times) made.set(key, (times = make(isZone(zone) ? zone : browserZone)));
  return times;
}

type At = string | Date;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const DAY = { weekday: "short", day: "numeric", month: "short", year: "numeric" } as const;
const SHORT_DAY = { day: "numeric", month: "short", year: "numeric" } as const;
const CLOCK = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
const SECONDS = { ...CLOCK, second: "2-digit" } as const;

function make(zone: string) {
  const words = (options: Intl.DateTimeFormatOptions) => {
    const format = new Intl.DateTimeFormat(locale(), { ...options, timeZone: zone });
    return (at: At) => format.format(new Date(at));
  };
  // "2026-11-23 06:14:22"
  const fields = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium", timeZone: zone });
  const offsetMs = (at: number) => Date.parse(`${fields.format(at).replace(" ", "T")}Z`) - Math.floor(at / 1000) * 1000;
  const name = new Intl.DateTimeFormat(locale(), { timeZone: zone, timeZoneName: "short" });

  /** A day as `2026-11-23`. */
  const localDate = (at: At) => fields.format(new Date(at)).slice(0, 10);

  /** The beginning of a day `2026-11-23`, `days` later; none when it is no date. */
  const beginning = (date: string, days: number): Date | null => {
    if (!/^\d{4}-\d{2}-\d{2}$/.test(date)) return null;
    const utc = Date.parse(`${date}T00:00:00Z`) + days * DAY_MS;
    if (Number.isNaN(utc)) return null;
    const guess = utc - offsetMs(utc);
    const start = utc - offsetMs(guess);
    // where the clock is put forward at midnight, the day begins at one
    return new Date(localDate(new Date(start)) < new Date(utc).toISOString().slice(0, 10) ? start + HOUR_MS : start);
  };

  // thousands of moments come in their order: most are of the day of the one before
  let last: [from: number, to: number, date: Date] = [1, 0, new Date(0)];
  const startOfDay = (at: At): Date => {
    const time = new Date(at).getTime();
    if (time < last[0] || time >= last[1]) {
      const date = localDate(new Date(time));
      const from = beginning(date, 0) ?? new Date(time);
      last = [from.getTime(), beginning(date, 1)?.getTime() ?? 0, from];
    }
    return new Date(last[2]);
  };

  const day = words(DAY);
  return {
    zone,
    clock: words(CLOCK),
    clockSeconds: words(SECONDS),
    day,
    monthYear: words({ month: "short", year: "numeric" }),
    dateTime: words({ ...SHORT_DAY, ...CLOCK }),
    dateTimeSeconds: words({ ...SHORT_DAY, ...SECONDS }),
    /** The zone's short name at a time: summer has another. */
    zoneName: (at: At = new Date()) => name.formatToParts(new Date(at)).find((part) => part.type === "timeZoneName")?.value ?? zone,
    localDate,
    startOfDay,
    /** A day `2026-11-23` as a moment, `days` later; none when it is no date. */
    momentOf: (date: string, days: number) => beginning(date, days)?.toISOString(),
    relativeDay: (at: At) => {
      const days = Math.round((Date.parse(localDate(new Date())) - Date.parse(localDate(at))) / DAY_MS);
      return days === 0 ? t.time.today : days === 1 ? t.time.yesterday : day(at);
    },
    /** True when its days begin at a whole hour of UTC, in summer and in winter. */
    wholeHours: [0, 6].every((month) => offsetMs(Date.UTC(new Date().getUTCFullYear(), month, 1)) % HOUR_MS === 0),
  };
}
