// Why files stay, and when they go, in words.
import type { MediaItem, Schemas } from "../api/client";
import { t } from "../i18n";

type Kept = Schemas["KeptItem"];

/** "2 on legal hold, 1 shared". */
export const keptWords = (kept: Kept[]) => kept.map((one) => t.keep.why[one.why](one.count)).join(", ");

const DAY_MS = 86_400_000;

/** When a file of the trash is deleted for good; null without a period. */
export function goesIn(item: MediaItem, period_s: number | null, now: number): string | null {
  if (period_s === null || item.trashed_at === null) return null;
  const left = Date.parse(item.trashed_at) + period_s * 1000 - now;
  if (left <= 0) return t.trash.goesNow;
  const days = Math.ceil(left / DAY_MS);
  return days <= 1 ? t.trash.goesToday : t.trash.goesIn(days);
}

/** A period as people say it. */
export function periodWords(period_s: number): string {
  const days = period_s / 86_400;
  return days >= 1 && Number.isInteger(days) ? t.keep.days(days) : t.keep.hours(Math.max(1, Math.round(period_s / 3600)));
}
