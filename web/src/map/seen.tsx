// Who saw a spot: photos, and seconds of videos, whose footprint holds it; each opens at that second.
import { useInfiniteQuery } from "@tanstack/react-query";
import { Eye, X } from "lucide-react";
import { Link } from "wouter";
import type { Schemas } from "../api/client";
import { seenAt, type MediaFilter } from "../api/queries";
import { Picture } from "../gallery/picture";
import { t } from "../i18n";
import { useHere, useWsPath } from "../shell/context";
import { coordinates, degrees, duration, metres } from "../ui/format";
import { useTimes, ZoneNote } from "../ui/site";
import { Await, Loading, Moment, Notice } from "../ui/parts";

type Seen = Schemas["SeenItem"];
type Place = { lat: number; lng: number };

export function SeenPanel({ place, filter, keep, dockName, close }: {
  place: Place; filter: MediaFilter; keep: string; dockName: (sn: string | null) => string; close: () => void;
}) {
  const { ws } = useHere();
  const query = useInfiniteQuery(seenAt(ws, place, filter));
  const items = query.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <aside className="seen" aria-label={t.map.seen.title}>
      <header>
        <div>
          <h2>{t.map.seen.title}</h2>
          <p className="quiet num">
            {coordinates(place.lat, place.lng)}
            {query.isSuccess && items.length > 0 && ` · ${t.map.seen.count(items.length, query.hasNextPage)}`}
          </p>
          <ZoneNote />
        </div>
        <button className="button icon-only slim" aria-label={t.common.close} onClick={close}><X className="icon" aria-hidden /></button>
      </header>
      <Await query={query} loading={<Loading rows={5} height={72} />}>
        {() =>
          items.length === 0 && !query.hasNextPage ? (
            <Notice icon={Eye} title={t.map.seen.none}>{t.map.seen.noneHelp}</Notice>
          ) : (
            <>
              <ul>{items.map((item) => <Sight key={item.media.id} item={item} keep={keep} dockName={dockName} />)}</ul>
              {query.hasNextPage && <button className="button" disabled={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>{t.map.seen.more}</button>}
              <p className="quiet note">{t.map.estimate}</p>
            </>
          )
        }
      </Await>
    </aside>
  );
}

function Sight({ item, keep, dockName }: { item: Seen; keep: string; dockName: (sn: string | null) => string }) {
  const { clockSeconds, dateTime } = useTimes();
  const { ws } = useHere();
  const path = useWsPath();
  const { media, moments } = item;
  const to = (t_s?: number) => {
    const search = new URLSearchParams(keep);
    if (t_s !== undefined) search.set("t", String(Math.max(0, Math.round(t_s * 10) / 10)));
    const text = search.toString();
    return path(`media/${media.id}${text && `?${text}`}`);
  };
  const best = moments.toSorted((a, b) => a.sighting.range_m - b.sighting.range_m)[0];
  const look = ({ range_m, bearing_deg, off_nadir_deg }: Seen["sighting"]) => t.map.seen.look(metres(range_m), degrees(Math.round(bearing_deg) % 360), degrees(Math.round(off_nadir_deg)));
  return (
    <li className="sight">
      <Link className="shot" href={to(best?.best_s)} aria-label={media.name} tabIndex={-1}><Picture ws={ws} item={media} bare /></Link>
      <div className="words">
        <Link className="clip" href={to(best?.best_s)}>{media.captured_at ? <Moment at={media.captured_at}>{dateTime(media.captured_at)}</Moment> : media.name}</Link>
        <span className="quiet clip">{[dockName(media.gateway_sn), media.name].filter(Boolean).join(" · ")}</span>
        <span className="quiet">{look(item.sighting)}</span>
        {moments.map((moment) => (
          <Link key={moment.from_s} className="moment num" href={to(moment.best_s)} data-t={moment.best_s}>
            {t.map.seen.moment(media.captured_at ? clockSeconds(new Date(Date.parse(media.captured_at) + moment.best_s * 1000)) : duration(moment.best_s), t.map.seen.seconds(Math.round(moment.to_s - moment.from_s) + 1))}
          </Link>
        ))}
      </div>
    </li>
  );
}
