// What a page shows when it breaks: a part that could not be loaded (the server was upgraded), or a fault of ours.
import { CircleAlert } from "lucide-react";
import { Component, type ReactNode } from "react";
import { t } from "../i18n";
import { Notice } from "./parts";

export class Boundary extends Component<{ children: ReactNode; fallback?: ReactNode }, { error: unknown }> {
  state = { error: null as unknown };

  static getDerivedStateFromError(error: unknown) {
    return { error: error ?? new Error("unknown") };
  }

  render() {
    if (this.state.error === null) return this.props.children;
    return (
      this.props.fallback ?? (
        <Notice failed icon={CircleAlert} title={t.errors.broken} action={<button className="button" onClick={() => location.reload()}>{t.errors.reload}</button>}>
          {t.errors.brokenHelp}
        </Notice>
      )
    );
  }
}

/** In a map's place where the browser draws none. */
export function NoMap() {
  return <Notice title={t.map.cannot}>{t.map.cannotHelp}</Notice>;
}
