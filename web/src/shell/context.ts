// The workspace that is open and who looks at it.
import { createContext, useContext } from "react";
import type { Role, SessionItem } from "../api/client";

export type Here = { ws: string; session: SessionItem };
export const HereContext = createContext<Here | null>(null);

export function useHere(): Here {
  const here = useContext(HereContext);
  if (!here) throw new Error("outside of a workspace");
  return here;
}

const ORDER: Role[] = ["viewer", "operator", "admin"];
export const includes = (session: SessionItem, role: Role) => ORDER.indexOf(session.role) >= ORDER.indexOf(role);
export const isServerAdmin = (session: SessionItem) => session.role === "admin" && session.workspace === null;
export const useMay = (role: Role) => includes(useHere().session, role);
export const wsPath = (ws: string, rest: string) => `/w/${encodeURIComponent(ws)}/${rest}`;
export const useWsPath = () => {
  const { ws } = useHere();
  return (rest: string) => wsPath(ws, rest);
};
