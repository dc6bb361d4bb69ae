// The workspace's share links: what each opens, until when, who came; and the way to end one.
import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { ChevronLeft, Link2 } from "lucide-react";
import { useState } from "react";
import { Link } from "wouter";
import { api, ok, type Schemas } from "../api/client";
import { shares, visits } from "../api/queries";
import { t } from "../i18n";
import { useHere, useWsPath } from "../shell/context";
import { Await, Confirm, CopyButton, Dialog, Notice, State } from "../ui/parts";
import { useTimes, ZoneNote } from "../ui/site";
import "../styles/share.css";

type Share = Schemas["ShareItem"];

export default function Links() {
  const { ws } = useHere();
  const path = useWsPath();
  const query = useInfiniteQuery(shares(ws));
  const items = query.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <div className="page">
      <Link className="back" href={path("albums")}>
        <ChevronLeft className="icon" aria-hidden />
        {t.places.albums}
      </Link>
      <div className="page-head"><h1>{t.shares.title}</h1><span className="grow" /><ZoneNote /></div>
      <Await query={query}>
        {() =>
          items.length === 0 ? (
            <Notice icon={Link2} title={t.shares.noLinks} action={<Link className="button primary" href={path("albums")}>{t.shares.toAlbums}</Link>}>{t.shares.noLinksHelp}</Notice>
          ) : (
            <ul className="share-list">{items.map((share) => <ShareRow key={share.id} share={share} />)}</ul>
          )
        }
      </Await>
      {query.hasNextPage && <button className="button" onClick={() => void query.fetchNextPage()}>{t.common.more}</button>}
    </div>
  );
}

function ShareRow({ share }: { share: Share }) {
  const { dateTime } = useTimes();
  const { ws } = useHere();
  const path = useWsPath();
  const client = useQueryClient();
  const [dialog, setDialog] = useState<"visits" | "revoke" | null>(null);
  const close = () => setDialog(null);
  const revoke = async () => {
    await ok(api.DELETE("/api/v1/workspaces/{ws}/shares/{id}", { params: { path: { ws, id: share.id } } }));
    await client.invalidateQueries({ queryKey: [ws, "shares"] });
  };
  const what = share.album_id ? path(`albums/${share.album_id}`) : share.flight_id ? path(`flights/${encodeURIComponent(share.flight_id)}`) : null;
  const rules = [
    share.download ? t.shares.rules.download : t.shares.rules.view,
    ...(share.has_password ? [t.shares.rules.password] : []),
    ...(share.hide_position ? [t.shares.rules.noPosition] : []),
    ...(share.hide_metadata ? [t.shares.rules.noMetadata] : []),
  ];
  return (
    <li className={share.open ? "" : "over"}>
      <div className="what">
        <h2 className="break">{what ? <Link href={what}>{share.title}</Link> : share.title}</h2>
        <span className="quiet small">{share.album_id ? t.shares.of.album : share.flight_id ? t.shares.of.flight : t.shares.of.selection} · {rules.join(" · ")}</span>
        {share.open && <span className="mono small break">{share.url} <CopyButton text={share.url} label={t.shares.copy} /></span>}
      </div>
      <div className="when">
        {share.open ? <State tone="good">{t.shares.open}</State> : <State tone="idle">{share.revoked_at ? t.shares.revoked : t.shares.ended}</State>}
        <span className="quiet small">{share.revoked_at ? dateTime(share.revoked_at) : share.expires_at ? t.shares.untilShort(dateTime(share.expires_at)) : t.shares.forEverShort}</span>
      </div>
      <div className="do">
        <button className="button slim num" onClick={() => setDialog("visits")}>{t.shares.views(share.view_count)}</button>
        {share.open && <button className="button slim" onClick={() => setDialog("revoke")}>{t.shares.revoke}</button>}
      </div>
      {dialog === "visits" && <Visits share={share} onClose={close} />}
      {dialog === "revoke" && <Confirm title={t.shares.revokeTitle(share.title)} action={t.shares.revoke} danger onConfirm={revoke} onClose={close}>{t.shares.revokeHelp}</Confirm>}
    </li>
  );
}

function Visits({ share, onClose }: { share: Share; onClose: () => void }) {
  const { dateTimeSeconds } = useTimes();
  const { ws } = useHere();
  const query = useInfiniteQuery(visits(ws, share.id));
  const items = query.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Dialog title={t.shares.visits(share.title)} onClose={onClose}>
      <div className="stack">
        <Await query={query}>
          {() =>
            items.length === 0 ? (
              <p className="quiet">{t.shares.noVisits}</p>
            ) : (
              <div className="table-wrap visits" tabIndex={0} role="group" aria-label={t.shares.visits(share.title)}>
                <table className="table">
                  <thead><tr><th>{t.shares.visitAt}</th><th>{t.shares.visitWhat}</th><th>{t.shares.visitFrom}</th></tr></thead>
                  <tbody>
                    {items.map((visit, n) => (
                      <tr key={`${visit.at} ${n}`}>
                        <td className="nowrap num">{dateTimeSeconds(visit.at)}</td>
                        <td>{(t.shares.visitWords as Record<string, string>)[visit.what] ?? visit.what}</td>
                        <td className="mono small">{visit.address ?? ""}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            )
          }
        </Await>
        {query.hasNextPage && <button className="button" onClick={() => void query.fetchNextPage()}>{t.common.more}</button>}
      </div>
      <div className="actions"><button className="button" onClick={onClose}>{t.common.close}</button></div>
    </Dialog>
  );
}
