// What outlives a load of the web view: {token, name, workspace, way, worked, theme, language}. Never the password.

const KEY = 'eyrie.pilot';
let memory = {}; // when storage is refused

export function saved() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) || memory;
  } catch (e) {
    return memory;
  }
}

export function save(change) {
  memory = Object.assign({}, saved(), change);
  try { localStorage.setItem(KEY, JSON.stringify(memory)); } catch (e) { /* kept in memory */ }
}
