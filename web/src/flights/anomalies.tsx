// What is odd about a flight that a person should know of, each with the way to it.
import { Link } from "wouter";
import type { FlightItem } from "../api/client";
import { t } from "../i18n";
import { useWsPath } from "../shell/context";
import { State } from "../ui/parts";
import { arrivedFiles } from "./summary";

const TASKS_GONE_WRONG = ["rejected", "failed", "canceled", "timeout", "partially_done"] as const;

export function anomalies(flight: FlightItem): { words: string; files?: true }[] {
  const more = flight.expected_file_count === null ? 0 : arrivedFiles(flight) - flight.expected_file_count;
  const task = TASKS_GONE_WRONG.find((one) => one === flight.task_status);
  const found: { words: string; files?: true }[] = [];
  if (flight.troubled_count > 0) found.push({ words: t.flights.troubled(flight.troubled_count), files: true });
  if (task) found.push({ words: t.flights.tasks[task] });
  if (more > 0) found.push({ words: t.flights.moreThanAnnounced(more) });
  if (flight.stored_count > 0 && flight.state === "complete" && !flight.bbox) found.push({ words: t.flights.noPositions });
  return found;
}

export function Anomalies({ flight }: { flight: FlightItem }) {
  const path = useWsPath();
  const found = anomalies(flight);
  if (found.length === 0) return null;
  return (
    <ul className="anomalies" aria-label={t.flights.anomalies}>
      {found.map(({ words, files }) => (
        <li key={words}>
          <State tone="attention">{files ? <Link href={path(`flights/${encodeURIComponent(flight.flight_id)}?files=troubled`)}>{words}</Link> : words}</State>
        </li>
      ))}
    </ul>
  );
}
