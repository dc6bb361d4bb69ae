// The first steps of a new library, ticked as they are done: what an empty flights page shows to administrators.
import { useQuery } from "@tanstack/react-query";
import { Circle, CircleAlert, CircleCheck } from "lucide-react";
import type { ReactNode } from "react";
import { Link } from "wouter";
import { controllers, docks, settings, users } from "../api/queries";
import { t } from "../i18n";
import { isServerAdmin, useHere, useWsPath } from "../shell/context";
import { CopyButton } from "../ui/parts";
import "../styles/admin.css";
import "../styles/docks.css";

type Mark = "done" | "open" | "look";

export default function FirstSteps() {
  const { ws, session } = useHere();
  const path = useWsPath();
  const root = isServerAdmin(session);
  const addresses = useQuery({ ...settings, enabled: root }).data?.addresses;
  const people = useQuery(users(ws)).data?.items ?? [];
  const every = { refetchInterval: 5_000 };
  const dockList = useQuery({ ...docks(ws), ...every }).data?.items ?? [];
  const crews = useQuery({ ...controllers(ws), ...every }).data?.items ?? [];
  const onlyHere = addresses && /\/\/(127\.|localhost|\[::1\])/.test(addresses.mqtt);
  const seen = dockList.some((one) => one.last_seen_at) || crews.some((one) => one.last_seen_at);
  const pilot = addresses?.pilot ?? `${location.origin}/pilot`;
  return (
    <section className="first-steps" aria-labelledby="first-steps">
      <h2 id="first-steps">{t.start.title}</h2>
      <p className="quiet">{t.start.help}</p>
      <ol className="checks">
        {addresses && (
          <Step mark={onlyHere ? "look" : "done"} title={t.start.address}>
            <span className="mono break">{addresses.mqtt}</span>
            <p className={onlyHere ? "state attention" : "quiet"} style={{ whiteSpace: "normal" }}>{onlyHere ? t.start.onlyHere : t.start.addressHelp}</p>
          </Step>
        )}
        <Step mark={people.length > 0 ? "done" : "open"} title={t.start.people}>
          <p className="quiet">{t.start.peopleHelp}</p>
          <Link className="button slim" href={path("admin/users")}>{t.admin.addUser}</Link>
        </Step>
        <Step mark={dockList.length + crews.length > 0 ? "done" : "open"} title={t.start.device}>
          <p className="quiet">{t.start.dockHelp}</p>
          <Link className="button slim" href={path("docks")}>{dockList.length > 0 ? t.flights.noneSeeDocks : t.docks.add}</Link>
          <p className="quiet">{t.start.pilotHelp} <code className="mono break">{pilot}</code> <CopyButton text={pilot} label={t.common.copyThat(t.controllers.address)} /></p>
        </Step>
        <Step mark={seen ? "done" : "open"} title={t.start.heard}><p className="quiet">{t.start.heardHelp}</p></Step>
        <Step mark="open" title={t.start.fly}><p className="quiet">{t.start.flyHelp}</p></Step>
      </ol>
    </section>
  );
}

function Step({ mark, title, children }: { mark: Mark; title: string; children: ReactNode }) {
  const Glyph = mark === "done" ? CircleCheck : mark === "look" ? CircleAlert : Circle;
  return (
    <li className={mark === "done" ? "is" : mark}>
      <Glyph className="icon" aria-hidden />
      <div>
        <strong>{title}</strong> {mark === "done" && <span className="visually-hidden">{t.checks.is}</span>}
        {children}
      </div>
    </li>
  );
}
