// The zone of a list that is narrowed to one dock or flight is that of the dock or flight.
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useSearchParams } from "wouter";
import { docks, flight } from "../api/queries";
import { SiteZone } from "../ui/site";
import { useHere } from "./context";

export function FilteredSite({ children }: { children: ReactNode }) {
  const { ws } = useHere();
  const [search] = useSearchParams();
  const [sn, flight_id] = [search.get("gateway_sn"), search.get("flight_id")];
  const dock = useQuery({ ...docks(ws), enabled: sn !== null }).data?.items.find((one) => one.sn === sn);
  const flown = useQuery({ ...flight(ws, flight_id ?? ""), enabled: Boolean(flight_id) }).data;
  return <SiteZone zone={flown?.time_zone ?? dock?.time_zone} found={flown?.time_zone ? "flight" : "dock"}>{children}</SiteZone>;
}
