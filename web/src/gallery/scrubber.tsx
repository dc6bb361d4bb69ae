// Time along the right edge: months as marks where their pictures are, the date under the pointer while one drags.
import { useMemo, useRef, useState, type PointerEvent, type RefObject } from "react";
import { t } from "../i18n";
import { useTimes } from "../ui/site";
import type { Day } from "./days";
import { at, type Section } from "./layout";

const MARK_GAP = 44;

export function Scrubber({ days, sections, view, scroller, top }: {
  days: Day[]; sections: Section[]; view: { top: number; height: number }; scroller: RefObject<HTMLElement | null>; top: () => number;
}) {
  const { day: dayWords, monthYear } = useTimes();
  const [hover, setHover] = useState<{ y: number; words: string } | null>(null);
  const track = useRef<HTMLDivElement>(null);
  const total = (sections.at(-1)?.top ?? 0) + (sections.at(-1)?.height ?? 0);
  const height = Math.max(100, view.height - 32);

  const marks = useMemo(() => {
    const found: { y: number; words: string }[] = [];
    let month = "";
    sections.forEach((section, n) => {
      const from = days[n]?.from;
      if (!from) return;
      const words = monthYear(from);
      const y = (section.top / total) * height;
      if (words !== month && y - (found.at(-1)?.y ?? -MARK_GAP) >= MARK_GAP) found.push({ y, words });
      month = words;
    });
    return found;
  }, [days, sections, total, height, monthYear]);

  if (total < view.height * 2 || view.height === 0) return null;

  const where = (event: PointerEvent) => {
    const box = track.current?.getBoundingClientRect();
    const y = Math.min(height, Math.max(0, event.clientY - (box?.top ?? 0)));
    const section = at(sections, (y / height) * total);
    const from = days[section]?.from;
    setHover({ y, words: from ? dayWords(from) : t.gallery.undated });
    return (y / height) * total;
  };
  const go = (y: number) => scroller.current?.scrollTo({ top: top() + y });

  return (
    <div className="scrubber" aria-hidden>
      <div
        ref={track}
        className="track"
        style={{ height }}
        onPointerDown={(event) => (event.currentTarget.setPointerCapture(event.pointerId), go(where(event)))}
        onPointerMove={(event) => {
          const y = where(event);
          if (event.buttons & 1) go(y);
        }}
        onPointerLeave={() => setHover(null)}
      >
        {marks.map((mark) => (
          <span key={mark.y} className="mark" style={{ top: mark.y }}>{mark.words}</span>
        ))}
        <span className="thumb" style={{ top: (view.top / total) * height, height: Math.max(4, (view.height / total) * height) }} />
        {hover && <span className="words" style={{ top: hover.y }}>{hover.words}</span>}
      </div>
    </div>
  );
}
