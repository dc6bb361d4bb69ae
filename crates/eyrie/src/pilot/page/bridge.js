// `window.djiBridge`, which DJI Pilot 2 puts into its pages. Every call answers a string of JSON, {code, message, data}; code 0 is
// good, `data` may be a bool, a text, or JSON once more (DJI, "JSBridge").

import { t } from './words.js';

export function hasBridge() {
  return typeof window.djiBridge !== 'undefined' && window.djiBridge !== null;
}

// {code, message, data}, whatever the app does.
export function call(name, ...args) {
  const bridge = window.djiBridge;
  if (!knows(name)) {
    return { code: -1, message: t('{0} is not known to this version of Pilot 2', name), data: null };
  }
  try {
    // called on the bridge itself: the app's methods know no other `this`
    const text = bridge[name](...args);
    // a setter that says nothing was heard; whether it did anything, a later step shows
    if (text === undefined || text === null || text === '') return { code: 0, message: '', data: null };
    const answer = typeof text === 'string' ? JSON.parse(text) : text;
    if (answer && typeof answer === 'object' && typeof answer.code !== 'undefined') {
      return { code: Number(answer.code), message: String(answer.message || ''), data: answer.data };
    }
    return { code: -1, message: t('{0} answered something unexpected', name), data: null };
  } catch (error) {
    return { code: -1, message: name + ': ' + error.message, data: null };
  }
}

export function isTrue(value) {
  return value === true || value === 'true' || value === 1 || value === '1';
}

export function isFalse(value) {
  return value === false || value === 'false' || value === 0 || value === '0';
}

export function knows(name) {
  return hasBridge() && typeof window.djiBridge[name] === 'function';
}

export function asks(name, ...args) {
  const answer = call(name, ...args);
  return answer.code === 0 && isTrue(answer.data);
}

// The app says no in so many words: an error, `{}` or a call that it does not know is no answer.
export function denies(name, ...args) {
  const answer = call(name, ...args);
  return answer.code === 0 && isFalse(answer.data);
}

// A text, or JSON of one.
export function plain(data) {
  if (typeof data === 'number') return String(data);
  if (typeof data !== 'string') return '';
  const words = data.trim();
  if (words.charAt(0) !== '"') return words;
  try { return String(JSON.parse(words)).trim(); } catch (e) { return words; }
}

export function text(name) {
  const answer = call(name);
  return answer.code === 0 ? plain(answer.data) : '';
}

export function isLoaded(component) {
  return asks('platformIsComponentLoaded', component);
}

export function load(component, param) {
  return call('platformLoadComponent', component, JSON.stringify(param));
}

export function unload(...components) {
  components.filter(isLoaded).forEach((name) => call('platformUnloadComponent', name));
}
