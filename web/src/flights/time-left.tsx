// How long an upload still takes, from the arrivals that were seen here: nothing before there is a rate, and a longer time while
// nothing comes.
import { useEffect, useState } from "react";
import { t } from "../i18n";
import { duration } from "../ui/format";
import { useTick } from "../ui/parts";

/** A moment at which files came, and how many were left then. */
type Arrival = { at: number; left: number };

/** Arrivals that count; a connection that became faster shows soon. */
const MOST = 12;
/** Two gaps between arrivals: one alone may be anything. */
const LEAST = 3;
const LONGEST_S = 48 * 3_600;
const TICK_MS = 5_000;
const NONE: Arrival[] = [];

/** What was seen of each upload, for as long as the page is open: going from one page to another begins nothing anew. */
const seen = new Map<string, { left: number; arrivals: Arrival[] }>();

/** The first look says nothing about time, and more files than before begin anew. */
function note(key: string, left: number, at: number): Arrival[] {
  const known = seen.get(key);
  const arrivals = !known || left > known.left ? NONE : left < known.left ? [...known.arrivals, { at, left }].slice(-MOST) : known.arrivals;
  seen.set(key, { left, arrivals });
  return arrivals;
}

/** Seconds, or none when nothing can be said. */
function secondsLeft(arrivals: readonly Arrival[], now: number): number | null {
  const [first, last] = [arrivals[0], arrivals.at(-1)];
  if (!first || !last || arrivals.length < LEAST || last.left <= 0) return null;
  const came = first.left - last.left;
  const gap = (last.at - first.at) / came;
  const silence = now - last.at;
  // a file that is late makes the rate lower; one that is on its way is not late
  const each = silence > 2 * gap ? (now - first.at) / came : gap;
  const seconds = (each * last.left) / 1000;
  return seconds <= LONGEST_S ? seconds : null;
}

/** "~4 min" for what `key` stands for, of which so many files are left. */
export function useTimeLeft(key: string, left: number | null): string | null {
  const [arrivals, setArrivals] = useState<readonly Arrival[]>(seen.get(key)?.arrivals ?? NONE);
  useEffect(() => {
    if (left !== null) setArrivals(note(key, left, Date.now()));
  }, [key, left]);
  const seconds = secondsLeft(arrivals, useTick(TICK_MS));
  if (left === null || seconds === null) return null;
  return seconds < 60 ? t.flights.underMinute : `~${duration(Math.ceil(seconds / 60) * 60)}`;
}

export function TimeLeft({ of, left }: { of: string; left: number }) {
  const words = useTimeLeft(of, left);
  return words && <span className="time-left" title={t.flights.timeLeftHelp}>{words}</span>;
}
