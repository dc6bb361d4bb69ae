// A retention rule, and beside it what it would do now: a dry run with each change of it.
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type FormEvent } from "react";
import { api, ok, type MediaKind, type Schemas } from "../api/client";
import { controllers, docks, retentionPreview } from "../api/queries";
import { DeviceOptions } from "../docks/device-options";
import { Picture } from "../gallery/picture";
import { t } from "../i18n";
import { useHere } from "../shell/context";
import { bytes } from "../ui/format";
import { useTimes } from "../ui/site";
import { Dialog, Failure, Refused, Working } from "../ui/parts";
import { keptWords } from "./words";
import "../styles/share.css";

type Rule = Schemas["RetentionRuleItem"];

const KINDS: MediaKind[] = ["photo", "video", "panorama", "thermal", "subtitle", "ppk", "rtcm", "other"];
const MOST_DAYS = 36_500;
const PICTURES = 8;

export function RuleDialog({ rule, onClose }: { rule?: Rule; onClose: () => void }) {
  const { ws } = useHere();
  const client = useQueryClient();
  const dockList = useQuery(docks(ws)).data?.items ?? [];
  const crews = useQuery(controllers(ws)).data?.items ?? [];
  const [days, setDays] = useState(String(rule?.older_than_days ?? 90));
  const [kinds, setKinds] = useState<MediaKind[]>(rule?.kinds ?? []);
  const [sn, setSn] = useState(rule?.gateway_sn ?? "");
  const older_than_days = Number(days);
  const sound = Number.isInteger(older_than_days) && older_than_days >= 1 && older_than_days <= MOST_DAYS;
  const reach = { older_than_days, kinds, gateway_sn: sn || null };
  const tried = useQuery({ ...retentionPreview(ws, reach), enabled: sound, placeholderData: keepPreviousData });
  const save = useMutation({
    mutationFn: (name: string): Promise<Rule> =>
      rule
        ? ok(api.PATCH("/api/v1/workspaces/{ws}/retention-rules/{id}", { params: { path: { ws, id: rule.id } }, body: { name, older_than_days, kinds, gateway_sn: sn } }))
        : ok(api.POST("/api/v1/workspaces/{ws}/retention-rules", { params: { path: { ws } }, body: { name, ...reach, enabled: true } })),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: [ws, "retention"] });
      onClose();
    },
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    save.mutate(String(new FormData(event.currentTarget).get("name")).trim());
  };
  const title = rule ? t.keep.change : t.keep.add;
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={submit}>
        <label className="field">
          <span>{t.admin.name}</span>
          <input className="input" name="name" required maxLength={64} defaultValue={rule?.name} placeholder={t.keep.nameExample} autoComplete="off" autoFocus />
        </label>
        <div className="pair">
          <label className="field">
            <span>{t.keep.olderThan}</span>
            <input className="input" type="number" inputMode="numeric" min={1} max={MOST_DAYS} required value={days} onChange={(event) => setDays(event.target.value)} />
          </label>
          <label className="field">
            <span>{t.filters.device}</span>
            <select className="select" value={sn} onChange={(event) => setSn(event.target.value)}>
              <option value="">{t.filters.allDevices}</option>
              <DeviceOptions docks={dockList} controllers={crews} />
              {sn && ![...dockList, ...crews].some((device) => device.sn === sn) && <option value={sn}>{sn}</option>}
            </select>
          </label>
        </div>
        <fieldset className="checks kinds">
          <legend>{t.keep.kinds}</legend>
          {KINDS.map((kind) => (
            <label key={kind}>
              <input type="checkbox" checked={kinds.includes(kind)} onChange={(event) => setKinds(event.target.checked ? [...kinds, kind] : kinds.filter((one) => one !== kind))} />
              {t.kinds.one[kind]}
            </label>
          ))}
        </fieldset>
        <section className="dry-run" aria-live="polite" aria-busy={tried.isFetching}>
          <h3>{t.keep.dryRun}</h3>
          {!sound ? <p className="quiet">{t.keep.needDays}</p> : tried.isError ? <Failure error={tried.error} retry={() => void tried.refetch()} /> : tried.data ? <Tried found={tried.data} /> : <div className="skeleton" style={{ height: 64 }} />}
        </section>
        {save.error && <Refused error={save.error} />}
        <div className="actions" style={{ marginTop: 0 }}>
          <button type="button" className="button" onClick={onClose}>{t.common.cancel}</button>
          <button className="button primary" disabled={save.isPending || !sound}>{save.isPending && <Working />}{title}</button>
        </div>
      </form>
    </Dialog>
  );
}

const cameWords = (first: string, last: string) => (first === last ? t.keep.arrivedOn(first) : t.keep.arrived(first, last));

function Tried({ found }: { found: Schemas["RetentionPreviewItem"] }) {
  const { day } = useTimes();
  const { ws } = useHere();
  const pictures = found.first.slice(0, PICTURES);
  return (
    <>
      <p>
        {found.count === 0 ? t.keep.wouldNone : <><strong>{t.keep.would(found.count)}</strong> {bytes(found.size_bytes)}</>}
        {found.oldest && found.newest && <span className="quiet"> {cameWords(day(found.oldest), day(found.newest))}</span>}
      </p>
      {found.kept.length > 0 && <p className="quiet">{t.keep.stays(keptWords(found.kept))}</p>}
      {pictures.length > 0 && (
        <div className="tried" aria-hidden>
          {pictures.map((item) => <span key={item.id}><Picture ws={ws} item={item} bare /></span>)}
        </div>
      )}
    </>
  );
}
