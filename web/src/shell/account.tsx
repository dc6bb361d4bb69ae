// The menu of the person who is logged in: language, theme, keys, log out.
import { useQueryClient } from "@tanstack/react-query";
import { CircleUser, Keyboard, LogOut, Monitor, Moon, Sun, Trash2 } from "lucide-react";
import { useCallback, useState } from "react";
import { Link, useLocation } from "wouter";
import { api } from "../api/client";
import { language, setLanguage, t, type Language } from "../i18n";
import { setTheme, theme, type Theme } from "../theme";
import { useDismiss } from "../ui/parts";
import { useHere, useWsPath } from "./context";

export function LanguageSwitch() {
  const next: Language = language === "en" ? "de" : "en";
  return (
    <button type="button" className="link" lang={next} onClick={() => setLanguage(next)}>
      {next === "de" ? "Deutsch" : "English"}
    </button>
  );
}

const themes: { value: Theme; icon: typeof Sun }[] = [
  { value: "system", icon: Monitor },
  { value: "light", icon: Sun },
  { value: "dark", icon: Moon },
];

export function Account({ onKeys }: { onKeys: () => void }) {
  const { session } = useHere();
  const path = useWsPath();
  const [open, setOpen] = useState(false);
  const [chosen, setChosen] = useState(theme);
  const [, go] = useLocation();
  const client = useQueryClient();
  const close = useCallback(() => setOpen(false), []);
  const ref = useDismiss(open, close);

  const logOut = async () => {
    await api.DELETE("/api/v1/session").catch(() => undefined);
    client.clear();
    sessionStorage.setItem("eyrie.out", "1");
    go("/login");
  };

  return (
    <div className="anchor" ref={ref}>
      <button className="button plain icon-only" aria-label={t.account.menu} aria-expanded={open} title={session.user ?? t.account.menu} onClick={() => setOpen(!open)}>
        <CircleUser className="icon" aria-hidden />
      </button>
      {open && (
        <div className="popover">
          <p style={{ padding: "4px 10px 8px" }}>
            <strong>{session.user}</strong> <span className="quiet">{t.roles[session.role]}</span>
          </p>
          <div className="themes" role="group" aria-label={t.account.theme}>
            {themes.map(({ value, icon: Glyph }) => (
              <button key={value} className="item" aria-pressed={chosen === value} onClick={() => (setTheme(value), setChosen(value))}>
                <Glyph className="icon" aria-hidden />
                {t.account.themes[value]}
              </button>
            ))}
          </div>
          <hr />
          <div style={{ padding: "6px 10px" }}>
            <LanguageSwitch />
          </div>
          <Link className="item" href={path("trash")} onClick={close}>
            <Trash2 className="icon" aria-hidden />
            {t.trash.title}
          </Link>
          <button className="item" onClick={() => (close(), onKeys())}>
            <Keyboard className="icon" aria-hidden />
            {t.keys.title}
          </button>
          <hr />
          <button className="item" onClick={() => void logOut()}>
            <LogOut className="icon" aria-hidden />
            {t.account.logOut}
          </button>
        </div>
      )}
    </div>
  );
}
