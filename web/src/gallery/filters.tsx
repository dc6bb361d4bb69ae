// What the gallery and the map are narrowed to, kept in the address; active ones are shown, each with the way to drop it.
import { useQuery } from "@tanstack/react-query";
import { SlidersHorizontal, SquareDashedMousePointer, X } from "lucide-react";
import { useCallback, useState } from "react";
import { Link } from "wouter";
import { controllers, docks } from "../api/queries";
import { t } from "../i18n";
import { useHere } from "../shell/context";
import { useDismiss } from "../ui/parts";
import { DeviceOptions } from "../docks/device-options";
import { aircraftWord } from "../docks/words";
import { ALTITUDES, FILTER_WORDS } from "./days";

/** `drawArea`: where an area is drawn, when that is not here. */
type Props = { search: URLSearchParams; setSearch: (next: URLSearchParams) => void; drawArea?: string };

const KINDS = ["", "photo", "video", "thermal", "panorama", "ppk,rtcm", "all"] as const;

export function Filters({ search, setSearch, drawArea }: Props) {
  const { ws } = useHere();
  const dockList = useQuery(docks(ws));
  const crews = useQuery(controllers(ws)).data?.items ?? [];
  const [open, setOpen] = useState(false);
  const close = useCallback(() => setOpen(false), []);
  const ref = useDismiss(open, close);
  const set = (word: string, value: string) => {
    const next = new URLSearchParams(search);
    if (value) next.set(word, value);
    else next.delete(word);
    setSearch(next);
  };
  const value = (word: string) => search.get(word) ?? "";
  const active = FILTER_WORDS.filter((word) => search.get(word));
  const items = dockList.data?.items ?? [];
  const known = [...items, ...crews].flatMap((device) => device.aircraft.map((one) => one.model_key));
  const models = [...new Set([...known, value("drone_model_key")])].filter((key): key is string => Boolean(key)).sort();

  return (
    <>
      {active.length > 0 && (
        <ul className="chips" aria-label={t.filters.active}>
          {active.map((word) => (
            <li key={word}>
              <button className="chip" onClick={() => set(word, "")} aria-label={t.filters.drop(describe(word, value(word), items))}>
                <span className="clip">{describe(word, value(word), items)}</span>
                <X className="icon" aria-hidden />
              </button>
            </li>
          ))}
        </ul>
      )}
      <div className="anchor" ref={ref}>
        <button className="button" aria-expanded={open} onClick={() => setOpen(!open)}>
          <SlidersHorizontal className="icon" aria-hidden />
          {t.filters.title}
        </button>
        {open && (
          <div className="popover filters">
            <label className="field">
              <span>{t.filters.kind}</span>
              <select className="select" value={value("kind")} onChange={(event) => set("kind", event.target.value)}>
                {KINDS.map((kind) => <option key={kind} value={kind}>{t.filters.kinds[kind]}</option>)}
              </select>
            </label>
            <label className="field">
              <span>{t.filters.source}</span>
              <select className="select" value={value("source")} onChange={(event) => set("source", event.target.value)}>
                <option value="">{t.filters.allSources}</option>
                {Object.entries(t.filters.sources).map(([source, words]) => <option key={source} value={source}>{words}</option>)}
              </select>
            </label>
            <label className="field">
              <span>{t.filters.device}</span>
              <select className="select" value={value("gateway_sn")} onChange={(event) => set("gateway_sn", event.target.value)}>
                <option value="">{t.filters.allDevices}</option>
                <DeviceOptions docks={items} controllers={crews} />
              </select>
            </label>
            <label className="field">
              <span>{t.filters.camera}</span>
              <select className="select" value={value("camera")} onChange={(event) => set("camera", event.target.value)}>
                <option value="">{t.filters.allCameras}</option>
                {Object.entries(t.filters.cameras).map(([camera, words]) => <option key={camera} value={camera}>{words}</option>)}
              </select>
            </label>
            {models.length > 0 && (
              <label className="field">
                <span>{t.filters.aircraft}</span>
                <select className="select" value={value("drone_model_key")} onChange={(event) => set("drone_model_key", event.target.value)}>
                  <option value="">{t.filters.allAircraft}</option>
                  {models.map((key) => <option key={key} value={key}>{aircraftWord(key) ?? key}</option>)}
                </select>
              </label>
            )}
            {(["relative", "absolute"] as const).map((datum) => (
              <fieldset className="range" key={datum}>
                <legend>{t.filters.altitudes[datum]}</legend>
                {ALTITUDES.filter((word) => word.includes(datum)).map((word) => (
                  <input
                    key={`${word} ${value(word)}`} className="input" type="number" inputMode="decimal" step="any" defaultValue={value(word)}
                    aria-label={t.filters.altitude(datum, word.startsWith("min"))} placeholder={word.startsWith("min") ? t.filters.least : t.filters.most}
                    onBlur={(event) => event.target.value !== value(word) && set(word, event.target.value)}
                    onKeyDown={(event) => event.key === "Enter" && set(word, event.currentTarget.value)}
                  />
                ))}
              </fieldset>
            ))}
            <div className="pair">
              <label className="field">
                <span>{t.filters.from}</span>
                <input className="input" type="date" value={value("from")} max={value("to") || undefined} onChange={(event) => set("from", event.target.value)} />
              </label>
              <label className="field">
                <span>{t.filters.to}</span>
                <input className="input" type="date" value={value("to")} min={value("from") || undefined} onChange={(event) => set("to", event.target.value)} />
              </label>
            </div>
            <label className="field">
              <span>{t.filters.status}</span>
              <select className="select" value={value("status")} onChange={(event) => set("status", event.target.value)}>
                <option value="">{t.filters.statuses.stored}</option>
                <option value="missing">{t.filters.statuses.missing}</option>
                <option value="quarantined">{t.filters.statuses.quarantined}</option>
                <option value="all">{t.filters.statuses.all}</option>
              </select>
            </label>
            {drawArea && <Link className="button" href={drawArea}><SquareDashedMousePointer className="icon" aria-hidden />{t.map.draw}</Link>}
            {active.length > 0 && <button className="button" onClick={() => (setSearch(new URLSearchParams()), close())}>{t.filters.dropAll}</button>}
          </div>
        )}
      </div>
    </>
  );
}

function describe(word: (typeof FILTER_WORDS)[number], value: string, items: { sn: string; callsign: string | null }[]): string {
  switch (word) {
    case "kind":
      return KINDS.some((kind) => kind === value) ? t.filters.kinds[value as (typeof KINDS)[number]] : value;
    case "gateway_sn":
      return items.find((dock) => dock.sn === value)?.callsign ?? value;
    case "source":
      return (t.filters.sources as Record<string, string>)[value] ?? value;
    case "camera":
      return (t.filters.cameras as Record<string, string>)[value] ?? value;
    case "flight_id":
      return t.filters.oneFlight;
    case "album_id":
      return t.filters.oneAlbum;
    case "bbox":
      return t.filters.area;
    case "status":
      return (t.filters.statuses as Record<string, string>)[value] ?? value;
    case "from":
      return t.filters.since(value);
    case "to":
      return t.filters.until(value);
    case "drone_model_key":
      return aircraftWord(value) ?? value;
    case "min_relative_altitude_m":
    case "max_relative_altitude_m":
    case "min_absolute_altitude_m":
    case "max_absolute_altitude_m":
      return t.filters.altitudeIs(word.includes("relative") ? "relative" : "absolute", word.startsWith("min"), value);
    case "q":
      return `“${value}”`;
  }
}
