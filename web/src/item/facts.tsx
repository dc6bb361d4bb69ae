// What is known of a file, in words with units; what its own bytes tell comes from the readers and may not be there yet.
import { useQuery } from "@tanstack/react-query";
import { AlertTriangle, Lock } from "lucide-react";
import { Link } from "wouter";
import type { DockItem, MediaDetail, MediaItem } from "../api/client";
import { docks, flight } from "../api/queries";
import { aircraftWord } from "../docks/words";
import { deviceName, flightTitle } from "../flights/summary";
import { t } from "../i18n";
import { useHere, useWsPath } from "../shell/context";
import { bytes, centimetres, coordinates, degrees, exactCoordinates, metres, number } from "../ui/format";
import { useTimes, ZoneNote } from "../ui/site";
import { CopyButton, Moment, State } from "../ui/parts";
import { isUnknown } from "./trouble";

export function Facts({ item }: { item: MediaDetail }) {
  const { dateTimeSeconds } = useTimes();
  const { ws } = useHere();
  const path = useWsPath();
  const flown = useQuery({ ...flight(ws, item.flight_id ?? ""), enabled: item.flight_id !== null });
  const dockList = useQuery(docks(ws));
  const { position, gimbal, corrected_position: solved } = item;
  const camera = cameraWords(item);
  return (
    <div className="facts-panel">
      {isUnknown(item) && <p className="quiet">{t.item.unknown}</p>}
      {item.warnings.length > 0 && !isUnknown(item) && (
        <div className="callout attention">
          <AlertTriangle className="icon" aria-hidden />
          <div>
            <p>{t.item.warnings}</p>
            <ul>{item.warnings.map((warning) => <li key={warning}>{warning}</li>)}</ul>
          </div>
        </div>
      )}
      {item.legal_holds.length > 0 && (
        <div className="callout">
          <Lock className="icon" aria-hidden />
          <p>{t.holds.isOn(item.legal_holds.join(", "))}</p>
        </div>
      )}
      <div>
        <h2 className="break">{item.name}</h2>
        {item.captured_at ? (
          <p><Moment at={item.captured_at} note={foundWords(item)}>{dateTimeSeconds(item.captured_at)}</Moment> <ZoneNote at={item.captured_at} short /></p>
        ) : (
          <p className="quiet">{item.captured_local ? t.item.localTime(item.captured_local) : t.item.noTime}</p>
        )}
        {item.flight_id && (
          <p><Link href={path(`flights/${encodeURIComponent(item.flight_id)}`)}>{flown.data ? flightTitle(flown.data) : t.item.flight}</Link>, {deviceName(dockList.data?.items, item.gateway_sn, item.source)}</p>
        )}
      </div>
      <dl className="facts">
        {position && (
          <Fact label={t.item.place}>
            <span className="num">{coordinates(position.lat, position.lng)}</span>
            <CopyButton text={coordinates(position.lat, position.lng)} label={t.common.copyThat(t.item.place)} />
          </Fact>
        )}
        {position && (position.relative_altitude_m !== null || position.absolute_altitude_m !== null) && (
          <Fact label={t.item.height}>
            {[
              position.relative_altitude_m !== null && t.item.aboveTakeOff(metres(position.relative_altitude_m)),
              position.absolute_altitude_m !== null && t.item.absolute(metres(position.absolute_altitude_m)),
            ].filter(Boolean).join(", ")}
          </Fact>
        )}
        {solved && (
          <Fact label={t.item.corrected}>
            <span className="num">{exactCoordinates(solved.lat, solved.lng)}</span>
            <CopyButton text={exactCoordinates(solved.lat, solved.lng)} label={t.common.copyThat(t.item.corrected)} />
            <p className="quiet small">{correctedWords(solved)}</p>
          </Fact>
        )}
        {gimbal && (gimbal.yaw_deg !== null || gimbal.pitch_deg !== null) && <Fact label={t.item.view}>{viewWords(gimbal)}</Fact>}
        {camera.length > 0 && <Fact label={t.item.camera}>{camera.join(" · ")}</Fact>}
        {rtkWords(item) && <Fact label={t.item.accuracy}>{rtkWords(item)}</Fact>}
        <Fact label={t.item.file}>{[t.kinds.one[item.kind], size(item), item.size_bytes !== null && bytes(item.size_bytes)].filter(Boolean).join(" · ")}</Fact>
        <Fact label={t.item.status}>
          <State tone={item.status === "stored" ? "good" : "failed"}>{t.item.statuses[item.status]}</State>
          {item.processing === "pending" && <State tone="working">{t.item.processing}</State>}
        </Fact>
        <Fact label={t.filters.source}>{sourceWords(item, dockList.data?.items)}</Fact>
        <Fact label={t.item.arrived}><Moment at={item.created_at}>{dateTimeSeconds(item.created_at)}</Moment></Fact>
      </dl>
      <details className="raw">
        <summary>{t.item.raw}</summary>
        <dl className="facts">
          <Fact label={t.item.key}><span className="mono break">{item.object_key}</span></Fact>
          <Fact label="ETag"><span className="mono break">{item.etag}</span></Fact>
        </dl>
        <pre tabIndex={0} aria-label={t.item.raw}>{JSON.stringify(item.metadata, null, 2)}</pre>
      </details>
    </div>
  );
}

function Fact({ label, children }: { label: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** "Fixed · 109.51 m above the ellipsoid · ± 0.8 cm, 0.7 cm, 1.9 cm (north, east, up) · 1.24 m from the position in flight". */
function correctedWords({ quality, std_m, ellipsoid_height_m, moved_m, lever_arm_applied }: NonNullable<MediaDetail["corrected_position"]>): string {
  const qualities = t.item.qualities as Record<string, string>;
  return [
    quality && (qualities[quality] ?? quality),
    t.item.aboveEllipsoid(number(ellipsoid_height_m, 2)),
    std_m && t.item.deviation(std_m.map(centimetres).join(", ")),
    moved_m !== null && t.item.movedBy(number(moved_m, 2)),
    !lever_arm_applied && t.item.ofAntenna,
  ].filter(Boolean).join(" · ");
}

/** "DJI Pilot 2, 5YSZL260N1, aircraft 1581F5BKD225D00" or "Dock Nord". */
const sourceWords = (item: MediaDetail, docks?: DockItem[]) =>
  item.source === "import"
    ? t.filters.sources.import
    : [deviceName(docks, item.gateway_sn, item.source), item.aircraft_sn && t.item.ofAircraft(item.aircraft_sn)].filter(Boolean).join(", ");
/** Where its time is from. */
function foundWords(item: MediaDetail): string | undefined {
  const { captured_at: source } = item.sources as { captured_at?: string };
  return source && t.item.timeFrom((t.item.sources as Record<string, string>)[source] ?? source);
}

const size = (item: MediaItem) => item.width_px && item.height_px && `${item.width_px} × ${item.height_px} px`;

/** "84° down, towards west (268°)": pitch -90 looks straight down, yaw 0 is north and grows clockwise. */
export function viewWords({ yaw_deg: yaw, pitch_deg: pitch }: { yaw_deg: number | null; pitch_deg: number | null }): string {
  const words: string[] = [];
  if (pitch !== null) words.push(Math.abs(pitch) < 2 ? t.item.level : pitch < 0 ? t.item.down(degrees(-pitch)) : t.item.up(degrees(pitch)));
  if (yaw !== null && (pitch === null || pitch > -88)) {
    const turn = ((yaw % 360) + 360) % 360;
    words.push(t.item.towards(t.item.winds[Math.round(turn / 45) % 8] ?? "", degrees(turn)));
  }
  return words.join(", ");
}

type Read = {
  photo?: {
    camera?: { unique_model?: string | null; model?: string | null };
    exposure?: { shutter_s?: number | null; f_number?: number | null; iso?: number | null; focal_length_mm?: number | null };
    rtk?: { solution?: string; std_lat_m?: number | null; std_lng_m?: number | null; std_height_m?: number | null } | null;
  };
};

function cameraWords(item: MediaDetail): string[] {
  const { photo } = item.metadata as Read;
  const { shutter_s: shutter, f_number: f, iso, focal_length_mm: focal } = photo?.exposure ?? {};
  const cameras = t.filters.cameras as Record<string, string>;
  return [
    [photo?.camera?.unique_model ?? photo?.camera?.model ?? aircraftWord(item.drone_model_key), item.camera && (cameras[item.camera] ?? item.camera)].filter(Boolean).join(" "),
    typeof shutter === "number" && shutter > 0 && (shutter < 0.5 ? `1/${number(1 / shutter)} s` : `${number(shutter, 1)} s`),
    typeof f === "number" && `f/${number(f, 1)}`,
    typeof iso === "number" && `ISO ${number(iso)}`,
    typeof focal === "number" && `${number(focal, 1)} mm`,
  ].filter((word): word is string => Boolean(word));
}

function rtkWords(item: MediaDetail): string | null {
  const rtk = (item.metadata as Read).photo?.rtk;
  if (!rtk?.solution) return null;
  const words = (t.item.rtk as Record<string, string>)[rtk.solution] ?? rtk.solution;
  const spread = Math.max(rtk.std_lat_m ?? 0, rtk.std_lng_m ?? 0);
  return spread > 0 ? `${words}, ± ${number(spread * 100, 1)} cm` : words;
}
