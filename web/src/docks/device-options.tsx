// The devices of a workspace as the options of a select; `whole` also offers all of one kind, `words` says what each stands for.
import type { DockItem, Schemas } from "../api/client";
import { t } from "../i18n";

export const ALL_OF = "all ";

type Props = { docks: DockItem[]; controllers: Schemas["ControllerItem"][]; whole?: boolean; words?: (name: string) => string };

export function DeviceOptions({ docks, controllers, whole, words = (name) => name }: Props) {
  const ofDocks = docks.map((dock) => <option key={dock.sn} value={dock.sn}>{words(dock.callsign ?? dock.sn)}</option>);
  if (controllers.length === 0) return ofDocks;
  return (
    <>
      {docks.length > 0 && (
        <optgroup label={t.filters.sources.dock}>
          {whole && <option value={`${ALL_OF}dock`}>{t.filters.allDocks}</option>}
          {ofDocks}
        </optgroup>
      )}
      <optgroup label={t.filters.sources.pilot}>
        {whole && <option value={`${ALL_OF}pilot`}>{t.filters.allControllers}</option>}
        {controllers.map(({ sn }) => <option key={sn} value={sn}>{words(sn)}</option>)}
      </optgroup>
    </>
  );
}
