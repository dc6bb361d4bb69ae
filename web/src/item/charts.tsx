// Height and heading of a video as small curves under it; a press or the arrow keys go to that time.
import { useMemo, type PointerEvent, type ReactNode } from "react";
import { altitude, gapLimit, heading, pitch, sampleAt, type Track } from "../api/telemetry";
import { t } from "../i18n";
import { degrees, metres } from "../ui/format";
import type { Seek } from "./video";

const POINTS = 400;
const HEIGHT = 36;

export function Charts({ track, t_s, seek, children }: { track: Track; t_s: number; seek: Seek; children?: ReactNode }) {
  const { samples } = track;
  const end = samples.at(-1)?.t_s ?? 0;
  const curves = useMemo(
    () =>
      [
        { name: t.item.height, value: altitude, words: metres },
        { name: t.item.heading, value: heading, words: degrees },
        { name: t.look.pitch, value: pitch, words: degrees },
      ].map((curve) => ({ ...curve, path: pathOf(samples.map((sample) => [sample.t_s, curve.value(sample)]), end) })),
    [samples, end],
  );
  const here = samples[sampleAt(samples, t_s)];
  const press = (event: PointerEvent<HTMLDivElement>) => {
    if (event.type === "pointermove" && !(event.buttons & 1)) return;
    const box = event.currentTarget.getBoundingClientRect();
    seek.current?.(Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * end);
  };
  if (end <= 0) return null;
  return (
    <div className="charts">
      {children}
      {curves.map(({ name, path, value, words }) => {
        if (!path) return null;
        const now = value(here);
        return (
          <div key={name} className="chart">
            <span className="num">{name} {now === null ? "–" : words(now)}</span>
            <div
              className="curve" role="slider" tabIndex={0} aria-label={`${name}, ${t.item.timeInVideo}`} aria-valuemin={0} aria-valuemax={Math.round(end)} aria-valuenow={Math.round(t_s)}
              aria-valuetext={`${t_s.toFixed(1)} s, ${now === null ? "–" : words(now)}`} onPointerDown={press} onPointerMove={press}
              onKeyDown={(event) => {
                const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
                if (by === undefined) return;
                event.preventDefault();
                event.stopPropagation();
                seek.current?.(Math.min(end, Math.max(0, t_s + by)));
              }}
            >
              <svg viewBox={`0 0 ${POINTS} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden>
                <path d={path} />
              </svg>
              <span className="head" style={{ left: `${Math.min(100, (t_s / end) * 100)}%` }} />
            </div>
          </div>
        );
      })}
    </div>
  );
}

/** An SVG path through at most `POINTS` points; a gap where nothing is known. Null without two values. */
function pathOf(values: [number, number | null][], end: number): string | null {
  const known = values.filter((one): one is [number, number] => one[1] !== null);
  if (known.length < 2) return null;
  const low = Math.min(...known.map(([, value]) => value));
  const high = Math.max(...known.map(([, value]) => value));
  const step = Math.max(1, Math.floor(values.length / POINTS));
  const limit = gapLimit(values.map(([time]) => time));
  let path = "";
  let pen = false;
  let last = 0;
  for (let n = 0; n < values.length; n += 1) {
    const [time, value] = values[n] ?? [0, null];
    // a gap is a gap also between the points that are drawn
    if (value === null || time - last > limit) pen = false;
    last = time;
    if (value === null || (pen && n % step !== 0)) continue;
    const y = high - low < 0.001 ? HEIGHT / 2 : 2 + ((high - value) / (high - low)) * (HEIGHT - 4);
    path += `${pen ? "L" : "M"}${((time / end) * POINTS).toFixed(1)} ${y.toFixed(1)}`;
    pen = true;
  }
  return path;
}
