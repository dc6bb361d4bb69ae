// All words of the page, in one file a language. `t` is the one in use; changing it draws the page anew.
import { de } from "./de";
import { en, type Texts } from "./en";

export type Language = "en" | "de";
const languages: Record<Language, Texts> = { en, de };
const KEY = "eyrie.language";

function preferred(): Language {
  const chosen = localStorage.getItem(KEY);
  if (chosen === "en" || chosen === "de") return chosen;
  return navigator.language.toLowerCase().startsWith("de") ? "de" : "en";
}

export let language: Language = preferred();
export let t: Texts = languages[language];
document.documentElement.lang = language;

const listeners = new Set<() => void>();

export function setLanguage(next: Language) {
  language = next;
  t = languages[next];
  localStorage.setItem(KEY, next);
  document.documentElement.lang = next;
  listeners.forEach((listener) => listener());
}

export const onLanguage = (listener: () => void) => {
  listeners.add(listener);
  return () => void listeners.delete(listener);
};
