// The route table. Every address of the page is here; the server hands out the page for them and for nothing else.
import { MutationCache, QueryCache, QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useState, useEffect } from "react";
import { Redirect, Route, Switch, useLocation, useSearch } from "wouter";
import { Refusal } from "./api/client";
import { session, workspaces } from "./api/queries";
import { askEarly, code } from "./early";
import { onLanguage, t } from "./i18n";
import { Boundary, NoMap } from "./ui/boundary";
import { Await, Failure, Loading, Notice, Toasts } from "./ui/parts";
import { Login } from "./shell/login";
import { FilteredSite } from "./shell/filtered-site";
import { Shell } from "./shell/shell";
import { wsPath } from "./shell/context";
import { Flights } from "./flights/flights";

const FlightPage = lazy(code.flight);
const Gallery = lazy(code.gallery);
const Albums = lazy(code.albums);
const AlbumPage = lazy(code.album);
const Links = lazy(code.links);
const Stranger = lazy(code.stranger);
const Trash = lazy(code.trash);
const Item = lazy(code.item);
const MapPage = lazy(code.map);
const Docks = lazy(code.docks);
const DockPage = lazy(code.dock);
const Admin = lazy(code.admin);

/** A login that is over ends at the login page, whichever request is told so first; links of strangers have none. */
const loggedOut = (error: unknown) => {
  if (error instanceof Refusal && error.status === 401 && location.pathname.startsWith("/w/")) void client.invalidateQueries({ queryKey: session.queryKey });
};

const client: QueryClient = new QueryClient({
  queryCache: new QueryCache({ onError: (error, query) => query.queryKey[0] !== session.queryKey[0] && loggedOut(error) }),
  mutationCache: new MutationCache({ onError: loggedOut }),
  defaultOptions: {
    // "offline" is what browsers call a machine without a network; the server may run on it
    mutations: { networkMode: "always" },
    queries: {
      networkMode: "always",
      staleTime: 15_000,
      retry: (count, error) => !(error instanceof Refusal && error.status >= 400 && error.status < 500) && count < 2,
    },
  },
});

askEarly(client);

export function App() {
  const [, redraw] = useState(0);
  useEffect(() => onLanguage(() => redraw((n) => n + 1)), []);
  return (
    <QueryClientProvider client={client}>
      <Switch>
        <Route path="/login">
          <Login />
        </Route>
        <Route path="/share/:slug">{({ slug }) => <Suspense fallback={<Loading />}><Stranger key={slug} slug={slug} /></Suspense>}</Route>
        <Route path="/w/:ws/*?">{({ ws }) => <Workspace ws={ws} />}</Route>
        <Route path="/">
          <Home />
        </Route>
        <Route>
          <Notice title={t.errors.notFound}>{t.errors.notFoundHelp}</Notice>
        </Route>
      </Switch>
      <Toasts />
    </QueryClientProvider>
  );
}

/** To the workspace that was open last, or the first one. */
function Home() {
  const login = useLogin();
  const list = useQuery({ ...workspaces, enabled: login.isSuccess });
  if (!login.isSuccess) return login.shown;
  return (
    <Await query={list} loading={null}>
      {() => {
        const names = list.data?.items.map((one) => one.name) ?? [];
        const last = localStorage.getItem("eyrie.workspace");
        const name = last && names.includes(last) ? last : names[0];
        return name ? <Redirect to={wsPath(name, "flights")} replace /> : <Notice title={t.errors.noWorkspace}>{t.errors.noWorkspaceHelp}</Notice>;
      }}
    </Await>
  );
}

/** Who is logged in; to the login page, and back afterwards, when nobody is. */
function useLogin() {
  const query = useQuery(session);
  const [path] = useLocation();
  const search = useSearch();
  if (query.isSuccess) return { isSuccess: true as const, session: query.data };
  if (query.error instanceof Refusal && query.error.status === 401) {
    const next = path === "/" ? "" : `?next=${encodeURIComponent(path + (search ? `?${search}` : ""))}`;
    return { isSuccess: false as const, shown: <Redirect to={`/login${next}`} replace /> };
  }
  const shown = query.isError ? <Failure error={query.error} retry={() => void query.refetch()} /> : null;
  return { isSuccess: false as const, shown };
}

function Workspace({ ws }: { ws: string }) {
  const login = useLogin();
  const [path] = useLocation();
  useEffect(() => localStorage.setItem("eyrie.workspace", ws), [ws]);
  if (!login.isSuccess) return login.shown;
  return (
    <Shell key={ws} ws={ws} session={login.session}>
      <Boundary key={path.split("/")[3]}>
        <Suspense fallback={<div className="page"><Loading /></div>}>
          <Switch>
            <Route path="/w/:ws/flights"><FilteredSite><Flights /></FilteredSite></Route>
            <Route path="/w/:ws/flights/:id">{({ id }) => <FlightPage key={id} id={id} />}</Route>
            <Route path="/w/:ws/gallery"><FilteredSite><Gallery /></FilteredSite></Route>
            <Route path="/w/:ws/media/:id">{({ id }) => <FilteredSite><Item id={id} /></FilteredSite>}</Route>
            <Route path="/w/:ws/map"><Boundary fallback={<NoMap />}><FilteredSite><MapPage /></FilteredSite></Boundary></Route>
            <Route path="/w/:ws/albums"><Albums /></Route>
            <Route path="/w/:ws/albums/:id">{({ id }) => <AlbumPage key={id} id={id} />}</Route>
            <Route path="/w/:ws/shares"><Links /></Route>
            <Route path="/w/:ws/docks"><Docks /></Route>
            <Route path="/w/:ws/docks/:sn">{({ sn }) => <DockPage key={sn} sn={sn} />}</Route>
            <Route path="/w/:ws/trash"><Trash /></Route>
            <Route path="/w/:ws/admin/:tab?">{({ tab }) => <Admin tab={tab ?? "users"} />}</Route>
            <Route path="/w/:ws"><Redirect to={wsPath(ws, "flights")} replace /></Route>
            <Route><Notice title={t.errors.notFound}>{t.errors.notFoundHelp}</Notice></Route>
          </Switch>
        </Suspense>
      </Boundary>
    </Shell>
  );
}
