// The page's words. English stands in the code and in index.html; German is looked up by it. What has no German is shown in English.

import { GERMAN } from './de.js';
import { saved } from './saved.js';

const wanted = saved().language || navigator.language || 'en';
export const language = String(wanted).toLowerCase().startsWith('de') ? 'de' : 'en';

// `{0}`, `{1}` become the values.
export function t(text, ...values) {
  const found = language === 'de' ? GERMAN[text] : null;
  return values.reduce((words, value, n) => words.split('{' + n + '}').join(String(value)), found || text);
}

// What index.html says; once, before anything is shown.
export function translatePage() {
  document.documentElement.lang = language;
  if (language === 'en') return;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const words = node.data.replace(/\s+/g, ' ').trim();
    if (words && GERMAN[words]) node.data = node.data.replace(/\S[\s\S]*\S|\S/, GERMAN[words]);
  }
  document.querySelectorAll('[aria-label]').forEach((one) => one.setAttribute('aria-label', t(one.getAttribute('aria-label'))));
}
