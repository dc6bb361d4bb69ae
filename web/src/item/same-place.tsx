// Other pictures of this place, by date: docks fly the same route every day.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import type { MediaItem } from "../api/client";
import { samePlace } from "../api/queries";
import { Picture } from "../gallery/picture";
import { t } from "../i18n";
import { useHere } from "../shell/context";
import { degrees, metres } from "../ui/format";
import { useTimes } from "../ui/site";

export function useSamePlace(item: MediaItem | undefined) {
  const { ws } = useHere();
  const pictured = item?.status === "stored" && item.position !== null && (item.kind === "photo" || item.kind === "thermal" || item.kind === "panorama");
  return useQuery({ ...samePlace(ws, item?.id ?? ""), enabled: pictured === true }).data;
}

type Found = NonNullable<ReturnType<typeof useSamePlace>>;

export function SamePlace({ found, compared, compare }: { found: Found; compared: string | null; compare: (item: MediaItem) => void }) {
  const { clock, dateTime, day } = useTimes();
  /** The day, and of today and yesterday the time as well: several flights a day are common. */
  const shortDay = (at: string) => (isRecent(at) ? dateTime(at).replace(/ \d{4}/, "") : day(at));
  const { ws } = useHere();
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    ref.current?.querySelector<HTMLElement>('[aria-pressed="true"]')?.scrollIntoView({ inline: "nearest", block: "nearest" });
  }, [compared]);
  if (found.items.length === 0) return null;
  return (
    <div className="same-place">
      <h2>{t.look.samePlace}</h2>
      <div className="dates" ref={ref} role="group" aria-label={t.look.samePlace}>
        {found.items.map(({ media, ...match }) => {
          const at = media.captured_at;
          const short = at ? shortDay(at) : "–";
          // what is read aloud begins with what is seen
          const when = at ? (isRecent(at) ? short : `${short}, ${clock(at)}`) : `${short} ${media.name}`;
          const apart = [
            t.look.apart(metres(match.distance_m)),
            match.yaw_difference_deg !== null && t.look.turned(degrees(match.yaw_difference_deg)),
            match.same_waypoint && t.look.sameWaypoint,
          ].filter(Boolean).join(", ");
          return (
            <button key={media.id} className="frame" aria-pressed={media.id === compared} aria-label={t.look.compareWith(when)} title={`${when}. ${apart}`} onClick={() => compare(media)}>
              <Picture ws={ws} item={media} bare />
              <span className="when num">{short}</span>
            </button>
          );
        })}
        {found.partial && <span className="more">{t.look.moreDates}</span>}
      </div>
    </div>
  );
}

const isRecent = (at: string) => Date.now() - Date.parse(at) < 2 * 86_400_000;
